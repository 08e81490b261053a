"""Those servers that the tests have anyway do the bench's job, and take their turns in it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.bench import contestants, rows
from tests.bench.compiled import Programs, build
from tests.bench.contestant import Contestant, Data, Running
from tests.bench.contestants import ACCELERATED, LIMIT, PURE, PURE_TWICE
from tests.bench.generator import Found, Generator
from tests.bench.measure import Bench
from tests.bench.questions import INSIDE
from tests.bench.rounds import Effort, Results, run
from tests.bench.rows import Ask, Asking, Stage

pytestmark = pytest.mark.needs("cc", "taskset")

TRIES = 100
EFFORT = Effort(rounds=1, seconds=0.05, repeats=0, starts=1)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Programs:
    return build(tmp_path_factory.mktemp("programs"))


def stage(programs: Programs, title: str, *names: str) -> Stage:
    """The stage with this title, and these contestants only; so few names that it takes no time."""
    (found,) = (one for one in rows.stages(programs) if one.title == title)
    some = {name: found.contestants[name] for name in names}
    prepare = found.prepare if title == rows.FORWARDING else few
    patient = [replace(row, ask=until_answered(row.ask)) for row in found.rows]
    return replace(found, contestants=some, rows=patient, names=30, questions=300, prepare=prepare)


def until_answered(ask: Ask) -> Ask:
    """Asks again where nobody answered: this machine may stand still for longer than a turn lasts."""

    def asked(asking: Asking) -> Found:
        for _ in range(TRIES):
            if (found := ask(asking)).answers:
                break
        return found

    return asked


def few(asking: Asking) -> Found:
    """All that there is to ask, about once."""
    return asking.ask("--limit", "600", "--timeout", "20000", seconds=60)


def ran(one: Stage, programs: Programs) -> Results:
    results = Results()
    run(one, Generator(programs.generator), EFFORT, results, lambda text: None)
    return results


@pytest.mark.needs("nsd", "unbound", "named", "dnsmasq")
def test_servers_of_their_own_names_give_right_answers_in_both_views(programs: Programs) -> None:
    names = (PURE, ACCELERATED, "NSD", "Unbound", "BIND", "dnsmasq", LIMIT)
    results = ran(stage(programs, rows.HUNDRED, *names), programs)
    assert results.failed == {}
    assert not results.are_wrong
    assert set(results.turns[rows.VIEWS_100]) == set(names)
    assert all(len(turns) == EFFORT.rounds for turns in results.turns[rows.VIEWS_100].values())
    assert all(turn.found.answers for turns in results.turns[rows.TCP].values() for turn in turns)
    assert all(turn.found.latency for turns in results.turns[rows.LATENCY].values() for turn in turns)
    assert set(results.starts[rows.HUNDRED]) == set(names)


@pytest.mark.needs("unbound", "named", "dnsmasq")
def test_forwarders_give_right_answers_from_the_cache_and_without_it(programs: Programs) -> None:
    names = (PURE, "Unbound", "BIND", "dnsmasq")
    results = ran(stage(programs, rows.FORWARDING, *names), programs)
    assert results.failed == {}
    for row in (rows.HIT_LATENCY, rows.MISS_LATENCY):
        assert all(turn.found.latency for turns in results.turns[row].values() for turn in turns)
    assert not results.are_wrong
    for row in (rows.HITS, rows.MISSES):
        assert all(turn.found.answers for turns in results.turns[row].values() for turn in turns)


def test_many_views_and_two_workers(programs: Programs) -> None:
    results = ran(stage(programs, rows.SCALE[10], PURE), programs)
    assert results.failed == {}
    results = ran(stage(programs, rows.OF_WORKERS, PURE, PURE_TWICE), programs)
    assert results.failed == {}
    shares = [turn.found for turn in results.turns[rows.SHARES][PURE_TWICE]]
    assert all(0 < found.answers < found.asked for found in shares)


def test_a_server_that_leaks_takes_no_part(programs: Programs) -> None:
    """Every client is told what those inside are told."""

    def leaks(bench: Bench, data: Data) -> Running:
        data.views = tuple(replace(view, horizon=INSIDE) for view in data.views)
        return contestants.splitdns(pure=True)(bench, data)

    leaking = replace(stage(programs, rows.HUNDRED), contestants={"leaky": Contestant("sh", leaks)})
    results = ran(leaking, programs)
    assert "address" in results.failed["leaky, 100 names"]
    assert results.turns == {}


def test_what_is_not_installed_is_said(programs: Programs) -> None:
    def never(bench: Bench, data: Data) -> Running:
        raise NotImplementedError

    absent = {"X": Contestant("no-such-command", never)}
    results = ran(replace(stage(programs, rows.HUNDRED), contestants=absent), programs)
    assert results.absent == {"X"}

"""What a listener knows, asked as who reads its sockets asks it."""

from __future__ import annotations

import random

import pytest

from splitdns.answer.limits import Limiter, Rates
from splitdns.serve import known as known_module
from splitdns.serve.known import MAX_ANSWER_OCTETS, Known, Ready
from tests.unit.serve.bench import INSIDE, OUTSIDE, STRANGER, TCP, ZONE, Bench, query

WWW = query("www.example.org.")


class World(Bench):
    def __init__(self) -> None:
        super().__init__()
        self.known = Known(self.pipeline, "dns://:53", 1)

    def find(self, wire: bytes = WWW, host: str = INSIDE) -> Ready | None:
        """What is known of a query; it goes its usual way if that is nothing."""
        match, answers, _ = self.known.client(host)
        found = answers.get(wire[2:])
        if found is None and match is not None:
            found = self.known.learn(wire, wire[2:], match, answers, self.pipeline.clock())
        if found is None:
            self.now(wire, host, TCP)
        else:
            found.hits += 1
        return found

    @property
    def learnt(self) -> int:
        return sum(len(answers) for answers in self.known._views.values())


def test_octets_are_learnt_when_they_come_the_second_time() -> None:
    world = World()
    assert world.find() is None
    ready = world.find()
    assert ready is not None
    assert world.find() is ready
    answer = world.now(WWW, transport=TCP)
    assert isinstance(answer, bytes)
    assert ready.head + WWW[:2] + ready.rest == len(answer).to_bytes(2, "big") + answer


@pytest.mark.parametrize(
    "wire",
    [
        query("slow.test.", use_edns=0, payload=900),
        query("slow.test."),
        WWW[:2] + b"\x81" + WWW[3:],
        WWW[:11],
        b"",
    ],
    ids=["a size of its own", "forwarded", "a response", "short", "nothing"],
)
def test_what_no_view_remembers_is_not_learnt(wire: bytes) -> None:
    world = World()
    for _ in range(4):
        assert world.find(wire) is None


def test_who_meets_no_view_is_told_so_by_the_pipeline_each_time() -> None:
    world = World()
    for _ in range(4):
        assert world.find(host=STRANGER) is None


def test_views_do_not_know_each_others_answers() -> None:
    world = World()
    for host in (INSIDE, OUTSIDE, "192.168.7.7"):
        for _ in range(3):
            world.find(query("lost.example.org."), host)
    inside, outside, also = (
        world.find(query("lost.example.org."), host) for host in (INSIDE, OUTSIDE, "192.168.7.7")
    )
    assert inside is also
    assert inside is not None
    assert outside is not None
    assert inside.rest != outside.rest


def test_a_new_snapshot_knows_nothing_and_no_count_is_lost() -> None:
    world = World()
    for _ in range(4):
        world.find()
    world.pipeline.snapshot = world.snapshot(ZONE.replace("198.51.100.1", "198.51.100.77"))
    for _ in range(4):
        ready = world.find()
        assert ready is None or b"\xc6\x33\x64\x4d" in ready.rest
    for _ in range(2):
        world.known.settle()
    assert world.counts.queries == 8


def test_who_may_recurse_is_limited_and_nobody_else_over_tcp() -> None:
    world = World()
    world.pipeline.gate.limiter = Limiter(Rates(responses_per_second=1, queries_per_second=1), random.random)
    _, _, admits = world.known.client(INSIDE)
    assert admits is not None
    assert [admits(INSIDE, 100.0) for _ in range(20)][-1] is False
    assert world.known.client(OUTSIDE)[2] is None
    world.pipeline.gate.limiter.set(Rates())
    assert world.known.client(INSIDE)[2] is None


def test_hosts_that_ask_are_seen_by_the_view_table_in_each_of_its_times() -> None:
    world = World()
    for _ in range(3):
        for _ in range(3):
            world.find()
        assert world.pipeline.snapshot.table.renew() == (INSIDE,)


def test_long_answers_are_not_learnt() -> None:
    world = World()
    short = (MAX_ANSWER_OCTETS - len(query("short.example.org."))) // len("\xc0\x0cAAIITTTTLLDDDD")
    records = {"short": short, "long": short + 1}
    lines = [f"{name} IN A 198.51.{at}.1\n" for name, count in records.items() for at in range(count)]
    world.pipeline.snapshot = world.snapshot("".join(lines))
    for _ in range(4):
        found = {name for name in records if world.find(query(f"{name}.example.org."))}
    assert found == {"short"}


def test_what_is_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "MAX_READY", 5)
    world = World()
    for number in range(40):
        for _ in range(3):
            world.find(query(f"n{number % 8}.example.org."))
        assert world.learnt <= 5
        assert len(world.known._once) <= 5
    world.known.settle()
    assert world.counts.queries == 120

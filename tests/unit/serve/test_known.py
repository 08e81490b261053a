"""What a listener knows, asked as who reads its sockets asks it."""

from __future__ import annotations

import pytest

from splitdns.answer.limits import Rates
from splitdns.serve import known as known_module
from splitdns.serve.known import MAX_ANSWER_OCTETS, Learnt
from splitdns.serve.loop import Ready
from tests.unit.serve.bench import INSIDE, OUTSIDE, TCP, ZONE, Bench, query

WWW = query("www.example.org.")
LONG_WAY = query("www.d2.example.org.")  # there is a DNAME record


class World(Bench):
    def __init__(self) -> None:
        super().__init__()
        self.learnt = Learnt(self.pipeline, "dns://:53", 1, TCP)

    def find(self, wire: bytes = WWW, host: str = INSIDE) -> Ready | None:
        """What is known of a query; it goes its usual way if that is nothing."""
        self.learnt.keep_up()
        match = self.pipeline.snapshot.match(host)
        assert match is not None
        found = self.learnt.ready_for(wire[2:], match.view, self.learnt.of(match.view), self.now_s)
        if found is None:
            self.now(wire, host, TCP)
        else:
            found.hits += 1
        return found

    @property
    def known(self) -> int:
        return sum(len(known) for known in self.learnt._views.values())


def test_octets_are_learnt_when_they_come_the_second_time() -> None:
    world = World()
    assert world.find(LONG_WAY) is None
    ready = world.find(LONG_WAY)
    assert ready is not None
    assert world.find(LONG_WAY) is ready
    assert LONG_WAY[:2] + ready.rest == world.now(LONG_WAY, transport=TCP)


def test_direct_answers_are_given_at_once_and_known_the_second_time() -> None:
    world = World()
    for known in (0, 1, 1):
        ready = world.find()
        assert ready is not None
        assert WWW[:2] + ready.rest == world.now(WWW, transport=TCP)
        assert world.known == known


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
        world.learnt.settle()
    assert world.counts.queries == 8


def test_hits_are_added_up_by_the_portion_and_each_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "PORTION", 2)
    world = World()
    asked = [query(f"n{number}.example.org.") for number in range(5)]
    for wire in asked * 3:
        world.find(wire)
    pauses = 0
    for _ in world.learnt.settling():
        pauses += 1
        for wire in asked:  # some of them have been looked at, some have not
            world.find(wire)
    assert pauses == 2
    assert 15 < world.counts.queries < 25
    world.learnt.settle()
    assert world.counts.queries == 25


def test_clients_are_forgotten_with_their_limits_with_the_hosts_and_when_queries_are_logged() -> None:
    world = World()
    assert world.learnt.keep_up()
    assert not world.learnt.keep_up()
    world.pipeline.gate.limiter.set(Rates())
    assert world.learnt.keep_up()
    world.pipeline.snapshot.table.renew()
    assert world.learnt.keep_up()
    world.pipeline.query_log = lambda _: None
    assert world.learnt.keep_up()
    assert not world.learnt.keep_up()


def test_kinds_of_direct_answers_are_bounded_and_none_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "MAX_ALIKE", 3)
    world = World()
    for number in range(20):
        world.find(query(f"{'n' * number}www.example.org."))
        assert len(world.learnt._alikes) <= 3
    world.learnt.settle()
    assert world.counts.queries == 20


def test_long_answers_are_not_learnt() -> None:
    world = World()
    short = (MAX_ANSWER_OCTETS - len(query("short.example.org."))) // len("\xc0\x0cAAIITTTTLLDDDD")
    records = {"short": short, "long": short + 1}
    lines = [f"{name} IN A 198.51.{at}.1\n" for name, count in records.items() for at in range(count)]
    world.pipeline.snapshot = world.snapshot("".join(lines))
    for _ in range(4):
        for name in records:
            assert world.find(query(f"{name}.example.org.")) is not None  # directly
    assert world.known == 1


def test_what_is_learnt_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_module, "MAX_READY", 5)
    world = World()
    for number in range(40):
        for _ in range(3):
            world.find(query(f"n{number % 8}.example.org."))
        assert world.known <= 5
        assert len(world.learnt._once) <= 5
    world.learnt.settle()
    assert world.counts.queries == 120

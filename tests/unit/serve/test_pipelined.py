"""Batches of messages as a connection reads them, beside the same messages through the pipeline alone."""

from __future__ import annotations

import random

import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Reply
from splitdns.answer.limits import Limiter, Rates
from splitdns.errors import WireError
from splitdns.names import wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve.gate import Gate
from splitdns.serve.pipeline import Outcome, Pending, QueryLogEntry
from splitdns.serve.pipelined import MAX_ANSWERS_OCTETS, Pipelined
from splitdns.wire.cookies import MASTER_OCTETS, Cookies
from splitdns.wire.framing import frame
from splitdns.wire.header import HEADER_OCTETS
from tests.unit.serve.bench import INSIDE, OUTSIDE, STRANGER, TCP, Bench, query
from tests.unit.serve.test_hot import queries, shown

SERVER = "dns://:53"
CLIENTS = (INSIDE, "192.168.7.7", OUTSIDE, STRANGER)
ROOM = 64
UNLIMITED = Rates()
FEW = Rates(responses_per_second=40, queries_per_second=60, window_s=0.5)


class Side(Bench):
    """A pipeline at a standing clock, with something in the forwarder's cache, and a listener of it."""

    def __init__(self, rates: Rates = UNLIMITED) -> None:
        super().__init__()
        known = RRset(wire_from_text("a.test."), Type.A, 60, (b"\xc0\0\2\1",))
        self.forwarder.known[wire_from_text("a.test.")] = Reply(Rcode.NOERROR, (known,))
        limiter, cookies = Limiter(rates, random.Random(1).random), Cookies(bytes(MASTER_OCTETS))
        self.pipeline.gate = Gate(self.counts, limiter, cookies, wall_clock=lambda: 1e9)
        self.pipelined = Pipelined(self.pipeline, SERVER, 1)

    def alone(self, wire: bytes, host: str) -> Outcome:
        return self.pipeline.answer_now(wire, host, TCP, SERVER)

    def one(self, wire: bytes, host: str = INSIDE) -> bytes:
        batch = self.pipelined.answer(frame(wire), host, ROOM)
        return b"".join(batch.answers)[2:]


@pytest.mark.parametrize("rates", [UNLIMITED, FEW], ids=["no limits", "limits"])
def test_the_batch_and_the_pipeline_give_the_same_octets_and_the_same_counts(rates: Rates) -> None:
    chance = random.Random(7)
    made = (wire for wire in queries(chance) if len(wire) >= HEADER_OCTETS)
    often = [next(made) for _ in range(150)]
    batched, alone = Side(rates), Side(rates)
    for _ in range(400):
        host = chance.choice(CLIENTS)
        asked = [
            chance.randbytes(2) + chance.choice(often)[2:] if chance.random() < 0.7 else next(made)
            for _ in range(chance.randrange(1, 40))
        ]
        expected = [alone.alone(wire, host) for wire in asked]
        batch = batched.pipelined.answer(b"".join(map(frame, asked)), host, ROOM)
        answers = b"".join(frame(each) for each in expected if isinstance(each, bytes))
        assert b"".join(batch.answers) == answers
        waiting = [each for each in expected if isinstance(each, Pending)]
        assert [each.asked.wire for each in batch.pending] == [each.asked.wire for each in waiting]
        assert (batch.rest, batch.more) == (b"", False)
        for side in (batched, alone):
            side.now_s += 0.01
    batched.pipelined.settle()
    assert batched.counts.queries > (500 if rates is FEW else 5000)
    assert shown(batched.counts) == shown(alone.counts)


POOL = [
    query("www.example.org.", id=1),
    query("WWW.example.org.", id=2),
    query("big.example.org.", "TXT", id=3, use_edns=0),
    query("nowhere.example.org.", id=4),
    query("www.example.org.", id=5) + bytes(700),
    bytes(HEADER_OCTETS),
]


@settings(deadline=None)
@given(st.lists(st.sampled_from(POOL), max_size=12), st.lists(st.integers(1, 200), min_size=1))
def test_messages_are_answered_however_the_stream_is_cut__rfc7766_8(
    messages: list[bytes], cuts: list[int]
) -> None:
    side, alone = Side(), Side()
    stream = b"".join(map(frame, messages))
    rest, answers, at, turn = b"", b"", 0, 0
    while at < len(stream):
        octets = cuts[turn % len(cuts)]
        batch = side.pipelined.answer(rest + stream[at : at + octets], INSIDE, ROOM)
        assert not batch.more
        answers += b"".join(batch.answers)
        rest, at, turn = batch.rest, at + octets, turn + 1
    assert rest == b""
    expected = [alone.alone(message, INSIDE) for message in messages]
    assert answers == b"".join(frame(each) for each in expected if isinstance(each, bytes))


@pytest.mark.parametrize("message", [b"", b"\0", bytes(HEADER_OCTETS - 1)])
def test_what_is_shorter_than_a_header_is_no_dns_and_counts_stay_right(message: bytes) -> None:
    side, good = Side(), query("www.example.org.")
    for _ in range(2):
        side.one(good)
    with pytest.raises(WireError):
        side.pipelined.answer(frame(good) + frame(message), INSIDE, ROOM)
    side.one(good)
    side.pipelined.settle()
    (traffic,) = side.counts.traffic.values()
    assert sum(traffic.durations.slots) == side.counts.queries == 4


def test_what_comes_often_is_answered_without_the_pipeline(monkeypatch: pytest.MonkeyPatch) -> None:
    side = Side()
    first = [side.one(query("www.d2.example.org.", id=number)) for number in range(3)]
    monkeypatch.setattr(side.pipeline, "answer_now", lambda *_: b"another way")
    assert [side.one(query("www.d2.example.org.", id=number)) for number in range(3)] == first
    assert side.one(query("Www.d2.example.org.", id=1)) == b"another way"


def test_a_query_that_differs_in_one_octet_is_another() -> None:
    side, alone = Side(), Side()
    for good in (query("www.example.org.", id=7), query("www.example.org.", id=7, use_edns=0)):
        for _ in range(3):
            assert side.one(good) == alone.alone(good, INSIDE)
        for at in range(len(good)):
            for bit in (0x01, 0x20, 0x80):
                wire = good[:at] + bytes([good[at] ^ bit]) + good[at + 1 :]
                expected = alone.alone(wire, INSIDE)
                assert side.one(wire) == (expected if isinstance(expected, bytes) else b"")
    side.pipelined.settle()
    assert side.counts.queries == alone.counts.queries


def test_an_answer_over_tcp_is_not_the_one_over_udp() -> None:
    side, asked = Side(), query("big.example.org.", "TXT")
    for _ in range(3):
        udp = side.now(asked)
        assert isinstance(udp, bytes)
        assert not dns.message.from_wire(udp, raise_on_truncation=False).answer
        assert dns.message.from_wire(side.one(asked)).answer


def test_an_answer_is_its_views_own() -> None:
    side, asked = Side(), query("lost.example.org.")
    for _ in range(3):
        assert dns.message.from_wire(side.one(asked, INSIDE)).answer
        assert not dns.message.from_wire(side.one(asked, OUTSIDE)).answer
        assert dns.message.from_wire(side.one(asked, STRANGER)).rcode() == Rcode.REFUSED


def test_who_may_recurse_is_limited_and_nobody_else_over_tcp() -> None:
    side, asked = Side(Rates(responses_per_second=1, queries_per_second=1)), query("www.example.org.")
    rcodes = {
        host: {dns.message.from_wire(side.one(asked, host)).rcode() for _ in range(20)}
        for host in (INSIDE, OUTSIDE)
    }
    assert rcodes == {INSIDE: {Rcode.NOERROR, Rcode.REFUSED}, OUTSIDE: {Rcode.NOERROR}}
    side.pipeline.gate.limiter.set(Rates())
    assert {dns.message.from_wire(side.one(asked)).rcode() for _ in range(20)} == {Rcode.NOERROR}


def test_hosts_that_ask_are_seen_by_the_view_table_in_each_of_its_times() -> None:
    side = Side()
    for _ in range(3):
        for _ in range(3):
            side.one(query("www.example.org."))
        assert side.pipeline.snapshot.table.renew() == (INSIDE,)


def test_no_more_wait_for_upstreams_than_there_is_room_for() -> None:
    side, asked = Side(), query("slow.test.")
    batch = side.pipelined.answer(frame(asked) * 5 + b"\0", INSIDE, 3)
    assert (len(batch.pending), batch.rest, batch.more) == (3, frame(asked) * 2 + b"\0", True)
    batch = side.pipelined.answer(batch.rest, INSIDE, 3)
    assert (len(batch.pending), batch.rest, batch.more) == (2, b"\0", False)


def test_what_a_batch_comes_to_is_bounded() -> None:
    side, asked = Side(), query("big.example.org.", "TXT")
    batch, left = side.pipelined.answer(frame(asked) * 1000, INSIDE, ROOM), 1000
    while batch.more:
        octets = len(b"".join(batch.answers))
        assert MAX_ANSWERS_OCTETS <= octets < MAX_ANSWERS_OCTETS + 1000
        assert len(batch.rest) % len(frame(asked)) == 0
        left = len(batch.rest) // len(frame(asked))
        batch = side.pipelined.answer(batch.rest, INSIDE, ROOM)
    assert 0 < left < 100
    side.pipelined.settle()
    assert side.counts.queries == 1000


def test_whoever_logs_hears_of_every_query() -> None:
    side, asked = Side(), query("www.example.org.")
    log: list[QueryLogEntry] = []
    for _ in range(3):
        side.one(asked)
    side.pipeline.query_log = log.append
    for _ in range(3):
        side.one(asked)
    assert [entry.transport for entry in log] == [TCP] * 3
    assert {entry.response_octets for entry in log} == {len(side.one(asked))}

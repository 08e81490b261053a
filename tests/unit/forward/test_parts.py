"""What is compiled writes the same queries, and reads the same replies; what it cannot read, it hands on."""

from __future__ import annotations

import asyncio
import gc
import random
import select
import socket
import sys
from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import dns.edns
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns import accelerator
from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.asking import Done, Failure
from splitdns.forward.cache import Key
from splitdns.forward.exchange import send_all
from splitdns.forward.failures import Failures
from splitdns.forward.forwarder import Forwarder
from splitdns.forward.health import Health
from splitdns.forward.parts import COMPILED, PARTS, PURE, Parts
from splitdns.forward.plain import read
from splitdns.forward.query import Manner, Question, make_query
from splitdns.forward.readers import Callbacks, Readers
from splitdns.forward.traits import Traits
from splitdns.metrics import DURATION_BUCKETS_S, Counts, Histogram
from splitdns.names import Qname, from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.view import Upstream, UpstreamSet
from splitdns.wire.header import HEADER_OCTETS
from tests.unit.forward.test_plain import OTHERS, PLAIN, mutated, with_options

NAME = from_text("www.example.org.")
END = HEADER_OCTETS + len(NAME) + 4
UPSTREAM = Upstream("192.0.2.1")
UPSTREAMS = UpstreamSet((UPSTREAM,))

pytestmark = pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")


def test_the_parts_are_those_that_the_accelerator_says() -> None:
    assert PARTS is (COMPILED if accelerator.RUNS else PURE)


times = st.floats(0, 20, allow_subnormal=False)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(times, times), max_size=12))
def test_pulses_are_the_same(beats: list[tuple[float, float]]) -> None:
    assert COMPILED is not None
    pure, compiled = PURE.pulse(), COMPILED.pulse()
    names = [field.name for field in fields(pure)]
    for asked_s, trip_s in beats:
        assert [getattr(compiled, name) for name in names] == [getattr(pure, name) for name in names]
        for pulse in (pure, compiled):
            pulse.beat(asked_s, asked_s + trip_s)
    assert [getattr(compiled, name) for name in names] == [getattr(pure, name) for name in names]
    for failures in range(4):
        pure.failures = compiled.failures = failures
        assert compiled.is_down is pure.is_down


class Clock:
    now_s = 7.0

    def __call__(self) -> float:
        return self.now_s


class Bench:
    """Just enough around one question on its way."""

    def __init__(self, parts: Parts, random: random.Random) -> None:
        self.ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for sock in (self.ours, self.theirs):
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        self.looked: list[bytes] = []
        self.landed: list[Reply | Exception] = []
        port = SimpleNamespace(
            sock=self.ours, descriptor=self.ours.fileno(), upstream=UPSTREAM, asked=1, opened_s=7.0
        )
        self.callbacks: Callbacks = {}
        self.unsent: list[Any] = []
        self.slots: dict[int, dict[object, None]] = {}
        readers = SimpleNamespace(
            loop=None, closed=False, callbacks=self.callbacks, add=self.callbacks.__setitem__
        )
        self.leaving: dict[tuple[bytes, int], Upstream] = {}
        loops = SimpleNamespace(
            under_way=self.leaving,
            leave=lambda spelled, qtype, to: self.leaving.__setitem__((spelled, qtype), to),
            arrive=lambda spelled, qtype: self.leaving.pop((spelled, qtype), None),
        )
        exchanger = SimpleNamespace(
            readers=readers,
            deadlines=SimpleNamespace(slots=self.slots, slot=lambda _: self.slots.setdefault(0, {})),
            ports=SimpleNamespace(
                take=lambda *_: port,  # the compiled one looks for itself
                open=lambda *_: port,
                give_back=lambda *_: None,
                see_to=lambda *_: None,
                drop=lambda _: None,
                readers=readers,
                random=random,
                page=None,
                idle={},
                idle_count=0,
                sweeping=None,
            ),
            unsent=self.unsent,
            flush_soon=lambda: None,
            leave=lambda to, wire, sender: self.unsent.append((to.sock, wire, sender)),
            loops=loops,
            random=random,
            known=SimpleNamespace(traits={}),
        )
        under_way: set[object] = set()
        self.clock = Clock()
        self.counted: list[tuple[Upstream, Reply, float]] = []
        self.durations: dict[tuple[Upstream, int], Histogram] = {}
        upstreams = SimpleNamespace(
            under_way=under_way,
            clock=self.clock,
            said=lambda *said: self.counted.append(said),
            durations=lambda *of: self.durations.setdefault(of, Histogram(len(DURATION_BUCKETS_S))),
        )
        self.relay = SimpleNamespace(
            exchanger=exchanger,
            upstreams=upstreams,
            health=Health(parts.pulse),
            patience_s=4.5,
            buffer=memoryview(bytearray(65_535)),
            look=lambda _, wire: self.looked.append(wire),
        )
        self.make, self.make_usual = parts.relayed(self.relay)  # type: ignore[arg-type]
        self.loop = SimpleNamespace(time=lambda: 8.0)
        self.epoll = select.epoll()
        self.epoll.register(self.ours, select.EPOLLIN)

    def ask(self, question: Question, traits: Traits) -> Any:
        loop: Any = self.loop
        relayed = self.make(question, UPSTREAMS, UPSTREAM, traits, self.landed.append, loop, 7.0, 0.4)
        relayed.send()
        return relayed

    def close(self) -> None:
        self.epoll.close()
        self.ours.close()
        self.theirs.close()


labels = st.binary(min_size=1, max_size=20).map(bytes.lower).map(lambda label: bytes((len(label),)) + label)
names = st.lists(labels, max_size=5).map(lambda parts: Qname(b"".join(parts) + b"\0"))
questions = st.builds(Question, names, st.integers(0, 65_535), st.booleans(), st.booleans())


@settings(max_examples=200, deadline=None)
@given(questions, st.sampled_from((b"", bytes(range(8)), b"s" * 32)), st.integers(0, 9))
def test_the_queries_are_the_same(question: Question, server_cookie: bytes, seed: int) -> None:
    assert COMPILED is not None
    traits = Traits(b"8 octets", server_cookie)
    manner = Manner(cookie=b"8 octets" + server_cookie)
    for parts in (PURE, COMPILED):
        bench = Bench(parts, random.Random(seed))
        try:
            relayed = bench.ask(question, traits)
            wire = make_query(question, random.Random(seed), manner).wire
            assert relayed.wire == wire
            assert bench.unsent == [(bench.ours, wire, relayed)]
            assert bench.leaving == {(wire[12 : 12 + len(question.name)], question.qtype): UPSTREAM}
            assert list(bench.slots.values()) == [{relayed: None}]
            assert relayed.let_go() is not None
            assert (relayed.let_go(), bench.leaving) == (None, {})
        finally:
            bench.close()


def compiled_reading(wire: bytes, do: bool, traits: Traits) -> tuple[Reply | None, bytes]:
    """What is read of a response, whose id and question become right; or else what was handed on."""
    assert COMPILED is not None
    bench = Bench(COMPILED, random.Random(1))
    try:
        qtype = int.from_bytes(wire[END - 4 : END - 2], "big")
        relayed = bench.ask(Question(NAME, qtype, do), traits)
        sent = relayed.wire[:2] + wire[2:HEADER_OCTETS] + relayed.wire[HEADER_OCTETS:END] + wire[END:]
        bench.theirs.send(sent)
        relayed()
        assert len(bench.landed) + len(bench.looked) == 1
        if bench.looked:
            assert (bench.looked, bench.landed) == ([sent], [])
            return None, sent
        (reply,) = bench.landed
        assert isinstance(reply, Reply)
        return reply, sent
    finally:
        bench.close()


@pytest.mark.parametrize("do", [False, True])
@pytest.mark.parametrize("kind", PLAIN)
def test_what_nearly_every_response_says_is_read(kind: str, do: bool) -> None:
    reply, _ = compiled_reading(PLAIN[kind], do, Traits(b"8 octets"))
    assert reply is not None


@settings(max_examples=600, deadline=None)
@given(mutated(), st.booleans())
@example(PLAIN["address"] + b"more", False)
@example(PLAIN["address"][:-1], False)
@example(PLAIN["no name"][:-12], False)
def test_whatever_is_read_is_what_is_read_in_python(wire: bytes, do: bool) -> None:
    traits = Traits(b"8 octets")
    reply, sent = compiled_reading(wire, do, traits)
    plain = read(sent, END, NAME, int.from_bytes(wire[END - 4 : END - 2], "big"), do)
    if reply is None:
        assert not traits.knows_edns
        return
    assert plain is not None
    assert reply == plain.reply
    assert [type(rrset.rdtype) for rrset in reply.answer] == [int] * len(reply.answer)
    assert traits.knows_edns is (plain.cookie is not None)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 20), max_size=5), st.sampled_from(("address", "no name")))
def test_durations_are_counted_as_in_python(durations_s: list[float], kind: str) -> None:
    assert COMPILED is not None
    bench = Bench(COMPILED, random.Random(1))
    pulse, counted = bench.relay.health.pulses.setdefault(UPSTREAM, COMPILED.pulse()), Histogram(16)
    for duration_s in durations_s:
        relayed = bench.ask(Question(NAME, Type.A), Traits(b"8 octets"))
        bench.clock.now_s += duration_s
        relayed.land(Reply(3 if kind == "no name" else 0))
        counted.observe(bench.clock.now_s - relayed.asked_s)
    assert bench.counted == []
    if durations_s:
        found = bench.durations[UPSTREAM, 3 if kind == "no name" else 0]
        assert (found.slots, found.total, pulse.heard_s) == (counted.slots, counted.total, bench.clock.now_s)
    pulse.failures = 1
    relayed = bench.ask(Question(NAME, Type.A), Traits(b"8 octets"))
    relayed.land(Reply(0))
    assert bench.counted == [(UPSTREAM, Reply(0), relayed.asked_s)]
    bench.close()


@pytest.mark.parametrize("kind", OTHERS)
def test_everything_else_is_handed_on(kind: str) -> None:
    assert compiled_reading(OTHERS[kind], False, Traits(b"8 octets"))[0] is None


@pytest.mark.parametrize(
    ("cookie", "known", "read"),
    [
        (b"", b"", True),
        (b"", b"server's", False),
        (b"8 octetsserver's", b"", True),
        (b"8 octetsanother's", b"server's", True),
        (b"not oursserver's", b"", False),
    ],
)
def test_a_cookie_has_to_be_ours__semantics_17(cookie: bytes, known: bytes, read: bool) -> None:
    options = [dns.edns.GenericOption(10, cookie)] if cookie else []
    traits = Traits(b"8 octets", known)
    reply, _ = compiled_reading(with_options(PLAIN["address"], *options), False, traits)
    assert (reply is not None) is read
    assert traits.server_cookie == (cookie[8:] if read else known)


@pytest.mark.parametrize("flip", [0, 1, HEADER_OCTETS + 1, END - 3, END - 1])
def test_only_what_comes_back_to_the_letter_is_read__semantics_17(flip: int) -> None:
    assert COMPILED is not None
    bench = Bench(COMPILED, random.Random(1))
    relayed = bench.ask(Question(NAME, Type.A), Traits(b"8 octets"))
    like = PLAIN["address"]
    wire = bytearray(relayed.wire[:2] + like[2:12] + relayed.wire[12:END] + like[END:])
    wire[flip] ^= 0x20
    bench.theirs.send(wire)
    relayed()
    assert (bench.looked, bench.landed) == ([bytes(wire)], [])
    bench.close()


def test_an_error_of_the_socket_is_told() -> None:
    assert COMPILED is not None
    bench = Bench(COMPILED, random.Random(1))
    relayed = bench.ask(Question(NAME, Type.A), Traits(b"8 octets"))
    failed: list[OSError] = []
    bench.relay.fail = lambda _, error: failed.append(error)
    bench.ours.close()
    relayed()
    assert (type(failed[0]), failed[0].errno) == (OSError, 9)
    bench.close()


ADDRESS = RRset(NAME, 1, 300, (bytes(4),))
OUTCOMES: dict[str, Any] = {
    "address": Reply(0, (ADDRESS,)),
    "no name": Reply(Rcode.NXDOMAIN, soa=RRset(NAME, Type.SOA, 60, (bytes(22),))),
    "for now only": Reply(0, (RRset(NAME, 1, 0, (bytes(4),)),)),
    "servfail": Reply(Rcode.SERVFAIL),
    "silence": Failure("no answer"),
    "error": UpstreamError("too many"),
}


@pytest.mark.parametrize("trouble", ["", "flush", "failure", "bug"])
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_what_a_flight_brings_is_learnt_as_in_python(outcome: str, trouble: str) -> None:
    key = Key("lan", UPSTREAMS, NAME, 1)

    async def learnt(parts: Parts) -> tuple[Any, ...]:
        counts, landed = Counts(), list[Any]()
        forwarder = Forwarder(counts, clock=Clock(), parts=parts)
        learn = forwarder._learner(key, forwarder.flushes, landed.append)
        if trouble == "failure":
            forwarder._failures.note(key, Reply(Rcode.SERVFAIL), False, 6.0)
        if trouble == "flush":
            forwarder.flush()
        if trouble == "bug":
            forwarder.set_limits(None)  # type: ignore[arg-type]
        learn(OUTCOMES[outcome])
        learn(OUTCOMES["address"])
        await forwarder.close(0)
        told = [type(one) if isinstance(one, Exception) else one for one in landed]
        counts.settle()
        return told, repr(forwarder._cache.names), repr(forwarder._failures.kept), counts.gauges

    assert COMPILED is not None
    assert asyncio.run(learnt(COMPILED)) == asyncio.run(learnt(PURE))


def test_nothing_is_left_behind() -> None:
    """Of all that is compiled; what is made and not given back shows as blocks of memory."""
    assert COMPILED is not None
    native = accelerator.NATIVE
    assert native is not None
    bench, traits = Bench(COMPILED, random.Random(1)), Traits(b"8 octets")
    flown: list[Any] = []
    counts = Counts()

    def fly(_: Key, landed: Done) -> Any:
        flown.append(landed)
        return SimpleNamespace()

    flights = COMPILED.flights(counts, fly, bench.clock)
    cache, drawing = COMPILED.cache(counts), COMPILED.drawing()
    told: list[object] = []
    learns = SimpleNamespace(flushes=0, learn=lambda *_: None)
    learner = COMPILED.learner(learns, Failures(), cache, bench.clock)
    bench.relay.health.pulses[UPSTREAM] = COMPILED.pulse()

    def once(number: int) -> None:
        name = from_text(f"host{number % 10}.example.org.")
        for response in (PLAIN["address"], PLAIN["no name"], PLAIN["no data"]):
            qtype = int.from_bytes(response[END - 4 : END - 2], "big")
            relayed = bench.ask(Question(NAME, qtype, bool(number % 2)), traits)
            wire = relayed.wire[:2] + response[2:HEADER_OCTETS] + relayed.wire[HEADER_OCTETS:END]
            bench.theirs.send(wire + response[END:])
            native.drain(bench.epoll.fileno(), bench.callbacks)
        bench.ask(Question(NAME, 1), traits).let_go()
        key = Key("lan", UPSTREAMS, name, 1)
        reply = Reply(0, (RRset(name, 1, 300, (bytes(4), b"abcd")),))
        flights.wait(flights.begin(key), b"client", None, told.append)
        flown.pop()(reply)
        cache.remember(key, reply, 1.0)
        cache.forget(lambda *_: True)
        learner(key, 0, told.append)(reply)
        learner(key, 1, told.append)(reply)
        cache.forget(lambda *_: True)
        query = bytes(5) + b"\1" + bytes(6) + name + b"\0\1\0\1"
        asked = native.key(query, "udp", 1232)
        assert native.joined(reply, query, asked, 0x8180, b"", 512, None) is not None
        assert native.joined(reply, query, asked, 0x8180, b"", 12, lambda _: False) is None
        assert drawing.page is not None
        drawing.page.randbytes(99)
        everything: list[list[Any]] = [bench.unsent, bench.landed, bench.looked, told]
        for done in everything:
            done.clear()

    def blocks(times: int) -> int:
        for number in range(times):
            once(number)
        gc.collect()
        return sys.getallocatedblocks()

    before = blocks(100)
    assert blocks(1000) - before < 500  # of one thing that is left behind each time there would be 1000
    bench.close()


@pytest.mark.parametrize("send", [send_all, COMPILED and COMPILED.send_all], ids=["pure", "compiled"])
def test_what_cannot_be_sent_costs_none_of_the_others(send: Any) -> None:
    (one, to_one), (two, to_two) = (socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
    closed = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    closed.close()
    told: list[tuple[int, type[OSError], int | None]] = []

    class Sender:
        def __init__(self, number: int) -> None:
            self.number = number

        def fail(self, error: OSError) -> None:
            told.append((self.number, type(error), error.errno))

    to_two.close()
    send([(closed, b"a", Sender(1)), (two, b"b", Sender(2)), (one, b"c", Sender(3))])
    assert told == [(1, OSError, 9), (2, ConnectionRefusedError, 111)]
    assert to_one.recv(9) == b"c"
    for sock in (one, to_one, two):
        sock.close()


@pytest.mark.parametrize("parts", [PURE, COMPILED], ids=["pure", "compiled"])
def test_who_was_removed_before_its_turn_is_not_called(parts: Parts) -> None:
    async def main() -> None:
        readers = Readers(parts.drain)
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2)]
        called: list[int] = []

        def call(number: int) -> None:
            called.append(number)
            readers.remove(pairs[1 - number][0].fileno())

        readers.add(pairs[0][0].fileno(), lambda: call(0))
        readers.add(pairs[1][0].fileno(), lambda: call(1))
        for _, theirs in pairs:
            theirs.send(b"x")
        await asyncio.sleep(0.01)
        assert len(set(called)) == 1
        readers.close()
        for pair in pairs:
            for sock in pair:
                sock.close()

    asyncio.run(main())

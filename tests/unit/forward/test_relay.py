"""The plain ways of a question, and the general one: the same octets, counts and lessons, whatever comes."""

from __future__ import annotations

import asyncio
import errno
import random
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import dns.edns
import dns.message
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.forward.forwarder import Forwarder
from splitdns.forward.parts import COMPILED, PURE, Parts
from splitdns.forward.relay import Relay, Relayed
from splitdns.metrics import FORWARD_UNWANTED, Counts
from splitdns.records import Type
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Strategy, Upstream, UpstreamSet
from splitdns.wire.message import Transport
from tests import clock
from tests.build import view
from tests.upstreams import answer
from tests.ways import the_general_way_only

SOA = "example.org. 3600 SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 300"
ONE, OTHER = Upstream("192.0.2.1"), Upstream("192.0.2.2")
SETS = {
    "one": UpstreamSet((ONE,)),
    "two": UpstreamSet((ONE, OTHER)),
    "brief": UpstreamSet((ONE, OTHER), timeout_s=0.1),
    "fastest": UpstreamSet((ONE, OTHER), strategy=Strategy.FASTEST),
    "parallel": UpstreamSet((ONE, OTHER), strategy=Strategy.PARALLEL),
}

compiled = pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")

Made = Callable[[dns.message.Message], bytes]
Event = tuple[float, Made]  # so long after the query, this comes


class Scripted:
    """Upstreams over socket pairs: the n-th query meets the n-th list of events; the last one stays.

    ``apart``: the n-th of each question. Then it is the same in whichever order several leave at one moment.
    """

    def __init__(
        self, script: list[list[Event]], unreachable: frozenset[str] = frozenset(), apart: bool = False
    ) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self._script = script
        self._unreachable = unreachable
        self._apart = apart
        self._met: Counter[object] = Counter()
        self._theirs: list[socket.socket] = []

    def datagram(self, upstream: Upstream) -> socket.socket:
        if upstream.host in self._unreachable:
            self.sent.append((upstream.host, b""))
            raise OSError(errno.ENETUNREACH, "Network is unreachable")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for sock in (ours, theirs):
            sock.setblocking(False)
        self._theirs.append(theirs)
        asyncio.get_running_loop().add_reader(theirs, self._react, upstream, theirs)
        return ours

    async def stream(self, _: Upstream) -> socket.socket:
        raise ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")

    def _react(self, upstream: Upstream, theirs: socket.socket) -> None:
        wire = theirs.recv(4096)
        query = dns.message.from_wire(wire)
        whose = (query.question[0].rdtype, query.ednsflags) if self._apart else None
        events = self._script[min(self._met[whose], len(self._script) - 1)]
        self._met[whose] += 1
        self.sent.append((upstream.host, wire))
        for number, (after_s, make) in enumerate(events):
            # One after the other: what comes at the same moment is read in any order.
            asyncio.get_running_loop().call_later(after_s + number * 1e-4, self._send, theirs, make(query))

    def _send(self, theirs: socket.socket, wire: bytes) -> None:
        try:
            theirs.send(wire)
        except OSError:  # given up
            return

    def close(self) -> None:
        for sock in self._theirs:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()


def address(query: dns.message.Message) -> bytes:
    return answer(query, f"{query.question[0].name} 300 A 198.51.100.1")


def says(*records: str, **more: Any) -> Made:
    return lambda query: answer(query, *records, **more)


def with_options(make: Made, *options: Callable[[bytes], dns.edns.Option]) -> Made:
    """The response with options made of our cookie."""

    def made(query: dns.message.Message) -> bytes:
        cookie = next((option.to_wire() or b"" for option in query.options if option.otype == 10), b"")
        message = dns.message.from_wire(make(query))
        message.use_edns(0, options=[option(cookie) for option in options])
        return message.to_wire()

    return made


def changed(make: Made, at: int, to: Callable[[int], int]) -> Made:
    def made(query: dns.message.Message) -> bytes:
        wire = bytearray(make(query))
        wire[at % len(wire)] = to(wire[at % len(wire)]) & 0xFF
        return bytes(wire)

    return made


KINDS: dict[str, Made] = {
    "address": address,
    "addresses": says("www.example.org. 300 A 198.51.100.1", "www.example.org. 60 A 198.51.100.2"),
    "ttl 0": says("www.example.org. 0 A 198.51.100.1"),
    "inside": says("www.example.org. 300 A 192.168.1.1", "www.example.org. 300 A 198.51.100.1"),
    "no name": says(rcode="NXDOMAIN", authority=[SOA]),
    "no data": says(authority=[SOA]),
    "alias": says("www.example.org. 300 CNAME a.example.net.", "a.example.net. 60 A 198.51.100.1"),
    "alias alone": says("www.example.org. 300 CNAME www.example.org."),
    "nothing": says(),
    "servfail": says(rcode="SERVFAIL"),
    "refused": says(rcode="REFUSED"),
    "formerr": says(rcode="FORMERR"),
    "referral": says(authority=["example.org. 300 NS ns1.example.org."]),
    "truncated": says(truncated=True),
    "cookie": with_options(address, lambda cookie: dns.edns.GenericOption(10, cookie[:8] + b"server's")),
    "other cookie": with_options(address, lambda _: dns.edns.GenericOption(10, b"somebody" + b"server's")),
    "extended error": with_options(says(rcode="SERVFAIL"), lambda _: dns.edns.EDEOption(6, "bogus")),
    "note": with_options(address, lambda _: dns.edns.EDEOption(4, "forged")),
    "id": changed(address, 0, lambda octet: octet ^ 1),
    "case": changed(address, 13, lambda octet: octet ^ 0x20),
    "question": changed(address, 13, lambda octet: octet ^ 3),
    "query": changed(address, 2, lambda octet: octet & 0x7F),
    "no question": changed(address, 5, lambda _: 0),
    "cut": lambda query: address(query)[:-3],
    "empty": lambda _: b"",
    "long": lambda query: address(query) + bytes(5000),
}

made = st.one_of(
    st.sampled_from(sorted(KINDS)).map(KINDS.__getitem__),
    st.builds(
        lambda kind, at, to: changed(KINDS[kind], at, lambda _: to),
        st.sampled_from(("address", "no name", "cookie", "alias")),
        st.integers(2, 120),
        st.sampled_from((0, 1, 2, 5, 6, 12, 16, 41, 63, 64, 128, 192, 255)),
    ),
)
events = st.lists(st.tuples(st.sampled_from((0.0, 0.03, 0.3, 0.7, 3.0)), made), max_size=3)


def found(
    script: list[list[Event]],
    upstreams: UpstreamSet,
    seed: int = 1,
    unreachable: frozenset[str] = frozenset(),
    limit: int = 1000,
    apart: bool = False,
    parts: Parts = PURE,
) -> tuple[Any, ...]:
    """All that can be seen of some questions and their answers, but for the moments within a turn.

    ``apart``: but for the order of queries, too, and with it for what was drawn for each.
    """

    async def main() -> tuple[Any, ...]:
        loop, counts, network = asyncio.get_running_loop(), Counts(), Scripted(script, unreachable, apart)
        forwarder = Forwarder(
            counts,
            network=network,
            random=random.Random(seed),
            clock=loop.time,
            max_flights=limit,
            parts=parts,
        )
        everyone = view(recursion=True, routes={".": upstreams})
        pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts, clock=loop.time)
        answers: list[tuple[str, float, bytes | None]] = []

        async def ask(name: str, rdtype: str, at_s: float, client: str, **more: Any) -> None:
            await asyncio.sleep(at_s)
            query = dns.message.make_query(name, rdtype, id=len(name), **more).to_wire()
            wire = await pipeline.answer(query, client, Transport.UDP)
            answers.append((f"{name} {rdtype} {at_s} {more}", round(loop.time() - 1000, 2), wire))

        async with asyncio.TaskGroup() as clients:
            for at_s in (0.0, 0.01, 1.0, 8.0):
                clients.create_task(ask("www.example.org.", "A", at_s, "192.168.1.1", use_edns=0))
            clients.create_task(ask("wWw.example.org.", "A", 0.0, "192.168.1.2"))
            # Not at the same moment: of two timers for one, which is the first is nobody's choice either.
            clients.create_task(ask("www.example.org.", "A", 0.011, "192.168.1.3", want_dnssec=True))
            clients.create_task(ask("www.example.org.", "AAAA", 0.023, "192.168.1.3", use_edns=0))
        left = forwarder._upstreams.under_way, forwarder._upstreams.exchanger.loops.under_way
        await asyncio.sleep(10)
        assert [len(each) for each in left] == [0, 0]
        kept = {
            (place[0], place[2], slot): (entry.reply, entry.stored_s, entry.expires_s, entry.hits)
            for place, entries in forwarder._cache.names.items()
            for slot, entry in entries.items()
        }
        traits = {str(one): forwarder._upstreams.exchanger.known.of(one) for one in (ONE, OTHER)}
        await forwarder.close(0)
        network.close()
        histograms = {
            name: (sum(histogram.slots), round(histogram.total, 2))
            for name, histogram in counts.histograms.items()
        }
        counts.settle()
        seen = counts.requests, counts.counters, counts.gauges, histograms
        sent = sorted((host, wire[2:].lower()) for host, wire in network.sent) if apart else network.sent
        return sorted(answers, key=repr), sent, kept, str(traits), seen

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "SETTLING_S", 0.0)  # nothing here is on its way outside of this process
        return clock.run(main())


def every(script: list[list[Event]], *args: Any, **more: Any) -> tuple[Any, ...]:
    plainly = found(script, *args, **more)
    with the_general_way_only():
        generally = found(script, *args, **more)
    for one, other in zip(plainly, generally, strict=True):
        assert one == other
    for parts in (replace(PURE, straight=None), COMPILED):
        if parts is not None:
            otherwise = found(script, *args, **more, parts=parts)
            for one, other in zip(plainly, otherwise, strict=True):
                assert one == other
    return plainly


@pytest.mark.parametrize("upstreams", SETS.values(), ids=SETS)
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_response_comes_to_the_same(kind: str, upstreams: UpstreamSet) -> None:
    every([[(0.0, KINDS[kind])], [(0.01, address)]], upstreams)


@settings(max_examples=120, deadline=None)
@given(st.lists(events, min_size=1, max_size=4), st.sampled_from(sorted(SETS)), st.integers(0, 5))
def test_whatever_comes_it_comes_to_the_same(script: list[list[Event]], upstreams: str, seed: int) -> None:
    every(script, SETS[upstreams], seed, apart=True)


def test_an_upstream_that_cannot_be_reached_comes_to_the_same() -> None:
    every([[(0.0, address)]], SETS["one"], unreachable=frozenset({ONE.host}))
    _, sent, *_ = every([[(0.0, address)]], SETS["two"], unreachable=frozenset({ONE.host}))
    assert {host for host, wire in sent if wire} == {OTHER.host}


def test_who_makes_room_for_others_comes_to_the_same() -> None:
    every([[(0.5, address)]], SETS["two"], limit=1)


@pytest.mark.parametrize("kind", ["id", "case", "question", "query", "other cookie"])
def test_nothing_but_the_response_to_the_letter_is_taken__semantics_17(kind: str) -> None:
    """From an upstream that has shown a cookie; each wrong in one way only, and the right one comes last."""
    true = KINDS["cookie"]
    answers, *_, seen = every([[(0.0, true)], [(0.0, KINDS[kind]), (0.01, true)]], SETS["one"])
    assert all(wire is not None and wire[3] & 0xF == 0 for *_, wire in answers)
    assert any(name == FORWARD_UNWANTED.name for name, _ in seen[1])


@pytest.mark.parametrize("parts", [PURE, pytest.param(COMPILED, marks=compiled)], ids=["pure", "compiled"])
def test_nearly_every_question_goes_the_plain_way(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the tests above cannot pass for another reason."""
    monkeypatch.setattr("splitdns.forward.upstreams.Asking", None)
    monkeypatch.setattr("splitdns.forward.relay.Asking", None)
    looked_at: set[int] = set()
    look = Relay.look

    def looked(relay: Relay, relayed: Relayed, wire: bytes) -> None:
        looked_at.add(relayed.question.qtype)
        look(relay, relayed, wire)

    monkeypatch.setattr(Relay, "look", looked)
    answers, *_ = found([[(0.0, address)]], SETS["two"], parts=parts)
    assert looked_at == ({Type.A} if parts is PURE else {Type.AAAA}), "the first; to which it said A"
    assert all(wire is not None and wire[3] & 0xF == 0 for *_, wire in answers)

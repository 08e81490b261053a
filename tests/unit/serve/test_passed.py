"""Questions that pass, by a way of their own and by the pipeline's: the same octets, and the same counts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from splitdns.answer.decide import Forward, Proof, Reply
from splitdns.errors import UpstreamError
from splitdns.forward.cache import Key
from splitdns.metrics import PANICS, Counts
from splitdns.names import from_text, wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve.parts import PURE
from splitdns.serve.passed import Passed, passes
from splitdns.serve.pipeline import Pipeline, QueryLogEntry
from splitdns.snapshot import Snapshot
from splitdns.view import Policy, Upstream, UpstreamSet, View
from splitdns.wire.message import Transport
from tests.build import view
from tests.unit.serve.bench import query

BACK = (b"name", b"control", 7)
SERVER, CLIENT = "dns://:53", "192.168.1.9"
UPSTREAMS = UpstreamSet((Upstream("192.0.2.53"),))
NAME = from_text("www.example.org.")
ADDRESS = RRset(NAME, Type.A, 300, (b"\xc6\x33\x64\x01",))
INSIDE = RRset(NAME, Type.A, 300, (b"\x0a\0\0\x01",))
ALIAS = RRset(NAME, Type.CNAME, 300, (wire_from_text("other.example.org."),))
SOA_RDATA = wire_from_text("ns.example.org.") + wire_from_text("who.example.org.") + bytes(20)
SOA = RRset(from_text("example.org."), Type.SOA, 300, (SOA_RDATA,))
SIGNATURES = RRset(NAME, Type.RRSIG, 300, (bytes(40),))

REPLIES: dict[str, Reply | Exception] = {
    "address": Reply(0, (ADDRESS,)),
    "addresses": Reply(0, (RRset(NAME, Type.A, 300, tuple(bytes([198, 51, 100, n]) for n in range(9))),)),
    "too many": Reply(0, (RRset(NAME, Type.A, 300, tuple(bytes([198, 51, 100, n]) for n in range(99))),)),
    "inside": Reply(0, (INSIDE,)),
    "alias": Reply(0, (ALIAS, RRset(from_text("other.example.org."), Type.A, 60, (b"\xc6\x33\x64\x07",)))),
    "no such name": Reply(Rcode.NXDOMAIN, soa=SOA),
    "no data": Reply(0, soa=SOA),
    "failure": Reply(Rcode.SERVFAIL, edes=((22, "no upstream answered"),)),
    "signed": Reply(0, (ADDRESS,), proof=Proof((SIGNATURES,))),
    "silence": UpstreamError("nobody there"),
    "bug": ValueError("a bug"),
    "garbage": Reply(0, (RRset(NAME, Type.A, 300, (None,)),)),  # type: ignore[arg-type]
}
KINDS = {
    "plain": {},
    "edns": {"use_edns": 0},
    "dnssec": {"use_edns": 0, "want_dnssec": True},
    "checked by itself": {"use_edns": 0, "flags": 0x0110},
}


class Told:
    """A forwarder that says the same to everybody, later."""

    def __init__(self, replied: Reply | Exception, now: Exception | None = None) -> None:
        self.replied = replied
        self.now = now
        self.spelled: list[bytes] = []

    def ask_now(self, forward: Forward) -> Reply | None:
        return None

    def ask_then(self, forward: Forward, client: str, done: Callable[[Reply | Exception], None]) -> None:
        asyncio.get_running_loop().call_soon(done, self.replied)

    def is_unknown(self, question: Key) -> bool:
        return True

    def relay(
        self, question: Key, spelled: bytes, client: str, done: Callable[[Reply | Exception], None]
    ) -> None:
        if self.now is not None:
            raise self.now
        self.spelled.append(spelled)
        asyncio.get_running_loop().call_soon(done, self.replied)


class Side:
    """A pipeline at a standing clock; inside addresses are not to be told by upstreams."""

    def __init__(self, forwarder: Told) -> None:
        everyone = view(recursion=True, routes={".": UPSTREAMS})
        self.view: View = replace(everyone, policy=Policy(rebinding=True))
        self.counts = Counts()
        self.log: list[QueryLogEntry] = []
        snapshot = Snapshot(1, (self.view,), (), self.view)
        self.pipeline = Pipeline(snapshot, forwarder, self.counts, clock=lambda: 100.0, parts=PURE)

    def passed(self, wire: bytes) -> Passed | None:
        return passes(self.pipeline, wire, CLIENT, SERVER, self.view, 100.0)

    async def answer(self, wire: bytes) -> bytes | None:
        """By the way of its own."""
        passed, answered = self.passed(wire), asyncio.get_running_loop().create_future()
        assert passed is not None
        passed.begin(BACK, lambda back, answer: answered.set_result((back, answer)))
        back, answer = await answered
        assert back is BACK
        return answer  # type: ignore[no-any-return]

    @property
    def seen(self) -> tuple[object, ...]:
        self.counts.settle()
        durations = {path: traffic.durations.slots for path, traffic in self.counts.traffic.items()}
        return self.counts.requests, self.counts.counters, durations


@pytest.mark.parametrize("is_logged", [False, True], ids=["", "logged"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("said", REPLIES)
def test_what_becomes_of_it_is_what_the_pipeline_makes_of_it(said: str, kind: str, is_logged: bool) -> None:
    wire = query("wWw.example.org.", **KINDS[kind])  # type: ignore[arg-type]
    one, other = Side(Told(REPLIES[said])), Side(Told(REPLIES[said]))
    if is_logged:
        for side in (one, other):
            side.pipeline.query_log = side.log.append

    async def both() -> tuple[bytes | None, bytes | None]:
        return await one.answer(wire), await other.pipeline.answer(wire, CLIENT, Transport.UDP, SERVER)

    passed, answered = asyncio.run(both())
    assert passed == answered
    assert answered is not None
    assert one.seen == other.seen
    assert [entry.answer for entry in one.log] == [entry.answer for entry in other.log]
    assert len(one.log) <= is_logged


def test_a_bug_of_who_asks_is_the_end_of_one_query() -> None:
    forwarder = Told(REPLIES["address"], ValueError("a bug"))
    side = Side(forwarder)
    answer = asyncio.run(side.answer(query("www.example.org.")))
    assert answer is not None
    assert answer[3] & 0xF == Rcode.SERVFAIL
    assert side.counts.value(PANICS) == 1


def test_the_name_is_handed_on_as_it_is_spelled() -> None:
    forwarder = Told(REPLIES["address"])
    asyncio.run(Side(forwarder).answer(query("wWw.eXample.org.", use_edns=0)))
    assert forwarder.spelled == [wire_from_text("wWw.eXample.org.")]


@pytest.mark.parametrize(
    "wire",
    [b"short", query("www.example.org.", flags=0), query(".", "NS"), query("www.example.org.")[:-1] + b"\3"],
    ids=["short", "no recursion", "the root", "another class"],
)
def test_what_has_to_be_decided_does_not_pass(wire: bytes) -> None:
    assert Side(Told(REPLIES["address"])).passed(wire) is None


def test_what_is_known_does_not_pass() -> None:
    forwarder = Told(REPLIES["address"])
    forwarder.is_unknown = lambda _: False  # type: ignore[method-assign]
    assert Side(forwarder).passed(query("www.example.org.")) is None

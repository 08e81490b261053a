"""A pipeline with an inside view that recurses and an outside one, over a scripted forwarder."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from ipaddress import ip_network

import dns.message
import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import UpstreamError
from splitdns.forward.cache import Key
from splitdns.metrics import Counts
from splitdns.names import wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.serve.parts import COMPILED, PURE
from splitdns.serve.pipeline import Outcome, Pipeline, QueryLogEntry
from splitdns.snapshot import Manners, Snapshot
from splitdns.view import View
from splitdns.wire.message import Transport
from tests.build import view, zone

UDP, TCP = Transport.UDP, Transport.TCP
INSIDE, OUTSIDE, STRANGER = "192.168.1.9", "198.51.100.9", "203.0.113.9"

compiled = pytest.mark.skipif(COMPILED is None, reason="no accelerator was built")
PARTS = [pytest.param(PURE, id="pure"), pytest.param(COMPILED, id="compiled", marks=compiled)]

ZONE = """
Www  IN A     198.51.100.1
mx   IN MX    10 Www
big  IN TXT   "{0}" "{0}" "{0}"
lost IN A     192.168.9.9
www.d IN A    198.51.100.2
d2   IN DNAME d
""".format("x" * 250)


class Script:
    """A forwarder that says what it is told: ``known`` at once, ``asked`` over the network.

    A reply to a ``held`` name waits for its event.
    """

    def __init__(self) -> None:
        self.known: dict[bytes, Reply] = {}
        self.asked: dict[bytes, Reply | Exception] = {}
        self.held: dict[bytes, asyncio.Event] = {}
        self.waiting = 0

    def ask_now(self, forward: Forward) -> Reply | None:
        return self.known.get(forward.name)

    def ask_then(self, forward: Forward, client: str, done: Callable[[Reply | Exception], None]) -> None:
        self._ask_then(forward.name, done)

    def is_unknown(self, question: Key) -> bool:
        return question.name not in self.known

    def relay(
        self, question: Key, spelled: bytes, client: str, done: Callable[[Reply | Exception], None]
    ) -> None:
        self._ask_then(spelled, done)

    def _ask_then(self, name: bytes, done: Callable[[Reply | Exception], None]) -> None:
        task = asyncio.ensure_future(self.ask(name))
        task.add_done_callback(lambda _: task.cancelled() or done(task.exception() or task.result()))

    async def ask(self, name: bytes) -> Reply:
        self.waiting += 1
        try:
            if (event := self.held.get(name)) is not None:
                await event.wait()
        finally:
            self.waiting -= 1
        reply = self.asked.get(name, UpstreamError("nobody there"))
        if isinstance(reply, Exception):
            raise reply
        return reply


class Bench:
    """A pipeline with an inside view that recurses and an outside one, and its surroundings."""

    def __init__(
        self, manners: Manners | None = None, log: Callable[[QueryLogEntry], None] | None = None
    ) -> None:
        self.manners = manners or Manners()
        self.forwarder = Script()
        self.counts = Counts()
        self.now_s = 100.0
        self.pipeline = Pipeline(
            self.snapshot(ZONE),
            self.forwarder,
            self.counts,
            query_log=log,
            clock=lambda: self.now_s,
            wall_clock=lambda: 1_700_000_000.0,
        )

    def snapshot(self, text: str) -> Snapshot:
        inside: View = view(zone(text), recursion=True)
        outside: View = view(zone(text), horizon=("outside",))
        clients = {
            "192.168.0.0/16": inside,
            "127.0.0.0/8": inside,
            "::1/128": inside,
            "198.51.100.0/24": outside,
            "127.0.0.3/32": outside,
        }
        prefixes = tuple((ip_network(text), view) for text, view in clients.items())
        return Snapshot(1, (inside, outside), prefixes, manners=self.manners)

    def hold(self, name: str) -> asyncio.Event:
        """Let an upstream know ``name``, and wait with its reply for the event."""
        wire = wire_from_text(name)
        self.forwarder.asked[wire] = Reply(Rcode.NOERROR, (RRset(wire, Type.A, 60, (b"\xc0\0\2\1",)),))
        return self.forwarder.held.setdefault(wire, asyncio.Event())

    def now(self, wire: bytes, client: str = INSIDE, transport: Transport = UDP) -> Outcome:
        return self.pipeline.answer_now(wire, client, transport, "dns://:53")

    def ask(self, wire: bytes, client: str = INSIDE, transport: Transport = UDP) -> dns.message.Message:
        answer = asyncio.run(self.pipeline.answer(wire, client, transport))
        assert answer is not None
        return dns.message.from_wire(answer, raise_on_truncation=False)

    @property
    def requests(self) -> list[tuple[str, ...]]:
        """What was counted, as (zone, rcode, plugin), oldest first."""
        return [(key[1], key[7], key[8]) for key in self.counts.requests]


def query(name: str, rdtype: str = "A", **options: object) -> bytes:
    return dns.message.make_query(name, rdtype, **options).to_wire()  # type: ignore[arg-type]

"""Whatever upstreams do, nobody waits long: what ``tests/chaos`` shows, on a clock that steps.

Minutes of trouble take a moment, and how busy this machine is makes no difference.
"""

from __future__ import annotations

import asyncio
import random
import socket
from dataclasses import dataclass

import dns.edns
import dns.message
import dns.rcode
import pytest

from splitdns.forward.forwarder import Forwarder
from splitdns.forward.policy import PATIENCE_S
from splitdns.metrics import PANICS, Counts
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Upstream, UpstreamSet
from splitdns.wire.message import Transport
from tests import clock
from tests.build import view
from tests.chaos.upstream import Faults, answer_to, nonsense

KNOWN = [f"p{number}.chaos.example." for number in range(20)]
PER_SECOND = 10
PHASES = [
    ("drop", Faults(drop=0.6), 30),
    ("late", Faults(late=0.7), 30),
    ("garbage", Faults(garbage=0.6), 30),
    ("all", Faults(drop=0.3, late=0.3, garbage=0.3), 30),
    ("gone", Faults(gone=True), 120),
    ("back", Faults(), 30),
]
RECOVERY_S = 5.0
EXACT_S = 0.01


class Troubled:
    """A network whose upstreams misbehave, over socket pairs; nobody listens on TCP."""

    def __init__(self, chance: random.Random) -> None:
        self.faults = Faults()
        self._chance = chance
        self._sockets: list[socket.socket] = []

    def datagram(self, _: Upstream) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for sock in (ours, theirs):
            sock.setblocking(False)
        self._sockets.append(theirs)
        loop, faults = asyncio.get_running_loop(), self.faults

        def on_query() -> None:
            loop.remove_reader(theirs)
            answer = answer_to(theirs.recv(512))
            if faults.gone or self._chance.random() < faults.drop:
                return
            if self._chance.random() < faults.garbage:
                answer = nonsense(answer, self._chance)
            late_s = self._chance.uniform(0.5, 3.0) if self._chance.random() < faults.late else 0.01
            loop.call_later(late_s, _send, theirs, answer)

        loop.add_reader(theirs, on_query)
        return ours

    async def stream(self, _: Upstream) -> socket.socket:
        raise ConnectionRefusedError("Connection refused")

    def close(self) -> None:
        for sock in self._sockets:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()


def _send(theirs: socket.socket, answer: bytes) -> None:
    try:
        theirs.send(answer)
    except OSError:  # given up
        return


@dataclass
class Seen:
    """One question and its answer."""

    phase: str
    into_s: float
    known: bool
    waited_s: float
    rcode: str
    stale: bool


async def live(seed: int, counts: Counts) -> list[Seen]:
    """Everything that clients saw."""
    loop, chance = asyncio.get_running_loop(), random.Random(seed)
    network = Troubled(chance)
    upstreams = UpstreamSet((Upstream("192.0.2.1"), Upstream("192.0.2.2")))
    everyone = view(recursion=True, routes={".": upstreams})
    forwarder = Forwarder(counts, network=network, clock=loop.time, random=chance)
    pipeline = Pipeline(Snapshot(1, (everyone,), (), everyone), forwarder, counts, clock=loop.time)
    seen: list[Seen] = []

    async def ask(name: str, phase: str, into_s: float) -> None:
        started_s = loop.time()
        query = dns.message.make_query(name, "A", use_edns=0)
        wire = await pipeline.answer(query.to_wire(), "192.168.1.9", Transport.UDP)
        assert wire is not None
        answer = dns.message.from_wire(wire)
        edes = [option.code for option in answer.options if isinstance(option, dns.edns.EDEOption)]
        rcode = dns.rcode.to_text(answer.rcode())
        seen.append(Seen(phase, into_s, name in KNOWN, loop.time() - started_s, rcode, 3 in edes))

    async with asyncio.TaskGroup() as clients:
        for name in KNOWN:
            clients.create_task(ask(name, "calm", 0.0))
        await asyncio.sleep(1)
        for phase, network.faults, seconds in PHASES:
            for number in range(seconds * PER_SECOND):
                rare = f"r{phase}{number}.chaos.example."
                name = rare if chance.random() < 0.2 else chance.choice(KNOWN)
                clients.create_task(ask(name, phase, number / PER_SECOND))
                await asyncio.sleep(1 / PER_SECOND)
    await forwarder.close(0)
    network.close()
    return seen


@pytest.fixture(scope="module", params=range(3))
def seen(request: pytest.FixtureRequest) -> list[Seen]:
    counts = Counts()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "SETTLING_S", 0.0)  # nothing here is on its way outside of this process
        found = clock.run(live(request.param, counts))
    assert counts.value(PANICS) == 0
    return found


def test_nobody_waits_longer_than_the_patience(seen: list[Seen]) -> None:
    assert max(each.waited_s for each in seen) < PATIENCE_S + EXACT_S


def test_what_was_known_is_always_answered__rfc8767_5(seen: list[Seen]) -> None:
    assert [each for each in seen if each.known and each.rcode != "NOERROR"] == []
    assert any(each.stale for each in seen), "and without these it would not be"


def test_new_names_are_mostly_found_all_the_same(seen: list[Seen]) -> None:
    new = [each for each in seen if not each.known and each.phase in ("drop", "late", "garbage", "all")]
    assert sum(each.rcode == "NOERROR" for each in new) > 0.8 * len(new)


def test_all_is_well_soon_after_the_upstreams_are_back(seen: list[Seen]) -> None:
    after = [each for each in seen if each.phase == "back" and each.into_s >= RECOVERY_S]
    assert [each for each in after if each.rcode != "NOERROR" or each.stale] == []

"""The straight way: who goes it, and what becomes of who is met on it. That it gives the same: test_relay."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace

import dns.message
import pytest

from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.cache import Key
from splitdns.forward.flights import DroppedError
from splitdns.forward.forwarder import Forwarder
from splitdns.forward.parts import PURE
from splitdns.forward.straight import Trip
from splitdns.metrics import CACHE_MISSES, CACHE_REQUESTS, FORWARD_COALESCED, FORWARD_DROPS, Counts
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.view import Carrier, Strategy, Upstream, UpstreamSet, Validation
from tests.clock import run
from tests.upstreams import answer

ONE, OTHER = Upstream("192.0.2.1"), Upstream("192.0.2.2")
UPSTREAMS = UpstreamSet((ONE, OTHER))
CLIENT = "192.168.1.1"


class Pairs:
    """A network of socket pairs; what was asked for is answered when ``speak`` says so."""

    def __init__(self) -> None:
        self.is_silent = False
        self.opened: list[socket.socket] = []
        self._theirs: list[socket.socket] = []

    def datagram(self, _: Upstream) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        for sock in (ours, theirs):
            sock.setblocking(False)
        self.opened.append(ours)
        self._theirs.append(theirs)
        asyncio.get_running_loop().add_reader(theirs, self._react, theirs)
        return ours

    async def stream(self, _: Upstream) -> socket.socket:
        raise ConnectionRefusedError

    def _react(self, theirs: socket.socket) -> None:
        query = dns.message.from_wire(theirs.recv(4096))
        if not self.is_silent:
            theirs.send(answer(query, f"{query.question[0].name} 300 A 198.51.100.1"))

    def close(self) -> None:
        for sock in self._theirs:
            asyncio.get_running_loop().remove_reader(sock)
            sock.close()


class Played:
    """A forwarder whose upstream has answered once, and so is known."""

    def __init__(self, limit: int = 8, per_client: int = 4) -> None:
        self.counts, self.network = Counts(), Pairs()
        self.forwarder = Forwarder(
            self.counts,
            network=self.network,
            random=random.Random(1),
            clock=asyncio.get_running_loop().time,
            max_flights=limit,
            max_waits_per_client=per_client,
            parts=PURE,
        )

    def begin(
        self, name: str, upstreams: UpstreamSet = UPSTREAMS, client: str = CLIENT
    ) -> asyncio.Future[Reply | Exception]:
        told: asyncio.Future[Reply | Exception] = asyncio.get_running_loop().create_future()
        wire = from_text(name)
        self.forwarder.relay(Key("lan", upstreams, wire, Type.A), wire, client, told.set_result)
        return told

    async def ask(self, name: str) -> Reply | Exception:
        return await self.begin(name)

    @property
    def trips(self) -> list[bool]:
        """Of all that is on its way, what goes straight."""
        return [isinstance(flight, Trip) for flight in self.forwarder._flights.flights.values()]


def played(main: Callable[[Played], Awaitable[None]], **limits: int) -> None:
    async def play() -> None:
        one = Played(**limits)
        assert isinstance(await one.ask("first.example."), Reply)
        await main(one)
        await one.forwarder.close(0)
        one.network.close()
        left = one.forwarder._upstreams.exchanger
        assert (left.loops.under_way, left.readers.callbacks) == ({}, {})
        assert not one.forwarder._flights.names
        assert not one.forwarder._flights.clients
        assert all(sock.fileno() == -1 for sock in one.network.opened)

    run(play())


def test_it_is_the_way_of_all_but_the_first_question() -> None:
    async def main(one: Played) -> None:
        told = one.begin("www.example."), one.begin("mail.example.")
        assert one.trips == [True, True]
        assert {type(await each) for each in told} == {Reply}
        assert one.trips == []
        assert one.counts.value(CACHE_MISSES, "lan") == one.counts.value(CACHE_REQUESTS, "lan") == 3

    played(main)


@pytest.mark.parametrize(
    "upstreams",
    [
        UpstreamSet((ONE, OTHER), strategy=Strategy.FASTEST),
        UpstreamSet((ONE,), validation=Validation(())),
        UpstreamSet((OTHER, ONE)),
        UpstreamSet((Upstream("192.0.2.1", carrier=Carrier.TCP),)),
    ],
    ids=["not in order", "validated", "not known yet", "over connections"],
)
def test_it_is_not_the_way_of_what_may_take_more(upstreams: UpstreamSet) -> None:
    async def main(one: Played) -> None:
        told = one.begin("www.example.", upstreams)
        assert one.trips == [False]
        await told

    played(main)


def test_it_is_not_the_way_while_an_upstream_is_down() -> None:
    async def main(one: Played) -> None:
        one.forwarder._upstreams.relay.health.down = 1
        told = one.begin("www.example.")
        assert one.trips == [False]
        one.forwarder._upstreams.relay.health.down = 0
        await told

    played(main)


def test_who_asks_the_same_is_told_the_same() -> None:
    async def main(one: Played) -> None:
        told = [one.begin("www.example.", client=client) for client in (CLIENT, CLIENT, "192.168.1.2")]
        assert one.trips == [True]
        replies = [await each for each in told]
        assert replies[0] is replies[1] is replies[2]
        assert one.counts.value(FORWARD_COALESCED) == 2

    played(main)


def test_the_oldest_of_a_client_makes_room__semantics_17() -> None:
    async def main(one: Played) -> None:
        told = [one.begin(f"{number}.example.") for number in range(5)]
        assert isinstance(await told[0], DroppedError)
        assert {type(await each) for each in told[1:]} == {Reply}
        assert one.counts.value(FORWARD_DROPS, "client") == 1

    played(main)


def test_the_oldest_of_all_makes_room() -> None:
    async def main(one: Played) -> None:
        told = [one.begin(f"{number}.example.", client=f"192.168.1.{number}") for number in range(9)]
        assert isinstance(await told[0], DroppedError)
        assert {type(await each) for each in told[1:]} == {Reply}
        assert one.counts.value(FORWARD_DROPS, "all") == 1

    played(main)


def test_who_stops_tells_those_who_wait() -> None:
    async def main(one: Played) -> None:
        one.network.is_silent = True
        told = one.begin("www.example."), one.begin("mail.example.")
        await one.forwarder.close(0)
        assert {type(await each) for each in told} == {DroppedError}
        assert isinstance(await one.ask("late.example."), DroppedError)

    played(main)


def test_silence_is_told_as_such() -> None:
    async def main(one: Played) -> None:
        one.network.is_silent = True
        told = await one.ask("www.example.")
        assert type(told) is UpstreamError

    played(main)


def test_a_bug_in_what_is_kept_is_told_to_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main(one: Played) -> None:
        monkeypatch.setattr(one.forwarder._cache, "remember", None)
        told = [one.begin("www.example.", client=client) for client in (CLIENT, "192.168.1.2")]
        assert {type(await each) for each in told} == {TypeError}

    played(main)


def test_what_is_flushed_meanwhile_is_not_kept() -> None:
    async def main(one: Played) -> None:
        told = one.begin("www.example.")
        one.forwarder.flush()
        assert isinstance(await told, Reply)
        assert len(one.forwarder._cache) == 0

    played(main)


def test_it_can_be_left_out() -> None:
    async def main(one: Played) -> None:
        other = Forwarder(one.counts, network=one.network, parts=replace(PURE, straight=None))
        assert other._straight is None

    played(main)

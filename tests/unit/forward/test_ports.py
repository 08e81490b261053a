"""Sockets towards upstreams: how long one is used, and that nobody can foretell which."""

from __future__ import annotations

import asyncio
import random
import socket
import sys
from collections.abc import Awaitable, Callable

import pytest

from splitdns.forward.parts import COMPILED
from splitdns.forward.ports import MAX_AGE_S, MAX_IDLE, MAX_QUERIES, Port, Ports
from splitdns.forward.readers import Readers
from splitdns.view import Upstream
from tests.clock import run

ONE, OTHER = Upstream("192.0.2.1"), Upstream("192.0.2.2")


class Pairs:
    """A network of socket pairs; ``theirs`` are the far ends, in the same order."""

    def __init__(self) -> None:
        self.opened: list[socket.socket] = []
        self.theirs: list[socket.socket] = []

    def datagram(self, _: Upstream) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        ours.setblocking(False)
        self.opened.append(ours)
        self.theirs.append(theirs)
        return ours

    async def stream(self, upstream: Upstream) -> socket.socket:
        raise NotImplementedError


class Drawn(random.Random):
    """Draws what it is told to, out of so many as can be idle."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number

    def getrandbits(self, bits: int, /) -> int:
        assert 1 << bits >= MAX_IDLE
        return (2 * self.number + 1) * (1 << bits) // (2 * MAX_IDLE)


@pytest.fixture(autouse=True, params=["pure", "compiled"])
def kind(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each test with both kinds."""
    if request.param == "compiled":
        if COMPILED is None:
            pytest.skip("no accelerator was built")
        monkeypatch.setattr(sys.modules[__name__], "Ports", COMPILED.ports)
    return str(request.param)


def played(main: Callable[[Ports, Pairs], Awaitable[None]], drawn: random.Random | None = None) -> Pairs:
    """What ``main`` does with an empty pool; all is closed at the end, by the pool."""

    async def play() -> Pairs:
        network, readers = Pairs(), Readers()
        ports = Ports(network, readers, drawn or Drawn(0))
        await main(ports, network)
        ports.close()
        readers.close()
        for far in network.theirs:
            far.close()
        assert all(sock.fileno() == -1 for sock in network.opened)
        return network

    return run(play())


def now_s() -> float:
    return asyncio.get_running_loop().time()


def used(ports: Ports, upstream: Upstream = ONE) -> Port:
    """A query that is answered."""
    port = ports.take(upstream, now_s())
    ports.give_back(port, now_s())
    return port


def test_what_was_answered_waits_for_another_query() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        first = used(ports)
        assert used(ports) is first
        one, another = ports.take(ONE, now_s()), ports.take(ONE, now_s())
        assert one is first is not another
        ports.drop(one)
        ports.give_back(another, now_s())

    assert len(played(main).opened) == 2


def test_a_socket_is_for_one_upstream_only() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        assert used(ports, ONE) is not used(ports, OTHER)

    played(main)


def test_where_few_are_idle_a_fresh_one_is_likely__semantics_17() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        for _ in range(1000):
            used(ports)

    # One more idle each time that a fresh one was opened: the share of these falls as they become many.
    assert 550 < len(played(main, random.Random(1)).opened) < 700


def test_which_one_is_taken_is_drawn_among_all__semantics_17() -> None:
    drawn = Drawn(0)

    async def main(ports: Ports, network: Pairs) -> None:
        waiting = [ports.take(ONE, now_s()) for _ in range(5)]
        for port in waiting:
            ports.give_back(port, now_s())
        taken = []
        for drawn.number in (3, 0, 2, 2):
            taken.append(ports.take(ONE, now_s()))
        # The last takes the place of the one that was drawn: 0 1 2 4, 4 1 2, 4 1.
        assert taken[:3] == [waiting[3], waiting[0], waiting[2]]
        assert taken[3] not in waiting
        for port in taken:
            ports.drop(port)

    played(main, drawn)


def test_those_that_are_out_are_not_missed__semantics_17(kind: str) -> None:
    if kind == "compiled":
        pytest.skip("it counts them as missing")

    async def main(ports: Ports, network: Pairs) -> None:
        every = [ports.take(ONE, now_s()) for _ in range(MAX_IDLE)]
        for port in every:
            ports.readers.add(port.descriptor, port.stray)
        for port in every[: MAX_IDLE * 3 // 4]:
            ports.give_back(port, now_s())
        again = [used(ports) for _ in range(1000)]
        assert {id(port) for port in again} <= {id(port) for port in every}
        assert len({id(port) for port in again}) > 400
        for port in every[MAX_IDLE * 3 // 4 :]:
            ports.drop(port)

    assert len(played(main, random.Random(1)).opened) == MAX_IDLE


def test_none_is_used_for_more_than_so_many_queries__semantics_17() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        assert len({id(used(ports)) for _ in range(MAX_QUERIES)}) == 1
        used(ports)

    assert len(played(main).opened) == 2


def test_none_is_used_when_it_is_old__semantics_17() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        asked = ports.take(ONE, now_s())
        await asyncio.sleep(MAX_AGE_S)
        ports.give_back(asked, now_s())  # answered late
        assert asked.sock.fileno() == -1
        used(ports)
        ports.drop(ports.take(ONE, now_s() + MAX_AGE_S))

    assert len(played(main).opened) == 3


def test_the_old_are_closed_where_nobody_asks_any_more() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        first = used(ports)
        await asyncio.sleep(MAX_AGE_S / 2)
        drawn.number = 1
        second = used(ports)
        await asyncio.sleep(MAX_AGE_S / 2)
        assert (first.sock.fileno(), second.sock.fileno() == -1) == (-1, False)
        await asyncio.sleep(MAX_AGE_S)
        assert second.sock.fileno() == -1

    drawn = Drawn(0)
    played(main, drawn)


def test_so_many_wait_and_no_more() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        each = MAX_IDLE // 2 + 1
        several = [ports.take(upstream, now_s()) for upstream in (ONE, OTHER) for _ in range(each)]
        for port in several:
            ports.give_back(port, now_s())
        assert [port.sock.fileno() == -1 for port in several] == [False] * MAX_IDLE + [True] * 2

    played(main)


def test_what_comes_to_an_idle_socket_closes_it() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        port = used(ports)
        network.theirs[0].send(b"late, or forged")
        await asyncio.sleep(0.01)
        assert port.sock.fileno() == -1
        assert used(ports) is not port

    played(main)


def test_one_that_is_taken_when_all_is_closed_does_not_stay() -> None:
    async def main(ports: Ports, network: Pairs) -> None:
        port = ports.take(ONE, now_s())
        ports.close()
        readers.close()
        ports.give_back(port, now_s())
        assert port.sock.fileno() == -1

    async def play() -> None:
        await main(Ports(network, readers, random.Random()), network)
        for far in network.theirs:
            far.close()

    network, readers = Pairs(), Readers()
    run(play())

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import dns.message
import dns.rcode
import pytest

from splitdns.metrics import DROPS
from splitdns.serve.datagram import DATAGRAMS_A_TURN, MAX_PENDING, DatagramServer, source_control
from splitdns.serve.parts import COMPILED, PURE
from splitdns.serve.prompt import PromptLoop
from splitdns.serve.sockets import IP_PKTINFO, open_udp
from tests.unit.serve.bench import Bench, compiled, query

WITHIN_S = 60.0

Way = dict[str, Any]  # options of the server
USUAL: Way = {}
DATAGRAM: Way = {"batched": None}
all_ways = pytest.mark.parametrize(
    "way",
    [
        pytest.param({"parts": COMPILED}, id="compiled", marks=compiled),
        pytest.param({"parts": PURE}, id="batch"),
        pytest.param(DATAGRAM, id="datagram"),
    ],
)


@asynccontextmanager
async def serving(
    bench: Bench, sock: socket.socket, way: Way = USUAL, *, max_pending: int = MAX_PENDING
) -> AsyncIterator[DatagramServer]:
    async with asyncio.timeout(WITHIN_S):
        server = DatagramServer(sock, bench.pipeline, max_pending=max_pending, **way)
        server.start()
        yield server
        await server.drain(0)


def run(test: Callable[[], Coroutine[object, object, None]]) -> None:
    with asyncio.Runner(loop_factory=PromptLoop) as runner:
        runner.run(test())


def client(to: str, port: int, source: str | None = None) -> socket.socket:
    """A socket that takes answers from ``to`` only, as clients do."""
    sock = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    sock.setblocking(False)
    if source is not None:
        sock.bind((source, 0))
    sock.connect((to, port))
    return sock


async def ask(to: str, port: int, wire: bytes, source: str | None = None) -> dns.message.Message:
    loop = asyncio.get_running_loop()
    with client(to, port, source) as sock:
        await loop.sock_sendall(sock, wire)
        return dns.message.from_wire(await loop.sock_recv(sock, 65535))


def port_of(sock: socket.socket) -> int:
    return int(sock.getsockname()[1])


@all_ways
@pytest.mark.parametrize("bound", ["127.0.0.1", "::1", "0.0.0.0", "::"])
def test_a_query_is_answered_over_both_families_and_bindings(bound: str, way: Way) -> None:
    async def test() -> None:
        sock = open_udp(bound, 0)
        to = "::1" if ":" in bound else "127.0.0.1"
        async with serving(Bench(), sock, way):
            answer = await ask(to, port_of(sock), query("www.example.org."))
            assert answer.rcode() == dns.rcode.NOERROR
            assert answer.answer

    run(test)


@all_ways
def test_the_answer_leaves_from_the_address_that_was_asked(way: Way) -> None:
    async def test() -> None:
        sock = open_udp("0.0.0.0", 0)
        bench = Bench()
        bench.hold("a.test.").set()
        async with serving(bench, sock, way):
            for to in ("127.0.0.1", "127.0.0.5", "127.9.9.9"):
                assert (await ask(to, port_of(sock), query("www.example.org."))).answer
                assert (await ask(to, port_of(sock), query("a.test."))).answer

    run(test)


@all_ways
def test_on_a_socket_for_both_families_too(way: Way) -> None:
    async def test() -> None:
        sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(("::", 0))
        bench = Bench()
        async with serving(bench, sock, way):
            assert (await ask("127.0.0.5", port_of(sock), query("lost.example.org."))).answer
            assert (await ask("::1", port_of(sock), query("lost.example.org."))).answer
            # ::ffff:127.0.0.3 is an outside client, from whom the inside address is kept.
            wire = query("lost.example.org.")
            assert not (await ask("127.0.0.5", port_of(sock), wire, source="127.0.0.3")).answer

    run(test)


def test_the_source_is_the_asked_address_on_whatever_interface() -> None:
    v4 = struct.pack("=I4s4s", 7, socket.inet_aton("192.0.2.1"), socket.inet_aton("192.0.2.255"))
    v6 = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack("=I", 7)
    assert source_control([(socket.IPPROTO_IP, IP_PKTINFO, v4)]) == [
        (socket.IPPROTO_IP, IP_PKTINFO, bytes(4) + v4[4:])
    ]
    assert source_control([(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, v6)]) == [
        (socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, v6[:16] + bytes(4))
    ]


def test_a_link_local_source_keeps_its_interface__rfc4007_6() -> None:
    for text in ("fe80::1", "febf::1"):
        info = socket.inet_pton(socket.AF_INET6, text) + struct.pack("=I", 7)
        control = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]
        assert source_control(control) == control


def test_nobody_answers_from_a_multicast_address__rfc4291_2_7() -> None:
    info = socket.inet_pton(socket.AF_INET6, "ff02::1") + struct.pack("=I", 7)
    assert source_control([(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, info)]) == []
    assert source_control([(socket.SOL_SOCKET, 1, b"")]) == []


@all_ways
def test_a_query_that_waits_does_not_keep_others_waiting(way: Way) -> None:
    async def test() -> None:
        sock, bench = open_udp("127.0.0.1", 0), Bench()
        event = bench.hold("slow.test.")
        async with serving(bench, sock, way):
            slow = asyncio.create_task(ask("127.0.0.1", port_of(sock), query("slow.test.")))
            while not bench.forwarder.waiting:
                await asyncio.sleep(0)
            assert (await ask("127.0.0.1", port_of(sock), query("www.example.org."))).answer
            assert not slow.done()
            event.set()
            assert (await slow).answer

    run(test)


@all_ways
def test_what_is_pending_is_bounded_and_the_rest_dropped_and_counted(way: Way) -> None:
    async def test() -> None:
        sock, bench = open_udp("127.0.0.1", 0), Bench()
        event = bench.hold("slow.test.")
        loop = asyncio.get_running_loop()
        async with serving(bench, sock, way, max_pending=2):
            with client("127.0.0.1", port_of(sock)) as asking:
                for number in range(3):
                    await loop.sock_sendall(asking, query("slow.test.", id=number))
                await loop.sock_sendall(asking, query("www.example.org.", id=9))
                assert (await loop.sock_recv(asking, 65535))[:2] == b"\0\x09"
                assert bench.counts.value(DROPS, "busy") == 1
                event.set()
                answered = [(await loop.sock_recv(asking, 65535))[:2] for _ in range(2)]
                assert sorted(answered) == [b"\0\0", b"\0\1"]

    run(test)


@all_ways
def test_more_datagrams_than_a_turn_takes_are_all_answered(way: Way) -> None:
    async def test() -> None:
        sock, bench = open_udp("127.0.0.1", 0), Bench()
        loop = asyncio.get_running_loop()
        with client("127.0.0.1", port_of(sock)) as asking:
            for number in range(DATAGRAMS_A_TURN + 5):
                asking.send(query("www.example.org.", id=number))
            async with serving(bench, sock, way):
                ids = [(await loop.sock_recv(asking, 65535))[:2] for _ in range(DATAGRAMS_A_TURN + 5)]
        assert ids == [number.to_bytes(2, "big") for number in range(DATAGRAMS_A_TURN + 5)]

    run(test)


@all_ways
def test_bad_datagrams_are_answered_formerr_or_not_at_all_and_the_next_query_is_answered(
    way: Way,
) -> None:
    async def test() -> None:
        sock, bench = open_udp("127.0.0.1", 0), Bench()
        loop = asyncio.get_running_loop()
        good = query("www.example.org.", id=7)
        async with serving(bench, sock, way):
            with client("127.0.0.1", port_of(sock)) as asking:
                for junk in (b"", b"x", good[:11], good[:2] + b"\x80" + good[3:]):
                    await loop.sock_sendall(asking, junk)
                await loop.sock_sendall(asking, good + bytes(60_000))
                assert (await loop.sock_recv(asking, 65535))[3] & 0xF == dns.rcode.FORMERR
                await loop.sock_sendall(asking, good)
                assert (await loop.sock_recv(asking, 65535))[:2] == b"\0\7"
        assert bench.counts.value(DROPS, "short") == 3
        assert bench.counts.value(DROPS, "response") == 1

    run(test)


class Broken(socket.socket):
    """A socket on which sending, or every other receiving, fails."""

    sends, receives = True, True
    turn = 0

    def sendmsg(self, *arguments: object) -> int:  # type: ignore[override]
        if not self.sends:
            raise PermissionError("a firewall says no")
        return super().sendmsg(*arguments)  # type: ignore[arg-type]

    def recvmsg(self, *arguments: int) -> object:  # type: ignore[override]
        self.turn += 1
        if not self.receives and self.turn % 2:
            raise ConnectionRefusedError("ICMP says no")
        return super().recvmsg(*arguments)


@pytest.mark.parametrize(("failing", "reason"), [("sends", "send"), ("receives", "receive")])
def test_errors_of_the_socket_are_counted_and_outlived(failing: str, reason: str) -> None:
    async def test() -> None:
        opened, bench = open_udp("127.0.0.1", 0), Bench()
        sock = Broken(fileno=opened.detach())
        setattr(sock, failing, False)
        loop = asyncio.get_running_loop()
        async with serving(bench, sock, DATAGRAM):
            with client("127.0.0.1", port_of(sock)) as asking:
                await loop.sock_sendall(asking, query("www.example.org.", id=1))
                while not bench.counts.value(DROPS, reason):
                    await asyncio.sleep(0)
                setattr(sock, failing, True)
                await loop.sock_sendall(asking, query("www.example.org.", id=2))
                while (await loop.sock_recv(asking, 65535))[:2] != b"\0\2":
                    pass

    run(test)


@all_ways
def test_draining_answers_what_has_come_and_waits_for_what_is_pending(way: Way) -> None:
    async def test() -> None:
        sock, bench = open_udp("127.0.0.1", 0), Bench()
        event = bench.hold("slow.test.")
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(WITHIN_S):
            server = DatagramServer(sock, bench.pipeline, **way)
            server.start()
            with client("127.0.0.1", port_of(sock)) as asking:
                asking.send(query("slow.test.", id=1))
                asking.send(query("www.example.org.", id=2))
                draining = asyncio.create_task(server.drain(WITHIN_S))
                assert (await loop.sock_recv(asking, 65535))[:2] == b"\0\2"
                assert not draining.done()
                event.set()
                assert (await loop.sock_recv(asking, 65535))[:2] == b"\0\1"
                await draining
        assert sock.fileno() == -1

    run(test)


@all_ways
def test_draining_gives_up_on_what_takes_too_long(way: Way) -> None:
    async def test() -> None:
        sock, bench = open_udp("127.0.0.1", 0), Bench()
        bench.hold("slow.test.")
        async with asyncio.timeout(WITHIN_S):
            server = DatagramServer(sock, bench.pipeline, **way)
            server.start()
            with client("127.0.0.1", port_of(sock)) as asking:
                asking.send(query("slow.test."))
                await server.drain(0)
        assert sock.fileno() == -1

    run(test)

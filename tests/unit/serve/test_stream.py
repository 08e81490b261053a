from __future__ import annotations

import asyncio
import resource
import socket
import struct
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass

import dns.message
import dns.rcode
import pytest

from splitdns.metrics import TCP_ACCEPTED, TCP_CLOSED, TCP_CONNECTIONS
from splitdns.serve import stream as stream_module
from splitdns.serve.sockets import open_tcp
from splitdns.serve.stream import READ_OCTETS, UNSENT_OCTETS, Limits, StreamServer, _Connection
from splitdns.wire.framing import frame
from tests import clock
from tests.unit.serve.bench import Bench, query

WITHIN_S = 60.0
GOOD = query("www.example.org.", id=7)
MANY = 5 * READ_OCTETS // len(GOOD)  # more than a few reads bring


@dataclass
class Client:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, *messages: bytes) -> None:
        self.writer.write(b"".join(frame(message) for message in messages))

    async def receive(self) -> bytes:
        octets = int.from_bytes(await self.reader.readexactly(2), "big")
        return await self.reader.readexactly(octets)

    async def ask(self, wire: bytes) -> dns.message.Message:
        self.send(wire)
        return dns.message.from_wire(await self.receive())

    async def closed(self) -> bool:
        """Wait for the other end to close."""
        try:
            return await self.reader.read() == b""
        except ConnectionResetError:
            return True


class World:
    """A server on a loopback address, and clients of it."""

    def __init__(self, address: str, limits: Limits) -> None:
        self.bench = Bench()
        self.address = address
        self.limits = limits
        self.writers: list[asyncio.StreamWriter] = []

    async def client(self, source: str | None = None) -> Client:
        local = None if source is None else (source, 0)
        reader, writer = await asyncio.open_connection(self.address, self.port, local_addr=local)
        self.writers.append(writer)
        return Client(reader, writer)

    def connect(self, sock: socket.socket) -> None:
        """Have a connection on ``sock``, as if it had been accepted."""
        sock.setblocking(False)
        connection = _Connection(self.server, sock, "127.0.0.1")
        assert self.server._admit(connection)
        connection.receive()

    def counted(self, reason: str) -> float:
        return self.bench.counts.value(TCP_CLOSED, reason)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[World]:
        async with asyncio.timeout(WITHIN_S):
            sock = open_tcp(self.address, 0)
            self.port = int(sock.getsockname()[1])
            self.server = StreamServer(sock, self.bench.pipeline, self.limits)
            self.server.start()
            yield self
            await self.server.drain(0)
            for writer in self.writers:
                writer.transport.abort()
        assert self.bench.counts.value(TCP_CONNECTIONS) == 0


def run(
    test: Callable[[World], Coroutine[object, object, None]],
    limits: Limits | None = None,
    address: str = "127.0.0.1",
    stepping: bool = False,
) -> None:
    """``stepping``: time goes on only where nothing else happens, as slow as this machine may be."""

    async def main() -> None:
        async with World(address, limits or Limits()).running() as world:
            await test(world)

    (clock.run if stepping else asyncio.run)(main())


def ids(stream: bytes) -> list[int]:
    """Those of the messages in ``stream``, in order."""
    found = []
    while stream:
        end = 2 + int.from_bytes(stream[:2], "big")
        found.append(int.from_bytes(stream[2:4], "big"))
        stream = stream[end:]
    return found


async def settled(world: World, waiting: int) -> None:
    """Wait until so many queries wait for upstreams, and what was ready has left."""
    while world.bench.forwarder.waiting != waiting or world.server.pending != waiting:
        await asyncio.sleep(0)
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_queries_are_answered_one_after_the_other__rfc7766_6_2_1(address: str) -> None:
    async def test(world: World) -> None:
        client = await world.client()
        for _ in range(3):
            assert (await client.ask(GOOD)).answer
        assert world.bench.counts.value(TCP_ACCEPTED) == 1

    run(test, address=address)


def test_queries_are_taken_octet_by_octet__rfc7766_8() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in frame(GOOD):
            client.writer.write(bytes([octet]))
            await client.writer.drain()
            await asyncio.sleep(0)
        assert (await client.receive())[:2] == b"\0\7"

    run(test)


def test_pipelined_queries_are_all_answered__rfc7766_6_2_1_1() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        count = MANY
        client.send(*(query("www.example.org.", id=number) for number in range(count)))
        ids = {(await client.receive())[:2] for _ in range(count)}
        assert len(ids) == count

    run(test)


def test_what_is_ready_leaves_in_one_write() -> None:
    async def test(world: World) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)  # keeps writes apart
        with theirs:
            events = [world.bench.hold(f"slow{number}.test.") for number in range(3)]
            world.connect(ours)
            asked = [query(f"slow{number}.test.", id=number) for number in range(3)]
            theirs.sendall(b"".join(map(frame, [GOOD, *asked, GOOD, query("mx.example.org.", "MX", id=9)])))
            await settled(world, 3)
            assert ids(theirs.recv(65_535)) == [7, 7, 9]
            for event in events:
                event.set()
            await settled(world, 0)
            assert ids(theirs.recv(65_535)) == [0, 1, 2]
            with pytest.raises(BlockingIOError):
                theirs.recv(1, socket.MSG_DONTWAIT)

    run(test)


def test_a_query_that_waits_is_overtaken_by_later_ones__rfc7766_6_2_1_1() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client = await world.client()
        client.send(query("slow.test.", id=1), query("www.example.org.", id=2))
        assert (await client.receive())[:2] == b"\0\2"
        event.set()
        assert (await client.receive())[:2] == b"\0\1"

    run(test)


def test_one_slow_connection_does_not_keep_another_waiting() -> None:
    async def test(world: World) -> None:
        slow, quick = await world.client(), await world.client()
        slow.writer.write(frame(GOOD)[:-1])
        assert (await quick.ask(GOOD)).answer
        slow.writer.write(frame(GOOD)[-1:])
        assert (await slow.receive())[:2] == b"\0\7"

    run(test)


def test_an_answer_of_65535_octets_at_most_comes_whole() -> None:
    async def test(world: World) -> None:
        world.bench.pipeline.snapshot = world.bench.snapshot(
            "".join(f'big IN TXT "{number:0250}"\n' for number in range(240))
        )
        client = await world.client()
        answer = await client.ask(query("big.example.org.", "TXT"))
        assert sum(len(rrset) for rrset in answer.answer) == 240

    run(test)


def test_the_longest_of_bad_queries_is_formerr_and_the_next_is_answered() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        client.send(GOOD + bytes(65_535 - len(GOOD)), GOOD)
        assert (await client.receive())[3] & 0xF == dns.rcode.FORMERR
        assert (await client.receive())[:2] == b"\0\7"

    run(test)


def test_a_response_is_not_answered_and_the_connection_goes_on() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        client.send(GOOD[:2] + b"\x81" + GOOD[3:], GOOD)
        assert (await client.receive())[:2] == b"\0\7"

    run(test)


@pytest.mark.parametrize("message", [b"", bytes(11)])
def test_what_is_shorter_than_a_header_closes_the_connection(message: bytes) -> None:
    async def test(world: World) -> None:
        client = await world.client()
        client.send(message)
        assert await client.closed()
        assert world.counted("malformed") == 1

    run(test)


def test_a_client_that_sends_no_more_still_gets_its_answers() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client = await world.client()
        count = MANY
        client.send(query("slow.test."), *[GOOD] * count)
        client.writer.write_eof()
        for _ in range(count):
            assert (await client.receive())[:2] == b"\0\7"
        event.set()
        assert (await client.receive())[3] & 0xF == dns.rcode.NOERROR
        assert await client.closed()

    run(test)


def test_half_a_message_before_the_end_of_the_stream_is_nothing() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        client.writer.write(frame(GOOD)[:-1])
        client.writer.write_eof()
        assert await client.closed()

    run(test)


# Time


def test_an_idle_connection_is_closed__rfc7766_6_2_3() -> None:
    async def test(world: World) -> None:
        fresh, used = await world.client(), await world.client()
        await used.ask(GOOD)
        assert await fresh.closed()
        assert await used.closed()
        assert world.counted("idle") == 2

    run(test, Limits(idle_s=0.05), stepping=True)


def test_a_connection_that_waits_for_an_answer_is_not_idle() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        waiting, idle = await world.client(), await world.client()
        waiting.send(query("slow.test.", id=1))
        assert await idle.closed()
        assert not waiting.reader.at_eof()
        event.set()
        assert (await waiting.receive())[:2] == b"\0\1"
        await asyncio.sleep(0.1)
        assert (await waiting.ask(GOOD)).answer, "from its last answer on, it has the whole time again"

    run(test, Limits(idle_s=0.4), stepping=True)


def test_a_connection_that_is_used_is_not_idle() -> None:
    async def test(world: World) -> None:
        client, idle = await world.client(), await world.client()
        closed = asyncio.create_task(idle.closed())
        while not closed.done():
            assert (await client.ask(GOOD)).answer
            await asyncio.sleep(0.1)
        for _ in range(10):
            await asyncio.sleep(0.1)
            assert (await client.ask(GOOD)).answer
        assert world.counted("idle") == 1

    run(test, Limits(idle_s=0.6), stepping=True)


def test_a_message_has_a_limited_time_to_come_however_steadily_it_drips() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        closing = asyncio.create_task(client.closed())
        for octet in frame(GOOD + bytes(60_000)):
            if closing.done():
                break
            client.writer.write(bytes([octet]))
            await asyncio.sleep(0.01)
        assert await closing
        assert world.counted("slow") == 1

    run(test, Limits(message_s=0.1), stepping=True)


def test_messages_that_come_in_time_may_come_cut_for_as_long_as_they_come() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        began_s = asyncio.get_running_loop().time()
        client.writer.write(frame(GOOD)[:-1])
        while asyncio.get_running_loop().time() - began_s < 0.9:
            client.writer.write(frame(GOOD)[-1:] + frame(GOOD)[:-1])
            assert (await client.receive())[:2] == b"\0\7"
            await asyncio.sleep(0.05)
        assert not world.counted("slow")

    run(test, Limits(message_s=0.6), stepping=True)


def test_half_a_message_may_wait_where_we_do_not_read_on() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client, idle = await world.client(), await world.client()
        client.writer.write(frame(query("slow.test.", id=1)) + frame(GOOD)[:-1])
        assert await idle.closed()
        client.writer.write(frame(GOOD)[-1:])
        event.set()
        assert {(await client.receive())[:2] for _ in range(2)} == {b"\0\1", b"\0\7"}

    run(test, Limits(pending=1, message_s=0.1, idle_s=0.3), stepping=True)


async def stuff(client: Client, message: bytes, octets: int) -> None:
    """Send queries without reading answers, as fast as the other side takes them."""
    batch = frame(message) * 64
    for _ in range(octets // len(batch)):
        client.writer.write(batch)
        await client.writer.drain()


def test_a_client_that_does_not_read_is_not_read_either_and_is_closed() -> None:
    async def test(world: World) -> None:
        client, other = await world.client(), await world.client()
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        wire = query("big.example.org.", "TXT")
        stuffing = asyncio.create_task(stuff(client, wire, 64 * 1024 * 1024))
        while not world.counted("unread"):
            assert (await other.ask(GOOD)).answer
            await asyncio.sleep(0)
        await asyncio.gather(stuffing, return_exceptions=True)
        world.server.settle()
        answered = sum(world.bench.counts.requests.values())
        assert answered * 900 < 16 * 1024 * 1024, "kernel buffers and our own, not all that was asked"

    run(test, Limits(unread_s=0.2))


def test_what_waits_to_be_sent_is_bounded() -> None:
    async def test(world: World) -> None:
        client = await world.client()
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.reader._transport.pause_reading()  # type: ignore[attr-defined]
        stuffing = asyncio.create_task(stuff(client, query("big.example.org.", "TXT"), 64 * 1024 * 1024))
        connection = next(iter(world.server._connections))
        while connection._unread_s is None:
            await asyncio.sleep(0)
        assert UNSENT_OCTETS < len(connection._unsent) < 3 * UNSENT_OCTETS
        assert not connection._reading
        stuffing.cancel()

    run(test)


def test_a_client_that_reads_again_gets_all_its_answers() -> None:
    async def test(world: World) -> None:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        world.connect(ours)
        (connection,) = world.server._connections
        reader, writer = await asyncio.open_connection(sock=theirs)
        world.writers.append(writer)
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        count = 300
        Client(reader, writer).send(*(query("big.example.org.", "TXT", id=each) for each in range(count)))
        while connection._unread_s is None:
            await asyncio.sleep(0)
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        found = [(await Client(reader, writer).receive())[:2] for _ in range(count)]
        assert found == [each.to_bytes(2, "big") for each in range(count)]
        assert connection._unread_s is None

    run(test)


def test_who_sends_no_more_and_does_not_read_has_the_usual_time_for_it() -> None:
    async def test(world: World) -> None:
        ours, theirs = socket.socketpair()
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        with theirs:
            world.connect(ours)
            (connection,) = world.server._connections
            theirs.sendall(frame(query("big.example.org.", "TXT")) * 40)
            theirs.shutdown(socket.SHUT_WR)
            while not world.counted("unread"):
                assert len(connection._unsent) < UNSENT_OCTETS
                await asyncio.sleep(0)

    run(test, Limits(unread_s=0.1))


def test_what_comes_is_left_with_the_kernel_while_too_much_is_pending() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client, other = await world.client(), await world.client()
        client.send(query("slow.test.", id=1))
        while not world.bench.forwarder.waiting:
            await asyncio.sleep(0)
        (connection,) = (one for one in world.server._connections if one.pending)
        client.send(*[GOOD] * MANY)
        for _ in range(20):
            assert (await other.ask(GOOD)).answer
        assert not connection._octets
        event.set()
        assert [(await client.receive())[:2] for _ in range(MANY + 1)] == [b"\0\1", *[b"\0\7"] * MANY]

    run(test, Limits(pending=1))


# Room


def test_the_longest_silent_connection_makes_room() -> None:
    async def test(world: World) -> None:
        spoke, silent, half = await world.client(), await world.client(), await world.client()
        await spoke.ask(GOOD)
        half.writer.write(frame(GOOD)[:-1])
        newcomer = await world.client()
        assert (await newcomer.ask(GOOD)).answer
        assert await silent.closed()
        assert (await (await world.client()).ask(GOOD)).answer
        assert await half.closed()
        assert (await spoke.ask(GOOD)).answer
        assert world.counted("limit") == 2

    run(test, Limits(connections=3))


def test_a_connection_that_waits_for_an_answer_is_not_closed_for_room() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        waiting = await world.client()
        waiting.send(query("slow.test."))
        while not world.bench.forwarder.waiting:
            await asyncio.sleep(0)
        assert await (await world.client()).closed()
        assert world.counted("refused") == 1
        event.set()
        assert (await waiting.receive())[3] & 0xF == dns.rcode.NOERROR
        assert (await (await world.client()).ask(GOOD)).answer

    run(test, Limits(connections=1))


def test_one_client_cannot_take_the_room_of_others() -> None:
    async def test(world: World) -> None:
        other = await world.client("127.0.0.2")
        first, second = await world.client(), await world.client()
        third = await world.client()
        assert (await third.ask(GOOD)).answer
        assert await first.closed()
        assert (await second.ask(GOOD)).answer
        assert (await other.ask(GOOD)).answer

    run(test, Limits(connections_per_client=2))


def test_connections_wait_while_there_is_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "ACCEPT_AGAIN_S", 0.01)

    async def test(world: World) -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.create_connection((world.address, world.port)) as client:
            client.sendall(frame(GOOD))
            resource.setrlimit(resource.RLIMIT_NOFILE, (client.fileno() + 1, hard))
            try:
                for _ in range(20):
                    await asyncio.sleep(0.001)
                assert not world.server._connections
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            client.setblocking(False)
            answer = await asyncio.get_running_loop().sock_recv(client, 4096)
            assert answer[2:4] == GOOD[:2]

    run(test)


def test_many_connections_get_their_own_answers() -> None:
    async def test(world: World) -> None:
        clients = [await world.client(f"127.0.1.{number}") for number in range(1, 101)]
        for number, client in enumerate(clients):
            client.send(*(query("www.example.org.", id=number << 8 | each) for each in range(20)))
        for number, client in enumerate(clients):
            assert {(await client.receive())[0] for _ in range(20)} == {number}
        world.server.settle()
        assert world.bench.counts.queries == 2000

    run(test)


def test_what_is_pending_on_a_connection_is_bounded_and_the_rest_waits() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client, other = await world.client(), await world.client()
        client.send(*(query("slow.test.", id=number) for number in range(9)), query("www.example.org.", id=9))
        while world.bench.forwarder.waiting < 4:
            await asyncio.sleep(0)
        assert (await other.ask(GOOD)).answer
        assert world.bench.forwarder.waiting == 4
        event.set()
        ids = {(await client.receive())[:2] for _ in range(10)}
        assert ids == {number.to_bytes(2, "big") for number in range(10)}

    run(test, Limits(pending=4))


def test_what_is_pending_in_all_is_bounded_and_the_rest_is_servfail() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client = await world.client()
        client.send(*(query("slow.test.", id=number) for number in range(3)))
        refused = await client.receive()
        assert (refused[:2], refused[3] & 0xF) == (b"\0\2", dns.rcode.SERVFAIL)
        event.set()
        assert {(await client.receive())[:2] for _ in range(2)} == {b"\0\0", b"\0\1"}

    run(test, Limits(pending_in_all=2))


def test_who_leaves_takes_its_pending_queries_along() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        client = await world.client()
        client.send(query("slow.test."))
        while not world.bench.forwarder.waiting:
            await asyncio.sleep(0)
        sock = client.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.writer.transport.abort()
        while world.server.pending:
            await asyncio.sleep(0)
        event.set()
        await settled(world, 0)
        assert world.server.pending == 0

    run(test)


# Stopping


def test_draining_finishes_what_has_come_and_closes() -> None:
    async def test(world: World) -> None:
        event = world.bench.hold("slow.test.")
        busy, idle = await world.client(), await world.client()
        busy.send(query("slow.test.", id=1), *[GOOD] * MANY)
        while not world.bench.forwarder.waiting:
            await asyncio.sleep(0)
        draining = asyncio.create_task(world.server.drain(WITHIN_S))
        assert await idle.closed()
        assert not draining.done()
        event.set()
        assert len({(await busy.receive())[:2] for _ in range(MANY + 1)}) == 2
        assert await busy.closed()
        await draining
        with pytest.raises(ConnectionRefusedError):
            await world.client()

    run(test)


def test_draining_answers_who_waits_to_be_accepted() -> None:
    async def test(world: World) -> None:
        with socket.create_connection((world.address, world.port)) as client:  # the event loop stands still
            client.sendall(frame(GOOD))
            await world.server.drain(WITHIN_S)
            assert client.recv(4096)[2:4] == GOOD[:2]

    run(test)


def test_draining_gives_up_on_what_takes_too_long() -> None:
    async def test(world: World) -> None:
        world.bench.hold("slow.test.")
        client = await world.client()
        client.send(query("slow.test."))
        while not world.bench.forwarder.waiting:
            await asyncio.sleep(0)
        await world.server.drain(0)
        assert await client.closed()
        assert world.counted("drain") == 1

    run(test)

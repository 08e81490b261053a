"""DNS over TCP (RFC 7766) on one listening socket.

A connection costs whoever opens it little and us a descriptor, so everything about it is bounded: how many
there are, in all and for one client; how long one may be idle, take to bring one message, or leave answers
unread; how many questions wait for upstreams, and how much waits to be sent. Where there is no room for a
new one, the connection goes that has brought nothing for longest; half a message is nothing.

Queries are answered as soon as they can be, whatever their order (RFC 7766 6.2.1.1).
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass

from splitdns.metrics import TCP_ACCEPTED, TCP_CLOSED, TCP_CONNECTIONS
from splitdns.records import Rcode
from splitdns.serve.pipeline import Pending, Pipeline
from splitdns.serve.sockets import BACKLOG, server_label
from splitdns.view import client_key
from splitdns.wire.framing import Unframer, frame
from splitdns.wire.header import HEADER_OCTETS, error_reply
from splitdns.wire.message import Transport

MESSAGES_A_TURN = 32  # of one connection, before the others have their turn
UNSENT_OCTETS = 65_536  # of one connection; beyond: it is not read until its client reads
_LAST_TURNS = 8  # accept, make the task, make the connection, watch it, read it; and some to be safe
SWEEPS = 8  # how often in the shortest time limit they are all looked at


@dataclass(frozen=True, slots=True)
class Limits:
    """What the clients of one listener may use up."""

    connections: int = 1000  # beyond: the longest silent one is closed, or else the new one is refused
    connections_per_client: int = 32  # of one IPv4 address or IPv6 /64; beyond: the same
    idle_s: float = 10.0  # RFC 7766 6.2.3: some seconds
    message_s: float = 5.0  # from a message's first octet to its last
    unread_s: float = 10.0  # that answers may wait for their client to read
    pending: int = 64  # of one connection; beyond: it is not read until some of them are answered
    pending_in_all: int = 10_000  # beyond: SERVFAIL


class StreamServer:
    """Answers on the connections that come to ``sock``, bound and non-blocking, which it owns from now on.

    Queries that have to wait become tasks of ``group``.
    """

    def __init__(
        self, sock: socket.socket, pipeline: Pipeline, group: asyncio.TaskGroup, limits: Limits = Limits()
    ) -> None:
        self.pipeline = pipeline
        self.group = group
        self.limits = limits
        self.label = server_label(sock)
        self.pending = 0
        self._sock = sock
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        # The longest silent first; the same connections again for each client.
        self._connections: dict[_Connection, None] = {}
        self._clients: dict[bytes, dict[_Connection, None]] = {}
        self._draining = False
        self._empty = asyncio.Event()
        self._empty.set()

    async def start(self) -> None:
        """Accept connections from now on, on the running event loop."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), sock=self._sock, backlog=BACKLOG)

    async def drain(self, within_s: float) -> None:
        """Answer what has come, for ``within_s`` at most, accept nothing that comes later, and close."""
        for _ in range(_LAST_TURNS):  # of the event loop: whoever waits is accepted, connected and read
            await asyncio.sleep(0)
        self._draining = True
        if self._server is not None:
            self._server.close()
        self._sock.close()
        for connection in list(self._connections):
            connection.leave()
        try:
            async with asyncio.timeout(within_s):
                await self._empty.wait()
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort("drain")

    def admit(self, connection: _Connection) -> bool:
        """Make room for one more connection, if need be at the cost of a silent one; False: there is none."""
        if self._draining:
            return False
        same_client = self._clients.get(connection.client_key, {})
        for held, most in (
            (same_client, self.limits.connections_per_client),
            (self._connections, self.limits.connections),
        ):
            if len(held) < most:
                continue
            longest_silent = next((other for other in held if not other.waits), None)
            if longest_silent is None:
                return False
            longest_silent.abort("limit")
        self._connections[connection] = None
        self._clients.setdefault(connection.client_key, {})[connection] = None
        self._empty.clear()
        if self._sweeper is None:
            self._sweep()
        self.pipeline.counts.add(TCP_ACCEPTED)
        self.pipeline.counts.add(TCP_CONNECTIONS)
        return True

    def spoke(self, connection: _Connection) -> None:
        """The connection brought a message: now it is the last to go."""
        for held in (self._connections, self._clients[connection.client_key]):
            del held[connection]
            held[connection] = None

    def forget(self, connection: _Connection) -> None:
        """The connection is closed, or as good as that; asked again, nothing happens."""
        if connection not in self._connections:
            return
        del self._connections[connection]
        same_client = self._clients[connection.client_key]
        del same_client[connection]
        if not same_client:
            del self._clients[connection.client_key]
        if not self._connections:
            self._empty.set()
        self.pipeline.counts.add(TCP_CONNECTIONS, by=-1)

    def _sweep(self) -> None:
        """Close what has used up its time: one timer for all connections, and none where there are none."""
        loop = asyncio.get_running_loop()
        now_s, limits = loop.time(), self.limits
        for connection in list(self._connections):
            connection.check(now_s, limits)
        self._sweeper = None
        if not self._connections:
            return
        interval_s = min(limits.idle_s, limits.message_s, limits.unread_s) / SWEEPS
        self._sweeper = loop.call_later(interval_s, self._sweep)


class _Connection(asyncio.Protocol):
    """One client's connection."""

    _transport: asyncio.Transport
    client = ""
    client_key = b""

    def __init__(self, server: StreamServer) -> None:
        self._server = server
        self._loop = asyncio.get_running_loop()
        self._unframer = Unframer()
        self._pending: set[asyncio.Task[None]] = set()
        self._more = False  # whole messages may wait to be answered
        self._soon = False  # and they will be, in the loop's next turn
        self._leaving = False  # no further messages are wanted, or will come
        self._silent_s = self._loop.time()  # since when no message came and no answer went
        self._begun_s: float | None = None  # since when half a message has been waiting for the rest
        self._unread_s: float | None = None  # since when there is more to send than the client reads

    @property
    def waits(self) -> bool:
        """Whether a query waits for an upstream."""
        return bool(self._pending)

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=UNSENT_OCTETS)
        peer = transport.get_extra_info("peername")
        if peer is None:  # gone before it was accepted
            transport.abort()
            return
        self.client = peer[0]
        self.client_key = client_key(self.client)
        if not self._server.admit(self):
            self._server.pipeline.counts.add(TCP_CLOSED, "refused")
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self._unframer.feed(data)
        self._read()

    def eof_received(self) -> bool:
        self._leaving = True
        self._close_if_done()
        return True  # the other direction stays open for the answers

    def pause_writing(self) -> None:
        self._unread_s = self._loop.time()

    def resume_writing(self) -> None:
        self._unread_s = self._loop.time() if self._transport.is_closing() else None
        self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.forget(self)
        for task in self._pending:  # who would read the answers?
            task.cancel()

    # What the server calls

    def leave(self) -> None:
        """Answer what has come, and close."""
        self._leaving = True
        self._transport.pause_reading()
        self._close_if_done()

    def abort(self, reason: str) -> None:
        """Close at once, whatever is not sent yet."""
        self._server.pipeline.counts.add(TCP_CLOSED, reason)
        self._server.forget(self)
        self._transport.abort()

    def check(self, now_s: float, limits: Limits) -> None:
        """Close if some time is used up."""
        if self._unread_s is not None:
            if now_s - self._unread_s >= limits.unread_s:
                self.abort("unread")
        elif self._begun_s is not None:
            if now_s - self._begun_s >= limits.message_s:
                self.abort("slow")
        elif not self._pending and not self._more and now_s - self._silent_s >= limits.idle_s:
            self._server.pipeline.counts.add(TCP_CLOSED, "idle")
            self._close()

    # Messages

    def _read(self) -> None:
        """Answer the whole messages that have come, while there is room for answers."""
        if self._transport.is_closing():
            return
        answers: list[bytes] = []
        octets, came = 0, False
        self._more = False
        for _ in range(MESSAGES_A_TURN):
            if self._full or octets > UNSENT_OCTETS:
                self._more = True
                break
            message = self._unframer.message()
            if message is None:
                break
            came = True
            if len(message) < HEADER_OCTETS:  # the stream is out of step, or never was DNS
                self.abort("malformed")
                return
            answer = self._answer(message)
            if answer is not None:
                answers.append(frame(answer))
                octets += len(answer)
        else:
            self._more = True
        if answers:
            self._transport.write(b"".join(answers))
        self._watch(came)

    def _watch(self, came: bool) -> None:
        """Keep time, and read on or wait, after a turn in which messages ``came`` or not."""
        now_s = self._loop.time()
        if came:
            self._silent_s = now_s
            self._server.spoke(self)
        if self._more or not self._unframer.partial:
            self._begun_s = None
        elif came or self._begun_s is None:
            self._begun_s = now_s
        if self._more or self._leaving:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()
        if self._more and not self._full and not self._soon:
            self._soon = True
            self._loop.call_soon(self._next_turn)
        self._close_if_done()

    def _next_turn(self) -> None:
        self._soon = False
        self._read()

    @property
    def _full(self) -> bool:
        return self._unread_s is not None or len(self._pending) >= self._server.limits.pending

    def _answer(self, message: bytes) -> bytes | None:
        server = self._server
        outcome = server.pipeline.answer_now(message, self.client, Transport.TCP, server.label)
        if not isinstance(outcome, Pending):
            return outcome
        if server.pending >= server.limits.pending_in_all:
            return error_reply(message, Rcode.SERVFAIL)
        task = server.group.create_task(self._finish(outcome))
        server.pending += 1
        self._pending.add(task)
        task.add_done_callback(self._finished)
        return None

    async def _finish(self, pending: Pending) -> None:
        answer = await self._server.pipeline.finish(pending)
        if answer is not None and not self._transport.is_closing():
            self._transport.write(frame(answer))

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._server.pending -= 1
        self._pending.discard(task)
        self._silent_s = self._loop.time()
        if self._more:
            self._read()
        else:
            self._close_if_done()

    def _close_if_done(self) -> None:
        if self._leaving and not self._pending and not self._more:
            self._close()

    def _close(self) -> None:
        """Close when all is sent; a client that does not read has the usual time for it."""
        if not self._transport.is_closing():
            if self._transport.get_write_buffer_size() and self._unread_s is None:
                self._unread_s = self._loop.time()
            self._transport.close()

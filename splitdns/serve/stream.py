"""DNS over TCP (RFC 7766) on one listening socket.

A connection costs whoever opens it little and us a descriptor, so everything about it is bounded: how many
there are, in all and for one client; how long one may be idle, take to bring one message, or leave answers
unread; how many questions wait for upstreams, and how much waits to be sent. Where there is no room for a
new one, the connection goes that has brought nothing for longest; half a message is nothing.

Queries are answered as soon as they can be, whatever their order (RFC 7766 6.2.1.1). One read is one turn of
a connection: what it brought is answered as a batch (``pipelined``), and all answers that are ready leave in
one write. Sockets are read and written right here, for asyncio's transports cost more than the answers.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from dataclasses import dataclass

from splitdns.errors import WireError
from splitdns.metrics import TCP_ACCEPTED, TCP_CLOSED, TCP_CONNECTIONS
from splitdns.records import Rcode
from splitdns.serve.pipeline import Pending, Pipeline
from splitdns.serve.pipelined import Pipelined
from splitdns.serve.sockets import BACKLOG, server_label
from splitdns.view import client_key
from splitdns.wire.framing import frame
from splitdns.wire.header import error_reply

log = logging.getLogger("splitdns.serve")

READ_OCTETS = 4096  # of one connection, before the others have their turn: about 80 queries
UNSENT_OCTETS = 65_536  # of one connection; beyond: it is not read until its client reads
FEW_UNSENT_OCTETS = UNSENT_OCTETS // 4  # and then it is read again
ACCEPTED_A_TURN = 64  # connections, before those that are there have their turn
ACCEPT_AGAIN_S = 1.0  # after it failed: there is no descriptor left
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
    """Answers on the connections that come to ``sock``, bound and non-blocking, which it owns from now on."""

    def __init__(self, sock: socket.socket, pipeline: Pipeline, limits: Limits = Limits()) -> None:
        self.pipeline = pipeline
        self.limits = limits
        family = 2 if sock.family == socket.AF_INET6 else 1
        self.pipelined = Pipelined(pipeline, server_label(sock), family)
        self.pending = 0
        self._sock = sock
        self._sweeper: asyncio.TimerHandle | None = None
        # The longest silent first; the same connections again for each client.
        self._connections: dict[_Connection, None] = {}
        self._clients: dict[bytes, dict[_Connection, None]] = {}
        self._empty = asyncio.Event()
        self._empty.set()

    def start(self) -> None:
        """Accept connections from now on, on the running event loop."""
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        self._sock.listen(BACKLOG)
        asyncio.get_running_loop().add_reader(self._sock, self._accept)

    def settle(self) -> None:
        """Bring the pipeline's counts up to date."""
        self.pipelined.settle()

    def settling(self) -> Iterator[None]:
        """The same by the portion, as ``Learnt`` does."""
        return self.pipelined.settling()

    async def drain(self, within_s: float) -> None:
        """Answer what has come, for ``within_s`` at most, accept nothing that comes later, and close."""
        for _ in range(BACKLOG // ACCEPTED_A_TURN):  # whoever waits is accepted and read
            await asyncio.sleep(0)
        if self._sock.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._sock)
            self._sock.close()
        for connection in list(self._connections):
            connection.leave()
        try:
            async with asyncio.timeout(within_s):
                await self._empty.wait()
        except TimeoutError:
            for connection in list(self._connections):
                connection.abort("drain")
        self.settle()

    def _accept(self) -> None:
        """Take new connections, up to a limit, for others have their turn too."""
        for _ in range(ACCEPTED_A_TURN):
            try:
                sock, peer = self._sock.accept()
            except BlockingIOError:
                return
            except ConnectionAbortedError:  # gone before it was accepted
                continue
            except OSError as error:
                self._accept_later(error)
                return
            sock.setblocking(False)
            connection = _Connection(self, sock, peer[0])
            if self._admit(connection):
                connection.receive()  # mostly the query is there already
            else:
                self.pipeline.counts.add(TCP_CLOSED, "refused")
                sock.close()

    def _accept_later(self, error: OSError) -> None:
        """Leave those waiting who come, until there may be a descriptor for them."""
        log.error("tcp.failed", extra={"reason": str(error)})
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._sock)

        def again() -> None:
            if self._sock.fileno() >= 0:
                loop.add_reader(self._sock, self._accept)

        loop.call_later(ACCEPT_AGAIN_S, again)

    def _admit(self, connection: _Connection) -> bool:
        """Make room for one more connection, if need be at the cost of a silent one; False: there is none."""
        same_client = self._clients.get(connection.client_key, {})
        for held, most in (
            (same_client, self.limits.connections_per_client),
            (self._connections, self.limits.connections),
        ):
            if len(held) < most:
                continue
            longest_silent = next((other for other in held if not other.pending), None)
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
        """The connection is closed."""
        self.pending -= connection.pending
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


class _Connection:
    """One client's connection."""

    __slots__ = (
        "_begun_s",
        "_fd",
        "_late",
        "_leaving",
        "_loop",
        "_more",
        "_octets",
        "_open",
        "_reading",
        "_server",
        "_silent_s",
        "_sock",
        "_soon",
        "_unread_s",
        "_unsent",
        "client",
        "client_key",
        "pending",
    )

    def __init__(self, server: StreamServer, sock: socket.socket, client: str) -> None:
        self._server = server
        self._sock = sock
        self._fd = sock.fileno()  # by which the event loop finds it in half the time
        self._loop = asyncio.get_running_loop()
        self.client = client
        self.client_key = client_key(client)
        self.pending = 0  # queries that wait for upstreams
        self._octets = b""  # what came and is not answered
        self._more = False  # there is a whole message among it
        self._late: list[bytes] = []  # answers that were waited for, to be sent with the next
        self._soon = False  # there will be a turn without anything coming
        self._unsent = bytearray()  # what the kernel has no room for
        self._open = True
        self._reading = False  # the event loop tells when something comes
        self._leaving = False  # no further messages are wanted, or will come
        self._silent_s = self._loop.time()  # since when no message came and no answer went
        self._begun_s: float | None = None  # since when half a message has been waiting for the rest
        self._unread_s: float | None = None  # since when there is more to send than the client reads

    # What the server calls

    def leave(self) -> None:
        """Answer what has come, and close."""
        self._leaving = True
        self._go_on()

    def abort(self, reason: str) -> None:
        """Close at once, whatever is not sent yet."""
        self._server.pipeline.counts.add(TCP_CLOSED, reason)
        self._end()

    def check(self, now_s: float, limits: Limits) -> None:
        """Close if some time is used up."""
        if self._unread_s is not None:
            if now_s - self._unread_s >= limits.unread_s:
                self.abort("unread")
        elif self._begun_s is not None:
            if now_s - self._begun_s >= limits.message_s:
                self.abort("slow")
        elif not self.pending and not self._more and now_s - self._silent_s >= limits.idle_s:
            self._server.pipeline.counts.add(TCP_CLOSED, "idle")
            self.leave()

    # What the event loop calls

    def receive(self) -> None:
        """Read once, and answer what came."""
        try:
            came = self._sock.recv(READ_OCTETS)
        except BlockingIOError:
            self._go_on()
        except OSError:  # the client is gone
            self._end()
        else:
            if came:
                self._octets += came
            else:
                self._leaving = True  # the other direction stays open for the answers
            self._turn()

    def _turn_soon(self) -> None:
        self._soon = False
        if self._open:
            self._turn()

    def _write(self) -> None:
        """Send what there was no room for, and go on where the client reads again."""
        try:
            sent = self._sock.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:  # the client is gone
            self._end()
            return
        del self._unsent[:sent]
        if not self._unsent:
            self._loop.remove_writer(self._fd)
        if self._unread_s is not None and len(self._unsent) <= FEW_UNSENT_OCTETS:
            self._unread_s = None
            self._turn()

    # Messages

    @property
    def _full(self) -> bool:
        return self._unread_s is not None or self.pending >= self._server.limits.pending

    def _turn(self) -> None:
        """Answer the whole messages that have come, while there is room for answers; send what is ready."""
        answers = self._answer() if self._octets and not self._full else []
        if answers is None:
            return
        if self._late:
            answers += self._late
            self._late.clear()
        if answers:
            self._send(b"".join(answers))
        if self._open:
            self._go_on()

    def _answer(self) -> list[bytes] | None:
        """Answers, ready to be sent; None: that was no DNS, and the end of the connection."""
        server, octets = self._server, self._octets
        room = server.limits.pending - self.pending
        try:
            batch = server.pipelined.answer(octets, self.client, room)
        except WireError:
            self.abort("malformed")
            return None
        if len(batch.rest) < len(octets):
            self._silent_s = self._loop.time()
            self._begun_s = None
            server.spoke(self)
        self._octets, self._more = batch.rest, batch.more
        for pending in batch.pending:
            self._wait_for(pending)
        return batch.answers

    def _wait_for(self, pending: Pending) -> None:
        server = self._server
        if server.pending < server.limits.pending_in_all:
            server.pending += 1
            self.pending += 1
            server.pipeline.finish_then(pending, self._finish)
        elif (refused := error_reply(pending.asked.wire, Rcode.SERVFAIL)) is not None:
            self._late.append(frame(refused))

    def _finish(self, answer: bytes | None) -> None:
        """Send an answer that was waited for, together with others that come in the same turn of the loop."""
        if not self._open:  # who would read it?
            return
        self._server.pending -= 1
        self.pending -= 1
        self._silent_s = self._loop.time()
        if answer is not None:
            self._late.append(frame(answer))
        self._soon_again()

    def _soon_again(self) -> None:
        if not self._soon:
            self._soon = True
            self._loop.call_soon(self._turn_soon)

    def _send(self, octets: bytes) -> None:
        if self._unsent:
            self._unsent += octets
        else:
            try:
                sent = self._sock.send(octets)
            except BlockingIOError:
                sent = 0
            except OSError:  # the client is gone
                self._end()
                return
            if sent == len(octets):
                return
            self._unsent += octets[sent:]
            self._loop.add_writer(self._fd, self._write)
        if len(self._unsent) > UNSENT_OCTETS and self._unread_s is None:
            self._unread_s = self._loop.time()

    def _go_on(self) -> None:
        """Keep time, and read on, or wait until there is room, or close."""
        full = self._full
        if self._more or full or not self._octets:
            self._begun_s = None
        elif self._begun_s is None:
            self._begun_s = self._loop.time()
        self._read(not (self._more or full or self._leaving))
        if self._more:
            if not full:
                self._soon_again()
        elif self._leaving and not self.pending and not self._late:
            self._close()

    def _read(self, wanted: bool) -> None:
        if wanted is self._reading:
            return
        self._reading = wanted
        if wanted:
            self._loop.add_reader(self._fd, self.receive)
        else:
            self._loop.remove_reader(self._fd)

    def _close(self) -> None:
        """Close when all is sent; a client that does not read has the usual time for it."""
        if not self._unsent:
            self._end()
        elif self._unread_s is None:
            self._unread_s = self._loop.time()

    def _end(self) -> None:
        self._open = False
        self._read(False)
        if self._unsent:
            self._loop.remove_writer(self._fd)
        self._sock.close()
        self._server.forget(self)

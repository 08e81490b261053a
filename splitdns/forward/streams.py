"""Connections to upstreams, kept open and shared: TCP, and TLS over it (RFC 7766, RFC 7858).

A connection costs round trips, with TLS several and some computing, so many questions travel on one, each
answered as soon as its answer is there (RFC 7766 6.2.1.1), told apart by id and question. A server may close
a connection whenever it likes: what was on its way is asked again on a new one, and nobody notices.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from random import Random

from splitdns.errors import UpstreamError
from splitdns.forward.network import Network
from splitdns.forward.query import Match, Query, match
from splitdns.forward.tls import context
from splitdns.view import Upstream
from splitdns.wire.framing import Unframer, frame

MAX_PIPELINED = 100  # questions on their way on one connection; beyond, one more is opened
MAX_CONNECTIONS = 4  # to one upstream; beyond, they share what there is
CONNECT_S = 2.0  # to open one; beyond, the next question tries anew: the kernel's own retries grow apart
IDLE_S = 10.0  # after the last answer; RFC 7766 6.2.3 wants it short, and servers close soon themselves
DOT = "dot"  # ALPN, as registered for RFC 7858


class ConnectionEndedError(UpstreamError):
    """The upstream closed the connection before it answered."""


class Streams:
    """The open connections of one worker, by upstream. Whoever made it calls ``close``."""

    def __init__(self, network: Network, random: Random) -> None:
        self._network = network
        self._random = random
        self._pools: dict[Upstream, _Pool] = {}

    async def ask(self, upstream: Upstream, query: Query) -> bytes:
        """The response to ``query``, under its id; the caller sets the time-out.

        Raises:
            UpstreamError: one that does not answer the query, or none at all.
            OSError: there is no way to the upstream, or it is not who it should be.
        """
        pool = self._pools.get(upstream)
        if pool is None:
            pool = self._pools[upstream] = _Pool(upstream, self._network, self._random)
        while True:
            connection = await pool.connection()
            fresh = not connection.has_answered
            try:
                return await connection.ask(query)
            except ConnectionEndedError:
                if fresh:  # it never answered anything: that is no connection that has just grown old
                    raise

    async def close(self) -> None:
        """Close all of them."""
        for pool in self._pools.values():
            await pool.close()
        self._pools.clear()


class _Pool:
    """The connections to one upstream."""

    def __init__(self, upstream: Upstream, network: Network, random: Random) -> None:
        self._upstream = upstream
        self._network = network
        self._random = random
        self._tls: ssl.SSLContext | None = None
        self._open: list[_Connection] = []
        self._opening: asyncio.Task[_Connection] | None = None

    async def connection(self) -> _Connection:
        """One that has room, the first that was opened; where there is none, a new one."""
        for connection in self._open:
            if connection.on_their_way < MAX_PIPELINED:
                return connection
        if len(self._open) >= MAX_CONNECTIONS:
            return min(self._open, key=lambda connection: connection.on_their_way)
        if self._opening is None:  # all who come meanwhile wait for the same, whoever of them gives up
            self._opening = asyncio.create_task(self._connect())
            self._opening.add_done_callback(self._opened)
        opening = self._opening
        await asyncio.wait((opening,))
        return opening.result()

    async def close(self) -> None:
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait((self._opening,))
        for connection in tuple(self._open):
            connection.abort()
        await asyncio.sleep(0)  # transports close in the loop's next turn

    def _opened(self, opening: asyncio.Task[_Connection]) -> None:
        self._opening = None
        if not opening.cancelled() and opening.exception() is None:
            self._open.append(opening.result())

    async def _connect(self) -> _Connection:
        upstream = self._upstream
        tls = await context(upstream.ca, DOT) if upstream.is_encrypted else None
        async with asyncio.timeout(CONNECT_S):
            sock = await self._network.stream(upstream)
            try:
                loop = asyncio.get_running_loop()
                _, connection = await loop.create_connection(
                    lambda: _Connection(self._random, self._closed),
                    sock=sock,
                    ssl=tls,
                    server_hostname=upstream.identity if tls else None,
                )
            except BaseException:
                sock.close()
                raise
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context(cafile=self._upstream.ca)
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.set_alpn_protocols([DOT])
        return self._tls

    def _closed(self, connection: _Connection) -> None:
        if connection in self._open:
            self._open.remove(connection)


class _Connection(asyncio.Protocol):
    """One connection; ``ended`` is told when it is of no use any more."""

    def __init__(self, random: Random, ended: Callable[[_Connection], None]) -> None:
        self.has_answered = False
        self._random = random
        self._ended = ended
        self._unframer = Unframer()
        self._waiting: dict[bytes, tuple[Query, asyncio.Future[bytes]]] = {}
        self._transport: asyncio.Transport | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._heard = 0  # messages so far

    @property
    def on_their_way(self) -> int:
        return len(self._waiting)

    async def ask(self, query: Query) -> bytes:
        """The response, under the query's own id, though another may be on the wire."""
        if self._transport is None or self._transport.is_closing():
            raise ConnectionEndedError("the connection ended")
        query_id = query.wire[:2]
        while query_id in self._waiting:
            query_id = self._random.getrandbits(16).to_bytes(2, "big")
        asked = query._replace(wire=query_id + query.wire[2:])
        future = asyncio.get_running_loop().create_future()
        self._waiting[query_id] = asked, future
        self._stay()
        heard = self._heard
        self._transport.write(frame(asked.wire))
        try:
            wire: bytes = await future
        except asyncio.CancelledError:
            if heard == self._heard:  # not a word since: what comes next had better try another
                self._give_up()
            raise
        finally:
            self._waiting.pop(query_id, None)
            if not self._waiting:
                self._rest()
        return query.wire[:2] + wire[2:]

    def abort(self) -> None:
        """Close at once, whoever waits."""
        self._give_up()
        if self._transport is not None:
            self._transport.abort()

    # What asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest()

    def data_received(self, data: bytes) -> None:
        self._unframer.feed(data)
        while (wire := self._unframer.message()) is not None:
            self._heard += 1
            query, future = self._waiting.get(wire[:2], (None, None))
            if query is None or future is None or future.done():
                continue  # whoever asked this has given up
            if match(wire, query) is Match.OTHER:
                future.set_exception(UpstreamError("a response that does not answer the query"))
            else:
                self.has_answered = True
                future.set_result(wire)

    def connection_lost(self, exc: Exception | None) -> None:
        self._give_up()
        self._stay()
        for _, future in self._waiting.values():
            if not future.done():
                future.set_exception(ConnectionEndedError("the connection ended before the response"))

    # How long it stays open

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _rest(self) -> None:
        self._stay()
        if self._transport is not None and not self._transport.is_closing():
            self._idle = asyncio.get_running_loop().call_later(IDLE_S, self.abort)

    def _give_up(self) -> None:
        """Nothing more is asked here; who waits may still get an answer."""
        self._ended(self)

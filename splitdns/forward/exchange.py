"""One question to one upstream, over what carries questions to it, and what else is tried.

A response that is almost right may be a forger's, or that of an upstream that mangles case or has lost its
cookies. Which of the two, a connection tells: nobody forges that blindly. What an upstream shows of itself is
remembered, so that it is asked as it wants to be from then on.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Protocol

from splitdns.errors import UpstreamError
from splitdns.forward.datagrams import Instead, Waiting
from splitdns.forward.deadlines import Deadlines
from splitdns.forward.loops import Loops
from splitdns.forward.network import Network
from splitdns.forward.ports import Port, Ports
from splitdns.forward.query import NO_EDNS, Manner, Match, Query, Question, is_truncated, make_query, match
from splitdns.forward.readers import Drain, Readers, drain
from splitdns.forward.response import Response
from splitdns.forward.streams import Streams
from splitdns.forward.traits import Known, Traits
from splitdns.metrics import FORWARD_UNWANTED, Counts
from splitdns.records import Rcode
from splitdns.view import Carrier, Upstream

if TYPE_CHECKING:
    from splitdns.forward.https import Https

_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})


class NoResponseError(UpstreamError):
    """The upstream did not answer, or cannot be reached, or is not who it should be: it may be down."""


class NotAskedError(UpstreamError):
    """This machine could not ask, for want of descriptors or memory; the upstream is no worse for it."""


class SilenceError(NoResponseError):
    """The upstream did not answer in time. What was lost once may arrive the next time."""


class Sender(Protocol):
    """Whose query leaves soon."""

    def fail(self, error: OSError) -> None:
        """It did not."""


Leaving = tuple[socket.socket, bytes, Sender]
SendAll = Callable[[list[Leaving]], None]


def send_all(unsent: list[Leaving]) -> None:
    """Send one right after the other, so that an upstream that waits is woken but once.

    There is another one that is compiled.
    """
    for datagram, wire, sender in unsent:
        try:
            datagram.send(wire)
        except OSError as error:
            sender.fail(error)


class Sent:
    """A query over UDP on its way. Whoever sent it sees to it that ``end`` is called."""

    __slots__ = ("_port", "query", "waiting")

    def __init__(self, port: Port, query: Query, waiting: Waiting) -> None:
        self._port: Port | None = port
        self.query = query
        self.waiting = waiting

    @property
    def ended(self) -> Response | UpstreamError | None:
        """What the wait came to, if that needs no second look; None: ``Exchanger.exchange`` takes it."""
        waiting = self.waiting
        found = waiting.found
        if isinstance(found, Response):
            return None if found.rcode == Rcode.BADCOOKIE or found.rcode in NO_EDNS else found
        if found is Instead.SILENCE:
            return SilenceError(found.value)
        return no_way(waiting.error) if isinstance(waiting.error, OSError) else waiting.error

    def end(self) -> Port | None:
        """The wait is over; the socket through which the query left, the first time."""
        self.waiting.end()
        port, self._port = self._port, None
        return port


class Exchanger:
    """Asks single upstreams, over sockets from ``network``, and remembers what they showed of themselves.

    It keeps connections open: whoever made it calls ``close``. What of it is public is for ``Relay``, too.
    """

    def __init__(
        self,
        network: Network,
        random: Random,
        counts: Counts,
        drain: Drain = drain,
        send_all: SendAll = send_all,
        ports: type[Ports] = Ports,
    ) -> None:
        self._network = network
        self._counts = counts
        self.random = random
        self.known = Known(random)
        self.loops = Loops()
        self.readers = Readers(drain)
        self.deadlines = Deadlines()
        self.ports = ports(network, self.readers, random)
        self._streams = Streams(network, random)
        self._https: Https | None = None
        self.unsent: list[Leaving] = []
        self._send_all = send_all

    async def exchange(
        self, question: Question, upstream: Upstream, timeout_s: float, sent: Sent | None = None
    ) -> Response:
        """Ask ``upstream`` once; where it does not take how it is asked, again in another manner.

        ``sent`` is the first query where that is on its way already; ``timeout_s`` counts from now.

        Raises:
            NoResponseError: nothing within ``timeout_s``, or no way to the upstream.
            UpstreamError: a response that cannot be used.
        """
        until_s = asyncio.get_running_loop().time() + timeout_s
        if upstream.carrier is not Carrier.UDP:
            return await self._over_connection(question, upstream, until_s)
        traits = self.known.of(upstream)
        response, manner = await self._over_udp(question, upstream, traits, until_s, sent=sent)
        if response.rcode == Rcode.BADCOOKIE:  # it has told the right one, and the next query bears it
            response, manner = await self._over_udp(question, upstream, traits, until_s)
            if response.rcode == Rcode.BADCOOKIE:  # it does not like that one either (RFC 7873 5.3)
                return await self._over_tcp(question, upstream, manner, until_s)
        if response.rcode in NO_EDNS and manner.edns:
            bare = Manner(spelled=manner.spelled, edns=False)
            response, _ = await self._over_udp(question, upstream, traits, until_s, bare)
            if response.rcode not in NO_EDNS:
                traits.lacks_edns(asyncio.get_running_loop().time())
        return response

    def came_back(self, spelled: bytes, qtype: int) -> Upstream | None:
        """The upstream that asks, or has others ask, us what we are asking it; None: nobody does."""
        return self.loops.via(spelled, qtype)

    async def close(self) -> None:
        """Close the connections, and tell of no datagram any more."""
        self.ports.close()
        self.readers.close()
        await self._streams.close()
        if self._https is not None:
            await self._https.close()

    # Datagrams

    def send(
        self,
        question: Question,
        upstream: Upstream,
        timeout_s: float,
        early_s: float | None,
        tell: Callable[[], None],
    ) -> Sent:
        """Begin an exchange over UDP, without a task: the first query leaves, and ``finish`` ends it.

        ``tell`` is called when it is over, or takes more than ``early_s`` seconds; see ``Waiting``.

        Raises:
            NoResponseError, NotAskedError: as ``exchange``.
        """
        now_s = asyncio.get_running_loop().time()
        traits = self.known.of(upstream)
        manner = traits.manner(now_s)
        early_s = None if early_s is None else now_s + early_s
        return self._send(question, upstream, traits, now_s + timeout_s, manner, early_s, tell)

    def finish(self, question: Question, upstream: Upstream, sent: Sent) -> None:
        """Let go of what was sent; to do so twice does no harm."""
        port = sent.end()
        if port is None:
            return
        self.loops.arrive(sent.query.spelled, question.qtype)
        waiting = sent.waiting
        if waiting.unwanted:
            self._count(upstream, waiting.unwanted)
        if isinstance(waiting.found, Response) and not waiting.unwanted:
            self.ports.give_back(port, asyncio.get_running_loop().time())
        else:
            self.ports.drop(port)

    def _send(
        self,
        question: Question,
        upstream: Upstream,
        traits: Traits,
        until_s: float,
        manner: Manner,
        early_s: float | None = None,
        tell: Callable[[], None] | None = None,
    ) -> Sent:
        query = make_query(question, self.random, manner)
        try:
            port = self.ports.take(upstream, asyncio.get_running_loop().time())
            try:
                waiting = Waiting(
                    self.readers, self.deadlines, port.sock, query, traits, until_s, early_s, tell
                )
            except BaseException:
                self.ports.drop(port)
                raise
        except OSError as error:
            raise no_way(error) from None
        self.leave(port, query.wire, waiting)
        self.loops.leave(query.spelled, question.qtype, upstream)
        return Sent(port, query, waiting)

    def leave(self, port: Port, wire: bytes, sender: Sender) -> None:
        """Send soon, with what else there is by then."""
        if not self.unsent:
            self.flush_soon()
        self.unsent.append((port.sock, wire, sender))

    def flush_soon(self) -> None:
        """Send in this turn what is ``unsent``."""
        asyncio.get_running_loop().call_soon(self._flush)

    def _flush(self) -> None:
        unsent = self.unsent[:]
        self.unsent.clear()
        self._send_all(unsent)

    def go_on(
        self,
        query: Query,
        port: Port,
        question: Question,
        upstream: Upstream,
        until_s: float,
        early_s: float,
        tell: Callable[[], None],
    ) -> Sent:
        """As ``send``, for a query that left through ``port`` already; the times are the loop's."""
        traits = self.known.of(upstream)
        waiting = Waiting(self.readers, self.deadlines, port.sock, query, traits, until_s, early_s, tell)
        self.loops.leave(query.spelled, question.qtype, upstream)
        return Sent(port, query, waiting)

    async def _over_udp(
        self,
        question: Question,
        upstream: Upstream,
        traits: Traits,
        until_s: float,
        manner: Manner | None = None,
        *,
        no_doubt: bool = False,
        sent: Sent | None = None,
    ) -> tuple[Response, Manner]:
        """One query over UDP, over TCP where the response does not fit or is in doubt (RFC 7766 5)."""
        if sent is None:
            manner = manner or traits.manner(asyncio.get_running_loop().time())
            sent = self._send(question, upstream, traits, until_s, manner)
        manner = sent.query.manner
        try:
            found = await sent.waiting.outcome()
        except OSError as error:
            raise no_way(error) from None
        finally:
            self.finish(question, upstream, sent)
        if isinstance(found, Response):
            return found, manner
        if found is Instead.SILENCE:
            raise SilenceError(found.value)
        if found is Instead.TRUNCATED:
            return await self._over_tcp(question, upstream, manner, until_s), manner
        if no_doubt:
            raise UpstreamError(found.value)
        return await self._settled(question, upstream, traits, manner, until_s, found)

    async def _over_tcp(
        self, question: Question, upstream: Upstream, manner: Manner, until_s: float
    ) -> Response:
        """The response over TCP. Where there is none it is not down: it has just answered over UDP."""
        wire, query = await self._from_connection(question, upstream, manner, until_s, "truncated, and ")
        return Response(query.plain(wire))

    async def _settled(
        self,
        question: Question,
        upstream: Upstream,
        traits: Traits,
        manner: Manner,
        until_s: float,
        doubt: Instead,
    ) -> tuple[Response, Manner]:
        """The response of an upstream over which there is ``doubt``, and a lesson about it."""
        now_s = asyncio.get_running_loop().time()
        why = f"{doubt.value}, and "
        try:
            wire, query = await self._from_connection(question, upstream, manner, until_s, why)
        except UpstreamError:
            if doubt is Instead.FLOOD:
                raise
            # It has no TCP either. Asked in a lesser manner, it still has to be answered to the letter.
            lesser = manner._replace(spelled=False) if doubt is Instead.MISSPELLED else manner
            if doubt is Instead.NO_COOKIE:
                traits.forget_cookie()
            response, _ = await self._over_udp(question, upstream, traits, until_s, lesser, no_doubt=True)
            if doubt is Instead.MISSPELLED:
                traits.mangles_case(now_s)
            return response, lesser
        response = Response(query.plain(wire))
        if match(wire, query) is Match.MISSPELLED:
            traits.mangles_case(now_s)
        if manner.edns and not traits.accepts(response.cookie):
            traits.forget_cookie()
        return response, manner

    def _count(self, upstream: Upstream, unwanted: dict[str, int]) -> None:
        for reason, times in unwanted.items():
            self._counts.add(FORWARD_UNWANTED, str(upstream), reason, by=times)

    # Connections

    async def _over_connection(self, question: Question, upstream: Upstream, until_s: float) -> Response:
        """One query to an upstream that is asked over connections only."""
        manner = Manner(spelled=False, padded=upstream.is_encrypted)
        try:
            response = await self._encrypted_or_not(question, upstream, manner, until_s)
            if response.rcode in NO_EDNS:
                bare = Manner(spelled=False, edns=False)
                response = await self._encrypted_or_not(question, upstream, bare, until_s)
        except _NothingError as error:
            raise (NoResponseError if error.at_once else SilenceError)(str(error)) from None
        return response

    async def _encrypted_or_not(
        self, question: Question, upstream: Upstream, manner: Manner, until_s: float
    ) -> Response:
        if upstream.carrier is Carrier.HTTPS:
            return await self._from_https(question, upstream, manner, until_s)
        wire, _ = await self._from_connection(question, upstream, manner, until_s, "")
        return Response(wire)

    async def _from_https(
        self, question: Question, upstream: Upstream, manner: Manner, until_s: float
    ) -> Response:
        if self._https is None:
            from splitdns.forward.https import Https  # and an HTTP client, which is not needed otherwise

            self._https = Https()
        query = make_query(question, self.random, manner)
        try:
            async with asyncio.timeout_at(until_s):
                wire, age_s = await self._https.ask(upstream, query.wire)
        except TimeoutError:
            raise _NothingError("no response in time", at_once=False) from None
        except OSError as error:
            raise _NothingError(_reason(error, upstream), at_once=True) from None
        if match(wire, query) is not Match.WHOLE:
            raise UpstreamError("a response over HTTPS that does not answer the query")
        return Response(wire, age_s)

    async def _from_connection(
        self, question: Question, upstream: Upstream, manner: Manner, until_s: float, why: str
    ) -> tuple[bytes, Query]:
        query = make_query(question, self.random, manner)
        try:
            async with asyncio.timeout_at(until_s):
                wire = await self._streams.ask(upstream, query)
        except TimeoutError:
            over = "" if upstream.carrier is not Carrier.UDP else "over TCP "
            raise _NothingError(f"{why}no response {over}in time", at_once=False) from None
        except OSError as error:
            if error.errno in _OURS:
                raise NotAskedError(error.strerror or str(error)) from None
            over = "over TCP: " if why else ""
            raise _NothingError(f"{why}{over}{_reason(error, upstream)}", at_once=True) from None
        except UpstreamError as error:
            raise UpstreamError(f"{why}{error}") from None
        if is_truncated(wire):
            raise UpstreamError("a truncated response over TCP")
        return wire, query


class _NothingError(UpstreamError):
    """Nothing came over a connection, which of an upstream over UDP says nothing yet."""

    def __init__(self, reason: str, at_once: bool) -> None:
        super().__init__(reason)
        self.at_once = at_once


def no_way(error: OSError) -> NoResponseError | NotAskedError:
    """What an error of a socket for datagrams says."""
    kind = NotAskedError if error.errno in _OURS else NoResponseError
    return kind(error.strerror or str(error))


def _reason(error: OSError, upstream: Upstream) -> str:
    """Why there is no connection, in words that say what to look at."""
    if (verify := getattr(error, "verify_message", None)) is not None:
        return f"its certificate does not prove that it is {upstream.identity}: {verify}"
    return error.strerror or str(error)

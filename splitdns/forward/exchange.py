"""One question to one upstream: what is sent, what counts as the response, and what else is tried.

A datagram counts only where the kernel saw it come from the upstream, its id and question are ours to the
letter, and it bears our cookie if the upstream has ever shown one (RFC 5452 9.1, RFC 7873 5.3); others are
ignored and the wait goes on. A response that is almost right may be a forger's, or that of an upstream that
mangles case or has lost its cookies. Which of the two, a connection tells: nobody forges that blindly.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from splitdns.errors import UpstreamError
from splitdns.forward.loops import Loops
from splitdns.forward.network import Network
from splitdns.forward.query import NO_EDNS, Manner, Match, Query, Question, is_truncated, make_query, match
from splitdns.forward.response import Response
from splitdns.forward.streams import Streams
from splitdns.forward.traits import Known, Traits
from splitdns.metrics import FORWARD_UNWANTED, Counts
from splitdns.records import Rcode
from splitdns.view import Carrier, Upstream

if TYPE_CHECKING:
    from splitdns.forward.https import Https

MAX_UNWANTED = 100  # datagrams that do not count, in one exchange; beyond: a flood, and TCP is asked
# How long the right response may come after one that is almost right, before TCP is asked which it is. A near
# upstream's comes by then; of a far one, TCP has to wait no longer than UDP.
DOUBT_S = 0.04

_RECEIVE_OCTETS = 65_535
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM, errno.EAGAIN})


class NoResponseError(UpstreamError):
    """The upstream did not answer, or cannot be reached, or is not who it should be: it may be down."""


class NotAskedError(UpstreamError):
    """This machine could not ask, for want of descriptors or memory; the upstream is no worse for it."""


class SilenceError(NoResponseError):
    """The upstream did not answer in time. What was lost once may arrive the next time."""


class Exchanger:
    """Asks single upstreams, over sockets from ``network``, and remembers what they showed of themselves.

    It keeps connections open: whoever made it calls ``close``.
    """

    def __init__(self, network: Network, random: Random, counts: Counts) -> None:
        self._network = network
        self._random = random
        self._counts = counts
        self._known = Known(random)
        self._loops = Loops()
        self._streams = Streams(network, random)
        self._https: Https | None = None

    async def exchange(self, question: Question, upstream: Upstream, timeout_s: float) -> Response:
        """Ask ``upstream`` once; where it does not take how it is asked, again in another manner.

        Raises:
            NoResponseError: nothing within ``timeout_s``, or no way to the upstream.
            UpstreamError: a response that cannot be used.
        """
        until_s = asyncio.get_running_loop().time() + timeout_s
        if upstream.carrier is not Carrier.UDP:
            return await self._over_connection(question, upstream, until_s)
        traits = self._known.of(upstream)
        response, manner = await self._over_udp(question, upstream, traits, until_s)
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
        return self._loops.via(spelled, qtype)

    async def close(self) -> None:
        """Close the connections."""
        await self._streams.close()
        if self._https is not None:
            await self._https.close()

    # Datagrams

    async def _over_udp(
        self,
        question: Question,
        upstream: Upstream,
        traits: Traits,
        until_s: float,
        manner: Manner | None = None,
        *,
        no_doubt: bool = False,
    ) -> tuple[Response, Manner]:
        """One query over UDP, over TCP where the response does not fit or is in doubt (RFC 7766 5)."""
        loop = asyncio.get_running_loop()
        manner = manner or traits.manner(loop.time())
        query = make_query(question, self._random, manner)
        spelled = query.spelled
        self._loops.leave(spelled, question.qtype, upstream)
        try:
            with self._network.datagram(upstream) as datagram:
                datagram.send(query.wire)
                waiting = _Waiting(datagram, query, traits, until_s)
                try:
                    found = await waiting.done
                finally:
                    waiting.end()
                    if waiting.unwanted:
                        self._count(upstream, waiting.unwanted)
        except OSError as error:
            kind = NotAskedError if error.errno in _OURS else NoResponseError
            raise kind(error.strerror or str(error)) from None
        finally:
            self._loops.arrive(spelled, question.qtype)
        if isinstance(found, Response):
            return found, manner
        if found == _TRUNCATED:
            return await self._over_tcp(question, upstream, manner, until_s), manner
        if no_doubt:
            raise UpstreamError(found)
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
        doubt: str,
    ) -> tuple[Response, Manner]:
        """The response of an upstream over which there is ``doubt``, and a lesson about it."""
        now_s = asyncio.get_running_loop().time()
        try:
            wire, query = await self._from_connection(question, upstream, manner, until_s, f"{doubt}, and ")
        except UpstreamError:
            if doubt == _FLOODED:
                raise
            # It has no TCP either. Asked in a lesser manner, it still has to be answered to the letter.
            lesser = manner._replace(spelled=False) if doubt == _MISSPELLED else manner
            if doubt == _NO_COOKIE:
                traits.forget_cookie()
            response, _ = await self._over_udp(question, upstream, traits, until_s, lesser, no_doubt=True)
            if doubt == _MISSPELLED:
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
            self._counts.add(FORWARD_UNWANTED, str(upstream), _LABELS[reason], by=times)

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
        query = make_query(question, self._random, manner)
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
        query = make_query(question, self._random, manner)
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


def _reason(error: OSError, upstream: Upstream) -> str:
    """Why there is no connection, in words that say what to look at."""
    if (verify := getattr(error, "verify_message", None)) is not None:
        return f"its certificate does not prove that it is {upstream.identity}: {verify}"
    return error.strerror or str(error)


# What a wait may end with beside the response; the last three are doubts, in words for a person.
_TRUNCATED = "truncated"
_MISSPELLED = "a response in another case"
_NO_COOKIE = "a response without our cookie"
_FLOODED = f"more than {MAX_UNWANTED} datagrams that do not answer the query"
_OTHER = "another"
_LABELS = {_MISSPELLED: "case", _NO_COOKIE: "cookie", _OTHER: "other"}


class _Waiting:
    """Reads a socket until something counts; in callbacks, so that what does not costs no task its turn."""

    __slots__ = (
        "_datagram",
        "_doubt",
        "_loop",
        "_query",
        "_timer",
        "_traits",
        "_until_s",
        "done",
        "unwanted",
    )

    def __init__(self, datagram: socket.socket, query: Query, traits: Traits, until_s: float) -> None:
        self._loop = loop = asyncio.get_running_loop()
        self._datagram = datagram
        self._query = query
        self._traits = traits
        self._until_s = until_s
        self._doubt = ""
        self.unwanted: dict[str, int] = {}
        self.done: asyncio.Future[Response | str] = loop.create_future()
        self._timer = loop.call_at(until_s, self._end_of_time)
        loop.add_reader(datagram.fileno(), self._read)  # by number: by object, asyncio is twice as slow

    def end(self) -> None:
        """Let go of the socket."""
        self._timer.cancel()
        self._loop.remove_reader(self._datagram.fileno())

    def _read(self) -> None:
        if self.done.done():
            return
        try:
            found = self._judge(self._datagram.recv(_RECEIVE_OCTETS))
        except BlockingIOError:
            return
        except (OSError, UpstreamError) as error:
            self.done.set_exception(error)
            return
        if isinstance(found, Response) or found == _TRUNCATED:
            self.done.set_result(found)
            return
        self.unwanted[found] = self.unwanted.get(found, 0) + 1
        if sum(self.unwanted.values()) > MAX_UNWANTED:
            self.done.set_result(_FLOODED)
        elif found != _OTHER and not self._doubt:
            self._doubt = found
            self._timer.cancel()
            until_s = min(self._until_s, self._loop.time() + DOUBT_S)
            self._timer = self._loop.call_at(until_s, self._end_of_time)

    def _judge(self, wire: bytes) -> Response | str:
        matching = match(wire, self._query)
        if matching is Match.OTHER:
            return _OTHER
        if matching is Match.MISSPELLED:
            return _MISSPELLED
        if is_truncated(wire):  # whoever says so, all that it makes us do is to ask over TCP
            return _TRUNCATED
        response = Response(self._query.plain(wire))
        if self._query.manner.cookie and not self._traits.accepts(response.cookie):
            return _NO_COOKIE
        if response.has_edns and response.rcode not in NO_EDNS:
            self._traits.knows_edns = True
        return response

    def _end_of_time(self) -> None:
        with suppress(asyncio.InvalidStateError):
            if self._doubt:
                self.done.set_result(self._doubt)
            else:
                self.done.set_exception(SilenceError("no response in time"))

"""The wait for the datagram that answers a query, among those that do not.

A datagram counts only where the kernel saw it come from the upstream, its id and question are ours to the
letter, and it bears our cookie if the upstream has ever shown one (RFC 5452 9.1, RFC 7873 5.3); others are
counted by what is wrong with them, and the wait goes on.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from enum import Enum

from splitdns.errors import UpstreamError
from splitdns.forward.deadlines import Deadlines
from splitdns.forward.query import NO_EDNS, Match, Query, is_truncated, match
from splitdns.forward.readers import Readers
from splitdns.forward.response import Response
from splitdns.forward.traits import Traits

MAX_UNWANTED = 100  # datagrams that do not count, in one wait; beyond: a flood, and it is over
# How long the right response may come after one that is almost right. A near upstream's comes by then; of a
# far one, who asks over TCP instead has to wait no longer than for UDP.
DOUBT_S = 0.04

_RECEIVE_OCTETS = 65_535


class GarbledError(UpstreamError):
    """The response is cut short, or its octets make no sense: what became of it on the way, perhaps."""


class Instead(Enum):
    """What a wait may end with instead of a response; the last three are doubts, in words for a person."""

    SILENCE = "no response in time"
    TRUNCATED = "a truncated response"
    MISSPELLED = "a response in another case"
    NO_COOKIE = "a response without our cookie"
    FLOOD = f"more than {MAX_UNWANTED} datagrams that do not answer the query"


_LABELS = {Instead.MISSPELLED: "case", Instead.NO_COOKIE: "cookie", None: "other"}


class Waiting:
    """Reads a socket until something counts; in callbacks, which cost less than a task.

    It is over when there is what was ``found``, or an ``error``: OSError where there is no way to the
    upstream, GarbledError where the response is malformed. ``tell`` is called once: when it is over, at
    ``early_s``, or as soon as there is a doubt, for one may have other plans by then. ``unwanted`` counts
    the others by "case", "cookie" and "other". Whoever made it calls ``end``.
    """

    __slots__ = (
        "_datagram",
        "_deadlines",
        "_doubt",
        "_loop",
        "_over",
        "_query",
        "_tell",
        "_timer",
        "_traits",
        "_until_s",
        "error",
        "found",
        "unwanted",
    )

    def __init__(
        self,
        readers: Readers,
        deadlines: Deadlines,
        datagram: socket.socket,
        query: Query,
        traits: Traits,
        until_s: float,
        early_s: float | None = None,
        tell: Callable[[], None] | None = None,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._deadlines = deadlines
        self._datagram = datagram
        self._query = query
        self._traits = traits
        self._until_s = until_s
        self._tell = tell
        self._doubt: Instead | None = None
        self._over: asyncio.Future[None] | None = None
        self.unwanted: dict[str, int] = {}
        self.found: Response | Instead | None = None
        self.error: OSError | UpstreamError | None = None
        # One timer for both: it is set anew for the later time if it comes to that, which is rare.
        first_s = until_s if early_s is None or early_s > until_s else early_s
        self._timer = deadlines.at(first_s, self._end_of_time)
        try:
            readers.add(datagram.fileno(), self._read)
        except OSError:
            self._timer.cancel()
            raise

    async def outcome(self) -> Response | Instead:
        """What was found, when it is over; raises the error."""
        if self.found is None and self.error is None:
            self._over = self._loop.create_future()
            await self._over
        if self.error is not None:  # a copy: what is raised holds this frame, and the frame what is here
            raise type(self.error)(*self.error.args)
        assert self.found is not None
        return self.found

    @property
    def takes_long(self) -> bool:
        """Whether it goes on, and nothing has come that gave cause for doubt."""
        return self.found is None and self.error is None and self._doubt is None

    def tell(self, tell: Callable[[], None]) -> None:
        """Call ``tell`` when it is over, or as soon as there is a doubt."""
        self._tell = tell

    def fail(self, error: OSError | UpstreamError) -> None:
        """It is over, if it is not yet: the query did not leave, or what came is no use."""
        if self.found is None and self.error is None:
            self.error = error.with_traceback(None)  # whose frames would hold this, and this them
            self._end_of_wait()

    def ring(self) -> None:
        """The earlier one of its times is here already."""
        self._timer.cancel()
        self._end_of_time()

    def end(self) -> None:
        """Tell nobody any more; the socket is for whoever owns it."""
        self._tell = None
        self._timer.cancel()

    def _read(self) -> None:
        if self.found is not None or self.error is not None:
            return
        try:
            wire = self._datagram.recv(_RECEIVE_OCTETS)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(error)
            return
        self.take(wire)

    def take(self, wire: bytes) -> None:
        """Look at a datagram that has come; the wait is not over yet."""
        try:
            found = self._judge(wire)
        except UpstreamError as error:
            self.fail(GarbledError(*error.args))
            return
        if isinstance(found, Response) or found is Instead.TRUNCATED:
            self._end_with(found)
            return
        label = _LABELS[found]
        self.unwanted[label] = self.unwanted.get(label, 0) + 1
        if sum(self.unwanted.values()) > MAX_UNWANTED:
            self._end_with(Instead.FLOOD)
        elif found is not None and self._doubt is None:
            self._doubt = found
            self._timer.cancel()
            until_s = min(self._until_s, self._loop.time() + DOUBT_S)
            self._timer = self._deadlines.at(until_s, self._end_of_time)
            self._hurry()

    def _judge(self, wire: bytes) -> Response | Instead | None:
        """The response, or what is wrong with the datagram; None: everything."""
        matching = match(wire, self._query)
        if matching is Match.OTHER:
            return None
        if matching is Match.MISSPELLED:
            return Instead.MISSPELLED
        if is_truncated(wire):  # whoever says so, all that it makes us do is to ask over TCP
            return Instead.TRUNCATED
        response = Response(self._query.plain(wire), asked=self._query.name)
        if self._query.manner.cookie and not self._traits.accepts(response.cookie):
            return Instead.NO_COOKIE
        if response.has_edns and response.rcode not in NO_EDNS:
            self._traits.knows_edns = True
        return response

    def _end_of_time(self) -> None:
        if self._doubt is None and self._loop.time() < self._until_s:
            self._timer = self._deadlines.at(self._until_s, self._end_of_time)
            self._hurry()
        elif self.found is None and self.error is None:
            self._end_with(self._doubt or Instead.SILENCE)

    def _end_with(self, found: Response | Instead) -> None:
        self.found = found
        self._end_of_wait()

    def _end_of_wait(self) -> None:
        if self._over is not None and not self._over.done():
            self._over.set_result(None)
        self._hurry()

    def _hurry(self) -> None:
        tell, self._tell = self._tell, None
        if tell is not None:
            tell()

"""One try: one upstream is asked one question, and what comes of it.

A query over UDP takes no task: callbacks read its response, and a thousand questions that hang cost little
memory. Only what needs a second look, or a connection, goes on in a task.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple, Protocol

from splitdns.answer.decide import Reply
from splitdns.errors import Caught, UpstreamError
from splitdns.forward.datagrams import Waiting
from splitdns.forward.exchange import Sent
from splitdns.forward.policy import Try
from splitdns.forward.ports import Port
from splitdns.forward.query import Query, Question
from splitdns.forward.response import Response
from splitdns.view import Carrier, Upstream

if TYPE_CHECKING:
    from splitdns.forward.upstreams import Upstreams


class Trouble(NamedTuple):
    """What a try came to that gave no reply; ``silence``: it may well be answered the next time.

    ``garbled``: that next time may be now. A value, for an exception that is kept holds the frames that it
    came through, and they what they hold.
    """

    reason: str
    silence: bool
    garbled: bool = False


Ended = Reply | Trouble  # what a try comes to


class Asker(Protocol):
    """Who wants to know what a try comes to."""

    def ended(self, trying: Trying, ended: Ended | Exception) -> None:
        """It is over; an exception is a bug. Called once, and never from within ``begin``."""

    def takes_long(self) -> None:
        """The time of a usual answer is over."""


class Trying:
    """A try that began at ``asked_s``; ``asker`` None: nobody waits for it, but it teaches something."""

    __slots__ = ("_attempt", "_question", "_sent", "_task", "_upstreams", "asked_s", "asker")

    def __init__(
        self, upstreams: Upstreams, question: Question, attempt: Try, asked_s: float, asker: Asker | None
    ) -> None:
        self._upstreams = upstreams
        self._question = question
        self._attempt = attempt
        self._sent: Sent | None = None
        self._task: asyncio.Task[Ended] | None = None
        self.asked_s = asked_s
        self.asker = asker

    @property
    def upstream(self) -> Upstream:
        return self._attempt.upstream

    def begin(self, early_s: float | None = None) -> Trouble | None:
        """Ask; what it comes to, if at once. ``asker`` is told after ``early_s``, too, if it is over UDP."""
        upstream, timeout_s = self._attempt
        if upstream.carrier is not Carrier.UDP:
            self._in_a_task(timeout_s)
            return None
        try:
            self._sent = self._upstreams.exchanger.send(
                self._question, upstream, timeout_s, early_s, self._told
            )
        except UpstreamError as error:
            return self._upstreams.failed(upstream, error, self.asked_s)
        return None

    def go_on(self, query: Query, port: Port, sent_s: float, early_s: float) -> Waiting:
        """Go on from where ``query`` left through ``port``, at ``sent_s`` of the loop; else as ``begin``."""
        upstream, timeout_s = self._attempt
        self._sent = self._upstreams.exchanger.go_on(
            query, port, self._question, upstream, sent_s + timeout_s, sent_s + early_s, self._told
        )
        return self._sent.waiting

    def cancel(self) -> None:
        """Nobody wants to learn anything from it; ``asker`` is not told."""
        self.asker = None
        self._let_go()
        if self._task is not None:
            self._task.cancel()

    def _told(self) -> None:
        """It was answered, or takes long, or there is a doubt."""
        sent = self._sent
        assert sent is not None
        found = sent.ended
        if found is None and sent.waiting.takes_long:
            sent.waiting.tell(self._told)
            if self.asker is not None:
                self.asker.takes_long()
            return
        if found is None:
            gone_s = self._upstreams.clock() - self.asked_s
            self._in_a_task(max(self._attempt.timeout_s - gone_s, 0))
            return
        self._let_go()
        with (caught := Caught()):
            if isinstance(found, Response):
                ended = self._upstreams.heard(self._question, self.upstream, found, self.asked_s)
            else:
                ended = self._upstreams.failed(self.upstream, found, self.asked_s)
        self._end(caught.error or ended)

    def _in_a_task(self, timeout_s: float) -> None:
        attempt = Try(self.upstream, timeout_s)
        begun = self._upstreams.attempt(self._question, attempt, self.asked_s, self._sent)
        self._task = self._upstreams.spawn(begun)
        self._task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[Ended]) -> None:
        self._task = None
        self._let_go()  # by itself it would only if it is not cancelled before it begins
        if task.cancelled():
            self._end(Trouble("cut off", silence=False))
            return
        error = task.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        self._end(error or task.result())

    def _let_go(self) -> None:
        sent, self._sent = self._sent, None
        if sent is not None:
            self._upstreams.exchanger.finish(self._question, self.upstream, sent)

    def _end(self, ended: Ended | Exception) -> None:
        asker, self.asker = self.asker, None
        if asker is not None:
            asker.ended(self, ended)
        else:
            self._upstreams.is_over(self)

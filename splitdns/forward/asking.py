"""One question to the upstreams of a set, from its first query to its outcome.

Nearly always the first query is answered, and that takes no task: a callback reads the response, and another
hands the reply on. Only where it takes longer than usual, or comes to nothing, a task goes on from there with
further tries. These run beside one another, and whichever comes to a usable reply first ends them all for
who asked; those that were overtaken go on until their own time-out, for what they find is the truth about
their upstream: that it is slow, or that it is down.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, NamedTuple, TypeGuard

from splitdns.answer.decide import Reply
from splitdns.errors import Caught, UpstreamError
from splitdns.forward.exchange import Sent
from splitdns.forward.policy import Tries, Try
from splitdns.forward.query import Question
from splitdns.records import Rcode
from splitdns.view import Carrier, Upstream

if TYPE_CHECKING:
    from splitdns.forward.upstreams import Upstreams

_USABLE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})


class Failure(NamedTuple):
    """No upstream gave a usable answer; the last try's reason."""

    reason: str


class Trouble(NamedTuple):
    """What a try came to that gave no reply; ``silence``: it may well be answered the next time.

    A value, for an exception that is kept holds the frames that it came through, and they what they hold.
    """

    reason: str
    silence: bool


Outcome = Reply | Failure
Ended = Reply | Trouble  # what a try comes to
Judge = Callable[[Reply], Awaitable[Reply]]
Done = Callable[[Outcome | Exception], None]  # an exception is a bug: whoever asked reports it


class Asking:
    """A question on its way. ``done`` is called once, and not after ``cancel``."""

    __slots__ = ("_asked_s", "_done", "_judge", "_question", "_sent", "_task", "_tries", "_try", "_upstreams")

    def __init__(
        self, upstreams: Upstreams, question: Question, tries: Tries, judge: Judge | None, done: Done
    ) -> None:
        self._upstreams = upstreams
        self._question = question
        self._tries = tries
        self._judge = judge
        self._done = done
        self._task: asyncio.Task[Outcome] | None = None
        self._sent: Sent | None = None
        self._try: Try | None = None
        self._asked_s = 0.0

    def begin(self, is_one: bool) -> None:
        """Send the first query; ``is_one``: no other is to leave at the same time."""
        upstreams = self._upstreams
        self._asked_s = now_s = upstreams.clock()
        attempt = self._tries.next(now_s) if is_one else None
        if attempt is None:
            self._go_on()
            return
        self._try = attempt
        if attempt.upstream.carrier is not Carrier.UDP:
            self._go_on(begun=self._attempt(attempt))
            return
        due_s = self._tries.due_s
        early_s = None if due_s is None else due_s - now_s
        try:
            self._sent = upstreams.exchanger.send(
                self._question, attempt.upstream, attempt.timeout_s, early_s, self._told
            )
        except UpstreamError as error:
            self._go_on((attempt.upstream, upstreams.failed(attempt.upstream, error, now_s)))

    def cancel(self) -> asyncio.Task[Outcome] | None:
        """Nobody wants the outcome any more; what is left to wait for, if there is something."""
        self._upstreams.under_way.discard(self)
        self._done = _ignore
        if self._task is not None:
            self._task.cancel()
        else:
            self._finish()
        return self._task

    def _told(self) -> None:
        """The first query was answered, or takes long."""
        assert self._sent is not None
        assert self._try is not None
        response, (upstream, timeout_s) = self._sent.response, self._try
        if response is None:
            left = Try(upstream, max(timeout_s - (self._upstreams.clock() - self._asked_s), 0))
            self._go_on(begun=self._attempt(left, self._sent))
            return
        self._finish()
        with (caught := Caught()):
            ended = self._upstreams.heard(self._question, upstream, response, self._asked_s)
        if caught.error is not None:
            self._end(caught.error)
        elif self._judge is None and _is_usable(ended):
            self._end(ended)
        else:
            self._go_on((upstream, ended))

    def _finish(self) -> None:
        if self._sent is not None and self._try is not None:
            self._upstreams.exchanger.finish(self._question, self._try.upstream, self._sent)

    def _attempt(self, attempt: Try, sent: Sent | None = None) -> Coroutine[None, None, Ended]:
        return self._upstreams.attempt(self._question, attempt, self._asked_s, sent)

    def _go_on(
        self, *arrived: tuple[Upstream, Ended], begun: Coroutine[None, None, Ended] | None = None
    ) -> None:
        """Go on in a task, with what has ``arrived`` or was ``begun``."""
        running = _Running()
        if begun is not None and self._try is not None:
            task = running.begin(begun, self._try.upstream)
            # By itself it would let go of what was sent only if it is not cancelled before it begins.
            task.add_done_callback(lambda _: self._finish())
        self._task = asyncio.create_task(self._rest(list(arrived), running))
        self._task.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[Outcome]) -> None:
        if task.cancelled():
            self._end(Failure("cut off"))
            return
        error = task.exception()
        if error is not None and not isinstance(error, Exception):
            raise error
        self._end(task.result() if error is None else error)

    def _end(self, outcome: Outcome | Exception) -> None:
        self._upstreams.under_way.discard(self)
        done, self._done = self._done, _ignore  # whoever asked holds this, and is not held by it any more
        done(outcome)

    async def _rest(self, arrived: list[tuple[Upstream, Ended]], running: _Running) -> Outcome:
        upstreams, tries, judge = self._upstreams, self._tries, self._judge
        outcome: Outcome = Failure("no upstream to ask")
        try:
            while tries.due_s is not None or running.tasks or arrived:
                for upstream, ended in arrived:
                    if judge is not None and _is_usable(ended):
                        ended = await judge(ended)
                    if _is_usable(ended):
                        return ended
                    outcome = _worse(outcome, upstream, ended)
                    if isinstance(ended, Reply) or not ended.silence:
                        tries.drop(upstream, upstreams.clock())
                now_s = upstreams.clock()
                while tries.due_s is not None and (tries.due_s <= now_s or not running.tasks):
                    if attempt := tries.next(now_s):
                        begun = upstreams.attempt(self._question, attempt, now_s)
                        running.begin(begun, attempt.upstream)
                within_s = None if tries.due_s is None else tries.due_s - now_s
                arrived = await running.some(within_s) if running.tasks else []
        except asyncio.CancelledError:  # nobody wants the answer any more
            running.cancel()
            raise
        finally:
            for late in running.tasks:
                upstreams.put_aside(late)
        return outcome


class _Running:
    """The tries of one question that are on their way. ``asyncio.wait`` would do; this costs less."""

    __slots__ = ("_ended", "_wake", "tasks")

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[Ended], Upstream] = {}
        self._ended: list[asyncio.Task[Ended]] = []
        self._wake: asyncio.Future[None] | None = None

    def begin(self, attempt: Coroutine[None, None, Ended], upstream: Upstream) -> asyncio.Task[Ended]:
        task = asyncio.create_task(attempt)
        self.tasks[task] = upstream
        task.add_done_callback(self._end)
        return task

    async def some(self, within_s: float | None) -> list[tuple[Upstream, Ended]]:
        """Those that have ended, as soon as there is one; none where none has ``within_s``."""
        loop = asyncio.get_running_loop()
        self._wake = wake = loop.create_future()
        timer = None if within_s is None else loop.call_later(within_s, _wake, wake)
        try:
            if not self._ended:
                await wake
        finally:
            self._wake = None
            if timer is not None:
                timer.cancel()
        ended, self._ended = self._ended, []
        return [(self.tasks.pop(task), task.result()) for task in ended]

    def cancel(self) -> None:
        for task in self.tasks:
            task.cancel()

    def _end(self, task: asyncio.Task[Ended]) -> None:
        self._ended.append(task)
        if self._wake is not None:
            _wake(self._wake)


def _ignore(_: Outcome | Exception) -> None:
    pass


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _is_usable(ended: Ended) -> TypeGuard[Reply]:
    return isinstance(ended, Reply) and ended.rcode in _USABLE


def _worse(outcome: Outcome, upstream: Upstream, ended: Ended) -> Outcome:
    """What remains after one more try that failed: an upstream's rcode says more than silence."""
    if isinstance(ended, Reply):
        return ended
    return outcome if isinstance(outcome, Reply) else Failure(f"{upstream}: {ended.reason}")

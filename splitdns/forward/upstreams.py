"""One question to the resolvers of a set, until one gives a usable reply.

Tries run beside one another: the next begins when the one before takes longer than usual, and whichever comes
to a usable reply first ends them all for who asked. Those that were overtaken go on until their own time-out,
for what they find is the truth about their upstream: that it is slow, or that it is down. Whoever asks gets a
value, never an exception: the reply, or why there is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from random import Random

from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.exchange import Exchanger, NoResponseError, NotAskedError, Sent, SilenceError
from splitdns.forward.health import Health
from splitdns.forward.policy import PATIENCE_S, Tries, Try, plan
from splitdns.forward.query import Question
from splitdns.forward.response import Response
from splitdns.metrics import FORWARD_FAILURES, FORWARD_LOOPS, PROXY_DURATION, Counts, rcode_label
from splitdns.records import Rcode
from splitdns.view import Carrier, Upstream, UpstreamSet

log = logging.getLogger("splitdns.forward")

MAX_ASIDE = 1000  # tries that nobody waits for any more; beyond, they are cut off, and teach nothing

LOOP_REMEDY = "let that upstream ask somebody else, or ask another upstream here"

_USABLE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})
_PROXY = "forward"  # CoreDNS's label for what its plugin of this name asked


@dataclass(frozen=True, slots=True)
class Failure:
    """No upstream gave a usable answer; the last try's reason."""

    reason: str


Outcome = Reply | Failure
Judge = Callable[[Reply], Awaitable[Reply]]
_Ended = Reply | UpstreamError  # what a try comes to


class Upstreams:
    """All upstreams of one worker. It owns the tasks that it starts: whoever made it calls ``close``."""

    def __init__(
        self,
        counts: Counts,
        exchanger: Exchanger,
        random: Random,
        clock: Callable[[], float],
        patience_s: float = PATIENCE_S,
        is_back: Callable[[Upstream], None] = lambda _: None,
    ) -> None:
        self._counts = counts
        self._exchanger = exchanger
        self._random = random
        self._clock = clock
        self._patience_s = patience_s
        self._is_back = is_back
        self._health = Health()
        self._aside: set[asyncio.Task[_Ended]] = set()
        self._told: set[Upstream] = set()  # of loops

    async def ask(
        self, question: Question, upstreams: UpstreamSet, judge: Judge | None = None
    ) -> Outcome:
        """The first usable reply, after ``patience_s`` at the latest, or why there is none.

        A reply whose rcode is of no use, such as SERVFAIL, is given only where no upstream has a better one.
        ``judge`` may make such a one of a reply, and takes the time that it takes.
        """
        now_s = self._clock()
        for upstream in self._health.due(upstreams, now_s):
            probe = self._try(question, Try(upstream, upstreams.timeout_s), now_s)
            self._put_aside(asyncio.create_task(probe))
        chosen = plan(upstreams, self._health, self._random)
        tries = Tries(chosen, self._health, upstreams.timeout_s, now_s, self._patience_s)
        running = _Running()
        outcome: Outcome = Failure("no upstream to ask")
        try:
            arrived = await self._first(question, tries, running) if chosen.at_once == 1 else []
            while tries.due_s is not None or running.tasks or arrived:
                for upstream, ended in arrived:
                    if judge is not None and isinstance(ended, Reply) and ended.rcode in _USABLE:
                        ended = await judge(ended)
                    if isinstance(ended, Reply) and ended.rcode in _USABLE:
                        return ended
                    outcome = _worse(outcome, upstream, ended)
                    if not isinstance(ended, SilenceError):
                        tries.drop(upstream, self._clock())
                now_s = self._clock()
                while tries.due_s is not None and (tries.due_s <= now_s or not running.tasks):
                    if attempt := tries.next(now_s):
                        running.begin(self._try(question, attempt, now_s), attempt.upstream)
                within_s = None if tries.due_s is None else tries.due_s - now_s
                arrived = await running.some(within_s) if running.tasks else []
        except asyncio.CancelledError:  # nobody wants the answer any more
            running.cancel()
            raise
        finally:
            for late in running.tasks:
                self._put_aside(late)
        return outcome

    def are_down(self, upstreams: UpstreamSet) -> bool:
        """Whether none of the set has been there lately: who asks them will mostly wait in vain."""
        return all(self._health.is_down(upstream) for upstream in upstreams.upstreams)

    def is_ours(self, spelled: bytes, qtype: int, client: str) -> bool:
        """Whether the question of ``client`` is one of ours that has come back: counted, and told once."""
        upstream = self._exchanger.came_back(spelled, qtype)
        if upstream is None:
            return False
        self._counts.add(FORWARD_LOOPS, str(upstream))
        if upstream not in self._told:
            self._told.add(upstream)
            log.warning(
                "forward.loop",
                extra={"upstream": str(upstream), "client": client, "remedy": LOOP_REMEDY},
            )
        return True

    async def close(self) -> None:
        """End what is still on its way beside the questions."""
        aside = tuple(self._aside)
        for task in aside:
            task.cancel()
        if aside:
            await asyncio.wait(aside)
        await self._exchanger.close()

    async def _first(
        self, question: Question, tries: Tries, running: _Running
    ) -> list[tuple[Upstream, _Ended]]:
        """The first try, which mostly is the last one, and so gets no task unless it takes long.

        What it came to; nothing where it is among ``running`` now.
        """
        asked_s = self._clock()
        attempt = tries.next(asked_s)
        if attempt is None:
            return []
        upstream, timeout_s = attempt
        if upstream.carrier is not Carrier.UDP:
            running.begin(self._try(question, attempt, asked_s), upstream)
            return []
        early_s = None if tries.due_s is None else tries.due_s - asked_s
        try:
            sent = self._exchanger.send(question, upstream, timeout_s, early_s)
        except UpstreamError as error:
            return [(upstream, self._failed(upstream, error, asked_s))]
        try:
            await sent.waiting.early
            response = sent.response
        except BaseException:
            self._exchanger.finish(question, upstream, sent)
            raise
        if response is not None:
            self._exchanger.finish(question, upstream, sent)
            return [(upstream, self._heard(question, upstream, response, asked_s))]
        attempt = Try(upstream, max(timeout_s - (self._clock() - asked_s), 0))
        task = running.begin(self._try(question, attempt, asked_s, sent), upstream)
        # By itself it would let go of what was sent only if it is not cancelled before it begins.
        task.add_done_callback(lambda _: self._exchanger.finish(question, upstream, sent))
        return []

    async def _try(
        self, question: Question, attempt: Try, asked_s: float, sent: Sent | None = None
    ) -> _Ended:
        """One exchange, begun at ``asked_s``, counted, and its lesson about the upstream's health."""
        upstream = attempt.upstream
        try:
            response = await self._exchanger.exchange(question, upstream, attempt.timeout_s, sent)
        except UpstreamError as error:
            return self._failed(upstream, error, asked_s)
        return self._heard(question, upstream, response, asked_s)

    def _failed(self, upstream: Upstream, error: UpstreamError, asked_s: float) -> UpstreamError:
        """Count a try that came to nothing; gives ``error`` back."""
        if isinstance(error, NoResponseError):
            self._counts.add(FORWARD_FAILURES, str(upstream), "no_response")
            if self._health.failed(upstream, asked_s, self._clock()):
                log.warning("upstream.down", extra={"upstream": str(upstream), "reason": str(error)})
        elif isinstance(error, NotAskedError):
            self._counts.add(FORWARD_FAILURES, str(upstream), "not_asked")
        else:
            self._counts.add(FORWARD_FAILURES, str(upstream), "unusable")
            self._is_there(upstream, asked_s, self._clock())
        return error

    def _heard(self, question: Question, upstream: Upstream, response: Response, asked_s: float) -> _Ended:
        """Count a try that was answered; the reply in it, or why it holds none."""
        try:
            reply = reduce(response, question.name, question.qtype, question.do)
        except UpstreamError as error:
            return self._failed(upstream, error, asked_s)
        now_s = self._clock()
        self._counts.observe(PROXY_DURATION, now_s - asked_s, _PROXY, str(upstream), rcode_label(reply.rcode))
        self._is_there(upstream, asked_s, now_s)
        return reply

    def _is_there(self, upstream: Upstream, asked_s: float, now_s: float) -> None:
        if self._health.answered(upstream, asked_s, now_s):
            log.info("upstream.up", extra={"upstream": str(upstream)})
            self._is_back(upstream)

    def _put_aside(self, task: asyncio.Task[_Ended]) -> None:
        """Let a try go on by itself."""
        if len(self._aside) >= MAX_ASIDE:
            task.cancel()
            return
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


class _Running:
    """The tries of one question that are on their way. ``asyncio.wait`` would do; this costs less."""

    __slots__ = ("_ended", "_wake", "tasks")

    def __init__(self) -> None:
        self.tasks: dict[asyncio.Task[_Ended], Upstream] = {}
        self._ended: list[asyncio.Task[_Ended]] = []
        self._wake: asyncio.Future[None] | None = None

    def begin(self, attempt: Coroutine[None, None, _Ended], upstream: Upstream) -> asyncio.Task[_Ended]:
        task = asyncio.create_task(attempt)
        self.tasks[task] = upstream
        task.add_done_callback(self._end)
        return task

    async def some(self, within_s: float | None) -> list[tuple[Upstream, _Ended]]:
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

    def _end(self, task: asyncio.Task[_Ended]) -> None:
        self._ended.append(task)
        if self._wake is not None:
            _wake(self._wake)


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _worse(outcome: Outcome, upstream: Upstream, ended: _Ended) -> Outcome:
    """What remains after one more try that failed: an upstream's rcode says more than silence."""
    if isinstance(ended, Reply):
        return ended
    return outcome if isinstance(outcome, Reply) else Failure(f"{upstream}: {ended}")

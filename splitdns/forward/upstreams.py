"""The resolvers that are asked: what they showed of themselves, and what is on its way to them.

A question is an ``Asking``. Here is what all of them share: who is up, who is fast, who is asked in which
manner, and the tries that nobody waits for any more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from random import Random
from typing import Any, TypeVar

from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.asking import Asking, Done, Judge, Outcome
from splitdns.forward.chain import reduce
from splitdns.forward.datagrams import GarbledError
from splitdns.forward.exchange import Exchanger, NoResponseError, NotAskedError, Sent, SilenceError
from splitdns.forward.health import Health
from splitdns.forward.parts import PURE, Parts
from splitdns.forward.policy import PATIENCE_S, Plan, Tries, Try, plan
from splitdns.forward.query import Question
from splitdns.forward.relay import Relay, Relayed
from splitdns.forward.response import Response
from splitdns.forward.trying import Ended, Trouble, Trying
from splitdns.metrics import FORWARD_FAILURES, FORWARD_LOOPS, PROXY_DURATION, Counts, Histogram, rcode_label
from splitdns.view import Upstream, UpstreamSet

log = logging.getLogger("splitdns.forward")

MAX_ASIDE = 1000  # tries that nobody waits for any more; beyond, they are cut off, and teach nothing

LOOP_REMEDY = "let that upstream ask somebody else, or ask another upstream here"

T = TypeVar("T")

_PROXY = "forward"  # CoreDNS's label for what its plugin of this name asked


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
        parts: Parts = PURE,
    ) -> None:
        self._counts = counts
        self._random = random
        self._patience_s = patience_s
        self._is_back = is_back
        self._health = Health(parts.pulse)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._aside: set[Trying] = set()
        self._told: set[Upstream] = set()  # of loops
        self._durations: dict[tuple[Upstream, int], Histogram] = {}  # by rcode
        self.exchanger = exchanger
        self.clock = clock
        self.under_way: set[Asking | Relayed] = set()
        self.relay = Relay(self, exchanger, self._health, patience_s, parts.relayed)

    def begin(
        self, question: Question, upstreams: UpstreamSet, judge: Judge | None, done: Done
    ) -> Asking | Relayed:
        """Ask; ``done`` gets the first usable reply within ``patience_s``, or why there is none.

        A reply whose rcode is of no use, such as SERVFAIL, is given only where no upstream has a better one.
        ``judge`` may make such a one of a reply, and takes the time that it takes.
        """
        if judge is None and (relayed := self.relay.begin(question, upstreams, done)) is not None:
            return relayed
        now_s = self.clock()
        for upstream in self._health.due(upstreams, now_s):
            probe = Trying(self, question, Try(upstream, upstreams.timeout_s), now_s, None)
            if probe.begin() is None:
                self.put_aside(probe)
        chosen = plan(upstreams, self._health, self._random)
        tries = self.tries(chosen, upstreams, now_s)
        asking = Asking(self, question, tries, judge, done)
        self.under_way.add(asking)
        asking.begin(is_one=chosen.at_once == 1)
        return asking

    def tries(self, chosen: Plan, upstreams: UpstreamSet, now_s: float) -> Tries:
        """Those of a question that is asked as it was ``chosen``, from now on."""
        return Tries(chosen, self._health, upstreams.timeout_s, now_s, self._patience_s)

    async def ask(
        self, question: Question, upstreams: UpstreamSet, judge: Judge | None = None
    ) -> Outcome:
        """What ``begin`` comes to; who does not wait for it any more ends it."""
        ended: asyncio.Future[Outcome | Exception] = asyncio.get_running_loop().create_future()
        asking = self.begin(question, upstreams, judge, ended.set_result)
        try:
            outcome = await ended
        except asyncio.CancelledError:
            asking.cancel()
            raise
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def is_down(self, upstream: Upstream) -> bool:
        """Whether it was silent, the last times that it was asked."""
        return self._health.is_down(upstream)

    def are_down(self, upstreams: UpstreamSet) -> bool:
        """Whether none of the set has been there lately: who asks them will mostly wait in vain."""
        return all(self._health.is_down(upstream) for upstream in upstreams.upstreams)

    def is_ours(self, spelled: bytes, qtype: int, client: str) -> bool:
        """Whether the question of ``client`` is one of ours that has come back: counted, and told once."""
        upstream = self.exchanger.came_back(spelled, qtype)
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
        """End what is still on its way."""
        for asking in tuple(self.under_way):
            asking.cancel()
        for trying in self._aside:
            trying.cancel()
        self._aside.clear()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self.exchanger.close()

    async def attempt(
        self, question: Question, attempt: Try, asked_s: float, sent: Sent | None = None
    ) -> Ended:
        """One exchange, begun at ``asked_s``, counted, and its lesson about the upstream's health."""
        upstream = attempt.upstream
        try:
            response = await self.exchanger.exchange(question, upstream, attempt.timeout_s, sent)
        except UpstreamError as error:
            return self.failed(upstream, error, asked_s)
        return self.heard(question, upstream, response, asked_s)

    def failed(self, upstream: Upstream, error: UpstreamError, asked_s: float) -> Trouble:
        """Count a try that came to nothing, and say so."""
        if isinstance(error, NoResponseError):
            self._counts.add(FORWARD_FAILURES, str(upstream), "no_response")
            if self._health.failed(upstream, asked_s, self.clock()):
                log.warning("upstream.down", extra={"upstream": str(upstream), "reason": str(error)})
        elif isinstance(error, NotAskedError):
            self._counts.add(FORWARD_FAILURES, str(upstream), "not_asked")
        else:
            self._counts.add(FORWARD_FAILURES, str(upstream), "unusable")
            self._is_there(upstream, asked_s, self.clock())
        return Trouble(str(error), isinstance(error, SilenceError), isinstance(error, GarbledError))

    def heard(self, question: Question, upstream: Upstream, response: Response, asked_s: float) -> Ended:
        """Count a try that was answered; the reply in it, or why it holds none."""
        try:
            reply = reduce(response, question.name, question.qtype, question.do)
        except UpstreamError as error:
            return self.failed(upstream, error, asked_s)
        self.said(upstream, reply, asked_s)
        return reply

    def said(self, upstream: Upstream, reply: Reply, asked_s: float) -> float:
        """Count a reply, which is here now; when that is."""
        now_s = self.clock()
        durations = self._durations.get((upstream, reply.rcode))
        if durations is None:
            durations = self._durations[upstream, reply.rcode] = self.durations(upstream, reply.rcode)
        durations.observe(now_s - asked_s)
        self._is_there(upstream, asked_s, now_s)
        return now_s

    def durations(self, upstream: Upstream, rcode: int) -> Histogram:
        """Where the time is counted that such a reply took."""
        return self._counts.histogram(PROXY_DURATION, _PROXY, str(upstream), rcode_label(rcode))

    def _is_there(self, upstream: Upstream, asked_s: float, now_s: float) -> None:
        if self._health.answered(upstream, asked_s, now_s):
            log.info("upstream.up", extra={"upstream": str(upstream)})
            self._is_back(upstream)

    def spawn(self, coroutine: Coroutine[None, None, T]) -> asyncio.Task[T]:
        """A task that ends with this, at the latest."""
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def put_aside(self, trying: Trying) -> None:
        """Let a try go on by itself."""
        trying.asker = None
        if len(self._aside) >= MAX_ASIDE:
            trying.cancel()
        else:
            self._aside.add(trying)

    def is_over(self, trying: Trying) -> None:
        """One that nobody waits for any more."""
        self._aside.discard(trying)



"""One question to the resolvers of a set, one after the other, until one gives a usable reply.

What is learnt on the way stays: who is silent, so that nobody waits for it a second time, and who is back.
Whoever asks gets a value, never an exception: the reply, or why there is none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.exchange import Exchanger, NoResponseError
from splitdns.forward.policy import PATIENCE_S, Health, Tries
from splitdns.forward.query import Question
from splitdns.metrics import FORWARD_FAILURES, PROXY_DURATION, Counts, rcode_label
from splitdns.records import Rcode
from splitdns.view import Upstream, UpstreamSet

log = logging.getLogger("splitdns.forward")

_USABLE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})
_PROXY = "forward"  # CoreDNS's label for what its plugin of this name asked


@dataclass(frozen=True, slots=True)
class Failure:
    """No upstream gave a usable answer; the last try's reason."""

    reason: str


Outcome = Reply | Failure


class Upstreams:
    """All upstreams of one worker. It owns the tasks that it starts: whoever made it calls ``close``."""

    def __init__(
        self,
        counts: Counts,
        exchanger: Exchanger,
        clock: Callable[[], float],
        patience_s: float = PATIENCE_S,
        is_back: Callable[[Upstream], None] = lambda _: None,
    ) -> None:
        self._counts = counts
        self._exchanger = exchanger
        self._clock = clock
        self._patience_s = patience_s
        self._is_back = is_back
        self._health = Health()
        self._probes: set[asyncio.Task[None]] = set()

    async def ask(self, question: Question, upstreams: UpstreamSet) -> Outcome:
        """The first usable reply, after ``patience_s`` at the latest, or why there is none.

        A reply whose rcode is of no use, such as SERVFAIL, is given only where no upstream has a better one.
        """
        self._probe_where_due(question, upstreams)
        tries = Tries(self._health.order(upstreams), upstreams.timeout_s, self._clock(), self._patience_s)
        outcome: Outcome = Failure("no upstream to ask")
        while attempt := tries.next(self._clock()):
            upstream = attempt.upstream
            try:
                reply = await self._exchange(question, upstream, attempt.timeout_s)
            except UpstreamError as error:
                outcome = _worse(outcome, upstream, error)
                if isinstance(error, NoResponseError):
                    continue
            else:
                if reply.rcode in _USABLE:
                    return reply
                outcome = reply
            tries.drop(upstream)
        return outcome

    def are_down(self, upstreams: UpstreamSet) -> bool:
        """Whether none of the set has been there lately: who asks them will mostly wait in vain."""
        return all(self._health.is_down(upstream) for upstream in upstreams.upstreams)

    async def close(self) -> None:
        """End what is still on its way beside the questions."""
        probes = tuple(self._probes)
        for probe in probes:
            probe.cancel()
        if probes:
            await asyncio.wait(probes)
        await self._exchanger.close()

    async def _exchange(self, question: Question, upstream: Upstream, timeout_s: float) -> Reply:
        """One exchange, counted, and its lesson about the upstream's health."""
        started_s = self._clock()
        try:
            response = await self._exchanger.exchange(question, upstream, timeout_s)
            reply = reduce(response, question.name, question.qtype, question.do)
        except NoResponseError as error:
            self._counts.add(FORWARD_FAILURES, str(upstream), "no_response")
            if self._health.failed(upstream, self._clock()):
                log.warning("upstream.down", extra={"upstream": str(upstream), "reason": str(error)})
            raise
        except UpstreamError:
            self._counts.add(FORWARD_FAILURES, str(upstream), "unusable")
            self._is_there(upstream)
            raise
        taken_s = self._clock() - started_s
        self._counts.observe(PROXY_DURATION, taken_s, _PROXY, str(upstream), rcode_label(reply.rcode))
        self._is_there(upstream)
        return reply

    def _is_there(self, upstream: Upstream) -> None:
        if self._health.answered(upstream):
            log.info("upstream.up", extra={"upstream": str(upstream)})
            self._is_back(upstream)

    def _probe_where_due(self, question: Question, upstreams: UpstreamSet) -> None:
        for upstream in self._health.due(upstreams, self._clock()):
            probe = asyncio.create_task(self._probe(question, upstream, upstreams.timeout_s))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probe(self, question: Question, upstream: Upstream, timeout_s: float) -> None:
        """Ask an upstream that is down the same question, only to learn whether it is back."""
        try:
            await self._exchange(question, upstream, timeout_s)
        except UpstreamError:
            return


def _worse(outcome: Outcome, upstream: Upstream, error: UpstreamError) -> Outcome:
    """What remains after one more try that failed: an upstream's rcode says more than silence."""
    return outcome if isinstance(outcome, Reply) else Failure(f"{upstream}: {error}")

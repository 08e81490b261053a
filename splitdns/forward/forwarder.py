"""Questions to upstreams and their answers: from the cache, or upstream after upstream, each question once.

Identical questions that are on their way share one flight: one query leaves, and all who asked are answered
(RFC 5452 5). A flight belongs to nobody who asked, so a client that goes away takes nobody's answer with it.
It ends with a value; only a bug makes it raise, and that reaches those who wait for it and nobody else.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random, SystemRandom

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import UpstreamError
from splitdns.forward.cache import MAX_OCTETS, Cache, kind
from splitdns.forward.chain import reduce
from splitdns.forward.exchange import NoResponseError, exchange
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.policy import PATIENCE_S, Health, Tries
from splitdns.metrics import (
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_REQUESTS,
    FORWARD_COALESCED,
    FORWARD_FAILURES,
    FORWARD_REJECTS,
    PROXY_DURATION,
    Counts,
    rcode_label,
)
from splitdns.names import Qname, fold
from splitdns.records import Rcode
from splitdns.view import Upstream, UpstreamSet

log = logging.getLogger("splitdns.forward")

# Questions on their way at once, each with a descriptor of its own; beyond: an error, counted as rejected.
MAX_IN_FLIGHT = 10_000
# Of these with the same name, in whatever view, type and upstream set; beyond: the same. Each one more would
# be one more chance for a forged answer (RFC 5452 5).
MAX_IN_FLIGHT_PER_NAME = 32

_USABLE = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN})
_PROXY = "forward"  # CoreDNS's label for what its plugin of this name asked


@dataclass(frozen=True, slots=True)
class _Question:
    """What makes two questions one: who may share the answer, who is asked, and for what."""

    view: str
    upstreams: UpstreamSet
    name: Qname
    qtype: int


@dataclass(frozen=True, slots=True)
class _Failure:
    """No upstream gave a usable answer; the last try's reason."""

    reason: str


_Outcome = Reply | _Failure


class Forwarder:
    """Asks upstreams on behalf of all views of one worker; snapshots come and go.

    It owns the tasks that it starts: whoever made it calls ``close``.
    """

    def __init__(
        self,
        counts: Counts,
        *,
        network: Network | None = None,
        random: Random | None = None,
        clock: Callable[[], float] = time.monotonic,
        max_cache_octets: int = MAX_OCTETS,
        max_in_flight: int = MAX_IN_FLIGHT,
        patience_s: float = PATIENCE_S,
    ) -> None:
        self._counts = counts
        self._network = network or KernelNetwork()
        self._random = random or SystemRandom()
        self._clock = clock
        self._cache = Cache(counts, max_cache_octets)
        self._max_in_flight = max_in_flight
        self._patience_s = patience_s
        self._health = Health()
        self._flights: dict[_Question, asyncio.Task[_Outcome]] = {}
        self._names: Counter[Qname] = Counter()
        self._probes: set[asyncio.Task[None]] = set()
        self._closed = False

    def ask_now(self, forward: Forward) -> Reply | None:
        """The reply that is in the cache; None: ``ask``."""
        view = forward.view.name
        reply = self._cache.get(view, forward.upstreams, fold(forward.name), forward.qtype, self._clock())
        if reply is not None:
            self._counts.add(CACHE_REQUESTS, view)
            self._counts.add(CACHE_HITS, kind(reply), view)
        return reply

    async def ask(self, forward: Forward) -> Reply:
        """The reply, from the cache or an upstream, after ``patience_s`` at the latest.

        Its rcode is one that cannot be used, such as SERVFAIL, only where no upstream gave a better one.

        Raises:
            UpstreamError: no upstream answered, or too many questions are on their way.
        """
        reply = self.ask_now(forward)
        if reply is not None:
            return reply
        view = forward.view.name
        self._counts.add(CACHE_REQUESTS, view)
        self._counts.add(CACHE_MISSES, view)
        question = _Question(view, forward.upstreams, fold(forward.name), forward.qtype)
        flight = self._flights.get(question)
        if flight is None:
            flight = self._take_off(question)
        else:
            self._counts.add(FORWARD_COALESCED)
        await asyncio.wait((flight,))  # unlike awaiting the flight itself, this can be cancelled alone
        if flight.cancelled():
            raise UpstreamError("the server is stopping")
        match flight.result():
            case _Failure(reason):
                raise UpstreamError(reason)
            case Reply() as reply:
                return reply

    async def close(self, grace_s: float = PATIENCE_S) -> None:
        """Take no more questions; those on their way end by themselves within ``grace_s``, or are cut off."""
        self._closed = True
        under_way: set[asyncio.Task[_Outcome] | asyncio.Task[None]] = {*self._flights.values(), *self._probes}
        if not under_way:
            return
        _, late = await asyncio.wait(under_way, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _take_off(self, question: _Question) -> asyncio.Task[_Outcome]:
        if self._closed:
            raise UpstreamError("the server is stopping")
        if (
            len(self._flights) >= self._max_in_flight
            or self._names[question.name] >= MAX_IN_FLIGHT_PER_NAME
        ):
            self._counts.add(FORWARD_REJECTS)
            raise UpstreamError("too many questions are on their way")
        flight = self._flights[question] = asyncio.create_task(self._fly(question))
        self._names[question.name] += 1
        flight.add_done_callback(lambda _: self._land(question))
        return flight

    def _land(self, question: _Question) -> None:
        del self._flights[question]
        self._names[question.name] -= 1
        if not self._names[question.name]:
            del self._names[question.name]

    async def _fly(self, question: _Question) -> _Outcome:
        self._probe_where_due(question)
        outcome = await self._first_usable(question)
        if isinstance(outcome, _Failure):
            return outcome
        view, name, qtype = question.view, question.name, question.qtype
        return self._cache.remember(view, question.upstreams, name, qtype, outcome, self._clock())

    async def _first_usable(self, question: _Question) -> _Outcome:
        """The first usable reply, or why there is none: the last rcode if an upstream gave one."""
        upstreams = question.upstreams
        tries = Tries(self._health.order(upstreams), upstreams.timeout_s, self._clock(), self._patience_s)
        outcome: _Outcome = _Failure("no upstream to ask")
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

    async def _exchange(self, question: _Question, upstream: Upstream, timeout_s: float) -> Reply:
        """One exchange, counted, and its lesson about the upstream's health."""
        name, qtype = question.name, question.qtype
        started_s = self._clock()
        try:
            response = await exchange(name, qtype, upstream, self._network, self._random, timeout_s)
            reply = reduce(response, name, qtype)
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

    def _probe_where_due(self, question: _Question) -> None:
        for upstream in self._health.due(question.upstreams, self._clock()):
            probe = asyncio.create_task(self._probe(question, upstream))
            self._probes.add(probe)
            probe.add_done_callback(self._probes.discard)

    async def _probe(self, question: _Question, upstream: Upstream) -> None:
        """Ask an upstream that is down the same question, only to learn whether it is back."""
        try:
            await self._exchange(question, upstream, question.upstreams.timeout_s)
        except UpstreamError:
            return


def _worse(outcome: _Outcome, upstream: Upstream, error: UpstreamError) -> _Outcome:
    """What remains after one more try that failed: an upstream's rcode says more than silence."""
    return outcome if isinstance(outcome, Reply) else _Failure(f"{upstream}: {error}")

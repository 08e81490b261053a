"""Questions to upstreams and their answers: from the cache, or upstream after upstream, each question once.

Identical questions that are on their way share one flight: one query leaves, and all who asked are answered
(RFC 5452 5). A flight belongs to nobody who asked, so a client that goes away takes nobody's answer with it.
It ends with a value; only a bug makes it raise, and that reaches those who wait for it and nobody else.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random, SystemRandom

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import UpstreamError
from splitdns.forward.cache import MAX_OCTETS, Cache, kind
from splitdns.forward.exchange import Exchanger
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.policy import PATIENCE_S
from splitdns.forward.query import Question
from splitdns.forward.upstreams import Failure, Outcome, Upstreams
from splitdns.metrics import (
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_REQUESTS,
    FORWARD_COALESCED,
    FORWARD_REJECTS,
    Counts,
)
from splitdns.names import Qname, fold
from splitdns.view import UpstreamSet

# Questions on their way at once, each with a descriptor of its own; beyond: an error, counted as rejected.
MAX_IN_FLIGHT = 10_000
# Of these with the same name, in whatever view, type and upstream set; beyond: the same. Each one more would
# be one more chance for a forged answer (RFC 5452 5).
MAX_IN_FLIGHT_PER_NAME = 32


@dataclass(frozen=True, slots=True)
class _Question:
    """What makes two questions one: who may share the answer, who is asked, and for what."""

    view: str
    upstreams: UpstreamSet
    name: Qname
    qtype: int


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
        self._clock = clock
        self._cache = Cache(counts, max_cache_octets)
        self._max_in_flight = max_in_flight
        exchanger = Exchanger(network or KernelNetwork(), random or SystemRandom(), counts)
        self._upstreams = Upstreams(counts, exchanger, clock, patience_s)
        self._flights: dict[_Question, asyncio.Task[Outcome]] = {}
        self._names: Counter[Qname] = Counter()
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
            case Failure(reason):
                raise UpstreamError(reason)
            case Reply() as reply:
                return reply

    async def close(self, grace_s: float = PATIENCE_S) -> None:
        """Take no more questions; those on their way end by themselves within ``grace_s``, or are cut off."""
        self._closed = True
        if self._flights:
            _, late = await asyncio.wait(self._flights.values(), timeout=grace_s)
            for flight in late:
                flight.cancel()
            if late:
                await asyncio.wait(late)
        await self._upstreams.close()

    def _take_off(self, question: _Question) -> asyncio.Task[Outcome]:
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

    async def _fly(self, question: _Question) -> Outcome:
        view, name, qtype = question.view, question.name, question.qtype
        outcome = await self._upstreams.ask(Question(name, qtype), question.upstreams)
        if isinstance(outcome, Failure):
            return outcome
        return self._cache.remember(view, question.upstreams, name, qtype, outcome, self._clock())

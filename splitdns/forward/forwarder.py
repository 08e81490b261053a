"""Questions to upstreams and their answers: from the cache, or from upstreams, or stale where these fail.

What is fresh is answered at once, and what is often asked for is asked anew before it is too old. Otherwise
the question takes off, once for all who ask it, and those for whom there is something stale wait for a while
only. What a flight brings is kept, whether somebody waits for it still or not.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Set
from contextlib import suppress
from functools import partial
from random import Random

from splitdns.answer.decide import Forward, Reply, Security
from splitdns.errors import Caught, UpstreamError
from splitdns.forward.asking import USABLE, Done, Failure, Outcome
from splitdns.forward.cache import CacheLimits, Entry, Key, Shelf, kind
from splitdns.forward.exchange import Exchanger
from splitdns.forward.failures import Failures
from splitdns.forward.flights import MAX_FLIGHTS, MAX_WAITS_PER_CLIENT, DroppedError, Flying
from splitdns.forward.network import KernelNetwork, Network
from splitdns.forward.parts import PARTS, Parts
from splitdns.forward.policy import PATIENCE_S
from splitdns.forward.query import Question
from splitdns.forward.stale import CLIENT_PATIENCE_S, RECHECK_S, stale
from splitdns.forward.upstreams import Upstreams
from splitdns.forward.validate import Validation
from splitdns.metrics import (
    CACHE_HITS,
    CACHE_MISSES,
    CACHE_PREFETCHES,
    CACHE_REQUESTS,
    CACHE_STALE,
    Counts,
    Metric,
    series_of,
)
from splitdns.names import ROOT, Qname, fold, is_under
from splitdns.records import Ede, Rcode, Type
from splitdns.value import filled
from splitdns.view import Upstream, UpstreamSet, client_key

LOOK_EVERY_S = 4.0  # whether upstreams are back that are all down, as long as anybody wants to know
MAX_RENEWALS = 100  # prefetches on their way at once; beyond: the next who asks begins it, or waits

_LOOP = Reply(Rcode.SERVFAIL, edes=((Ede.OTHER, "a forwarding loop: this server asked it itself"),))
_SILENCE = Reply(Rcode.SERVFAIL, edes=((int(Ede.NO_REACHABLE_AUTHORITY), "no upstream answered"),))


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
        wall_clock: Callable[[], float] = time.time,
        limits: CacheLimits = CacheLimits(),  # noqa: B008 (frozen)
        max_flights: int = MAX_FLIGHTS,
        max_waits_per_client: int = MAX_WAITS_PER_CLIENT,
        patience_s: float = PATIENCE_S,
        parts: Parts = PARTS,
    ) -> None:
        self._counts = counts
        self._clock = clock
        self._cache = parts.cache(counts, limits)
        self._failures: Failures[Key] = Failures()
        random = random or parts.drawing()
        network = network or KernelNetwork()
        exchanger = Exchanger(network, random, counts, parts.drain, parts.send_all, parts.ports)
        self._upstreams = Upstreams(counts, exchanger, random, clock, patience_s, self._is_back, parts)
        self._validation = Validation(counts, self._upstreams, clock, wall_clock, patience_s)
        self._flights = parts.flights(counts, self._fly, clock, max_flights, max_waits_per_client)
        straight = parts.straight
        self._straight = (
            None if straight is None else straight(self, counts, self._flights, self._upstreams.relay)
        )
        self._renewals = 0
        self._looked_s: dict[UpstreamSet, float] = {}
        self.flushes = 0
        self._learner = parts.learner(self, self._failures, self._cache, clock)

    def ask_now(self, forward: Forward) -> Reply | None:
        """The reply that needs no waiting: fresh from the cache, or in its place; None: ``ask_then``."""
        return self._now(_key(forward))

    def _now(self, key: Key) -> Reply | None:
        now_s = self._clock()
        entry = self._cache.get(key, now_s)
        if entry is None or not entry.is_fresh(now_s):
            return self._in_its_place(key, entry, now_s)
        reply = self._cache.take(entry, key.view, now_s)
        if entry.is_ripe(now_s) and self._cache.limits.prefetch:
            self._renew(key, entry)
        return reply

    def ask_then(self, forward: Forward, client: str, done: Callable[[Reply | Exception], None]) -> None:
        """Ask upstreams what ``ask_now`` has no reply for; ``done`` gets it within ``patience_s``.

        Its rcode is one that cannot be used, such as SERVFAIL, only where no upstream gave a better one. An
        UpstreamError says that none answered, or that too many questions are on their way; any other
        exception is a bug. ``client`` is the host that asks: one may wait for so much at a time.
        """
        key = _key(forward)
        if not forward.walk.chain and self._upstreams.is_ours(forward.name, forward.qtype, client):
            done(_LOOP)
        else:
            self._ask(key, self._cache.get(key, self._clock()), client, done)

    def is_unknown(self, question: Key) -> bool:
        """Whether ``ask_now`` has nothing for it, fresh or in its place, nor anything stale."""
        if question[:3] in self._cache.names and self._cache.get(question, self._clock()) is not None:
            return False
        return self._failures.get(question) is None

    def relay(
        self, question: Key, spelled: bytes, client: str, done: Callable[[Reply | Exception], None]
    ) -> None:
        """As ``ask_then``, for what is unknown, a client's own question, ``spelled`` so by it."""
        straight = self._straight
        if straight is not None and straight.begin(question, spelled, client_key(client), done):
            return
        if self._upstreams.is_ours(spelled, question.qtype, client):
            done(_LOOP)
        else:
            self._ask(question, None, client, done)

    def _ask(
        self, key: Key, entry: Entry | None, client: str, done: Callable[[Reply | Exception], None]
    ) -> None:
        """Ask upstreams; ``entry`` is what there is that is stale."""
        self._count(CACHE_MISSES, key.view)
        try:
            flight = self._flights.begin(key)
        except DroppedError as error:
            self.settle(key, entry, done, error)
            return
        until_s = None if entry is None else flight.started_s + CLIENT_PATIENCE_S
        self._flights.wait(flight, client_key(client), until_s, partial(self.settle, key, entry, done))

    async def ask(self, forward: Forward, client: str = "::1") -> Reply:
        """The reply, from the cache or an upstream; see ``ask_then``.

        Raises:
            UpstreamError: no upstream answered, or too many questions are on their way.
        """
        reply = self.ask_now(forward)
        if reply is not None:
            return reply
        replied: asyncio.Future[Reply | Exception] = asyncio.get_running_loop().create_future()

        def tell(outcome: Reply | Exception) -> None:
            if not replied.done():
                replied.set_result(outcome)

        self.ask_then(forward, client, tell)
        outcome = await replied
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def settle(
        self,
        key: Key,
        entry: Entry | None,
        done: Callable[[Reply | Exception], None],
        outcome: Outcome | Exception | None,
    ) -> None:
        """What a client gets of a flight's outcome, where ``entry`` is what there is that is stale."""
        if isinstance(outcome, Reply):
            is_best = outcome.rcode in USABLE or entry is None or _is_bogus(outcome)
        else:
            is_best = entry is None or _is_bug(outcome)
        if entry is not None and not is_best:
            done(self._stale(key, entry))
        elif isinstance(outcome, Reply | Exception):
            done(outcome)
        else:
            assert outcome is not None  # nobody's time is over where there is nothing stale
            done(UpstreamError(outcome.reason))

    def is_down(self, upstream: Upstream) -> bool:
        """Whether it was silent, the last times that it was asked."""
        return self._upstreams.is_down(upstream)

    def set_limits(self, limits: CacheLimits) -> None:
        """Keep to other limits from now on."""
        self._cache.limits = limits

    def drop(self, shelves: Set[Shelf]) -> None:
        """Forget what was learnt for views, or from upstream sets, that the newest snapshot has no more."""
        if not shelves:
            return
        self.flushes += 1
        self._cache.forget(lambda view, upstreams, _: (view, upstreams) in shelves)
        self._failures.forget(lambda key, _: (key.view, key.upstreams) in shelves)
        self._looked_s.clear()

    def flush(self, name: Qname | None = None, *, subtree: bool = False, view: str | None = None) -> int:
        """Forget ``name``, or all beneath it too, or everything, in ``view`` or in all; how many replies.

        What is on its way was asked before this, and is not kept when it comes.
        """
        self.flushes += 1

        def is_meant(of_view: str, _: UpstreamSet, of_name: Qname) -> bool:
            if view is not None and of_view != view:
                return False
            return name is None or of_name == name or (subtree and is_under(of_name, name))

        self._failures.forget(lambda key, _: is_meant(key.view, key.upstreams, key.name))
        self._validation.forget()
        return self._cache.forget(is_meant)

    async def close(self, grace_s: float = PATIENCE_S) -> None:
        """Take no more questions; those on their way end by themselves within ``grace_s``, or are cut off."""
        await self._flights.close(grace_s)
        await self._upstreams.close()

    def _in_its_place(self, key: Key, entry: Entry | None, now_s: float) -> Reply | None:
        """What is given without asking where nothing is fresh, because asking is known to fail."""
        failure = self._failures.get(key)
        if failure is None:
            if entry is None or not self._upstreams.are_down(key.upstreams):
                return None
            with suppress(DroppedError):  # nobody waits for it, but somebody has to find out
                self._flights.begin(key)
            return self._stale(key, entry)
        until_s = failure.since_s + RECHECK_S
        if failure.silence:
            if self._upstreams.are_down(key.upstreams):
                self._look_whether_back(key, now_s)
            else:  # they are there: it was bad luck, or they came back in the midst of it
                until_s = failure.until_s
        if entry is not None and not _is_bogus(failure.reply):
            return self._stale(key, entry) if now_s < until_s else None
        if now_s < failure.until_s:
            self._count(CACHE_HITS, "failure", key.view)
            return failure.answer()
        return None

    def _look_whether_back(self, key: Key, now_s: float) -> None:
        """Ask upstreams that are down something that each of them has an answer to.

        Who is answered without asking would not find out that they are back, and some networks ask little.
        """
        looked_s = self._looked_s.get(key.upstreams, float("-inf"))
        if now_s >= looked_s + LOOK_EVERY_S:
            self._looked_s[key.upstreams] = now_s
            with suppress(DroppedError):
                self._flights.begin(Key(key.view, key.upstreams, ROOT, Type.NS))

    def _count(self, metric: Metric, *labels: str) -> None:
        """Count a look-up by what it found."""
        self._counts.bump(series_of(CACHE_REQUESTS, labels[-1]))
        self._counts.bump(series_of(metric, *labels))

    def _stale(self, key: Key, entry: Entry) -> Reply:
        self._count(CACHE_HITS, kind(entry.reply), key.view)
        self._counts.add(CACHE_STALE, key.view)
        return stale(entry.reply)

    def _renew(self, key: Key, entry: Entry) -> None:
        """Ask beside the clients, so that the next one finds it fresh."""
        if self._renewals >= MAX_RENEWALS:
            return
        try:
            flight = self._flights.begin(key)
        except DroppedError:
            return
        entry.renewed = True
        self._renewals += 1
        flight.ended = self._renewed
        self._counts.add(CACHE_PREFETCHES, key.view)

    def _renewed(self) -> None:
        self._renewals -= 1

    def _fly(self, key: Key, landed: Done) -> Flying:
        judge = None if key.upstreams.validation is None else self._validation.judge(key)
        # Who validates wants to see also what an upstream would keep back (RFC 6840 5.9).
        question = filled(Question, (key.name, key.qtype, key.do, key.cd or judge is not None))
        done = self._learner(key, self.flushes, landed)
        return self._upstreams.begin(question, key.upstreams, judge, done)

    def learn(self, key: Key, flushes: int, landed: Done, outcome: Outcome | Exception) -> None:
        """Keep what a flight brought, and pass it on; ``flushes`` there had been when it took off."""
        with (caught := Caught()):
            outcome = self.learnt(key, flushes, outcome)
        landed(caught.error or outcome)

    def learnt(self, key: Key, flushes: int, outcome: Outcome | Exception) -> Outcome | Exception:
        now_s = self._clock()
        if isinstance(outcome, Exception):
            return outcome
        if isinstance(outcome, Failure):
            self._failures.note(key, _SILENCE, True, now_s)
            return outcome
        if outcome.rcode not in USABLE:
            self._failures.note(key, outcome, False, now_s)
            return outcome
        return self.keep(key, flushes, outcome, now_s)

    def keep(self, key: Key, flushes: int, reply: Reply, now_s: float) -> Reply:
        """Keep a usable reply, unless there was a flush meanwhile; it comes back within the bounds."""
        self._failures.over(key)
        return self._cache.remember(key, reply, now_s, keep=flushes == self.flushes)

    def _is_back(self, upstream: Upstream) -> None:
        """Silence is over, for whatever was asked of sets with this upstream."""
        self._failures.forget(lambda key, kept: kept.silence and upstream in key.upstreams.upstreams)


def _is_bogus(reply: Reply) -> bool:
    """Whether somebody lies: that is no want of an answer, and nothing stale makes up for it."""
    return reply.proof is not None and reply.proof.security is Security.BOGUS


def _is_bug(outcome: Failure | Exception | None) -> bool:
    """Whether it is one that nothing stale is to hide; who made room for others is no bug."""
    return isinstance(outcome, Exception) and not isinstance(outcome, DroppedError)


def _key(forward: Forward) -> Key:
    walk = forward.walk
    name = fold(forward.name)
    return Key(walk.view.name, forward.upstreams, name, forward.qtype, forward.do, walk.query.cd)

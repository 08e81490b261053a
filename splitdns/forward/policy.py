"""Which upstream to ask next, and how long to wait for it. Pure: the time is an argument.

The order is the configured one, but an upstream that is down comes last, so that it costs nobody its
time-out. Whether it is back is found out beside the queries, not at their expense: see ``due``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from splitdns.view import Upstream, UpstreamSet

PATIENCE_S = 4.5  # for one question; stub resolvers ask anew after 5 s, and an answer must come before
ROUNDS = 3  # times that a silent upstream is asked about one question, while there is patience
SHORTEST_TRY_S = 0.02  # less is not worth a datagram
FAILURES_TO_BE_DOWN = 2  # in a row: one lost datagram means nothing
PROBE_EVERY_S = 2.0  # how soon an upstream that was down is noticed to be back


@dataclass(frozen=True, slots=True)
class Try:
    """Ask ``upstream`` and wait for ``timeout_s``."""

    upstream: Upstream
    timeout_s: float


class Tries:
    """The tries of one question, in rounds over its upstreams, until its patience is used up."""

    def __init__(
        self, order: tuple[Upstream, ...], timeout_s: float, now_s: float, patience_s: float = PATIENCE_S
    ) -> None:
        self._timeout_s = timeout_s
        self._until_s = now_s + patience_s
        self._useless: set[Upstream] = set()
        self._upstreams = self._rounds(order)

    def next(self, now_s: float) -> Try | None:
        """The next try; None: every upstream was asked, or no time is left."""
        upcoming = next(self._upstreams, None)
        if upcoming is None:
            return None
        upstream, still_to_ask = upcoming
        # An equal share of what is left for each that this round has not asked: all get their turn.
        timeout_s = min(self._timeout_s, (self._until_s - now_s) / still_to_ask)
        return Try(upstream, timeout_s) if timeout_s >= SHORTEST_TRY_S else None

    def drop(self, upstream: Upstream) -> None:
        """Do not ask ``upstream`` again: it did answer, and would say the same."""
        self._useless.add(upstream)

    def _rounds(self, order: tuple[Upstream, ...]) -> Iterator[tuple[Upstream, int]]:
        for _ in range(ROUNDS):
            asked = [upstream for upstream in order if upstream not in self._useless]
            for at, upstream in enumerate(asked):
                yield upstream, len(asked) - at


@dataclass(slots=True)
class _Trouble:
    failures: int = 0
    next_probe_s: float = 0.0

    @property
    def is_down(self) -> bool:
        return self.failures >= FAILURES_TO_BE_DOWN


class Health:
    """Which upstreams are down: those that were silent or out of reach several times in a row."""

    def __init__(self) -> None:
        self._troubles: dict[Upstream, _Trouble] = {}

    def is_down(self, upstream: Upstream) -> bool:
        trouble = self._troubles.get(upstream)
        return trouble is not None and trouble.is_down

    def order(self, upstreams: UpstreamSet) -> tuple[Upstream, ...]:
        """All of the set as it stands, those that are down last."""
        return tuple(sorted(upstreams.upstreams, key=self.is_down))

    def due(self, upstreams: UpstreamSet, now_s: float) -> tuple[Upstream, ...]:
        """Those that are down and should be asked beside another, whose answer is the one that counts.

        None while all are down: then the queries themselves ask them.
        """
        down = [upstream for upstream in upstreams.upstreams if self.is_down(upstream)]
        if len(down) == len(upstreams.upstreams):
            return ()
        due = tuple(upstream for upstream in down if self._troubles[upstream].next_probe_s <= now_s)
        for upstream in due:
            self._troubles[upstream].next_probe_s = now_s + PROBE_EVERY_S
        return due

    def answered(self, upstream: Upstream) -> bool:
        """Whatever it said, it is there. Whether that is news: it was down."""
        trouble = self._troubles.pop(upstream, None)
        return trouble is not None and trouble.is_down

    def failed(self, upstream: Upstream, now_s: float) -> bool:
        """It was silent, or out of reach. Whether that is news: it is down from now on."""
        trouble = self._troubles.setdefault(upstream, _Trouble())
        trouble.failures += 1
        if trouble.failures != FAILURES_TO_BE_DOWN:
            return False
        trouble.next_probe_s = now_s + PROBE_EVERY_S
        return True

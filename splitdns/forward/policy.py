"""Which upstream is asked next, and when. Pure: time and randomness are arguments.

A question that is not answered in the time that an upstream usually takes is asked of the next one, or of the
same one again, and every answer to any of these counts: a lost datagram costs about a round trip, and a slow
answer is not lost. An upstream that is down comes last, so that it costs nobody anything.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from splitdns.forward.health import Health
from splitdns.view import Strategy, Upstream, UpstreamSet

PATIENCE_S = 4.5  # for one question; stub resolvers ask anew after 5 s, and an answer must come before
ROUNDS = 6  # times that a silent upstream is asked about one question, while there is patience
QUICK_ROUNDS = 4  # of these, after the time of a usual answer, twice that and so on; then, of a time-out
SHORTEST_TRY_S = 0.02  # less is not worth a datagram
AT_ONCE = 3  # of the fastest upstreams, where they are asked in parallel
EXPLORE_ONE_IN = 20  # questions, of which one more upstream is asked, to see how fast it is now


class Plan(NamedTuple):
    """The upstreams in order, and how many of them are asked at once."""

    order: tuple[Upstream, ...]
    at_once: int = 1


def plan(upstreams: UpstreamSet, health: Health, random: Random) -> Plan:
    """Whom to ask, by the set's strategy."""
    order = health.order(upstreams)
    if upstreams.strategy is Strategy.IN_ORDER or len(order) < 2:
        return Plan(order)
    fastest = sorted(order, key=lambda upstream: (health.is_down(upstream), health.trip_s(upstream)))
    if upstreams.strategy is Strategy.PARALLEL:
        return Plan(tuple(fastest), AT_ONCE)
    if random.randrange(EXPLORE_ONE_IN):
        return Plan(tuple(fastest))
    others = [upstream for upstream in fastest[1:] if not health.is_down(upstream)]
    if not others:
        return Plan(tuple(fastest))
    explored = random.choice(others)
    fastest.remove(explored)
    return Plan((fastest[0], explored, *fastest[1:]), 2)


class Try(NamedTuple):
    """Ask ``upstream``; it has ``timeout_s`` to answer."""

    upstream: Upstream
    timeout_s: float


class Tries:
    """The tries of one question, in rounds over its upstreams, until its patience is used up.

    ``due_s`` is when the next begins, or sooner if a try ends without success; None: there is none any more.
    """

    def __init__(
        self, chosen: Plan, health: Health, timeout_s: float, now_s: float, patience_s: float = PATIENCE_S
    ) -> None:
        self._health = health
        self._timeout_s = timeout_s
        self._until_s = now_s + patience_s
        self._waiting = list(chosen.order)  # of this round
        self._asked: list[Upstream] = []
        self._useless: set[Upstream] = set()
        self._round = 0
        self._at_once = chosen.at_once
        self.due_s: float | None = now_s if chosen.order else None

    def next(self, now_s: float) -> Try | None:
        """The next try, which begins now; None: no time is left."""
        left_s = self._until_s - now_s
        if left_s < SHORTEST_TRY_S or not self._waiting:
            self.due_s = None
            return None
        upstream = self._waiting.pop(0)
        self._asked.append(upstream)
        begun = Try(upstream, min(self._timeout_s, left_s))
        self._at_once -= 1
        if self._at_once > 0 and self._waiting:
            self.due_s = now_s
            return begun
        wait_s = self._timeout_s
        if self._round < QUICK_ROUNDS:
            wait_s = min(self._health.wait_s(upstream) * 2**self._round, wait_s)
        # An equal share of what is left for each that this round has not asked: all get their turn.
        wait_s = min(wait_s, left_s / (1 + len(self._waiting)))
        self._go_on(now_s + wait_s)
        return begun

    def drop(self, upstream: Upstream, now_s: float) -> None:
        """Do not ask ``upstream`` again, for it would say the same; the next need not wait for it."""
        self._useless.add(upstream)
        self._waiting = [one for one in self._waiting if one != upstream]
        if self.due_s is None:
            return
        if not self._waiting:
            self._go_on(now_s)
        elif self._asked:
            self.due_s = now_s

    def _go_on(self, due_s: float) -> None:
        """Say when the next try begins; where all of this round were asked, with a new round."""
        if not self._waiting:
            self._round += 1
            self._waiting = [one for one in self._asked if one not in self._useless]
            self._asked = []
            if self._round == ROUNDS or not self._waiting:
                self._waiting = []
                self.due_s = None
                return
        self.due_s = due_s

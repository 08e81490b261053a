"""How upstreams are: how long they take to answer, and which are down. Pure: the time is an argument.

The round trip is smoothed as TCP does it (RFC 6298 2), over everything between question and answer: what an
upstream has to look up itself counts. What takes longer than the wait that follows from it is worth a second
question, to the next upstream or to the same one again, while the first may still be answered.

An upstream is down when it was silent several times in a row, each time for a whole time-out. Whether it is
back is found out beside the questions, not at their expense, and more and more rarely.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from splitdns.view import Upstream, UpstreamSet

FAILURES_TO_BE_DOWN = 2  # in a row: one lost datagram means nothing
PROBE_AFTER_S = 1.0  # how soon one that is down is asked again; each time in vain, twice as long
MAX_PROBE_S = 30.0
FIRST_WAIT_S = 0.4  # for one that never answered; Unbound: 0.376
SHORTEST_WAIT_S = 0.05  # Unbound's, too: a cache that answers at once must not make each look-up suspicious

_GAIN, _VARIATION_GAIN, _VARIATIONS = 1 / 8, 1 / 4, 4  # RFC 6298 2.3: alpha, beta and K


@dataclass(slots=True)
class Pulse:
    """What one upstream has shown; ``smoothed_s`` is 0 before it ever answered.

    There is another one that is compiled.
    """

    smoothed_s: float = 0.0
    variation_s: float = 0.0
    wait_s: float = FIRST_WAIT_S
    heard_s: float = float("-inf")
    failures: int = 0
    probe_s: float = 0.0
    probe_after_s: float = PROBE_AFTER_S

    @property
    def is_down(self) -> bool:
        return self.failures >= FAILURES_TO_BE_DOWN

    def beat(self, asked_s: float, now_s: float) -> None:
        """It has answered."""
        trip_s = now_s - asked_s
        if self.smoothed_s:
            off_s = trip_s - self.smoothed_s
            self.variation_s += _VARIATION_GAIN * (abs(off_s) - self.variation_s)
            self.smoothed_s += _GAIN * off_s
        else:
            self.smoothed_s, self.variation_s = trip_s, trip_s / 2
        self.wait_s = max(SHORTEST_WAIT_S, self.smoothed_s + _VARIATIONS * self.variation_s)
        self.heard_s = now_s


class Health:
    """All upstreams of one worker."""

    def __init__(self, make: Callable[[], Pulse] = Pulse) -> None:
        """``make`` makes pulses, of whatever kind."""
        self.pulses: dict[Upstream, Pulse] = {}
        self._make = make
        self.down = 0  # how many are; mostly none, and then there is nothing to look for

    def is_down(self, upstream: Upstream) -> bool:
        pulse = self.pulses.get(upstream)
        return pulse is not None and pulse.is_down

    def wait_s(self, upstream: Upstream) -> float:
        """How long an answer usually takes at most."""
        pulse = self.pulses.get(upstream)
        return FIRST_WAIT_S if pulse is None else pulse.wait_s

    def trip_s(self, upstream: Upstream) -> float:
        """How long an answer usually takes; 0 where nobody knows, so that it is found out soon."""
        pulse = self.pulses.get(upstream)
        return 0.0 if pulse is None else pulse.smoothed_s

    def order(self, upstreams: UpstreamSet) -> tuple[Upstream, ...]:
        """All of the set as it stands, those that are down last."""
        if not self.down:
            return upstreams.upstreams
        return tuple(sorted(upstreams.upstreams, key=self.is_down))

    def due(self, upstreams: UpstreamSet, now_s: float) -> tuple[Upstream, ...]:
        """Those that are down and should be asked beside another, whose answer is the one that counts.

        None while all are down: then the questions themselves ask them.
        """
        if not self.down:
            return ()
        down = [upstream for upstream in upstreams.upstreams if self.is_down(upstream)]
        if len(down) == len(upstreams.upstreams):
            return ()
        due = tuple(upstream for upstream in down if self.pulses[upstream].probe_s <= now_s)
        for upstream in due:
            pulse = self.pulses[upstream]
            pulse.probe_after_s = min(2 * pulse.probe_after_s, MAX_PROBE_S)
            pulse.probe_s = now_s + pulse.probe_after_s
        return due

    def answered(self, upstream: Upstream, asked_s: float, now_s: float) -> bool:
        """Whatever it said, it is there. Whether that is news: it was down."""
        pulse = self.pulses.get(upstream)
        if pulse is None:
            pulse = self.pulses[upstream] = self._make()
        pulse.beat(asked_s, now_s)
        if not pulse.failures:
            return False
        was_down = pulse.is_down
        pulse.failures = 0
        pulse.probe_after_s = PROBE_AFTER_S
        self.down -= was_down
        return was_down

    def failed(self, upstream: Upstream, asked_s: float, now_s: float) -> bool:
        """It cannot be reached, or gave no answer to what it was asked at ``asked_s``.

        That is nothing where it has answered something else since. Whether that is news: it is down now.
        """
        pulse = self.pulses.get(upstream)
        if pulse is None:
            pulse = self.pulses[upstream] = self._make()
        if pulse.heard_s > asked_s:
            return False
        pulse.failures += 1
        if pulse.failures != FAILURES_TO_BE_DOWN:
            return False
        self.down += 1
        pulse.probe_s = now_s + pulse.probe_after_s
        return True

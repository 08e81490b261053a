"""Garbage that holds itself, looked for where nobody waits for an answer.

Nearly everything goes with the last reference to it. To find the rest, the collector looks at all that there
is: tens of milliseconds with a full cache. So among the answers it looks only at what is new, and at that
once, less than half a millisecond at a time. What is older is looked at once an hour, when nobody asks. What
a worker was forked with is frozen: nobody looks at it, and its pages stay shared.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

# More of them than went: they are looked at, and then they are old. Thousands of questions on their way are a
# hundred each, and go by themselves: CPython's 700, with all that follows from it, is a sixth of all work.
YOUNG_OBJECTS = 10_000
EVERY_S = 3600.0
LATEST_S = 86_400.0  # after that nobody waits for a quiet moment any more
QUIET_S = 1.0  # without a question: nobody asks just now
AGAIN_S = 60.0  # where somebody did

_NEVER = 2**31 - 1


def look_at_the_young_only() -> None:
    """From now on, by itself, the collector looks at new objects only."""
    gc.set_threshold(YOUNG_OBJECTS, _NEVER, _NEVER)


class Quiet:
    """When to look at everything; ``asked`` tells how many questions have come."""

    def __init__(
        self, asked: Callable[[], int], now_s: float, collect: Callable[[], object] = gc.collect
    ) -> None:
        self._asked = asked
        self._collect = collect
        self._due_s = now_s + EVERY_S
        self._before: int | None = None  # questions, when a quiet moment may have begun

    def look(self, now_s: float) -> float:
        """Collect if it is time and nobody asks; after how many seconds to be called again."""
        if now_s < self._due_s:
            return self._due_s - now_s
        asked = self._asked()
        if asked == self._before or now_s >= self._due_s + LATEST_S:
            self._collect()
            self._before = None
            self._due_s = now_s + EVERY_S
            return EVERY_S
        if self._before is None:
            self._before = asked
            return QUIET_S
        self._before = None
        return AGAIN_S

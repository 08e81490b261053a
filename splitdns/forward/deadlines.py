"""Deadlines of what mostly happens before: many of them behind one timer.

A timer of the event loop costs more than the datagram that makes it needless. So deadlines that fall into the
same four milliseconds share one, and to give one up is to take it out of a dictionary. None is early.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Protocol

A_SECOND = 256  # so many timers at most


class Rings(Protocol):
    """What has a deadline."""

    def ring(self) -> None:
        """It has passed."""


Slot = dict[Rings, None]  # those of the same four milliseconds; whoever leaves it is not told


class Deadline:
    """When ``ring`` is to be called, unless it is cancelled before."""

    __slots__ = ("_ring", "_slot")

    def __init__(self, slot: Slot, ring: Callable[[], None]) -> None:
        self._slot = slot
        self._ring: Callable[[], None] | None = ring
        slot[self] = None

    def cancel(self) -> None:
        """To do so twice, or after it has rung, does no harm."""
        self._slot.pop(self, None)
        self._ring = None

    def ring(self) -> None:
        ring, self._ring = self._ring, None
        if ring is not None:
            ring()


class Deadlines:
    """Those of one worker."""

    def __init__(self) -> None:
        self.slots: dict[int, Slot] = {}  # by number, of which there are so many a second

    def at(self, time_s: float, ring: Callable[[], None]) -> Deadline:
        """Call ``ring`` at ``time_s`` of the running loop, or within four milliseconds after it."""
        return Deadline(self.slot(time_s), ring)

    def slot(self, time_s: float) -> Slot:
        """Where to put what is to ring then, to take it out again by itself."""
        number = math.ceil(time_s * A_SECOND)
        slot = self.slots.get(number)
        if slot is None:
            slot = self.slots[number] = {}
            asyncio.get_running_loop().call_at(number / A_SECOND, self._pass, number)
        return slot

    def _pass(self, number: int) -> None:
        slot = self.slots.pop(number)
        while slot:
            slot.popitem()[0].ring()

"""The kernel's randomness, drawn by the page.

Each query takes some for its id, its letters and its port, and to ask the kernel each time costs as much as
to spell the query. So it is asked for a page of octets, each of which is used once. A process that is forked
throws away what it was born with: two of them must not draw the same.
"""

from __future__ import annotations

import os
import weakref
from random import SystemRandom
from typing import Protocol

PAGE_OCTETS = 4096


class Page(Protocol):
    """A page of random octets that is compiled: who else is compiled draws from it without a call."""

    def randbytes(self, octets: int, /) -> bytes: ...
    def forget(self) -> None: ...


class Drawing(SystemRandom):
    """As its base, but for how often the kernel is asked."""

    def __init__(self, page: Page | None = None) -> None:
        super().__init__()
        self.page = page
        self._page = b""
        self._at = 0
        _DRAWINGS.add(self)

    def getrandbits(self, k: int, /) -> int:
        octets = k + 7 >> 3
        at = self._at
        end = self._at = at + octets
        if end > len(self._page) or k <= 0:
            if octets > PAGE_OCTETS or k <= 0:
                return super().getrandbits(k)
            self._page, at, end = os.urandom(PAGE_OCTETS), 0, octets
            self._at = octets
        drawn = int.from_bytes(self._page[at:end], "big")
        return drawn >> (8 * octets - k) if k & 7 else drawn

    def forget(self) -> None:
        """Draw no more from the page that there is."""
        self._page = b""
        if self.page is not None:
            self.page.forget()


_DRAWINGS: weakref.WeakSet[Drawing] = weakref.WeakSet()


def _forget_all() -> None:
    for drawing in _DRAWINGS:
        drawing.forget()


os.register_at_fork(after_in_child=_forget_all)

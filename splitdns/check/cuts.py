"""What tells addresses apart: for every address, by which of some sets it is held.

Each set has a random sign; what holds an address gives it the sum of their signs, so that two addresses with
one sign are in the same sets, wherever they lie (128 bits: no two sums are ever equal by chance).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from random import Random

from splitdns.check.sets import Numbers

Table = tuple[Sequence[int], Sequence[object]]
"""Where another value begins, and the values."""


class Cuts:
    """The sets that tell addresses apart, and tables that give them values."""

    def __init__(self, sets: Iterable[Numbers], tables: Iterable[Table] = ()) -> None:
        self._sets = {id(one): one for one in sets}  # kept, so that an id stays theirs
        self._tables = tuple(tables)
        random = Random(0)  # the same signs in each run
        turns: dict[int, int] = {0: 0}
        for one in self._sets.values():
            sign = random.getrandbits(128)
            for low, high in one.ranges:
                turns[low] = turns[low] ^ sign if low in turns else sign
                turns[high + 1] = turns[high + 1] ^ sign if high + 1 in turns else sign
        for starts, values in self._tables:
            for start, turn in _turned(starts, values, random):
                turns[start] = turns.get(start, 0) ^ turn
        self._starts = sorted(turns)
        self._signs: list[int] = []
        sign = 0
        for start in self._starts:
            sign ^= turns[start]
            self._signs.append(sign)

    def know(self, numbers: Numbers) -> bool:
        """Whether it is one of the sets."""
        return id(numbers) in self._sets

    def and_(self, more: Iterable[Numbers]) -> Cuts:
        """These, and more sets."""
        return Cuts((*self._sets.values(), *more), self._tables)

    def pieces(self, numbers: Numbers) -> Iterator[tuple[int, int, int]]:
        """``numbers`` in pieces, in order: first, last, and sign."""
        for first, last in numbers.ranges:
            low, at = first, bisect_right(self._starts, first) - 1
            while low <= last:
                end = min(self._starts[at + 1] - 1, last) if at + 1 < len(self._starts) else last
                yield low, end, self._signs[at]
                low, at = end + 1, at + 1


def _turned(
    starts: Sequence[int], values: Sequence[object], random: Random
) -> Iterator[tuple[int, int]]:
    signs: dict[object, int] = {}
    before = 0
    for start, value in zip(starts, values, strict=True):
        sign = signs.setdefault(value, random.getrandbits(128))
        yield start, before ^ sign
        before = sign


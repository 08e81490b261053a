"""What the longest prefix says of an address: for routers, hosts and clients alike.

The prefixes are laid out as intervals once; a flow is then parted into those of its packets for which the
answer is the same, and packets that have one answer stay together however many prefixes give it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from splitdns.check.cuts import Table
from splitdns.check.flows import CONSTANT, WHO, Flow, Ref
from splitdns.check.sets import Numbers, Range
from splitdns.check.sources import Sources

T = TypeVar("T")


class Prefixes(Generic[T]):
    """Values by address; of nested ranges the smallest decides, and where none holds it, ``default``."""

    def __init__(self, ranges: Iterable[tuple[Range, T]], default: T) -> None:
        """``ranges`` are nested or disjoint, as prefixes are; of equal ones the first stands."""
        self.starts: list[int] = []
        self.values: list[T] = []
        self._default = default
        self._known: dict[tuple[int, int], list[tuple[T, int]]] = {}
        self._last_sources: Sources | None = None
        self._lay_out(ranges)

    def _lay_out(self, ranges: Iterable[tuple[Range, T]]) -> None:
        first: dict[Range, T] = {}
        for place, value in ranges:
            first.setdefault(place, value)
        around: list[tuple[int, T]] = []  # (last, value) of the ranges that hold this place, widest first
        begun = -1
        for (low, high), value in sorted(first.items(), key=lambda one: (one[0][0], -one[0][1])):
            while around and around[-1][0] < low:
                last, _ = around.pop()
                self._begin(last + 1, around[-1][1] if around else self._default)
            if begun < 0 and low > 0:
                self._begin(0, self._default)
            begun = low
            around.append((high, value))
            self._begin(low, value)
        while around:
            last, _ = around.pop()
            self._begin(last + 1, around[-1][1] if around else self._default)
        if not self.starts:
            self._begin(0, self._default)

    def _begin(self, at: int, value: T) -> None:
        if self.starts and self.starts[-1] == at:
            self.values[-1] = value
        else:
            self.starts.append(at)
            self.values.append(value)

    @property
    def table(self) -> Table:
        return self.starts, self.values

    def at(self, number: int) -> T:
        return self.values[bisect_right(self.starts, number) - 1]

    def over(self, numbers: Numbers) -> list[tuple[T, Numbers]]:
        """The answers for ``numbers``, each with those that it is for."""
        ranges: dict[T, list[Range]] = {}
        for first, last in numbers.ranges:
            low, at = first, bisect_right(self.starts, first) - 1
            while low <= last:
                ends = self.starts[at + 1] - 1 if at + 1 < len(self.starts) else last
                ranges.setdefault(self.values[at], []).append((low, min(ends, last)))
                low, at = ends + 1, at + 1
        return [(value, Numbers.of(*parts)) for value, parts in ranges.items()]

    def masks(self, sources: Sources, who: int, more: int = 0) -> list[tuple[T, int]]:
        """The answers for the addresses of ``who``, each with the mask of those that it is for."""
        if sources is not self._last_sources:
            self._known.clear()
            self._last_sources = sources
        known = self._known.get((who, more))
        if known is None:
            numbers = sources.all_numbers(who)
            parts = self.over(numbers.shifted(more) if more else numbers)
            known = [(value, sources.mask_of(part.shifted(-more)) & who) for value, part in parts]
            self._known[who, more] = known
        return known

    def split(self, flow: Flow, ref: Ref) -> Iterator[tuple[Flow, T]]:
        """``flow`` in parts, each with the answer for the address at ``ref``."""
        field, more = ref
        if field == CONSTANT:
            yield flow, self.at(more)
        elif field == WHO:
            for value, mask in self.masks(flow.sources, flow.who, more):
                yield (flow if mask == flow.who else flow._replace(who=mask)), value
        elif (single := flow.values[field].single) is not None:
            yield flow, self.at(single + more)
        else:
            parts = self.over(flow.of(ref))
            rest: Flow | None = flow
            for value, numbers in parts:
                if rest is not None:
                    part, rest = rest.split(ref, numbers)
                    if part is not None:
                        yield part, value

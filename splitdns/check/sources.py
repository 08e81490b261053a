"""Where packets start: the clients' addresses in atoms, and sets of atoms as the bits of a number.

All that a gateway can tell of a client is its address and the interface by which it comes. Addresses that no
rule, route or host tells apart form an atom; a set of atoms is one whole number, so that any number of client
networks walk together at the price of one, and part only where something treats them differently.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import count

from splitdns.check.network import Clients
from splitdns.check.sets import Numbers

EVERYONE = -1  # as a mask: whoever it is

Link = tuple[tuple[str, int], ...]
"""By which interface, for whom: names with masks. One name for everyone is ``((name, EVERYONE),)``."""


class UnsplitError(Exception):
    """Addresses are told apart that are in one atom: the walk has to begin anew, with more ``boundaries``."""

    def __init__(self, boundaries: Iterable[int]) -> None:
        super().__init__("an atom has to be split")
        self.boundaries = frozenset(boundaries)


class Sources:
    """The atoms of some clients: ``mask_of`` a set of addresses, and ``numbers`` of a mask."""

    def __init__(self, clients: Sequence[Clients], boundaries: Sequence[int]) -> None:
        """``boundaries``: sorted numbers at which an atom has to begin."""
        self.clients = tuple(clients)
        self.boundaries = boundaries
        self.atoms: list[tuple[int, int]] = []
        self.masks: list[int] = []  # of each of the clients
        self._spans: list[tuple[int, list[int]]] = []  # of each of the clients: its first atom, the firsts
        self._cache: dict[Numbers, int] = {}
        self._shown: dict[tuple[int, int], Numbers] = {}
        self._whole: dict[int, Numbers] = {}
        self.tickets = count(1)
        for one in self.clients:
            first = len(self.atoms)
            for low, high in one.numbers.ranges:
                self.atoms += _cut(low, high, boundaries)
            self._spans.append((first, [low for low, _ in self.atoms[first:]]))
            self.masks.append((1 << len(self.atoms)) - (1 << first))
        self.everyone = (1 << len(self.atoms)) - 1

    def mask_of(self, numbers: Numbers) -> int:
        """The atoms in ``numbers``.

        Raises:
            UnsplitError: an atom is partly in them.
        """
        known = self._cache.get(numbers)
        if known is None:
            known = self._cache[numbers] = self._mask_of(numbers)
        return known

    def _mask_of(self, numbers: Numbers) -> int:
        mask = 0
        unsplit: set[int] = set()
        for first, lows in self._spans:
            for low, high in numbers.ranges:
                begin, end = bisect_left(lows, low), bisect_right(lows, high)
                unsplit.update(at for at in (low, high + 1) if self._is_inside(first, lows, at))
                mask |= (1 << (first + end)) - (1 << (first + begin)) if begin < end else 0
        if unsplit:
            raise UnsplitError(unsplit)
        return mask

    def _is_inside(self, first: int, lows: list[int], at: int) -> bool:
        """Whether an atom begins before ``at`` and ends at it or later."""
        index = bisect_right(lows, at) - 1
        return index >= 0 and lows[index] < at <= self.atoms[first + index][1]

    def require(self, boundaries: Iterable[int]) -> None:
        """See that no atom goes across one of ``boundaries``.

        Raises:
            UnsplitError: one does.
        """
        ends = tuple(boundaries)
        unsplit = {at for first, lows in self._spans for at in ends if self._is_inside(first, lows, at)}
        if unsplit:
            raise UnsplitError(unsplit)

    def numbers(self, which: int, mask: int) -> Numbers:
        """The addresses of client ``which`` that are in ``mask``."""
        mask &= self.masks[which]
        if mask == self.masks[which]:
            return self.clients[which].numbers
        shown = self._shown.get((which, mask))
        if shown is None:
            shown = self._shown[which, mask] = Numbers.of(*(self.atoms[at] for at in bits(mask)))
        return shown

    def all_numbers(self, mask: int) -> Numbers:
        """The addresses in ``mask``, whosever."""
        mask &= self.everyone
        known = self._whole.get(mask)
        if known is None:
            known = self._whole[mask] = Numbers.of(*(self.atoms[at] for at in bits(mask)))
        return known


def bits(mask: int) -> Iterable[int]:
    """The places of the bits that are set, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def _cut(low: int, high: int, boundaries: Sequence[int]) -> Iterable[tuple[int, int]]:
    at = bisect_right(boundaries, low)
    while at < len(boundaries) and boundaries[at] <= high:
        yield low, boundaries[at] - 1
        low = boundaries[at]
        at += 1
    yield low, high


def link(name: str) -> Link:
    """The same interface for everyone."""
    return ((name, EVERYONE),)


def same(one: Link, other: Link) -> int:
    """The mask of those for whom both name the same interface."""
    mask = 0
    for name, ours in one:
        for its_name, theirs in other:
            if name == its_name:
                mask |= ours & theirs
    return mask


def narrowed(one: Link, mask: int) -> Link:
    """What of it concerns ``mask``."""
    return tuple((name, ours & mask) for name, ours in one if ours & mask)

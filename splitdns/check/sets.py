"""Sets of whole numbers as intervals: addresses, ports, protocols.

Every field of a packet is a number, and every rule speaks of ranges of numbers, so a set is a sorted tuple
of ranges that do not touch. All operations are exact; nothing is ever enumerated.

>>> web = Numbers.of((80, 80), (443, 443))
>>> web - Numbers.of((443, 443)), 80 in web, 81 in web
(Numbers(80), True, False)
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from splitdns.value import value

Range = tuple[int, int]


@value(frozen=True, slots=True)
class Numbers:
    """An immutable set of whole numbers; ``ranges`` are inclusive, sorted, disjoint and not adjacent."""

    ranges: tuple[Range, ...] = ()

    @classmethod
    def of(cls, *ranges: Range) -> Numbers:
        """The numbers in any of ``ranges``, each (first, last), in any order."""
        return cls(tuple(_merged(sorted(ranges))))

    @classmethod
    def one(cls, number: int) -> Numbers:
        return cls(((number, number),))

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self.ranges, (number, _BEYOND)) - 1
        return at >= 0 and self.ranges[at][1] >= number

    def __and__(self, other: Numbers) -> Numbers:
        if self.ranges == other.ranges:
            return self
        return Numbers(tuple(_common(self.ranges, other.ranges)))

    def __or__(self, other: Numbers) -> Numbers:
        return Numbers.of(*self.ranges, *other.ranges)

    def __sub__(self, other: Numbers) -> Numbers:
        return Numbers(tuple(_without(self.ranges, other.ranges)))

    def __le__(self, other: Numbers) -> bool:
        """Whether all of it is in ``other``."""
        return (self & other).ranges == self.ranges

    def __repr__(self) -> str:
        shown = ", ".join(str(low) if low == high else f"{low}-{high}" for low, high in self.ranges)
        return f"Numbers({shown})"

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(high - low + 1 for low, high in self.ranges)

    @property
    def first(self) -> int:
        """The smallest.

        Raises:
            IndexError: the set is empty.
        """
        return self.ranges[0][0]

    @property
    def single(self) -> int | None:
        """The only number, where there is one only."""
        if len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]:
            return self.ranges[0][0]
        return None

    def shifted(self, by: int) -> Numbers:
        """Each number plus ``by``."""
        if not by:
            return self
        return Numbers(tuple((low + by, high + by) for low, high in self.ranges))


_BEYOND = 1 << 129  # more than any number of a packet

NONE = Numbers()
PORTS = Numbers(((0, 65_535),))
PROTOCOLS = Numbers(((0, 255),))
ADDRESSES4 = Numbers(((0, (1 << 32) - 1),))
ADDRESSES6 = Numbers(((0, (1 << 128) - 1),))

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network


def all_addresses(family: int) -> Numbers:
    """Every address of ``family``, 4 or 6."""
    return ADDRESSES4 if family == 4 else ADDRESSES6


def numbers_of(*prefixes: Prefix | Address) -> Numbers:
    """The addresses of prefixes and single ones, all of one family."""
    return Numbers.of(*map(_range_of, prefixes))


def address_of(family: int, number: int) -> Address:
    return IPv4Address(number) if family == 4 else IPv6Address(number)


def shown_addresses(family: int, numbers: Numbers) -> str:
    """For a person: ``192.0.2.1``, ``192.0.2.0-192.0.2.7``, with commas between."""
    if numbers == all_addresses(family):
        return "any address"
    return ", ".join(
        str(address_of(family, low)) + ("" if low == high else f"-{address_of(family, high)}")
        for low, high in numbers.ranges
    )


def _range_of(one: Prefix | Address) -> Range:
    if isinstance(one, IPv4Network | IPv6Network):
        return int(one.network_address), int(one.broadcast_address)
    return int(one), int(one)


def _merged(ranges: Iterable[Range]) -> Iterator[Range]:
    current: Range | None = None
    for low, high in ranges:
        if low > high:
            continue
        if current is None:
            current = low, high
        elif low <= current[1] + 1:
            current = current[0], max(current[1], high)
        else:
            yield current
            current = low, high
    if current is not None:
        yield current


def _common(ours: tuple[Range, ...], theirs: tuple[Range, ...]) -> Iterator[Range]:
    i = j = 0
    while i < len(ours) and j < len(theirs):
        low, high = max(ours[i][0], theirs[j][0]), min(ours[i][1], theirs[j][1])
        if low <= high:
            yield low, high
        if ours[i][1] < theirs[j][1]:
            i += 1
        else:
            j += 1


def _without(ours: tuple[Range, ...], theirs: tuple[Range, ...]) -> Iterator[Range]:
    j = 0
    for low, high in ours:
        while j < len(theirs) and theirs[j][1] < low:
            j += 1
        at = j
        while at < len(theirs) and theirs[at][0] <= high:
            if low < theirs[at][0]:
                yield low, theirs[at][0] - 1
            low = theirs[at][1] + 1
            at += 1
        if low <= high:
            yield low, high

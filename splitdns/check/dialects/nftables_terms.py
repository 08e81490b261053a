"""What a rule of nft asks of a packet, and the kinds of things that it can ask about.

nft hides what a field presupposes when it prints a rule: ``tcp dport 80`` says that the packet is TCP, ``ip
saddr`` that it is IPv4. A field knows it as its ``basis``, and a negation does not reach it.
"""

from __future__ import annotations

from collections.abc import Callable

from splitdns.check.dialects.nftables_values import Scalar
from splitdns.check.rules import AnyOf, Condition, Protocols, Side
from splitdns.check.sets import PROTOCOLS, Numbers
from splitdns.value import value

BOTH = frozenset({4, 6})
NEVER = AnyOf(())  # none of no alternatives holds


@value(frozen=True, slots=True)
class Terms:
    """For packets of ``families``, all of ``conditions``."""

    families: frozenset[int] = BOTH
    conditions: tuple[Condition, ...] = ()

    def __and__(self, other: Terms) -> Terms:
        if other is ALWAYS:
            return self
        if self is ALWAYS:
            return other
        more = tuple(one for one in other.conditions if one not in self.conditions)
        return Terms(self.families & other.families, self.conditions + more)

    def also(self, *conditions: Condition) -> Terms:
        return self & Terms(BOTH, conditions)


ALWAYS = Terms()

_FEW = 8  # alternatives that ``settled`` looks into; those of sets are settled one by one


def settled(terms: Terms) -> Terms:
    """The same, without what the protocols that it asks for leave open in an ``AnyOf``."""
    return Terms(terms.families, _settled(terms.conditions, PROTOCOLS))


def _settled(conditions: tuple[Condition, ...], protocols: Numbers) -> tuple[Condition, ...]:
    if not any(isinstance(one, AnyOf) for one in conditions):
        return conditions
    for one in conditions:
        if isinstance(one, Protocols):
            protocols &= one.numbers
    result: list[Condition] = []
    for one in conditions:
        if not isinstance(one, AnyOf) or one.negated or not 0 < len(one.alternatives) <= _FEW:
            result.append(one)
            continue
        possible = [
            _settled(some, protocols)
            for some in one.alternatives
            if all(protocols & each.numbers for each in some if isinstance(each, Protocols))
        ]
        if len(possible) == 1:
            result += (each for each in possible[0] if not _goes_without_saying(each, protocols))
        else:
            result.append(AnyOf(tuple(possible)))
    return tuple(dict.fromkeys(result))


def _goes_without_saying(condition: Condition, protocols: Numbers) -> bool:
    return isinstance(condition, Protocols) and protocols <= condition.numbers


@value(frozen=True, slots=True)
class Field:
    """A number of ``bits`` bits, read by ``scalar``; ``holds`` says what it means that it is one of some.

    ``basis`` is what it presupposes. Fields of one ``kind`` read the same values as the same numbers.
    ``masked`` makes the field of only some bits, where the model has it; ``are_flags``: the bits are apart.
    """

    name: str
    kind: str
    bits: int
    scalar: Scalar
    meaning: Callable[[Numbers], tuple[Condition, ...]]
    basis: Terms = ALWAYS
    masked: Callable[[int], Field] | None = None
    families: Callable[[Numbers], frozenset[int]] | None = None
    are_flags: bool = False

    @property
    def all(self) -> Numbers:
        return Numbers(((0, (1 << self.bits) - 1),))

    def holds(self, numbers: Numbers) -> Terms:
        families = BOTH if self.families is None else self.families(numbers)
        return self.basis & Terms(families, self.meaning(numbers))


@value(frozen=True, slots=True)
class InterfaceName:
    """The interface of one side, by name."""

    side: Side


@value(frozen=True, slots=True)
class Status:
    """What has happened to the connection (``ct status``), as bits that are asked for one by one."""

    mask: int | None = None


@value(frozen=True, slots=True)
class Absent:
    """A header or an option that ordinary packets do not carry: to look into it fails, whatever is asked."""

    basis: Terms = ALWAYS


@value(frozen=True, slots=True)
class PathBack:
    """Whether a route leads back to the source, by the interface of the packet or (``loose``) by any."""

    loose: bool
    marked: bool


@value(frozen=True, slots=True)
class Chance:
    """A number from ``offset`` on, below ``offset + count``, by counting, at random, or by a hash."""

    name: str
    offset: int
    count: int


@value(frozen=True, slots=True)
class Unmodelled:
    """What is not modelled, by ``name``; ``known`` to nft(8), or never seen before."""

    name: str
    basis: Terms = ALWAYS
    known: bool = True


AnyField = Field | InterfaceName | Status | Absent | PathBack | Chance | Unmodelled


def of_protocol(number: int) -> Terms:
    """That the packet is of this protocol."""
    return Terms(BOTH, (Protocols(Numbers.one(number)),))


def nothing(_: Numbers) -> tuple[Condition, ...]:
    """The meaning of a field that asks nothing more than its families."""
    return ()

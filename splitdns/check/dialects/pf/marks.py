"""What a rule leaves on a packet for later ones, as bits of its mark: tags, and a ``match``'s translation.

Each rule that leaves something has a bit of its own: what a rule sees depends on those before it only, and
rules are not asked in the file's order here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from splitdns.check.dialects.pf.order import Step
from splitdns.check.dialects.pf.values import Anchor, On, Rule, Written
from splitdns.check.model import Mark, Of, SetMark
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError, Where
from splitdns.value import value

BITS = 30  # of a mark's 32; the others say that a translation rule has let the packet pass
PASSED = {"in": 1 << 30, "out": 1 << 31}


def has(bits: int, *, but: int = 0) -> Mark:
    """All of ``bits`` are set, and none of ``but``."""
    return Mark(Of.PACKET, Numbers.one(bits), bits | but)


def set_(bits: int) -> SetMark:
    return SetMark(Of.PACKET, bits, bits)


@dataclass(slots=True)
class Marks:
    """The bits of one pf.conf, in the order in which packets meet the rules that set them."""

    tested: bool  # whether some rule asks for tags
    taken: int = 0
    tags: list[tuple[int, str, str, int]] = field(default_factory=list)  # bit, tag, direction, place

    def tagging(self, tag: str, direction: str, at: int, where: Where) -> int:
        """A bit for a rule that sets ``tag``, and so takes away another; 0: nobody asks for tags."""
        if not self.tested:
            return 0
        bit = self.bit(where)
        self.tags.append((bit, tag, direction, at))
        return bit

    def bit(self, where: Where) -> int:
        if self.taken >= BITS:
            expected = f"expected at most {BITS} rules that set tags, or translate by match"
            raise ConfigError(where, f"{expected}; write rdr-to and nat-to in pass rules instead")
        self.taken += 1
        return 1 << self.taken - 1

    def tagged(self, asked: On, direction: str, at: int) -> list[Mark] | None:
        """Marks of which one has to hold, so that a packet has the tag; None: it never has."""
        before = [
            (bit, tag) for bit, tag, way, place in self.tags if (way, place) < (direction, at)
        ]  # what comes in is tagged before it goes out: "in" < "out"
        found = []
        for place, (bit, tag) in enumerate(before):
            if (tag == asked.name) is not asked.negated:
                found.append(has(bit, but=sum(later for later, _ in before[place + 1 :])))
        if asked.negated:
            found.append(has(0, but=sum(bit for bit, _ in before)))
        return found or None


def asks_for_tags(written: Written) -> bool:
    """Whether some rule does; where none does, it does not matter who sets them."""

    def asks(items: Sequence[Rule | Anchor]) -> bool:
        return any(
            one.when.tagged is not None or (isinstance(one, Anchor) and asks(one.rules)) for one in items
        )

    return asks(written.rules) or any(one.when.tagged is not None for one in written.translations)


@value(frozen=True, slots=True)
class World:
    """What earlier rules have made of a packet: the last ``match`` that translated it, if one did."""

    step: Step | None
    mark: Mark | None


def worlds(translating: Sequence[tuple[Step, int]], before: int) -> Iterator[World]:
    """Those in which a rule at place ``before`` may meet a packet; (step, bit) are the matches."""
    earlier = [(step, bit) for step, bit in translating if step.at < before]
    if not earlier:
        yield World(None, None)
        return
    for place, (step, bit) in enumerate(earlier):
        yield World(step, has(bit, but=sum(later for _, later in earlier[place + 1 :])))
    yield World(None, has(0, but=sum(bit for _, bit in earlier)))


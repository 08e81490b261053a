"""What it means for a packet to be in a set: an iptables rule's ``--match-set`` as a condition.

Elements that differ only in their addresses become one: a block list of a hundred thousand networks is one
set of numbers, and ``hash:ip,port`` has as many alternatives as it has ports.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from splitdns.check.dialects.ipset import (
    AddressPart,
    Element,
    InterfacePart,
    IpSet,
    IpSets,
    MarkPart,
    Part,
    PortPart,
)
from splitdns.check.model import (
    ICMP,
    ICMP6,
    WITH_PORTS,
    Addresses,
    AnyOf,
    Condition,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Ports,
    Protocols,
    Side,
    Unknown,
)
from splitdns.check.sets import NONE, PORTS, Numbers, all_addresses

MAX_ALTERNATIVES = 4096  # of one condition; beyond, it may match anything
MAX_SETS_IN_SETS = 64  # members of a list:set that are looked into; beyond, the same

Conjunction = tuple[Condition, ...]


class Memberships:
    """What it means to be in each of some sets, for packets of one family; found out once."""

    def __init__(self, sets: IpSets, family: int, changing: frozenset[str] = frozenset()) -> None:
        """``changing`` are the sets that rules write to."""
        self._sets = sets
        self._family = family
        self._changing = changing
        self._known: dict[tuple[str, tuple[Side, ...], bool], Condition] = {}

    def of(self, name: str, sides: Sequence[Side], *, negated: bool = False) -> Condition:
        """The condition that a packet is in the set ``name``, or, ``negated``, is not.

        ``sides`` says of each part of an element whether it is the packet's source or its destination.
        """
        key = name, tuple(sides), negated
        if key not in self._known:
            self._known[key] = _membership(
                self._sets, name, sides, self._family, negated=negated, changing=self._changing
            )
        return self._known[key]


def _membership(
    sets: IpSets, name: str, sides: Sequence[Side], family: int, *, negated: bool, changing: frozenset[str]
) -> Condition:
    found = sets.sets.get(name)
    if found is None:
        where = f"not in {sets.read_from}" if sets.read_from else "give what `ipset save` prints"
        return Unknown(f"what the set {name!r} holds is not known: {where}")
    if name in changing:
        return Unknown(f"what the set {name!r} holds is not known: rules change it (-j SET)")
    alternatives: list[Conjunction] = []
    for one in _with_members(sets, found):
        if isinstance(one, str):
            return Unknown(f"what the set {name!r} holds is not known: {one}")
        if one.name in changing:
            return Unknown(f"what the set {one.name!r} holds is not known: rules change it (-j SET)")
        if one.unknown:
            return Unknown(f"what the set {one.name!r} holds is not known: {one.unknown}")
        # The kernel finds nothing in a set of another family, or one with more parts than the rule names.
        if (one.family == family or one.kind == "bitmap:port") and len(one.parts) <= len(sides):
            alternatives += _alternatives(one, sides)
        if len(alternatives) > MAX_ALTERNATIVES:
            return Unknown(f"the set {name!r} has more than {MAX_ALTERNATIVES:,} different ports or parts")
    if all(len(one) == 1 and isinstance(one[0], Addresses) for one in alternatives):
        return _only_addresses(alternatives, sides[0], family, negated)
    return AnyOf(tuple(alternatives), negated)


def _only_addresses(
    alternatives: list[Conjunction], side: Side, family: int, negated: bool
) -> Addresses | AnyOf:
    numbers = _union(
        condition.numbers for (condition,) in alternatives if isinstance(condition, Addresses)
    )
    return Addresses(side, all_addresses(family) - numbers if negated else numbers)


def _with_members(sets: IpSets, one: IpSet) -> Iterator[IpSet | str]:
    """The set, or those in it; text says why one is not to be had."""
    if one.kind != "list:set":
        yield one
        return
    if len(one.members) > MAX_SETS_IN_SETS:
        yield f"it has more than {MAX_SETS_IN_SETS} sets in it"
        return
    if one.unknown:
        yield one.unknown
        return
    for name in one.members:
        member = sets.sets.get(name)
        if member is None or member.kind == "list:set":  # which ipset does not allow
            yield f"its member {name!r} is no set that is known"
            return
        yield member


def _alternatives(one: IpSet, sides: Sequence[Side]) -> Iterator[Conjunction]:
    """Conjunctions, one of which holds for a packet in the set."""
    if "ip" not in one.parts:
        for element in one.elements:
            yield from _conjunctions(element.parts, sides)
    elif "iface" in one.parts:
        yield from _by_interface(one, sides)
    elif one.parts.count("ip") > 1 and any(element.excluded for element in one.elements):
        yield from _with_exclusions(one, sides)
    else:
        yield from _by_address(one, sides)


def _by_address(one: IpSet, sides: Sequence[Side]) -> Iterator[Conjunction]:
    """Elements with the same other parts together; among theirs, the longest prefix decides."""
    at = one.parts.index("ip")
    groups: defaultdict[tuple[Part, ...], list[tuple[AddressPart, bool]]] = defaultdict(list)
    for element in one.elements:
        part = element.parts[at]
        assert isinstance(part, AddressPart)
        groups[element.parts[:at] + element.parts[at + 1 :]].append((part, element.excluded))
    # Ports that go with the same addresses become one alternative.
    joined: defaultdict[tuple[Numbers, tuple[Part, ...]], list[PortPart]] = defaultdict(list)
    for others, parts in groups.items():
        numbers = _longest_decides(parts)
        port = next((part for part in others if isinstance(part, PortPart)), None)
        if port is None or port.code is not None:
            yield from _conjunctions((*others[:at], AddressPart(numbers, 0), *others[at:]), sides)
            continue
        key = tuple(
            PortPart(part.protocol, NONE) if part is port else part for part in others
        )  # the ports themselves left out
        joined[(numbers, key)].append(port)
    for (numbers, key), together in joined.items():
        all_ports = _union(port.numbers for port in together)
        others = tuple(
            PortPart(part.protocol, all_ports) if isinstance(part, PortPart) else part for part in key
        )
        yield from _conjunctions((*others[:at], AddressPart(numbers, 0), *others[at:]), sides)


def _by_interface(one: IpSet, sides: Sequence[Side]) -> Iterator[Conjunction]:
    """Of ``hash:net,iface`` the kernel asks the longest prefix only, whichever interfaces that has."""
    at = one.parts.index("ip")
    levels: defaultdict[int, defaultdict[tuple[Part, ...] | None, list[Numbers]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for element in one.elements:
        part = element.parts[at]
        assert isinstance(part, AddressPart)
        others = element.parts[:at] + element.parts[at + 1 :]
        levels[part.length][None if element.excluded else others].append(part.numbers)
    longer, found = NONE, defaultdict[tuple[Part, ...], Numbers](lambda: NONE)
    for _, level in sorted(levels.items(), reverse=True):
        united = {key: _union(many) for key, many in level.items()}
        for key, numbers in united.items():
            if key is not None:
                found[key] |= numbers - longer
        longer = _union([longer, *united.values()])
    for others, numbers in found.items():
        yield from _conjunctions((*others[:at], AddressPart(numbers, 0), *others[at:]), sides)


def _longest_decides(parts: list[tuple[AddressPart, bool]]) -> Numbers:
    if not any(excluded for _, excluded in parts):
        return _union(part.numbers for part, _ in parts)
    by_length: defaultdict[tuple[int, bool], list[Numbers]] = defaultdict(list)
    for part, excluded in parts:
        by_length[(part.length, excluded)].append(part.numbers)
    found = NONE
    for (_, excluded), numbers in sorted(by_length.items(), key=lambda item: item[0]):
        level = _union(numbers)
        found = found - level if excluded else found | level
    return found


def _with_exclusions(one: IpSet, sides: Sequence[Side]) -> Iterator[Conjunction]:
    """Two addresses in an element and ``nomatch``: the kernel takes the longest first prefix, then second."""

    def lengths(element: Element) -> tuple[int, ...]:
        return tuple(part.length for part in element.parts if isinstance(part, AddressPart))

    excluded = [element for element in one.elements if element.excluded]
    if len(excluded) * len(one.elements) > MAX_ALTERNATIVES:
        yield (Unknown(f"the set {one.name!r} has too many elements with nomatch"),)
        return
    for element in one.elements:
        if element.excluded:
            continue
        longer = [other for other in excluded if lengths(other) > lengths(element)]
        but = tuple(found for other in longer for found in _conjunctions(other.parts, sides))
        for conjunction in _conjunctions(element.parts, sides):
            yield (*conjunction, AnyOf(but, negated=True)) if but else conjunction


def _conjunctions(parts: tuple[Part, ...], sides: Sequence[Side]) -> Iterator[Conjunction]:
    found: list[Condition] = []
    for part, side in zip(parts, sides, strict=False):
        match part:
            case AddressPart():
                found.append(Addresses(side, part.numbers))
            case PortPart():
                found += _port_conditions(part, side)
            case InterfacePart():
                found.append(Interfaces(side, frozenset({part.name})))
            case MarkPart():
                found.append(Mark(Of.PACKET, Numbers.one(part.value)))
    yield tuple(found)


def _port_conditions(part: PortPart, side: Side) -> Iterator[Condition]:
    if part.protocol is None:
        yield Protocols(Numbers.of(*((number, number) for number in WITH_PORTS)))
        yield Ports(side, part.numbers)
        return
    yield Protocols(Numbers.one(part.protocol))
    if part.protocol in (ICMP, ICMP6):
        yield IcmpTypes(part.numbers)
        if part.code is not None:
            yield Unknown(f"ICMP code {part.code}")
    elif part.protocol in WITH_PORTS and part.numbers != PORTS:
        yield Ports(side, part.numbers)


def _union(several: Iterable[Numbers]) -> Numbers:
    """All of them, at once."""
    return Numbers.of(*(range_ for one in several for range_ in one.ranges))

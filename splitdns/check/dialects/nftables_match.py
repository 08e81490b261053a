"""What a match of nft means: a field, an operator, and what it is compared with.

The result is a list of ``Terms`` of which one holds; more than one only where IPv4 and IPv6 differ, so that
never two hold for one packet. A map gives the same for each of its keys, with the value.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json, Misshapen, shown, word
from splitdns.check.dialects.nftables_fields import field, status_condition
from splitdns.check.dialects.nftables_sets import NamedSet, Sets, pairs
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    BOTH,
    NEVER,
    Absent,
    AnyField,
    Chance,
    Field,
    InterfaceName,
    PathBack,
    Status,
    Terms,
    Unmodelled,
    settled,
)
from splitdns.check.rules import AnyOf, Condition, Interfaces, ReversePath, Unknown
from splitdns.check.sets import Numbers

MAX_VALUES = 65_536  # of one map, each of which is a rule; beyond, it is widened

_COMPARED = frozenset({"<", ">", "<=", ">="})
_OPERATORS = frozenset({"==", "!=", "in", "!", *_COMPARED})

# What one component of a key may be: numbers of a field, names of interfaces.
Part = Numbers | frozenset[str]


@dataclass(frozen=True, slots=True)
class Within:
    """Where names are looked up: the sets of one table, and whether its limits hold beyond their rates."""

    sets: Sets
    family: str
    table: str
    limits: dict[str, bool] = dataclasses.field(default_factory=dict)

    def named(self, reference: str) -> NamedSet:
        return self.sets.get(self.family, self.table, reference)


def matches(body: dict[str, Json], within: Within) -> list[Terms]:
    """What the match ``body`` means.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    operator = word(body.get("op"), "an operator")
    if operator not in _OPERATORS:
        raise Misshapen(f"expected one of {' '.join(sorted(_OPERATORS))}, found {shown(operator)}")
    left, right = body.get("left"), body.get("right")
    match left:
        case {"concat": list(parts)}:
            return _tuples([field(part) for part in parts], right, operator, within)
    return [_single(field(left), right, operator, within)]


def mapped(key: Json, data: Json, within: Within) -> list[tuple[list[Terms], Json]] | Chance | Terms:
    """What each value of a map asks of a packet, and the value; keys with the same value are one.

    ``Chance``: the key is a number by chance, and any value may come (``possible_values``). ``Terms``: the
    elements are not known, and this is what may hold.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    elements, moving = _content(data, within)
    match key:
        case {"concat": list(parts)}:
            fields = [field(part) for part in parts]
        case _:
            fields = [field(key)]
    if len(fields) == 1 and isinstance(fields[0], Chance) and not moving:
        return fields[0]
    basis = _basis(fields)
    if moving:
        return basis.also(Unknown(moving))
    by_value: dict[str, tuple[Json, list[tuple[Part, ...]]]] = {}
    rest: Json = None
    for one, value in pairs(elements):
        if one == "*":
            rest = value
            continue
        key_parts = _parts(fields, one)
        if isinstance(key_parts, Unknown):
            return basis.also(key_parts)
        by_value.setdefault(repr(value), (value, []))[1].append(key_parts)
    if len(by_value) > MAX_VALUES:
        return basis.also(Unknown(f"a map of more than {MAX_VALUES} values"))
    found = [(_conjunctions(fields, keys, negated=False), value) for value, keys in by_value.values()]
    if rest is not None:
        known = [key for _, keys in by_value.values() for key in keys]
        found.append((_conjunctions(fields, known, negated=True), rest))
    return found


def possible_values(chance: Chance, data: Json, within: Within) -> list[Json]:
    """The values that a map gives for the numbers of ``chance``."""
    scalar = values.named({}, 32)
    reach = Numbers(((chance.offset, chance.offset + chance.count - 1),))
    elements, _ = _content(data, within)
    found: list[Json] = []
    for key, value in pairs(elements):
        some = values.ranges(key, scalar, 32)
        if some is None or Numbers.of(*some) & reach:
            found.append(value)
    return found


def presupposed(expression: Json) -> Terms:
    """What must hold for ``expression`` to have a value at all."""
    match expression:
        case {"elem": {"val": inner}}:
            return presupposed(inner)
        case {"concat": list(parts)}:
            return _basis([field(part) for part in parts])
        case dict():
            return _basis([field(expression)])
    return ALWAYS


# --- One field ----------------------------------------------------------------------------------------------


def _single(left: AnyField, right: Json, operator: str, within: Within) -> Terms:
    match left:
        case Absent(basis):
            if not isinstance(right, bool):
                return basis.also(NEVER)
            return basis if right is (operator == "!=") else basis.also(NEVER)
        case PathBack(loose, marked):
            there = False if right in (False, "0") else right  # no interface has the index 0
            if not isinstance(there, bool) or operator not in ("==", "!="):
                return ALWAYS.also(_not_read("the way back to a source", right))
            return ALWAYS.also(ReversePath(there is (operator == "=="), loose, marked))
        case Unmodelled(name, basis):
            return basis.also(Unknown(f"{name} is not modelled"))
        case Chance(name):
            return ALWAYS.also(Unknown(f"{name} is decided by chance"))
        case Status():
            return _status(left, right, operator)
        case InterfaceName(side):
            names = _names(right, within)
            if isinstance(names, Unknown):
                return ALWAYS.also(names)
            if operator in _COMPARED:
                return ALWAYS.also(Unknown("interfaces are compared"))
            return ALWAYS.also(Interfaces(side, names, negated=operator in ("!=", "!")))
        case Field():
            return _number(left, right, operator, within)


def _number(left: Field, right: Json, operator: str, within: Within) -> Terms:
    numbers: Numbers | Unknown
    if left.kind == "tcp flags" and operator in ("in", "!"):
        mask = left.scalar(right)
        if mask is None or left.masked is None:
            return left.basis.also(_not_read(left.name, right))
        under = left.masked(mask)
        zero = Numbers.one(0)
        return under.holds(zero if operator == "!" else under.all - zero)
    if left.kind == "state" and operator == "==" and isinstance(right, list) and len(right) > 1:
        return left.basis.also(NEVER)  # a packet has one state
    if left.kind == "tcp flags" and isinstance(right, list):  # flags that are set together
        together = left.scalar(right)
        numbers = _not_read(left.name, right) if together is None else Numbers.one(together)
    else:
        numbers = _numbers(left, right, within)
    if isinstance(numbers, Unknown):
        return left.basis.also(numbers)
    if operator in _COMPARED:
        numbers = _compared(operator, numbers, left.all)
    elif operator in ("!=", "!"):
        numbers = left.all - numbers
    return left.holds(numbers)


def _compared(operator: str, numbers: Numbers, everything: Numbers) -> Numbers:
    if not numbers:
        return Numbers()
    first, last = numbers.first, numbers.ranges[-1][1]
    most = everything.ranges[-1][1]
    match operator:
        case "<":
            return Numbers.of((0, first - 1))
        case "<=":
            return Numbers.of((0, last))
        case ">":
            return Numbers.of((last + 1, most))
    return Numbers.of((first, most))


def _status(left: Status, right: Json, operator: str) -> Terms:
    """``ct status`` is asked for bits: any of them (in, or a mask and != 0), none, or all (a mask and ==)."""
    scalar = values.flags(values.STATUS_BITS, 32)
    wanted = scalar(right)
    if wanted is None:
        return ALWAYS.also(_not_read("ct status", right))
    if left.mask is not None and wanted == 0 and operator in ("!=", "=="):
        operator, wanted = ("in" if operator == "!=" else "!"), left.mask
    elif left.mask is not None and wanted == left.mask and operator == "==":
        return ALWAYS.also(*(one for bit in _bits(wanted) for one in status_condition(bit)))
    elif operator not in ("in", "!"):
        return ALWAYS.also(Unknown("ct status is compared as a whole"))
    if operator == "!":
        return ALWAYS.also(*(one for bit in _bits(wanted) for one in status_condition(bit, expected=False)))
    several = tuple(status_condition(bit) for bit in _bits(wanted))
    return ALWAYS.also(*several[0]) if len(several) == 1 else ALWAYS.also(AnyOf(several))


def _bits(number: int) -> list[int]:
    return [1 << bit for bit in range(number.bit_length()) if number >> bit & 1]


# --- Several fields at once ---------------------------------------------------------------------------------


def _tuples(fields: list[AnyField], right: Json, operator: str, within: Within) -> list[Terms]:
    basis = _basis(fields)
    elements, moving = _content(right, within)
    if moving:
        return [basis.also(Unknown(moving))]
    if operator not in ("==", "in", "!="):
        return [basis.also(Unknown("concatenations are compared"))]
    known: list[tuple[Part, ...]] = []
    for element in elements:
        parts = _parts(fields, element)
        if isinstance(parts, Unknown):
            return [basis.also(parts)]
        known.append(parts)
    return _conjunctions(fields, known, negated=operator == "!=")


def _basis(fields: Iterable[AnyField]) -> Terms:
    """What all of ``fields`` presuppose, and what of them is unknown."""
    result = ALWAYS
    for one in fields:
        match one:
            case Field(basis=basis):
                result &= basis
            case Absent(basis):
                result &= basis.also(NEVER)
            case Unmodelled(_, basis):
                result &= basis
    return result


def _parts(fields: list[AnyField], key: Json) -> tuple[Part, ...] | Unknown:
    """One key, component by component."""
    match key:
        case {"elem": {"val": inner}}:
            return _parts(fields, inner)
        case {"concat": list(components)}:
            pass
        case _:
            components = [key]
    if len(components) != len(fields):
        raise Misshapen(f"expected {len(fields)} components, found {shown(key)}")
    parts: list[Part] = []
    for one, component in zip(fields, components, strict=True):
        match one:
            case Field():
                some = values.ranges(component, one.scalar, one.bits)
                if some is None:
                    return _not_read(one.name, component)
                parts.append(Numbers.of(*some))
            case InterfaceName():
                names = _literal_names(component)
                if isinstance(names, Unknown):
                    return names
                parts.append(names)
            case Unmodelled(name) | Chance(name):
                return Unknown(f"{name} is not modelled")
            case Status():
                return Unknown("ct status in a concatenation is not modelled")
            case Absent() | PathBack():
                return Unknown("a part of a concatenation that is not modelled")
    return tuple(parts)


def _conjunctions(fields: list[AnyField], keys: list[tuple[Part, ...]], *, negated: bool) -> list[Terms]:
    """``Terms`` of which one holds if a packet has one of ``keys``, or none, by family."""
    basis = _basis(fields)
    by_family: dict[int, tuple[tuple[Condition, ...], ...]] = {}
    alternatives = [_conjunction(fields, key) for key in _joined(keys)]
    for family in sorted(basis.families):
        by_family[family] = tuple(one.conditions for one in alternatives if family in one.families)
    if len(set(by_family.values())) == 1:
        only = next(iter(by_family.values()))
        return [Terms(basis.families) & _either(basis, only, negated=negated)]
    return [
        Terms(frozenset({family})) & _either(basis, some, negated=negated)
        for family, some in by_family.items()
        if some or negated
    ]


def _either(basis: Terms, alternatives: tuple[tuple[Condition, ...], ...], *, negated: bool) -> Terms:
    if len(alternatives) == 1 and not negated:
        return basis.also(*alternatives[0])
    if len(alternatives) == 1 and not alternatives[0]:
        return basis.also(NEVER)
    if not alternatives and negated:
        return basis
    return basis.also(AnyOf(alternatives, negated))


def _conjunction(fields: list[AnyField], key: tuple[Part, ...]) -> Terms:
    """That each field has its part of ``key``; what all keys presuppose is said elsewhere."""
    result = ALWAYS
    for one, part in zip(fields, key, strict=True):
        match one, part:
            case Field(), Numbers():
                families = BOTH if one.families is None else one.families(part)
                result &= Terms(families, one.meaning(part))
            case InterfaceName(side), frozenset():
                result = result.also(Interfaces(side, part))
    return settled(result)


def _joined(keys: list[tuple[Part, ...]]) -> list[tuple[Part, ...]]:
    """The same keys, with those that differ in one component only made one."""
    for at in range(len(keys[0]) if keys else 0):
        groups: dict[tuple[Part, ...], list[Part]] = {}
        for key in keys:
            groups.setdefault(key[:at] + key[at + 1 :], []).append(key[at])
        keys = [(*others[:at], _union(parts), *others[at:]) for others, parts in groups.items()]
    return keys


def _union(parts: list[Part]) -> Part:
    if len(parts) == 1:
        return parts[0]
    names = frozenset(name for part in parts if isinstance(part, frozenset) for name in part)
    if names:
        return names
    return Numbers.of(*(some for part in parts if isinstance(part, Numbers) for some in part.ranges))


# --- What is compared with ----------------------------------------------------------------------------------


def _content(data: Json, within: Within) -> tuple[list[Json], str]:
    """The elements of a set or map, named or not, and why they are not to be relied on."""
    match data:
        case str() if data.startswith("@"):
            one = within.named(data)
            return one.elements, one.moving
        case {"set": list(elements)}:
            return elements, ""
        case {"set": _}:
            raise Misshapen(f"expected the elements of a set, found {shown(data)}")
    return [data], ""


def _numbers(left: Field, right: Json, within: Within) -> Numbers | Unknown:
    if isinstance(right, str) and right.startswith("@"):
        one = within.named(right)
        if one.moving:
            return Unknown(one.moving)
        found = one.numbers(left)
        return Unknown(f"set {right} holds what is not a value of {left.name}") if found is None else found
    some = values.ranges(right, left.scalar, left.bits)
    return _not_read(left.name, right) if some is None else Numbers.of(*some)


def _names(right: Json, within: Within) -> frozenset[str] | Unknown:
    if isinstance(right, str) and right.startswith("@"):
        one = within.named(right)
        return Unknown(one.moving) if one.moving else _literal_names(one.elements)
    return _literal_names(right)


def _literal_names(value: Json) -> frozenset[str] | Unknown:
    match value:
        case str() if "\\" in value or "*" in value[:-1]:
            return Unknown(f"an interface with an asterisk in its name, {value}")
        case str():
            return frozenset({value})
        case {"set": list(several)} | list(several):
            names: set[str] = set()
            for one in several:
                some = _literal_names(one)
                if isinstance(some, Unknown):
                    return some
                names |= some
            return frozenset(names)
        case {"elem": {"val": inner}}:
            return _literal_names(inner)
    return _not_read("an interface", value)


def _not_read(name: str, value: Json) -> Unknown:
    return Unknown(f"{name} is compared with {shown(value)}, which is not known here")

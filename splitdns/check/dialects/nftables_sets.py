"""The named sets and maps of nft, and whether what they hold is known.

A set that rules fill (``add @s {…}``, ``flags dynamic``), or whose elements expire, holds something else by
the time that a packet comes: what it matches is unknown, and the set is named. All others are read once for
each kind of field that is looked up in them, however many rules do so.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from splitdns.check.dialects import nftables_values as values
from splitdns.check.dialects.json_places import Json, Misshapen, listed, only, shown, word
from splitdns.check.dialects.nftables_json import Item
from splitdns.check.dialects.nftables_terms import (
    Field,
)
from splitdns.check.sets import Numbers

_HARMLESS = frozenset({"counter", "last"})  # statements of a set that hold for every packet


@dataclass(slots=True)
class NamedSet:
    """A set or a map as it was listed; ``moving`` says why its content is not known, if it is not."""

    name: str
    elements: list[Json]
    moving: str = ""
    read: dict[str, Numbers | None] = field(default_factory=dict)

    def numbers(self, key: Field) -> Numbers | None:
        """What it holds, as numbers of ``key``'s kind; None where a value is not known."""
        if key.kind not in self.read:
            found = values.ranges(self.elements, key.scalar, key.bits)
            self.read[key.kind] = None if found is None else Numbers.of(*found)
        return self.read[key.kind]


@dataclass(slots=True)
class Sets:
    """The named sets and maps of a ruleset, by family, table and name."""

    by_name: dict[tuple[str, str, str], NamedSet] = field(default_factory=dict)

    def add(self, item: Item) -> None:
        """Take a ``set`` or ``map`` object.

        Raises:
            Misshapen: it is not of the shape that nft prints.
        """
        body = item.body
        family, table = word(body.get("family"), "a family"), word(body.get("table"), "a table")
        name = word(body.get("name"), "the name of a set")
        one = NamedSet(name, listed(body.get("elem", []), "the elements of a set"))
        flags = body.get("flags", [])
        flags = flags if isinstance(flags, list) else [flags]
        if "dynamic" in flags:  # which some versions do not print
            one.moving = f"set @{name} is filled by rules"
        elif "timeout" in flags:
            one.moving = f"elements of set @{name} expire"
        elif not _statements(body.get("stmt")) <= _HARMLESS:
            one.moving = f"set @{name} matches only so often"
        self.by_name[family, table, name] = one

    def touched_by(self, family: str, table: str, statement: Json) -> None:
        """Take note of a set or map that ``statement``, of a rule in that table, changes."""
        match statement:
            case {"set": {"set": str(reference)}} | {"map": {"map": str(reference)}}:
                one = self.by_name.get((family, table, reference.removeprefix("@")))
                if one is not None:
                    one.moving = f"set @{one.name} is filled by rules"

    def get(self, family: str, table: str, reference: str) -> NamedSet:
        """The set that ``@name`` means.

        Raises:
            Misshapen: there is none.
        """
        one = self.by_name.get((family, table, reference.removeprefix("@")))
        if one is None:
            raise Misshapen(f"set {reference} is not in this ruleset")
        return one


def pairs(elements: list[Json]) -> Iterator[tuple[Json, Json]]:
    """The keys and values of a mapping's elements.

    Raises:
        Misshapen: an element is no pair.
    """
    for element in elements:
        match element:
            case [{"elem": {"val": key}}, value] | [key, value]:
                yield key, value
            case _:
                raise Misshapen(f"expected a key and a value, found {shown(element)}")


def _statements(value: Json) -> set[str]:
    if value is None:
        return set()
    return {only(one, "a statement of a set")[0] for one in listed(value, "the statements of a set")}

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import pytest

from splitdns.check.conditions import Around, Budget, interface_matches, split, split_all
from splitdns.check.flows import CONSTANT, PROTOCOL, Connection, Flow
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Direction,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Original,
    Ports,
    Protocols,
    ReversePath,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
    Unknown,
)
from splitdns.check.sets import NONE, Numbers
from splitdns.check.sieve import NO_CLAUSE, Sieve
from splitdns.check.sources import link
from tests.unit.check.test_flows import flow

LOCAL_HERE = AddressTypes(Side.DESTINATION, frozenset({"local"}), interface=True)
LOCAL = Numbers.of((1, 2))


def _any_of(condition: AnyOf, some: Flow) -> tuple[list[Flow], list[Flow]]:
    found = list(Sieve(condition.alternatives, AROUND, Budget(1000)).first(some))
    return [one for at, one in found if at != NO_CLAUSE], [one for at, one in found if at == NO_CLAUSE]


def _around(*ways: tuple[str, str]) -> Around:
    """Surroundings in which these routes, each a kind and an interface, lead to every source."""

    def way(some: Flow, *_: object) -> list[tuple[Flow, list[tuple[int, _Hop]]]]:
        return [(some, [(some.who, _Hop(kind, interface)) for kind, interface in ways])]

    return Around(lambda types, name: LOCAL if name in (None, "lan") else NONE, _any_of, way)


class _Hop(NamedTuple):
    kind: str
    interface: str


AROUND = _around(("unicast", "lan"))
ALL = flow()
TRACKED = ALL._replace(state=State.NEW, connection=Connection(ALL.header, ALL.header, True), mark=5)
DNATTED = TRACKED._replace(
    connection=Connection(ALL.header, ALL.header._replace(destination=(CONSTANT, 99)), True, mark=0x12)
)


def _holds(condition: Condition, some: Flow) -> str:
    yes, no = split(some, condition, AROUND)
    return "partly" if yes and no else "all" if yes else "none"


@pytest.mark.parametrize(
    ("condition", "some", "expected"),
    [
        (Addresses(Side.DESTINATION, Numbers.of((1, 10))), ALL, "all"),
        (Addresses(Side.DESTINATION, Numbers.of((1, 9))), ALL, "partly"),
        (Addresses(Side.DESTINATION, Numbers.one(99)), ALL, "none"),
        (Protocols(Numbers.one(6)), ALL, "all"),
        (Ports(Side.SOURCE, Numbers.one(1500)), ALL, "partly"),
        (Ports(Side.DESTINATION, Numbers.of((80, 90))), ALL, "all"),
        (Ports(Side.DESTINATION, Numbers.of((80, 90))), ALL.narrowed(PROTOCOL, Numbers.one(47)), "none"),
        (IcmpTypes(Numbers.one(85)), ALL, "none"),
        (IcmpTypes(Numbers.one(85)), ALL.narrowed(PROTOCOL, Numbers.one(1)), "partly"),
        (Interfaces(Side.SOURCE, frozenset({"lan"})), ALL._replace(incoming=link("lan")), "all"),
        (Interfaces(Side.SOURCE, frozenset({"lan"}), True), ALL._replace(incoming=link("lan")), "none"),
        (Interfaces(Side.DESTINATION, frozenset({"lan"})), ALL, "none"),
        (Interfaces(Side.DESTINATION, frozenset({"lan"}), True), ALL, "all"),
        (AddressTypes(Side.DESTINATION, frozenset({"local"})), ALL, "partly"),
        (LOCAL_HERE, ALL._replace(incoming=link("x")), "none"),
        (LOCAL_HERE, ALL._replace(incoming=link("lan")), "partly"),
        (States(frozenset({State.NEW})), TRACKED, "all"),
        (States(frozenset({State.ESTABLISHED})), TRACKED, "none"),
        (TcpFlags(2, 2), ALL._replace(flags=2), "all"),
        (TcpFlags(2, 2, negated=True), ALL._replace(flags=2), "none"),
        (TcpFlags(2, 2), ALL._replace(flags=2).narrowed(PROTOCOL, Numbers.one(17)), "none"),
        (Direction(False), TRACKED, "all"),
        (Direction(True), TRACKED, "none"),
        (Direction(False), ALL, "none"),
        (Translated(Side.DESTINATION), DNATTED, "all"),
        (Translated(Side.SOURCE), DNATTED, "none"),
        (Translated(Side.SOURCE, expected=False), DNATTED, "all"),
        (Translated(Side.SOURCE, expected=False), ALL, "none"),
        (Original(Side.DESTINATION, Numbers.one(3)), DNATTED, "partly"),
        (Original(Side.DESTINATION, Numbers.one(3)), ALL, "none"),
        (Original(Side.DESTINATION, None, Numbers.of((80, 90))), DNATTED, "all"),
        (Mark(Of.PACKET, Numbers.one(4), 4), TRACKED, "all"),
        (Mark(Of.PACKET, Numbers.one(4)), TRACKED, "none"),
        (Mark(Of.CONNECTION, Numbers.one(0x12)), DNATTED, "all"),
        (Mark(Of.CONNECTION, Numbers.one(0)), ALL, "none"),
        (Unknown("why"), ALL, "partly"),
    ],
    ids=lambda one: one if isinstance(one, str) else type(one).__name__,
)
def test_a_condition_holds(condition: Condition, some: Flow, expected: str) -> None:
    assert _holds(condition, some) == expected


def test_any_of_holds_for_each_tuple_and_negated_for_none() -> None:
    pairs = tuple(
        (Addresses(Side.DESTINATION, Numbers.one(at)), Ports(Side.DESTINATION, Numbers.one(80 + at)))
        for at in range(1, 4)
    )
    yes, no = split(ALL, AnyOf(pairs), AROUND)
    assert sorted((one.values[1].single, one.values[4].single) for one in yes) == [(1, 81), (2, 82), (3, 83)]
    negated = split(ALL, AnyOf(pairs, negated=True), AROUND)
    assert [len(side) for side in negated] == [len(no), len(yes)]


def test_all_conditions_have_to_hold() -> None:
    conditions = Addresses(Side.DESTINATION, Numbers.one(3)), Ports(Side.DESTINATION, Numbers.one(83))
    yes, no = split_all(ALL, conditions, AROUND)
    assert [(one.values[1], one.values[4]) for one in yes] == [(Numbers.one(3), Numbers.one(83))]
    assert sum(one.values[1].size * one.values[4].size for one in no) == 10 * 11 - 1


def test_names_of_interfaces_may_end_with_a_star() -> None:
    assert interface_matches(Interfaces(Side.SOURCE, frozenset({"wg*"})), "wg0")
    assert not interface_matches(Interfaces(Side.SOURCE, frozenset({"wg*"})), "eth0")


@pytest.mark.parametrize(
    ("kind", "interface", "strict", "loose"),
    [
        ("unicast", "lan", "all", "all"),
        ("unicast", "wan", "none", "all"),
        ("blackhole", "lan", "none", "none"),
    ],
)
def test_a_source_is_where_its_packets_come_from_or_at_least_somewhere(
    kind: str, interface: str, strict: str, loose: str
) -> None:
    came = ALL._replace(incoming=link("lan"))
    around = _around((kind, interface))
    opposite = {"all": "none", "none": "all"}
    for condition, expected in ((ReversePath(), strict), (ReversePath(loose=True), loose)):
        negated = replace(condition, expected=False)
        for wanted, result in ((condition, expected), (negated, opposite[expected])):
            yes, no = split(came, wanted, around)
            assert ("partly" if yes and no else "all" if yes else "none") == result

"""For which packets a rule holds."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf.sifting import Changed, End, sifted
from splitdns.check.dialects.pf.surroundings import Meant, Surroundings
from splitdns.check.dialects.pf.values import Filter, Host, HostKind, On
from splitdns.check.model import (
    Addresses,
    AnyOf,
    Condition,
    IcmpTypes,
    Interfaces,
    Original,
    Ports,
    Protocols,
    ReversePath,
    Side,
    TcpFlags,
    Unknown,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses
from tests.check.pf import NETWORK

AROUND = Surroundings(NETWORK, {}, [])
WEB = Meant(addresses("10.0.0.5"))
PORT = Numbers.one(80)
END = End(Side.DESTINATION, WEB, PORT)


def common(when: Filter, direction: str = "in") -> list[tuple[int, tuple[Condition, ...]]]:
    return [(one.family, one.common) for one in sifted(when, direction, AROUND)]


def test_a_rule_is_there_in_each_family_that_it_has() -> None:
    assert [family for family, _ in common(Filter())] == [4, 6]
    assert [family for family, _ in common(Filter(family=6))] == [6]
    only = Host(HostKind.PREFIX, "10.0.0.0/8", prefix=None)
    assert common(Filter(never=True)) == []
    assert only.prefix is None


def test_the_interface_is_that_of_the_direction() -> None:
    when = Filter(on=(On("em0"), On("em1")), family=4)

    for direction, side in (("in", Side.SOURCE), ("out", Side.DESTINATION)):
        assert common(when, direction) == [(4, (Interfaces(side, frozenset({"em0", "em1"})),))]


def test_each_interface_that_is_not_meant_is_a_rule_of_its_own() -> None:
    when = Filter(on=(On("em0", negated=True), On("em1")), family=4)

    assert [one for _, (one,) in common(when)] == [
        Interfaces(Side.SOURCE, frozenset({"em0"}), negated=True),
        Interfaces(Side.SOURCE, frozenset({"em1"})),
    ]


def test_flags_are_looked_at_in_tcp_only() -> None:
    found = common(Filter(family=4, flags=(2, 18)))

    assert found == [
        (4, (Protocols(Numbers.of((0, 5), (7, 255))),)),
        (4, (Protocols(Numbers.one(6)), TcpFlags(18, 2))),
    ]


def test_messages_are_those_of_the_family() -> None:
    when = Filter(icmp={1: Numbers.one(8)})

    assert common(when) == [(4, (Protocols(Numbers.one(1)), IcmpTypes(Numbers.one(8))))]


def test_an_end_is_asked_as_it_is_or_as_it_was() -> None:
    assert END.conditions(None, original=False) == (
        Addresses(Side.DESTINATION, WEB.numbers),
        Ports(Side.DESTINATION, PORT),
    )
    assert END.conditions(None, original=True) == (
        Original(Side.DESTINATION, WEB.numbers),
        Original(Side.DESTINATION, None, PORT),
    )


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (Changed(Side.DESTINATION, WEB.numbers, PORT), ()),
        (Changed(Side.DESTINATION, WEB.numbers, None), (Ports(Side.DESTINATION, PORT),)),
        (Changed(Side.DESTINATION, addresses("10.0.0.6"), None), None),
        (Changed(Side.DESTINATION, WEB.numbers, Numbers.one(81)), None),
    ],
)
def test_an_end_that_was_changed_is_known(
    changed: Changed, expected: tuple[Condition, ...] | None
) -> None:
    assert END.conditions(changed, original=False) == expected


def test_one_of_several_may_be_the_right_one() -> None:
    pool = Changed(Side.DESTINATION, addresses("10.0.0.5", "10.0.0.6"), PORT)

    (found,) = END.conditions(pool, original=False) or ()
    assert isinstance(found, Unknown)


def test_what_else_hosts_may_be() -> None:
    unknown = End(Side.SOURCE, Meant(WEB.numbers, "why"), None).conditions(None, original=False)
    astray = End(Side.SOURCE, Meant(Numbers(), astray=True), None).conditions(None, original=False)
    follows = End(Side.SOURCE, Meant(WEB.numbers, follows=True), None).conditions(None, original=False)

    plain = Addresses(Side.SOURCE, WEB.numbers)
    assert unknown == (AnyOf(((plain,), (Unknown("why"),))),)
    assert astray == (ReversePath(expected=False),)
    assert follows == (AnyOf(((plain,),)),)

from __future__ import annotations

import pytest

from splitdns.check.model import AnyOf, IcmpTypes, Unknown
from splitdns.check.sets import Numbers
from tests.check.iptables import conditions

NAMES = [
    (4, "echo-reply", 0),
    (4, "pong", 0),
    (4, "Destination-Unreachable", 3),
    (4, "time-exceeded", 11),
    (4, "0x8", 8),
    (6, "destination-unreachable", 1),
    (6, "packet-too-big", 2),
    (6, "neighbour-solicitation", 135),
    (6, "neighbor-solicitation", 135),
    (6, "135/0", 135),
]


@pytest.mark.parametrize(("family", "name", "number"), NAMES)
def test_a_type_has_a_name_or_a_number(family: int, name: str, number: int) -> None:
    option = "-p icmp --icmp-type" if family == 4 else "-p ipv6-icmp --icmpv6-type"

    assert conditions(f"{option} {name}", family=family)[1:] == [IcmpTypes(Numbers.one(number))]


def test_255_is_any_type_of_ipv4_only() -> None:
    assert conditions("-p icmp --icmp-type 255")[1:] == [IcmpTypes(Numbers.of((0, 255)))]
    assert conditions("-p icmpv6 --icmpv6-type 255", family=6)[1:] == [IcmpTypes(Numbers.one(255))]
    assert conditions("-p icmp ! --icmp-type any")[1:] == [IcmpTypes(Numbers())]


def test_a_code_may_be_or_not() -> None:
    unknown = Unknown("icmp code: code 3 of type 3 is not modelled")

    assert conditions("-p icmp --icmp-type port-unreachable")[1:] == [IcmpTypes(Numbers.one(3)), unknown]
    assert conditions("-p icmp ! --icmp-type 3/3")[1:] == [
        AnyOf(((IcmpTypes(Numbers.one(3)), unknown),), negated=True)
    ]

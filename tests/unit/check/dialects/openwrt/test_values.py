"""What fw4 takes as a value, and what it does not."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address

import pytest

from splitdns.check.dialects.openwrt import values
from splitdns.check.dialects.openwrt.values import Invalid, PortRange, Subnet, among, ports
from splitdns.check.model import Addresses, Ports, Side, Unknown
from splitdns.check.sets import PORTS, Numbers
from tests.check.gateways import addresses

subnets = values.subnets({})


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (values.truth, "yes", True),
        (values.truth, "off", False),
        (values.policy, "ACCEPT", "accept"),
        (values.policy, "rej", "reject"),
        (values.rule_target, "MARK", "mark"),
        (values.family, "any", frozenset({4, 6})),
        (values.family, "ipv4", frozenset({4})),
        (values.family, "6", frozenset({6})),
        (values.port, "443", PortRange(443, 443)),
        (values.port, "!8000:8100", PortRange(8000, 8100, negated=True)),
        (values.mark, "0x10/0xff", (16, 255, False)),
        (values.mark, "!7", (7, 0xFFFF_FFFF, True)),
        (subnets, "192.0.2.9/24", (Subnet(4, addresses("192.0.2.0/24"), ip_address("192.0.2.0")),)),
        (subnets, "10.0.0.0/255.0.0.0", (Subnet(4, addresses("10.0.0.0/8"), ip_address("10.0.0.0")),)),
        (
            subnets,
            "!10.0.0.5-10.0.0.9",
            (Subnet(4, addresses("10.0.0.5-10.0.0.9"), ip_address("10.0.0.5"), negated=True, is_range=True),),
        ),
        (subnets, "::5/::ffff:ffff:ffff:ffff", (Subnet(6, None, ip_address("::5")),)),
        (subnets, "::5/-64", (Subnet(6, None, ip_address("::5")),)),
    ],
)
def test_a_value(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.truth, "maybe"),
        (values.policy, ""),
        (values.policy, "allow"),
        (values.family, "ether"),
        (values.port, "http"),
        (values.port, "9-8"),
        (values.port, "70000"),
        (values.mark, "0x1/"),
        (values.mark, "4294967296"),
        (values.icmp_kind, "256"),
        (values.icmp_kind, "pigeon"),
        (values.negatable, "!"),
        (subnets, "lan"),
        (subnets, "10.0.0.1/33"),
        (subnets, "10.0.0.1/ffff::"),
        (subnets, "10.0.0.9-10.0.0.1"),
        (subnets, "fe80::1%eth0"),
    ],
)
def test_what_is_no_value(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(Invalid):
        read(text)


def test_protocols_have_numbers_or_are_not_known() -> None:
    def shown(text: str) -> list[tuple[str, int | None, bool]]:
        return [(one.name, one.number, one.unknown) for one in values.protocol(text)]

    assert shown("tcpudp") == [("tcp", 6, False), ("udp", 17, False)]
    assert shown("all") == [("any", None, False)]
    assert shown("47") == [("47", 47, False)]
    assert shown("wireless") == [("wireless", None, True)]
    assert shown("!tcp") == [("!tcp", None, True)]


def test_types_of_icmp_are_by_family() -> None:
    assert values.icmp_kind("echo-request").types == {4: (8, None), 6: (128, None)}
    assert values.icmp_kind("bad-header").types == {6: (4, 0)}
    assert values.icmp_kind("130/0").types == {4: (130, 0), 6: (130, 0)}


def test_among_several_a_negated_one_is_taken_away() -> None:
    found = [one for text in ("10.0.0.0/8", "!10.1.0.0/16", "fd00::/8") for one in subnets(text)]

    (condition,) = among(Side.SOURCE, found, 4)
    assert condition == Addresses(Side.SOURCE, addresses("10.0.0.0/8") - addresses("10.1.0.0/16"))
    assert among(Side.SOURCE, subnets("0.0.0.0/0"), 4) == []
    assert among(Side.SOURCE, subnets("::1/::1"), 4) == []
    assert isinstance(among(Side.SOURCE, subnets("::1/::5"), 6)[0], Unknown)


def test_ports_are_those_without_the_negated() -> None:
    assert ports(Side.SOURCE, []) == []
    (condition,) = ports(Side.DESTINATION, [values.port("!22")])
    assert condition == Ports(Side.DESTINATION, PORTS - Numbers.one(22))

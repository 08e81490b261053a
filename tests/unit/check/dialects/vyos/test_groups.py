from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.groups import addresses_of, of_group, of_interfaces
from splitdns.check.model import Addresses, Condition, Interfaces, Ports, Side, Unknown
from splitdns.check.sets import PORTS, Numbers
from tests.check.gateways import addresses
from tests.check.vyos.configurations import reading

GROUPS = """
firewall group address-group servers address 192.168.1.20
firewall group address-group servers address 192.168.1.30-192.168.1.39
firewall group address-group all include servers
firewall group network-group nets network 10.0.0.0/8
firewall group ipv6-network-group nets6 network 2001:db8::/32
firewall group port-group web port http
firewall group port-group web port 8000-8010
firewall group port-group more include web
firewall group port-group odd port frobnicate
firewall group interface-group inside interface lan
firewall group interface-group both include inside
firewall group interface-group both interface dmz
firewall group address-group loop include loop
interfaces ethernet leased address dhcp
"""
SERVERS = addresses("192.168.1.20", "192.168.1.30-192.168.1.39")
TO = Side.DESTINATION


def of(kind: str, name: str, family: int = 4) -> list[Condition]:
    found = reading(f"{GROUPS}firewall name x rule 1 destination group {kind} {name}")
    node = found.tree.at("firewall", "name", "x", "rule", "1", "destination", "group", kind)
    assert node is not None
    return of_group(found, node, TO, family)


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [
        ("address-group", "servers", Addresses(TO, SERVERS)),
        ("address-group", "all", Addresses(TO, SERVERS)),
        ("address-group", "!servers", Addresses(TO, addresses("0.0.0.0/0") - SERVERS)),
        ("network-group", "nets", Addresses(TO, addresses("10.0.0.0/8"))),
        ("port-group", "more", Ports(TO, Numbers.of((80, 80), (8000, 8010)))),
        ("port-group", "!web", Ports(TO, PORTS - Numbers.of((80, 80), (8000, 8010)))),
        ("address-group", "ADDRv4_wan", Addresses(TO, addresses("203.0.113.2"))),
        ("network-group", "NETv4_lan", Addresses(TO, addresses("192.168.1.0/24"))),
    ],
)
def test_groups_are_what_is_in_them(kind: str, name: str, expected: Condition) -> None:
    assert of(kind, name) == [expected]


def test_a_group_of_ipv6_has_the_same_word_in_its_own_rules() -> None:
    assert of("network-group", "nets6", 6) == [Addresses(TO, addresses("2001:db8::/32"))]


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("address-group", "missing"),
        ("address-group", "loop"),
        ("port-group", "odd"),
        ("domain-group", "x"),
        ("mac-group", "x"),
    ],
)
def test_what_is_not_known_of_a_group_widens(kind: str, name: str) -> None:
    (found,) = of(kind, name)

    assert isinstance(found, Unknown)


def test_of_a_leased_address_only_what_it_is_not_is_known() -> None:
    others, unknown = addresses_of(reading(GROUPS), "leased", TO, 4)

    assert isinstance(others, Addresses)
    assert addresses("203.0.113.2").first not in others.numbers
    assert isinstance(unknown, Unknown)


def test_groups_of_interfaces() -> None:
    found = reading(f"{GROUPS}nat source rule 1 outbound-interface group !both")
    node = found.tree.leaf("nat", "source", "rule", "1", "outbound-interface", "group")
    assert node is not None

    assert of_interfaces(found, node, TO) == Interfaces(TO, frozenset({"lan", "dmz"}), True)

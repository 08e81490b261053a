from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.model import (
    Accept,
    Chain,
    Interface,
    InterfaceAddress,
    Network,
    Note,
    Origin,
    Rule,
    Ruleset,
    Support,
)
from splitdns.errors import Where


def test_an_origin_shows_its_place_its_words_and_its_maker() -> None:
    where = Where("rules.json", 12)

    assert str(Origin(where)) == "rules.json:12"
    assert str(Origin(where, "-j ACCEPT", "Docker")) == "rules.json:12: -j ACCEPT (Docker)"


def test_rulesets_are_put_together_in_order() -> None:
    origin = Origin(Where("rules.json"))
    one = Ruleset((Chain("a", "x", (Rule((), Accept(), origin),)),), rules=1)
    two = Ruleset((Chain("b", "y", ()),), (Note(Support.IGNORED, "counter", origin),), rules=2)

    both = one.with_(two)

    assert [chain.table for chain in both.chains] == ["a", "b"]
    assert (len(both.notes), both.rules) == (1, 3)


def test_a_network_knows_its_own_addresses_by_family() -> None:
    four = InterfaceAddress(ip_address("192.0.2.1"), ip_network("192.0.2.0/24"))
    six = InterfaceAddress(ip_address("2001:db8::1"), ip_network("2001:db8::/64"))
    network = Network((Interface("eth0", (four, six)), Interface("eth1")))

    assert network.addresses(4) == (four.address,)
    assert network.addresses(6) == (six.address,)
    assert network.interface("eth1") == Interface("eth1")
    assert network.interface("eth2") is None

"""The device as a router: addresses, uplinks, routes, and what is leased."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.model import Interface, InterfaceAddress, Network, Route, Support
from tests.check.gateways import own
from tests.check.routeros import USUAL, device, usual, wrong


def face(text: str, name: str, around: Network | None = None) -> Interface:
    found = device(text, around).network.interface(name)
    assert found is not None
    return found


def uplinks(text: str) -> list[str]:
    return [one.name for one in device(text).network.interfaces if one.uplink]


def test_addresses_are_met_at_a_port_s_bridge() -> None:
    text = USUAL + "/ip address\nadd address=10.0.0.1/8 interface=ether2\n"

    assert [str(one.address) for one in face(text, "bridge").addresses] == ["192.168.88.1", "10.0.0.1"]
    assert face(text, "ether2") == Interface("ether2", bridge="bridge", rp_filter=0)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/ip route\nadd gateway=203.0.113.1\n", ["ether1"]),
        ("/ip route\nadd dst-address=0.0.0.0/0 gateway=203.0.113.1%ether1\n", ["ether1"]),
        ("/ip dhcp-client\nadd interface=ether1\n", ["ether1"]),
        ("/ip dhcp-client\nadd interface=ether1 add-default-route=no\n", ["fallback"]),
        ("/ip dhcp-client\nadd interface=ether1 disabled=yes\n", ["fallback"]),
        ("/interface pppoe-client\nadd interface=ether1 name=dsl add-default-route=yes\n", ["dsl"]),
        ("/interface pppoe-client\nadd interface=ether1 name=dsl\n/ip route\nadd gateway=dsl\n", ["dsl"]),
        ("/interface lte\nset [find default-name=lte1] name=lte1\n", ["lte1"]),
        ("/ipv6 dhcp-client\nadd interface=ether1 request=prefix add-default-route=yes\n", ["ether1"]),
    ],
)
def test_the_uplink_is_where_the_default_route_leads(text: str, expected: list[str]) -> None:
    listed = "/interface list member\nadd interface=fallback list=WAN\n/ip address\n"
    addresses = (
        "add address=203.0.113.7/24 interface=ether1\nadd address=192.168.88.1/24 interface=fallback\n"
    )

    assert uplinks(listed + addresses + text) == expected


def test_a_leased_address_is_printed_or_told_by_others() -> None:
    leases = "/ip dhcp-client\nadd interface=ether1\n"
    printed = "/ip address\n3 D address=203.0.113.7/24 network=203.0.113.0 interface=ether1\n"
    around = Network((Interface("ether1", (own("203.0.113.9/24"),)), Interface("other", (own("1.1.1.1/8"),))))

    assert face(leases, "ether1").addresses == ()
    assert face(leases + printed, "ether1").addresses == (own("203.0.113.7/24", dynamic=True),)
    assert face(leases, "ether1", around).addresses == (own("203.0.113.9/24"),)
    assert device(leases, around).network.interface("other") is None


def test_a_leased_address_that_nobody_told_is_asked_for() -> None:
    leases = "/ip dhcp-client\nadd interface=ether1\n"
    printed = "/ip address\n3 D address=203.0.113.7/24 interface=ether1\n"

    (note,) = device(leases).ruleset.notes
    assert (note.support, note.name) == (Support.WIDENED, "the address of ether1")
    assert device(leases + printed).ruleset.notes == ()
    without = printed.replace("3 D", "3").replace("ether1", "bridge")
    assert device(leases + without).ruleset.notes == ()  # asked, and it has none now


def test_routes_have_distances_tables_and_kinds() -> None:
    found = usual(
        "/ip route",
        "add dst-address=10.0.0.0/8 gateway=192.168.88.2 distance=5 routing-table=other",
        "add dst-address=10.1.0.0/16 blackhole",
        "add dst-address=10.2.0.0/16 type=unreachable",
        "add dst-address=10.3.0.0/16 gateway=bridge",
        "add dst-address=10.4.0.0/16 gateway=172.31.0.1",
    )

    shown = {str(one.prefix): one for one in found.network.routes}
    via = ip_address("192.168.88.2")
    assert shown["10.0.0.0/8"] == Route(shown["10.0.0.0/8"].prefix, "bridge", via, 5, "other")
    assert [shown[f"10.{at}.0.0/16"].kind for at in (1, 2, 3)] == ["blackhole", "unreachable", "unicast"]
    assert shown["10.3.0.0/16"].via is None
    assert "10.4.0.0/16" not in shown
    assert [note.reason for note in found.ruleset.notes] == ["no interface has a network with 172.31.0.1"]


def test_marks_choose_tables_before_the_main_one() -> None:
    found = usual(
        "/ip firewall mangle",
        "add action=mark-routing chain=prerouting new-routing-mark=two src-address=192.168.88.9",
        "/routing rule",
        "add action=lookup src-address=192.168.88.0/24 table=three",
        "add action=drop dst-address=10.0.0.0/8",
    )

    policy = [(one.table, one.mark, bool(one.unknown)) for one in found.network.policy]
    assert policy == [
        ("three", None, False), ("main", None, True), ("two", (1 << 16, 0x7FFF_0000), False),
        ("main", None, False),
    ]  # fmt: skip
    assert usual().network.policy == ()


def test_switches_say_what_meets_rules_and_what_is_routed() -> None:
    plain = usual().network
    found = usual(
        "/interface bridge settings\nset use-ip-firewall=yes",
        "/ip settings\nset rp-filter=strict ip-forward=no",
        "/ipv6 settings\nset disable-ipv6=yes",
    ).network

    assert (plain.bridge_nf, plain.forwards) == ({4: False, 6: False}, {4: True, 6: True})
    assert (found.bridge_nf, found.forwards) == ({4: True, 6: True}, {4: False, 6: False})
    assert {one.rp_filter for one in found.interfaces} == {1}


def test_tunnels_are_links_whose_ends_do_not_meet() -> None:
    text = "/interface wireguard\nadd name=wg1\n/ip address\nadd address=10.8.0.1/24 interface=wg1\n"

    assert face(text, "wg1").point_to_point
    assert face(text, "wg1").addresses == (own("10.8.0.1/24"),)


def test_a_delegated_prefix_is_asked_for() -> None:
    text = "/ipv6 address\nadd address=::1 from-pool=isp interface=bridge\n"
    printed = "0 D address=2001:db8:1::1/64 from-pool=isp interface=bridge\n"

    assert [note.support for note in device(USUAL + text).ruleset.notes] == [Support.WIDENED]
    told = face(USUAL + text + printed, "bridge").addresses
    assert isinstance(told[1], InterfaceAddress)
    assert str(told[1].address) == "2001:db8:1::1"


def test_learnt_routes_are_named() -> None:
    found = usual("/routing ospf instance\nadd name=default")

    assert [note.support for note in found.ruleset.notes] == [Support.WIDENED]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("/ip route\nadd dst-address=x gateway=1.1.1.1", "2:5: expected a prefix as dst-address, found 'x'"),
        ("/ip route\nadd distance=x gateway=a", "2:5: expected a number up to 255 as distance, found 'x'"),
        ("/ip address\nadd address=x interface=a", "2:5: expected an address with the length of its prefix"),
        ("/routing rule\nadd src-address=y", "2:5: expected a prefix as src-address, found 'y'"),
    ],
)
def test_mistakes_are_told_with_their_place(text: str, message: str) -> None:
    (found,) = wrong(text)
    assert found.startswith(f"gateway.rsc:{message}")

"""Networks, their devices, addresses and routes."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.openwrt.network import Networks
from splitdns.check.dialects.openwrt.uci import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Network, Note, PolicyRule, Route
from splitdns.errors import Problems
from tests.check.gateways import interface, own
from tests.check.openwrt.routers import NETWORK, section

PEER = {"allowed_ips": ["10.9.0.0/24"]}


def networks(*texts: str, around: Network | None = None, notes: list[Note] | None = None) -> Networks:
    problems = Problems()
    found = Networks(
        read([Printed("".join(texts), "network")]),
        around or Network(),
        [] if notes is None else notes,
        problems,
    )
    problems.raise_errors("network")
    return found


def face(proto: str, **more: str | list[str]) -> str:
    return section("interface", "it", proto=proto, **more)


@pytest.mark.parametrize(
    ("text", "device"),
    [
        (face("static", device="eth1"), "eth1"),
        (face("static", ifname="eth1"), "eth1"),
        (face("static", ifname="eth1 eth2", type="bridge"), "br-it"),
        (face("pppoe", device="eth1"), "pppoe-it"),
        (face("wireguard", private_key="x"), "it"),
        (face("dhcpv6", device="@other") + section("interface", "other", device="eth7"), "eth7"),
        (face("dhcp", device="@it"), "it"),
        (face("static"), "it"),
    ],
)
def test_a_network_has_a_device(text: str, device: str) -> None:
    assert networks(text).nets["it"].device == device


def test_addresses_are_those_of_the_file() -> None:
    found = networks(
        face("static", device="eth1", ipaddr=["192.0.2.1/24", "10.0.0.1/8"], ip6addr="2001:db8::1/64")
    )
    old = networks(face("static", device="eth1", ipaddr="192.0.2.1", netmask="255.255.255.128"))

    assert found.nets["it"].addresses == (own("192.0.2.1/24"), own("10.0.0.1/8"), own("2001:db8::1/64"))
    assert old.nets["it"].addresses == (own("192.0.2.1/25"),)


def test_a_leased_address_is_told_by_another_source_or_not_known() -> None:
    text = face("dhcp", device="eth1")
    around = Network((interface("eth1", "203.0.113.9/24"),))

    assert (networks(text).nets["it"].addresses, networks(text).nets["it"].leased) == ((), {4})
    assert networks(text, around=around).nets["it"].addresses == (own("203.0.113.9/24"),)
    assert networks(text, around=around).nets["it"].leased == set()


def test_a_prefix_of_the_file_is_assigned_where_it_is_plain() -> None:
    ula = section("globals", "globals", ula_prefix="fd00:1::/48")
    lan = section("interface", "lan", device="a", proto="static", ip6assign="64", ip6hint="a")
    alone = section("interface", "guest", device="b", proto="static", ip6assign="60")

    found = networks(ula, lan, alone).nets
    assert found["lan"].addresses == (own("fd00:1:0:a::1/64"),)
    assert found["guest"].addresses == (own("fd00:1::1/60"),)
    notes: list[Note] = []
    second = alone.replace("guest", "more")
    assert networks(ula, alone, second, notes=notes).nets["guest"].addresses == ()
    assert {one.name for one in notes} == {"option ip6assign"}


def test_routes_are_those_of_the_file_and_of_what_is_leased() -> None:
    found = networks(
        NETWORK,
        section("route", target="10.8.0.0", netmask="255.255.0.0", gateway="192.168.1.9", interface="lan"),
        section("route", target="10.66.0.0/16", type="blackhole"),
        section("interface", "dsl", proto="pppoe", device="eth9", ipv6="0"),
        section("interface", "wg0", proto="wireguard", addresses="10.9.0.1/32"),
        section("wireguard_wg0", route_allowed_ips="1", **PEER),
        section("wireguard_wg0", allowed_ips=["10.10.0.0/24"]),
    )

    assert found.routes == [
        Route(ip_network("0.0.0.0/0"), "eth0", ip_address("203.0.113.1")),
        Route(ip_network("0.0.0.0/0"), "pppoe-dsl"),
        Route(ip_network("10.8.0.0/16"), "br-lan", ip_address("192.168.1.9")),
        Route(ip_network("10.66.0.0/16"), kind="blackhole"),
        Route(ip_network("10.9.0.0/24"), "wg0"),
    ]
    assert networks(face("dhcp", device="eth1", defaultroute="0")).routes == []


def test_policy_rules_stand_before_the_main_table() -> None:
    found = networks(NETWORK, section("rule", in_="lan", mark="0x1/0xf", lookup="100", priority="9"))

    assert found.policy == [
        PolicyRule(9, "100", incoming="br-lan", mark=(1, 15)),
        PolicyRule(32_766, "main"),
    ]


def test_the_network_has_bridges_with_their_ports() -> None:
    vlans = section("bridge-vlan", device="br-lan", vlan="7", ports=["lan5:u*", "lan6:t"])
    whole = networks(NETWORK).network(frozenset({"eth0"}))
    by_name = {one.name: one for one in networks(NETWORK, vlans).network(frozenset()).interfaces}

    assert [(one.name, one.bridge, one.uplink) for one in whole.interfaces] == [
        ("br-lan", None, False),
        ("lan3", None, False),
        ("lan4", None, False),
        ("eth0", None, True),
        ("lan1", "br-lan", False),
        ("lan2", "br-lan", False),
    ]
    assert by_name["lan5"].bridge == "br-lan.7"
    assert "lan6" not in by_name
    assert whole.bridge_nf == {4: False, 6: False}


def test_networks_of_one_device_are_one_interface_and_disabled_ones_are_none() -> None:
    found = networks(
        face("static", device="eth1", ipaddr="192.0.2.1/24"),
        section("interface", "more", proto="static", device="eth1", ipaddr="10.0.0.1/24"),
        section("interface", "off", proto="static", device="eth2", disabled="1"),
        section("device", name="eth1", rpfilter="strict"),
    ).network(frozenset())

    assert [(one.name, len(one.addresses), one.rp_filter) for one in found.interfaces] == [("eth1", 2, 1)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (face("static", ipaddr="192.0.2.300"), "network:3:16: expected an address, with its netmask"),
        (face("static", ipaddr="192.0.2.3/24", gateway="::1"), "expected an address of IPv4 as gateway"),
        (face("static") + section("route", interface="it", target="x"), "expected a network as target"),
        (face("static") + section("route6", interface="it", target="10.0.0.0/8"), "a network of IPv6"),
        (section("globals", ula_prefix="auto"), "expected a prefix of IPv6 as ula_prefix, found 'auto'"),
        (face("dhcp", device="e", metric="ten"), "expected a whole number as metric, found 'ten'"),
        (section("rule", src="x"), "expected a prefix as src"),
        (section("rule", mark="x"), "expected a mark, like 0x1/0xff as mark"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        networks(text)

    assert message in str(caught.value.exceptions[0])

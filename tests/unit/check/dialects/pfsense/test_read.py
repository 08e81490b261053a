"""The whole file: the network, what is left over, and what is refused."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.pfsense.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Network, Route
from tests.check.gateways import interface
from tests.check.pfsense.configs import GATEWAYS, LAN, LEASED_WAN, WAN, config, device


def test_the_network_has_interfaces_and_routes() -> None:
    more = (
        "<staticroutes><route><network>10.5.0.0/16</network><gateway>INNER</gateway></route>"
        "<route><network>10.66.0.0/16</network><gateway>Null4</gateway></route></staticroutes>"
        "<gateways><gateway_item><interface>lan</interface><gateway>192.168.1.2</gateway><name>INNER</name>"
        "</gateway_item></gateways>"
    )
    found = device(config(more=more)).network

    assert [(one.name, one.uplink) for one in found.interfaces] == [
        ("wan", True), ("lan", False), ("opt1", False),
    ]  # fmt: skip
    assert [(str(one.prefix), one.interface, str(one.via), one.kind) for one in found.routes] == [
        ("10.5.0.0/16", "lan", "192.168.1.2", "unicast"),
        ("10.66.0.0/16", None, "None", "blackhole"),
        ("0.0.0.0/0", "wan", "203.0.113.1", "unicast"),
    ]


def test_a_route_may_be_to_an_alias() -> None:
    more = (
        "<aliases><alias><name>far</name><type>network</type><address>10.5.0.0/16 10.7.0.0/16</address>"
        "</alias></aliases><staticroutes><route><network>far</network><gateway>WANGW</gateway></route>"
        "<route><network>10.9.0.0/16</network><gateway>NOBODY</gateway></route></staticroutes>"
    )
    found = device(config(more=more))

    assert [str(one.prefix) for one in found.network.routes] == ["10.5.0.0/16", "10.7.0.0/16", "0.0.0.0/0"]
    assert "left out: there is no gateway NOBODY" in [note.reason for note in found.ruleset.notes]


def test_a_leased_uplink_is_one_without_an_address() -> None:
    found = device(config(interfaces=LEASED_WAN + LAN, gateways="")).network

    wan = found.interfaces[0]
    assert (wan.name, wan.uplink, wan.addresses) == ("wan", True, ())
    told = [(str(one.prefix), one.interface, one.via) for one in found.routes]
    assert told == [("0.0.0.0/0", "wan", None), ("::/0", "wan", None)]


def test_a_tunnel_is_no_way_to_the_internet() -> None:
    dialled = "<opt2><enable/><if>ovpnc1</if></opt2>"
    more = (
        "<openvpn><openvpn-client><vpnid>1</vpnid></openvpn-client></openvpn><gateways><gateway_item>"
        "<interface>opt2</interface><gateway>dynamic</gateway><name>VPN</name></gateway_item></gateways>"
    )
    found = device(config(interfaces=LEASED_WAN + LAN + dialled, gateways="", more=more)).network

    assert [one.interface for one in found.routes] == ["wan", "wan"]
    assert [one.name for one in found.interfaces if one.uplink] == ["wan"]


def test_what_a_lease_told_is_taken_from_other_sources() -> None:
    default = Route(ip_network("0.0.0.0/0"), "igb0", ip_address("203.0.113.1"))
    around = Network((interface("igb0", "203.0.113.7/24"),), (default,))
    text = config(interfaces=LEASED_WAN + LAN, gateways="")
    found = read([Printed(text, "config.xml")], around)

    assert found.renamed == {"igb0", "igb1"}
    assert [str(one.via) for one in found.network.routes] == ["203.0.113.1", "None"]
    assert [str(one.address) for one in found.network.interfaces[0].addresses] == ["203.0.113.7"]


def test_without_any_gateway_the_wan_is_the_uplink() -> None:
    found = device(config(interfaces=WAN.replace("<gateway>WANGW</gateway>", "") + LAN, gateways="")).network

    assert [one.name for one in found.interfaces if one.uplink] == ["wan"]


def test_the_default_gateway_s_interface_is_an_uplink() -> None:
    faces = WAN.replace("<gateway>WANGW</gateway>", "").replace("wan>", "opt3>") + LAN
    found = device(config(interfaces=faces, gateways=GATEWAYS.replace(">wan<", ">opt3<"))).network

    assert [one.name for one in found.interfaces if one.uplink] == ["opt3"]


def test_what_is_not_followed_is_named() -> None:
    more = "<ipsec><phase2><mode>tunnel</mode></phase2></ipsec>"

    assert "ipsec" in [note.name for note in device(config(more=more)).ruleset.notes]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config.xml:1:1: expected XML: no element found"),
        ("<opnsense/>", "config.xml:1:1: expected <pfsense>, found <opnsense>"),
        ("<pfsense/>", "config.xml:1:1: expected <interfaces>, found 'nothing'"),
        (
            '<!DOCTYPE p [<!ENTITY a "b">]><pfsense>&a;</pfsense>',
            "config.xml:1:13: expected an element, found a document type, which is not read",
        ),
    ],
)
def test_what_is_not_this_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed(text, "config.xml")], Network())
    assert [str(error) for error in caught.value.exceptions] == [message]


def test_two_files_are_one_too_many() -> None:
    text = config(gateways=GATEWAYS)
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed(text, "a.xml"), Printed(text, "b.xml")], Network())
    assert "expected one config.xml" in str(caught.value.exceptions[0])

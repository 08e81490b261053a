"""Interfaces, virtual addresses, tunnels, groups, gateways."""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.pfsense.config import Config, Flavour
from splitdns.check.dialects.pfsense.faces import Faces, faces_of
from splitdns.check.model import Interface, Network
from splitdns.errors import Problems
from tests.check.gateways import interface
from tests.check.pfsense.configs import DMZ, GATEWAYS, LAN, LEASED_WAN, WAN, config


def faces(
    text: str, flavour: Flavour = Flavour.PFSENSE, around: Sequence[Interface] = ()
) -> tuple[Faces, Config]:
    found = Config(xml_places.read(text, "f"), flavour, Problems(), [])
    return faces_of(found, Network(tuple(around))), found


def own(found: Faces, key: str) -> list[str]:
    return [f"{one.address}/{one.prefix.prefixlen}" for one in found.all[key].addresses]


def test_interfaces_have_their_addresses_and_the_uplink_a_gateway() -> None:
    found, _ = faces(config())

    assert [own(found, key) for key in ("wan", "lan", "opt1")] == [
        ["203.0.113.7/24"], ["192.168.1.1/24"], ["192.168.20.1/24"],
    ]  # fmt: skip
    assert found.uplinks() == {"wan"}
    assert found.all["wan"].blocks_private
    assert str(found.gateways["WANGW"].address) == "203.0.113.1"


def test_a_leased_address_is_not_told() -> None:
    found, _ = faces(config(interfaces=LEASED_WAN + LAN, gateways=""))

    assert found.all["wan"].leased == {4, 6}
    assert found.all["wan"].gateways
    assert not found.all["lan"].gateways


def test_another_source_may_tell_it_by_the_device() -> None:
    around = (interface("igb0", "203.0.113.7/24"), interface("igb1", "192.168.9.1/24"))
    found, _ = faces(config(interfaces=LEASED_WAN + LAN, gateways=""), around=around)

    assert (own(found, "wan"), own(found, "lan")) == (["203.0.113.7/24"], ["192.168.1.1/24"])
    assert found.all["wan"].addresses[0].dynamic
    assert found.all["wan"].leased == {6}


def test_what_is_not_enabled_is_left_out_and_noted() -> None:
    found, read = faces(config(interfaces=WAN + LAN + DMZ.replace("<enable>1</enable>", "")))

    assert "opt1" not in found.all
    assert [note.origin.text for note in read.notes] == ["DMZ: opt1"]


def test_virtual_addresses_are_the_gateway_s_own_but_for_proxy_arp() -> None:
    vip = (
        "<vip><mode>{0}</mode><interface>{1}</interface><uniqid>u{2}</uniqid><subnet>203.0.113.{2}</subnet>"
        "<subnet_bits>24</subnet_bits></vip>"
    )
    three = (("carp", "wan", 8), ("ipalias", "_vipu8", 9), ("proxyarp", "wan", 10))
    text = config(more=f"<virtualip>{''.join(vip.format(*one) for one in three)}</virtualip>")
    found, read = faces(text)

    assert own(found, "wan") == ["203.0.113.7/24", "203.0.113.8/24", "203.0.113.9/24"]
    assert [note.origin.text for note in read.notes] == ["203.0.113.10/24"]


def test_tunnels_are_interfaces_of_their_group() -> None:
    server = "<openvpn-server><vpnid>2</vpnid><tunnel_network>10.8.0.0/24</tunnel_network></openvpn-server>"
    wireguard = (
        "<installedpackages><wireguard><tunnels><item><name>tun_wg0</name><enabled>yes</enabled><addresses>"
        "<row><address>10.9.0.1</address><mask>24</mask></row></addresses></item></tunnels></wireguard>"
        "</installedpackages>"
    )
    assigned = "<opt2><enable/><if>tun_wg0</if><descr>WG</descr></opt2>"
    found, _ = faces(
        config(interfaces=WAN + LAN + assigned, more=f"<openvpn>{server}</openvpn>{wireguard}")
    )

    assert (own(found, "ovpns2"), own(found, "opt2")) == (["10.8.0.1/24"], ["10.9.0.1/24"])
    assert found.all["opt2"].is_tunnel
    assert found.named("openvpn") == {"ovpns2"}
    assert found.named("WireGuard") == {"opt2"}


def test_a_tunnel_s_client_has_a_gateway_and_an_address_that_nothing_tells() -> None:
    dialled = "<opt2><enable/><if>ovpnc1</if></opt2>"
    more = (
        "<openvpn><openvpn-client><vpnid>1</vpnid></openvpn-client></openvpn><gateways><gateway_item>"
        "<interface>opt2</interface><gateway>dynamic</gateway><name>VPN</name></gateway_item></gateways>"
    )
    found, _ = faces(config(interfaces=WAN + LAN + dialled, more=more))

    assert (found.all["opt2"].gateways, found.all["opt2"].leased) == (True, {4})
    assert found.gateways["VPN"].address is None


def test_opnsense_finds_an_interface_s_gateway_by_itself() -> None:
    text = config(interfaces=WAN.replace("<gateway>WANGW</gateway>", "") + LAN)

    assert faces(text)[0].uplinks() == set()
    assert faces(text, Flavour.OPNSENSE)[0].uplinks() == {"wan"}


def test_a_gateway_that_is_off_is_none() -> None:
    found, read = faces(config(gateways=GATEWAYS.replace("<defaultgw>", "<disabled/><defaultgw>")))

    assert found.gateways == {}
    assert [note.name for note in read.notes] == ["gateway"]


def test_opnsense_keeps_tunnels_and_gateways_elsewhere() -> None:
    more = (
        "<OPNsense><OpenVPN><Instances><Instance><enabled>1</enabled><vpnid>1</vpnid><role>server</role>"
        "<server>10.8.0.0/24</server></Instance></Instances></OpenVPN><wireguard><server><servers><server>"
        "<enabled>1</enabled><name>home</name><instance>0</instance><tunneladdress>10.9.0.1/24</tunneladdress>"
        "</server></servers></server></wireguard><Gateways><gateway_item><interface>wan</interface>"
        "<gateway>203.0.113.1</gateway><name>GW</name><defaultgw>1</defaultgw></gateway_item></Gateways>"
        "</OPNsense>"
    )
    found, _ = faces(config(more=more, gateways="", root="opnsense"), Flavour.OPNSENSE)

    assert (own(found, "ovpns1"), own(found, "wg0")) == (["10.8.0.1/24"], ["10.9.0.1/24"])
    assert found.gateways["GW"].is_default


def test_a_group_stands_for_its_members_and_a_bridge_has_some() -> None:
    more = (
        "<ifgroups><ifgroupentry><ifname>inside</ifname><members>lan opt1 opt9</members></ifgroupentry>"
        "</ifgroups>"
        "<bridges><bridged><members>lan,opt1</members><bridgeif>bridge0</bridgeif></bridged></bridges>"
    )
    bridge = "<opt3><enable/><if>bridge0</if><ipaddr>10.1.0.1</ipaddr><subnet>24</subnet></opt3>"
    found, _ = faces(config(interfaces=WAN + LAN + DMZ + bridge, more=more))

    assert found.named("inside") == {"lan", "opt1"}
    assert found.all["opt3"].members == ("lan", "opt1")
    assert found.named("nobody") is None


def test_an_address_that_is_none_is_an_error_with_its_place() -> None:
    _, read = faces(config(interfaces=WAN.replace("203.0.113.7", "203.0.113.700") + LAN))

    (error,) = read.problems.errors
    assert str(error) == "f:9:7: expected an IPv4 address and its <subnet>, found '203.0.113.700/24'"


def test_a_file_without_interfaces_is_an_error() -> None:
    _, read = faces(f"<pfsense>{GATEWAYS}</pfsense>")

    assert "expected <interfaces>, found 'nothing'" in str(read.problems.errors[0])

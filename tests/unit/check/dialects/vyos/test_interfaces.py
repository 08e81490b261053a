from __future__ import annotations

from splitdns.check.model import Interface
from tests.check.gateways import own
from tests.check.vyos.configurations import reading


def interface(name: str, text: str, dialect: str = "vyos") -> Interface:
    found = reading(text, dialect)
    assert not found.problems.errors
    one = found.network.interface(name)
    assert one is not None
    return one


def test_a_vlan_has_the_name_of_its_interface_and_its_number() -> None:
    found = interface("eth1.10", "interfaces ethernet eth1 vif 10 address 10.1.0.1/24")

    assert found.addresses == (own("10.1.0.1/24"),)


def test_pppoe_of_edgeos_stands_beneath_its_interface() -> None:
    found = interface("pppoe0", "interfaces ethernet eth0 pppoe 0 default-route auto")

    assert (found.uplink, found.point_to_point, found.addresses) == (True, True, ())


def test_what_is_leased_is_an_uplink_unless_it_takes_no_routes() -> None:
    assert interface("eth1", "interfaces ethernet eth1 address dhcp").uplink
    options = "interfaces ethernet eth1 dhcp-options no-default-route"
    assert not interface("eth1", f"interfaces ethernet eth1 address dhcp\n{options}").uplink
    assert interface("pppoe7", "interfaces pppoe pppoe7 source-interface eth1").uplink


def test_a_default_route_tells_the_uplink() -> None:
    assert interface("wan", "").uplink
    assert not interface("lan", "").uplink


def test_ports_of_a_bridge_in_both_ways_of_telling_them() -> None:
    member = "interfaces bridge br0 member interface eth1\n"
    told_there = interface("eth1", f"{member}interfaces ethernet eth1 mtu 9000")
    told_here = interface("eth1", "interfaces ethernet eth1 bridge-group bridge br0", "edgeos")

    assert (told_there.bridge, told_here.bridge) == ("br0", "br0")


def test_ports_of_the_switch_are_no_ports_of_a_bridge() -> None:
    switch = "interfaces switch switch0"
    text = f"{switch} address 192.168.9.1/24\n{switch} switch-port interface eth1\n"

    assert interface("eth1", f"{text}interfaces ethernet eth1 duplex auto", "edgeos").bridge is None


def test_what_is_disabled_is_down_with_all_that_is_on_it() -> None:
    ethernet = "interfaces ethernet eth1"
    assert not interface("eth1.5", f"{ethernet} disable\n{ethernet} vif 5 mtu 1").up


def test_a_virtual_address_is_the_gateway_s() -> None:
    group = "high-availability vrrp group LAN"
    found = interface("lan", f"{group} interface lan\n{group} address 192.168.1.254/24")

    assert own("192.168.1.254/24") in found.addresses


def test_a_server_of_openvpn_has_the_first_address() -> None:
    found = interface("vtun0", "interfaces openvpn vtun0 server subnet 10.8.0.0/24")

    assert found.point_to_point
    assert found.addresses == (own("10.8.0.1/24"),)


def test_what_is_not_known_is_noted_and_what_is_no_address_is_a_mistake() -> None:
    found = reading("interfaces ethernet eth1 frobnicate x\ninterfaces ethernet eth1 address here\n")

    assert [note.name for note in found.notes] == ["interfaces ethernet eth1 frobnicate"]
    assert "here" in str(found.problems.errors[0])

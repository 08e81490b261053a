from __future__ import annotations

import json

import pytest

from splitdns.check.dialects.unifi.controller import Controller, kind_of
from splitdns.check.dialects.unifi.places import Item, parse
from splitdns.check.dialects.vyos.tree import Node
from splitdns.errors import Where
from tests.check.gateways import own
from tests.check.vyos.configurations import leaves

WAN = {
    "_id": "w", "purpose": "wan", "wan_type": "static", "wan_ip": "203.0.113.7",
    "wan_netmask": "255.255.255.0", "wan_gateway": "203.0.113.1", "name": "Internet",
}  # fmt: skip
LAN = {"_id": "l", "purpose": "corporate", "ip_subnet": "192.168.1.1/24", "name": "LAN"}
GUESTS = {"_id": "g", "purpose": "guest", "ip_subnet": "192.168.20.1/24", "vlan": 20, "name": "Guests"}
FORWARD = {"name": "web", "dst_port": "443", "fwd": "192.168.1.20", "fwd_port": "8443", "proto": "tcp"}
RULE = {"ruleset": "LAN_IN", "rule_index": 2000, "action": "drop", "enabled": True, "protocol": "all"}

TO = "destination group"


def written(*things: object) -> tuple[list[str], list[str], Controller]:
    """What the tree has, beside what is not read."""
    tree = Node("", Where("f", 1, 1))
    reasons: list[str] = []
    controller = Controller(tree, lambda _, reason: reasons.append(reason))
    controller.write(list(parse(json.dumps(things), "f").items()))
    return [line.removeprefix("set ") for line in leaves(tree)], reasons, controller


def test_uplinks_and_networks_are_interfaces() -> None:
    found, _, _ = written(GUESTS, WAN, LAN)

    assert {line for line in found if " address 1" in line or " address 2" in line} >= {
        "interfaces ethernet wan address 203.0.113.7/24",
        "interfaces ethernet br0 address 192.168.1.1/24",
        "interfaces ethernet br20 address 192.168.20.1/24",
    }
    assert "system gateway-address 203.0.113.1" in found
    assert "service nat rule 6001 outbound-interface wan" in found


def test_a_forward_holds_for_clients_inside_too() -> None:
    found, _, _ = written(WAN, LAN, FORWARD)

    assert {line for line in found if line.startswith("port-forward ")} == {
        "port-forward rule 1 description web",
        "port-forward rule 1 protocol tcp",
        "port-forward rule 1 original-port 443",
        "port-forward rule 1 forward-to address 192.168.1.20",
        "port-forward rule 1 forward-to port 8443",
        "port-forward wan-interface wan",
        "port-forward lan-interface br0",
        "port-forward auto-firewall enable",
        "port-forward hairpin-nat enable",
    }


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"src": "198.51.100.0/24"}, "source address 198.51.100.0/24"),
        ({"src_limiting_enabled": True, "src_firewall_group_id": "x"}, "source group address-group x"),
        ({"destination_ip": "203.0.113.8"}, "destination address 203.0.113.8"),
        ({"pfwd_interface": "wan2"}, "wan-interface wan2"),
        ({"enabled": False}, "disable"),
        ({"frobnicate": "yes"}, "'field frobnicate'"),
    ],
)
def test_a_forward_may_be_limited(more: dict[str, object], line: str) -> None:
    assert f"port-forward rule 1 {line}" in written(FORWARD | more)[0]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ({"protocol": "tcp", "protocol_match_excepted": True}, "protocol !tcp"),
        ({"state_new": True}, "state new enable"),
        ({"src_address": "10.0.0.0/8"}, "source address 10.0.0.0/8"),
        ({"dst_port": "443"}, "destination port 443"),
        ({"dst_firewallgroup_ids": ["p"]}, "destination group port-group p"),
        ({"src_networkconf_id": "l"}, "source group network-group NETv4_br0"),
        ({"dst_networkconf_id": "l", "dst_networkconf_type": "ADDRv4"}, f"{TO} address-group ADDRv4_br0"),
        ({"icmp_typename": "echo-request"}, "icmp type-name echo-request"),
        ({"enabled": False}, "disable"),
        ({"ipsec": "match-ipsec"}, "'field ipsec'"),
    ],
)
def test_a_rule_of_a_rule_set(more: dict[str, object], line: str) -> None:
    group = {"_id": "p", "group_type": "port-group", "group_members": ["443"], "name": "web"}

    assert f"firewall name LAN_IN rule 2000 {line}" in written(LAN, group, RULE | more)[0]


def test_the_controller_has_rules_of_its_own() -> None:
    found, _, _ = written(WAN, LAN, GUESTS)

    assert "firewall name WAN_IN default-action drop" in found
    assert "firewall name WAN_LOCAL rule 3001 state established enable" in found
    assert "firewall name GUEST_IN rule 3003 destination address 192.168.0.0/16" in found
    assert "interfaces ethernet wan firewall in name WAN_IN" in found
    assert not [line for line in found if "LAN_IN" in line]


def test_routes_and_reserved_addresses() -> None:
    found, _, _ = written(
        LAN,
        {
            "static-route_network": "10.9.0.0/16",
            "static-route_type": "nexthop-route",
            "static-route_nexthop": "10.0.0.9",
        },
        {"static-route_network": "10.8.0.0/16", "static-route_type": "blackhole"},
        {"mac": "02:00:5e:00:53:20", "name": "web", "use_fixedip": True, "fixed_ip": "192.168.1.20"},
        {"mac": "02:00:5e:00:53:21", "use_fixedip": True, "fixed_ip": "10.7.0.1"},
    )

    mapping = "service dhcp-server shared-network-name br0 subnet 192.168.1.0/24 static-mapping"
    assert [line for line in found if line.startswith(("protocols", "service"))] == [
        "protocols static route 10.9.0.0/16 next-hop 10.0.0.9",
        "protocols static route 10.8.0.0/16 blackhole",
        f"{mapping} web ip-address 192.168.1.20",
    ]


def test_a_leased_address_is_told_by_the_gateway() -> None:
    told = {"ip": "203.0.113.7", "netmask": "255.255.255.0"}
    _, _, controller = written({"wan1": told, "wan2": {"ip": "?"}})

    assert controller.addresses == {"wan": [own("203.0.113.7/24", True)]}


def test_what_is_not_read_is_told() -> None:
    _, reasons, _ = written(
        {"purpose": "odd"},
        {"group_type": "odd"},
        {"ruleset": "ODD", "rule_index": 1},
        {"static-route_network": "10.0.0.0/8", "static-route_type": "odd"},
        WAN | {"wan_netmask": "odd"},
    )

    assert len(reasons) == 5
    assert kind_of(Item(None, Where("f"))) == ""

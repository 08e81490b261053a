"""The gateway as a router, from what iproute2 prints."""

from __future__ import annotations

import json
from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.iproute import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.network import Interface, InterfaceAddress, Network, Route
from splitdns.errors import ConfigError

UP = ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"]


def printed(*arrays: list[dict[str, object]]) -> Printed:
    return Printed("\n".join(map(json.dumps, arrays)) + "\n", "ip.json")


def link(
    name: str, *addresses: dict[str, object], flags: list[str] = UP, **more: object
) -> dict[str, object]:
    return {"ifname": name, "flags": flags, "link_type": "ether", "addr_info": list(addresses), **more}


def address(local: str, length: int, **more: object) -> dict[str, object]:
    return {"local": local, "prefixlen": length, "valid_life_time": 2**32 - 1, **more}


def one(*links: dict[str, object], routes: list[dict[str, object]] | None = None) -> Interface:
    network = read([printed(list(links))], [printed(routes or [])])
    return network.interfaces[0]


def test_an_interface_has_addresses_with_their_networks() -> None:
    lan = one(link("lan", address("192.168.1.1", 24), address("2001:db8:1::1", 64)))
    assert lan == Interface(
        "lan",
        (
            InterfaceAddress(ip_address("192.168.1.1"), ip_network("192.168.1.0/24")),
            InterfaceAddress(ip_address("2001:db8:1::1"), ip_network("2001:db8:1::/64")),
        ),
    )


def test_an_address_across_a_link_is_the_network() -> None:
    ppp = one(link("ppp0", address("203.0.113.2", 32, address="203.0.113.1"), flags=["POINTOPOINT", "UP"]))
    assert ppp.point_to_point
    assert ppp.addresses[0].prefix == ip_network("203.0.113.1/32")


@pytest.mark.parametrize(
    ("more", "dynamic"),
    [({}, False), ({"dynamic": True}, True), ({"valid_life_time": 3600}, True)],
)
def test_leased_addresses_are_dynamic(more: dict[str, object], dynamic: bool) -> None:
    assert one(link("wan", address("203.0.113.2", 24, **more))).addresses[0].dynamic is dynamic


def test_what_ppp_negotiated_is_dynamic() -> None:
    assert one(link("ppp0", address("203.0.113.2", 32), link_type="ppp")).addresses[0].dynamic


def test_an_address_that_another_host_has_is_none() -> None:
    assert one(link("lan", address("2001:db8::1", 64, dadfailed=True), {})).addresses == ()


def test_an_interface_may_be_down() -> None:
    assert not one(link("lan", flags=["BROADCAST"])).up


@pytest.mark.parametrize(
    ("port", "master", "bridge"),
    [
        ({"linkinfo": {"info_slave_kind": "bridge"}}, {}, "m"),
        ({}, {"linkinfo": {"info_kind": "bridge"}}, "m"),
        ({}, {"linkinfo": {"info_kind": "vrf"}}, None),
        ({"linkinfo": {"info_slave_kind": "bond"}}, {}, None),
        ({}, {}, "m"),
        ({"flags": ["SLAVE", "UP"]}, {}, None),
        ({}, {"flags": ["MASTER", "UP"]}, None),
    ],
)
def test_the_master_of_a_port_is_a_bridge_or_something_else(
    port: dict[str, object], master: dict[str, object], bridge: str | None
) -> None:
    assert one(link("p", master="m", **port), link("m", **master)).bridge == bridge  # type: ignore[arg-type]


def test_a_bridge_port_may_send_back_where_a_frame_came_from() -> None:
    detailed = link(
        "p", master="br0", linkinfo={"info_slave_kind": "bridge", "info_slave_data": {"hairpin": True}}
    )
    assert one(detailed).hairpin
    ports = [printed([{"ifname": "p", "master": "br0", "hairpin": True}])]
    assert read([printed([link("p", master="br0")])], bridges=ports).interfaces[0].hairpin
    assert not one(link("p", linkinfo={"info_slave_data": {"hairpin": True}})).hairpin


def test_the_internet_is_where_the_default_routes_lead() -> None:
    links = [link("lan"), link("wan"), link("wan6"), link("vpn")]
    routes: list[dict[str, object]] = [
        {"dst": "default", "gateway": "203.0.113.1", "dev": "wan", "flags": []},
        {"dst": "default", "gateway": "fe80::1", "dev": "wan6", "pref": "medium"},
        {"dst": "default", "dev": "vpn", "table": "100"},
        {"dst": "10.0.0.0/8", "dev": "lan"},
    ]
    network = read([printed(links)], [printed(routes[:1]), printed(routes[1:])])
    assert [face.name for face in network.interfaces if face.uplink] == ["wan", "wan6"]
    only_of_another_table = read([printed(links)], [printed(routes[2:])])
    assert [face.name for face in only_of_another_table.interfaces if face.uplink] == ["vpn"]


def test_switches_of_the_kernel() -> None:
    texts = [
        Printed(
            "net.ipv4.conf.lo.rp_filter = 0\nnet.ipv4.conf.all.rp_filter = 2\nnet.ipv4.ip_forward = 0\n", "s"
        )
    ]
    network = read([printed([link("lo")])], switches=texts)
    assert network.interfaces[0].rp_filter == 2
    assert network.forwards == {4: False, 6: True}
    assert network.bridge_nf == {4: False, 6: False}
    assert read([printed([link("lo")])]).bridge_nf == {4: None, 6: None}


def test_one_bridge_may_have_its_own_switch() -> None:
    data = {"info_kind": "bridge", "info_data": {"nf_call_iptables": 1, "nf_call_ip6tables": 0}}
    assert read([printed([link("br0", linkinfo=data)])]).bridge_nf == {4: True, 6: None}


def test_routes_and_rules_come_from_several_arrays() -> None:
    four = [
        {"priority": 0, "src": "all", "table": "local"},
        {"priority": 5, "src": "10.0.0.0", "srclen": 8, "table": "7"},
    ]
    six = [{"priority": 5, "src": "2001:db8::", "srclen": 32, "table": "7"}]
    network = read(
        [printed([link("a")])], [printed([{"dst": "10.0.0.0/8", "dev": "a"}], [{}])], [printed(four, six)]
    )
    assert network.routes == (Route(ip_network("10.0.0.0/8"), "a"),)
    assert [(rule.priority, rule.table, str(rule.source)) for rule in network.policy] == [
        (0, "local", "0.0.0.0/0"),
        (5, "7", "10.0.0.0/8"),
        (5, "7", "2001:db8::/32"),
    ]


def test_without_rules_there_are_the_usual_ones() -> None:
    network = read([printed([])])
    assert network == Network(policy=network.policy)
    assert [(rule.table, str(rule.source)) for rule in network.policy] == [
        ("local", "0.0.0.0/0"),
        ("main", "0.0.0.0/0"),
        ("default", "0.0.0.0/0"),
        ("local", "::/0"),
        ("main", "::/0"),
    ]


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("", 0, ""),
        ("default via 203.0.113.1", 1, "expected a JSON array"),
        ("[{}] x", 6, "expected a JSON array"),
        ("[{]", 3, "this is not JSON"),
        ("[5]", 2, "expected one of the interfaces as an object"),
        ('[{"flags": []}]', 2, "expected the name of an interface as a string"),
        ('[{"ifname": "a", "flags": [5]}]', 2, "expected a flag"),
        ('[{"ifname": "a", "addr_info": [5]}]', 2, "expected an address as an object"),
        (
            '[{"ifname": "a", "addr_info": [{"local": "x"}]}]',
            2,
            "expected an address and its prefix, found 'x'",
        ),
        (
            '[{"ifname": "a", "addr_info": [{"local": "::1", "address": "1.2.3.4", "prefixlen": 9}]}]',
            2,
            "one family",
        ),
        ('[{"ifname": "a", "linkinfo": 5, "master": "b"}]', 2, "expected linkinfo"),
    ],
)
def test_what_ip_does_not_print_is_an_error_with_its_place(text: str, column: int, message: str) -> None:
    if not column:
        assert read([Printed(text, "f")]).interfaces == ()
        return
    with pytest.raises(ConfigError, match=message) as caught:
        read([Printed(text, "f")])
    assert (caught.value.where.line, caught.value.where.column) == (1, column)

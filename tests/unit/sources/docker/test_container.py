"""Containers as real engines list them, and as none does."""

from __future__ import annotations

import json
from ipaddress import ip_address

import pytest

from splitdns.sources.docker.container import (
    MAX_INSPECTED,
    Published,
    containers_in,
    reachable_networks,
    without_mode,
)
from tests import engine


def test_a_container_has_its_name_labels_ports_and_addresses() -> None:
    shown = engine.container(
        "web",
        {"splitdns.name": "www.example.com"},
        [engine.port(443, 8443, "192.168.1.5"), engine.port(443, 8443, "::", "udp")],
        {"lan": engine.endpoint(engine.LAN_NET, "192.168.1.50", "fd00::50")},
        mode="lan",
    )

    (found,) = containers_in([shown])

    assert (found.name, found.mode, found.labels) == ("web", "lan", {"splitdns.name": "www.example.com"})
    assert found.ports == (
        Published("tcp", 443, ip_address("192.168.1.5")),
        Published("udp", 443, ip_address("::")),
    )
    assert found.addresses == {engine.LAN_NET: (ip_address("192.168.1.50"), ip_address("fd00::50"))}


def test_a_port_that_is_not_published_is_none_of_the_host_s() -> None:
    assert containers_in([engine.container("web")])[0].ports == ()


def test_podman_leaves_out_where_it_listens() -> None:
    shown = engine.container("web", ports=[{"PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"}])

    assert containers_in([shown])[0].ports == (Published("tcp", 8080, ip_address("0.0.0.0")),)


def test_halves_of_characters_do_not_reach_what_cannot_print_them() -> None:
    shown = json.loads(r'{"Id": "a", "Names": ["/\ud800"], "Labels": {"\udfff": "\ud83d"}}')

    (found,) = containers_in([shown])

    assert (found.name, found.labels) == ("?", {"?": "?"})


def test_a_link_s_name_is_not_the_container_s() -> None:
    shown = engine.container("db") | {"Names": ["/web/database", "/db"]}

    assert containers_in([shown])[0].name == "db"


def test_a_container_without_a_name_is_told_by_its_number() -> None:
    shown = engine.container("db") | {"Names": None}

    assert containers_in([shown])[0].name == engine.identity("db")[:12]


def test_the_oldest_comes_first_whatever_order_the_engine_has() -> None:
    listed = [engine.container("new", created=20), engine.container("old", created=10)]

    assert [one.name for one in containers_in(listed)] == ["old", "new"]


def test_a_container_in_another_one_s_network_is_met_where_that_one_is() -> None:
    vpn = engine.container("vpn", ports=[engine.port(8080)], created=1)
    guest = engine.container("guest", networks={}, mode=f"container:{engine.identity('vpn')}", created=2)

    found = {one.name: one for one in containers_in([guest, vpn])}

    assert found["guest"].ports == found["vpn"].ports != ()
    assert found["guest"].addresses == found["vpn"].addresses != {}


def test_a_container_in_the_network_of_one_that_is_gone_has_none() -> None:
    shown = engine.container("guest", networks={}, mode="container:0123456789ab")

    assert containers_in([shown])[0].addresses == {}


def test_replicas_of_a_service_of_compose_know_each_other() -> None:
    labels = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}

    assert containers_in([engine.container("shop-web-1", labels)])[0].service == "shop/web"
    assert containers_in([engine.container("web")])[0].service == ""


def test_networks_of_the_lan_and_routed_bridges_are_met_as_they_are() -> None:
    routed = {"com.docker.network.bridge.gateway_mode_ipv6": "routed"}
    listed = [
        engine.network("a", "bridge", "bridge"),
        engine.network("b", "lan", "macvlan"),
        engine.network("c", "vlan", "ipvlan"),
        engine.network("d", "routed", "bridge", **routed),
    ]

    by_id = {("b", 4), ("b", 6), ("c", 4), ("c", 6), ("d", 6)}
    by_name = {("lan", 4), ("lan", 6), ("vlan", 4), ("vlan", 6), ("routed", 6)}
    assert reachable_networks(listed) == by_id | by_name


def test_what_a_list_says_too_little_of_is_to_be_inspected() -> None:
    host = engine.container("host", networks={}) | {"Ports": []}
    silent = {key: value for key, value in host.items() if key != "HostConfig"}
    published = silent | {"Ports": [engine.port(80)]}
    met = {**silent, "NetworkSettings": engine.container("web")["NetworkSettings"]}

    assert without_mode([host, silent, published, met, {}, None]) == [silent]
    assert len(without_mode([silent] * (MAX_INSPECTED + 1))) == MAX_INSPECTED


@pytest.mark.parametrize(
    "listed",
    [
        None,
        {},
        "text",
        [None, 1, "text", []],
        [{}],
        [{"Id": 7}],
        [{"Id": "a", "Names": [7], "Ports": 7, "Labels": [], "HostConfig": 7, "NetworkSettings": None}],
        [{"Id": "a", "Names": {}, "Ports": [{"PublicPort": "80"}], "Labels": {"a": 7}, "Created": "x"}],
        [{"Id": "a", "Ports": [{"PublicPort": 70_000}, {"PublicPort": 80, "IP": "no"}]}],
        [{"Id": "a", "Ports": [{"PublicPort": True}], "Created": 10**400}],
        [{"Id": "a", "Ports": [{"PublicPort": 80, "Type": "sctp"}, {"PublicPort": 80, "Type": []}]}],
        [{"Id": "a", "NetworkSettings": {"Networks": {"x": {"NetworkID": 7, "IPAddress": "no"}, "y": None}}}],
        [{"Id": "a", "HostConfig": {"NetworkMode": "container:a"}}],
    ],
)
def test_whatever_an_engine_sends_nothing_raises(listed: object) -> None:
    for one in containers_in(listed):
        assert one.ports == ()
        assert not any(one.addresses.values())
        assert one.labels == {}
    assert reachable_networks(listed) == frozenset()

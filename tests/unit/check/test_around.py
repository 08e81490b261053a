from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

from splitdns.check.around import clients_of, hosts_of, is_behind, listening
from splitdns.check.model import Kind, Network, Route
from splitdns.check.sets import Numbers, numbers_of, shown_addresses
from splitdns.load.declared import Port
from tests.check.world import CONFIG, NETWORK, interface, loaded, settings_of

TOLD = [ip_address("192.168.1.20"), ip_address("203.0.113.7"), ip_address("192.168.1.1")]


Shown = tuple[str | None, Kind, str]  # view, kind, addresses


def seen(directory: Path, network: Network = NETWORK, gateway: str = "") -> dict[tuple[str, int], Shown]:
    found = loaded(directory, gateway=gateway)
    settings = settings_of(found)
    hosts = hosts_of(settings, network, TOLD)
    return {
        (one.clients.name, one.clients.family): (
            one.view,
            one.clients.kind,
            shown_addresses(one.clients.family, one.clients.numbers),
        )
        for one in clients_of(settings, network, hosts, found.snapshot)
    }


def test_every_network_the_internet_the_gateway_and_each_host_are_clients(tmp_path: Path) -> None:
    clients = seen(tmp_path)

    assert clients["lan0 192.168.1.0/24", 4] == (
        "lan",
        Kind.NETWORK,
        "192.168.1.2-192.168.1.19, 192.168.1.21-192.168.1.254",
    )
    assert clients["dmz0 192.168.20.0/24", 4] == ("lan", Kind.NETWORK, "192.168.20.2-192.168.20.254")
    assert clients["wg0 10.8.0.0/24", 4] == ("vpn", Kind.ROUTED, "10.8.0.2-10.8.0.254")
    assert clients["192.168.1.20", 4] == ("lan", Kind.HOST, "192.168.1.20")
    assert clients["the gateway", 4] == ("lan", Kind.GATEWAY, "192.168.1.1")
    view, kind, numbers = clients["the internet", 4]
    assert (view, kind) == ("internet", Kind.INTERNET)
    assert "203.0.113.8" in numbers
    assert not [name for name, family in clients if "lo " in name or family == 6]


def test_the_internet_has_no_address_of_ours_and_no_private_one(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    (internet,) = [
        one.clients
        for one in clients_of(settings_of(found), NETWORK, (), found.snapshot)
        if one.clients.kind is Kind.INTERNET
    ]

    for address in ("203.0.113.7", "192.168.1.9", "10.0.0.1", "100.64.0.1", "224.0.0.1", "127.0.0.1"):
        assert int(ip_address(address)) not in internet.numbers
    for address in ("203.0.113.99", "198.51.100.7", "9.9.9.9"):
        assert int(ip_address(address)) in internet.numbers


def test_clients_are_split_where_their_view_changes(tmp_path: Path) -> None:
    network = replace(NETWORK, interfaces=(*NETWORK.interfaces[:3], interface("lan1", "10.8.0.1/16")))

    clients = seen(tmp_path, network)

    assert clients["lan1 10.8.0.0/16, 10.8.0.2-10.8.0.255", 4][0] == "vpn"
    assert clients["lan1 10.8.0.0/16, 10.8.1.0-10.8.255.254", 4][0] == "internet"


def test_what_is_routed_behind_other_routers_and_what_is_configured_are_clients(tmp_path: Path) -> None:
    branch = Route(ip_network("192.168.77.0/24"), "dmz0", ip_address("192.168.20.2"))
    configured = "{clients: {roaming: {prefixes: [10.9.0.0/24], interface: wg0}}}"

    clients = seen(tmp_path, replace(NETWORK, routes=(*NETWORK.routes, branch)), configured)

    assert clients["192.168.77.0/24", 4][1] is Kind.ROUTED
    assert clients["roaming", 4] == ("internet", Kind.ROUTED, "10.9.0.0-10.9.0.255")


def test_an_uplink_of_a_provider_with_its_own_nat_has_neighbours_and_the_internet(tmp_path: Path) -> None:
    wan = interface("wan0", "192.168.178.2/24", uplink=True)

    clients = seen(tmp_path, replace(NETWORK, interfaces=(wan, NETWORK.interfaces[2])))

    neighbours = "192.168.178.1, 192.168.178.3-192.168.178.254"
    assert clients[f"the internet, {neighbours}", 4] == ("lan", Kind.INTERNET, neighbours)
    assert clients["the internet", 4][0] == "internet"


def test_hosts_are_the_configured_ones_and_whoever_is_told_behind_the_gateway(tmp_path: Path) -> None:
    gateway = "{hosts: {web: {addresses: [192.168.1.20/24], listens: [443/tcp], gateway: [192.168.1.2]}}}"
    told = [*TOLD, ip_address("192.168.20.20"), ip_address("172.16.5.5")]

    web, other, dmz = hosts_of(settings_of(loaded(tmp_path, gateway=gateway)), NETWORK, told)

    assert (web.name, web.default_via) == ("web", {4: ip_address("192.168.1.2")})
    assert web.listens == {6: Numbers.one(443), 17: Numbers()}
    assert (dmz.name, dmz.addresses[0].prefix) == ("192.168.20.20", ip_network("192.168.20.0/24"))
    assert other.addresses[0].prefix == ip_network("172.16.5.5/32")


def test_behind_the_gateway_is_what_is_inside_or_in_its_networks_and_not_its_own() -> None:
    network = replace(NETWORK, interfaces=(*NETWORK.interfaces, interface("lan6", "2001:db8:1::1/64")))

    assert is_behind(network, ip_address("192.168.1.20"))
    assert is_behind(network, ip_address("2001:db8:1::20"))
    assert not is_behind(network, ip_address("192.168.1.1"))
    assert not is_behind(network, ip_address("203.0.113.9"))


def test_ports_become_numbers_by_protocol() -> None:
    assert listening([Port("tcp", 80, 80), Port("tcp", 443, 445)]) == {
        6: Numbers.of((80, 80), (443, 445)),
        17: Numbers(),
    }
    assert numbers_of(ip_address("0.0.0.5")) == Numbers.one(5)


def test_no_host_has_the_anycast_address_of_the_routers_of_its_network(tmp_path: Path) -> None:
    network = Network(
        (
            interface("wan0", "fe80::2/64", "2001:db8:ffff::2/64", uplink=True),
            interface("lan0", "2001:db8:1::1/64"),
            interface("p2p0", "2001:db8:2::1/127"),
        ),
        (Route(ip_network("::/0"), "wan0"),),
    )

    clients = seen(tmp_path, network)

    assert clients["lan0 2001:db8:1::/64", 6][2] == "2001:db8:1::2-2001:db8:1:0:ffff:ffff:ffff:ffff"
    assert clients["p2p0 2001:db8:2::/127", 6][2] == "2001:db8:2::"
    internet = clients["the internet", 6][2]
    assert "2001:db8:ffff::1," in internet
    assert "fe80" not in internet


def test_a_part_of_many_ranges_is_named_after_its_view(tmp_path: Path) -> None:
    network = Network(
        (
            interface("wan0", "2001:db8:ffff::2/64", uplink=True),
            interface("lan0", "2001:db8:1:1::1/64"),
            interface("dmz0", "2001:db8:1:3::1/64"),
        ),
        (Route(ip_network("::/0"), "wan0"),),
    )
    config = CONFIG.replace('"fd00::/8"', '"2001:db8:1::/48"')
    found = loaded(tmp_path, config=config)

    names = {one.clients.name for one in clients_of(settings_of(found), network, (), found.snapshot)}

    assert {"the internet", "the internet, as far as in lan", "lan0 2001:db8:1:1::/64"} <= names


def test_nobody_has_the_broadcast_address_of_an_uplink_s_network_at_another_uplink(tmp_path: Path) -> None:
    wan1 = interface("wan1", "198.51.100.9/24", uplink=True)
    network = replace(NETWORK, interfaces=(*NETWORK.interfaces, wan1))

    clients = seen(tmp_path, network)

    for name in ("the internet at wan0", "the internet at wan1"):
        assert "203.0.113.8-203.0.113.254" in clients[name, 4][2]
        assert "198.51.100.10-198.51.100.254" in clients[name, 4][2]


def test_the_rest_of_a_delegated_prefix_that_the_gateway_refuses_is_nobody_s(tmp_path: Path) -> None:
    network = Network(
        (interface("wan0", "2001:db8:ffff::2/64", uplink=True), interface("lan0", "2001:db8:1:1::1/64")),
        (Route(ip_network("::/0"), "wan0"), Route(ip_network("2001:db8:1::/48"), None, kind="unreachable")),
    )
    found = loaded(tmp_path)

    (internet,) = [
        one.clients
        for one in clients_of(settings_of(found), network, (), found.snapshot)
        if one.clients.kind is Kind.INTERNET
    ]

    assert int(ip_address("2001:db8:1:2::9")) not in internet.numbers
    assert int(ip_address("2001:db8:2::9")) in internet.numbers

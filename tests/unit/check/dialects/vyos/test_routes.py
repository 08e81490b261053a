from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.model import Route, Support
from tests.check.vyos.configurations import reading

NET = ip_network("10.9.0.0/16")
DEFAULT = Route(ip_network("0.0.0.0/0"), "wan", ip_address("203.0.113.1"))


def routes(text: str, dialect: str = "vyos") -> list[Route]:
    found = reading(text, dialect)
    assert not found.problems.errors
    return [one for one in found.network.routes if one != DEFAULT]


def test_a_route_goes_by_the_interface_in_whose_network_its_router_is() -> None:
    found = routes("protocols static route 10.9.0.0/16 next-hop 10.0.0.9 distance 5")

    assert found == [Route(NET, "dmz", ip_address("10.0.0.9"), 5)]


def test_routes_by_interface_and_to_nowhere() -> None:
    static = "protocols static"
    expected = [Route(NET, "dmz")]

    assert routes(f"{static} interface-route 10.9.0.0/16 next-hop-interface dmz") == expected
    assert routes(f"{static} route 10.9.0.0/16 interface dmz") == expected
    assert routes(f"{static} route 10.9.0.0/16 blackhole") == [Route(NET, None, kind="blackhole")]
    assert routes(f"{static} route 10.9.0.0/16 next-hop 10.0.0.9 disable") == []


def test_the_gateway_of_edgeos_is_a_default_route() -> None:
    found = reading("system gateway-address 203.0.113.9", "edgeos").network.routes

    assert Route(DEFAULT.prefix, "wan", ip_address("203.0.113.9")) in found


def test_edgeos_routes_to_peers_of_wireguard_and_vyos_does_not() -> None:
    peer = "interfaces wireguard wg0 peer KEY allowed-ips 10.9.0.0/16"

    assert routes(peer, "edgeos") == [Route(NET, "wg0")]
    assert routes(peer) == routes(f"{peer}\ninterfaces wireguard wg0 route-allowed-ips false", "edgeos") == []


def test_what_is_learned_is_noted() -> None:
    found = reading("protocols bgp system-as 65001")

    assert [(note.support, note.name) for note in found.notes] == [(Support.WIDENED, "protocols bgp")]


def test_a_lease_comes_with_a_default_route_that_others_go_before() -> None:
    found = reading("interfaces ethernet eth9 address dhcp").network.routes

    assert Route(DEFAULT.prefix, "eth9", metric=210) in found
    assert DEFAULT in found


def test_a_router_in_no_network_is_noted() -> None:
    found = reading("protocols static route 10.9.0.0/16 next-hop 198.51.100.1")

    assert [note.support for note in found.notes] == [Support.WIDENED]

from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.model import HostRoute, Kind
from splitdns.check.neighbours import Neighbours, To, Way, by_way
from splitdns.check.sets import Numbers, all_addresses
from splitdns.check.terrain import Terrain
from tests.check.gateways import (
    INTERNET,
    LAN_CLIENT,
    SERVER,
    WEB,
    addresses,
    clients,
    gateway,
    host,
    interface,
    network,
)
from tests.unit.check.test_terrain import sent


def around(*hosts: object, **more: object) -> Neighbours:
    some = gateway(hosts=hosts, **more)  # type: ignore[arg-type]
    return Neighbours(some, Terrain(some.network, 4))


def way(to: str, *hosts: object, at: str = WEB, by: str = "lan", **more: object) -> Way:
    """Which way whoever has address ``at`` sends."""
    ((_, server),) = around(*hosts, **more).servers(sent(at), by, None)
    assert server is not None
    return server.ways.at(addresses(to).first)


def test_a_host_reaches_its_network_past_the_gateway() -> None:
    web = host("web", f"{WEB}/24")
    assert way("192.168.1.50", web) == Way(To.LINK, "lan")
    assert way("10.0.0.50", web).to is To.GATEWAY
    assert way(WEB, web).to is To.ITSELF


def test_an_unknown_host_is_like_its_neighbours() -> None:
    assert way("192.168.1.50").to is To.LINK
    assert way("10.0.0.50").to is To.GATEWAY
    ((_, behind),) = around().servers(sent(WEB), "lan", 1)
    assert behind is not None
    assert behind.ways.at(addresses("192.168.1.50").first).to is To.GATEWAY


def test_hosts_behind_a_tunnel_do_not_reach_each_other_directly() -> None:
    tunnel = network(interface("wg0", "10.8.0.1/24", point_to_point=True))
    assert way("10.8.0.9", at="10.8.0.20", by="wg0", network=tunnel).to is To.GATEWAY
    there = host("there", "10.8.0.20/24")
    assert way("10.8.0.9", there, at="10.8.0.20", by="wg0", network=tunnel).to is To.GATEWAY


def test_a_host_has_routes_and_a_default_router() -> None:
    other = ip_address("192.168.1.254")
    routes = (HostRoute(ip_network("10.0.0.0/8"), other), HostRoute(ip_network("10.7.0.0/16"), None))
    web = host("web", f"{WEB}/24", routes=routes)
    assert way("10.0.0.50", web) == Way(To.ROUTER, None, int(other))
    assert way("10.7.0.1", web).to is To.LINK
    assert way("8.8.8.8", host("web", f"{WEB}/24", default_via={4: other})).to is To.ROUTER
    assert way("8.8.8.8", host("web", f"{WEB}/24", default_via={4: None})).to is To.NOBODY
    ours = host("web", f"{WEB}/24", default_via={4: ip_address("192.168.1.1")})
    assert way("8.8.8.8", ours) == Way(To.GATEWAY, "lan")


def test_nobody_answers_on_a_link_that_a_host_is_not_on() -> None:
    ((_, server),) = around(host("web", f"{WEB}/24")).servers(sent(WEB), "dmz", None)
    assert server is None


def test_a_host_with_a_second_address_is_on_the_link_of_its_first() -> None:
    both = host("web", f"{WEB}/24", "203.0.113.80/32")
    ((_, server),) = around(both).servers(sent("203.0.113.80"), "lan", None)
    assert server is not None
    assert server.name == "web"


def test_clients_send_what_is_near_past_the_gateway() -> None:
    some = around(host("web", f"{WEB}/24"))
    ways = some.client_ways(LAN_CLIENT)
    assert ways.at(addresses(WEB).first).to is To.LINK
    assert ways.at(addresses("8.8.8.8").first).to is To.GATEWAY
    assert some.client_ways(SERVER).at(addresses(WEB).first).to is To.ITSELF
    vpn = clients("vpn", Kind.ROUTED, "dmz", "10.8.0.9", tunnelled=addresses("192.168.0.0/16"))
    assert some.client_ways(vpn).at(addresses(WEB).first).to is To.GATEWAY
    assert some.client_ways(vpn).at(addresses("8.8.8.8").first).to is To.ELSEWHERE
    other = clients("lan", Kind.NETWORK, "lan", "192.168.1.9", default_via=ip_address("192.168.1.254"))
    assert some.client_ways(other).at(0).to is To.ROUTER


def test_the_router_of_a_way_may_be_a_host() -> None:
    some = around(host("web", f"{WEB}/24"))
    found = some.router(Way(To.ROUTER, None, addresses(WEB).first))
    assert found is not None
    assert found.name == "web"
    assert some.router(Way(To.GATEWAY)) is None


def test_clients_are_grouped_by_what_they_do() -> None:
    some = around()
    ways = [(1, some.client_ways(LAN_CLIENT)), (2, some.client_ways(INTERNET))]
    found = list(by_way(ways, addresses(WEB)))
    assert sorted((way.to.value, mask) for way, _, mask in found) == [("gateway", 2), ("link", 1)]
    everything = all_addresses(4)
    total = sum(numbers.size for _, numbers, mask in by_way(ways, everything) if mask & 1)
    assert total == everything.size
    assert list(by_way(ways, Numbers())) == []

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from splitdns.check.verdict import Verdict
from splitdns.explain.way import NoSuchClientError, Way, conntrack, way
from splitdns.load.expose import port
from splitdns.names import wire_from_text
from tests.check.world import FORWARD, NETWORK, PLAIN, SPLIT, World, interface, nat

WWW = wire_from_text("www.example.com.")


def gone(world: World, client: str) -> Way:
    return way(world.checked().judgement, ip_address(client), WWW, port("443/tcp"))


def test_the_view_that_the_client_meets_tells_where_it_goes(tmp_path: Path) -> None:
    world = World(tmp_path, gateway="{resolver: [192.168.1.53]}")

    inside, outside = gone(world, "192.168.1.9"), gone(world, "198.51.100.7")

    assert (inside.view, [*map(str, inside.told)]) == ("lan", ["192.168.1.20"])
    assert inside.arrivals[0].result.verdict is Verdict.OK_DIRECT
    assert (outside.view, [*map(str, outside.told)]) == ("internet", ["203.0.113.7"])
    assert outside.arrivals[0].result.verdict is Verdict.OK_DNAT


def test_a_query_that_arrives_as_another_meets_another_view__semantics_24(tmp_path: Path) -> None:
    rules = nat(FORWARD, "-A POSTROUTING -s 10.8.0.0/24 -o lan0 -j MASQUERADE\n")
    zone = SPLIT.replace("inside:", "vpn: 10.8.0.20, inside:")

    found = gone(World(tmp_path, zone=zone, rules=rules, gateway="{resolver: [192.168.1.53]}"), "10.8.0.9")

    assert (found.seen.view, found.view) == ("vpn", "lan")
    assert [*map(str, found.told)] == ["192.168.1.20"]


def test_conntrack_lists_what_went_through_the_gateway(tmp_path: Path) -> None:
    world = World(tmp_path, zone=PLAIN)
    (arrival,) = gone(world, "198.51.100.7").arrivals

    entry = conntrack(arrival.result.outcomes[0], arrival.result)

    assert entry == (
        "tcp src=198.51.100.7 dst=203.0.113.7 sport=49152 dport=443 "
        "src=192.168.1.20 dst=198.51.100.7 sport=443 dport=49152"
    )
    (direct,) = gone(world.but(zone=SPLIT), "192.168.1.9").arrivals
    assert conntrack(direct.result.outcomes[0], direct.result) is None


def test_who_is_no_client_has_no_way(tmp_path: Path) -> None:
    with pytest.raises(NoSuchClientError, match=r"172\.16\.0\.9"):
        gone(World(tmp_path), "172.16.0.9")


def test_a_host_has_the_ports_that_zones_expose_as_the_check_says(tmp_path: Path) -> None:
    translated = SPLIT.replace("[443/tcp]", "[{public: 443/tcp, inside: 8443/tcp}]")

    found = gone(World(tmp_path, zone=translated), "192.168.1.9")

    assert found.arrivals[0].result.verdict is Verdict.REFUSED


def test_a_nat_before_the_gateway_leads_there(tmp_path: Path) -> None:
    interfaces = (interface("wan0", "192.168.178.2/24", uplink=True, rp_filter=0), NETWORK.interfaces[2])
    rules = nat(FORWARD.replace("203.0.113.7", "192.168.178.2"))
    world = World(tmp_path, rules=rules, network=replace(NETWORK, interfaces=interfaces))

    assert gone(world, "198.51.100.7").arrivals[0].result.verdict is Verdict.OK_DNAT

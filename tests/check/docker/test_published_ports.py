"""Ports that Docker publishes are reached, whatever the host's own filter says, and no others are."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import docker_compose, iptables
from splitdns.check.dialects.docker_rules import onto
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.model import Gateway, Kind, Network
from splitdns.check.rules import Ruleset
from tests.check.gateways import (
    INTERNET,
    LAN,
    LAN_CLIENT,
    PUBLIC,
    WAN,
    addresses,
    asked,
    clients,
    ended,
    network,
)

CLOSED = """\
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -i wan -j DROP
COMMIT
"""
COMPOSE = """\
services:
  web:
    ports: ["8080:80", "127.0.0.1:9000:90", "192.168.1.1:8443:443"]
    networks: [front]
  db:
    networks: [back]
networks:
  front: {ipam: {config: [{subnet: 172.20.0.0/24}]}, driver_opts: {com.docker.network.bridge.name: front}}
  back: {ipam: {config: [{subnet: 172.21.0.0/24}]}, driver_opts: {com.docker.network.bridge.name: back}}
"""


def docker_host(rules: str = CLOSED, *, userland_proxy: bool = True) -> Gateway:
    published = docker_compose.read(COMPOSE, "compose.yaml")
    own = iptables.read(rules, "rules", family=4, sets=IpSets()) if rules else Ruleset()
    made = onto([published], own, userland_proxy=userland_proxy)
    around: Network = network(LAN, WAN, *published.interfaces)
    return Gateway(around, made, published.hosts)


IN_DB = clients("db", Kind.HOST, "back", "172.21.0.2", near="172.21.0.0/24", host="db")


def test_a_published_port_is_reached_from_everywhere_past_the_host_s_filter() -> None:
    assert ended(docker_host(), INTERNET, ports=8080) == "ok-dnat web"
    assert ended(docker_host(), LAN_CLIENT, ports=8080) == "ok-dnat web"


def test_a_port_of_one_address_is_reached_there_only() -> None:
    assert ended(docker_host(), LAN_CLIENT, at="192.168.1.1", ports=8443) == "ok-dnat web"
    assert ended(docker_host(), INTERNET, ports=8443) == "dropped"


@pytest.mark.parametrize("port", [9000, 80, 5432])
def test_what_is_not_published_is_not_reached(port: int) -> None:
    assert ended(docker_host(), INTERNET, ports=port) == "dropped"


def test_a_container_s_own_address_depends_on_docker_s_version() -> None:
    assert ended(docker_host(), LAN_CLIENT, at="172.20.0.2", ports=80) == "maybe"
    assert ended(docker_host(), LAN_CLIENT, at="172.20.0.2", ports=5432) == "dropped"


def test_networks_are_kept_apart() -> None:
    assert ended(docker_host(rules=""), IN_DB, at="172.20.0.2", ports=80) == "dropped"


def test_containers_go_out_with_the_host_s_address() -> None:
    result = asked(docker_host(), IN_DB, at="198.51.100.9")

    assert result.verdict.works
    endpoint = result.outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.seen_source == addresses(PUBLIC)


@pytest.mark.parametrize(("userland_proxy", "verdict"), [(True, "router-self"), (False, "dropped")])
def test_other_containers_meet_the_proxy_if_it_runs(userland_proxy: bool, verdict: str) -> None:
    gateway = docker_host(rules="", userland_proxy=userland_proxy)

    assert ended(gateway, IN_DB, at=PUBLIC, ports=8080) == verdict

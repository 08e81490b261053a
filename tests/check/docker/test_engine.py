"""The rules that the check makes decide as those do that Docker itself makes, as Engine 28 prints them."""

from __future__ import annotations

import json

import pytest

from splitdns.check.dialects import docker, iptables
from splitdns.check.dialects.docker_rules import onto
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.model import Clients, Gateway, Kind, Ruleset
from tests.check.gateways import INTERNET, ITSELF, LAN, LAN_CLIENT, PUBLIC, WAN, clients, ended, network

ENGINE_28 = """\
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP
COMMIT
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-BRIDGE - [0:0]
:DOCKER-CT - [0:0]
:DOCKER-FORWARD - [0:0]
:DOCKER-ISOLATION-STAGE-1 - [0:0]
:DOCKER-ISOLATION-STAGE-2 - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -j DOCKER-FORWARD
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A DOCKER ! -i docker0 -o docker0 -j DROP
-A DOCKER ! -i br-0123456789ab -o br-0123456789ab -j DROP
-A DOCKER-BRIDGE -o docker0 -j DOCKER
-A DOCKER-BRIDGE -o br-0123456789ab -j DOCKER
-A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-CT -o br-0123456789ab -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A DOCKER-FORWARD -j DOCKER-CT
-A DOCKER-FORWARD -j DOCKER-ISOLATION-STAGE-1
-A DOCKER-FORWARD -j DOCKER-BRIDGE
-A DOCKER-FORWARD -i docker0 -j ACCEPT
-A DOCKER-FORWARD -i br-0123456789ab -j ACCEPT
-A DOCKER-ISOLATION-STAGE-1 -i docker0 ! -o docker0 -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-1 -i br-0123456789ab ! -o br-0123456789ab -j DOCKER-ISOLATION-STAGE-2
-A DOCKER-ISOLATION-STAGE-2 -o br-0123456789ab -j DROP
-A DOCKER-ISOLATION-STAGE-2 -o docker0 -j DROP
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s 172.18.0.0/16 ! -o br-0123456789ab -j MASQUERADE
-A DOCKER -i docker0 -j RETURN
-A DOCKER -i br-0123456789ab -j RETURN
-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80
COMMIT
"""
HOST = "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"


def _container(name: str, network_name: str, number: str, address: str, router: str, ports: object) -> object:
    endpoint = {"NetworkID": number, "IPAddress": address, "IPPrefixLen": 16, "Gateway": router}
    return {
        "Name": f"/{name}",
        "State": {"Running": True},
        "HostConfig": {"NetworkMode": network_name},
        "NetworkSettings": {"Ports": ports, "Networks": {network_name: endpoint}},
    }


WEB_PORTS = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "81/tcp": None}
INSPECTED = json.dumps(
    [
        _container("web", "bridge", "f" * 64, "172.17.0.2", "172.17.0.1", WEB_PORTS),
        _container("db", "back", "0123456789ab" * 5, "172.18.0.2", "172.18.0.1", {"5432/tcp": None}),
    ]
)
IN_WEB = clients("web", Kind.HOST, "docker0", "172.17.0.2", near="172.17.0.0/16", host="web")
IN_DB = clients("db", Kind.HOST, "br-0123456789ab", "172.18.0.2", near="172.18.0.0/16", host="db")


def gateways() -> tuple[Gateway, Gateway]:
    """With Docker's own rules, and with those made of what it publishes."""
    published = docker.read(INSPECTED, "docker.json")
    around = network(LAN, WAN, *published.interfaces)
    live, own = (iptables.read(text, "rules", family=4, sets=IpSets()) for text in (ENGINE_28, HOST))
    return (
        Gateway(around, onto([published], live), published.hosts),
        Gateway(around, onto([published], own), published.hosts),
    )


TARGETS = [(PUBLIC, 8080), (PUBLIC, 80), ("192.168.1.1", 8080), ("198.51.100.9", 443)]
INSIDE = [("172.17.0.2", 80), ("172.17.0.2", 81), ("172.18.0.2", 5432)]


@pytest.mark.parametrize("who", [INTERNET, LAN_CLIENT, ITSELF, IN_WEB, IN_DB], ids=lambda who: str(who.name))
def test_both_decide_alike(who: Clients) -> None:
    live, made = gateways()

    for at, port in [*TARGETS, *INSIDE]:
        expected = ended(live, who, at=at, ports=port)
        found = ended(made, who, at=at, ports=port)
        if who in (INTERNET, LAN_CLIENT) and (at, port) == ("172.17.0.2", 80):
            assert (expected, found) == ("dropped", "maybe")  # which version it is, is not known
        else:
            assert found == expected, at


def test_what_engine_28_makes_is_read_exactly_and_known_as_docker_s() -> None:
    ruleset: Ruleset = iptables.read(ENGINE_28, "rules", family=4, sets=IpSets())

    assert ruleset.notes == ()
    rules = [rule for chain in ruleset.chains for rule in chain.rules]
    assert {rule.origin.made_by for rule in rules} == {"Docker"}
    assert ruleset.rules == len(rules) == 26

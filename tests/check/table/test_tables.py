"""Gateways described by hand: what is reached, by whom, and as whom."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import table
from splitdns.check.model import Gateway, Host
from tests.check.gateways import (
    DMZ_CLIENT,
    DMZ_HOST,
    INTERNET,
    LAN_CLIENT,
    PUBLIC,
    WEB,
    WEB_HOST,
    asked,
    ended,
)

NETWORK = """\
uplinks: wan
interfaces: {wan: 203.0.113.2/24, lan: 192.168.1.1/24, dmz: 10.0.0.1/24}
"""
FORWARD = "forwards: [{port: 443/tcp, to: 192.168.1.20}]\n"
HOSTS = (WEB_HOST, DMZ_HOST)


def gateway(text: str, hosts: tuple[Host, ...] = HOSTS) -> Gateway:
    read = table.read(NETWORK + text, "gateway.yaml")
    return Gateway(read.network, read.ruleset, hosts)


def test_a_forward_is_reached_from_the_internet_and_not_from_inside() -> None:
    found = gateway(FORWARD)

    assert ended(found, INTERNET) == "ok-dnat web"
    assert ended(found, INTERNET, ports=80) == "dropped"
    assert ended(found, LAN_CLIENT) == "router-self"


def test_a_hairpin_is_reached_from_inside_with_the_gateway_s_source() -> None:
    found = gateway(FORWARD + "hairpin: true\n")

    assert ended(found, LAN_CLIENT) == "ok-hairpin web"
    assert ended(found, DMZ_CLIENT) == "ok-hairpin web"
    endpoint = asked(found, LAN_CLIENT).outcomes[0].endpoint
    assert endpoint is not None
    assert 0xC0A80101 in endpoint.seen_source  # 192.168.1.1


def test_a_hairpin_that_keeps_the_source_fails_within_the_server_s_own_network() -> None:
    found = gateway(FORWARD + "hairpin: true\nhairpin_keeps_source: true\n")

    assert ended(found, LAN_CLIENT) == "asym-reply"
    assert ended(found, DMZ_CLIENT) == "ok-dnat web"


def test_a_hairpin_may_be_for_some_networks() -> None:
    found = gateway(FORWARD + "hairpin: 10.0.0.0/24\n")

    assert ended(found, LAN_CLIENT) == "router-self"
    assert ended(found, DMZ_CLIENT) == "ok-hairpin web"


def test_one_to_one_leads_every_port_inside() -> None:
    found = gateway("one_to_one: {203.0.113.2: 192.168.1.20}\n")

    assert ended(found, INTERNET) == ended(found, INTERNET, ports=22, protocol=17) == "ok-dnat web"


def test_ports_are_shifted() -> None:
    found = gateway("forwards: [{port: 8000-8010/tcp, to: 192.168.1.20, to_port: 9000}]\n")

    endpoint = asked(found, INTERNET, ports=8003).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.ports.single == 9003


RULES = """\
filter:
  forward: deny
  forwards: by rules
  rules:
    - {allow: 443/tcp, in: wan, to: 192.168.1.20}
    - {reject: all, in: dmz, out: lan}
    - {allow: all, in: lan}
    - {allow: 53/udp, to: gateway}
"""


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        (FORWARD, "ok-dnat web"),
        (FORWARD + RULES, "ok-dnat web"),
        (FORWARD + RULES.replace("443/tcp, in", "80/tcp, in"), "dropped"),
    ],
)
def test_rules_see_the_server_s_own_address(text: str, verdict: str) -> None:
    assert ended(gateway(text), INTERNET) == verdict


def test_rules_decide_between_inside_networks() -> None:
    found = gateway(RULES)

    assert ended(found, LAN_CLIENT, at="10.0.0.20") == "ok-routed dmz-web"
    assert ended(found, DMZ_CLIENT, at=WEB) == "refused"
    assert ended(found, INTERNET, at=WEB, ports=80) == "dropped"


def test_the_gateway_itself_is_closed_from_outside_only() -> None:
    assert ended(gateway(""), INTERNET, at=PUBLIC, ports=22) == "dropped"
    assert ended(gateway(""), LAN_CLIENT, at="192.168.1.1", ports=22) == "router-self"
    assert ended(gateway(RULES), INTERNET, protocol=17, ports=53) == "router-self"

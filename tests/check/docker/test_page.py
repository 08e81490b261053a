"""The page about Docker: its example leads where it says, and constructs are in the state that it says."""

from __future__ import annotations

import re

import pytest

from splitdns.check.dialects import docker_compose
from splitdns.check.dialects.docker_rules import onto
from splitdns.check.model import Gateway, Ruleset, Support
from tests.check.gateways import INTERNET, LAN, LAN_CLIENT, PUBLIC, WAN, ended, network
from tests.meta.examples import blocks
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dialects" / "docker.md"
PORTS = [
    (construct, state)
    for cells, state in re.findall(r"^\| (`.*?`) \| ([a-z ]+) \|", PAGE.read_text(), re.MULTILINE)
    for construct in re.findall(r"`([^`]+)`", cells)
    if construct[0] in "0123456789[{$"
]


def test_the_example_leads_where_the_page_says() -> None:
    (block,) = (one for one in blocks(PAGE) if one.title == "compose.yaml")
    published = docker_compose.read(block.text, "compose.yaml")
    around = network(LAN, WAN, *published.interfaces)
    gateway = Gateway(around, onto([published], Ruleset()), published.hosts)

    assert [str(own.address) for host in published.hosts for own in host.addresses] == ["172.20.0.10"]
    assert ended(gateway, INTERNET, ports=8080) == "ok-dnat web"
    assert ended(gateway, LAN_CLIENT, at=PUBLIC, ports=8080) == "ok-dnat web"
    assert ended(gateway, INTERNET, ports=9000) == "router-self"


@pytest.mark.parametrize(("port", "state"), PORTS, ids=[port for port, _ in PORTS])
def test_a_port_is_in_the_state_that_the_page_says(port: str, state: str) -> None:
    quoted = port if port.startswith("{") else f'"{port}"'
    if port.startswith("$"):
        quoted = f'"{port}:80"'
    text = f"""\
services: {{web: {{ports: [{quoted}]}}}}
networks: {{default: {{ipam: {{config: [{{subnet: 10.0.0.0/24}}, {{subnet: "2001:db8::/64"}}]}}}}}}
"""
    if state == "a mistake":
        with pytest.raises(ExceptionGroup):
            docker_compose.read(text, "compose.yaml")
        return
    published = docker_compose.read(text, "compose.yaml")

    is_widened = any(one.chosen for one in published.ports) or any(
        note.support is Support.WIDENED for note in published.notes
    )
    assert ("widened" if is_widened else "modelled") == state

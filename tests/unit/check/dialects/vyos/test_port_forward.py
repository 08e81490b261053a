from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.port_forward import MADE_BY, PortForward
from splitdns.check.model import Hook, Side
from tests.check.gateways import DMZ_CLIENT, INTERNET, LAN_CLIENT, asked, ended
from tests.check.vyos.configurations import gateway, reading

FORWARD = """
port-forward wan-interface wan
port-forward lan-interface lan
port-forward rule 1 original-port 443
port-forward rule 1 protocol tcp
port-forward rule 1 forward-to address 192.168.1.20
"""
HAIRPIN = "port-forward hairpin-nat enable\n"
CLOSED = "firewall name WAN_IN default-action drop\ninterfaces ethernet wan firewall in name WAN_IN\n"


def test_a_forward_is_met_from_the_wan_alone() -> None:
    found = gateway(FORWARD, "edgeos")

    assert ended(found, INTERNET) == "ok-dnat web"
    assert ended(found, LAN_CLIENT) == "router-self"


def test_a_hairpin_is_for_the_networks_that_it_names() -> None:
    found = gateway(FORWARD + HAIRPIN, "edgeos")

    assert ended(found, LAN_CLIENT) == "ok-hairpin web"
    assert ended(found, DMZ_CLIENT) == "router-self"


def test_the_device_opens_the_filter_only_if_it_is_told_to() -> None:
    assert ended(gateway(FORWARD + CLOSED, "edgeos"), INTERNET) == "dropped"
    opened = gateway(f"{FORWARD}{CLOSED}port-forward auto-firewall enable", "edgeos")
    assert ended(opened, INTERNET) == "ok-dnat web"
    assert ended(opened, INTERNET, ports=80) == "router-self"


def test_it_comes_before_service_nat() -> None:
    other = "service nat rule 1"
    rules = f"{other} type destination\n{other} protocol tcp\n{other} inside-address address 10.0.0.20\n"

    assert ended(gateway(FORWARD + rules, "edgeos"), INTERNET) == "ok-dnat web"


def test_ports_may_be_others_inside() -> None:
    found = gateway(f"{FORWARD}port-forward rule 1 forward-to port 8443", "edgeos")

    endpoint = asked(found, INTERNET).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.ports.single == 8443


def test_a_leased_address_may_be_met() -> None:
    leased = FORWARD.replace("wan-interface wan", "wan-interface wan2")
    forwards = PortForward(reading(f"interfaces ethernet wan2 address dhcp\n{leased}", "edgeos"))

    (rule,) = forwards.nat(Side.DESTINATION)
    assert [type(one).__name__ for one in rule.conditions] == [
        "Interfaces", "Addresses", "Unknown", "Protocols", "Ports",
    ]  # fmt: skip
    assert rule.origin.made_by == MADE_BY


def test_nothing_is_made_of_nothing() -> None:
    forwards = PortForward(reading(""))

    assert not [*forwards.nat(Side.DESTINATION), *forwards.nat(Side.SOURCE), *forwards.accepted(Hook.FORWARD)]


@pytest.mark.parametrize(
    "words",
    ["forward-to address here", "forward-to address 2001:db8::1", "original-port frob", "protocol odd"],
)
def test_what_cannot_be_is_a_mistake(words: str) -> None:
    found = reading(f"{FORWARD}port-forward rule 1 {words}", "edgeos")

    PortForward(found)

    assert len(found.problems.errors) == 1

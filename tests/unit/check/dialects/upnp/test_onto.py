"""Leases before a gateway's own rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp.onto import has_daemon, onto
from splitdns.check.model import Chain, Gateway, Hook, Ruleset, Support, Unknown
from tests.check.gateways import (
    ESTABLISHED,
    FORWARD_443,
    INTERNET,
    LAN_CLIENT,
    came,
    clients,
    ended,
    filtering,
    gateway,
    prerouting,
    rule,
)
from tests.check.gateways import dnat as to

CLOSED = filtering(Hook.FORWARD, ESTABLISHED, accepts=False)
LEASE = "TCP:443:192.168.1.20:443:0:web\n"


def leased(text: str, *chains: Chain) -> Gateway:
    return onto([Printed(text, "upnp.leases")], gateway(*chains))


def test_a_lease_is_led_inside_and_let_through() -> None:
    found = leased(LEASE, CLOSED)
    assert ended(found, INTERNET) == "ok-dnat web"
    assert ended(found, INTERNET, protocol=17) == "router-self"
    assert ended(found, INTERNET, ports=80) == "router-self"
    assert ended(leased(LEASE), INTERNET) == "ok-dnat web"


def test_clients_inside_meet_the_gateway_itself() -> None:
    assert ended(leased(LEASE), LAN_CLIENT) == "router-self"


def test_ports_are_translated_and_leases_stand_before_the_gateway_s_own_rules() -> None:
    found = leased("TCP:443:10.0.0.20:8443:0:\n", FORWARD_443, CLOSED)
    assert ended(found, INTERNET) == "ok-dnat dmz-web"


def test_only_the_remote_host_may_come() -> None:
    text = '[{"protocol": "tcp", "port": 443, "to": "192.168.1.20", "remote": "198.51.100.9"}]'
    other = replace(INTERNET, numbers=clients("x", INTERNET.kind, "wan", "192.0.2.1").numbers)
    assert ended(leased(text), INTERNET) == "ok-dnat web"
    assert ended(leased(text), other) == "router-self"


def test_a_remote_port_makes_no_more_than_a_part() -> None:
    text = '[{"protocol": "tcp", "port": 443, "to": "192.168.1.20", "remote_port": 7}]'
    assert "Ports(side=<Side.SOURCE" in repr(leased(text).ruleset.chains[0].rules[0].conditions)


def test_a_pinhole_lets_ipv6_in_and_translates_nothing() -> None:
    found = leased("TCP;2001:db8::20;443;;0;1;0;web\n", CLOSED).ruleset
    assert found.chains[0].rules == ()
    assert [one.families for one in found.chains[1].rules][:1] == [frozenset({6})]


def test_without_a_known_uplink_it_is_a_maybe() -> None:
    plain = gateway()
    interfaces = tuple(replace(one, uplink=False) for one in plain.network.interfaces)
    blind = onto([Printed(LEASE, "f")], replace(plain, network=replace(plain.network, interfaces=interfaces)))
    (forward,) = blind.ruleset.chains[0].rules
    assert any(isinstance(one, Unknown) for one in forward.conditions)


@pytest.mark.parametrize("name", ["MINIUPNPD", "upnp_forward", "prerouting_miniupnpd"])
def test_the_daemon_s_own_chains_say_it_better(name: str) -> None:
    shown = Chain("nat", name, ())
    assert has_daemon(Ruleset((shown,)))
    assert leased(LEASE, shown) == gateway(shown)


def test_other_chains_are_left_alone() -> None:
    early = filtering(Hook.FORWARD, priority=-150)
    nat = prerouting(rule(to("10.0.0.20"), came("lan")))
    assert leased(LEASE, early, nat).ruleset.chains[1:] == (early, nat)


def test_ends_of_leases_are_noted() -> None:
    assert [note.support for note in leased(LEASE).ruleset.notes] == [Support.IGNORED]


@pytest.mark.parametrize("text", ["hello\n", "<xml/>"])
def test_what_is_no_list_is_an_error(text: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        leased(text)
    assert str(caught.value.exceptions[0]).startswith("upnp.leases:1:1: expected miniupnpd's lease file")

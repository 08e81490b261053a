from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.dialects.vyos.policy import read_policy
from splitdns.check.model import Gateway, PolicyRule, Route, Ruleset, Support
from tests.check.gateways import DMZ_CLIENT, DMZ_HOST, LAN_CLIENT, WEB_HOST, ended
from tests.check.vyos.configurations import gateway, reading

POLICY = """
policy route PBR interface lan
policy route PBR rule 10 protocol tcp
policy route PBR rule 10 destination port 443
policy route PBR rule 10 set table 7
protocols static table 7 route 0.0.0.0/0 blackhole
"""
MODIFY = """
firewall modify PBR rule 10 action modify
firewall modify PBR rule 10 destination address 10.0.0.0/8
firewall modify PBR rule 10 modify table main
firewall modify PBR rule 20 action modify
firewall modify PBR rule 20 modify lb-group G
interfaces ethernet lan firewall in modify PBR
interfaces ethernet wan2 address dhcp
load-balance group G interface wan
load-balance group G interface wan2
"""


def test_a_policy_sends_what_it_selects_by_another_table() -> None:
    found = gateway(POLICY)

    assert ended(found, LAN_CLIENT, at="198.51.100.9") == "no-route"
    assert ended(found, LAN_CLIENT, at="198.51.100.9", ports=80) == "ok-routed"
    assert ended(found, DMZ_CLIENT, at="198.51.100.9") == "ok-routed"


def test_what_is_for_the_main_table_is_left_to_it() -> None:
    found = gateway(MODIFY, "edgeos")

    assert ended(found, LAN_CLIENT, at="10.0.0.20") == "ok-routed dmz-web"


def test_of_uplinks_that_share_the_load_any_may_be_taken() -> None:
    found = reading(MODIFY, "edgeos")
    list(read_policy(found))

    assert [(rule.table, bool(rule.unknown)) for rule in found.network.policy] == [
        ("lb-group G wan", True),
        ("lb-group G wan2", False),
        ("main", False),
    ]
    assert Route(ip_network("0.0.0.0/0"), "wan2", table="lb-group G wan2") in found.network.routes


def test_a_mark_asks_for_the_table() -> None:
    found = reading(POLICY)
    chains = list(read_policy(found))

    assert [chain.name for chain in chains] == ["route PBR", "prerouting", "table 7"]
    assert found.network.policy == (
        PolicyRule(101, "7", mark=(1, 0xFFFF_FFFF)),
        PolicyRule(32_766, "main"),
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("policy route PBR rule 10 action drop", "dropped"),
        ("policy route PBR rule 10 disable", "ok-routed"),
        ("policy route PBR rule 10 set mark 5", "maybe"),
    ],
)
def test_what_a_rule_may_do_besides(text: str, verdict: str) -> None:
    policy = "policy route PBR interface lan\npolicy route PBR rule 10 protocol tcp\n"

    assert ended(gateway(f"{policy}{text}"), LAN_CLIENT, at="198.51.100.9") == verdict


def test_a_rule_set_that_is_not_there_may_do_anything() -> None:
    found = reading("interfaces ethernet lan firewall in modify MISSING", "edgeos")
    (chain,) = read_policy(found)

    gone = Gateway(found.network, Ruleset((chain,)), (WEB_HOST, DMZ_HOST))
    assert ended(gone, LAN_CLIENT, at="10.0.0.20") == "maybe"
    assert [note.support for note in found.notes] == [Support.WIDENED]

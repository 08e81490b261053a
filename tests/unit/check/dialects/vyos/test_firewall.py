from __future__ import annotations

import pytest

from splitdns.check.model import Support
from tests.check.gateways import DMZ_CLIENT, INTERNET, LAN_CLIENT, PUBLIC, WEB, ended
from tests.check.vyos.configurations import device, gateway

WAN_IN = """
firewall name WAN_IN rule 10 action accept
firewall name WAN_IN rule 10 state established enable
firewall name WAN_IN rule 20 action accept
firewall name WAN_IN rule 20 protocol tcp
firewall name WAN_IN rule 20 destination port 443
interfaces ethernet wan firewall in name WAN_IN
"""
FORWARD = "firewall ipv4 forward filter"


def test_a_rule_set_drops_what_no_rule_of_it_accepts() -> None:
    assert ended(gateway(WAN_IN), INTERNET, at=WEB) == "ok-routed web"
    assert ended(gateway(WAN_IN), INTERNET, at=WEB, ports=80) == "dropped"
    opened = gateway(f"{WAN_IN}firewall name WAN_IN default-action accept")
    assert ended(opened, INTERNET, at=WEB, ports=80) == "ok-routed web"


def test_what_is_accepted_coming_in_is_asked_again_going_out() -> None:
    out = "firewall name LAN_OUT default-action drop\ninterfaces ethernet lan firewall out name LAN_OUT\n"

    assert ended(gateway(WAN_IN + out), INTERNET, at=WEB) == "dropped"


def test_local_is_for_the_gateway_itself() -> None:
    local = "firewall name LOCAL default-action drop\ninterfaces ethernet wan firewall local name LOCAL\n"

    assert ended(gateway(local), INTERNET, at=PUBLIC, ports=22) == "dropped"
    assert ended(gateway(local), LAN_CLIENT, at="192.168.1.1", ports=22) == "router-self"


def test_states_decide_before_all_rule_sets() -> None:
    closed = "firewall name X default-action drop\ninterfaces ethernet lan firewall in name X\n"

    assert ended(gateway(closed), INTERNET, at=WEB) != "ok-routed web"
    replies = "firewall state-policy established action accept\n"
    assert ended(gateway(closed + replies), INTERNET, at=WEB) == "ok-routed web"


def test_rules_of_the_hook_itself_since_1_4() -> None:
    text = f"""
    {FORWARD} default-action drop
    {FORWARD} rule 5 action accept
    {FORWARD} rule 5 state established
    {FORWARD} rule 10 action jump
    {FORWARD} rule 10 jump-target WEB
    {FORWARD} rule 10 inbound-interface name wan
    firewall ipv4 name WEB default-action return
    firewall ipv4 name WEB rule 1 action accept
    firewall ipv4 name WEB rule 1 protocol tcp
    firewall ipv4 name WEB rule 1 destination port 443
    """

    assert ended(gateway(text), INTERNET, at=WEB) == "ok-routed web"
    assert ended(gateway(text), INTERNET, at=WEB, ports=80) == "dropped"
    assert ended(gateway(text), DMZ_CLIENT, at=WEB) == "dropped"


def test_an_accept_ends_the_hook_since_1_4() -> None:
    text = f"{FORWARD} rule 1 action accept\n{FORWARD} rule 2 action drop\n"

    assert ended(gateway(text), INTERNET, at=WEB) == "ok-routed web"


def test_interfaces_may_be_bound_within_the_firewall() -> None:
    bound = WAN_IN.replace("interfaces ethernet wan firewall in", "firewall interface wan in")

    assert ended(gateway(bound), INTERNET, at=WEB, ports=80) == "dropped"


def test_chains_have_the_paths_of_the_command_line() -> None:
    found = device(f"{WAN_IN}{FORWARD} default-action accept\nfirewall ipv4 name X default-action drop")

    assert [(chain.table, chain.name) for chain in found.ruleset.chains] == [
        ("vyos filter", "name WAN_IN"),
        ("vyos filter", "in"),
        ("vyos filter", "ipv4 forward filter"),
        ("vyos filter", "ipv4 name X"),
    ]


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("interfaces ethernet wan firewall in name MISSING", "maybe"),
        (f"{FORWARD} rule 1 action queue", "maybe"),
        (f"{FORWARD} rule 1 action continue\n{FORWARD} rule 2 action reject", "refused"),
        (f"{FORWARD} rule 1 action drop\n{FORWARD} rule 1 disable", "ok-routed web"),
    ],
)
def test_what_is_not_known_is_a_maybe(text: str, verdict: str) -> None:
    assert ended(gateway(text), INTERNET, at=WEB) == verdict


def test_what_is_not_modelled_is_noted() -> None:
    found = device(
        "firewall frobnicate x\nfirewall all-ping enable\nfirewall bridge forward filter\n"
    )

    assert {(note.support, note.name) for note in found.ruleset.notes} == {
        (Support.UNKNOWN, "firewall frobnicate"),
        (Support.IGNORED, "firewall all-ping"),
        (Support.WIDENED, "firewall bridge"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "firewall name X rule 1 protocol tcp",
        "firewall name X rule 1 action odd",
        "firewall name X default-action odd",
        f"{FORWARD} rule 1 action jump",
        "firewall ipv4 forward odd",
    ],
)
def test_what_cannot_be_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        device(text)

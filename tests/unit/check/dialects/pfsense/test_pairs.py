"""One-to-one NAT and network prefix translation."""

from __future__ import annotations

import pytest

from tests.check.gateways import asked, ended
from tests.check.pfsense.configs import (
    ALLOW_LAN,
    HELPER,
    IN_DMZ,
    IN_LAN,
    INTERNET,
    NO_REFLECTION,
    admitted,
    config,
    device,
    forward,
    gateway,
    rule,
)

PAIR = (
    "<onetoone><external>203.0.113.8</external><source><address>192.168.1.20</address></source>"
    "<destination><any/></destination><interface>wan</interface>{}</onetoone>"
)
FILTERS = admitted() + ALLOW_LAN + rule("opt1")
AT = {"at": "203.0.113.8"}


def test_a_public_address_is_the_server_s_in_both_directions() -> None:
    found = gateway(config(PAIR.format(""), FILTERS))

    assert ended(found, INTERNET, **AT) == "ok-dnat web"
    assert ended(found, INTERNET, ports=80, **AT) == "dropped"
    rules = {chain.name: chain.rules for chain in found.ruleset.chains}
    assert rules["nat"][0].origin.text == "onetoone 203.0.113.8"


@pytest.mark.parametrize("root", ["pfsense", "opnsense"])
def test_it_is_reflected_where_the_system_or_the_pair_says_so(root: str) -> None:
    reflects = NO_REFLECTION + "<enablebinatreflection>yes</enablebinatreflection>"
    told = "<natreflection>{}</natreflection>"
    enabled, disabled = (PAIR.format(told.format(one)) for one in ("enable", "disable"))
    by_system = gateway(config(PAIR.format(""), FILTERS, system=reflects, root=root))
    by_itself = gateway(config(enabled, FILTERS, system=NO_REFLECTION + HELPER, root=root))
    not_at_all = gateway(config(disabled, FILTERS, system=reflects, root=root))

    assert ended(by_system, IN_LAN, **AT) == "asym-reply"
    assert ended(by_system, IN_DMZ, **AT) == "ok-dnat web"
    assert ended(by_itself, IN_LAN, **AT) == "ok-hairpin web"
    assert ended(not_at_all, IN_DMZ, **AT) == "ok-routed"  # to whoever has it on the WAN


def test_one_that_only_gives_an_address_lets_nobody_in() -> None:
    found = gateway(config(PAIR.format("<type>nat</type>"), FILTERS, root="opnsense"))

    assert ended(found, INTERNET, **AT) == "dropped"
    assert "onetoone 203.0.113.8" in [
        rule.origin.text for chain in found.ruleset.chains if chain.name == "nat" for rule in chain.rules
    ]


def test_port_forwards_go_before_and_exceptions_hold() -> None:
    other = forward(target="192.168.20.20", at="<address>203.0.113.8</address>")
    both = gateway(config(PAIR.format("") + other, FILTERS + admitted(target="192.168.20.20")))

    assert ended(both, INTERNET, **AT) == "ok-dnat dmz-web"
    excepted = gateway(config(PAIR.format("<nobinat/>") + PAIR.format(""), FILTERS))
    assert ended(excepted, INTERNET, **AT) == "dropped"


def test_a_network_keeps_its_host_parts() -> None:
    text = PAIR.replace("192.168.1.20", "192.168.1.16/28").replace("203.0.113.8", "203.0.113.16").format("")
    found = asked(gateway(config(text, FILTERS)), INTERNET, at="203.0.113.20")

    endpoint = found.outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.host == "web"


def test_prefixes_of_ipv6_are_translated() -> None:
    text = (
        "<npt><interface>wan</interface><source><address>fd00::/64</address></source>"
        "<destination><address>2001:db8::/64</address></destination></npt>"
    )
    chains = {chain.name: chain.rules for chain in device(config(text)).ruleset.chains}

    assert len(chains["rdr wan"]) == 1
    assert chains["rdr wan"][0].families == {6}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (PAIR.format("<disabled/>"), "left out: it is disabled"),
        (PAIR.replace("wan<", "opt9<").format(""), "left out: its interface opt9 is not enabled"),
        (
            PAIR.replace("192.168.1.20", "fd00::1").format(""),
            "left out: what is public and what is inside are not addresses of one family",
        ),
        (
            "<npt><interface>wan</interface></npt>",
            "left out: its prefixes are not told, or not of one family",
        ),
    ],
)
def test_what_the_device_leaves_out_is_noted(text: str, reason: str) -> None:
    notes = device(config(text)).ruleset.notes

    assert [note.reason for note in notes if note.name in ("onetoone", "npt")] == [reason]

"""Rules of OPNsense's newer pages: what they do, and that they go before the older ones."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.opnsense.newer import brought_over
from tests.check.gateways import addresses, asked, ended
from tests.check.pfsense.configs import (
    DMZ_WEB,
    IN_LAN,
    INTERNET,
    PUBLIC,
    admitted,
    config,
    forward,
    gateway,
    rule,
)


def newer(rules: str = "", tag: str = "rules") -> str:
    return f"<OPNsense><Firewall><Filter><{tag}>{rules}</{tag}></Filter></Firewall></OPNsense>"


def one(more: str = "", action: str = "pass", sequence: int = 1) -> str:
    return (
        f"<rule uuid='x'><enabled>1</enabled><sequence>{sequence}</sequence><action>{action}</action>"
        "<quick>1</quick><interfacenot>0</interfacenot><interface>lan</interface><direction>in</direction>"
        "<ipprotocol>inet</ipprotocol><protocol>any</protocol><source_net>any</source_net>"
        f"<source_not>0</source_not><destination_not>0</destination_not><log>1</log>{more}</rule>"
    )


def lan(text: str, **more: object) -> str:
    return ended(gateway(text), IN_LAN, at=DMZ_WEB, **more)


def test_newer_rules_go_before_older_ones_of_their_kind() -> None:
    block = newer(one(action="block"))

    assert lan(config(more=block, root="opnsense")) == "dropped"
    floating = rule("lan,opt1", more="<floating>yes</floating><quick>1</quick>")
    assert lan(config(filters=floating, more=block, root="opnsense")) == "ok-routed dmz-web"


def test_their_sequence_is_their_order() -> None:
    both = one(action="block", sequence=2) + one(sequence=1)

    assert lan(config(filters="", more=newer(both), root="opnsense")) == "ok-routed dmz-web"


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ("<destination_net>192.168.20.0/24</destination_net>", "ok-routed dmz-web"),
        ("<destination_net>opt1,wanip</destination_net>", "ok-routed dmz-web"),
        ("<destination_net>lan</destination_net>", "dropped"),
        ("<destination_port>443</destination_port>", "ok-routed dmz-web"),
        ("<destination_port>80</destination_port>", "dropped"),
    ],
)
def test_where_to_is_asked_for(more: str, verdict: str) -> None:
    text = one(more).replace("<protocol>any</protocol>", "<protocol>TCP</protocol>")

    assert lan(config(filters="", more=newer(text), root="opnsense")) == verdict


def test_a_rule_may_be_for_all_but_some_interfaces_and_may_be_off() -> None:
    others = one().replace("<interfacenot>0", "<interfacenot>1").replace(">lan<", ">wan<")
    off = one().replace("<enabled>1", "<enabled>0")

    assert lan(config(filters="", more=newer(others), root="opnsense")) == "ok-routed dmz-web"
    assert lan(config(filters="", more=newer(off), root="opnsense")) == "dropped"


def test_source_nat_holds_in_whatever_mode() -> None:
    nat = (
        "<rule><enabled>1</enabled><interface>wan</interface><ipprotocol>inet</ipprotocol>"
        "<source_net>lan</source_net><destination_net>any</destination_net><target>203.0.113.9</target></rule>"
    )
    (outcome,) = asked(
        gateway(config(more=newer(nat, "snatrules"), root="opnsense")), IN_LAN, at="198.51.100.9"
    ).outcomes
    assert outcome.endpoint is not None
    assert outcome.endpoint.seen_source == addresses("203.0.113.9")


def test_pairs_are_pairs() -> None:
    pair = (
        "<rule><enabled>1</enabled><interface>wan</interface><type>binat</type>"
        "<source_net>192.168.1.20</source_net><external>203.0.113.8</external></rule>"
    )
    text = config(filters=admitted(), more=newer(pair, "onetoone"), root="opnsense")

    assert ended(gateway(text), INTERNET, at="203.0.113.8") == "ok-dnat web"


@pytest.mark.parametrize(
    ("more", "verdict"),
    [
        ("<pass>pass</pass>", "ok-dnat web"),
        ("<pass>rule</pass>", "ok-dnat web"),
        ("<pass/>", "dropped"),
        ("<pass>rule</pass><disabled>1</disabled>", "dropped"),
        ("<pass>rule</pass><disabled/><nordr>0</nordr>", "ok-dnat web"),
    ],
)
def test_a_forward_of_newer_versions_registers_its_rule(more: str, verdict: str) -> None:
    text = config(forward(more=more, source="<network/>"), "", root="opnsense")

    assert ended(gateway(text), INTERNET, at=PUBLIC) == verdict


def test_forwards_tell_their_order() -> None:
    last = forward(target="192.168.1.99", more="<sequence>2</sequence>")
    first = forward(more="<sequence>1</sequence>")

    found = gateway(config(last + first, admitted(), root="opnsense"))

    assert ended(found, INTERNET, at=PUBLIC) == "ok-dnat web"


def test_empty_switches_are_off_and_sections_are_made() -> None:
    root = xml_places.read("<opnsense><interfaces><lan><enable/><any/></lan></interfaces></opnsense>", "f")
    brought_over(root)

    assert [one.tag for one in root.children] == ["interfaces", "nat", "filter"]
    assert root.child("interfaces", "lan", "enable") is None
    assert root.child("interfaces", "lan", "any") is not None

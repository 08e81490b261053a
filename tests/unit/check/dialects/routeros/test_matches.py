"""What stands in a rule about packets, as conditions."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.routeros.matches import NEVER, NOT_MATCHERS, WIDENED
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Ports,
    Protocols,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
    Unknown,
)
from splitdns.check.sets import PORTS, Numbers
from tests.check.gateways import addresses
from tests.check.routeros import USUAL, chain, filter_rule, usual, wrong

IN, OUT = Side.SOURCE, Side.DESTINATION


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("src-address=10.0.0.0/8", Addresses(IN, addresses("10.0.0.0/8"))),
        ("dst-address=!10.0.0.1", Addresses(OUT, addresses("0.0.0.0/0") - addresses("10.0.0.1"))),
        ("dst-address-type=local", AddressTypes(OUT, frozenset({"local"}))),
        ("src-address-type=!local", AddressTypes(IN, frozenset({"local"}), negated=True)),
        ("in-interface=ether1", Interfaces(IN, frozenset({"ether1"}))),
        ("out-interface=!ether1", Interfaces(OUT, frozenset({"ether1"}), negated=True)),
        ("in-interface-list=!LAN", Interfaces(IN, frozenset({"bridge"}), negated=True)),
        ("out-interface-list=WAN", Interfaces(OUT, frozenset({"ether1"}))),
        ("in-interface-list=!all", Interfaces(IN, frozenset({"*"}), negated=True)),
        ("in-interface-list=none", Interfaces(IN, frozenset())),
        ("protocol=!tcp", Protocols(Numbers.of((0, 5), (7, 255)))),
        ("src-port=53", Ports(IN, Numbers.one(53))),
        ("dst-port=!80,443", Ports(OUT, PORTS - Numbers.of((80, 80), (443, 443)))),
        ("port=53", AnyOf(((Ports(IN, Numbers.one(53)),), (Ports(OUT, Numbers.one(53)),)))),
        ("tcp-flags=syn,!ack", TcpFlags(18, 2)),
        ("tcp-flags=!fin", TcpFlags(1, 0)),
        ("connection-state=established,related", States(frozenset({State.ESTABLISHED, State.RELATED}))),
        ("connection-state=!new", States(frozenset(State) - {State.NEW})),
        ("connection-nat-state=!dstnat", Translated(OUT, expected=False)),
        ("connection-nat-state=srcnat,dstnat", AnyOf(((Translated(IN),), (Translated(OUT),)))),
        ("connection-mark=no-mark", Mark(Of.CONNECTION, Numbers.one(0))),
        ("packet-mark=!no-mark", Mark(Of.PACKET, Numbers(((1, 0xFFFF_FFFF),)), 0xFFFF)),
        ("ipsec-policy=in,ipsec", NEVER),
        ("fragment=yes", NEVER),
    ],
)  # fmt: skip
def test_a_matcher_is_a_condition(words: str, expected: Condition) -> None:
    assert filter_rule(f"action=accept {words}").conditions == (expected,)


@pytest.mark.parametrize(
    "words",
    ["in-interface=all", "in-interface-list=all", "ipsec-policy=out,none", "fragment=no", 'dst-port=""'],
)
def test_some_matchers_hold_for_every_packet(words: str) -> None:
    assert filter_rule(f"action=accept {words}").conditions == ()


def test_icmp_has_types_and_codes() -> None:
    assert filter_rule("icmp-options=8:0-255").conditions == (
        Protocols(Numbers.one(1)), IcmpTypes(Numbers.one(8)),
    )  # fmt: skip
    assert isinstance(filter_rule("icmp-options=3:4").conditions[-1], Unknown)
    assert len(filter_rule("icmp-options=8:0,0:0").conditions) == 2


@pytest.mark.parametrize(
    ("words", "holds"),
    [
        ("action=accept limit=10,5:packet", True),
        ("action=accept dst-limit=1,5,dst-address", True),
        ("action=drop limit=10,5:packet", None),
        ("action=drop limit=!10,5:packet", False),
        ("action=drop connection-limit=100,32", False),
        ("action=accept connection-limit=!100,32", True),
        ("action=accept connection-limit=100,32", None),
        ("action=drop psd=21,3s,3,1", False),
        ("action=add-src-to-address-list psd=21,3s,3,1", False),
        ("action=jump jump-target=x limit=10,5", None),
    ],
)
def test_rates_are_asked_of_one_connection(words: str, holds: bool | None) -> None:
    found = filter_rule(words).conditions

    if holds is None:
        assert isinstance(found[0], Unknown)
    else:
        assert found == (() if holds else (NEVER,))


def test_what_ipsec_takes_is_not_known_where_there_is_any() -> None:
    rule = "/ip firewall nat\nadd chain=srcnat ipsec-policy=out,none"
    found = usual("/ip ipsec peer\nadd address=192.0.2.1", rule)

    assert isinstance(chain(found, "srcnat").rules[0].conditions[0], Unknown)


@pytest.mark.parametrize("key", sorted(WIDENED))
def test_what_one_connection_does_not_tell_is_widened(key: str) -> None:
    assert isinstance(filter_rule(f"action=drop {key}=1").conditions[0], Unknown)


def test_a_matcher_that_nobody_knows_may_hold_or_not() -> None:
    found = usual("/ip firewall filter\nadd chain=forward action=drop frobnicate=yes")

    assert [(note.support.value, note.name) for note in found.ruleset.notes] == [("unknown", "frobnicate")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("connection-state=fresh", "some of new, established"),
        ("connection-nat-state=x", "srcnat or dstnat"),
        ("dst-address-type=home", "some of local"),
        ("icmp-options=ping", "types with codes"),
        ("tcp-flags=x", "some of fin"),
        ("ipsec-policy=x", "in or out"),
    ],
)
def test_a_value_that_a_matcher_does_not_have_is_told(words: str, expected: str) -> None:
    (message,) = wrong(f"{USUAL}/ip firewall filter\nadd chain=forward {words}")

    assert message.startswith("gateway.rsc:18:19: expected " + expected)


def test_no_word_is_two_things() -> None:
    assert not WIDENED & NOT_MATCHERS

"""Rules and forwardings stand in the chains of their zones."""

from __future__ import annotations

import pytest

from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    Drop,
    IcmpTypes,
    Interfaces,
    Jump,
    Of,
    Ports,
    Protocols,
    SetMark,
    Side,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses
from tests.check.openwrt.routers import chain, notes, rules, section, usual


@pytest.mark.parametrize(
    ("options", "where", "action"),
    [
        ({"src": "wan", "target": "ACCEPT"}, "input_wan", Accept()),
        ({"src": "*", "target": "DROP"}, "input", Drop()),
        ({"src": "wan", "dest": "lan", "target": "ACCEPT"}, "forward_wan", Jump("accept_to_lan")),
        ({"src": "wan", "dest": "*", "target": "REJECT"}, "forward_wan", Jump("handle_reject")),
        ({"src": "*", "dest": "*", "target": "ACCEPT"}, "forward", Accept()),
        ({"src": "*", "dest": "lan", "target": "REJECT"}, "forward", Jump("reject_to_lan")),
        ({"dest": "wan", "target": "DROP"}, "output_wan", Jump("drop_to_wan")),
        ({"target": "DROP"}, "output", Drop()),
        ({"src": "lan", "target": "NOTRACK"}, "notrack_lan", Untrack()),
        ({"src": "lan", "dest": "*", "target": "MARK", "set_mark": "1"}, "mangle_prerouting",
         SetMark(Of.PACKET, 1)),
        ({"src": "lan", "dest": "wan", "target": "MARK", "set_xmark": "1/3"}, "mangle_forward",
         SetMark(Of.PACKET, 1, 3)),
    ],
)  # fmt: skip
def test_a_rule_stands_in_the_chain_of_its_zones(
    options: dict[str, str], where: str, action: Action
) -> None:
    found = chain(usual(section("rule", proto="tcp", dest_port="22", **options)), where).rules

    mine = [one for one in found if Ports(Side.DESTINATION, Numbers.one(22)) in one.conditions]
    assert [one.action for one in mine] == [action]
    assert Protocols(Numbers.one(6)) in mine[0].conditions


def test_a_mark_names_the_devices_of_its_zone() -> None:
    found = usual(section("rule", src="lan", dest="*", target="MARK", set_mark="1"))

    for rule in chain(found, "mangle_prerouting").rules:
        assert Interfaces(Side.SOURCE, frozenset({"br-lan"})) in rule.conditions


def test_without_a_protocol_a_rule_is_for_tcp_and_udp() -> None:
    found = rules("input_wan", section("rule", src="wan", target="ACCEPT"))

    assert [rule.conditions for rule in found] == [
        (Protocols(Numbers.one(6)),),
        (Protocols(Numbers.one(17)),),
    ]


def test_addresses_part_a_rule_by_family() -> None:
    both = section("rule", src="wan", proto="tcp", src_ip=["10.0.0.0/8", "fd00::/8"], target="DROP")

    four, six = rules("input_wan", both)
    assert (four.families, six.families) == ({4}, {6})
    assert Addresses(Side.SOURCE, addresses("fd00::/8")) in six.conditions


def test_types_of_icmp_with_a_code_may_hold() -> None:
    text = section(
        "rule", src="wan", proto="icmp", icmp_type=["echo-request", "bad-header"], target="DROP"
    )

    found = rules("input_wan", text)
    assert [(sorted(rule.families), rule.conditions[1:]) for rule in found] == [
        ([4], (IcmpTypes(Numbers.one(8)),)),
        ([6], (IcmpTypes(Numbers.one(128)),)),
        ([6], (IcmpTypes(Numbers.one(4)), Unknown("the code of an ICMP message"))),
    ]
    accepting = rules("input_wan", text.replace("DROP", "ACCEPT"))
    assert accepting[-1].conditions[1:] == (IcmpTypes(Numbers.one(4)),)


def test_rules_come_before_forwardings() -> None:
    text = section("forwarding", src="guest", dest="dmz") + section(
        "rule", src="guest", dest="dmz", proto="all", target="DROP"
    )

    found = chain(usual(text), "forward_guest").rules
    assert [one.action for one in found[:3]] == [
        Jump("drop_to_dmz"),
        Jump("accept_to_wan"),
        Jump("accept_to_dmz"),
    ]


def test_a_limit_before_accept_is_not_reached_and_others_are_not_known() -> None:
    (rule,) = rules("input_wan", section("rule", src="wan", proto="tcp", limit="5/min", target="ACCEPT"))
    assert rule.conditions == (Protocols(Numbers.one(6)),)
    (rule,) = rules("input_wan", section("rule", src="wan", proto="tcp", limit="5/min", target="DROP"))
    assert rule.conditions[-1] == Unknown("a limit")


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("rule", {"src": "wan", "target": "ACCEPT", "enabled": "0"}, "it is disabled"),
        ("rule", {"src": "wan"}, "it has no target: it only counts"),
        ("rule", {"target": "NOTRACK"}, "target notrack needs a zone as src"),
        ("rule", {"src": "lan", "target": "MARK"}, "target mark needs set_mark or set_xmark"),
        ("rule", {"src": "lan", "target": "SNAT"}, "target snat is not for rules"),
        ("rule", {"src": "lan", "device": "!x", "target": "DROP"}, "expected the name of a device"),
        ("rule", {"src": "lan", "dest_port": "web", "target": "DROP"}, "expected a port or a range"),
        ("rule", {"src": "lan", "proto": "tcp", "colour": "red", "target": "DROP"}, "fw4 does not know it"),
        ("forwarding", {"src": "lan"}, "option dest is missing"),
        ("forwarding", {"src": "lan", "dest": "wan", "enabled": "0"}, "it is disabled"),
    ],
)
def test_what_fw4_leaves_out_is_noted(kind: str, options: dict[str, str], said: str) -> None:
    assert said in " ".join(one.reason for one in notes(section(kind, **options)))

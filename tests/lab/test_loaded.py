"""The model of a gateway, loaded into Linux, is that gateway: a kernel does what the walk says of it."""

from __future__ import annotations

import secrets
from dataclasses import replace

import pytest

from splitdns.check.model import (
    Accept,
    Addresses,
    AnyOf,
    Chain,
    Condition,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Opaque,
    Origin,
    Ports,
    Protocols,
    Return,
    Rule,
    Ruleset,
    Side,
    Translate,
    Unknown,
)
from splitdns.check.sets import NONE, Numbers
from splitdns.errors import Where
from tests.lab.agree import rewritten
from tests.lab.generate import draw
from tests.lab.loaded import script
from tests.lab.worded import UnsaidError

GATEWAYS = 15
ORIGIN = Origin(Where("gateway.rsc", 7, 1), "add chain=forward")
WEB = Addresses(Side.DESTINATION, Numbers.one(0xC0A80114))
TCP = Protocols(Numbers.one(6))


def rules_of(*rules: Rule, **more: object) -> list[str]:
    """The lines of a chain in the forward hook, without what is around them."""
    chain = replace(Chain("device filter", "forward", rules, Hook.FORWARD, families=frozenset({4})), **more)  # type: ignore[arg-type]
    return script(Ruleset((chain,))).splitlines()[3:-2]


def rule(*conditions: Condition, action: object = None, families: tuple[int, ...] = (4,)) -> Rule:
    return Rule(conditions, action or Accept(), ORIGIN, frozenset(families))  # type: ignore[arg-type]


@pytest.mark.root
@pytest.mark.needs("nft", "iptables", "ipset", "sysctl")
@pytest.mark.usefixtures("gateways")
@pytest.mark.timeout(600)
def test_rewritten_gateways_do_what_the_walk_says_of_their_model() -> None:
    seed, cases = secrets.token_hex(4), 0
    for at in range(GATEWAYS):
        found = rewritten(draw(f"{seed}-{at}"))
        cases += len(found)
        for one in found:
            assert one.agrees or one.is_maybe, f"seed {seed}-{at}\n{one}"
    assert cases > 10 * GATEWAYS


def test_a_rule_is_said_in_words_of_nft() -> None:
    ports = Ports(Side.DESTINATION, Numbers.of((80, 80), (8000, 8010)))
    came = Interfaces(Side.SOURCE, frozenset({"ether1", "vpn*"}))

    assert rules_of(rule(WEB, TCP, ports)) == [
        "ip daddr 192.168.1.20 meta l4proto 6 meta l4proto { 6, 17, 33, 132, 136 } th dport { 80, 8000-8010 }"
        " accept"
    ]
    assert rules_of(rule(came, action=Drop())) == ['iifname "ether1" drop', 'iifname "vpn*" drop']
    assert rules_of(rule(Addresses(Side.SOURCE, NONE))) == []


def test_a_rule_for_both_families_is_said_for_each_where_it_names_addresses() -> None:
    both = frozenset({4, 6})

    assert rules_of(rule(TCP, families=(4, 6)), families=both) == ["meta l4proto 6 accept"]
    assert rules_of(rule(WEB, families=(4, 6)), families=both) == [
        "meta nfproto ipv4 ip daddr 192.168.1.20 accept",
        "meta nfproto ipv6 ip6 daddr ::c0a8:114 accept",
    ]


def test_ports_are_shifted_one_by_one() -> None:
    to = Translate(Side.DESTINATION, Numbers.one(0xC0A80114), Numbers.of((90, 92)), 80)

    assert rules_of(rule(TCP, action=to)) == [
        "meta l4proto 6 dnat ip to 192.168.1.20:th dport map { 80 : 90, 81 : 91, 82 : 92 }"
    ]


def test_all_but_a_set_of_tuples_is_a_chain_of_its_own() -> None:
    but = AnyOf(((WEB, TCP),), negated=True)

    chain = Chain("device filter", "x", (rule(but),), families=frozenset({4}))
    assert script(Ruleset((chain,))).splitlines()[2:-1] == [
        "chain c0_0 {",
        "ip daddr 192.168.1.20 meta l4proto 6 return",
        "accept",
        "}",
        "chain c0 {  # x",
        "jump c0_0",
        "}",
    ]
    with pytest.raises(UnsaidError, match="leaving a chain"):
        rules_of(rule(but, action=Return()))


@pytest.mark.parametrize(
    ("odd", "why"),
    [
        (rule(Unknown("layer7-protocol is not modelled")), "layer7-protocol is not modelled"),
        (rule(AnyOf(((WEB, Unknown("time")),))), "time"),
        (rule(action=Opaque("a program decides")), "a program decides"),
        (rule(Interfaces(Side.SOURCE, frozenset({"bridge of the office"}))), "which Linux cannot have"),
    ],
    ids=["condition", "within a set", "action", "interface"],
)
def test_what_is_not_known_is_refused_with_its_place(odd: Rule, why: str) -> None:
    with pytest.raises(UnsaidError, match=rf"gateway.rsc:7:1: add chain=forward: .*{why}"):
        rules_of(odd)


def test_a_policy_is_for_the_families_of_its_chain_alone() -> None:
    four = Chain("device filter", "in", (), Hook.FORWARD, accepts=False, families=frozenset({4}))
    six = Chain("device filter", "in6", (), Hook.FORWARD, families=frozenset({6}))

    lines = script(Ruleset((four, six))).splitlines()

    assert "type filter hook forward priority 0; policy accept;" in lines
    assert [line for line in lines if line.endswith("drop")] == ["meta nfproto ipv4 drop"]
    assert "type filter hook forward priority 0; policy drop;" in script(Ruleset((four,))).splitlines()


def test_a_jump_leads_to_the_chain_of_its_family() -> None:
    both = frozenset({4, 6})
    jump = Rule((), Jump("lan"), ORIGIN, both)
    base = Chain("device filter", "in", (jump,), Hook.INPUT, families=both)
    inner = [Chain("device filter", "lan", (), families=frozenset({family})) for family in (4, 6)]

    lines = script(Ruleset((base, *inner))).splitlines()

    assert [line for line in lines if "jump" in line] == [
        "meta nfproto ipv4 jump c1",
        "meta nfproto ipv6 jump c2",
    ]

"""Chains of nft as chains of the model, those at devices too."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_chains import chains, device_is_missing, inner_chain, table_name
from splitdns.check.rules import Accept, Chain, Drop, Hook, Interfaces, Jump, Origin, Rule, Side, Unknown
from splitdns.errors import Where

ORIGIN = Origin(Where("f", 1, 1))
RULES = (Rule((), Accept(), ORIGIN),)


def made(family: str = "inet", **body: Json) -> list[Chain]:
    return list(chains(family, "t", "c", body, RULES, ORIGIN))


def test_a_chain_without_a_hook_is_one_to_jump_to() -> None:
    assert made() == [inner_chain("inet", "t", "c", RULES)]
    assert made()[0].table == table_name("inet", "t") == "nft inet t"


def test_a_base_chain_is_as_it_says() -> None:
    (chain,) = made("bridge", type="nat", hook="prerouting", prio=-5, policy="drop")
    assert chain == Chain(
        "nft bridge t", "c", RULES, Hook.PREROUTING, -5, is_nat=True, accepts=False, bridged=True
    )
    (chain,) = made("ip6", type="filter", hook="input", prio=0)
    assert (chain.accepts, chain.families) == (True, {6})


def test_a_chain_at_devices_holds_only_there() -> None:
    inner, base = made("netdev", hook="ingress", prio=-500, policy="accept", dev=["wan", "dsl"])
    assert (base.hook, base.priority, base.accepts) == (Hook.INGRESS, -500, True)
    assert [rule.conditions for rule in base.rules] == [(Interfaces(Side.SOURCE, frozenset({"wan", "dsl"})),)]
    assert base.rules[0].action == Jump(inner.name)
    assert (inner.hook, inner.rules) == (None, RULES)


def test_the_policy_of_a_chain_at_a_device_holds_only_there() -> None:
    inner, policy, base = made("netdev", type="filter", hook="ingress", prio=0, policy="drop", dev="wan")
    assert base.accepts
    assert base.rules[0].action == Jump(policy.name)
    assert [(rule.conditions, rule.action) for rule in policy.rules] == [((), Jump(inner.name)), ((), Drop())]


def test_frames_that_leave_meet_a_chain_after_all_others() -> None:
    _, base = made("netdev", type="filter", hook="egress", prio=0, policy="accept", dev="wan")
    assert (base.hook, base.priority) == (Hook.POSTROUTING, 2**31 - 1)
    assert base.rules[0].conditions == (Interfaces(Side.DESTINATION, frozenset({"wan"})),)


def test_a_device_that_nft_does_not_print_may_be_any() -> None:
    _, base = made("inet", type="filter", hook="ingress", prio=0, policy="accept")
    (condition,) = base.rules[0].conditions
    assert isinstance(condition, Unknown)
    assert device_is_missing({"hook": "ingress"})
    assert not device_is_missing({"hook": "egress", "dev": "wan"})
    assert not device_is_missing({"hook": "input"})
    assert not device_is_missing({"hook": ["ingress"]})


@pytest.mark.parametrize(
    "body", [{"hook": "nowhere"}, {"hook": 5}, {"hook": "input", "prio": "x"}, {"hook": "ingress", "dev": 5}]
)
def test_a_broken_chain_is_named(body: dict[str, Json]) -> None:
    with pytest.raises(Misshapen):
        made(**body)

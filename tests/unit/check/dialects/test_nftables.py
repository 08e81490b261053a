"""The whole reader, from nft's JSON to chains of the model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from splitdns.check.dialects.nftables import read
from splitdns.check.rules import (
    Accept,
    Addresses,
    Chain,
    Drop,
    Goto,
    Hook,
    Interfaces,
    Jump,
    Mark,
    Masquerade,
    Of,
    Opaque,
    Pass,
    Ports,
    Protocols,
    Rule,
    Ruleset,
    SetMark,
    Side,
    Support,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError

WAN_IN = {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": "wan"}}
HTTPS = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 443}}
ACCEPT = {"accept": None}


def ruleset(*rules: Sequence[object], family: str = "inet", **chain: object) -> str:
    things: list[object] = [
        {"metainfo": {"version": "1.0.6", "json_schema_version": 1}},
        {"table": {"family": family, "name": "t", "handle": 1}},
        {"chain": {"family": family, "table": "t", "name": "c", "handle": 2, **chain}},
    ]
    for handle, rule in enumerate(rules, 10):
        things.append(
            {"rule": {"family": family, "table": "t", "chain": "c", "handle": handle, "expr": list(rule)}}
        )
    return json.dumps({"nftables": things})


def chain_of(text: str, name: str = "c") -> Chain:
    return next(one for one in read(text, "nft.json").chains if one.name == name)


def rules_of(*rules: Sequence[object], family: str = "inet") -> tuple[Rule, ...]:
    return chain_of(ruleset(*rules, family=family)).rules


def test_a_port_forward_is_a_translation_of_ipv4_only_in_a_table_of_both() -> None:
    dnat = {"dnat": {"family": "ip", "addr": "192.168.1.20", "port": 8443}}
    (rule,) = rules_of([WAN_IN, HTTPS, {"counter": {"packets": 0, "bytes": 0}}, dnat])
    assert rule.conditions == (
        Interfaces(Side.SOURCE, frozenset({"wan"})),
        Protocols(Numbers.one(6)),
        Ports(Side.DESTINATION, Numbers.one(443)),
    )
    target = Numbers.one(int(ip_address("192.168.1.20")))
    assert rule.action == Translate(Side.DESTINATION, target, Numbers.one(8443))
    assert rule.families == {4}


def test_a_base_chain_has_its_hook_priority_type_and_policy() -> None:
    text = ruleset([{"masquerade": None}], type="nat", hook="postrouting", prio=100, policy="drop")
    chain = chain_of(text)
    assert (chain.hook, chain.priority, chain.is_nat, chain.accepts) == (Hook.POSTROUTING, 100, True, False)
    assert chain.table == "nft inet t"
    assert [rule.action for rule in chain.rules] == [Masquerade()]


def test_a_table_of_one_family_sees_only_that() -> None:
    assert rules_of([ACCEPT], family="ip6")[0].families == {6}
    assert chain_of(ruleset([ACCEPT], family="ip")).families == {4}


def test_a_rule_knows_its_place_its_handle_and_its_words() -> None:
    text = ruleset([WAN_IN, HTTPS, ACCEPT])
    (rule,) = chain_of(text).rules
    assert rule.origin.handle == 10
    assert rule.origin.text == "iifname wan tcp dport 443 accept"
    at = text.index('{"rule"')
    assert (rule.origin.where.line, rule.origin.where.column) == (1, at + 1)
    pretty = json.dumps(json.loads(text), indent=2)
    where = chain_of(pretty).rules[0].origin.where
    assert pretty.splitlines()[where.line - 1][where.column - 1 :] == "{"
    assert pretty.splitlines()[where.line].strip() == '"rule": {'


def test_a_rule_without_effect_is_still_there() -> None:
    (rule,) = rules_of([WAN_IN, {"log": None}])
    assert rule.action == Pass()


def test_several_effects_of_a_rule_are_several_rules_with_the_same_conditions() -> None:
    mark = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}}
    first, second = rules_of([WAN_IN, mark, HTTPS, ACCEPT])
    assert first.action == SetMark(Of.PACKET, 7)
    assert second.action == Accept()
    assert first.conditions == second.conditions[:1]
    assert len(second.conditions) == 3


def test_a_mark_that_was_asked_for_may_be_changed_and_the_rule_goes_on() -> None:
    asked = {"match": {"op": "==", "left": {"meta": {"key": "mark"}}, "right": 0}}
    mark = {"mangle": {"key": {"meta": {"key": "mark"}}, "value": 7}}
    text = ruleset([asked, mark, HTTPS, ACCEPT])
    (jump,) = chain_of(text).rules
    assert jump.conditions == (Mark(Of.PACKET, Numbers.one(0)),)
    assert isinstance(jump.action, Jump)
    first, second = chain_of(text, jump.action.chain).rules
    assert (first.conditions, first.action) == ((), SetMark(Of.PACKET, 7))
    assert second.action == Accept()
    assert chain_of(text, jump.action.chain).hook is None


def test_jumps_and_verdict_maps_name_chains_of_the_table() -> None:
    key = {"payload": {"protocol": "tcp", "field": "dport"}}
    data = {"set": [[22, {"jump": {"target": "c"}}], [23, {"goto": {"target": "c"}}], [24, {"drop": None}]]}
    rules = rules_of([{"vmap": {"key": key, "data": data}}])
    assert [rule.action for rule in rules] == [Jump("c"), Goto("c"), Drop()]
    assert [rule.conditions[1] for rule in rules] == [
        Ports(Side.DESTINATION, Numbers.one(port)) for port in (22, 23, 24)
    ]


def test_a_chain_whose_device_is_not_printed_is_widened_and_noted() -> None:
    text = ruleset([WAN_IN, ACCEPT], family="netdev", type="filter", hook="ingress", prio=-500, policy="drop")
    notes = read(text, "f").notes
    assert [(note.support, note.name) for note in notes] == [(Support.WIDENED, "chain c")]


def test_arp_is_left_out_and_says_so() -> None:
    read_ = read(ruleset([ACCEPT], family="arp", type="filter", hook="input", prio=0, policy="drop"), "f")
    assert read_.chains == ()
    assert [(note.support, note.name) for note in read_.notes] == [(Support.IGNORED, "table arp t")]


XT = [WAN_IN, {"xt": {"type": "target", "name": "DNAT"}}]


def refused(read_: Ruleset) -> list[str]:
    return [note.reason for note in read_.notes if note.support is Support.REFUSED]


def test_tables_of_iptables_name_the_command_that_tells_more__semantics_25() -> None:
    read_ = read(ruleset(XT, XT, family="ip", type="nat", hook="prerouting", prio=-100, policy="accept"), "f")
    (reason,) = refused(read_)
    assert "iptables-save" in reason
    assert [type(rule.action) for rule in read_.chains[0].rules] == [Opaque, Opaque]
    (reason,) = refused(read(ruleset(XT, family="ip6"), "f"))
    assert "ip6tables-save" in reason


def test_tables_that_were_read_from_iptables_save_are_left_out__semantics_25() -> None:
    text = ruleset(XT, [ACCEPT], family="ip", type="nat", hook="prerouting", prio=-100, policy="accept")
    read_ = read(text, "f", saved=frozenset({"ip t c"}))
    assert (read_.chains, refused(read_), read_.rules) == ((), [], 0)
    empty = ruleset(family="ip", type="filter", hook="forward", prio=0, policy="drop")
    assert read(empty, "f", saved=frozenset({"ip t c"})).chains == ()
    # What iptables-save could not say is read here.
    assert read(text, "f", saved=frozenset({"ip t other"})).rules == 2


def flagged(*flags: str) -> Ruleset:
    text = ruleset([ACCEPT], type="filter", hook="input", prio=0, policy="drop")
    return read(text.replace('"name": "t", "handle": 1', f'"name": "t", "flags": {json.dumps(flags)}'), "f")


def test_a_dormant_table_is_left_out_and_says_so() -> None:
    asleep = flagged("dormant")
    assert asleep.chains == ()
    assert [note.support for note in asleep.notes] == [Support.IGNORED]
    assert [chain.name for chain in flagged("owner").chains] == ["c"]


def test_a_table_with_flags_that_nft_garbles_may_be_dormant() -> None:
    garbled = flagged("t")
    assert [note.support for note in garbled.notes] == [Support.WIDENED]
    base = next(chain for chain in garbled.chains if chain.hook)
    assert base.accepts
    assert [type(condition) for condition in base.rules[0].conditions] == [Unknown]


def test_who_made_a_table_is_known_by_its_name() -> None:
    text = ruleset([ACCEPT]).replace('"t"', '"firewalld"')
    assert read(text, "f").chains[0].rules[0].origin.made_by == "firewalld"


def test_all_that_is_not_modelled_is_noted() -> None:
    hour = {"match": {"op": "==", "left": {"meta": {"key": "hour"}}, "right": "08:00"}}
    rule = [hour, {"flow": {"op": "add"}}]
    notes = read(ruleset(rule, [{"frobnicate": {}}]), "f").notes
    assert [(note.support, note.origin.handle) for note in notes] == [
        (Support.IGNORED, 10),
        (Support.WIDENED, 10),
        (Support.UNKNOWN, 11),
        (Support.WIDENED, 11),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (ruleset([ACCEPT]).replace('"chain": "c"', '"chain": "d"'), "chain 'd' of table inet t is not in"),
        (ruleset([ACCEPT]).replace('"chain": "c"', '"chain": 15'), "expected the chain of a rule"),
        (ruleset([ACCEPT]).replace('"inet"', '"ipx"'), "expected a family"),
        (ruleset([ACCEPT], hook="nowhere", prio=0), "expected a hook"),
        (ruleset([ACCEPT], hook="input", prio="first"), "expected a priority as a whole number"),
        (ruleset([{"match": {"op": "~", "left": {"meta": {"key": "mark"}}, "right": 1}}]), "expected one of"),
        (ruleset([{"jump": {}}]), "the chain to jump to"),
        (ruleset([{"accept": None, "drop": None}]), "an object with one key"),
    ],
)
def test_what_nft_does_not_print_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        read(text, "nft.json")
    assert caught.value.where.line == 1
    assert caught.value.where.column > 1


def test_addresses_of_a_named_set_are_read() -> None:
    source = {"payload": {"protocol": "ip", "field": "saddr"}}
    things = json.loads(ruleset([{"match": {"op": "!=", "left": source, "right": "@s"}}, ACCEPT]))
    network, commented = {"prefix": {"addr": "10.1.0.0", "len": 16}}, {"val": "10.0.0.2", "comment": "b"}
    elements = ["10.0.0.1", network, {"elem": commented}]
    named = {"family": "inet", "table": "t", "name": "s", "type": "ipv4_addr", "elem": elements}
    things["nftables"].append({"set": named})
    (rule,) = chain_of(json.dumps(things)).rules
    (condition,) = rule.conditions
    assert isinstance(condition, Addresses)
    assert (1 << 32) - condition.numbers.size == 65_538

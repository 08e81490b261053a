"""What the statements of a rule do, in order."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_json import Item
from splitdns.check.dialects.nftables_match import Within
from splitdns.check.dialects.nftables_sets import Sets
from splitdns.check.dialects.nftables_statements import Compiled, compiled
from splitdns.check.dialects.nftables_terms import (
    NEVER,
)
from splitdns.check.rules import (
    Accept,
    Action,
    Drop,
    Goto,
    Jump,
    Opaque,
    Pass,
    Ports,
    Protocols,
    Reject,
    Return,
    Side,
    Support,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers
from splitdns.errors import Where

ACCEPT: Json = {"accept": None}
SADDR: Json = {"payload": {"protocol": "ip", "field": "saddr"}}
DPORT: Json = {"payload": {"protocol": "tcp", "field": "dport"}}
ESTABLISHED: Json = {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["established"]}}


def rule(*statements: Json) -> Compiled:
    sets = Sets()
    sets.add(Item(Where("f"), "map", {"family": "inet", "table": "t", "name": "m", "flags": ["dynamic"]}))
    return compiled(list(statements), Within(sets, "inet", "t"), "rest")


def actions(*statements: Json) -> list[Action]:
    return [action for _, action in rule(*statements).acts]


@pytest.mark.parametrize(
    ("statement", "action"),
    [
        (ACCEPT, Accept()),
        ({"drop": None}, Drop()),
        ({"return": None}, Return()),
        ({"jump": {"target": "c"}}, Jump("c")),
        ({"goto": {"target": "c"}}, Goto("c")),
        ({"reject": None}, Reject()),
        ({"reject": {"type": "tcp reset"}}, Reject(reset=True)),
        ({"reject": {"type": "icmpx", "expr": "port-unreachable"}}, Reject()),
        ({"notrack": None}, Untrack()),
    ],
)
def test_a_verdict_and_its_kin(statement: Json, action: Action) -> None:
    assert actions(statement) == [action]


@pytest.mark.parametrize(("kind", "families"), [("icmp", {4}), ("icmpv6", {6}), ("icmpx", {4, 6})])
def test_an_icmp_error_is_of_its_family(kind: str, families: set[int]) -> None:
    ((terms, _),) = rule({"reject": {"type": kind, "expr": "no-route"}}).acts
    assert terms.families == families


def test_a_reset_is_of_tcp_also_where_nft_does_not_print_that_it_is() -> None:
    ((terms, _),) = rule({"reject": {"type": "tcp reset"}}).acts
    assert terms.conditions == (Protocols(Numbers.one(6)),)


@pytest.mark.parametrize(
    "statement", [{"counter": None}, {"counter": "c"}, {"log": {}}, {"continue": None}, {"last": {}}]
)
def test_what_only_counts_leaves_no_trace(statement: Json) -> None:
    done = rule(statement, ACCEPT)
    assert [action for _, action in done.acts] == [Accept()]
    assert done.notes == []


@pytest.mark.parametrize(
    "statement",
    [
        {"dup": {"addr": "10.0.0.1"}},
        {"flow": {"op": "add", "flowtable": "@f"}},
        {"ct helper": "h"},
        {"ct timeout": "h"},
        {"ct expectation": "h"},
        {"secmark": "s"},
        {"mangle": {"key": {"meta": {"key": "priority"}}, "value": 5}},
        {"mangle": {"key": {"ct": {"key": "label"}}, "value": 5}},
        {"mangle": {"key": {"payload": {"protocol": "ip", "field": "dscp"}}, "value": "cs1"}},
        {"mangle": {"key": {"tcp option": {"name": "maxseg", "field": "size"}}, "value": 1400}},
        {"set": {"op": "add", "elem": SADDR, "set": "@m"}},
    ],
)
def test_what_changes_no_way_is_noted_and_the_rule_goes_on(statement: Json) -> None:
    done = rule(statement, ACCEPT)
    assert [action for _, action in done.acts] == [Pass(), Accept()]
    assert [support for support, _, _ in done.notes] == [Support.IGNORED]


@pytest.mark.parametrize(
    "statement",
    [
        {"queue": {"num": 5}},
        {"tproxy": {"port": 80}},
        {"fwd": {"dev": "eth1"}},
        {"synproxy": {"mss": 1460}},
        {"xt": {"type": "target", "name": "DNAT"}},
        {"mangle": {"key": {"payload": {"protocol": "ip", "field": "daddr"}}, "value": "10.0.0.1"}},
        {"mangle": {"key": {"ct": {"key": "zone"}}, "value": 5}},
        {"vmap": {"key": DPORT, "data": "@m"}},
    ],
)
def test_what_may_do_anything_is_widened(statement: Json) -> None:
    done = rule(statement)
    assert isinstance(done.acts[0][1], Opaque)
    assert Support.WIDENED in {support for support, _, _ in done.notes}


def test_a_statement_never_seen_may_do_anything() -> None:
    done = rule({"frobnicate": 5})
    assert isinstance(done.acts[0][1], Opaque)
    assert done.notes[0][:2] == (Support.UNKNOWN, "frobnicate")


def test_a_limit_for_each_key_presupposes_the_key() -> None:
    over: Json = {"limit": {"rate": 1, "per": "day", "inv": True}}
    flood: Json = {"meter": {"name": "m", "key": DPORT, "stmt": over}}
    ((terms, action),) = rule(flood, {"drop": None}).acts
    assert (terms.conditions, action) == ((Protocols(Numbers.one(6)), NEVER), Drop())


def test_a_quota_remembers() -> None:
    done = rule({"quota": {"val": 5, "val_unit": "mbytes"}}, ACCEPT)
    assert done.acts[0][0].conditions == (Unknown("quota"),)
    assert [support for support, _, _ in done.notes] == [Support.WIDENED]


def test_a_match_of_iptables_is_unknown_and_a_comment_of_iptables_none() -> None:
    xt: Json = {"xt": {"type": "match", "name": "recent"}}
    ((terms, action),) = rule({"xt": {"type": "match", "name": "comment"}}, xt, ACCEPT).acts
    assert (terms.conditions, action) == ((Unknown("xt match recent"),), Accept())


def test_filling_a_set_presupposes_the_key_and_may_end_the_rule() -> None:
    limit: Json = [{"limit": {"rate": 1, "per": "day", "inv": True}}, {"counter": None}]
    limited: Json = {"set": {"op": "update", "elem": DPORT, "set": "@m", "stmt": limit}}
    ((_, passing), (terms, action)) = rule(limited, {"drop": None}).acts
    assert (passing, action) == (Pass(), Drop())
    assert terms.conditions == (Protocols(Numbers.one(6)), NEVER)
    ((_, _), (terms, _)) = rule({"set": {"op": "delete", "elem": DPORT, "set": "@m"}}, ACCEPT).acts
    assert isinstance(terms.conditions[1], Unknown)


def test_a_named_object_by_a_map_ends_the_rule_where_the_map_has_none() -> None:
    by_port: Json = {"map": {"key": DPORT, "data": {"set": [[80, "web"]]}}}
    for statement in ({"counter": by_port}, {"ct helper": by_port}):
        ((terms, action),) = rule(statement, ACCEPT).acts
        assert (terms.conditions[1], action) == (Ports(Side.DESTINATION, Numbers.one(80)), Accept())
    ((terms, _),) = rule({"counter": {"map": {"key": DPORT, "data": "@m"}}}, ACCEPT).acts
    assert isinstance(terms.conditions[1], Unknown)


def test_a_map_without_elements_ends_the_rule() -> None:
    mark: Json = {"map": {"key": DPORT, "data": {"set": []}}}
    done = rule({"mangle": {"key": {"meta": {"key": "mark"}}, "value": mark}}, ACCEPT)
    assert [terms.conditions for terms, _ in done.acts] == [(NEVER,)]


def test_a_verdict_by_chance_may_be_any() -> None:
    data: Json = {"set": [[0, {"drop": None}], [1, {"continue": None}]]}
    acts = rule({"vmap": {"key": {"numgen": {"mode": "random", "mod": 2, "offset": 0}}, "data": data}}).acts
    assert [action for _, action in acts] == [Drop(), Pass()]
    assert all(isinstance(terms.conditions[0], Unknown) for terms, _ in acts)


def test_no_tracking_after_a_state_was_asked_for_goes_on_in_a_chain_of_its_own() -> None:
    done = rule(ESTABLISHED, {"notrack": None}, ACCEPT)
    assert [action for _, action in done.acts] == [Jump("rest")]
    assert done.rest == [{"notrack": None}, ACCEPT]
    assert rule(ESTABLISHED, {"notrack": None}).rest == []


def test_a_mark_that_is_set_in_several_steps_is_asked_for_once() -> None:
    asked: Json = {"match": {"op": "==", "left": {"ct": {"key": "mark"}}, "right": 0}}
    value: Json = {"|": [{"meta": {"key": "mark"}}, 128]}
    done = rule(asked, {"mangle": {"key": {"ct": {"key": "mark"}}, "value": value}})
    assert [action for _, action in done.acts] == [Jump("rest")]
    assert len(done.rest) == 1


def test_options_of_translations_are_noted() -> None:
    done = rule({"masquerade": {"flags": ["random", "persistent"]}})
    assert [name for _, name, _ in done.notes] == ["masquerade random", "masquerade persistent"]


@pytest.mark.parametrize(
    "statement",
    [
        5,
        {},
        {"jump": None},
        {"match": 5},
        {"mangle": {"key": 5}},
        {"vmap": {"key": DPORT, "data": {"set": [[80, {"x": 1}]]}}},
    ],
)
def test_a_broken_shape_is_named(statement: Json) -> None:
    with pytest.raises(Misshapen):
        rule(statement)

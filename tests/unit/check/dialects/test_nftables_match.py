"""What a match means: operators, sets, concatenations, maps."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_json import Item
from splitdns.check.dialects.nftables_match import (
    MAX_VALUES,
    Within,
    mapped,
    matches,
    possible_values,
    presupposed,
)
from splitdns.check.dialects.nftables_sets import Sets
from splitdns.check.dialects.nftables_terms import (
    ALWAYS,
    NEVER,
    Chance,
    Terms,
)
from splitdns.check.rules import (
    Addresses,
    AnyOf,
    Interfaces,
    Ports,
    Protocols,
    ReversePath,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.errors import Where

TCP = Protocols(Numbers.one(6))
DPORT: Json = {"payload": {"protocol": "tcp", "field": "dport"}}
SADDR: Json = {"payload": {"protocol": "ip", "field": "saddr"}}
SADDR6: Json = {"payload": {"protocol": "ip6", "field": "saddr"}}
IIFNAME: Json = {"meta": {"key": "iifname"}}
NFPROTO: Json = {"meta": {"key": "nfproto"}}
STATUS: Json = {"ct": {"key": "status"}}
FLAGS: Json = {"payload": {"protocol": "tcp", "field": "flags"}}
HASH: Json = {"jhash": {"mod": 2, "expr": SADDR}}


def within(**named: Json) -> Within:
    sets = Sets()
    for name, body in named.items():
        assert isinstance(body, dict)
        sets.add(Item(Where("f"), "set", {"family": "inet", "table": "t", "name": name, **body}))
    return Within(sets, "inet", "t")


def match(left: Json, operator: str, right: Json, **named: Json) -> list[Terms]:
    return matches({"op": operator, "left": left, "right": right}, within(**named))


def dport(*ranges: tuple[int, int]) -> list[Terms]:
    return [Terms(conditions=(TCP, Ports(Side.DESTINATION, Numbers.of(*ranges))))]


@pytest.mark.parametrize(
    ("operator", "right", "ranges"),
    [
        ("==", 80, [(80, 80)]),
        ("!=", 80, [(0, 79), (81, 65_535)]),
        ("<", 80, [(0, 79)]),
        ("<=", 80, [(0, 80)]),
        (">", 80, [(81, 65_535)]),
        (">=", 80, [(80, 65_535)]),
        ("<", 0, []),
        (">", 65_535, []),
        ("==", {"range": [80, 90]}, [(80, 90)]),
        ("!=", {"set": [80, 443]}, [(0, 79), (81, 442), (444, 65_535)]),
        ("==", "@web", [(80, 80), (443, 443)]),
        ("!=", "@web", [(0, 79), (81, 442), (444, 65_535)]),
    ],
)
def test_an_operator_makes_a_set_and_never_negates_what_is_presupposed(
    operator: str, right: Json, ranges: list[tuple[int, int]]
) -> None:
    assert match(DPORT, operator, right, web={"elem": [80, 443]}) == dport(*ranges)


def test_interfaces_are_one_of_several_names_or_none() -> None:
    several: Json = {"set": ["lan", "ppp*"]}
    names = frozenset({"lan", "ppp*"})
    assert match(IIFNAME, "==", several) == [Terms(conditions=(Interfaces(Side.SOURCE, names),))]
    others = Interfaces(Side.SOURCE, names, negated=True)
    assert match(IIFNAME, "!=", several) == [Terms(conditions=(others,))]
    assert match(IIFNAME, "==", "@l", l={"elem": ["lan", "ppp*"]}) == match(IIFNAME, "==", several)
    for odd in ("a\\*", "a*b", 7):
        (terms,) = match(IIFNAME, "==", odd)
        assert isinstance(terms.conditions[0], Unknown)


def test_states() -> None:
    state: Json = {"ct": {"key": "state"}}
    both = [Terms(conditions=(States(frozenset({State.NEW, State.ESTABLISHED})),))]
    assert match(state, "in", ["new", "established"]) == both
    assert match(state, "==", {"set": ["new", "established"]}) == both
    assert match(state, "!", ["related", "invalid", "untracked"]) == both
    assert match(state, "==", ["new", "established"])[0].conditions == (NEVER,)


def test_flags_of_tcp() -> None:
    assert match(FLAGS, "in", "syn")[0].conditions == (TCP, TcpFlags(2, 2))
    assert match(FLAGS, "!", ["syn", "ack"])[0].conditions == (TCP, TcpFlags(0x12, 0))
    assert match({"&": [FLAGS, ["fin", "syn"]]}, "==", ["fin", "syn"])[0].conditions == (TCP, TcpFlags(3, 3))
    assert match(FLAGS, "!=", "syn")[0].conditions == (TCP, TcpFlags(0xFF, 2, negated=True))
    assert isinstance(match(FLAGS, "in", "strange")[0].conditions[1], Unknown)


def test_status_bits() -> None:
    dnat, snat = Translated(Side.DESTINATION), Translated(Side.SOURCE)
    either = ((snat,), (dnat,))
    assert match(STATUS, "in", "dnat")[0].conditions == (dnat,)
    assert match(STATUS, "in", ["snat", "dnat"])[0].conditions == (AnyOf(either),)
    neither = (Translated(Side.SOURCE, expected=False), Translated(Side.DESTINATION, expected=False))
    assert match(STATUS, "!", ["snat", "dnat"])[0].conditions == neither
    under: Json = {"&": [STATUS, ["snat", "dnat"]]}
    assert match(under, "!=", 0)[0].conditions == (AnyOf(either),)
    assert match(under, "==", 0)[0].conditions == neither
    assert match(under, "==", ["snat", "dnat"])[0].conditions == (snat, dnat)
    assert isinstance(match(STATUS, "==", "dnat")[0].conditions[0], Unknown)


def test_the_way_back_is_there_or_missing() -> None:
    back: Json = {"fib": {"result": "oif", "flags": ["saddr", "iif"]}}
    assert match(back, "==", False)[0].conditions == (ReversePath(expected=False),)
    assert match(back, "==", "0")[0].conditions == (ReversePath(expected=False),)
    assert match(back, "!=", False)[0].conditions == (ReversePath(),)
    assert isinstance(match(back, "==", "lo")[0].conditions[0], Unknown)


def test_headers_that_packets_do_not_carry() -> None:
    there: Json = {"exthdr": {"name": "frag"}}
    assert match(there, "==", False) == [Terms(frozenset({6}))]
    assert match(there, "!=", True) == [Terms(frozenset({6}))]
    assert match(there, "==", True)[0].conditions == (NEVER,)
    assert match({"exthdr": {"name": "rt", "field": "type"}}, "!=", 0)[0].conditions == (NEVER,)


def test_concatenations_are_alternatives_and_what_differs_in_one_part_is_joined() -> None:
    left: Json = {"concat": [SADDR, DPORT]}
    some: Json = {
        "set": [{"concat": ["10.0.0.1", 80]}, {"concat": ["10.0.0.1", 443]}, {"concat": ["10.0.0.9", 22]}]
    }
    (terms,) = match(left, "==", some)
    assert terms.families == {4}
    one, nine = (Addresses(Side.SOURCE, Numbers.one(10 << 24 | last)) for last in (1, 9))
    web, ssh = (Ports(Side.DESTINATION, Numbers.of(*((p, p) for p in ports))) for ports in ((80, 443), (22,)))
    assert terms.conditions == (TCP, AnyOf(((one, web), (nine, ssh))))
    (terms,) = match(left, "!=", some)
    assert terms.conditions == (TCP, AnyOf(((one, web), (nine, ssh)), negated=True))
    (terms,) = match(left, "==", {"concat": ["10.0.0.1", 80]})
    assert terms.conditions == (TCP, one, Ports(Side.DESTINATION, Numbers.one(80)))


def test_concatenations_with_a_family_differ_by_family() -> None:
    left: Json = {"concat": [NFPROTO, DPORT]}
    some: Json = {"set": [{"concat": ["ipv4", 80]}, {"concat": ["ipv6", 443]}]}
    four, six = match(left, "==", some)
    assert (four.families, four.conditions) == ({4}, dport((80, 80))[0].conditions)
    assert (six.families, six.conditions) == ({6}, dport((443, 443))[0].conditions)
    (both,) = match(left, "==", {"set": [{"concat": ["ipv4", 80]}, {"concat": ["ipv6", 80]}]})
    assert both == dport((80, 80))[0]


def test_an_empty_concatenation_holds_nothing() -> None:
    left: Json = {"concat": [SADDR, DPORT]}
    (terms,) = match(left, "==", "@none", none={})
    assert terms.conditions[-1] == NEVER
    (terms,) = match(left, "!=", "@none", none={})
    assert terms.conditions == (TCP,)


def test_what_changes_is_unknown_and_named_but_what_it_presupposes_holds() -> None:
    (terms,) = match(DPORT, "==", "@s", s={"flags": "dynamic"})
    assert terms.conditions[0] == TCP
    assert terms.conditions[1] == Unknown("set @s is filled by rules")
    (terms,) = match({"concat": [SADDR, DPORT]}, "!=", "@s", s={"flags": "dynamic"})
    assert terms.families == {4}
    assert terms.conditions == (TCP, Unknown("set @s is filled by rules"))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (DPORT, "http"),
        (DPORT, {"set": [80, "http"]}),
        (DPORT, DPORT),
        ({"meta": {"key": "hour"}}, "08:00"),
        (HASH, 1),
        ({"concat": [DPORT, {"meta": {"key": "hour"}}]}, {"concat": [80, 5]}),
        ({"concat": [DPORT, HASH]}, {"concat": [80, 5]}),
        ({"concat": [DPORT, STATUS]}, {"concat": [80, "dnat"]}),
        ({"concat": [DPORT, IIFNAME]}, {"concat": [80, "a\\*"]}),
        ({"concat": [DPORT, IIFNAME]}, {"concat": ["http", "lan"]}),
    ],
)
def test_what_cannot_be_read_is_unknown(left: Json, right: Json) -> None:
    (terms,) = match(left, "==", right)
    assert any(isinstance(one, Unknown) for one in terms.conditions)


def test_a_map_gives_what_holds_for_each_key() -> None:
    found = mapped(DPORT, {"set": [[80, "a"], [{"range": [81, 90]}, "b"], ["*", "c"]]}, within())
    assert isinstance(found, list)
    assert [(terms, value) for terms, value in found[:2]] == [(dport((80, 80)), "a"), (dport((81, 90)), "b")]
    (rest,) = found[2][0]
    assert found[2][1] == "c"
    assert rest.conditions == (TCP, AnyOf(((Ports(Side.DESTINATION, Numbers.of((80, 90))),),), negated=True))


def test_keys_of_a_map_with_the_same_value_are_one() -> None:
    found = mapped(DPORT, {"set": [[80, {"drop": None}], [22, "a"], [443, {"drop": None}]]}, within())
    assert found == [(dport((80, 80), (443, 443)), {"drop": None}), (dport((22, 22)), "a")]


def test_a_map_of_too_many_values_is_widened() -> None:
    def of(count: int) -> object:
        pairs: list[Json] = [[f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", n] for n in range(count)]
        return mapped(SADDR, {"set": pairs}, within())

    assert isinstance(of(MAX_VALUES), list)
    beyond = of(MAX_VALUES + 1)
    assert isinstance(beyond, Terms)
    assert isinstance(beyond.conditions[0], Unknown)


def test_a_map_that_changes_is_what_it_presupposes_and_unknown() -> None:
    found = mapped(DPORT, "@m", within(m={"flags": ["dynamic"]}))
    assert found == Terms(conditions=(TCP, Unknown("set @m is filled by rules")))
    assert isinstance(mapped(DPORT, {"set": [["http", "a"]]}, within()), Terms)


def test_a_map_by_chance_gives_any_of_its_values() -> None:
    data: Json = {"set": [[0, "a"], [1, "b"], [7, "never"]]}
    found = mapped(HASH, data, within())
    assert isinstance(found, Chance)
    assert possible_values(found, data, within()) == ["a", "b"]


def test_what_an_expression_presupposes() -> None:
    assert presupposed({"concat": [SADDR, DPORT]}) == Terms(frozenset({4}), (TCP,))
    assert presupposed(SADDR6) == Terms(frozenset({6}))
    assert presupposed({"elem": {"val": SADDR6, "timeout": 5}}) == Terms(frozenset({6}))
    assert presupposed("@s") == ALWAYS


@pytest.mark.parametrize(
    ("left", "operator", "right"),
    [
        (DPORT, "~", 80),
        (DPORT, "==", "@nowhere"),
        ({"concat": [SADDR, DPORT]}, "==", {"concat": ["10.0.0.1"]}),
        ({"concat": [SADDR, DPORT]}, "==", {"set": 5}),
    ],
)
def test_a_broken_shape_is_named(left: Json, operator: str, right: Json) -> None:
    with pytest.raises(Misshapen):
        match(left, operator, right)

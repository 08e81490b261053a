"""A rule in words."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json
from splitdns.check.dialects.nftables_text import rule_text, value_text

IIFNAME: Json = {"meta": {"key": "iifname"}}
STATE: Json = {"ct": {"key": "state"}}
MARK: Json = {"meta": {"key": "mark"}}
DROP: Json = {"drop": None}
DPORT: Json = {"payload": {"protocol": "tcp", "field": "dport"}}


@pytest.mark.parametrize(
    ("statements", "text"),
    [
        ([{"match": {"op": "!=", "left": IIFNAME, "right": "wan"}}, {"drop": None}], "iifname != wan drop"),
        ([{"match": {"op": "in", "left": STATE, "right": ["new", "related"]}}], "ct state new,related"),
        ([{"dnat": {"family": "ip", "addr": "10.0.0.1", "port": 80}}], "dnat ip to 10.0.0.1:80"),
        ([{"dnat": {"addr": {"map": {"key": DPORT, "data": "@m"}}}}], "dnat to tcp dport map @m"),
        ([{"redirect": {"port": 80}}], "redirect to :80"),
        ([{"masquerade": {}}], "masquerade"),
        (
            [{"vmap": {"key": DPORT, "data": {"set": [[2, DROP], [3, {"goto": {"target": "x"}}]]}}}],
            "tcp dport vmap { 2 : drop, 3 : goto x }",
        ),
        (
            [{"mangle": {"key": MARK, "value": {"|": [{"&": [MARK, 15]}, 1]}}}],
            "meta mark set meta mark & 15|1",
        ),
        ([{"reject": {"type": "icmpx", "expr": "no-route"}}], "reject with icmpx no-route"),
        ([{"reject": {"type": "tcp reset"}}], "reject with tcp reset"),
        ([{"reject": None}], "reject"),
        (
            [{"log": {"prefix": "no "}}, {"counter": {"packets": 1}}, {"limit": {"rate": 1, "per": "day"}}],
            'log prefix "no " counter limit rate 1/day',
        ),
        ([{"counter": "c"}, {"goto": {"target": "x"}}], 'counter name "c" goto x'),
        ([{"set": {"op": "add", "elem": DPORT, "set": "@s"}}], "add @s { tcp dport }"),
        ([{"xt": {"type": "match", "name": "limit"}}], "xt match limit"),
        ([{"frobnicate": {"a": 1}}], 'frobnicate {"a": 1}'),
    ],
)
def test_statements_read_as_nft_prints_them(statements: list[Json], text: str) -> None:
    assert rule_text(statements) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"prefix": {"addr": "10.0.0.0", "len": 8}}, "10.0.0.0/8"),
        ({"range": [1, 5]}, "1-5"),
        ({"concat": [DPORT, {"meta": {"key": "mark"}}]}, "tcp dport . meta mark"),
        ({"set": [{"elem": {"val": 1, "comment": "x"}}, 2]}, "{ 1, 2 }"),
        ({"fib": {"result": "type", "flags": ["daddr", "iif"]}}, "fib daddr . iif type"),
        ({"ct": {"key": "ip daddr", "dir": "original"}}, "ct original ip daddr"),
        (True, "exists"),
    ],
)
def test_expressions_read_as_nft_prints_them(value: Json, text: str) -> None:
    assert value_text(value) == text


def test_long_sets_are_cut_short() -> None:
    elements: list[Json] = list(range(1000))
    assert value_text({"set": elements}) == "{ 0, 1, 2, 3, 4, 5, 6, 7, … (1000 elements) }"
    assert len(rule_text([{"jump": {"target": "x" * 1000}}])) == 300


def test_a_comment_is_shown_and_cannot_steer_a_terminal() -> None:
    assert rule_text([{"accept": None}], "web\x1b[2J\n") == 'accept comment "web?[2J?"'

"""Whatever nft or ip seem to have printed, the readers know ``ConfigError`` with its place, and nothing else.

Files are mutated as text, and as JSON that stays JSON: a value somewhere inside becomes another.
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from splitdns.check.dialects import iproute, nftables
from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError

IN = {"family": "inet", "table": "t"}
DPORT = {"payload": {"protocol": "tcp", "field": "dport"}}
SADDR = {"payload": {"protocol": "ip", "field": "saddr"}}
FLAGS = {"&": [{"payload": {"protocol": "tcp", "field": "flags"}}, ["syn", "ack"]]}
MARK = {"meta": {"key": "mark"}}
STATEMENTS = [
    {"match": {"op": "==", "left": {"meta": {"key": "iifname"}}, "right": {"set": ["lan", "wan*"]}}},
    {"match": {"op": "!=", "left": SADDR, "right": {"prefix": {"addr": "10.0.0.0", "len": 8}}}},
    {"match": {"op": "==", "left": DPORT, "right": {"range": [80, 90]}}},
    {"match": {"op": "==", "left": FLAGS, "right": "syn"}},
    {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": ["new", "established"]}},
    {"match": {"op": "in", "left": {"&": [{"ct": {"key": "status"}}, "dnat"]}, "right": 0}},
    {"match": {"op": "==", "left": {"fib": {"result": "type", "flags": ["daddr", "iif"]}}, "right": "local"}},
    {"match": {"op": "==", "left": {"ct": {"key": "ip daddr", "dir": "original"}}, "right": "192.0.2.1"}},
    {"match": {"op": "==", "left": {"concat": [SADDR, DPORT]}, "right": "@pairs"}},
    {"match": {"op": "==", "left": {"exthdr": {"name": "frag"}}, "right": False}},
    {"match": {"op": "<", "left": {"&": [MARK, 255]}, "right": 16}},
    {"limit": {"rate": 5, "per": "second", "burst": 5}},
    {"meter": {"name": "m", "key": SADDR, "stmt": {"limit": {"rate": 5, "per": "second"}}}},
    {"set": {"op": "add", "elem": {"elem": {"val": SADDR, "timeout": 5}}, "set": "@pairs"}},
    {"mangle": {"key": MARK, "value": {"|": [{"&": [MARK, 15]}, 1]}}},
    {
        "mangle": {
            "key": {"ct": {"key": "mark"}},
            "value": {"map": {"key": DPORT, "data": {"set": [[80, 1]]}}},
        }
    },
    {"dnat": {"family": "ip", "addr": {"map": {"key": DPORT, "data": "@targets"}}, "flags": ["random"]}},
    {"dnat": {"family": "ip", "addr": "10.0.0.1", "port": {"range": [80, 90]}}},
    {"snat": {"family": "ip", "addr": {"prefix": {"addr": "10.0.0.0", "len": 24}}, "flags": "netmap"}},
    {
        "vmap": {
            "key": {"numgen": {"mode": "inc", "mod": 2, "offset": 0}},
            "data": {"set": [[0, {"drop": None}]]},
        }
    },
    {"reject": {"type": "icmp", "expr": "host-unreachable"}},
    {"log": {"prefix": "x"}},
    {"jump": {"target": "c"}},
    {"accept": None},
]
ELEMENTS = [{"concat": ["10.0.0.1", 80]}, {"elem": {"val": {"concat": ["10.0.0.2", 443]}, "comment": "x"}}]
TARGETS = [[80, {"concat": ["10.0.0.1", 8080]}], [{"elem": {"val": 443, "timeout": 5}}, "10.0.0.2"]]
BASE = {"type": "nat", "hook": "prerouting", "prio": -100, "policy": "accept"}
RULESET = {
    "nftables": [
        {"metainfo": {"version": "1.0.6"}},
        {"table": {"family": "inet", "name": "t", "handle": 1}},
        {"chain": {**IN, "name": "c", "handle": 1, **BASE}},
        {"chain": {**IN, "name": "d", "hook": "ingress", "prio": 0, "dev": ["lo"], "policy": "drop"}},
        {"set": {**IN, "name": "pairs", "type": ["ipv4_addr", "inet_service"], "elem": ELEMENTS}},
        {"map": {**IN, "name": "targets", "type": "inet_service", "map": "ipv4_addr", "elem": TARGETS}},
        *({"rule": {**IN, "chain": "c", "handle": n, "expr": [one]}} for n, one in enumerate(STATEMENTS)),
        {"rule": {**IN, "chain": "c", "handle": 99, "comment": "all", "expr": STATEMENTS}},
    ]
}
LINKS = [
    {
        "ifname": "p1",
        "flags": ["UP"],
        "master": "br0",
        "linkinfo": {"info_slave_kind": "bridge", "info_slave_data": {"hairpin": True}},
        "addr_info": [{"local": "10.0.0.1", "prefixlen": 24, "address": "10.0.0.2", "valid_life_time": 5}],
    },
    {
        "ifname": "br0",
        "flags": ["UP"],
        "linkinfo": {"info_kind": "bridge", "info_data": {"nf_call_iptables": 1}},
    },
]
ROUTES = [
    {"dst": "default", "gateway": "10.0.0.9", "dev": "p1", "metric": 5, "flags": []},
    {"dst": "10.5.0.0/16", "nexthops": [{"gateway": "10.0.0.9", "dev": "p1", "flags": ["dead"]}]},
    {"dst": "10.6.0.0/16", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "p1"},
    {"dst": "default", "from": "2001:db8::/48", "dev": "p1", "pref": "medium"},
    {"type": "blackhole", "dst": "10.66.0.0/16"},
]
RULES = [
    {"priority": 0, "src": "all", "table": "local"},
    {"priority": 5, "not": None, "src": "10.0.0.0", "srclen": 8, "table": "main", "suppress_prefixlen": 0},
    {
        "priority": 6,
        "src": "all",
        "dst": "10.0.0.1",
        "iif": "p1",
        "fwmark": "0x1",
        "fwmask": "0xff",
        "table": "7",
    },
    {"priority": 7, "not": None, "src": "all", "fwmark": "0x5", "action": "blackhole"},
]


def paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from paths(inner, (*path, at))


others = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 2**33)
    | st.floats()
    | st.sampled_from(
        ["", "*", "@pairs", "@targets", "@none", "ip", "saddr", "10.0.0.1", "::1", "accept", "tcp"]
    )
    | st.sampled_from([*STATEMENTS, DPORT, SADDR, MARK])
    | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["set", "concat", "prefix", "range", "elem", "val", "map", "key", "data", "x"]),
            inner,
            max_size=2,
        )
    ),
    max_leaves=6,
)


@st.composite
def mutated(draw: st.DrawFn, *, whole: object) -> str:
    """``whole`` with some values replaced, keys renamed, or, as text, some characters changed."""
    value = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, 3))):
        inside = [path for path in paths(value) if path]
        if not inside:
            break
        *way, last = draw(st.sampled_from(inside))
        holder = value
        for step in way:
            holder = holder[step]  # type: ignore[index]
        assert isinstance(holder, dict | list)
        if draw(st.booleans()):
            holder[last] = copy.deepcopy(draw(others))  # type: ignore[index]
        elif isinstance(holder, dict):
            holder[draw(st.sampled_from([*holder, "x", "set", "elem"]))] = holder.pop(str(last))
        else:
            del holder[int(last)]
    text = json.dumps(value)
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(text)))
        text = (
            text[:at]
            + draw(st.sampled_from(["", "[", "}", '"', "\n", "\\ud800", "9" * 5000]))
            + text[at + 1 :]
        )
    return text


def read_network(text: str) -> None:
    for read in (
        lambda one: iproute.read([one]),
        lambda one: iproute.read([], [one]),
        lambda one: iproute.read([], [], [one]),
        lambda one: iproute.read([], bridges=[one], switches=[one]),
    ):
        check(read, Printed(text, "f"))


def check(read: Callable[[Printed], object], printed: Printed) -> None:
    error = _error(read, printed)
    if error is not None:
        assert error.where.line >= 1
        assert str(error).encode()


def _error(read: Callable[[Printed], object], printed: Printed) -> ConfigError | None:
    try:
        read(printed)
    except ConfigError as error:
        return error
    return None


def check_rules(text: str) -> None:
    check(lambda one: nftables.read(one.text, one.file), Printed(text, "f"))


@given(mutated(whole=RULESET))
@example(json.dumps(RULESET))
@example("")
@settings(max_examples=150, deadline=None)
def test_no_ruleset_is_more_than_an_error(text: str) -> None:
    check_rules(text)


@given(mutated(whole=LINKS) | mutated(whole=ROUTES) | mutated(whole=RULES))
@settings(max_examples=150, deadline=None)
def test_no_network_is_more_than_an_error(text: str) -> None:
    read_network(text)


@pytest.mark.long
@given(mutated(whole=RULESET))
@settings(max_examples=1_500, deadline=None)
def test_no_ruleset_of_many_is_more_than_an_error(text: str) -> None:
    check_rules(text)


@pytest.mark.long
@given(mutated(whole=LINKS) | mutated(whole=ROUTES) | mutated(whole=RULES))
@settings(max_examples=1_500, deadline=None)
def test_no_network_of_many_is_more_than_an_error(text: str) -> None:
    read_network(text)


@pytest.mark.parametrize("bracket", ['{"&":[', '{"set":[', '{"elem":{"val":', "["])
@pytest.mark.parametrize("depth", [300, 3_000, 100_000])
def test_what_is_nested_deeply_is_an_error_soon(bracket: str, depth: int) -> None:
    close = {"{": "}", "[": "]"}
    value = bracket * depth + "1" + "".join(close[c] for c in reversed(bracket * depth) if c in close)
    match = '{"match":{"op":"==","left":%s,"right":%s}}'
    text = json.dumps(RULESET).replace('{"accept": null}', match % (json.dumps(DPORT), value))
    started = time.process_time()
    check_rules(text)
    check_rules(text.replace(match % (json.dumps(DPORT), value), match % (value, "1")))
    assert time.process_time() - started < 20


def test_a_million_elements_are_read_in_bounded_time() -> None:
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(0, 2_000_000, 2)]
    whole = copy.deepcopy(RULESET)
    del whole["nftables"][-len(STATEMENTS) - 1 :]
    whole["nftables"] += [
        {"set": {**IN, "name": "many", "type": "ipv4_addr", "elem": addresses}},
        *(
            {"rule": {**IN, "chain": "c", "expr": [{"match": {"op": "==", "left": SADDR, "right": "@many"}}]}}
            for _ in range(100)
        ),
    ]
    text = json.dumps(whole)
    started = time.process_time()
    ruleset = nftables.read(text, "f")
    assert time.process_time() - started < 30
    assert ruleset.rules == 100


def test_seeds_are_what_nft_prints() -> None:
    assert nftables.read(json.dumps(RULESET), "f").rules == len(STATEMENTS) + 1
    network = iproute.read(*([Printed(json.dumps(one), "f")] for one in (LINKS, ROUTES, RULES)))
    assert network.interfaces[0].hairpin

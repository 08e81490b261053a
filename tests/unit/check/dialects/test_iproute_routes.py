"""Routes and policy rules."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.iproute_routes import EVERYTHING, Tables, read_routes, read_rules
from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.network import PolicyRule, Route
from splitdns.errors import ConfigError, Where

NETWORK = ip_network("10.5.0.0/16")


def routes(*several: dict[str, Json]) -> list[Route]:
    tables = Tables()
    for one in several:
        read_routes(one, tables)
    return tables.routes


def rules(*several: dict[str, Json], family: int = 4, tables: Tables | None = None) -> list[PolicyRule]:
    tables = tables or Tables()
    read_rules([({"priority": 5, **one}, Where("f", 1, 1)) for one in several], family, tables)
    return tables.policy


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        ({"dst": "10.5.0.0/16", "dev": "lan", "scope": "link"}, Route(NETWORK, "lan")),
        (
            {"dst": "10.5.0.0/16", "gateway": "192.168.1.5", "dev": "lan", "metric": 7, "table": "100"},
            Route(NETWORK, "lan", ip_address("192.168.1.5"), 7, "100"),
        ),
        ({"dst": "10.5.0.1", "dev": "lan"}, Route(ip_network("10.5.0.1/32"), "lan")),
        ({"dst": "default", "dev": "ppp0"}, Route(EVERYTHING[4], "ppp0")),
        ({"dst": "default", "dev": "ppp0", "pref": "medium"}, Route(EVERYTHING[6], "ppp0")),
        (
            {"dst": "default", "gateway": "fe80::1", "dev": "wan"},
            Route(EVERYTHING[6], "wan", ip_address("fe80::1")),
        ),
        (
            {"dst": "10.5.0.0/16", "via": {"family": "inet6", "host": "fe80::1"}, "dev": "lan"},
            Route(NETWORK, "lan", ip_address("fe80::1")),
        ),
        ({"type": "blackhole", "dst": "10.5.0.0/16"}, Route(NETWORK, kind="blackhole")),
        (
            {"type": "local", "dst": "10.5.0.0/16", "dev": "lo", "table": "local"},
            Route(NETWORK, "lo", table="local", kind="local"),
        ),
    ],
)
def test_a_route(one: dict[str, Json], expected: Route) -> None:
    assert routes(one) == [expected]


def test_several_next_hops_are_several_routes_and_dead_ones_none() -> None:
    hops: Json = [
        {"gateway": "192.168.1.5", "dev": "a", "flags": []},
        {"gateway": "192.168.1.6", "dev": "b", "flags": []},
        {"gateway": "192.168.1.7", "dev": "c", "flags": ["dead", "linkdown"]},
    ]
    assert routes({"dst": "10.5.0.0/16", "nexthops": hops}) == [
        Route(NETWORK, "a", ip_address("192.168.1.5")),
        Route(NETWORK, "b", ip_address("192.168.1.6")),
    ]
    assert routes({"dst": "10.5.0.0/16", "dev": "a", "flags": ["dead"]}) == []


def test_what_is_never_forwarded_is_left_out() -> None:
    assert (
        routes({"dst": "fe80::/64", "dev": "a"}, {"type": "multicast", "dst": "ff00::/8", "dev": "a"}) == []
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"src": "all", "table": "main"}, PolicyRule(5, "main", EVERYTHING[4])),
        ({"src": "10.5.0.0", "srclen": 16, "table": "7"}, PolicyRule(5, "7", NETWORK)),
        (
            {"src": "all", "dst": "10.5.0.1", "table": "7"},
            PolicyRule(5, "7", None, ip_network("10.5.0.1/32")),
        ),
        ({"src": "all", "iif": "lan", "table": "7"}, PolicyRule(5, "7", EVERYTHING[4], None, "lan")),
        (
            {"src": "all", "fwmark": "0x10", "table": "7"},
            PolicyRule(5, "7", EVERYTHING[4], mark=(16, 2**32 - 1)),
        ),
        (
            {"src": "all", "fwmark": "0x1f", "fwmask": "0xf0", "table": "7"},
            PolicyRule(5, "7", EVERYTHING[4], mark=(16, 240)),
        ),
    ],
)
def test_a_policy_rule(rule: dict[str, Json], expected: PolicyRule) -> None:
    assert rules(rule) == [expected]


def test_a_rule_of_one_family_does_not_concern_the_other() -> None:
    assert rules({"src": "all", "table": "main"}, family=6)[0].source == EVERYTHING[6]
    assert (
        rules({"src": "all", "table": "7"}, {"src": "2001:db8::", "srclen": 32, "table": "7"})[0].source
        == EVERYTHING[6]
    )
    assert rules({"src": "all", "table": "default"}, family=6)[0].source == EVERYTHING[4]


def test_sockets_that_are_bound_to_an_interface_are_not_asked_about() -> None:
    assert rules({"src": "all", "oif": "lan", "table": "7"}, {"src": "all", "action": "nop"}) == []


@pytest.mark.parametrize(
    "selector", [{"uid_start": 0}, {"ipproto": "tcp"}, {"dport": 80}, {"tos": "0x10"}, {"goto": 7}]
)
def test_other_selectors_are_named(selector: dict[str, Json]) -> None:
    (rule,) = rules({"src": "all", "table": "7", **selector})
    assert next(iter(selector)) in rule.unknown


def test_a_verdict_is_a_table_with_one_route() -> None:
    tables = Tables()
    (rule,) = rules({"src": "10.5.0.0", "srclen": 16, "action": "prohibit"}, tables=tables)
    assert rule.source == NETWORK
    assert list(tables.all_routes()) == [Route(EVERYTHING[4], table=rule.table, kind="prohibit")]


def test_a_table_may_be_asked_for_longer_prefixes_only() -> None:
    tables = Tables()
    for one in ({"dst": "default", "dev": "wan"}, {"dst": "10.5.0.0/16", "dev": "lan"}):
        read_routes(dict(one), tables)
    (rule,) = rules({"src": "all", "table": "main", "suppress_prefixlen": 0}, tables=tables)
    assert [one for one in tables.all_routes() if one.table == rule.table] == [
        Route(NETWORK, "lan", table=rule.table)
    ]


def selected(several: list[PolicyRule], mark: int) -> bool:
    return any(one.mark is not None and mark & one.mark[1] == one.mark[0] for one in several)


@pytest.mark.parametrize("mark", [0, 0xCA6C, 0xCA6D, 0x1CA6C, 0xFFFF_FFFF])
def test_not_of_a_mark_is_one_of_its_bits_differing(mark: int) -> None:
    assert selected(rules({"not": None, "src": "all", "fwmark": "0xca6c", "table": "7"}), mark) is (
        mark != 0xCA6C
    )


def test_not_of_a_prefix_is_all_others() -> None:
    for key in ("src", "dst"):
        found = rules({"not": None, "src": "all", key: "10.5.0.0", f"{key}len": 16, "table": "7"})
        others = [one.source if key == "src" else one.destination for one in found]
        assert sum(one.num_addresses for one in others if one) == 2**32 - 2**16
        assert not any(one and one.overlaps(NETWORK) for one in others)


@pytest.mark.parametrize("more", [{"iif": "lan"}, {}, {"src": "10.0.0.0", "tos": "0x10"}])
def test_not_of_anything_else_is_unknown(more: dict[str, Json]) -> None:
    found = rules({"not": None, "src": "all", "table": "7", **more})
    assert found[0].unknown == "ip rule: not"


def test_not_of_several_is_not_of_at_least_one() -> None:
    both: dict[str, Json] = {"src": "10.5.0.0", "srclen": 16, "fwmark": "0x1", "fwmask": "0x1"}
    found = rules({"not": None, "table": "7", **both})
    assert found[0].mark == (0, 1)
    assert sum(one.source.num_addresses for one in found[1:] if one.source) == 2**32 - 2**16
    assert not any(one.unknown for one in found)


def test_routes_of_some_sources_are_looked_into_by_those_only() -> None:
    tables = Tables()
    source = "2001:db8:5::/48"
    read_routes(
        {"dst": "default", "from": source, "gateway": "fe80::1", "dev": "wan", "pref": "medium"}, tables
    )
    assert tables.routes == []
    assert tables.uplinks() == {"wan"}
    first, second = rules({"src": "all", "table": "main"}, family=6, tables=tables)
    assert (first.source, second) == (ip_network(source), PolicyRule(5, "main", EVERYTHING[6]))
    assert [route.table for route in tables.all_routes()] == [first.table]
    (other,) = rules(
        {"src": "2001:db8:6::", "srclen": 48, "table": "main"}, tables=Tables(of_sources=tables.of_sources)
    )
    assert other.table == "main"


@pytest.mark.parametrize(
    "one",
    [
        {"dst": 5},
        {"dst": "x"},
        {"dst": "default", "gateway": "x"},
        {"dst": "default", "nexthops": 5},
        {"dst": "default", "dev": 5},
    ],
)
def test_a_broken_route_is_named(one: dict[str, Json]) -> None:
    with pytest.raises(Misshapen):
        routes(one)


@pytest.mark.parametrize("one", [{"priority": None}, {"src": "x"}, {"src": 5}, {"fwmark": "x"}, {"iif": 5}])
def test_a_broken_rule_has_its_place(one: dict[str, Json]) -> None:
    with pytest.raises(ConfigError, match="f:1:1"):
        rules({"src": "all", "table": "main", **one})

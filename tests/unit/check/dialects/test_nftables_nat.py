"""What nft's address translation does."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_json import Item
from splitdns.check.dialects.nftables_match import Within
from splitdns.check.dialects.nftables_nat import translations
from splitdns.check.dialects.nftables_sets import Sets
from splitdns.check.rules import (
    Action,
    Masquerade,
    Netmap,
    Opaque,
    Ports,
    Redirect,
    Side,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.errors import Where

DPORT: Json = {"payload": {"protocol": "tcp", "field": "dport"}}
DADDR: Json = {"payload": {"protocol": "ip", "field": "daddr"}}
WEB, MAIL = (int(ip_address(f"10.0.0.{last}")) for last in (1, 2))


def within(family: str = "inet", **maps: Json) -> Within:
    sets = Sets()
    for name, elements in maps.items():
        body: dict[str, Json] = {"family": family, "table": "t", "name": name, "elem": elements}
        sets.add(Item(Where("f"), "map", body))
    return Within(sets, family, "t")


def one(what: str, body: Json, family: str = "inet") -> tuple[frozenset[int], Action]:
    ((terms, action),) = translations(what, body, within(family))
    return terms.families, action


def dnat(addresses: Numbers | None, ports: Numbers | None = None) -> Translate:
    return Translate(Side.DESTINATION, addresses, ports)


def test_targets() -> None:
    assert one("dnat", {"family": "ip", "addr": "10.0.0.1"}) == ({4}, dnat(Numbers.one(WEB)))
    assert one("dnat", {"addr": "2001:db8::1", "port": 80}, "ip6") == (
        {6},
        dnat(Numbers.one(int(ip_address("2001:db8::1"))), Numbers.one(80)),
    )
    assert one("dnat", {"family": "ip", "addr": {"range": ["10.0.0.1", "10.0.0.2"]}}) == (
        {4},
        dnat(Numbers.of((WEB, MAIL))),
    )
    assert one("snat", {"family": "ip", "addr": "10.0.0.1", "port": {"range": [1, 9]}}) == (
        {4},
        Translate(Side.SOURCE, Numbers.one(WEB), Numbers.of((1, 9))),
    )
    assert one("dnat", {"port": 80}, "ip6") == ({6}, dnat(None, Numbers.one(80)))
    assert one("masquerade", None) == ({4, 6}, Masquerade())
    assert one("masquerade", {"flags": "random"}) == ({4, 6}, Masquerade())
    assert one("redirect", {"port": 8080}) == ({4, 6}, Redirect(Numbers.one(8080)))


@pytest.mark.parametrize("what", ["dnat", "redirect"])
def test_a_port_within_the_range_is_kept_and_others_become_the_first(what: str) -> None:
    body: Json = {"family": "ip", "port": {"range": [8080, 8090]}}
    (kept, same), (others, first) = translations(what, body, within())
    assert kept.conditions == (Ports(Side.DESTINATION, Numbers.of((8080, 8090))),)
    assert others.conditions == ()
    if what == "redirect":
        assert (same, first) == (Redirect(), Redirect(Numbers.one(8080)))
    else:
        assert (same, first) == (dnat(None), dnat(None, Numbers.one(8080)))


def test_a_random_port_of_the_range_is_any() -> None:
    body: Json = {"port": {"range": [8080, 8090]}, "flags": ["fully-random"]}
    assert one("redirect", body) == ({4, 6}, Redirect(Numbers.of((8080, 8090))))


def test_a_network_for_a_network() -> None:
    prefix: Json = {"prefix": {"addr": "10.0.0.0", "len": 24}}
    whole = ip_network("10.0.0.0/24")
    assert one("dnat", {"family": "ip", "addr": prefix, "flags": "netmap", "type_flags": "prefix"}) == (
        {4},
        Netmap(Side.DESTINATION, whole),
    )
    assert one("snat", {"family": "ip", "addr": prefix})[1] == Translate(
        Side.SOURCE, Numbers.of((int(whole[0]), int(whole[-1])))
    )


def test_a_map_of_targets_is_one_action_for_each_element() -> None:
    body: Json = {"family": "ip", "addr": {"map": {"key": DPORT, "data": "@m"}}}
    acts = translations("dnat", body, within(m=[[80, "10.0.0.1"], [25, {"concat": ["10.0.0.2", 2525]}]]))
    assert [action for _, action in acts] == [
        dnat(Numbers.one(WEB)),
        dnat(Numbers.one(MAIL), Numbers.one(2525)),
    ]
    assert [terms.conditions[1] for terms, _ in acts] == [
        Ports(Side.DESTINATION, Numbers.one(port)) for port in (80, 25)
    ]
    assert {terms.families for terms, _ in acts} == {frozenset({4})}


def test_address_and_port_may_each_be_of_a_map() -> None:
    address: Json = {"map": {"key": DADDR, "data": {"set": [["192.0.2.1", "10.0.0.1"]]}}}
    port: Json = {"map": {"key": DPORT, "data": {"set": [[80, 8080], [81, 8081]]}}}
    acts = translations("dnat", {"family": "ip", "addr": address, "port": port}, within())
    assert [action for _, action in acts] == [dnat(Numbers.one(WEB), Numbers.one(p)) for p in (8080, 8081)]


def test_targets_by_chance() -> None:
    chance: Json = {"numgen": {"mode": "random", "mod": 2, "offset": 0}}
    plain: Json = {"set": [[0, "10.0.0.1"], [1, "10.0.0.2"]]}
    body: Json = {"family": "ip", "addr": {"map": {"key": chance, "data": plain}}}
    ((_, action),) = translations("dnat", body, within())
    assert action == dnat(Numbers.of((WEB, MAIL)))
    joined: Json = {"set": [[0, {"concat": ["10.0.0.1", 1]}], [1, {"concat": ["10.0.0.2", 2]}]]}
    body = {"family": "ip", "addr": {"map": {"key": chance, "data": joined}}}
    first, last = translations("dnat", body, within())
    assert first[1] == dnat(Numbers.one(WEB), Numbers.one(1))
    assert any(isinstance(condition, Unknown) for condition in first[0].conditions)
    assert last == (last[0], dnat(Numbers.one(MAIL), Numbers.one(2)))
    assert last[0].conditions == ()


@pytest.mark.parametrize(
    "body",
    [
        {"family": "ip", "addr": "www.example.org"},
        {"family": "ip", "addr": "2001:db8::1"},
        {"family": "ip", "addr": "10.0.0.1", "port": "http"},
        {"family": "ip", "addr": {"map": {"key": DPORT, "data": {"set": [["http", "10.0.0.1"]]}}}},
        {"addr": "10.0.0.1", "port": {"map": {"key": {"meta": {"key": "hour"}}, "data": {"set": [[1, 2]]}}}},
    ],
)
def test_a_target_that_is_not_known_may_be_anything(body: Json) -> None:
    assert isinstance(one("dnat", body)[1], Opaque)


def test_a_broken_shape_is_named() -> None:
    with pytest.raises(Misshapen):
        translations("dnat", 5, within())
    with pytest.raises(Misshapen):
        translations("dnat", {"addr": {"map": 5}}, within())

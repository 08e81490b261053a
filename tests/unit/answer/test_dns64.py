from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.dns64 import (
    MAX_TTL_S,
    WELL_KNOWN,
    embedded,
    extracted,
    is_wanted,
    reverse_target,
    synthesized,
)
from splitdns.names import Qname, from_text, reverse_name, wire_from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.wire.edns import Edns
from splitdns.wire.message import Answer, Query

NAME = wire_from_text("www.example.")
QUERY = Query(NAME, from_text("www.example."), Type.AAAA, rd=True)
LOCAL = IPv6Network("2001:db8:1:ffff::/96")
PUBLIC, PRIVATE = IPv4Address("198.51.100.1").packed, IPv4Address("192.168.1.1").packed
ALIAS = RRset(NAME, Type.CNAME, 30, (wire_from_text("a.example."),))
EMPTY = Answer()


@pytest.mark.parametrize(
    ("prefix", "address"),
    [
        ("2001:db8::/32", "2001:db8:c000:221::"),
        ("2001:db8:100::/40", "2001:db8:1c0:2:21::"),
        ("2001:db8:122::/48", "2001:db8:122:c000:2:2100::"),
        ("2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"),
        ("2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"),
        ("2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"),
        ("64:ff9b::/96", "64:ff9b::192.0.2.33"),
    ],
)
def test_addresses_are_embedded_as_the_standard_says__rfc6052_2_4(prefix: str, address: str) -> None:
    where, packed = IPv6Network(prefix), IPv6Address(address).packed
    assert embedded(where, IPv4Address("192.0.2.33").packed) == packed
    assert extracted(where, packed) == IPv4Address("192.0.2.33").packed


@given(st.sampled_from([32, 40, 48, 56, 64, 96]), st.binary(min_size=4, max_size=4))
def test_what_is_put_in_comes_out_and_nothing_else_does(length: int, address: bytes) -> None:
    prefix = IPv6Network(("2001:db8::", length))
    made = embedded(prefix, address)
    assert extracted(prefix, made) == address
    assert extracted(prefix, b"\xff" + made[1:]) is None


def aaaa(*addresses: str) -> Answer:
    rdatas = tuple(IPv6Address(address).packed for address in addresses)
    return Answer(answer=(RRset(NAME, Type.AAAA, 60, rdatas),))


@pytest.mark.parametrize(
    ("query", "answer", "wanted"),
    [
        (QUERY, EMPTY, True),
        (QUERY, Answer(answer=(ALIAS,)), True),
        (QUERY, aaaa("::ffff:192.0.2.1"), True),  # RFC 6147 5.1.4
        (QUERY, aaaa("2001:db8::1"), False),
        (QUERY, Answer(Rcode.NXDOMAIN), False),  # 5.1.2
        (QUERY, Answer(Rcode.SERVFAIL), False),
        (QUERY, Answer(truncated=True), False),
        (QUERY, Answer(drop=True), False),
        (QUERY, Answer(blocked=True), True),  # a list may have an IPv4 address for it
        (replace(QUERY, qtype=Type.A), EMPTY, False),
        (replace(QUERY, edns=Edns(do=True)), EMPTY, True),
        (replace(QUERY, cd=True), EMPTY, True),
        (replace(QUERY, cd=True, edns=Edns(do=True)), EMPTY, False),  # 5.5
    ],
)
def test_when_addresses_are_made__rfc6147_5_1(query: Query, answer: Answer, wanted: bool) -> None:
    assert is_wanted(query, answer, WELL_KNOWN) is wanted
    assert not is_wanted(query, answer, None)


def found(*rdatas: bytes, ttl_s: int = 300) -> Answer:
    return Answer(answer=(ALIAS, RRset(wire_from_text("a.example."), Type.A, ttl_s, rdatas)), ad=True)


def test_the_answer_keeps_aliases_and_the_shorter_ttl__rfc6147_5_1_7() -> None:
    soa = RRset(wire_from_text("example."), Type.SOA, 40, (bytes(30),))
    made = synthesized(Answer(authority=(soa,)), found(PUBLIC), WELL_KNOWN)
    owner = wire_from_text("a.example.")
    assert made.answer == (ALIAS, RRset(owner, Type.AAAA, 40, (IPv6Address("64:ff9b::198.51.100.1").packed,)))
    assert (made.ad, made.authority) == (False, ())
    assert synthesized(EMPTY, found(PUBLIC, ttl_s=9000), WELL_KNOWN).answer[1].ttl_s == MAX_TTL_S


def test_private_addresses_do_not_go_into_the_well_known_prefix__rfc6052_3_1() -> None:
    assert synthesized(EMPTY, found(PRIVATE), WELL_KNOWN) == EMPTY
    assert len(synthesized(EMPTY, found(PRIVATE, PUBLIC), WELL_KNOWN).answer[1].rdatas) == 1
    assert len(synthesized(EMPTY, found(PRIVATE, PUBLIC), LOCAL).answer[1].rdatas) == 2
    assert synthesized(EMPTY, found(bytes(4)), LOCAL) == EMPTY, "0.0.0.0 is nobody's"


@pytest.mark.parametrize(
    "answer", [Answer(), Answer(answer=(ALIAS,)), Answer(Rcode.NXDOMAIN), Answer(Rcode.SERVFAIL)]
)
def test_without_an_ipv4_address_the_first_answer_stands(answer: Answer) -> None:
    negative = Answer(authority=(RRset(NAME, Type.SOA, 1, (b"",)),))
    assert synthesized(negative, answer, WELL_KNOWN) == negative


def test_a_made_address_has_the_name_of_the_one_in_it__rfc6147_5_3_1() -> None:
    name = reverse_name("64:ff9b::c633:6401")
    assert reverse_target(name, WELL_KNOWN) == from_text("1.100.51.198.in-addr.arpa.")
    others = ("2001:db8::1", "198.51.100.1")
    for other in (*map(reverse_name, others), Qname(name[4:]), from_text("ip6.arpa.")):
        assert reverse_target(other, WELL_KNOWN) is None
    assert reverse_target(Qname(name.replace(b"\1b", b"\1x")), WELL_KNOWN) is None
    assert reverse_target(name, None) is None


def test_what_was_taken_out_on_the_way_is_told_of_the_negative_answer_too() -> None:
    edes = ((15, "rebinding"),)
    taken = Answer(answer=(ALIAS,), rebound=1, edes=edes, remember=False)
    assert synthesized(EMPTY, taken, WELL_KNOWN) == Answer(rebound=1, edes=edes, remember=False)

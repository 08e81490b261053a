"""Replies by question, until they are too old or there is no room."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.decide import Reply
from splitdns.forward.cache import NEGATIVE_TTL_CEILING_S, TTL_CEILING_S, Cache, kind
from splitdns.metrics import CACHE_ENTRIES, CACHE_EVICTIONS, CACHE_OCTETS, Counts
from splitdns.names import Qname, from_text
from splitdns.records import Rcode, RRset, Type
from splitdns.view import Upstream, UpstreamSet

PUBLIC = UpstreamSet((Upstream("192.0.2.53"),))
CORP = UpstreamSet((Upstream("10.8.0.53"),))
WWW, TARGET = from_text("www.example.org."), from_text("www.example.net.")
ADDRESS = RRset(WWW, Type.A, 300, (b"\xc0\0\2\1",))
ALIAS = RRset(WWW, Type.CNAME, 60, (TARGET,))
SOA = RRset(from_text("example.org."), Type.SOA, 100, (b"\0\0" + bytes(20),))
ALIASED = Reply(Rcode.NOERROR, (ALIAS, RRset(TARGET, Type.A, 300, (b"\xc0\0\2\1",))))
NO_NAME, NO_DATA = Reply(Rcode.NXDOMAIN, soa=SOA), Reply(Rcode.NOERROR, soa=SOA)


def remember(
    cache: Cache, reply: Reply, now_s: float = 0.0, *, name: Qname = WWW, qtype: int = Type.A
) -> Reply:
    return cache.remember("lan", PUBLIC, name, qtype, reply, now_s)


def get(cache: Cache, now_s: float, *, name: Qname = WWW, qtype: int = Type.A) -> Reply | None:
    return cache.get("lan", PUBLIC, name, qtype, now_s)


def ttls(reply: Reply | None) -> list[int] | None:
    if reply is None:
        return None
    return [rrset.ttl_s for rrset in (*reply.answer, *([reply.soa] if reply.soa else []))]


def test_a_reply_is_there_until_its_ttl_is_over_and_ages_by_the_second__rfc1035_3_2_1() -> None:
    cache = Cache(Counts())
    reply = Reply(Rcode.NOERROR, (ADDRESS,), edes=((3, "stale"),))
    remember(cache, reply, 1000.5)
    assert get(cache, 1000.5) == reply
    assert ttls(get(cache, 1001.4)) == [300]
    assert ttls(get(cache, 1001.5)) == [299]
    assert ttls(get(cache, 1300.4)) == [1]
    assert get(cache, 1300.5) is None
    assert len(cache) == 0


def test_a_chain_lives_as_long_as_its_shortest_ttl() -> None:
    cache = Cache(Counts())
    remember(cache, ALIASED)
    assert ttls(get(cache, 59)) == [1, 241]
    assert get(cache, 60) is None


@pytest.mark.parametrize("denial", [NO_NAME, NO_DATA])
def test_a_denial_lives_as_long_as_its_soa__rfc2308_5(denial: Reply) -> None:
    cache = Cache(Counts())
    remember(cache, denial)
    assert ttls(get(cache, 99)) == [1]
    assert get(cache, 100) is None


def test_a_name_that_does_not_exist_has_no_other_type_either__rfc2308_5() -> None:
    cache = Cache(Counts())
    remember(cache, NO_NAME)
    assert get(cache, 1, qtype=Type.AAAA) is not None
    assert get(cache, 1, qtype=Type.AAAA, name=TARGET) is None


def test_a_name_without_the_type_may_have_others__rfc2308_5() -> None:
    cache = Cache(Counts())
    remember(cache, NO_DATA)
    assert get(cache, 1, qtype=Type.AAAA) is None


def test_an_alias_to_a_name_that_does_not_exist_is_about_its_own_type() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NXDOMAIN, (ALIAS,), SOA))
    assert get(cache, 1) is not None
    assert get(cache, 1, qtype=Type.AAAA) is None


def test_an_expired_denial_of_the_name_does_not_hide_what_came_after() -> None:
    cache = Cache(Counts())
    remember(cache, NO_NAME)
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)), 50)
    assert get(cache, 60) == Reply(Rcode.NOERROR, (ADDRESS.with_ttl(290),))
    assert get(cache, 120, qtype=Type.AAAA) is None


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(Reply(Rcode.SERVFAIL), id="failure"),
        pytest.param(Reply(Rcode.REFUSED, (ADDRESS,)), id="refusal"),
        pytest.param(Reply(Rcode.NXDOMAIN), id="no name, no SOA"),
        pytest.param(Reply(Rcode.NOERROR), id="no data, no SOA"),
        pytest.param(Reply(Rcode.NOERROR, (ALIAS,)), id="chain without its end"),
        pytest.param(Reply(Rcode.NOERROR, (ADDRESS.with_ttl(0),)), id="TTL 0"),
        pytest.param(Reply(Rcode.NOERROR, (ALIAS.with_ttl(0), ADDRESS)), id="alias of TTL 0"),
        pytest.param(Reply(Rcode.NXDOMAIN, soa=SOA.with_ttl(0)), id="SOA of TTL 0"),
    ],
)
def test_what_may_not_be_used_again_is_not_kept__rfc2308_5(reply: Reply) -> None:
    cache = Cache(Counts())
    assert remember(cache, reply) == reply
    assert get(cache, 0) is None


def test_any_keeps_what_it_brought() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)), qtype=Type.ANY)
    assert get(cache, 1, qtype=Type.ANY) is not None
    assert get(cache, 1) is None


@pytest.mark.parametrize("above", [0, 1])
def test_a_ttl_is_cut_at_the_ceiling_for_the_first_who_asks_too(above: int) -> None:
    cache = Cache(Counts())
    long = Reply(Rcode.NOERROR, (ADDRESS.with_ttl(TTL_CEILING_S + above),))
    assert ttls(remember(cache, long)) == [TTL_CEILING_S]
    assert get(cache, TTL_CEILING_S - 0.1) is not None
    assert get(cache, TTL_CEILING_S) is None


@pytest.mark.parametrize("above", [0, 1])
def test_a_denial_lives_three_hours_at_most__rfc2308_5(above: int) -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NXDOMAIN, soa=SOA.with_ttl(NEGATIVE_TTL_CEILING_S + above)))
    assert ttls(get(cache, 0)) == [10_800]
    assert get(cache, 10_800) is None


def test_views_and_upstream_sets_share_nothing__semantics_14() -> None:
    cache = Cache(Counts())
    cache.remember("lan", PUBLIC, WWW, Type.A, Reply(Rcode.NOERROR, (ADDRESS,)), 0)
    assert cache.get("vpn", PUBLIC, WWW, Type.A, 1) is None
    assert cache.get("lan", CORP, WWW, Type.A, 1) is None
    assert cache.get("lan", replace(PUBLIC), WWW, Type.A, 1) is not None, "an equal set of the next snapshot"


def host(number: int) -> Qname:
    return from_text(f"host{number:06}.example.org.")


def address(number: int) -> Reply:
    return Reply(Rcode.NOERROR, (RRset(host(number), Type.A, 300, (number.to_bytes(4, "big"),)),))


def room_for(entries: int) -> int:
    counts = Counts()
    Cache(counts).remember("lan", PUBLIC, host(0), Type.A, address(0), 0)
    return entries * int(counts.value(CACHE_OCTETS, "lan"))


def test_the_least_recently_used_are_evicted_when_there_is_no_room() -> None:
    counts = Counts()
    cache = Cache(counts, room_for(3))
    for number in (1, 2, 3):
        remember(cache, address(number), name=host(number))
    get(cache, 1, name=host(1))
    remember(cache, address(4), name=host(4))
    assert [number for number in (1, 2, 3, 4) if get(cache, 1, name=host(number))] == [1, 3, 4]
    assert counts.value(CACHE_EVICTIONS, "success", "lan") == 1
    assert counts.value(CACHE_OCTETS, "lan") == room_for(3)


def test_a_reply_that_is_too_large_for_all_the_room_is_not_kept() -> None:
    counts = Counts()
    cache = Cache(counts, room_for(1) - 1)
    remember(cache, address(1), name=host(1))
    assert len(cache) == 0
    assert counts.value(CACHE_OCTETS, "lan") == 0


def test_entries_are_counted_by_kind_and_view() -> None:
    counts = Counts()
    cache = Cache(counts)
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)), 1)
    cache.remember("vpn", PUBLIC, TARGET, Type.A, NO_NAME, 0)
    assert counts.value(CACHE_ENTRIES, "success", "lan") == 1
    assert counts.value(CACHE_ENTRIES, "denial", "vpn") == 1
    cache.get("vpn", PUBLIC, TARGET, Type.A, 100)
    assert counts.value(CACHE_ENTRIES, "denial", "vpn") == 0
    assert counts.value(CACHE_OCTETS, "vpn") == 0


def test_denials_are_no_such_name_and_no_such_type() -> None:
    assert [kind(reply) for reply in (NO_NAME, NO_DATA, ALIASED)] == ["denial", "denial", "success"]


ACTIONS = st.lists(
    st.tuples(
        st.booleans(),
        st.integers(0, 8),
        st.sampled_from([Type.A, Type.AAAA]),
        st.sampled_from([address(1), ALIASED, NO_NAME, NO_DATA]),
        st.integers(0, 200),
    ),
    max_size=60,
)


@given(ACTIONS, st.integers(1, 6))
def test_the_bound_holds_and_the_counts_are_true_whatever_happens(
    actions: list[tuple[bool, int, int, Reply, int]], entries: int
) -> None:
    counts = Counts()
    cache = Cache(counts, room_for(entries))
    now_s = 0
    for store, number, qtype, reply, later_s in actions:
        now_s += later_s
        if store:
            remember(cache, reply, now_s, name=host(number), qtype=qtype)
        else:
            found = get(cache, now_s, name=host(number), qtype=qtype)
            assert all(ttl_s > 0 for ttl_s in ttls(found) or [])
        held = sum(counts.value(CACHE_ENTRIES, each, "lan") for each in ("success", "denial"))
        assert held == len(cache)
        assert counts.value(CACHE_OCTETS, "lan") <= room_for(entries)
        assert (counts.value(CACHE_OCTETS, "lan") == 0) == (len(cache) == 0)


def many_addresses(number: int) -> Reply:
    rdatas = tuple(bytes((last,)) + number.to_bytes(3, "big") for last in range(40))
    return Reply(Rcode.NOERROR, (RRset(host(number), Type.A, 300, rdatas),))


def aliased(number: int) -> Reply:
    target = from_text(f"target{number}.example.net.")
    end = RRset(target, Type.A, 300, (number.to_bytes(4, "big"),))
    return Reply(Rcode.NOERROR, (RRset(host(number), Type.CNAME, 300, (target,)), end))


@pytest.mark.parametrize("make", [address, many_addresses, aliased])
def test_what_entries_are_said_to_take_up_is_what_they_do(make: Callable[[int], Reply]) -> None:
    counts = Counts()
    cache = Cache(counts, 1 << 40)
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(3000):
            remember(cache, make(number), name=host(number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.75 < (after - before) / counts.value(CACHE_OCTETS, "lan") < 1.25

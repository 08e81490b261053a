"""Replies by question, until they are too old or there is no room."""

from __future__ import annotations

import sys
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.forward.cache import MAX_SPARED, POPULAR_HITS, Cache, CacheLimits, Key, kind
from splitdns.forward.parts import COMPILED, PURE
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


@pytest.fixture(autouse=True, params=["pure", "compiled"], scope="module")
def kind_of_cache(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test with both kinds."""
    if request.param == "compiled" and COMPILED is None:
        pytest.skip("no accelerator was built")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "compiled" and COMPILED is not None:
            patch.setattr(sys.modules[__name__], "Cache", COMPILED.cache)
        yield


def key(name: Qname = WWW, qtype: int = Type.A, view: str = "lan") -> Key:
    return Key(view, PUBLIC, name, qtype)


def remember(
    cache: Cache, reply: Reply, now_s: float = 0.0, *, name: Qname = WWW, qtype: int = Type.A
) -> Reply:
    return cache.remember(key(name, qtype), reply, now_s)


def get(cache: Cache, now_s: float, *, name: Qname = WWW, qtype: int = Type.A) -> Reply | None:
    """What is fresh."""
    entry = cache.get(key(name, qtype), now_s)
    return entry.aged(now_s) if entry is not None and entry.is_fresh(now_s) else None


def old(cache: Cache, now_s: float, *, name: Qname = WWW, qtype: int = Type.A) -> Reply | None:
    """What is stale."""
    entry = cache.get(key(name, qtype), now_s)
    return entry.reply if entry is not None and not entry.is_fresh(now_s) else None


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


def test_what_is_too_old_stays_for_want_of_better_so_long_as_the_limit_says__rfc8767_4() -> None:
    cache = Cache(Counts(), CacheLimits(max_stale_s=1000))
    reply = remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    assert [old(cache, now_s) for now_s in (299.9, 300, 1299.9)] == [None, reply, reply]
    assert old(cache, 1300) is None
    assert len(cache) == 0


def test_nothing_stale_is_kept_where_nobody_wants_it() -> None:
    cache = Cache(Counts(), CacheLimits(max_stale_s=0))
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    assert old(cache, 300) is None


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


def test_the_newest_word_on_whether_a_name_exists_holds_for_all_its_types__rfc8020_2() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    remember(cache, NO_NAME, 10, qtype=Type.AAAA)
    assert get(cache, 20) == replace(NO_NAME, soa=SOA.with_ttl(90))
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)), 50)
    assert get(cache, 60) == Reply(Rcode.NOERROR, (ADDRESS.with_ttl(290),))
    assert get(cache, 60, qtype=Type.AAAA) is None


def test_a_new_word_that_may_not_be_kept_ends_the_old_one() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS.with_ttl(0),)), 400)
    assert old(cache, 400) is None


def test_a_failure_does_not_end_what_was_known_before() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    remember(cache, Reply(Rcode.SERVFAIL), 400)
    assert old(cache, 400) is not None


def test_who_wants_signatures_gets_what_was_asked_for_with_them__rfc4035_3_2_1() -> None:
    cache, wants = Cache(Counts()), key()._replace(do=True)
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    assert cache.get(wants, 1) is None
    signature = RRset(WWW, Type.RRSIG, 300, (b"\0\1" + bytes(30),))
    cache.remember(wants, Reply(Rcode.NOERROR, (ADDRESS,), proof=Proof((signature,), (SOA,))), 0)
    entry = cache.get(wants, 50)
    assert entry is not None
    assert entry.aged(50).proof == Proof((signature.with_ttl(250),), (SOA.with_ttl(50),))
    assert get(cache, 50) is not None, "and without, too"


def test_what_was_asked_for_unchecked_is_a_thing_of_its_own__rfc4035_3_2_2() -> None:
    cache, unchecked = Cache(Counts()), key()._replace(cd=True)
    cache.remember(unchecked, NO_NAME, 0)
    assert get(cache, 1) is None
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    entry = cache.get(unchecked._replace(qtype=Type.AAAA), 1)
    assert entry is not None
    assert entry.reply == NO_NAME


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
    long = Reply(Rcode.NOERROR, (ADDRESS.with_ttl(86_400 + above),))
    assert ttls(remember(cache, long)) == [86_400]
    assert get(cache, 86_399.9) is not None
    assert get(cache, 86_400) is None


@pytest.mark.parametrize(("ttl_s", "kept_s"), [(0, 0), (1, 60), (59, 60), (60, 60), (61, 61)])
def test_a_short_ttl_is_raised_to_the_floor_but_one_of_zero(ttl_s: int, kept_s: int) -> None:
    cache = Cache(Counts(), CacheLimits(min_ttl_s=60))
    short = Reply(Rcode.NOERROR, (ADDRESS.with_ttl(ttl_s),))
    assert ttls(remember(cache, short)) == [kept_s]
    assert (get(cache, 0) is not None) == (kept_s > 0)


def test_what_is_secure_is_kept_no_longer_than_its_signatures_say__rfc4035_5_3_3() -> None:
    cache = Cache(Counts(), CacheLimits(min_ttl_s=60))
    proof = Proof(security=Security.SECURE)
    assert ttls(remember(cache, Reply(Rcode.NOERROR, (ADDRESS.with_ttl(5),), proof=proof))) == [5]


@pytest.mark.parametrize("above", [0, 1])
def test_a_denial_lives_three_hours_at_most__rfc2308_5(above: int) -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NXDOMAIN, soa=SOA.with_ttl(10_800 + above)))
    assert ttls(get(cache, 0)) == [10_800]
    assert get(cache, 10_800) is None


def test_views_and_upstream_sets_share_nothing__semantics_14() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    assert cache.get(key(view="vpn"), 1) is None
    assert cache.get(key()._replace(upstreams=CORP), 1) is None
    equal = key()._replace(upstreams=replace(PUBLIC))
    assert cache.get(equal, 1) is not None, "an equal set of the next snapshot"


def test_names_are_forgotten_when_somebody_says_so() -> None:
    counts = Counts()
    cache = Cache(counts)
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    remember(cache, NO_DATA, qtype=Type.AAAA)
    remember(cache, NO_NAME, name=TARGET)
    assert cache.forget(lambda view, upstreams, name: name == WWW) == 2
    assert len(cache) == 1
    assert [counts.value(CACHE_ENTRIES, each, "lan") for each in ("success", "denial")] == [0, 1]
    assert cache.forget(lambda *_: True) == 1
    assert counts.value(CACHE_OCTETS, "lan") == 0


def test_a_reply_that_is_often_asked_for_is_ripe_before_it_is_too_old() -> None:
    cache = Cache(Counts())
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)), 1000)
    entry = cache.get(key(), 1000)
    assert entry is not None
    entry.hits = POPULAR_HITS
    assert [entry.is_ripe(now_s) for now_s in (1000, 1269.9, 1270.1)] == [False, False, True]
    entry.hits = POPULAR_HITS - 1
    assert not entry.is_ripe(1290)
    entry.hits, entry.renewed = POPULAR_HITS, True
    assert not entry.is_ripe(1290)


def test_what_was_asked_before_a_flush_is_given_and_not_kept() -> None:
    cache = Cache(Counts())
    reply = Reply(Rcode.NOERROR, (ADDRESS,))
    assert cache.remember(key(), reply, 0, keep=False) == reply
    assert len(cache) == 0


def host(number: int) -> Qname:
    return from_text(f"host{number:06}.example.org.")


def address(number: int) -> Reply:
    return Reply(Rcode.NOERROR, (RRset(host(number), Type.A, 300, (number.to_bytes(4, "big"),)),))


def room_for(entries: int) -> int:
    counts = Counts()
    remember(Cache(counts), address(0), name=host(0))
    return entries * int(counts.value(CACHE_OCTETS, "lan"))


def test_the_least_recently_used_are_evicted_when_there_is_no_room() -> None:
    counts = Counts()
    cache = Cache(counts, CacheLimits(room_for(3)))
    for number in (1, 2, 3):
        remember(cache, address(number), name=host(number))
    get(cache, 1, name=host(1))
    remember(cache, address(4), name=host(4))
    assert [number for number in (1, 2, 3, 4) if get(cache, 1, name=host(number))] == [1, 3, 4]
    assert counts.value(CACHE_EVICTIONS, "success", "lan") == 1
    assert counts.value(CACHE_OCTETS, "lan") == room_for(3)


def test_where_all_were_used_few_are_spared_and_the_new_one_is_kept() -> None:
    names = 10 * MAX_SPARED
    cache = Cache(Counts(), CacheLimits(room_for(names)))
    for number in range(names):
        remember(cache, address(number), name=host(number))
        get(cache, 1, name=host(number))
    remember(cache, address(names), name=host(names))
    kept = [number for number in range(names + 1) if get(cache, 1, name=host(number))]
    assert kept == [number for number in range(names + 1) if number != MAX_SPARED]


def test_a_reply_that_is_too_large_for_all_the_room_is_not_kept() -> None:
    counts = Counts()
    cache = Cache(counts, CacheLimits(room_for(1) - 1))
    remember(cache, address(1), name=host(1))
    assert len(cache) == 0
    assert counts.value(CACHE_OCTETS, "lan") == 0


def test_entries_are_counted_by_kind_and_view() -> None:
    counts = Counts()
    cache = Cache(counts)
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)))
    remember(cache, Reply(Rcode.NOERROR, (ADDRESS,)), 1)
    cache.remember(key(TARGET, view="vpn"), NO_NAME, 0)
    assert counts.value(CACHE_ENTRIES, "success", "lan") == 1
    assert counts.value(CACHE_ENTRIES, "denial", "vpn") == 1
    cache.get(key(TARGET, view="vpn"), 100 + cache.limits.max_stale_s)
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
    cache = Cache(counts, CacheLimits(room_for(entries)))
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
    cache = Cache(counts, CacheLimits(1 << 40))
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for number in range(3000):
            remember(cache, make(number), name=host(number))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert 0.75 < (after - before) / counts.value(CACHE_OCTETS, "lan") < 1.25


TTLS = st.sampled_from((0, 1, 59, 60, 300, 3600, 86_400, 86_401))
SETS = st.builds(
    RRset,
    st.sampled_from((WWW, TARGET)),
    st.sampled_from((Type.A, Type.AAAA, Type.CNAME)),
    TTLS,
    st.lists(st.binary(min_size=4, max_size=4), max_size=3).map(tuple),
)
PROOFS = st.sampled_from((None, Proof(), Proof((SOA,)), Proof(security=Security.SECURE)))
REPLIES = st.builds(
    Reply,
    st.sampled_from((0, 0, 3, 2)),
    st.lists(SETS, max_size=2).map(tuple),
    st.none() | st.builds(SOA.with_ttl, TTLS),
    st.sampled_from(((), (), ((4, "forged"),))),
    PROOFS,
)
KEYS = st.builds(
    Key,
    st.sampled_from(("lan", "guest")),
    st.sampled_from((PUBLIC, CORP)),
    st.sampled_from((WWW, TARGET, SOA.owner)),
    st.sampled_from((1, 28)),
    st.booleans(),
    st.booleans(),
)
LIMITS = st.builds(
    CacheLimits,
    octets=st.sampled_from((1500, 3000, 1 << 20)),
    min_ttl_s=st.sampled_from((0, 60)),
    max_ttl_s=st.sampled_from((86_400, 300)),
    max_negative_ttl_s=st.sampled_from((10_800, 30)),
)


@given(LIMITS, st.lists(st.tuples(KEYS, REPLIES, st.sampled_from((True, True, False))), max_size=12))
def test_both_kinds_keep_the_same(limits: CacheLimits, kept: list[tuple[Key, Reply, bool]]) -> None:
    counts = [Counts(), Counts()]
    caches = [PURE.cache(counts[0], limits), Cache(counts[1], limits)]
    for now_s, (of, reply, keep) in enumerate(kept):
        one, other = (cache.remember(of, reply, now_s + 0.5, keep=keep) for cache in caches)
        assert one == other
        for counted in counts:
            counted.settle()
        seen = [
            (list(cache.names.items()), cache.octets, counted.gauges, counted.counters)
            for cache, counted in zip(caches, counts, strict=True)
        ]
        assert repr(seen[0]) == repr(seen[1])

"""The walk from an anchor to a zone: what it asks, what it finds, what it keeps."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest

from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.dnssec.signatures import BogusError, Budget
from splitdns.forward.dnssec.trust import BOGUS_TTL_S, MAX_FETCHES, Look, Signed, Trust, Unsigned, Walk
from splitdns.forward.response import Response
from splitdns.names import Qname, to_text
from splitdns.records import Ede, type_to_text
from splitdns.view import UpstreamSet
from tests.signed import NOW_S, TTL_S, World, Zone, qname

SET = UpstreamSet(())


class Bench:
    """A ``Trust`` before a world, and what it asked."""

    def __init__(self, *zones: Zone, negative: tuple[str, ...] = ()) -> None:
        self.world = World(Zone("."), *zones)
        self.validation = self.world.validation(map(qname, negative))
        self.asked: Counter[str] = Counter()
        self.now_s = 0.0
        self.before_answer: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
        self.trust = Trust(self.fetch, lambda: self.now_s, lambda: NOW_S)

    async def fetch(self, _: UpstreamSet, name: Qname, qtype: int, look: Look) -> Reply:
        self.asked[f"{to_text(name)} {type_to_text(qtype)}"] += 1
        await self.before_answer()
        reply = reduce(Response(self.world.wire(name, qtype)), name, qtype, do=True)
        look(reply)
        return reply

    def walk(self, view: str = "lan") -> Walk:
        return Walk(view, SET, self.validation, Budget())

    def zone_of(self, name: str, walk: Walk | None = None) -> Signed | Unsigned:
        return asyncio.run(self.trust.zone_of(qname(name), walk or self.walk()))


def zone(found: Signed | Unsigned) -> str:
    return to_text(found.zone if isinstance(found, Signed) else found.name)


def test_each_delegation_on_the_way_is_asked_for_once() -> None:
    bench = Bench(Zone("test."), Zone("example.test."))
    found = bench.zone_of("www.example.test.")
    assert isinstance(found, Signed)
    assert zone(found) == "example.test."
    expected = [". DNSKEY", "test. DS", "test. DNSKEY", "example.test. DS", "example.test. DNSKEY"]
    assert list(bench.asked) == [*expected, "www.example.test. DS"]
    assert bench.zone_of("www.example.test.") == found
    assert set(bench.asked.values()) == {1}


def test_what_is_known_is_known_to_one_view_and_upstream_set_only() -> None:
    bench = Bench(Zone("test."))
    other_set = Walk("lan", UpstreamSet((), 1.0), bench.validation, Budget())
    for walk in (bench.walk(), bench.walk("guests"), other_set):
        bench.zone_of("test.", walk)
    assert set(bench.asked.values()) == {3}


def test_walks_that_meet_share_their_steps() -> None:
    bench = Bench(Zone("test."))

    async def main() -> None:
        await asyncio.gather(*(bench.trust.zone_of(qname("test."), bench.walk()) for _ in range(5)))

    asyncio.run(main())
    assert bench.asked == {". DNSKEY": 1, "test. DS": 1, "test. DNSKEY": 1}


def test_who_waits_for_a_walk_that_is_given_up_goes_on_by_itself() -> None:
    bench = Bench(Zone("test."))

    async def main() -> None:
        gate = asyncio.Event()
        bench.before_answer = gate.wait
        first = asyncio.create_task(bench.trust.zone_of(qname("test."), bench.walk()))
        await asyncio.sleep(0)
        second = asyncio.create_task(bench.trust.zone_of(qname("test."), bench.walk()))
        await asyncio.sleep(0)
        first.cancel()
        gate.set()
        assert zone(await second) == "test."

    asyncio.run(main())


def test_an_unsigned_zone_ends_the_walk__rfc4035_5_2() -> None:
    for kind in (None, (0, False), (0, True)):
        bench = Bench(Zone("test.", nsec3=kind), Zone("plain.test.", signed=False))
        found = bench.zone_of("www.plain.test.")
        assert found == Unsigned(qname("plain.test."))
        assert "www.plain.test. DS" not in bench.asked


def test_names_that_are_no_delegations_are_passed_over() -> None:
    bench = Bench(Zone("test.", "deep.er.than A 192.0.2.1\nalias CNAME deep.er.than.test."))
    for name in ("deep.er.than.test.", "no.test.", "a.no.test.", "alias.test.", "x.alias.test."):
        assert zone(bench.zone_of(name)) == "test."
    assert "a.no.test. DS" not in bench.asked, "beneath a name that is not there is nothing"


def test_a_dname_has_nothing_beneath_it__rfc6672_2_4() -> None:
    bench = Bench(Zone("test.", "d DNAME elsewhere.test."))
    assert zone(bench.zone_of("a.www.d.test.")) == "test."
    assert "www.d.test. DS" in bench.asked
    assert "a.www.d.test. DS" not in bench.asked


def test_a_wildcard_is_no_delegation() -> None:
    bench = Bench(Zone("test.", "* A 192.0.2.1\n*.alias CNAME www.test.\nwww A 192.0.2.1"))
    assert zone(bench.zone_of("a.b.test.")) == "test."
    assert zone(bench.zone_of("a.b.alias.test.")) == "test."


@pytest.mark.parametrize("negative", ["test.", "example.test."])
def test_beneath_a_negative_anchor_nothing_is_asked__rfc7646_2(negative: str) -> None:
    bench = Bench(Zone("test."), Zone("example.test."), negative=(negative,))
    assert isinstance(bench.zone_of("www.example.test."), Unsigned)
    assert not bench.asked


@pytest.mark.parametrize(
    ("spoilt", "ede"),
    [
        ({("test.", "DNSKEY"): "wrong"}, Ede.BOGUS),
        ({("test.", "DNSKEY"): "expired"}, Ede.SIGNATURE_EXPIRED),
        ({("test.", "DNSKEY"): "none"}, Ede.RRSIGS_MISSING),
    ],
)
def test_keys_whose_signature_does_not_hold_break_the_chain__rfc4035_5_2(
    spoilt: dict[tuple[str, str], str], ede: Ede
) -> None:
    bench = Bench(Zone("test.", spoilt=spoilt))
    with pytest.raises(BogusError) as caught:
        bench.zone_of("www.test.")
    assert caught.value.ede == ede


def test_delegation_signers_whose_signature_does_not_hold_break_the_chain__rfc4035_5_2() -> None:
    for kind in ("wrong", "none"):
        bench = Bench(Zone("test.", spoilt={("example.test.", "DS"): kind}), Zone("example.test."))
        with pytest.raises(BogusError):
            bench.zone_of("example.test.")


def test_keys_that_the_parent_does_not_name_break_the_chain__rfc4035_5_2() -> None:
    bench = Bench(Zone("test."))
    bench.world.zones[Zone("test.").name] = Zone("test.", key=1)
    with pytest.raises(BogusError, match=r"no key of test\. is one that its parent names") as caught:
        bench.zone_of("test.")
    assert caught.value.ede == Ede.DNSKEY_MISSING


def test_a_zone_that_lost_its_keys_breaks_the_chain__rfc8914_4_10() -> None:
    bench = Bench(Zone("test."))
    bench.world.zones[Zone("test.").name] = Zone("test.", signed=False)
    with pytest.raises(BogusError) as caught:
        bench.zone_of("test.")
    assert caught.value.ede == Ede.DNSKEY_MISSING


def test_an_absence_of_ds_that_is_not_proven_breaks_the_chain__rfc4035_5_2() -> None:
    """Without this, whoever sits on the way takes the signatures away and the zone is unsigned."""
    bench = Bench(Zone("test."), Zone("example.test."))
    above = bench.world.zones[Zone("test.").name]
    above.denial = lambda *_: []  # type: ignore[method-assign]
    above.sets = {key: rrset for key, rrset in above.sets.items() if key[1].name != "DS"}
    with pytest.raises(BogusError) as caught:
        bench.zone_of("www.example.test.")
    assert caught.value.ede == Ede.NSEC_MISSING


def test_a_broken_chain_is_looked_at_again_after_a_while__rfc4035_4_7() -> None:
    bench = Bench(Zone("test.", spoilt={("test.", "DNSKEY"): "wrong"}))
    for _ in range(2):
        with pytest.raises(BogusError):
            bench.zone_of("test.")
    assert bench.asked["test. DNSKEY"] == 1
    bench.world.zones[Zone("test.").name].spoilt.clear()
    bench.now_s += BOGUS_TTL_S
    assert isinstance(bench.zone_of("test."), Signed)


def test_what_was_found_is_kept_for_its_ttl() -> None:
    bench = Bench(Zone("test."))
    bench.zone_of("test.")
    bench.now_s += TTL_S - 1
    bench.zone_of("test.")
    assert set(bench.asked.values()) == {1}
    bench.now_s += 1
    bench.zone_of("test.")
    assert set(bench.asked.values()) == {2}


@pytest.mark.parametrize(("digest", "algorithm", "ede"), [("SHA1", 13, 2), ("SHA256", 5, 1)])
def test_a_zone_of_unknown_algorithms_is_as_good_as_unsigned__rfc4035_5_2(
    digest: str, algorithm: int, ede: int
) -> None:
    found = Bench(Zone("test.", digest=digest, algorithm=algorithm)).zone_of("test.")
    assert isinstance(found, Unsigned)
    assert [code for code, _ in found.edes] == [ede]


def test_too_many_iterations_make_a_delegation_unsigned__rfc9276_3_2() -> None:
    found = Bench(Zone("test.", nsec3=(101, False)), Zone("plain.test.", signed=False)).zone_of("plain.test.")
    assert isinstance(found, Unsigned)
    assert [code for code, _ in found.edes] == [Ede.NSEC3_ITERATIONS]


@pytest.mark.parametrize("labels", [MAX_FETCHES - 3, MAX_FETCHES - 2])
def test_questions_for_one_answer_are_bounded(labels: int) -> None:
    deep = ".".join(["a"] * labels)
    bench = Bench(Zone("test.", f"{deep} A 192.0.2.1"))
    if labels <= MAX_FETCHES - 3:
        bench.zone_of(f"{deep}.test.")
        assert sum(bench.asked.values()) == MAX_FETCHES
    else:
        with pytest.raises(UpstreamError, match="too many delegations"):
            bench.zone_of(f"{deep}.test.")


def test_a_budget_that_is_used_up_says_nothing_about_the_zone() -> None:
    """Who sends a costly answer must not be able to break another's chain for those who come later."""
    bench = Bench(Zone("test."))
    with pytest.raises(BogusError, match="too many signatures"):
        bench.zone_of("test.", Walk("lan", SET, bench.validation, Budget(verifications=2)))
    assert isinstance(bench.zone_of("test."), Signed)

"""What NSEC and NSEC3 records prove, and what they do not."""

from __future__ import annotations

import dns.name
import dns.rrset
import pytest

from splitdns.forward.dnssec.denial import (
    MAX_HASHES,
    MAX_ITERATIONS,
    Cut,
    Denial,
    Nsec,
    Nsec3,
    Proven,
    of_zone,
)
from splitdns.names import Qname
from splitdns.records import RRset, Type
from tests.signed import TTL_S, Zone, qname

LINES = """\
www A 192.0.2.1
*.wild A 192.0.2.2
a.b.c A 192.0.2.3
alias CNAME www
dname DNAME example.org.
plain NS ns.plain.example.
signed NS ns.signed.example.
signed DS 1 13 2 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971
"""
KINDS: list[tuple[int, bool] | None] = [None, (0, False), (5, False)]


def zone(nsec3: tuple[int, bool] | None = None) -> Zone:
    return Zone("example.", LINES, nsec3=nsec3)


def denial(of: Zone, *names: str) -> Denial:
    """What the zone shows for these names: the records at them, or around them."""
    shown = of.denial(*map(dns.name.from_text, names))
    return of_zone(qname(of.apex), [ours(rrset) for rrset in shown if rrset.rdtype != Type.RRSIG])


def ours(rrset: dns.rrset.RRset) -> RRset:
    rdatas = tuple(rdata.to_wire() for rdata in rrset)
    return RRset((rrset.name.to_wire() or b"").lower(), rrset.rdtype, TTL_S, rdatas)


def name(text: str) -> Qname:
    return qname(f"{text}.example.")


both = pytest.mark.parametrize("kind", KINDS, ids=["nsec", "nsec3", "nsec3-5"])


@both
def test_a_name_that_is_not_there__rfc4035_5_4_rfc5155_8_4(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "no.example.", "*.example.", "example.")
    assert shown.no_name(name("no")) is Proven.SECURE
    assert shown.no_name(name("www")) is None
    assert shown.no_data(name("no"), Type.A) is None


@both
def test_the_wildcard_has_to_be_denied_too__rfc4035_5_4(kind: tuple[int, bool] | None) -> None:
    lines = "a A 192.0.2.1\nz A 192.0.2.1\n"
    of = Zone("example.", lines, nsec3=kind)
    shown = denial(of, "m.example.")
    if kind is None:
        assert Nsec(name("a"), name("ns"), frozenset()) in [
            Nsec(nsec.owner, nsec.next, frozenset()) for nsec in shown.nsecs
        ]
    assert shown.no_name(name("m")) is None
    assert denial(of, "m.example.", "*.example.", "example.").no_name(name("m")) is Proven.SECURE


def test_the_wildcard_s_hash_has_to_be_denied_too__rfc5155_8_4() -> None:
    of = Zone("example.", "".join(f"host{number} A 192.0.2.1\n" for number in range(40)), nsec3=(0, False))
    incomplete = 0
    for number in range(20):
        asked = f"no{number}.example."
        shown = denial(of, asked, "example.")
        if shown._covering3(name("*")) is None:
            incomplete += 1
            assert shown.no_name(qname(asked)) is None
        assert denial(of, asked, "example.", "*.example.").no_name(qname(asked)) is Proven.SECURE
    assert incomplete > 10


@both
def test_a_type_that_is_not_there__rfc4035_5_4_rfc5155_8_5(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "www.example.")
    assert shown.no_data(name("www"), Type.AAAA) is Proven.SECURE
    assert shown.no_data(name("www"), Type.A) is None
    assert shown.no_data(name("www"), Type.ANY) is None
    assert shown.no_data(name("ww2"), Type.AAAA) is None


@both
def test_an_alias_denies_no_type__rfc6840_4_3(kind: tuple[int, bool] | None) -> None:
    assert denial(zone(kind), "alias.example.").no_data(name("alias"), Type.A) is None


@both
def test_an_empty_non_terminal_is_there_and_has_nothing__rfc4592_2_2_2(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "c.example.", "example.", "*.example.")
    assert shown.no_data(name("c"), Type.A) is Proven.SECURE
    assert shown.no_data(name("c"), Type.ANY) is Proven.SECURE
    assert shown.no_name(name("c")) is None


@both
def test_a_wildcard_without_the_type__rfc4035_5_4_rfc5155_8_7(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "x.wild.example.", "wild.example.", "*.wild.example.")
    assert shown.no_data(name("x.wild"), Type.AAAA) is Proven.SECURE
    assert shown.no_data(name("x.wild"), Type.A) is None


@both
def test_a_wildcard_answers_where_nothing_is_closer__rfc4035_5_3_4_rfc5155_8_8(
    kind: tuple[int, bool] | None,
) -> None:
    source = name("*.wild")
    shown = denial(zone(kind), "x.wild.example.")
    assert shown.no_closer_match(name("x.wild"), source) is Proven.SECURE
    assert shown.no_closer_match(name("y.x.wild"), source) is Proven.SECURE
    assert denial(zone(kind), "www.example.").no_closer_match(name("x.wild"), source) is None
    closer = Zone("example.", LINES + "b.wild A 192.0.2.9\n", nsec3=kind)
    assert denial(closer, "a.b.wild.example.").no_closer_match(name("a.b.wild"), source) is None


@both
def test_no_ds_and_what_that_says__rfc4035_5_2(kind: tuple[int, bool] | None) -> None:
    of = zone(kind)
    assert denial(of, "plain.example.").no_ds(name("plain")) is Cut.UNSIGNED
    assert denial(of, "www.example.").no_ds(name("www")) is Cut.NONE
    assert denial(of, "c.example.").no_ds(name("c")) is Cut.NONE
    assert denial(of, "no.example.", "example.").no_ds(name("no")) is Cut.NO_NAME
    assert denial(of, "signed.example.").no_ds(name("signed")) is None
    assert denial(of, "www.example.").no_ds(name("plain")) is None


@both
def test_the_child_s_apex_has_no_word_on_its_ds__rfc4035_5_2(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "example.")
    assert shown.no_ds(qname("example.")) is None
    assert shown.no_data(qname("example."), Type.DS) is None
    assert shown.no_data(qname("example."), Type.A) is Proven.SECURE


@both
def test_the_parent_has_no_word_on_what_is_delegated__rfc6840_4_1(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "plain.example.", "www.plain.example.", "*.plain.example.")
    assert shown.no_data(name("plain"), Type.A) is None
    assert shown.no_data(name("plain"), Type.DS) is Proven.SECURE
    assert shown.no_name(name("www.plain")) is None
    assert shown.no_data(name("www.plain"), Type.A) is None


@both
def test_nor_on_what_is_renamed__rfc6840_4_1(kind: tuple[int, bool] | None) -> None:
    shown = denial(zone(kind), "dname.example.", "www.dname.example.", "*.dname.example.")
    assert shown.no_name(name("www.dname")) is None


def test_opt_out_proves_less__rfc5155_9_2() -> None:
    of = zone((0, True))
    assert denial(of, "no.example.", "*.example.", "example.").no_name(name("no")) is Proven.INSECURE
    assert denial(of, "plain.example.", "example.").no_ds(name("plain")) is Cut.UNSIGNED
    assert denial(of, "plain.example.", "example.").no_data(name("plain"), Type.DS) is Proven.INSECURE
    assert denial(of, "x.wild.example.").no_closer_match(name("x.wild"), name("*.wild")) is Proven.INSECURE
    assert denial(of, "www.example.").no_data(name("www"), Type.AAAA) is Proven.SECURE


@pytest.mark.parametrize("iterations", [MAX_ITERATIONS, MAX_ITERATIONS + 1])
def test_iterations_are_bounded__rfc9276_3_2(iterations: int) -> None:
    shown = denial(zone((iterations, False)), "www.example.")
    too_many = iterations > MAX_ITERATIONS
    assert shown.too_many_iterations is too_many
    assert shown.no_data(name("www"), Type.AAAA) is (None if too_many else Proven.SECURE)


def test_hashes_are_bounded() -> None:
    """CVE-2023-50868: a long name and many iterations cost one hash for each label, times the iterations."""
    shown = denial(zone((MAX_ITERATIONS, False)), "no.example.", "*.example.", "example.")
    allowed = MAX_HASHES // (MAX_ITERATIONS + 1)
    for labels, proven in ((allowed - 3, True), (allowed + 3, False)):
        long = Qname(b"\1a" * labels + name("no"))
        shown._hashes_left = MAX_HASHES
        shown._hashed.clear()
        assert (shown.no_ds(long) is Cut.NO_NAME) is proven


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("1 0 0 - 7M8C7M8C7M8C7M8C7M8C7M8C7M8C7M8C A", True),
        ("2 0 0 - 7M8C7M8C7M8C7M8C7M8C7M8C7M8C7M8C A", False),
        ("1 2 0 - 7M8C7M8C7M8C7M8C7M8C7M8C7M8C7M8C A", False),
        ("1 0 0 - 7M8C7M8C A", False),
    ],
)
def test_unknown_kinds_of_nsec3_are_ignored__rfc5155_8_1_8_2(text: str, read: bool) -> None:
    made = dns.rrset.from_text("7m8c" * 8 + ".example.", TTL_S, "IN", "NSEC3", text)
    assert (Nsec3.read(ours(made)) is not None) is read
    elsewhere = dns.rrset.from_text("nothash.example.", TTL_S, "IN", "NSEC3", text)
    assert Nsec3.read(ours(elsewhere)) is None


def test_nsec3_records_of_other_parameters_or_zones_are_ignored__rfc5155_8_2() -> None:
    one, other = zone((0, False)), zone((3, False))
    mixed = Denial(qname("example."))
    for of in (one, other):
        for rrset in of.denial(dns.name.from_text("www.example.")):
            if rrset.rdtype == Type.NSEC3:
                mixed.add(ours(rrset))
    assert {nsec3.iterations for nsec3 in mixed.nsec3s} == {0}
    elsewhere = Denial(qname("org."))
    elsewhere.add(ours(one.denial(dns.name.from_text("www.example."))[0]))
    assert not elsewhere.nsec3s


def test_several_records_at_one_owner_prove_nothing__rfc4034_4() -> None:
    rrset = ours(zone().denial(dns.name.from_text("www.example."))[0])
    shown = of_zone(qname("example."), [rrset.with_rdatas(rrset.rdatas * 2)])
    assert shown.no_data(name("www"), Type.AAAA) is None


def test_the_last_record_leads_back_to_the_apex__rfc4034_4_1_1() -> None:
    last = Nsec(name("y"), qname("example."), frozenset())
    assert last.covers(name("z"))
    assert not last.covers(name("a"))
    alone = Nsec(qname("example."), qname("example."), frozenset())
    assert alone.covers(name("a"))
    assert not alone.covers(qname("example."))


def test_a_zone_of_one_hash_covers_all_others() -> None:
    alone = Nsec3(qname("example."), b"m" * 20, b"m" * 20, frozenset(), False, 0, b"")
    assert alone.covers(b"a" * 20)
    assert alone.covers(b"z" * 20)
    assert not alone.covers(b"m" * 20)


def test_names_are_in_canonical_order__rfc4034_6_1() -> None:
    order = ["example", "a.example", "yljkjljk.a.example", "Z.a.example", "zABC.a.EXAMPLE", "z.example"]
    order += ["\\001.z.example", "*.z.example", "\\200.z.example"]
    names = [qname(f"{each}.") for each in order]
    for before, at, after in zip(names, names[1:], names[2:], strict=False):
        assert Nsec(before, after, frozenset()).covers(at)
        assert not Nsec(before, at, frozenset()).covers(after)

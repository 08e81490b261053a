"""One signature over one RRset: which hold, which do not, and what finding out may cost."""

from __future__ import annotations

from dataclasses import replace

import dns.dnssec
import dns.rrset
import pytest
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from hypothesis import given
from hypothesis import strategies as st

from splitdns.forward.dnssec.signatures import (
    MAX_FAILURES,
    MAX_SIGNATURES,
    MAX_VERIFICATIONS,
    BogusError,
    Budget,
    BudgetError,
    Delegation,
    Key,
    Signature,
    Verified,
    key_tag,
    verify,
)
from splitdns.records import Ede, RRset, Type
from tests.signed import DAY_S, ECDSAP256, ED448, ED25519, NOW_S, RSASHA256, TTL_S, Zone, qname

ZONE = qname("example.")
RDATAS = [
    "A 192.0.2.1",
    "AAAA 2001:db8::1",
    "NS NS1.Example.",
    "CNAME Target.Example.NET.",
    "DNAME Other.example.net.",
    "PTR Host.example.",
    "SOA NS1.example. Hostmaster.example. 1 3600 900 604800 300",
    "MX 10 Mail.Example.",
    'TXT "One" "two"',
    "SRV 1 2 443 WWW.example.",
    'NAPTR 1 2 "U" "E2U+sip" "!^.*$!sip:x@example.org!" Other.example.',
    'CAA 0 issue "CA.example.net"',
    "TLSA 3 1 1 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "HTTPS 1 . alpn=h2,h3 ipv4hint=192.0.2.1",
    "RP Mailbox.example. Text.example.",
    "KX 10 Exchanger.example.",
    "AFSDB 1 Cell.example.",
    "DS 60485 13 2 d2abde240d7cd3ee6b4b28c54df034b97983a1d16e8a410e4561cb106618e971",
    "NSEC Z.example. A RRSIG NSEC",
    "TYPE65280 \\# 4 01020304",
]


def ours(rrset: dns.rrset.RRset) -> RRset:
    owner = rrset.name.to_wire() or b""
    return RRset(owner, rrset.rdtype, rrset.ttl, tuple(rdata.to_wire() for rdata in rrset))


def signed(
    zone: Zone, owner: str, rdtype: str, *rdatas: str, source: str | None = None
) -> tuple[RRset, bytes]:
    """Records that ``zone`` signs, and the RRSIG's rdata."""
    theirs = dns.rrset.from_text(owner, TTL_S, "IN", rdtype, *rdatas)
    made = zone.signature(theirs, dns.name.from_text(source) if source else None)
    assert made is not None
    return ours(theirs), made[0].to_wire()


def key(zone: Zone) -> Key:
    found = Key.read(zone.dnskey.to_wire())
    assert found is not None
    return found


def check(
    zone: Zone, rrset: RRset, *signatures: bytes, now_s: float = NOW_S, budget: Budget | None = None
) -> Verified:
    return verify(rrset, signatures, qname(zone.apex), [key(zone)], now_s, budget or Budget())


def fault(zone: Zone, rrset: RRset, *signatures: bytes, now_s: float = NOW_S) -> Ede:
    with pytest.raises(BogusError) as caught:
        check(zone, rrset, *signatures, now_s=now_s)
    return caught.value.ede


@pytest.mark.parametrize("text", RDATAS, ids=lambda text: text.split()[0])
def test_a_signature_over_records_of_any_type_holds__rfc4034_6_2(text: str) -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "WWW.example.", *text.split(None, 1))
    assert check(zone, rrset, signature).signature.tag == key(zone).tag


def test_the_order_of_records_does_not_matter__rfc4034_6_3() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.9", "192.0.2.1", "10.0.0.1")
    check(zone, rrset.with_rdatas(rrset.rdatas[::-1]), signature)


@pytest.mark.parametrize("algorithm", [RSASHA256, 10, ECDSAP256, 14, ED25519, ED448])
def test_each_supported_algorithm_verifies__rfc8624_3_1(algorithm: int) -> None:
    zone = Zone("example.", algorithm=algorithm)
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    check(zone, rrset, signature)
    assert fault(zone, rrset, signature[:-1] + bytes((signature[-1] ^ 1,))) == Ede.BOGUS
    assert fault(zone, rrset, signature[:-1]) == Ede.BOGUS
    assert fault(zone, rrset.with_rdatas((b"\xcb\0\x71\x42",)), signature) == Ede.BOGUS


@pytest.mark.parametrize("algorithm", [1, 5, 7])
def test_a_key_of_an_algorithm_that_is_not_supported_is_none__rfc9905_2(algorithm: int) -> None:
    made = Zone("example.").dnskey.replace(algorithm=algorithm)
    assert Key.read(made.to_wire()) is None
    assert not Delegation(1, algorithm, 2, b"").is_supported


@pytest.mark.parametrize(
    ("flags", "usable"), [(256, True), (257, True), (0, False), (1, False), (385, False)]
)
def test_only_zone_keys_that_are_not_revoked_may_sign__rfc4034_2_1_1(flags: int, usable: bool) -> None:
    made = Zone("example.").dnskey.replace(flags=flags)
    assert (Key.read(made.to_wire()) is not None) is usable
    assert Key.read(made.replace(flags=257, protocol=2).to_wire()) is None
    assert Key.read(b"\1\1\3") is None


def test_the_tag_of_a_key_is_dnspython_s__rfc4034_b() -> None:
    for algorithm in (RSASHA256, ECDSAP256, ED25519):
        made: DNSKEY = Zone("example.", algorithm=algorithm).dnskey
        assert key_tag(made.to_wire()) == dns.dnssec.key_id(made)


@pytest.mark.parametrize("digest", ["SHA256", "SHA384"])
def test_a_delegation_signer_is_the_digest_of_a_key__rfc4034_5_1_4(digest: str) -> None:
    zone, other = Zone("example.", digest=digest), Zone("example.", key=1)
    delegation = Delegation.read(zone.ds.to_wire())
    assert delegation.is_supported
    assert delegation.matches(ZONE, key(zone))
    assert not delegation.matches(ZONE, key(other))
    assert not delegation.matches(qname("example.org."), key(zone))
    assert not replace(delegation, digest=bytes(32)).matches(ZONE, key(zone))


def test_sha_1_digests_are_not_supported__rfc9905_2() -> None:
    assert not Delegation.read(Zone("example.", digest="SHA1").ds.to_wire()).is_supported


@pytest.mark.parametrize(
    ("now_s", "expected"),
    [
        (NOW_S - DAY_S - 1, Ede.SIGNATURE_NOT_YET_VALID),
        (NOW_S - DAY_S, None),
        (NOW_S + DAY_S, None),
        (NOW_S + DAY_S + 1, Ede.SIGNATURE_EXPIRED),
    ],
)
def test_a_signature_holds_from_its_inception_to_its_expiration__rfc4035_5_3_1(
    now_s: float, expected: Ede | None
) -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    if expected is None:
        check(zone, rrset, signature, now_s=now_s)
    else:
        assert fault(zone, rrset, signature, now_s=now_s) == expected


def test_times_are_serial_numbers__rfc4034_3_1_5() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    check(zone, rrset, signature, now_s=NOW_S + 2**32)


def test_records_are_kept_no_longer_than_their_signature_says__rfc4035_5_3_3() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    assert check(zone, rrset.with_ttl(86_400), signature).ttl_s == TTL_S
    assert check(zone, rrset, signature, now_s=NOW_S + DAY_S - 7).ttl_s == 7


def test_only_the_zone_itself_signs__rfc4035_5_3_1() -> None:
    zone, above = Zone("example."), Zone(".")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    assert fault(above, rrset, signature) == Ede.RRSIGS_MISSING
    rrset, signature = signed(Zone("example.org."), "www.example.", "A", "192.0.2.1")
    assert fault(Zone("example.org."), rrset, signature) == Ede.BOGUS


def test_a_signature_over_another_type_is_none() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    assert fault(zone, replace(rrset, rdtype=Type.TXT), signature) == Ede.RRSIGS_MISSING
    assert fault(zone, rrset) == Ede.RRSIGS_MISSING


def test_a_signature_by_a_key_that_the_zone_has_not__rfc8914_4_10() -> None:
    zone = Zone("example.")
    rrset, signature = signed(Zone("example.", key=1), "www.example.", "A", "192.0.2.1")
    assert fault(zone, rrset, signature) == Ede.DNSKEY_MISSING


def test_one_signature_that_holds_is_enough__rfc6840_5_4() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    wrong = signature[:-1] + bytes((signature[-1] ^ 1,))
    check(zone, rrset, wrong, signature)


def test_a_wildcard_s_records_tell_their_source__rfc4035_5_3_2() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "a.b.example.", "A", "192.0.2.1", source="*.example.")
    verified = check(zone, rrset, signature).signature
    assert verified.expands(rrset.name)
    assert verified.source(rrset.name) == qname("*.example.")
    plain, over_plain = signed(zone, "*.example.", "A", "192.0.2.1")
    assert not check(zone, plain, over_plain).signature.expands(plain.name)


@pytest.mark.parametrize("count", [0, 3])
def test_a_label_count_that_cannot_be_is_bogus__rfc4035_5_3_1(count: int) -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    with pytest.raises(BogusError, match="counts more labels" if count else "a wildcard above its zone"):
        check(zone, rrset, signature[:3] + bytes((count,)) + signature[4:])


def test_a_zone_has_no_wildcards_above_itself__rfc4035_5_3_1() -> None:
    zone = Zone("sub.example.")
    rrset, signature = signed(zone, "www.sub.example.", "A", "192.0.2.1", source="*.example.")
    assert fault(zone, rrset, signature) == Ede.BOGUS


def test_reading_a_signature_folds_its_signer__rfc4034_6_2() -> None:
    _, signature = signed(Zone("example."), "www.example.", "A", "192.0.2.1")
    shouting = signature[:18] + signature[18:27].upper() + signature[27:]
    assert Signature.read(shouting).signer == ZONE


# --- what it may cost (CVE-2023-50387)


def colliding(zone: Zone, count: int) -> list[Key]:
    """As many keys with the tag of the zone's own, none of which made its signatures."""
    return [replace(key(zone), rdata=key(Zone("example.", key=1 + at)).rdata) for at in range(count)]


@pytest.mark.parametrize("others", [MAX_SIGNATURES - 1, MAX_SIGNATURES])
def test_so_many_keys_of_one_tag_are_tried(others: int) -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    keys = [*colliding(zone, others), key(zone)]
    if others < MAX_SIGNATURES:
        verify(rrset, [signature], ZONE, keys, NOW_S, Budget())
    else:
        with pytest.raises(BogusError):
            verify(rrset, [signature], ZONE, keys, NOW_S, Budget())


@pytest.mark.parametrize("others", [MAX_SIGNATURES - 1, MAX_SIGNATURES])
def test_so_many_signatures_over_one_rrset_are_tried(others: int) -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    wrong = [signature[:-1] + bytes((signature[-1] ^ 1 + at,)) for at in range(others)]
    if others < MAX_SIGNATURES:
        check(zone, rrset, *wrong, signature)
    else:
        assert fault(zone, rrset, *wrong, signature) == Ede.BOGUS


def test_failures_are_bounded_over_all_of_an_answer() -> None:
    zone, budget = Zone("example."), Budget()
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    wrong = signature[:-1] + bytes((signature[-1] ^ 1,))
    for _ in range(MAX_FAILURES):
        with pytest.raises(BogusError, match="wrong signature"):
            check(zone, rrset, wrong, budget=budget)
    with pytest.raises(BudgetError):
        check(zone, rrset, signature, budget=budget)


def test_verifications_are_bounded_over_all_of_an_answer() -> None:
    zone, budget = Zone("example."), Budget()
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    for _ in range(MAX_VERIFICATIONS):
        check(zone, rrset, signature, budget=budget)
    with pytest.raises(BudgetError):
        check(zone, rrset, signature, budget=budget)


def test_a_key_that_is_none_of_its_algorithm_verifies_nothing() -> None:
    zone = Zone("example.")
    rrset, signature = signed(zone, "www.example.", "A", "192.0.2.1")
    broken = replace(key(zone), rdata=key(zone).rdata[:20])
    with pytest.raises(BogusError, match="wrong signature"):
        verify(rrset, [signature], ZONE, [broken], NOW_S, Budget())


@given(st.sampled_from([8, 10, 13, 14, 15, 16]), st.binary(max_size=600), st.binary(max_size=300))
def test_octets_that_are_no_key_or_no_signature_verify_nothing(
    algorithm: int, octets: bytes, signature: bytes
) -> None:
    zone = Zone("example.")
    rrset, right = signed(zone, "www.example.", "A", "192.0.2.1")
    rdata = right[:2] + bytes((algorithm,)) + right[3:27] + signature
    broken = Key(b"\1\1\3" + bytes((algorithm,)) + octets, algorithm, Signature.read(rdata).tag, 257)
    with pytest.raises(BogusError):
        verify(rrset, [rdata], ZONE, [broken], NOW_S, Budget())

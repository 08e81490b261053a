"""A reply and its verdict, in a small signed internet."""

from __future__ import annotations

import asyncio

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.answer.decide import Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.dnssec.trust import Look
from splitdns.forward.dnssec.validate import Validator
from splitdns.forward.response import Response
from splitdns.names import Qname
from splitdns.records import Ede, Rcode, Type, type_from_text
from splitdns.view import UpstreamSet
from tests.signed import DAY_S, ED25519, NOW_S, TTL_S, World, Zone, qname

SECURE, INSECURE, BOGUS = Security.SECURE, Security.INSECURE, Security.BOGUS

HOSTS = """\
www A 192.0.2.1
www A 192.0.2.2
*.wild A 192.0.2.3
*.walias CNAME www.nsec3.test.
*.wboth CNAME x.wild.nsec3.test.
a.b.c A 192.0.2.4
alias CNAME www
out CNAME www.nsec3.test.
away CNAME www.plain.test.
lost CNAME nothing.nsec3.test.
dname DNAME nsec3.test.
"""


def world() -> World:
    return World(
        Zone("."),
        Zone("test.", "*.down CNAME x.wild.nsec.test."),
        Zone("nsec.test.", HOSTS),
        Zone("nsec3.test.", HOSTS, nsec3=(2, False), algorithm=ED25519),
        Zone("optout.test.", HOSTS, nsec3=(0, True)),
        Zone("plain.test.", HOSTS, signed=False),
        Zone("plain.optout.test.", HOSTS, signed=False),
        Zone("many.test.", HOSTS, nsec3=(101, False)),
        Zone("old.test.", HOSTS, algorithm=5),
    )


def judged(
    of: World,
    name: str,
    rdtype: str = "A",
    wire: bytes | None = None,
    *,
    now_s: float = NOW_S,
    negative: tuple[str, ...] = (),
) -> Reply:
    """What becomes of the world's reply, or of ``wire`` in its place."""

    async def fetch(_: UpstreamSet, name: Qname, qtype: int, look: Look) -> Reply:
        reply = reduce(Response(of.wire(name, qtype)), name, qtype, do=True)
        look(reply)
        return reply

    validator = Validator(fetch, lambda: 0.0, lambda: now_s)
    asked, qtype = qname(name), type_from_text(rdtype)
    reply = reduce(Response(wire or of.wire(asked, qtype)), asked, qtype, do=True)
    upstreams = UpstreamSet((), validation=of.validation(map(qname, negative)))
    return asyncio.run(validator.validate(reply, "lan", upstreams, asked, qtype, 5.0))


def verdict(reply: Reply) -> tuple[Security, list[int]]:
    assert reply.proof is not None
    assert (reply.rcode == Rcode.SERVFAIL) is (reply.proof.security is BOGUS)
    return reply.proof.security, [code for code, _ in reply.edes]


@pytest.mark.parametrize(
    ("name", "rdtype", "security"),
    [
        ("www.nsec.test.", "A", SECURE),
        ("www.nsec.test.", "AAAA", SECURE),
        ("no.nsec.test.", "A", SECURE),
        ("c.nsec.test.", "A", SECURE),
        ("x.wild.nsec.test.", "A", SECURE),
        ("y.x.wild.nsec.test.", "A", SECURE),
        ("x.wild.nsec.test.", "MX", SECURE),
        ("alias.nsec.test.", "A", SECURE),
        ("alias.nsec.test.", "CNAME", SECURE),
        ("out.nsec.test.", "A", SECURE),
        ("out.nsec.test.", "MX", SECURE),
        ("lost.nsec.test.", "A", SECURE),
        ("x.walias.nsec.test.", "A", SECURE),
        ("x.wboth.nsec.test.", "A", SECURE),
        ("x.down.test.", "A", SECURE),
        ("www.dname.nsec.test.", "A", SECURE),
        ("no.dname.nsec.test.", "A", SECURE),
        ("www.nsec.test.", "ANY", SECURE),
        ("nsec.test.", "DS", SECURE),
        ("nsec.test.", "DNSKEY", SECURE),
        ("www.nsec.test.", "DS", SECURE),
        (".", "NS", SECURE),
        (".", "DS", SECURE),
        ("www.nsec3.test.", "A", SECURE),
        ("www.nsec3.test.", "AAAA", SECURE),
        ("no.nsec3.test.", "A", SECURE),
        ("a.no.nsec3.test.", "A", SECURE),
        ("c.nsec3.test.", "A", SECURE),
        ("x.wild.nsec3.test.", "A", SECURE),
        ("y.x.wild.nsec3.test.", "A", SECURE),
        ("x.wild.nsec3.test.", "MX", SECURE),
        ("www.optout.test.", "A", SECURE),
        ("no.optout.test.", "A", INSECURE),
        ("plain.optout.test.", "DS", INSECURE),
        ("www.plain.optout.test.", "A", INSECURE),
        ("away.nsec.test.", "A", INSECURE),
        ("www.plain.test.", "A", INSECURE),
        ("no.plain.test.", "A", INSECURE),
        ("plain.test.", "DS", SECURE),
        ("out.plain.test.", "A", INSECURE),
    ],
)
def test_a_reply_is_as_secure_as_its_weakest_part__rfc4035_5_semantics_16(
    name: str, rdtype: str, security: Security
) -> None:
    assert verdict(judged(world(), name, rdtype)) == (security, [])


def test_what_is_insecure_for_another_reason_says_so__rfc8914_4() -> None:
    assert verdict(judged(world(), "no.many.test.")) == (INSECURE, [Ede.NSEC3_ITERATIONS])
    assert verdict(judged(world(), "x.wild.many.test.")) == (INSECURE, [Ede.NSEC3_ITERATIONS])
    assert verdict(judged(world(), "www.many.test.")) == (SECURE, [])
    assert verdict(judged(world(), "www.old.test.")) == (INSECURE, [Ede.UNSUPPORTED_ALGORITHM])


@pytest.mark.parametrize(
    ("kind", "ede"),
    [
        ("wrong", Ede.BOGUS),
        ("expired", Ede.SIGNATURE_EXPIRED),
        ("future", Ede.SIGNATURE_NOT_YET_VALID),
        ("none", Ede.RRSIGS_MISSING),
    ],
)
@pytest.mark.parametrize(
    ("owner", "rdtype", "name"),
    [
        ("www.nsec.test.", "A", "www.nsec.test."),
        ("www.nsec.test.", "A", "alias.nsec.test."),
        ("alias.nsec.test.", "CNAME", "alias.nsec.test."),
        ("dname.nsec.test.", "DNAME", "www.dname.nsec.test."),
        ("nsec.test.", "SOA", "no.nsec.test."),
    ],
)
def test_a_signature_that_does_not_hold_is_bogus__rfc4035_5_5_semantics_16(
    owner: str, rdtype: str, name: str, kind: str, ede: Ede
) -> None:
    of = world()
    of.zones[dns.name.from_text("nsec.test.")].spoilt[owner, rdtype] = kind
    reply = judged(of, name)
    assert verdict(reply) == (BOGUS, [ede])
    assert (reply.answer, reply.soa) == ((), None), "nothing of it goes on"


def test_a_denial_whose_signature_does_not_hold_is_bogus__rfc4035_5_4() -> None:
    of = world()
    zone = of.zones[dns.name.from_text("nsec.test.")]
    zone.spoilt |= {(str(name), "NSEC"): "wrong" for name in zone.names()}
    assert verdict(judged(of, "no.nsec.test.")) == (BOGUS, [Ede.BOGUS])


def without(of: World, name: str, *types: str, rdtype: str = "A", nxdomain: bool = False) -> bytes:
    """The world's response, less all records of these types, and perhaps with another rcode."""
    query = dns.message.make_query(name, rdtype, want_dnssec=True)
    response = of.answer(query)
    for section in (response.answer, response.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype.name not in types]
    if nxdomain:
        response.set_rcode(3)
    return response.to_wire(max_size=65_535)


@pytest.mark.parametrize(
    ("name", "types", "ede"),
    [
        ("www.nsec.test.", ("RRSIG",), Ede.RRSIGS_MISSING),
        ("no.nsec.test.", ("RRSIG",), Ede.RRSIGS_MISSING),
        ("no.nsec.test.", ("NSEC",), Ede.NSEC_MISSING),
        ("no.nsec3.test.", ("NSEC3",), Ede.NSEC_MISSING),
        ("x.wild.nsec.test.", ("NSEC",), Ede.NSEC_MISSING),
        ("x.wild.nsec3.test.", ("NSEC3",), Ede.NSEC_MISSING),
        ("no.nsec.test.", ("SOA", "NSEC", "RRSIG"), Ede.RRSIGS_MISSING),
    ],
)
def test_what_a_signed_zone_owes_is_missed__rfc4035_5(name: str, types: tuple[str, ...], ede: Ede) -> None:
    of = world()
    assert verdict(judged(of, name, wire=without(of, name, *types))) == (BOGUS, [ede])


def test_a_name_that_is_there_cannot_be_denied_with_another_s_proof__rfc4035_5_4() -> None:
    of = world()
    for zone in ("nsec.test.", "nsec3.test."):
        denied = of.answer(dns.message.make_query(f"no.{zone}", "A", want_dnssec=True))
        response = dns.message.make_response(dns.message.make_query(f"www.{zone}", "A", want_dnssec=True))
        response.authority = denied.authority
        for rcode in (0, 3):
            response.set_rcode(rcode)
            assert verdict(judged(of, f"www.{zone}", wire=response.to_wire())) == (BOGUS, [Ede.NSEC_MISSING])


def test_a_type_that_is_missing_does_not_make_the_name_missing() -> None:
    of = world()
    wire = without(of, "www.nsec.test.", rdtype="AAAA", nxdomain=True)
    assert verdict(judged(of, "www.nsec.test.", "AAAA", wire=wire)) == (BOGUS, [Ede.NSEC_MISSING])


def forged(name: str, *signers: str) -> bytes:
    """A lie, with signatures that name these zones as their signers."""
    response = dns.message.make_response(dns.message.make_query(name, "A", want_dnssec=True))
    response.answer = [dns.rrset.from_text(name, TTL_S, "IN", "A", "203.0.113.66")]
    times = "20300101000000 20200101000000"
    for signer in signers:
        text = f"A 13 {len(name.split('.')) - 1} {TTL_S} {times} 1 {signer} AAAA"
        response.answer.append(dns.rrset.from_text(name, TTL_S, "IN", "RRSIG", text))
    return response.to_wire()


@pytest.mark.parametrize(
    "signers", [(), (".",), ("test.",), ("plain.test.",), ("www.nsec.test.",), ("example.org.",)]
)
def test_a_lie_is_bogus_whoever_it_says_signed_it__rfc4035_5_3_1(signers: tuple[str, ...]) -> None:
    security, edes = verdict(judged(world(), "www.nsec.test.", wire=forged("www.nsec.test.", *signers)))
    assert security is BOGUS
    assert edes


def test_a_signer_outside_of_the_anchors_makes_nothing_insecure() -> None:
    """Nobody vouches for the root here, and a signature that names it must not hide the anchor beneath."""
    of = world()
    of.anchor = "test."
    assert verdict(judged(of, "www.nsec.test.")) == (SECURE, [])
    assert verdict(judged(of, ".", "NS")) == (INSECURE, [])
    reply = judged(of, "www.nsec.test.", wire=forged("www.nsec.test.", "."))
    assert verdict(reply)[0] is BOGUS


def test_there_are_no_signatures_over_signatures__rfc4035_2_2() -> None:
    of = world()
    response = of.answer(dns.message.make_query("www.nsec.test.", "A", want_dnssec=True))
    response.question = dns.message.make_query("www.nsec.test.", "RRSIG").question
    assert verdict(judged(of, "www.nsec.test.", "RRSIG", wire=response.to_wire())) == (INSECURE, [])


def test_signatures_of_a_wildcard_s_are_not_for_names_that_are_there__rfc4035_5_3_4() -> None:
    of = world()
    zone = of.zones[dns.name.from_text("nsec.test.")]
    name = dns.name.from_text("there.wild.nsec.test.")
    zone.add(dns.rrset.from_text(name, TTL_S, "IN", "A", "192.0.2.77"))
    wild = zone.sets[dns.name.from_text("*.wild.nsec.test."), dns.rdatatype.A]
    expanded = dns.rrset.from_rdata_list(name, TTL_S, list(wild))
    response = dns.message.make_response(dns.message.make_query(name, "A", want_dnssec=True))
    response.answer = zone.with_signature(expanded, wild.name)
    response.authority = zone.denial(name)
    reply = judged(of, "there.wild.nsec.test.", wire=response.to_wire())
    assert verdict(reply) == (BOGUS, [Ede.NSEC_MISSING])


def test_a_wildcard_s_denial_is_not_one_of_names_that_are_there__rfc4035_5_4() -> None:
    of = world()
    zone = of.zones[dns.name.from_text("nsec.test.")]
    name, wild = dns.name.from_text("there.wild.nsec.test."), dns.name.from_text("*.wild.nsec.test.")
    zone.add(dns.rrset.from_text(name, TTL_S, "IN", "MX", "10 mail.nsec.test."))
    query = dns.message.make_query(name, "MX", want_dnssec=True)
    response = dns.message.make_response(query)
    response.authority = zone.with_signature(zone.sets[zone.name, dns.rdatatype.SOA])
    for rrset in zone.denial(wild):
        response.authority.append(dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset)))
    reply = judged(of, "there.wild.nsec.test.", "MX", wire=response.to_wire())
    assert verdict(reply) == (BOGUS, [Ede.NSEC_MISSING])


def test_ds_records_are_their_parent_s_to_sign__rfc4035_5_2() -> None:
    of = world()
    zone = of.zones[dns.name.from_text("nsec.test.")]
    response = dns.message.make_response(dns.message.make_query("nsec.test.", "DS", want_dnssec=True))
    response.answer = zone.with_signature(dns.rrset.from_rdata("nsec.test.", TTL_S, zone.ds))
    assert verdict(judged(of, "nsec.test.", "DS", wire=response.to_wire()))[0] is BOGUS


def test_that_a_zone_is_unsigned_is_its_parent_s_to_say__rfc4035_5_2() -> None:
    of = world()
    wire = without(of, "plain.test.", "RRSIG", "NSEC", rdtype="DS")
    assert verdict(judged(of, "plain.test.", "DS", wire=wire)) == (BOGUS, [Ede.RRSIGS_MISSING])


def test_what_is_beneath_a_negative_anchor_is_not_looked_at__rfc7646_2() -> None:
    of = world()
    of.zones[dns.name.from_text("nsec.test.")].spoilt["www.nsec.test.", "A"] = "wrong"
    assert verdict(judged(of, "www.nsec.test.", negative=("nsec.test.",))) == (INSECURE, [])
    assert verdict(judged(of, "www.nsec.test.", negative=("nsec3.test.",))) == (BOGUS, [Ede.BOGUS])


def test_nothing_is_kept_longer_than_its_signature__rfc4035_5_3_3() -> None:
    for name, rdtype in (("www.nsec.test.", "A"), ("www.nsec.test.", "AAAA")):
        reply = judged(world(), name, rdtype, now_s=NOW_S + DAY_S - 9)
        assert verdict(reply) == (SECURE, [])
        assert {rrset.ttl_s for rrset in (*reply.answer, reply.soa) if rrset} == {9}


def test_who_cannot_find_out_says_so_and_gives_nothing__rfc8914_4_6() -> None:
    of = world()

    async def unreachable(*_: object) -> Reply:
        raise UpstreamError("no upstream answered")

    async def late(*_: object) -> Reply:
        await asyncio.sleep(3600)
        raise AssertionError

    for fetch, reason in ((unreachable, "no upstream answered"), (late, "in time")):
        validator = Validator(fetch, lambda: 0.0, lambda: NOW_S)
        asked = qname("www.nsec.test.")
        reply = reduce(Response(of.wire(asked, Type.A)), asked, Type.A, do=True)
        upstreams = UpstreamSet((), validation=of.validation())
        found = asyncio.run(validator.validate(reply, "lan", upstreams, asked, Type.A, 0.01))
        assert (found.rcode, found.edes[0][0], found.answer) == (Rcode.SERVFAIL, Ede.INDETERMINATE, ())
        assert reason in found.edes[0][1]
        assert found.proof is not None
        assert found.proof.security is Security.UNCHECKED


# --- whatever comes


WORLD = world()
TRUTHS = {
    (name, rdtype): WORLD.wire(qname(name), type_from_text(rdtype))
    for name, rdtype in (
        ("www.nsec.test.", "A"),
        ("alias.nsec.test.", "A"),
        ("www.dname.nsec.test.", "A"),
        ("no.nsec.test.", "A"),
        ("www.nsec.test.", "AAAA"),
        ("x.wild.nsec.test.", "A"),
        ("no.nsec3.test.", "A"),
        ("www.nsec3.test.", "MX"),
        ("x.wild.nsec3.test.", "A"),
        ("plain.test.", "DS"),
    )
}


def said(reply: Reply) -> tuple[int, set[tuple[bytes, int, frozenset[bytes]]]]:
    """What a reply says, without TTLs and the letters' case."""
    records = {
        (rrset.name, rrset.rdtype, frozenset(rdata.lower() for rdata in rrset.rdatas))
        for rrset in reply.answer
    }
    return reply.rcode, records


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_reply_is_never_secure_and_another__rfc4035_5(data: st.DataObject) -> None:
    name, rdtype = data.draw(st.sampled_from(sorted(TRUTHS)))
    truth = TRUTHS[name, rdtype]
    wire = bytearray(truth)
    for _ in range(data.draw(st.integers(1, 3))):
        wire[data.draw(st.integers(2, len(wire) - 1))] = data.draw(st.integers(0, 255))
    asked, qtype = qname(name), type_from_text(rdtype)
    try:
        reduced = reduce(Response(bytes(wire)), asked, qtype, do=True)
    except UpstreamError:
        return
    if reduced.proof is None:  # another rcode, which nobody judges
        return
    judged_reply = judged(WORLD, name, rdtype, wire=bytes(wire))
    assert judged_reply.proof is not None
    if judged_reply.proof.security is SECURE:
        rcode, records = said(judged_reply)
        true_rcode, true_records = said(reduce(Response(truth), asked, qtype, do=True))
        # A chain may have lost its end, which is asked for then.
        assert rcode == true_rcode
        assert records == true_records or (records < true_records and judged_reply.soa is None)

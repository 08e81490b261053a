"""From a response to what answers the question: chains rebuilt, everything else dropped."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.answer.decide import MAX_CNAME_HOPS, Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.chain import reduce
from splitdns.forward.response import Response
from splitdns.names import from_text, to_text
from splitdns.records import Rcode, RRset, Type, type_from_text, type_to_text
from tests.upstreams import answer

SOA = "example.org. 3600 SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 300"


def reply(
    *records: str,
    name: str = "www.example.org.",
    rdtype: str = "A",
    rcode: str = "NOERROR",
    authority: Iterable[str] = (),
) -> Reply:
    """What remains of a response with these records to a question for ``name`` and ``rdtype``."""
    query = dns.message.make_query(name, rdtype)
    response = Response(answer(query, *records, rcode=rcode, authority=authority))
    return reduce(response, from_text(name), type_from_text(rdtype))


def lines(rrsets: Iterable[RRset | None]) -> list[str]:
    return [f"{to_text(rrset.owner)} {type_to_text(rrset.rdtype)}" for rrset in rrsets if rrset]


def test_the_records_asked_for_are_the_answer() -> None:
    found = reply("www.example.org. 300 A 192.0.2.1", "www.example.org. 300 A 192.0.2.2")
    assert found.rcode == Rcode.NOERROR
    assert [rrset.rdatas for rrset in found.answer] == [(b"\xc0\0\2\1", b"\xc0\0\2\2")]
    assert found.soa is None


def test_records_that_no_hop_leads_to_are_dropped__rfc2181_5_4_1() -> None:
    found = reply(
        "bank.example. 300 A 203.0.113.66",
        "www.example.org. 300 CNAME a.example.net.",
        "www.example.org. 300 AAAA 2001:db8::66",
        "a.example.net. 300 A 192.0.2.1",
        "a.example.net. 300 TXT x",
        "b.example.net. 300 A 203.0.113.66",
        authority=["example. 300 NS evil.example.", SOA],
    )
    assert lines(found.answer) == ["www.example.org. CNAME", "a.example.net. A"]
    assert found.soa is None


def test_what_the_upstream_says_of_its_own_validation_is_kept__rfc4035_3_2_3() -> None:
    query = dns.message.make_query("www.example.org.", "A")
    wire = bytearray(answer(query, "www.example.org. 300 A 192.0.2.1"))
    for ad, security in ((0x20, Security.CLAIMED), (0, Security.UNCHECKED)):
        wire[3] = wire[3] & ~0x20 | ad
        found = reduce(Response(bytes(wire)), from_text("www.example.org."), Type.A, do=True)
        assert found.proof is not None
        assert found.proof.security is security


def test_a_chain_is_put_into_order() -> None:
    found = reply(
        "c.example.net. 300 A 192.0.2.1",
        "b.example.net. 200 CNAME c.example.net.",
        "www.example.org. 100 CNAME b.example.net.",
    )
    assert lines(found.answer) == ["www.example.org. CNAME", "b.example.net. CNAME", "c.example.net. A"]
    assert [rrset.ttl_s for rrset in found.answer] == [100, 200, 300]


def test_of_several_cnames_the_first_counts__rfc2181_10_1() -> None:
    found = reply(
        "www.example.org. 300 CNAME a.example.net.",
        "www.example.org. 300 CNAME b.example.net.",
        "b.example.net. 300 A 203.0.113.66",
        "a.example.net. 300 A 192.0.2.1",
    )
    assert lines(found.answer) == ["www.example.org. CNAME", "a.example.net. A"]
    assert len(found.answer[0].rdatas) == 1


def test_records_of_the_type_beat_an_alias_beside_them() -> None:
    found = reply("www.example.org. 300 CNAME a.example.net.", "www.example.org. 300 A 192.0.2.1")
    assert lines(found.answer) == ["www.example.org. A"]


def test_a_cname_that_was_asked_for_is_not_followed__rfc1034_3_6_2() -> None:
    found = reply(
        "www.example.org. 300 CNAME a.example.net.", "a.example.net. 300 CNAME b.example.", rdtype="CNAME"
    )
    assert lines(found.answer) == ["www.example.org. CNAME"]


def test_any_takes_all_of_the_name_and_follows_nothing() -> None:
    found = reply(
        "www.example.org. 300 CNAME a.example.net.",
        "www.example.org. 300 TXT x",
        "a.example.net. 300 A 192.0.2.1",
        rdtype="ANY",
    )
    assert lines(found.answer) == ["www.example.org. CNAME", "www.example.org. TXT"]


def test_a_dname_makes_the_cname_whatever_the_upstream_made_of_it__rfc6672_2_2() -> None:
    found = reply(
        "example.org. 300 DNAME example.net.",
        "www.example.org. 600 CNAME evil.example.",
        "evil.example. 300 A 203.0.113.66",
        "www.example.net. 300 A 192.0.2.1",
    )
    assert lines(found.answer) == ["example.org. DNAME", "www.example.org. CNAME", "www.example.net. A"]
    assert found.answer[1].rdatas == (from_text("www.example.net."),)
    assert found.answer[1].ttl_s == 300


def test_a_dname_does_not_redirect_its_own_name__rfc6672_2_3() -> None:
    found = reply("www.example.org. 300 DNAME x.example.", "www.example.org. 300 A 192.0.2.1")
    assert lines(found.answer) == ["www.example.org. A"]


def test_the_cname_of_a_dname_can_be_asked_for__rfc6672_3_2() -> None:
    found = reply("example.org. 300 DNAME example.net.", rdtype="CNAME")
    assert lines(found.answer) == ["example.org. DNAME", "www.example.org. CNAME"]


def test_a_dname_that_makes_the_name_too_long_is_an_error__rfc6672_2_2() -> None:
    long = ".".join(["x" * 60] * 4)
    with pytest.raises(UpstreamError, match="too long"):
        reply(f"example.org. 300 DNAME {long}.", name="a-long-name.www.example.org.")


@pytest.mark.parametrize(
    "records",
    [
        ["www.example.org. 300 CNAME WWW.example.org."],
        ["www.example.org. 300 CNAME a.example.", "a.example. 300 CNAME www.example.org."],
        [
            "www.example.org. 300 CNAME a.example.",
            "a.example. 300 CNAME b.example.",
            "b.example. 300 CNAME a.example.",
        ],
        ["example.org. 300 DNAME www.example.org."],
    ],
)
def test_aliases_that_lead_in_a_circle_are_an_error(records: list[str]) -> None:
    with pytest.raises(UpstreamError, match="circle"):
        reply(*records)


@pytest.mark.parametrize("hops", [MAX_CNAME_HOPS, MAX_CNAME_HOPS + 1])
def test_a_chain_has_so_many_hops_at_most(hops: int) -> None:
    names = ["www.example.org.", *[f"hop{hop}.example." for hop in range(hops)]]
    records = [f"{one} 300 CNAME {other}" for one, other in itertools.pairwise(names)]
    if hops <= MAX_CNAME_HOPS:
        assert len(reply(*records, f"{names[-1]} 300 A 192.0.2.1").answer) == hops + 1
    else:
        with pytest.raises(UpstreamError, match="too many names"):
            reply(*records, f"{names[-1]} 300 A 192.0.2.1")


def test_nodata_has_the_soa_with_its_negative_ttl__rfc2308_2_2() -> None:
    found = reply(authority=[SOA])
    assert (found.rcode, found.answer) == (Rcode.NOERROR, ())
    assert found.soa is not None
    assert found.soa.ttl_s == 300


def test_the_soa_ttl_itself_bounds_a_negative_ttl__rfc2308_5() -> None:
    found = reply(rcode="NXDOMAIN", authority=[SOA.replace(" 3600 SOA", " 20 SOA")])
    assert found.rcode == Rcode.NXDOMAIN
    assert found.soa is not None
    assert found.soa.ttl_s == 20


def test_the_soa_must_be_of_a_zone_that_holds_the_name__rfc2308_2() -> None:
    for apex in ("example.net.", "xample.org.", "a.www.example.org."):
        other = SOA.replace("example.org. 3600", f"{apex} 3600")
        assert reply(rcode="NXDOMAIN", authority=[other]).soa is None


def test_the_closest_soa_counts() -> None:
    root = SOA.replace("example.org. 3600", ". 3600")
    assert lines([reply(rcode="NXDOMAIN", authority=[root, SOA]).soa]) == ["example.org. SOA"]


def test_a_denial_at_the_end_of_a_chain_is_about_its_end__rfc2308_2_1() -> None:
    alias = "www.example.org. 300 CNAME gone.example.net."
    beyond = SOA.replace("example.org. 3600", "example.net. 3600")
    found = reply(alias, rcode="NXDOMAIN", authority=[SOA, beyond])
    assert found.rcode == Rcode.NXDOMAIN
    assert lines(found.answer) == ["www.example.org. CNAME"]
    assert lines([found.soa]) == ["example.net. SOA"]


def test_a_chain_without_its_end_has_neither_records_nor_soa() -> None:
    found = reply("www.example.org. 300 CNAME a.example.net.", authority=[SOA])
    assert lines(found.answer) == ["www.example.org. CNAME"]
    assert found.soa is None


def test_a_referral_is_an_error__rfc2308_2_2() -> None:
    with pytest.raises(UpstreamError, match="does not recurse"):
        reply(authority=["example.org. 300 NS ns1.example.org."])


def test_an_empty_response_is_nodata__rfc2308_2_2() -> None:
    assert reply() == Reply(Rcode.NOERROR)


def test_nodata_with_ns_and_soa_is_no_referral__rfc2308_2_2() -> None:
    assert reply(authority=["example.org. 300 NS ns1.example.org.", SOA]).soa is not None


def test_records_of_a_name_that_does_not_exist_are_an_error() -> None:
    with pytest.raises(UpstreamError, match="said not to exist"):
        reply("www.example.org. 300 A 192.0.2.1", rcode="NXDOMAIN")


@pytest.mark.parametrize("rcode", ["SERVFAIL", "REFUSED", "YXDOMAIN", "BADVERS"])
def test_of_other_rcodes_only_the_rcode_remains(rcode: str) -> None:
    assert reply("www.example.org. 300 A 192.0.2.1", rcode=rcode, authority=[SOA]) == Reply(Rcode[rcode])


NAMES = ["www.example.org.", "a.example.org.", "example.org.", "b.example.", "example.", "."]
RECORDS = st.builds(
    lambda owner, rdata: f"{owner} 300 {rdata}",
    st.sampled_from(NAMES),
    st.one_of(
        st.sampled_from(["A 192.0.2.1", "TXT x", "SOA a. b. 1 2 3 4 5"]),
        st.builds("{} {}".format, st.sampled_from(["CNAME", "DNAME", "NS"]), st.sampled_from(NAMES)),
    ),
)


@given(
    st.lists(RECORDS, max_size=8),
    st.lists(RECORDS, max_size=3),
    st.sampled_from(["A", "CNAME", "DNAME", "ANY", "SOA"]),
    st.sampled_from(["NOERROR", "NXDOMAIN"]),
)
def test_whatever_the_response_holds_the_answer_is_one_chain_from_the_question(
    records: list[str], authority: list[str], rdtype: str, rcode: str
) -> None:
    try:
        found = reply(*records, authority=authority, rdtype=rdtype, rcode=rcode)
    except UpstreamError:
        return
    name = from_text("www.example.org.")
    for rrset in found.answer:
        if rrset.rdtype == Type.DNAME and rrset.name != name:
            continue
        assert rrset.name == name, "each RRset is owned by the question or the last alias's target"
        if rrset.rdtype == Type.CNAME and rdtype not in ("CNAME", "ANY"):
            name = from_text(to_text(rrset.rdatas[0]))
    if found.soa is not None:
        assert name.endswith(found.soa.name)
        assert type_from_text(rdtype) not in [rrset.rdtype for rrset in found.answer if rrset.name == name]


@pytest.mark.parametrize("rdtype", ["CNAME", "ANY"])
def test_a_cname_comes_with_the_dname_that_it_is_made_of__rfc6672_3_1(rdtype: str) -> None:
    dname, made = "example.org. 300 DNAME example.net.", "www.example.org. 0 CNAME www.example.net."
    for records in ((dname, made), (dname,)):
        found = reply(*records, rdtype=rdtype)
        assert lines(found.answer) == ["example.org. DNAME", "www.example.org. CNAME"]
        assert {rrset.ttl_s for rrset in found.answer} == {300}


# --- what shows a reply to be true


def signature(owner: str, covered: str = "A", signer: str = "example.org.") -> str:
    return f"{owner} 300 RRSIG {covered} 13 3 300 20300101000000 20200101000000 1 {signer} AAAA"


def proof(*records: str, authority: Iterable[str] = (), rcode: str = "NOERROR") -> list[str]:
    """What is kept of a signed response beside its answer."""
    query = dns.message.make_query("www.example.org.", "A")
    response = Response(answer(query, *records, rcode=rcode, authority=authority))
    assert reduce(response, from_text("www.example.org."), Type.A).proof is None
    kept = reduce(response, from_text("www.example.org."), Type.A, do=True).proof
    assert kept is not None
    assert kept.security is Security.UNCHECKED
    return lines([*kept.signatures, *kept.denial])


def test_signatures_are_kept_of_records_that_are__rfc4035_3_1_1() -> None:
    assert proof(
        "www.example.org. 300 CNAME a.example.org.",
        signature("www.example.org.", "CNAME"),
        signature("www.example.org.", "TXT"),
        "a.example.org. 300 A 192.0.2.1",
        signature("a.example.org."),
        signature("b.example.org."),
    ) == ["www.example.org. RRSIG", "a.example.org. RRSIG"]


def test_a_denial_is_kept_with_its_signatures__rfc4035_3_1_3() -> None:
    assert proof(
        authority=[
            SOA,
            signature("example.org.", "SOA"),
            "example.org. 300 NSEC z.example.org. NS SOA",
            signature("example.org.", "NSEC"),
            "7M8C.example.org. 300 NSEC3 1 0 0 - 7M8C7M8C7M8C7M8C7M8C7M8C7M8C7M8C A",
            signature("7m8c.example.org.", "NSEC3"),
        ],
        rcode="NXDOMAIN",
    ) == [
        "example.org. RRSIG",
        "example.org. NSEC",
        "example.org. RRSIG",
        "7m8c.example.org. NSEC3",
        "7m8c.example.org. RRSIG",
    ]


def test_a_denial_without_a_signature_or_of_another_zone_is_dropped() -> None:
    assert proof(authority=[SOA, "example.org. 300 NSEC z.example.org. NS SOA"]) == []
    assert (
        proof(
            authority=[
                "a.example.net. 300 NSEC z.example.net. A",
                signature("a.example.net.", "NSEC", "example.net."),
            ]
        )
        == []
    )

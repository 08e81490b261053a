"""The hops of a decision: what zone or rule, by what way, with which records from where."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.answer.decide import Forward, Reply
from splitdns.errors import Where
from splitdns.explain import explain
from splitdns.explain.source import Source
from splitdns.explain.tale import SHORT
from splitdns.explain.values import Explanation, How, Origin, Place, Result
from splitdns.names import Qname, from_text, to_text
from splitdns.records import Rcode, RRset, Type, type_to_text
from splitdns.snapshot import Snapshot
from splitdns.view import Prefix, Upstream, UpstreamSet, View
from splitdns.zone import Zone
from tests.build import address, query, view, zone

CORP = UpstreamSet((Upstream("10.8.0.53"),))
PUBLIC = UpstreamSet((Upstream("192.0.2.53"),))
HERE = zone(
    """
www    60 IN A 192.0.2.1
long 3600 IN A 192.0.2.2
alias  60 IN CNAME www
hidden 60 IN CNAME nas
loop   60 IN CNAME loop
dn     60 IN DNAME example.net.
sub    60 IN NS ns.sub
ns.sub 60 IN A 192.0.2.5
mail   60 IN MX 10 www
corp   60 IN CNAME host.corp.example.
""",
    elsewhere=["nas"],
    differs=["www", "alias"],
    inherit={"www": ["TXT"]},
)
ROUTES = {".": PUBLIC, "corp.example.": CORP}


class Here:
    """Every record stands at one place; those of ``long`` say their TTL themselves."""

    def client(self, view: str, prefix: Prefix | None) -> Where:
        return Where("splitdns.yaml", 3, 9)

    def rule(self, view: str, domain: Qname) -> Where:
        return Where("splitdns.yaml", 9, 3)

    def record(self, zone: Zone, view: View, source: Source, rdtype: int) -> Place:
        own_ttl = source.node is not None and source.node.name.startswith(b"\x04long")
        return Place(Where("example.org.yaml", 7, 3), own_ttl)


def told(name: str, rdtype: str = "A", here: View | None = None, reply: Reply | None = None) -> Explanation:
    here = here or view(HERE, recursion=True, routes=ROUTES)
    snapshot = Snapshot(1, (here,), (), here)

    def ask(forward: Forward) -> Reply | None:
        return reply

    return explain(
        snapshot, query(name, rdtype, rd=True), "10.0.0.1", ask=ask if reply else None, places=Here()
    )


def test_each_alias_is_a_hop_with_the_place_where_it_is_written() -> None:
    hops = told("alias.example.org.").hops
    assert [(to_text(hop.name), hop.how, hop.result) for hop in hops] == [
        ("alias.example.org.", How.EXACT, Result.ALIAS),
        ("www.example.org.", How.EXACT, Result.RECORDS),
    ]
    assert [str(record.place.where) for hop in hops for record in hop.records if record.place] == [
        "example.org.yaml:7:3"
    ] * 2


def test_a_short_ttl_says_why__semantics_11() -> None:
    (hop,) = told("www.example.org.").hops
    assert hop.records[0].ttl_reason == SHORT
    (hop,) = told("long.example.org.").hops
    assert hop.records[0].ttl_reason == "declared at the record or its name"


def test_the_additional_records_have_their_places_too() -> None:
    (hop,) = told("mail.example.org.", "MX").hops
    assert [(r.rrset.rdtype, r.origin, r.place is not None) for r in hop.beside] == [
        (Type.A, Origin.ZONE, True)
    ]


def test_the_record_that_a_dname_stands_for_is_synthesized__rfc6672_3_1() -> None:
    first = told("x.dn.example.org.").hops[0]
    assert (first.how, first.matched) == (How.DNAME, "dn.example.org.")
    assert [(record.rrset.rdtype, record.origin) for record in first.records] == [
        (Type.DNAME, Origin.ZONE),
        (Type.CNAME, Origin.SYNTHESIZED),
    ]


def test_an_alias_to_a_name_of_other_views_ends_there_and_says_so__semantics_2() -> None:
    explanation = told("hidden.example.org.", here=view(HERE, horizon=("outside",)))
    (hop,) = explanation.hops
    assert hop.result is Result.NODATA
    assert "nas.example.org. exists in other views only" in hop.reason
    (stripped,) = explanation.stripped
    assert (type_to_text(stripped.rdtype), to_text(stripped.owner)) == ("CNAME", "hidden.example.org.")


def test_an_alias_that_leads_to_itself_is_told_once() -> None:
    (hop,) = told("loop.example.org.").hops
    assert "circle" in hop.reason


def test_a_delegation_is_referred_or_asked_of_an_upstream__semantics_7() -> None:
    (hop,) = told("x.sub.example.org.").hops
    assert (hop.how, hop.matched, hop.result) == (How.CUT, "sub.example.org.", Result.FORWARD)
    (hop,) = told("x.sub.example.org.", here=view(HERE, horizon=("outside",))).hops
    assert hop.result is Result.REFERRAL
    assert [record.rrset.rdtype for record in hop.beside] == [Type.NS, Type.A]


def test_the_longest_forward_rule_is_named() -> None:
    hop = told("corp.example.org.").hops[-1]
    assert hop.forwarding is not None
    assert (hop.how, to_text(hop.forwarding.domain), hop.forwarding.upstreams) == (
        How.RULE,
        "corp.example.",
        CORP,
    )
    assert not hop.forwarding.asked


@pytest.mark.parametrize(("name", "rdtype"), [("www", "TXT"), ("_acme-challenge.long", "TXT")])
def test_an_inherited_type_is_asked_of_an_upstream__semantics_6(name: str, rdtype: str) -> None:
    (hop,) = told(f"{name}.example.org.", rdtype).hops
    assert hop.forwarding is not None
    assert hop.forwarding.inherited
    assert hop.forwarding.no_nxdomain
    assert "inherit" in hop.reason
    (hop,) = told(f"{name}.example.org.", rdtype, here=view(HERE, horizon=("outside",))).hops
    assert hop.forwarding is None
    assert hop.result in (Result.NODATA, Result.NXDOMAIN)


def test_records_of_a_reply_are_the_upstream_s_and_a_local_name_in_it_is_ours__semantics_14() -> None:
    alias = RRset(from_text("cdn.example.net."), Type.CNAME, 30, (from_text("www.example.org."),))
    hops = told("cdn.example.net.", reply=Reply(Rcode.NOERROR, (alias,))).hops
    assert [(hop.how, hop.result, hop.records[0].origin) for hop in hops] == [
        (How.RULE, Result.ALIAS, Origin.UPSTREAM),
        (How.EXACT, Result.RECORDS, Origin.ZONE),
    ]


def test_an_upstream_s_chain_is_told_hop_by_hop() -> None:
    chain = (
        RRset(from_text("a.example.net."), Type.CNAME, 30, (from_text("b.example.net."),)),
        RRset(from_text("b.example.net."), Type.A, 30, (address("198.51.100.1"),)),
    )
    hops = told("a.example.net.", reply=Reply(Rcode.NOERROR, chain)).hops
    assert [(hop.result, hop.forwarding is not None and hop.forwarding.asked) for hop in hops] == [
        (Result.ALIAS, True),
        (Result.RECORDS, True),
    ]


def test_an_automatic_ptr_comes_before_all_else__semantics_13() -> None:
    ptrs = zone("1.2.0.192.in-addr.arpa. 60 IN PTR www.example.org.", ".", overlay=True)
    here = view(HERE, recursion=True, routes=ROUTES, ptrs=ptrs)
    (hop,) = told("1.2.0.192.in-addr.arpa.", "PTR", here=here).hops
    assert (hop.how, hop.records[0].origin) == (How.AUTOMATIC, Origin.AUTOMATIC)
    (hop,) = told("1.2.0.192.in-addr.arpa.", "A", here=here).hops
    assert hop.result is Result.NODATA


def test_a_broken_zone_says_that_it_is_broken() -> None:
    broken = replace(zone("", fault="3 errors"), source="zones/example.org.yaml")
    (hop,) = told("www.example.org.", here=view(broken)).hops
    assert (hop.how, hop.result, hop.reason) == (How.BROKEN, Result.SERVFAIL, "3 errors")
    assert hop.zone is not None
    assert hop.zone.source == "zones/example.org.yaml"


def test_a_name_that_is_nobody_s_is_refused() -> None:
    (hop,) = told("www.example.net.", here=view(HERE)).hops
    assert (hop.how, hop.result) == (How.NOBODY, Result.REFUSED)

"""From a query and a view to an answer or a forward, without I/O."""

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.answer.decide import MAX_CNAME_HOPS, Forward, Proof, Reply, Security, decide, resume
from splitdns.names import from_text, to_text, wire_from_text
from splitdns.records import Class, Ede, Rcode, RRset, Type, type_from_text
from splitdns.snapshot import Manners, Snapshot
from splitdns.view import Upstream, UpstreamSet, Validation, View
from splitdns.wire.edns import Edns
from splitdns.wire.message import Answer, Query
from tests.build import MANNERS, UPSTREAMS, address, addresses, query, view, zone

INTERNAL = UpstreamSet((Upstream("10.8.0.53"),))


def answer(
    view: View, name: str, rdtype: str = "A", *, rd: bool = False, manners: Manners = MANNERS
) -> Answer:
    decided = decide(query(name, rdtype, rd=rd), view, manners)
    assert isinstance(decided, Answer)
    return decided


def forward(view: View, name: str, rdtype: str = "A") -> Forward:
    decided = decide(query(name, rdtype, rd=True), view, MANNERS)
    assert isinstance(decided, Forward)
    return decided


def a(owner: str, *hosts: str, ttl_s: int = 300) -> RRset:
    return RRset(wire_from_text(owner), Type.A, ttl_s, tuple(address(host) for host in hosts))


def cname(owner: str, target: str, ttl_s: int = 300) -> RRset:
    return RRset(wire_from_text(owner), Type.CNAME, ttl_s, (wire_from_text(target),))


def replied(forward: Forward, *rrsets: RRset, rcode: int = Rcode.NOERROR, soa: RRset | None = None) -> Answer:
    decided = resume(forward, Reply(rcode, rrsets, soa))
    assert isinstance(decided, Answer)
    return decided


PUBLIC_SOA = RRset(wire_from_text("example.net."), Type.SOA, 900, (b"\0\0" + bytes(20),))

PLAIN = zone(
    """
@      3600 IN NS ns1
ns1    3600 IN A 192.0.2.53
www    3600 IN A 192.0.2.1
www    3600 IN AAAA 2001:db8::1
www    3600 IN TXT "x"
alias  3600 IN CNAME www
away   3600 IN CNAME www.example.net.
lost   3600 IN CNAME nowhere
loop1  3600 IN CNAME loop2
loop2  3600 IN CNAME loop1
@      3600 IN MX 10 mail
mail   3600 IN A 192.0.2.25
_s._tcp 3600 IN SRV 0 0 443 www
svc    3600 IN HTTPS 1 . alpn=h2
svc    3600 IN A 192.0.2.44
svc2   3600 IN HTTPS 1 www alpn=h2
dn     3600 IN DNAME example.net.
sub    3600 IN NS ns.sub
sub    3600 IN NS ns.other
ns.sub 3600 IN A 192.0.2.5
other  3600 IN NS ns.other
ns.other 3600 IN A 192.0.2.6
*.w    3600 IN A 192.0.2.7
"""
)
OUTSIDE = view(PLAIN, horizon=("outside",))
INSIDE = view(PLAIN, recursion=True)


def test_a_found_name_is_authoritative_and_its_letters_are_the_asker_s() -> None:
    asked = Query(b"\x03WwW\x07eXample\x03org\0", from_text("www.example.org."), Type.A)
    decided = decide(asked, OUTSIDE, MANNERS)
    assert isinstance(decided, Answer)
    assert decided.aa
    assert decided.answer[0].owner == asked.question


@pytest.mark.parametrize(
    ("name", "rdtype", "rcode"),
    [("www", "MX", Rcode.NOERROR), ("nothing", "A", Rcode.NXDOMAIN)],
)
def test_a_negative_answer_carries_the_soa_with_the_smaller_ttl__rfc2308_3_and_5(
    name: str, rdtype: str, rcode: Rcode
) -> None:
    negative = answer(OUTSIDE, f"{name}.example.org.", rdtype)
    assert negative.rcode == rcode
    assert negative.aa
    assert not negative.answer
    assert [(s.rdtype, s.ttl_s) for s in negative.authority] == [(Type.SOA, 300)]


def test_an_alias_is_followed_in_the_zone__rfc1034_3_6_2() -> None:
    followed = answer(OUTSIDE, "alias.example.org.")
    assert [rrset.rdtype for rrset in followed.answer] == [Type.CNAME, Type.A]
    assert followed.aa


def test_the_rcode_is_that_of_the_last_name__rfc6604_3() -> None:
    lost = answer(OUTSIDE, "lost.example.org.")
    assert lost.rcode == Rcode.NXDOMAIN
    assert [rrset.rdtype for rrset in lost.answer] == [Type.CNAME]


def test_an_alias_into_another_zone_of_the_view_is_followed_there() -> None:
    net = zone("www 3600 IN A 198.51.100.1", "example.net.")
    followed = answer(view(PLAIN, net, horizon=("outside",)), "away.example.org.")
    assert addresses(followed) == ["198.51.100.1"]


def test_an_alias_out_of_our_zones_is_left_to_a_resolver_to_follow() -> None:
    left = answer(OUTSIDE, "away.example.org.")
    assert left.rcode == Rcode.NOERROR
    assert [rrset.rdtype for rrset in left.answer] == [Type.CNAME]


def test_an_alias_out_of_our_zones_is_followed_for_a_recursing_view() -> None:
    asked = forward(INSIDE, "away.example.org.")
    assert (to_text(asked.name), asked.upstreams) == ("www.example.net.", UPSTREAMS)
    followed = replied(asked, a("www.example.net.", "198.51.100.1"))
    assert addresses(followed) == ["198.51.100.1"]
    assert followed.aa  # it is about the asked name: RFC 1035 4.1.1
    assert not followed.remember


@pytest.mark.parametrize(("where", "rcode"), [(OUTSIDE, Rcode.NOERROR), (INSIDE, Rcode.SERVFAIL)])
def test_an_alias_that_leads_to_itself_ends(where: View, rcode: Rcode) -> None:
    assert answer(where, "loop1.example.org.", rd=True).rcode == rcode


def test_a_chain_is_followed_up_to_its_limit_and_not_one_hop_further() -> None:
    text = "".join(f"c{n} 60 IN CNAME c{n + 1}\n" for n in range(MAX_CNAME_HOPS + 1))
    chain = view(zone(text + f"c{MAX_CNAME_HOPS + 1} 60 IN A 192.0.2.1"), horizon=("outside",))
    assert addresses(answer(chain, "c1.example.org.")) == ["192.0.2.1"]
    assert addresses(answer(chain, "c0.example.org.")) == []


def test_a_dname_answers_with_itself_and_the_alias_that_it_makes__rfc6672_3_1() -> None:
    made = answer(OUTSIDE, "a.dn.example.org.")
    assert [(to_text(s.owner), s.rdtype) for s in made.answer] == [
        ("dn.example.org.", Type.DNAME),
        ("a.dn.example.org.", Type.CNAME),
    ]
    assert to_text(made.answer[1].rdatas[0]) == "a.example.net."


def test_a_dname_whose_new_name_is_too_long_is_yxdomain__rfc6672_2_2() -> None:
    long_target = ".".join(["t" * 60] * 3) + "."
    where = view(zone(f"dn 60 IN DNAME {long_target}"), horizon=("outside",))
    too_long = answer(where, "x" * 60 + "." + "y" * 60 + ".dn.example.org.")
    assert too_long.rcode == Rcode.YXDOMAIN
    assert [rrset.rdtype for rrset in too_long.answer] == [Type.DNAME]


def test_a_dname_that_acts_on_its_own_outcome_acts_once__rfc6672_2_2() -> None:
    where = view(zone("dn 60 IN DNAME a.dn"), horizon=("outside",))
    circle = answer(where, "x.dn.example.org.")
    assert circle.rcode == Rcode.NOERROR
    assert [rrset.rdtype for rrset in circle.answer] == [Type.DNAME, Type.CNAME]


def test_a_dname_may_act_again_on_what_is_left_of_a_name__rfc6672_2_2() -> None:
    where = view(zone("dn 60 IN DNAME @\nx 60 IN A 192.0.2.1\n"))
    assert addresses(answer(where, "x.dn.dn.dn.example.org.")) == ["192.0.2.1"]


def test_a_dname_that_acts_twice_stands_in_the_answer_once__rfc2181_5() -> None:
    where = view(zone("dn 60 IN DNAME other\nx.other 60 IN CNAME y.dn\ny.other 60 IN A 192.0.2.1\n"))
    twice = answer(where, "x.dn.example.org.").answer
    assert [to_text(rrset.owner) for rrset in twice if rrset.rdtype == Type.DNAME] == ["dn.example.org."]
    assert twice[-1].rdtype == Type.A


def test_a_referral_is_not_authoritative_and_carries_glue__rfc1034_4_3_2_3b_rfc9471() -> None:
    referred = answer(OUTSIDE, "host.sub.example.org.")
    assert not referred.aa
    assert [rrset.rdtype for rrset in referred.authority] == [Type.NS]
    assert [to_text(rrset.owner) for rrset in referred.glue] == ["ns.sub.example.org."]
    assert [to_text(rrset.owner) for rrset in referred.additional] == ["ns.other.example.org."]


def test_beneath_a_cut_a_recursing_view_forwards_when_asked_to__semantics_7() -> None:
    assert forward(INSIDE, "host.sub.example.org.").upstreams == UPSTREAMS
    assert answer(INSIDE, "host.sub.example.org.", rd=False).authority


@pytest.mark.parametrize(
    ("name", "rdtype", "owner"),
    [
        ("@", "MX", "mail.example.org."),
        ("_s._tcp", "SRV", "www.example.org."),
        ("@", "NS", "ns1.example.org."),
        ("svc", "HTTPS", "svc.example.org."),
        ("svc2", "HTTPS", "www.example.org."),
    ],
)
def test_the_additional_section_holds_the_targets_addresses(name: str, rdtype: str, owner: str) -> None:
    asked = "example.org." if name == "@" else f"{name}.example.org."
    extra = answer(OUTSIDE, asked, rdtype).additional
    assert {to_text(rrset.owner) for rrset in extra} == {owner}


def test_any_is_answered_with_one_rrset_or_with_all__rfc8482_4_1() -> None:
    assert len(answer(OUTSIDE, "www.example.org.", "ANY").answer) == 1
    full = answer(OUTSIDE, "www.example.org.", "ANY", manners=Manners(minimal_any=False))
    assert {rrset.rdtype for rrset in full.answer} == {Type.A, Type.AAAA, Type.TXT}


def test_recursion_is_for_views_that_have_it_and_for_queries_that_ask__semantics_7() -> None:
    refused = answer(OUTSIDE, "www.example.net.", rd=True)
    assert refused.rcode == Rcode.REFUSED
    assert refused.edes[0][0] == Ede.NOT_AUTHORITATIVE
    for where, rd, rdtype, reason in (
        (OUTSIDE, True, "A", "may not recurse"),
        (INSIDE, False, "A", "recursion was not asked for"),
        (
            view(PLAIN, recursion=True, routes={"corp.example.": INTERNAL}),
            True,
            "A",
            "no forward rule covers it",
        ),
        (INSIDE, True, "TSIG", "not a type that is forwarded"),
    ):
        why = answer(where, "www.example.net.", rdtype, rd=rd)
        assert why.rcode == Rcode.REFUSED
        assert reason in why.edes[0][1]
    assert forward(INSIDE, "www.example.net.").upstreams == UPSTREAMS


@pytest.mark.parametrize("rdtype", ["AXFR", "IXFR"])
def test_zone_transfer_is_refused__semantics_7(rdtype: str) -> None:
    assert answer(OUTSIDE, "example.org.", rdtype).rcode == Rcode.REFUSED


@pytest.mark.parametrize("rdtype", ["OPT", "TKEY", "TSIG", "MAILA", "MAILB"])
def test_types_that_are_no_data_are_nodata_and_never_forwarded__semantics_28(rdtype: str) -> None:
    assert answer(OUTSIDE, "www.example.org.", rdtype).rcode == Rcode.NOERROR
    assert answer(INSIDE, "www.example.net.", rdtype, rd=True).rcode == Rcode.REFUSED


def test_class_any_is_answered_from_our_zones_without_authority__rfc1035_3_2_5() -> None:
    name = from_text("www.example.org.")
    decided = decide(Query(name, name, Type.A, Class.ANY), OUTSIDE, MANNERS)
    assert isinstance(decided, Answer)
    assert addresses(decided) == ["192.0.2.1"]
    assert not decided.aa


def test_the_alias_that_a_dname_makes_can_be_asked_for__rfc6672_3_1() -> None:
    where = view(zone("dn 60 IN DNAME t\na.t 60 IN CNAME b\n"), horizon=("outside",))
    for name in ("a", "nothing"):
        made = answer(where, f"{name}.dn.example.org.", "CNAME")
        assert [rrset.rdtype for rrset in made.answer] == [Type.DNAME, Type.CNAME]
        assert made.rcode == Rcode.NOERROR


def test_a_newer_edns_version_is_badvers__rfc6891_6_1_3() -> None:
    asked = Query(b"\0", from_text("."), Type.NS, edns=Edns(version=1))
    decided = decide(asked, OUTSIDE, MANNERS)
    assert isinstance(decided, Answer)
    assert decided.rcode == Rcode.BADVERS


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("version.bind.", b"splitdns"),
        ("version.server.", b"splitdns"),
        ("id.server.", b"here"),
        ("hostname.bind.", b"here"),
        ("other.bind.", None),
    ],
)
def test_chaos_names_say_what_the_configuration_lets_them__rfc4892(name: str, text: bytes | None) -> None:
    asked = Query(from_text(name), from_text(name), Type.TXT, Class.CH)
    open_, closed = (
        decide(asked, OUTSIDE, manners)
        for manners in (Manners(version="splitdns", server_id="here"), MANNERS)
    )
    assert isinstance(open_, Answer)
    assert isinstance(closed, Answer)
    assert closed.rcode == Rcode.REFUSED
    if text is None:
        assert open_.rcode == Rcode.REFUSED
    else:
        assert open_.answer[0].rdatas == (bytes([len(text)]) + text,)
    no_text = decide(Query(from_text(name), from_text(name), Type.A, Class.CH), OUTSIDE, Manners(version="x"))
    assert isinstance(no_text, Answer)
    assert no_text.rcode == Rcode.REFUSED


def test_other_classes_are_refused() -> None:
    asked = Query(b"\0", from_text("."), Type.A, Class.HS)
    decided = decide(asked, OUTSIDE, MANNERS)
    assert isinstance(decided, Answer)
    assert decided.rcode == Rcode.REFUSED


def test_precedence_the_longest_domain_decides_zone_or_forward_rule__semantics_7() -> None:
    where = view(PLAIN, recursion=True, routes={".": UPSTREAMS, "corp.example.org.": INTERNAL})
    assert forward(where, "x.corp.example.org.").upstreams == INTERNAL
    assert answer(where, "x.example.org.", rd=True).rcode == Rcode.NXDOMAIN


OVERLAY = zone("www 60 IN A 192.168.1.1\na.ent 60 IN A 192.168.1.2", overlay=True, elsewhere=["nas"])
OVERLAID = view(OVERLAY, recursion=True)


def test_an_overlay_forwards_what_it_does_not_declare__semantics_4() -> None:
    forwarded = forward(OVERLAID, "mail.example.org.")
    assert forwarded.upstreams == UPSTREAMS
    assert not replied(forwarded, a("mail.example.org.", "198.51.100.2")).aa
    assert answer(OVERLAID, "www.example.org.").aa


def test_an_overlay_in_a_view_that_does_not_recurse_refuses_what_it_does_not_declare__semantics_4() -> None:
    assert answer(view(OVERLAY), "mail.example.org.", rd=True).rcode == Rcode.REFUSED
    assert addresses(answer(view(OVERLAY), "www.example.org.", rd=True)) == ["192.168.1.1"]


def test_an_overlay_s_empty_non_terminal_is_never_nxdomain__semantics_4() -> None:
    negative = replied(forward(OVERLAID, "ent.example.org."), rcode=Rcode.NXDOMAIN, soa=PUBLIC_SOA)
    assert negative.rcode == Rcode.NOERROR
    other = replied(forward(OVERLAID, "other.example.org."), rcode=Rcode.NXDOMAIN, soa=PUBLIC_SOA)
    assert other.rcode == Rcode.NXDOMAIN
    assert other.authority == (PUBLIC_SOA,)


INHERITING = zone("www 60 IN A 192.168.1.1\n*.w 60 IN A 192.168.1.2", inherit={"www": ["TXT"]})


def txt(owner: str, ttl_s: int = 120) -> RRset:
    return RRset(wire_from_text(owner), Type.TXT, ttl_s, (b"\x01x",))


def test_an_inherited_type_is_forwarded_and_given_under_the_asked_name__semantics_6() -> None:
    where = view(INHERITING, recursion=True)
    asked = forward(where, "www.example.org.", "TXT")
    given = replied(asked, cname("www.example.org.", "x.cdn.example.net.", 30), txt("x.cdn.example.net."))
    assert [(to_text(s.owner), s.rdtype, s.ttl_s) for s in given.answer] == [
        ("www.example.org.", Type.TXT, 30)
    ]
    assert given.aa


def test_an_inherited_type_that_upstream_does_not_have_is_nodata__semantics_6() -> None:
    asked = forward(view(INHERITING, recursion=True), "www.example.org.", "TXT")
    none = replied(asked, rcode=Rcode.NXDOMAIN, soa=PUBLIC_SOA)
    assert none.rcode == Rcode.NOERROR
    assert [to_text(rrset.owner) for rrset in none.authority] == ["example.org."]


def test_an_inherited_type_is_nodata_where_the_view_does_not_recurse__semantics_6() -> None:
    closed = answer(view(INHERITING), "www.example.org.", "TXT", rd=True)
    assert (closed.rcode, closed.answer) == (Rcode.NOERROR, ())


def test_an_inherited_alias_into_our_own_names_is_answered_from_them__semantics_6_and_14() -> None:
    where = view(INHERITING, zone('own 60 IN TXT "mine"', "example.net."), recursion=True)
    asked = forward(where, "www.example.org.", "TXT")
    given = replied(asked, cname("www.example.org.", "own.example.net."), txt("own.example.net."))
    assert given.answer[0].rdatas == (b"\x04mine",)


@pytest.mark.parametrize("name", ["_acme-challenge.www", "_acme-challenge.any.w", "_acme-challenge"])
def test_acme_challenges_beneath_owned_names_are_inherited__semantics_6(name: str) -> None:
    asked = forward(view(INHERITING, recursion=True), f"{name}.example.org.", "TXT")
    assert replied(asked, txt(f"{name}.example.org.")).answer


def test_acme_challenges_beneath_nothing_are_not_inherited__semantics_6() -> None:
    where = view(INHERITING, recursion=True)
    assert answer(where, "_acme-challenge.nothing.example.org.", "TXT", rd=True).rcode == Rcode.NXDOMAIN
    assert answer(view(INHERITING), "_acme-challenge.www.example.org.", "TXT").rcode == Rcode.NXDOMAIN


def test_a_challenge_that_is_inherited_exists_for_every_type__rfc8020_2_semantics_6() -> None:
    nodata = answer(view(INHERITING, recursion=True), "_acme-challenge.www.example.org.", "A", rd=True)
    assert (nodata.rcode, nodata.answer) == (Rcode.NOERROR, ())
    wild = answer(view(INHERITING, recursion=True), "_acme-challenge.any.w.example.org.", "A", rd=True)
    assert addresses(wild) == ["192.168.1.2"]


def test_a_declared_acme_challenge_is_ours__semantics_6() -> None:
    where = view(zone('www 60 IN A 192.0.2.1\n_acme-challenge.www 60 IN TXT "t"'), recursion=True)
    assert answer(where, "_acme-challenge.www.example.org.", "TXT", rd=True).answer


def test_a_local_name_beats_the_upstream_at_every_hop__product_6_semantics_14() -> None:
    asked = forward(INSIDE, "shop.example.com.")
    given = replied(
        asked, cname("shop.example.com.", "www.example.org."), a("www.example.org.", "203.0.113.66")
    )
    assert addresses(given) == ["192.0.2.1"]


def test_a_hop_with_the_same_upstreams_is_taken_from_the_same_answer__semantics_15() -> None:
    asked = forward(INSIDE, "shop.example.com.")
    given = replied(
        asked, cname("shop.example.com.", "www.example.net."), a("www.example.net.", "198.51.100.1")
    )
    assert addresses(given) == ["198.51.100.1"]


def test_a_hop_with_other_upstreams_is_asked_there__semantics_15() -> None:
    where = view(PLAIN, recursion=True, routes={".": UPSTREAMS, "corp.example.": INTERNAL})
    decided = resume(
        forward(where, "shop.example.com."),
        Reply(0, (cname("shop.example.com.", "db.corp.example."), a("db.corp.example.", "203.0.113.66"))),
    )
    assert isinstance(decided, Forward)
    assert decided.upstreams == INTERNAL
    assert addresses(replied(decided, a("db.corp.example.", "10.0.0.9"))) == ["10.0.0.9"]


def test_a_reply_that_ends_with_an_alias_is_asked_on() -> None:
    decided = resume(forward(INSIDE, "shop.example.com."), Reply(0, (cname("shop.example.com.", "b.net."),)))
    assert isinstance(decided, Forward)
    assert to_text(decided.name) == "b.net."


def test_a_circle_through_upstream_and_zone_ends() -> None:
    asked = forward(INSIDE, "away.example.org.")
    looped = replied(asked, cname("www.example.net.", "away.example.org."))
    assert looped.rcode == Rcode.SERVFAIL


def test_an_upstream_s_failure_is_servfail_with_its_reasons_and_ours__rfc8914_4_24() -> None:
    failed = resume(forward(INSIDE, "www.example.net."), Reply(Rcode.REFUSED, edes=((18, "theirs"),)))
    assert isinstance(failed, Answer)
    assert failed.rcode == Rcode.SERVFAIL
    assert [code for code, _ in failed.edes] == [18, Ede.NETWORK_ERROR]


def test_an_upstream_s_dname_stands_before_the_alias_that_it_makes__rfc6672_3_1() -> None:
    dname = RRset(wire_from_text("dn.example.net."), Type.DNAME, 300, (wire_from_text("example.com."),))
    given = replied(
        forward(INSIDE, "a.dn.example.net."),
        dname,
        cname("a.dn.example.net.", "a.example.com."),
        a("a.example.com.", "198.51.100.4"),
    )
    assert [rrset.rdtype for rrset in given.answer] == [Type.DNAME, Type.CNAME, Type.A]


def test_no_reply_is_servfail_with_its_reason__rfc8914_4_23() -> None:
    failed = resume(forward(INSIDE, "www.example.net."), None)
    assert isinstance(failed, Answer)
    assert failed.rcode == Rcode.SERVFAIL
    assert failed.edes[0][0] == Ede.NO_REACHABLE_AUTHORITY
    assert not failed.remember


def test_a_ds_question_at_an_apex_goes_to_the_parent_where_it_is_ours__rfc4035_3_1_4_1() -> None:
    child = zone("@ 60 IN NS ns", "sub.example.org.")
    both = answer(view(PLAIN, child, horizon=("outside",)), "sub.example.org.", "DS")
    alone = answer(view(child, horizon=("outside",)), "sub.example.org.", "DS")
    assert [to_text(rrset.owner) for rrset in both.authority] == ["example.org."]
    assert [to_text(rrset.owner) for rrset in alone.authority] == ["sub.example.org."]
    assert both.rcode == alone.rcode == Rcode.NOERROR


PTRS = zone("5.2.168.192.in-addr.arpa. 60 IN PTR nas.example.org.", ".", overlay=True)
RFC6303 = zone("", "168.192.in-addr.arpa.")


def test_an_automatic_ptr_beats_forwarding_and_its_zone__semantics_13() -> None:
    for where in (
        view(RFC6303, recursion=True, ptrs=PTRS),
        view(recursion=True, ptrs=PTRS, routes={"2.168.192.in-addr.arpa.": INTERNAL}),
    ):
        given = answer(where, "5.2.168.192.in-addr.arpa.", "PTR", rd=True)
        assert given.aa
        assert to_text(given.answer[0].rdatas[0]) == "nas.example.org."


def test_other_names_of_a_private_reverse_zone_are_never_forwarded_by_the_root_rule__rfc6303_3() -> None:
    where = view(RFC6303, recursion=True, ptrs=PTRS)
    assert answer(where, "6.2.168.192.in-addr.arpa.", "PTR", rd=True).rcode == Rcode.NXDOMAIN
    assert answer(where, "5.2.168.192.in-addr.arpa.", "TXT", rd=True).rcode == Rcode.NOERROR


HIDING = zone(
    """
www   60 IN A 192.0.2.1
alias 60 IN CNAME nas
dn    60 IN DNAME deep
""",
    elsewhere=["nas", "host.deep"],
)


@pytest.mark.parametrize("name", ["alias", "host.dn"])
def test_an_alias_to_a_name_of_other_views_is_not_served__semantics_2(name: str) -> None:
    for where in (view(HIDING, horizon=("outside",)), view(HIDING)):
        closed = answer(where, f"{name}.example.org.")
        assert (closed.rcode, closed.answer) == (Rcode.NOERROR, ())
        assert closed.stripped == 1


def test_an_upstream_s_alias_to_a_name_of_other_views_is_not_served__semantics_2() -> None:
    guests = view(HIDING, horizon=("outside",), recursion=True)
    given = replied(forward(guests, "x.example.net."), cname("x.example.net.", "nas.example.org."))
    assert (given.rcode, given.answer, given.stripped) == (Rcode.NOERROR, (), 1)


def test_an_upstream_s_alias_to_a_reverse_name_of_ours_meets_the_automatic_ptr__semantics_13() -> None:
    # Classless delegation (RFC 2317) makes reverse names aliases.
    where = view(recursion=True, ptrs=PTRS)
    ours = "5.2.168.192.in-addr.arpa."
    given = replied(forward(where, "5.example.net.", "PTR"), cname("5.example.net.", ours))
    assert to_text(given.answer[-1].rdatas[0]) == "nas.example.org."


def test_a_target_in_a_zone_that_only_other_views_have_is_not_served__semantics_2() -> None:
    corp = zone("h 60 IN A 192.168.1.1\n@ 60 IN NS ns.example.net.", "corp.internal.")
    ours = zone("alias 60 IN CNAME h.corp.internal.\n@ 60 IN MX 1 h.corp.internal.\n@ 60 IN MX 2 alias")
    lan = view(ours, corp)
    guests = view(ours, horizon=("outside",), recursion=True)
    internet = view(ours, horizon=("outside",))
    Snapshot(1, (lan, guests, internet), ())
    assert addresses(answer(lan, "alias.example.org.")) == ["192.168.1.1"]
    for where in (guests, internet):
        assert answer(where, "alias.example.org.", rd=True).answer == ()
        (mx,) = answer(where, "example.org.", "MX").answer
        assert len(mx.rdatas) == 1  # of the two
    # What an upstream says of it is no secret out there.
    said = resume(forward(guests, "x.example.net."), Reply(0, (cname("x.example.net.", "h.corp.internal."),)))
    assert isinstance(said, Forward)


def test_a_forward_rule_makes_a_name_of_other_views_one_that_this_view_may_have__semantics_2() -> None:
    corp = zone("h 60 IN A 192.168.1.1", "corp.internal.")
    ours = zone("alias 60 IN CNAME h.corp.internal.")
    vpn = view(ours, recursion=True, routes={"corp.internal.": INTERNAL})
    Snapshot(1, (view(ours, corp), vpn), ())
    assert forward(vpn, "alias.example.org.").upstreams == INTERNAL


def test_a_fault_of_one_zone_is_servfail_there_and_nothing_elsewhere__semantics_9() -> None:
    broken = zone("", "example.net.", fault="broken.yaml:1:1: not a zone")
    where = view(PLAIN, broken, recursion=True)
    failed = answer(where, "www.example.net.", rd=True)
    assert failed.rcode == Rcode.SERVFAIL
    assert failed.edes == ((Ede.INVALID_DATA, "broken.yaml:1:1: not a zone"),)
    assert answer(where, "www.example.org.").answer


def test_a_found_any_of_an_upstream_is_passed_on() -> None:
    asked = forward(INSIDE, "x.example.net.", "ANY")
    given = replied(asked, a("x.example.net.", "198.51.100.1"), txt("x.example.net."))
    assert {rrset.rdtype for rrset in given.answer} == {type_from_text("A"), type_from_text("TXT")}


# --- signatures, and AD


def rrsig(owner: str, covered: int, ttl_s: int = 300) -> RRset:
    rdata = covered.to_bytes(2, "big") + bytes(16) + from_text("example.net.") + b"signature"
    return RRset(wire_from_text(owner), Type.RRSIG, ttl_s, (rdata,))


NSEC = RRset(wire_from_text("example.net."), Type.NSEC, 300, (from_text("z.example.net.") + b"\0\1\x40",))
SECURE = Proof((rrsig("www.example.net.", Type.A),), (), Security.SECURE)


def asking(name: str, *, do: bool = False, ad: bool = False, view: View = INSIDE) -> Forward:
    asked = replace(query(name, "A", rd=True), ad=ad, edns=Edns(do=True) if do else None)
    asked = replace(asked, question=wire_from_text(name))
    decided = decide(asked, view, MANNERS)
    assert isinstance(decided, Forward)
    assert decided.do is do
    return decided


def proven(
    forward: Forward, *rrsets: RRset, proof: Proof | None = SECURE, rcode: int = 0, soa: RRset | None = None
) -> Answer:
    decided = resume(forward, Reply(rcode, rrsets, soa, proof=proof))
    assert isinstance(decided, Answer)
    return decided


def test_who_sets_do_gets_signatures_after_their_records_and_nobody_else__rfc4035_3_1_1() -> None:
    given = a("www.example.net.", "192.0.2.1")
    asked = asking("WWW.example.net.", do=True)
    assert [rrset.rdtype for rrset in proven(asked, given).answer] == [Type.A, Type.RRSIG]
    assert {rrset.owner for rrset in proven(asked, given).answer} == {wire_from_text("WWW.example.net.")}
    assert [rrset.rdtype for rrset in proven(asking("www.example.net."), given).answer] == [Type.A]


def test_who_sets_do_gets_what_proves_that_there_is_nothing__rfc4035_3_1_3() -> None:
    denied = Proof((), (NSEC, rrsig("example.net.", Type.NSEC)), Security.SECURE)
    said = proven(asking("no.example.net.", do=True), proof=denied, rcode=Rcode.NXDOMAIN, soa=PUBLIC_SOA)
    assert [rrset.rdtype for rrset in said.authority] == [Type.SOA, Type.NSEC, Type.RRSIG]
    said = proven(asking("no.example.net."), proof=denied, rcode=Rcode.NXDOMAIN, soa=PUBLIC_SOA)
    assert [rrset.rdtype for rrset in said.authority] == [Type.SOA]


@pytest.mark.parametrize(("do", "ad"), [(True, False), (False, True), (True, True), (False, False)])
def test_ad_is_for_those_who_show_that_they_understand_it__rfc6840_5_8_semantics_16(
    do: bool, ad: bool
) -> None:
    given = a("www.example.net.", "192.0.2.1")
    assert proven(asking("www.example.net.", do=do, ad=ad), given).ad is (do or ad)


@pytest.mark.parametrize("security", [Security.UNCHECKED, Security.INSECURE])
def test_ad_means_that_the_reply_was_validated__rfc4035_3_2_3_semantics_16(security: Security) -> None:
    given = a("www.example.net.", "192.0.2.1")
    assert not proven(asking("www.example.net.", do=True), given, proof=replace(SECURE, security=security)).ad
    assert not proven(asking("www.example.net.", ad=True), given, proof=None).ad


@pytest.mark.parametrize("trust_ad", [True, False])
def test_an_upstream_s_ad_is_taken_only_where_it_is_trusted__semantics_16(trust_ad: bool) -> None:
    asked = asking("www.example.net.", do=True)
    asked = replace(asked, upstreams=replace(asked.upstreams, trust_ad=trust_ad))
    claimed = replace(SECURE, security=Security.CLAIMED)
    assert proven(asked, a("www.example.net.", "192.0.2.1"), proof=claimed).ad is trust_ad


def test_signatures_are_asked_for_where_the_view_needs_them() -> None:
    asked = asking("www.example.net.")
    assert replace(asked, upstreams=replace(asked.upstreams, trust_ad=True)).do
    assert replace(asked, upstreams=replace(asked.upstreams, validation=Validation(()))).do


def test_a_bogus_reply_is_an_error_with_its_own_reason__rfc8914_4() -> None:
    bogus = Reply(Rcode.SERVFAIL, edes=((7, "expired"),), proof=Proof(security=Security.BOGUS))
    said = resume(asking("www.example.net.", do=True), bogus)
    assert isinstance(said, Answer)
    assert (said.rcode, said.edes) == (Rcode.SERVFAIL, ((7, "expired"),))


def test_ad_is_never_set_with_a_record_of_ours__semantics_16() -> None:
    to_ours = cname("x.example.net.", "www.example.org.")
    proof = Proof((rrsig("x.example.net.", Type.CNAME),), (), Security.SECURE)
    said = proven(asking("x.example.net.", do=True), to_ours, proof=proof)
    assert [rrset.rdtype for rrset in said.answer] == [Type.CNAME, Type.RRSIG, Type.A]
    assert not said.ad
    to_theirs = asking("away.example.org.", do=True)
    said = proven(to_theirs, a("www.example.net.", "192.0.2.1"))
    assert [rrset.rdtype for rrset in said.answer] == [Type.CNAME, Type.A, Type.RRSIG]
    assert not said.ad


def test_ad_needs_every_reply_of_a_chain_to_be_validated__semantics_16() -> None:
    hop = cname("x.example.net.", "www.example.net.")
    proof = Proof((rrsig("x.example.net.", Type.CNAME),), (), Security.SECURE)
    for second in (Security.SECURE, Security.INSECURE):
        asked_on = resume(asking("x.example.net.", do=True), Reply(0, (hop,), proof=proof))
        assert isinstance(asked_on, Forward)
        said = proven(asked_on, a("www.example.net.", "192.0.2.1"), proof=replace(SECURE, security=second))
        assert said.ad is (second is Security.SECURE)
        assert len(said.answer) == 4


def test_what_is_made_here_of_a_reply_has_neither_signatures_nor_ad__semantics_16() -> None:
    own = zone("@ 300 IN NS ns\nns 300 IN A 192.0.2.53\na.b 300 IN A 192.0.2.1\n", overlay=True)
    inside = view(own, recursion=True)
    denied = Proof((), (NSEC,), Security.SECURE)
    made = proven(
        asking("b.example.org.", do=True, view=inside), proof=denied, rcode=Rcode.NXDOMAIN, soa=PUBLIC_SOA
    )
    assert (made.rcode, made.ad) == (Rcode.NOERROR, False)
    assert NSEC not in made.authority


def test_a_cname_that_is_made_of_a_dname_has_it_beside_it__rfc6672_3_1() -> None:
    dname = RRset(wire_from_text("d.example.net."), Type.DNAME, 300, (wire_from_text("example.com."),))
    made = cname("www.d.example.net.", "www.example.com.")
    said = replied(forward(INSIDE, "www.d.example.net.", "CNAME"), dname, made)
    assert [rrset.rdtype for rrset in said.answer] == [Type.DNAME, Type.CNAME]


def test_ds_at_an_apex_is_answered_here_and_inherited_by_an_overlay__semantics_16() -> None:
    own = zone("@ 300 IN NS ns\nns 300 IN A 192.0.2.53\n", overlay=True)
    assert answer(INSIDE, "example.org.", "DS", rd=True).authority, "there is none, says our own SOA"
    assert forward(view(own, recursion=True), "example.org.", "DS").no_nxdomain

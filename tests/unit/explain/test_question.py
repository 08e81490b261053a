"""One question of one client: which view, what answer, what the other views would give."""

from __future__ import annotations

import itertools
from dataclasses import replace
from ipaddress import ip_network

import pytest

from splitdns.answer.decide import Forward, Reply, decide
from splitdns.explain import explain
from splitdns.explain.values import Explanation, Origin, Result
from splitdns.load import special
from splitdns.names import from_text, to_text
from splitdns.records import Class, Rcode, RRset, Type
from splitdns.snapshot import Manners, Snapshot
from splitdns.view import Policy, View
from splitdns.wire.message import Answer
from tests.build import MANNERS, address, query, view, zone

HERE = zone(
    """
@        3600 IN NS ns1
@        3600 IN MX 10 mail
@        3600 IN MX 20 nas
ns1      3600 IN A 192.0.2.53
mail     3600 IN A 192.168.10.25
www        60 IN A 192.0.2.1
alias    3600 IN CNAME www
twice    3600 IN CNAME alias
hidden   3600 IN CNAME nas
loop     3600 IN CNAME loop2
loop2    3600 IN CNAME loop
away     3600 IN CNAME www.example.net.
lost     3600 IN CNAME nowhere
dn       3600 IN DNAME example.net.
sub      3600 IN NS ns.sub
ns.sub   3600 IN A 192.0.2.5
*.w      3600 IN A 192.0.2.7
*.c      3600 IN CNAME www
deep.ent 3600 IN A 192.0.2.9
svc      3600 IN HTTPS 1 . ipv4hint=192.168.10.44,192.0.2.44
""",
    elsewhere=["nas", "*.e"],
    differs=["www"],
    inherit={"www": ["TXT"]},
    regexps=[("^r[0-9]$", "192.0.2.11"), ("^n[0-9]$", "")],
)
OVERLAY = zone("host 60 IN A 192.0.2.21\ndeep.ent 60 IN A 192.0.2.22", "over.example.", overlay=True)
BROKEN = zone("", "broken.example.", fault="its file has errors")
PTRS = zone("1.2.0.192.in-addr.arpa. 60 IN PTR www.example.org.", ".", overlay=True)


def named(view: View, name: str) -> View:
    return replace(view, name=name)


LAN = named(view(HERE, OVERLAY, BROKEN, recursion=True, ptrs=PTRS), "lan")
VPN = named(view(HERE, OVERLAY, BROKEN, horizon=("vpn", "inside"), recursion=True), "vpn")
INTERNET = named(view(HERE, OVERLAY, BROKEN, horizon=("outside",), hidden=["192.0.2.9"]), "internet")
GUEST = named(view(HERE, OVERLAY, BROKEN, horizon=("outside",), recursion=True), "guest")
SNAPSHOT = Snapshot(
    1,
    (LAN, VPN, GUEST, INTERNET),
    (
        (ip_network("10.0.0.0/8"), LAN),
        (ip_network("10.8.0.0/24"), VPN),
        (ip_network("fd00::/8"), LAN),
        (ip_network("172.16.9.0/24"), GUEST),
    ),
    INTERNET,
)
CLIENTS = {"lan": "10.0.0.1", "vpn": "10.8.0.1", "guest": "172.16.9.9", "internet": "198.51.100.7"}


def told(name: str, rdtype: str = "A", client: str = "internet", *, rd: bool = True) -> Explanation:
    return explain(SNAPSHOT, query(name, rdtype, rd=rd), CLIENTS.get(client, client))


def test_the_longest_prefix_chose_the_view_and_the_shorter_ones_are_named_in_order() -> None:
    client = told("www.example.org.", client="10.8.0.7").client
    assert [(c.view, str(c.prefix or "any")) for c in client.candidates] == [
        ("vpn", "10.8.0.0/24"),
        ("lan", "10.0.0.0/8"),
        ("internet", "any"),
    ]


def test_a_mapped_address_is_shown_as_the_ipv4_address_that_it_is__rfc4291_2_5_5_2() -> None:
    explanation = told("www.example.org.", client="::ffff:10.8.0.7")
    assert str(explanation.client.address) == "10.8.0.7"
    assert explanation.view is VPN


def test_a_client_without_a_view_is_refused_and_the_views_answers_are_there() -> None:
    snapshot = replace(SNAPSHOT, any_view=None)
    explanation = explain(snapshot, query("www.example.org."), "198.51.100.7")
    assert explanation.view is None
    assert explanation.client.candidates == ()
    assert isinstance(explanation.outcome.decided, Answer)
    assert explanation.outcome.decided.rcode == Rcode.REFUSED
    assert explanation.outcome.negative
    assert [other.view for other in explanation.others] == ["lan", "vpn", "guest", "internet"]


def test_what_is_no_address_is_no_client() -> None:
    with pytest.raises(ValueError, match="banana"):
        explain(SNAPSHOT, query("www.example.org."), "banana")


def test_the_other_views_answers_are_theirs() -> None:
    others = told("mail.example.org.", client="lan").others
    assert [(other.view, other.negative) for other in others] == [
        ("vpn", False),
        ("guest", True),
        ("internet", True),
    ]


def test_a_question_about_the_server_has_no_hops() -> None:
    chaos = replace(query("version.bind.", "TXT"), qclass=Class.CH)
    snapshot = replace(SNAPSHOT, manners=Manners(version="splitdns"))
    explanation = explain(snapshot, chaos, "10.0.0.1")
    assert explanation.hops == ()
    assert not explanation.outcome.negative


def test_upstreams_are_asked_only_where_that_is_wanted() -> None:
    asked: list[Forward] = []

    def ask(forward: Forward) -> Reply:
        asked.append(forward)
        return Reply(Rcode.NOERROR, (RRset(forward.name, Type.A, 99, (address("198.51.100.1"),)),))

    assert isinstance(told("away.example.org.", client="lan").outcome.decided, Forward)
    explanation = explain(SNAPSHOT, query("away.example.org.", rd=True), "10.0.0.1", ask=ask)
    assert [to_text(forward.name) for forward in asked] == ["www.example.net."]
    assert isinstance(explanation.outcome.decided, Answer)
    assert [hop.result for hop in explanation.hops] == [Result.ALIAS, Result.RECORDS]


NAMES = [
    "www",
    "alias",
    "twice",
    "hidden",
    "loop",
    "away",
    "lost",
    "x.dn",
    "dn",
    "x.sub",
    "sub",
    "x.w",
    "w",
    "x.c",
    "x.e",
    "ent",
    "deep.ent",
    "nas",
    "none.nas",
    "r1",
    "n1",
    "mail",
    "svc",
    "_acme-challenge.www",
    "_acme-challenge.none",
    "zz",
]
ALL = [
    *(f"{name}.example.org." for name in NAMES),
    "example.org.",
    *(f"{name}over.example." for name in ("", "host.", "ent.", "none.")),
    "www.broken.example.",
    "1.2.0.192.in-addr.arpa.",
    "2.2.0.192.in-addr.arpa.",
    "www.example.net.",
    "alias.example.net.",
]


def reply(forward: Forward) -> Reply | None:
    """A small internet: it has some names, an alias into our zone, and one that does not answer."""
    name = to_text(forward.name)
    if name.startswith("alias"):
        alias = RRset(forward.name, Type.CNAME, 30, (from_text("www.example.org."),))
        return Reply(Rcode.NOERROR, (alias,))
    if name.startswith("none"):
        return None
    if forward.qtype == Type.A:
        return Reply(Rcode.NOERROR, (RRset(forward.name, Type.A, 30, (address("10.9.9.9"),)),))
    return Reply(Rcode.NXDOMAIN)


ENDS = {
    Result.NXDOMAIN: Rcode.NXDOMAIN,
    Result.NODATA: Rcode.NOERROR,
    Result.RECORDS: Rcode.NOERROR,
    Result.REFERRAL: Rcode.NOERROR,
    Result.OPEN: Rcode.NOERROR,
    Result.REFUSED: Rcode.REFUSED,
    Result.SERVFAIL: Rcode.SERVFAIL,
    Result.YXDOMAIN: Rcode.YXDOMAIN,
}


TYPES = ["A", "MX", "TXT", "CNAME", "DS", "NS", "SOA", "ANY", "HTTPS", "PTR", "AXFR", "MAILB"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("ask", [False, True])
@pytest.mark.parametrize("rd", [False, True])
def test_every_tale_ends_where_the_answer_does(client: str, rd: bool, ask: bool) -> None:
    for name, rdtype in itertools.product(ALL, TYPES):
        check(name, rdtype, client, rd, ask)


def check(name: str, rdtype: str, client: str, rd: bool, ask: bool) -> None:
    """The explanation's answer is the server's, and its hops have all of it, and what was kept back."""
    asked = query(name, rdtype, rd=rd)
    explanation = explain(SNAPSHOT, asked, CLIENTS[client], ask=reply if ask else None)
    assert explanation.view is not None
    decided = explanation.outcome.decided
    if rdtype == "AXFR":
        assert explanation.hops == ()
        return
    last = explanation.hops[-1]
    if not ask:
        assert decided == decide(asked, explanation.view, MANNERS)
    if isinstance(decided, Forward):
        assert last.result is Result.FORWARD
        assert last.forwarding is not None
        assert last.forwarding.upstreams == decided.upstreams
        assert last.name == decided.name or last.forwarding.inherited
        return
    assert last.result is not Result.FORWARD
    if "leads in a circle" not in last.reason:
        assert ENDS[last.result] == decided.rcode
    told_records = {
        (record.rrset.owner, record.rrset.rdtype, rdata)
        for hop in explanation.hops
        for record in (*hop.records, *hop.beside)
        for rdata in record.rrset.rdatas
    }
    shortened = any(stripped.shortened for stripped in explanation.stripped)
    for rrset in (*decided.answer, *decided.authority, *decided.additional, *decided.glue):
        for rdata in rrset.rdatas:
            assert shortened or (rrset.owner, rrset.rdtype, rdata) in told_records
    assert len(explanation.stripped) == decided.stripped


def test_what_a_client_is_told_of_itself_is_explained__semantics_29() -> None:
    name = from_text("who.example.org.")
    lan = replace(LAN, zones=LAN.zones | special.whoami(name, {}, recursion=True), policy=Policy(whoami=name))
    here = Snapshot(1, (lan, INTERNET), ((ip_network("10.0.0.0/8"), lan),), INTERNET)

    told = explain(here, query("who.example.org.", "TXT"), "10.0.0.7")
    (hop,) = told.hops
    assert hop.result is Result.RECORDS
    assert hop.records[0].origin is Origin.SERVER
    assert b"client=10.0.0.7" in hop.records[0].rrset.rdatas[0]
    assert told.outcome.decided == Answer(aa=True, answer=(hop.records[0].rrset,), remember=False)
    assert told.others == ()
    assert explain(here, query("who.example.org.", "MX"), "10.0.0.7").hops[0].result is Result.NODATA
    soa = explain(here, query("who.example.org.", "SOA"), "10.0.0.7")
    assert soa.hops[0].records[0].origin is Origin.ZONE

"""RFC 1034 4.3.2, RFC 2308, RFC 4592, RFC 6672: what an authoritative server answers, as tables of cases.

Bytes go in, bytes come out; dnspython judges.
"""

from __future__ import annotations

import pytest

from tests.serving import World, case

ZONE = """
$TTL 3600
@          IN SOA   ns1 hostmaster 1 3600 900 604800 300
@          IN NS    ns1
@          IN MX    10 mail
ns1        IN A     192.0.2.53
mail       IN A     192.0.2.25
mail       IN AAAA  2001:db8::25
Www        IN A     192.0.2.1
Www        IN A     192.0.2.2
alias      IN CNAME wWw
alias2     IN CNAME alias
lost       IN CNAME nowhere
away       IN CNAME www.example.net.
abroad     IN CNAME www.elsewhere.test.
loop1      IN CNAME loop2
loop2      IN CNAME loop1
self       IN CNAME self
a.b.ent    IN TXT   "deep"
*.wild     IN A     192.0.2.3
*.wild     IN MX    10 mail
host.wild  IN TXT   "exact"
x.y.wild   IN TXT   "deeper"
*.wcname   IN CNAME www
*.wlost    IN CNAME nowhere
*.*.twice  IN TXT   "asterisk"
sub        IN NS    ns.sub
sub        IN NS    ns.other
sub        IN NS    ns.example.net.
ns.sub     IN A     192.0.2.5
ns.sub     IN AAAA  2001:db8::5
other      IN NS    ns.other
ns.other   IN A     192.0.2.6
noglue     IN NS    ns.noglue
occ        IN NS    ns.occ
ns.occ     IN A     192.0.2.8
www.occ    IN A     192.0.2.9
tosub      IN CNAME host.sub
dn         IN DNAME target
dn         IN TXT   "at the owner"
host.target IN A    192.0.2.10
dnaway     IN DNAME elsewhere.test.
_s._tcp    IN SRV   0 5 443 www
"""

NET = """
@          3600 IN SOA ns1 hostmaster 1 3600 900 604800 120
@          3600 IN NS  ns1.example.org.
www        3600 IN A   198.51.100.1
"""

SOA = "example.org. 300 IN SOA ns1.example.org. hostmaster.example.org. 1 3600 900 604800 300"
SUB = [
    "sub.example.org. 3600 IN NS ns.sub.example.org.",
    "sub.example.org. 3600 IN NS ns.other.example.org.",
    "sub.example.org. 3600 IN NS ns.example.net.",
]
SUB_GLUE = [
    "ns.sub.example.org. 3600 IN A 192.0.2.5",
    "ns.sub.example.org. 3600 IN AAAA 2001:db8::5",
    "ns.other.example.org. 3600 IN A 192.0.2.6",
]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    files = {"example.org.zone": ZONE, "example.net.zone": NET}
    return World(tmp_path_factory.mktemp("zones"), files)


ADDRESSES = ["www.example.org. 3600 IN A 192.0.2.1", "www.example.org. 3600 IN A 192.0.2.2"]

CASES = [
    case("www A", answer=ADDRESSES, aa=True, why="rfc1034_4_3_2_3a"),
    case("WWW A", answer=ADDRESSES, aa=True, why="case is ignored rfc4343_3"),
    case("www AAAA", authority=[SOA], aa=True, why="nodata rfc2308_2_2"),
    case("nothing A", rcode="NXDOMAIN", authority=[SOA], aa=True, why="nxdomain rfc2308_2_1"),
    case("x.www A", rcode="NXDOMAIN", authority=[SOA], aa=True, why="beneath a leaf"),
    case("b.ent A", authority=[SOA], aa=True, why="empty non terminal rfc8020_2"),
    case("ent TXT", authority=[SOA], aa=True, why="empty non terminal of two"),
    case("a.b.ent TXT", answer=['a.b.ent.example.org. 3600 IN TXT "deep"'], aa=True, why="beneath ents"),
    case("c.b.ent A", rcode="NXDOMAIN", authority=[SOA], aa=True, why="beside the leaf of an ent"),
    case(
        "@ NS",
        answer=["example.org. 3600 IN NS ns1.example.org."],
        additional=["ns1.example.org. 3600 IN A 192.0.2.53"],
        aa=True,
        why="apex ns",
    ),
    case(
        "@ MX",
        answer=["example.org. 3600 IN MX 10 mail.example.org."],
        additional=["mail.example.org. 3600 IN A 192.0.2.25", "mail.example.org. 3600 IN AAAA 2001:db8::25"],
        aa=True,
        why="mx additional rfc1035_3_3_9",
    ),
    case(
        "_s._tcp SRV",
        answer=["_s._tcp.example.org. 3600 IN SRV 0 5 443 www.example.org."],
        additional=ADDRESSES,
        aa=True,
        why="srv additional rfc2782",
    ),
    case("@ SOA", answer=[SOA.replace(" 300 IN", " 3600 IN")], aa=True, why="soa itself keeps its ttl"),
    case(
        "alias A",
        answer=["alias.example.org. 3600 IN CNAME www.example.org.", *ADDRESSES],
        aa=True,
        why="cname rfc1034_3_6_2",
    ),
    case(
        "alias2 A",
        answer=[
            "alias2.example.org. 3600 IN CNAME alias.example.org.",
            "alias.example.org. 3600 IN CNAME www.example.org.",
            *ADDRESSES,
        ],
        aa=True,
        why="cname chain",
    ),
    case(
        "alias CNAME",
        answer=["alias.example.org. 3600 IN CNAME www.example.org."],
        aa=True,
        why="cname asked for",
    ),
    case(
        "alias MX",
        answer=["alias.example.org. 3600 IN CNAME www.example.org."],
        authority=[SOA],
        aa=True,
        why="cname to nodata",
    ),
    case(
        "lost A",
        rcode="NXDOMAIN",
        answer=["lost.example.org. 3600 IN CNAME nowhere.example.org."],
        authority=[SOA],
        aa=True,
        why="cname to nxdomain rfc6604_3",
    ),
    case(
        "away A",
        answer=[
            "away.example.org. 3600 IN CNAME www.example.net.",
            "www.example.net. 3600 IN A 198.51.100.1",
        ],
        aa=True,
        why="cname into another zone",
    ),
    case(
        "abroad A",
        answer=["abroad.example.org. 3600 IN CNAME www.elsewhere.test."],
        aa=True,
        why="cname away",
    ),
    case(
        "loop1 A",
        answer=[
            "loop1.example.org. 3600 IN CNAME loop2.example.org.",
            "loop2.example.org. 3600 IN CNAME loop1.example.org.",
        ],
        aa=True,
        why="cname loop",
    ),
    case(
        "self A", answer=["self.example.org. 3600 IN CNAME self.example.org."], aa=True, why="cname to itself"
    ),
    case("one.wild A", answer=["one.wild.example.org. 3600 IN A 192.0.2.3"], aa=True, why="rfc4592_2_2_1"),
    case(
        "two.one.wild A", answer=["two.one.wild.example.org. 3600 IN A 192.0.2.3"], aa=True, why="two labels"
    ),
    case("one.wild TXT", authority=[SOA], aa=True, why="wildcard nodata rfc4592_2_2_1"),
    case(
        "one.wild MX",
        answer=["one.wild.example.org. 3600 IN MX 10 mail.example.org."],
        additional=["mail.example.org. 3600 IN A 192.0.2.25", "mail.example.org. 3600 IN AAAA 2001:db8::25"],
        aa=True,
        why="wildcard additional",
    ),
    case("host.wild A", authority=[SOA], aa=True, why="an exact name bars the wildcard rfc4592_2_2_1"),
    case(
        "x.host.wild A", rcode="NXDOMAIN", authority=[SOA], aa=True, why="beneath an exact name rfc4592_2_2_1"
    ),
    case("y.wild A", authority=[SOA], aa=True, why="an ent bars the wildcard rfc4592_2_2_2"),
    case("z.y.wild A", rcode="NXDOMAIN", authority=[SOA], aa=True, why="beneath an ent rfc4592_2_2_2"),
    case(
        "*.wild A",
        answer=["*.wild.example.org. 3600 IN A 192.0.2.3"],
        aa=True,
        why="asterisk asked rfc4592_2_1_1",
    ),
    case("wild A", authority=[SOA], aa=True, why="the wildcard's parent is an ent rfc4592_2_1"),
    case(
        "x.wcname A",
        answer=["x.wcname.example.org. 3600 IN CNAME www.example.org.", *ADDRESSES],
        aa=True,
        why="wildcard cname rfc4592_4_3",
    ),
    case(
        "x.wlost A",
        rcode="NXDOMAIN",
        answer=["x.wlost.example.org. 3600 IN CNAME nowhere.example.org."],
        authority=[SOA],
        aa=True,
        why="wildcard cname to nxdomain",
    ),
    case("sub A", authority=SUB, additional=SUB_GLUE, why="referral at the cut rfc1034_4_3_2_3b"),
    case("sub NS", authority=SUB, additional=SUB_GLUE, why="ns at the cut is a referral"),
    case("sub SOA", authority=SUB, additional=SUB_GLUE, why="soa at the cut is a referral"),
    case("a.b.sub TXT", authority=SUB, additional=SUB_GLUE, why="referral beneath the cut"),
    case("ns.sub A", authority=SUB, additional=SUB_GLUE, why="glue is no answer"),
    case("sub DS", authority=[SOA], aa=True, why="ds is the parent's rfc4035_3_1_4_1"),
    case("noglue A", authority=["noglue.example.org. 3600 IN NS ns.noglue.example.org."], why="missing glue"),
    case(
        "www.occ A",
        authority=["occ.example.org. 3600 IN NS ns.occ.example.org."],
        additional=["ns.occ.example.org. 3600 IN A 192.0.2.8"],
        why="occluded rfc2136_7_18",
    ),
    case(
        "tosub A",
        answer=["tosub.example.org. 3600 IN CNAME host.sub.example.org."],
        authority=SUB,
        additional=SUB_GLUE,
        aa=True,
        why="cname into a delegation",
    ),
    case(
        "host.dn A",
        answer=[
            "dn.example.org. 3600 IN DNAME target.example.org.",
            "host.dn.example.org. 3600 IN CNAME host.target.example.org.",
            "host.target.example.org. 3600 IN A 192.0.2.10",
        ],
        aa=True,
        why="dname rfc6672_3_2",
    ),
    case(
        "dn TXT",
        answer=['dn.example.org. 3600 IN TXT "at the owner"'],
        aa=True,
        why="dname's owner rfc6672_2_3",
    ),
    case("dn A", authority=[SOA], aa=True, why="dname's owner nodata"),
    case(
        "a.b.dnaway A",
        answer=[
            "dnaway.example.org. 3600 IN DNAME elsewhere.test.",
            "a.b.dnaway.example.org. 3600 IN CNAME a.b.elsewhere.test.",
        ],
        aa=True,
        why="dname away",
    ),
    case("www.elsewhere.test. A", rcode="REFUSED", why="not ours"),
    case(". NS", rcode="REFUSED", why="the root is not ours"),
]


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("asked", CASES, ids=lambda asked: asked.id)
def test_the_answer_is_the_rfc_s(world: World, asked: case, tcp: bool) -> None:
    asked.check(world, origin="example.org.", tcp=tcp)


@pytest.mark.parametrize("asked", CASES, ids=lambda asked: asked.id)
def test_a_remembered_answer_is_the_same_octets(world: World, asked: case) -> None:
    assert world.ask_again_is_the_same(asked, origin="example.org.")

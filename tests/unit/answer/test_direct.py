"""Direct answers beside those of ``decide`` and ``encode``; and which questions have one."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv6Network

import dns.message
import pytest

from splitdns.answer import contents, direct, respond
from splitdns.answer.decide import decide
from splitdns.answer.direct import Direct
from splitdns.names import from_text
from splitdns.records import META_TYPES, PLAIN_TYPES
from splitdns.view import Policy, View
from splitdns.wire import body
from splitdns.wire.message import Answer, Transport, decode, encode
from splitdns.zone import Zone
from tests.build import MANNERS, UPSTREAMS, view, zone

ZONE = """
www      IN A     198.51.100.1
www      IN A     198.51.100.2
www      IN AAAA  2001:db8::1
Cased    IN TXT   "text"
mx       IN MX    10 www
alias    IN CNAME www
big      IN TXT   "{0}" "{0}" "{0}"
fits     IN TXT   "{0}" "{1}"
lost     IN A     192.168.9.9
lost6    IN AAAA  fd00::9
hidden   IN A     198.51.100.9
a.ent    IN A     198.51.100.3
*.apps   IN A     198.51.100.4
own.apps IN TXT   "text"
sub      IN NS    ns.sub
ns.sub   IN A     198.51.100.5
d        IN DNAME apps
d        IN TXT   "text"
inherits IN A     198.51.100.6
""".format("x" * 250, "y" * 215)


def made(text: str = ZONE, apex: str = "example.org.", **options: object) -> Zone:
    elsewhere, inherit = ("ghost", "a.hollow", "*.star"), {"inherits": ["TXT"]}
    return zone(text, apex, elsewhere=elsewhere, differs=("www",), inherit=inherit, **options)  # type: ignore


INSIDE, RECURSING = view(made()), view(made(), recursion=True)
OUTSIDE = view(made(), horizon=("outside",), hidden=("198.51.100.9",))


def asked(text: str, apex: str = "example.org.", **options: object) -> bytes:
    """A query as ``www A``, beneath the apex."""
    name, rdtype = text.split()
    name = apex if name == "@" else f"{name}.{apex}"
    return dns.message.make_query(name, rdtype, **options).to_wire()  # type: ignore[arg-type]


def answered(of: View, wire: bytes, *, tcp: bool = False) -> bytes | None:
    """The direct answer; where there is one, it is the answer of the long way."""
    told = Direct(of, MANNERS).answer(wire[2:], tcp=tcp)
    if told is None:
        return None
    query = decode(wire, Transport.TCP if tcp else Transport.UDP)
    answer = decide(query, of, MANNERS)
    assert isinstance(answer, Answer)
    assert not answer.stripped
    encoded = encode(answer, query, ra=of.recursion, payload_octets=MANNERS.payload_octets)
    rest, _, qtype, do = told
    assert wire[:2] + rest == encoded
    assert qtype == query.qtype
    assert do == (query.edns is not None and query.edns.do)
    return encoded


PLAIN = (
    "www A", "www AAAA", "www TXT", "www SRV", "WWW A", "Cased TXT", "cASED TXT", "cased A", "mx A", "ent A",
    "a.ent A", "b.ent A", "nowhere A", "a.b.nowhere HTTPS", "x.apps A", "x.y.apps TXT", "own.apps A",
    "own.apps TXT", "below.own.apps A", "apps A", "*.apps A", "ghost A", "d TXT", "d A", "a.www A",
    "a.ghostly A", "@ A",
)  # fmt: skip
UNUSUAL = (
    "@ SOA", "mx MX", "alias A", "alias CNAME", "www ANY", "www DS", "www AXFR", "sub A", "ns.sub A",
    "x.sub A", "x.d A", "big TXT", "inherits A", "inherits TXT", "x.ghost A", "hollow A", "www TYPE65280",
    "_acme-challenge.www TXT", "_acme-challenge.www A",
)  # fmt: skip
PLAIN_HEAD = b"\1\0\0\1\0\0\0\0\0\0"
VIEWS = {"inside": INSIDE, "outside": OUTSIDE, "recursing": RECURSING}
ALL_VIEWS = pytest.mark.parametrize("of", VIEWS.values(), ids=VIEWS)


@ALL_VIEWS
@pytest.mark.parametrize("options", [{}, {"use_edns": 0, "payload": 1232}, {"want_dnssec": True}])
@pytest.mark.parametrize("text", PLAIN)
def test_a_plain_question_has_a_direct_answer(text: str, options: dict[str, object], of: View) -> None:
    assert answered(of, asked(text, **options)) is not None


@ALL_VIEWS
@pytest.mark.parametrize("text", UNUSUAL)
def test_everything_unusual_goes_the_long_way(text: str, of: View) -> None:
    assert answered(of, asked(text)) is None


def test_flags_are_what_they_are_on_the_long_way() -> None:
    for flags in (0, 0x0100, 0x0010, 0x0020, 0x0130):
        for name in ("www A", "nowhere A", "www TXT"):
            assert answered(RECURSING, asked(name, flags=flags)) is not None
    assert answered(RECURSING, asked("www A", flags=0x0140)) is None


def test_what_does_not_fit_goes_the_long_way_unless_it_comes_over_tcp() -> None:
    for options in ({}, {"use_edns": 0, "payload": 0}, {"use_edns": 0, "payload": 512}):
        assert answered(INSIDE, asked("fits TXT", **options)) is None
    for payload in range(513, 540):
        whole = asked("fits TXT", use_edns=0, payload=payload)
        told = answered(INSIDE, whole)
        assert (told is not None) == (len(answered(INSIDE, whole, tcp=True) or b"") <= payload)
    assert answered(INSIDE, asked("big TXT"), tcp=True) is not None
    assert answered(INSIDE, asked("big TXT", use_edns=0, payload=4096)) is not None


@pytest.mark.parametrize("text", ["lost A", "lost6 AAAA", "hidden A"])
def test_what_the_guard_would_take_out_goes_the_long_way(text: str) -> None:
    assert answered(OUTSIDE, asked(text)) is None
    assert answered(INSIDE, asked(text)) is not None


def test_an_inside_address_that_is_meant_to_be_public_is_told() -> None:
    outside = view(made(public=("lost",)), horizon=("outside",))
    assert answered(outside, asked("lost A")) is not None


def test_a_denial_whose_name_server_is_hidden_goes_the_long_way() -> None:
    soa = "@ 3600 IN SOA ghost hostmaster 1 3600 900 604800 300\n"
    of = view(made(soa + "www IN A 192.0.2.1\n"))
    assert answered(of, asked("www A")) is not None
    assert answered(of, asked("www TXT")) is None


@pytest.mark.parametrize(
    "options",
    [{"overlay": True}, {"fault": "the zone file has mistakes"}],
    ids=["overlay", "fault"],
)
def test_zones_that_do_not_know_all_of_their_names_go_the_long_way(options: dict[str, object]) -> None:
    of = view(made(**options))
    assert not any(answered(of, asked(text)) for text in PLAIN)


def test_zones_that_wait_for_a_source_go_the_long_way() -> None:
    of = view(replace(made(), waiting=True))
    assert not any(answered(of, asked(text)) for text in PLAIN)


def test_where_a_pattern_may_match_only_names_with_a_node_are_direct() -> None:
    of = view(made(regexps=[("^n", "192.0.2.1")]))
    assert answered(of, asked("www A")) is not None
    assert answered(of, asked("x.apps A")) is None
    assert answered(of, asked("nowhere A")) is None


def test_the_longest_zone_or_forward_rule_decides() -> None:
    inner = made(apex="sub.example.org.")
    routes = {"apps.example.org.": UPSTREAMS}
    of = view(made(), inner, recursion=True, routes=routes)
    assert answered(of, asked("www A", "sub.example.org.")) is not None
    assert answered(of, asked("x.apps A")) is None
    assert answered(view(made(), inner, routes=routes), asked("x.apps A")) is not None
    assert answered(of, asked("www A", "example.net.")) is None


def test_names_for_addresses_go_the_long_way_where_some_are_made_by_themselves() -> None:
    reverse = made("1 IN TXT text\n", "2.0.192.in-addr.arpa.")
    question = asked("1 TXT", "2.0.192.in-addr.arpa.")
    assert answered(view(reverse), question) is not None
    assert answered(view(reverse, ptrs=made()), question) is None
    with_dns64 = replace(view(reverse, made()), policy=Policy(dns64=IPv6Network("64:ff9b::/96")))
    assert answered(with_dns64, question) is None
    assert answered(with_dns64, asked("www AAAA")) is None
    assert answered(with_dns64, asked("www A")) is not None


def test_where_clients_are_told_who_they_are_nothing_is_direct() -> None:
    zones = made(), made(apex="who.example.org."), made(apex="am.who.example.org.")
    of = replace(view(*zones), policy=Policy(whoami=from_text("who.example.org.")))
    assert answered(of, asked("www A")) is not None
    assert answered(of, asked("www A", "who.example.org.")) is None
    assert answered(of, asked("www A", "am.who.example.org.")) is None


def test_the_root_answers_for_all_names_but_its_own() -> None:
    root = view(made("www.com IN A 192.0.2.1\n@ IN TXT text\n", "."))
    assert answered(root, asked("www.com A", "")) is not None
    assert answered(root, asked("www.net A", "")) is not None
    assert answered(root, asked("@ TXT", ".")) is None


@pytest.mark.parametrize("cut", range(12, 44))
def test_a_query_that_is_cut_short_has_no_direct_answer(cut: int) -> None:
    for wire in (asked("www A"), asked("nowhere A", use_edns=0)):
        assert cut >= len(wire) or Direct(INSIDE, MANNERS).answer(wire[2:cut]) is None


def test_a_name_that_is_none_has_no_direct_answer() -> None:
    apex = bytes(from_text("example.org."))
    for head in (b"\x40" + b"x" * 64, b"\x41" + b"x" * 65, b"\xc0\x0c", b"\0", b"\1a\0", b"\x3f" + b"x" * 63):
        name = head + (b"\x3f" + b"y" * 63) * 3 * (head[0] == 0x3F) + apex
        assert Direct(INSIDE, MANNERS).answer(PLAIN_HEAD + name + b"\0\1\0\1") is None


def test_offers_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "MAX_OFFERS", 4)
    answers = Direct(INSIDE, MANNERS)
    for payload in range(600, 620):
        assert answers.answer(asked("www A", use_edns=0, payload=payload)[2:]) is not None
        assert len(answers._offers) <= 4


def test_denials_are_forgotten_before_they_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "MAX_DENIALS", 4)
    answers = Direct(view(made(), made(apex="example.net.")), MANNERS)
    for octets in range(1, 60):
        for apex in ("example.org.", "example.net."):
            assert answers.answer(asked(f"{'n' * octets} A", apex)[2:]) is not None
        assert sum(len(ground.denials) for ground in answers.grounds.values() if ground) <= 4


def test_plain_types_tell_nothing_of_other_hosts() -> None:
    for rdtype in PLAIN_TYPES:
        rdata = bytes(range(1, 120))
        assert not contents.names(rdtype, rdata)
        assert not contents.addresses(rdtype, rdata)
        assert rdtype not in body._NAMES_IN_RDATA
        assert rdtype not in respond._WITH_ADDRESSES
        assert rdtype not in META_TYPES

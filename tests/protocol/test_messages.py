"""Messages, bytes to bytes: headers, questions, EDNS, truncation, classes, server identity, unusual types.

RFC 1035 4.1, RFC 2181, RFC 3597, RFC 4892, RFC 5001, RFC 6891, RFC 8482, RFC 8914, RFC 9471, RFC 9619.
"""

from __future__ import annotations

import struct

import dns.edns
import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import pytest

from tests.serving import CONFIG, World, records

ZONE = (
    """
$TTL 300
@       IN SOA ns1 hostmaster 1 3600 900 604800 60
@       IN NS  ns1
ns1     IN A   192.0.2.53
www     IN A   192.0.2.1
www     IN TXT "x"
www     IN TYPE65280 \\# 3 0a0b0c
caa     IN CAA 0 issue "ca.example.net"
naptr   IN NAPTR 1 1 "u" "sip" "!^.*$!sip:a@example.org!" .
sshfp   IN SSHFP 1 1 0123456789abcdef0123456789abcdef01234567
tlsa    IN TLSA 3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ds      IN DS 1 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
ds      IN NS ns.example.net.
https   IN HTTPS 1 . alpn=h2 ipv4hint=192.0.2.1
https   IN A 192.0.2.1
svcb    IN SVCB 1 www.example.org. port=853
loc     IN LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m
uri     IN URI 10 1 "https://example.org/"
hinfo   IN HINFO "cpu" "os"
rp      IN RP mail.example.org. txt.example.org.
srv     IN SRV 1 2 443 www
ptr     IN PTR www
*.w     IN TXT "wild"
glue    IN NS ns1.glue
"""
    + "".join(f"many IN A 198.51.100.{n}\n" for n in range(1, 121))
    + "".join(f"big IN TXT {'t' * 200}{n:03}\n" for n in range(8))
    + "".join(
        f"glue IN NS ns{n}.glue\nns{n}.glue IN A 192.0.2.{n}\nns{n}.glue IN AAAA 2001:db8::{n}\n"
        for n in range(1, 30)
    )
    + "".join(
        f"mx IN MX {n} mx{n}\nmx{n} IN A 192.0.2.{n}\nmx{n} IN AAAA 2001:db8::{n}\n" for n in range(1, 15)
    )
)
IDENTITY = CONFIG + 'identity: {version: "splitdns test", id: "here"}\n'


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("zones"), {"example.org.zone": ZONE})


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("zones"), {"example.org.zone": ZONE}, IDENTITY)


def ask(world: World, wire: bytes, **options: bool) -> dns.message.Message:
    answer = world.ask_bytes(wire, **options)
    assert answer is not None
    return dns.message.from_wire(answer, ignore_trailing=False)


def query(name: str = "www.example.org.", rdtype: str = "A", **options: object) -> dns.message.Message:
    return dns.message.make_query(name, rdtype, **options)  # type: ignore[arg-type]


def header(
    ident: int = 0x1234, flags: int = 0x0100, qd: int = 1, an: int = 0, ns: int = 0, ar: int = 0
) -> bytes:
    return struct.pack("!6H", ident, flags, qd, an, ns, ar)


QUESTION = b"\x03www\x07example\x03org\0\0\x01\0\x01"


# Headers


def test_id_rd_and_cd_are_copied__rfc1035_4_1_1_rfc4035_3_2_2(world: World) -> None:
    for flags in (0, dns.flags.RD, dns.flags.CD, dns.flags.RD | dns.flags.CD):
        asked = query()
        asked.flags = dns.flags.Flag(flags)
        got = ask(world, asked.to_wire())
        assert got.id == asked.id
        assert got.flags & (dns.flags.RD | dns.flags.CD) == flags
        assert not got.flags & (dns.flags.RA | dns.flags.AD | dns.flags.TC)


@pytest.mark.parametrize("octets", range(12))
def test_less_than_a_header_is_met_with_silence(world: World, octets: int) -> None:
    assert world.ask_bytes(header()[:octets]) is None


def test_a_response_is_never_answered(world: World) -> None:
    assert world.ask_bytes(header(flags=0x8100) + QUESTION) is None


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15])
def test_other_opcodes_are_notimp__rfc1035_4_1_1(world: World, opcode: int) -> None:
    got = world.ask_bytes(header(flags=opcode << 11) + QUESTION)
    assert got is not None
    assert got[:2] == b"\x12\x34"
    assert got[3] & 0xF == dns.rcode.NOTIMP
    assert got[2] >> 3 & 0xF == opcode


@pytest.mark.parametrize("qdcount", [0, 2, 65535])
def test_qdcount_other_than_one_is_formerr__rfc9619_4(world: World, qdcount: int) -> None:
    got = world.ask_bytes(header(qd=qdcount) + QUESTION * min(qdcount, 2))
    assert got is not None
    assert got[3] & 0xF == dns.rcode.FORMERR
    assert got[2] & 0x80


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"\x03www",
        b"\x03www\x07example\x03org\0\0\x01",
        b"\xc0\x0c\0\x01\0\x01",
        b"\xc0\xff\0\x01\0\x01",
        b"\x40" + b"a" * 64 + b"\0\0\x01\0\x01",
        b"\x80a\0\0\x01\0\x01",
        (b"\x3f" + b"a" * 63) * 4 + b"\0\0\x01\0\x01",
    ],
    ids=[
        "nothing",
        "cut label",
        "cut class",
        "self pointer",
        "forward pointer",
        "label type 01",
        "label type 10",
        "256",
    ],
)
def test_a_question_that_cannot_be_read_is_formerr__rfc1035_4_1_2(world: World, broken: bytes) -> None:
    got = world.ask_bytes(header() + broken)
    assert got is not None
    assert got[3] & 0xF == dns.rcode.FORMERR


# Classes and identity


def test_unknown_classes_are_refused(world: World) -> None:
    for rdclass in ("HS", "NONE", "CLASS4711"):
        asked = dns.message.make_query("www.example.org.", "A", rdclass)
        assert ask(world, asked.to_wire()).rcode() == dns.rcode.REFUSED


def test_the_server_says_who_it_is_only_where_it_was_told_to__rfc4892(world: World, named: World) -> None:
    for name, text in (
        ("version.bind.", "splitdns test"),
        ("id.server.", "here"),
        ("hostname.bind.", "here"),
    ):
        asked = dns.message.make_query(name, "TXT", "CH")
        assert ask(world, asked.to_wire()).rcode() == dns.rcode.REFUSED
        (rrset,) = ask(named, asked.to_wire()).answer
        assert rrset.rdclass == dns.rdataclass.CH
        assert rrset[0].to_text() == f'"{text}"'


def test_nsid_is_given_when_asked_for__rfc5001_2(world: World, named: World) -> None:
    nsid = dns.edns.GenericOption(dns.edns.OptionType.NSID, b"")
    with_it = ask(named, query(options=[nsid]).to_wire())
    assert [option.to_wire() for option in with_it.options] == [b"here"]
    assert not ask(named, query(use_edns=0).to_wire()).options
    assert not ask(world, query(options=[nsid]).to_wire()).options


# EDNS


def test_an_opt_is_in_the_answer_when_one_is_in_the_query__rfc6891_6_1_1(world: World) -> None:
    assert ask(world, query(use_edns=0).to_wire()).edns == 0
    assert ask(world, query().to_wire()).edns == -1


def test_our_payload_size_is_1232__rfc6891_6_2_5(world: World) -> None:
    assert ask(world, query(use_edns=0).to_wire()).payload == 1232


def test_do_is_copied__rfc3225_3(world: World) -> None:
    assert ask(world, query(want_dnssec=True).to_wire()).ednsflags & dns.flags.DO
    assert not ask(world, query(use_edns=0).to_wire()).ednsflags & dns.flags.DO


def test_a_newer_version_is_badvers__rfc6891_6_1_3(world: World) -> None:
    got = ask(world, query(use_edns=1).to_wire())
    assert got.rcode() == dns.rcode.BADVERS
    assert got.edns == 0
    assert not got.answer


def test_unknown_options_are_ignored__rfc6891_6_1_2(world: World) -> None:
    options = [dns.edns.GenericOption(65001, b"x"), dns.edns.GenericOption(65002, b"")]
    got = ask(world, query(options=options).to_wire())
    assert got.answer
    assert not got.options


def opt(owner: bytes = b"\0", octets: int = 1232, ttl: int = 0, rdata: bytes = b"") -> bytes:
    return owner + struct.pack("!HHIH", 41, octets, ttl, len(rdata)) + rdata


@pytest.mark.parametrize(
    ("additional", "count"),
    [
        (opt() + opt(), 2),
        (opt(owner=b"\x01a\0"), 1),
        (opt(rdata=b"\0\x03\0"), 1),
        (opt(rdata=b"\0\x03\0\x05abc"), 1),
        (opt()[:-1], 1),
        (opt(rdata=b"\0\x03\0\0")[:-2], 1),
    ],
    ids=["two", "owner", "cut option", "option past the end", "cut", "cut rdata"],
)
def test_a_malformed_opt_is_formerr__rfc6891_6_1_1(world: World, additional: bytes, count: int) -> None:
    got = world.ask_bytes(header(ar=count) + QUESTION + additional)
    assert got is not None
    assert got[3] & 0xF == dns.rcode.FORMERR


# Size


def test_without_edns_512_octets_are_the_limit__rfc1035_4_2_1(world: World) -> None:
    got = world.ask_bytes(query("many.example.org.").to_wire())
    assert got is not None
    assert len(got) <= 512
    assert dns.message.from_wire(got, raise_on_truncation=False).flags & dns.flags.TC


@pytest.mark.parametrize(
    ("payload", "limit"), [(512, 512), (100, 512), (800, 800), (1232, 1232), (4096, 1232)]
)
def test_the_smaller_payload_size_is_the_limit__rfc6891_6_2_3(world: World, payload: int, limit: int) -> None:
    got = world.ask_bytes(query("many.example.org.", use_edns=0, payload=payload).to_wire())
    assert got is not None
    assert len(got) <= limit
    message = dns.message.from_wire(got)
    assert message.flags & dns.flags.TC
    assert message.edns == 0


def test_over_tcp_nothing_is_cut(world: World) -> None:
    got = ask(world, query("many.example.org.").to_wire(), tcp=True)
    assert not got.flags & dns.flags.TC
    assert len(got.answer[0]) == 120


def test_no_rrset_is_cut_in_two__rfc2181_9(world: World) -> None:
    for payload in range(512, 1233, 40):
        got = world.ask_bytes(query("big.example.org.", "TXT", use_edns=0, payload=payload).to_wire())
        assert got is not None
        message = dns.message.from_wire(got)
        assert len(got) <= payload
        for rrset in message.answer:
            assert len(rrset) == 8


def test_addresses_that_do_not_fit_are_left_out_without_tc__rfc2181_9(world: World) -> None:
    got = ask(world, query("mx.example.org.", "MX").to_wire())
    assert not got.flags & dns.flags.TC
    assert len(got.answer[0]) == 14


def test_glue_that_does_not_fit_truncates__rfc9471_3_1(world: World) -> None:
    cut = world.ask_bytes(query("x.glue.example.org.", use_edns=0, payload=1232).to_wire())
    assert cut is not None
    assert len(cut) <= 1232
    assert dns.message.from_wire(cut).flags & dns.flags.TC
    whole = ask(world, query("x.glue.example.org.").to_wire(), tcp=True)
    assert len(whole.additional) == 58


# Types


@pytest.mark.parametrize(
    ("name", "rdtype", "text"),
    [
        ("www", "TYPE65280", r"\# 3 0a0b0c"),
        ("caa", "CAA", '0 issue "ca.example.net"'),
        ("naptr", "NAPTR", '1 1 "u" "sip" "!^.*$!sip:a@example.org!" .'),
        ("sshfp", "SSHFP", "1 1 0123456789abcdef0123456789abcdef01234567"),
        ("tlsa", "TLSA", "3 1 1 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        ("ds", "DS", "1 8 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"),
        ("https", "HTTPS", '1 . alpn="h2" ipv4hint="192.0.2.1"'),
        ("svcb", "SVCB", '1 www.example.org. port="853"'),
        ("loc", "LOC", "52 22 23.000 n 4 53 32.000 e -2.00m 0.00m 10000.00m 10.00m"),
        ("uri", "URI", '10 1 "https://example.org/"'),
        ("hinfo", "HINFO", '"cpu" "os"'),
        ("rp", "RP", "mail.example.org. txt.example.org."),
        ("srv", "SRV", "1 2 443 www.example.org."),
        ("ptr", "PTR", "www.example.org."),
        ("x.w", "TXT", '"wild"'),
    ],
)
def test_every_type_goes_out_as_it_came_in__rfc3597_3(
    world: World, name: str, rdtype: str, text: str
) -> None:
    got = ask(world, query(f"{name}.example.org.", rdtype).to_wire())
    assert [line.split(" ", 4)[4] for line in records(got.answer)] == [text.lower()]


def test_names_in_rdata_of_newer_types_are_not_compressed__rfc3597_4(world: World) -> None:
    wire = world.ask_bytes(query("srv.example.org.", "SRV").to_wire())
    assert wire is not None
    assert b"\x03www\x07example\x03org\0" in wire[12 + len(b"\x03srv\x07example\x03org\0") :]


def test_names_in_rdata_of_rfc1035_types_are_compressed_among_themselves__rfc1035_4_1_4(world: World) -> None:
    wire = world.ask_bytes(query("mx.example.org.", "MX").to_wire())
    assert wire is not None
    # Once in the question, whose letter case is the client's, and once for all fourteen exchanges.
    assert wire.count(b"\x07example") == 2


def test_any_is_answered_with_one_rrset__rfc8482_4_1(world: World) -> None:
    assert len(ask(world, query("www.example.org.", "ANY").to_wire()).answer) == 1


def test_any_is_answered_in_full_where_the_configuration_says_so(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    full = World(
        tmp_path_factory.mktemp("zones"), {"example.org.zone": ZONE}, CONFIG + "minimal_any: false\n"
    )
    assert len(ask(full, query("www.example.org.", "ANY").to_wire()).answer) == 3


# Extended errors


def test_a_refusal_says_why__rfc8914_4_21(world: World) -> None:
    got = ask(world, query("www.example.net.", use_edns=0).to_wire())
    assert got.rcode() == dns.rcode.REFUSED
    assert [int(option.code) for option in got.options] == [20]  # type: ignore[attr-defined]


def test_without_edns_there_is_no_extended_error__rfc8914_3(world: World) -> None:
    got = ask(world, query("www.example.net.").to_wire())
    assert got.rcode() == dns.rcode.REFUSED
    assert got.edns == -1


def test_the_question_is_echoed_octet_for_octet(world: World) -> None:
    question = b"\x03wWw\x07eXAMPLE\x03oRg\0\0\x01\0\x01"
    got = world.ask_bytes(header() + question)
    assert got is not None
    assert got[12 : 12 + len(question)] == question
    assert got[12 + len(question) :][:2] == b"\xc0\x0c"

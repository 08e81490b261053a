from __future__ import annotations

import struct

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.errors import WireError
from splitdns.names import ROOT, fold, from_text, wire_from_text
from splitdns.records import Class, Rcode, RRset, Type
from splitdns.wire.edns import NSID, Edns
from splitdns.wire.message import Answer, Query, Transport, _unusual, decode, encode

UDP, TCP = Transport.UDP, Transport.TCP


def message(
    flags: int = 0x0100,
    counts: tuple[int, int, int, int] = (1, 0, 0, 0),
    body: bytes = b"\x03www\x07Example\x03org\0\0\1\0\1",
) -> bytes:
    return struct.pack("!HHHHHH", 0x1234, flags, *counts) + body


QUESTION = b"\x03www\x07Example\x03org\0\0\1\0\1"
A_RECORD = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\4\1\2\3\4"


def opt(
    owner: bytes = b"\0", payload: int = 1232, version: int = 0, flags: int = 0, rdata: bytes = b""
) -> bytes:
    return owner + struct.pack("!HHBBHH", 41, payload, 0, version, flags, len(rdata)) + rdata


def with_opt(*records: bytes, before: int = 0) -> bytes:
    counts = (1, before, 0, len(records) - before)
    return message(counts=counts, body=QUESTION + b"".join(records))


# Decoding


def test_a_query_is_decoded_with_its_letter_case_kept() -> None:
    assert decode(message(flags=0x0130), TCP) == Query(
        question=wire_from_text("www.Example.org."),
        name=from_text("www.example.org."),
        qtype=Type.A,
        qclass=Class.IN,
        id=0x1234,
        rd=True,
        cd=True,
        ad=True,
        edns=None,
        transport=TCP,
    )


def test_flags_that_mean_nothing_in_a_query_are_passed_over() -> None:
    assert decode(message(flags=0x06CF), UDP) == decode(message(flags=0), UDP)


def test_labels_hold_any_octets__rfc2181_11() -> None:
    name = b"\x05\0\xff. \x80\x03org\0"
    query = decode(message(body=name + b"\0\1\0\1"), UDP)
    assert (query.question, query.name) == (name, name)


def test_a_name_of_255_octets_is_one_and_of_256_is_not__rfc1035_2_3_4() -> None:
    longest = b"\x3f" + bytes(63)
    name = longest * 3 + b"\x3d" + bytes(61) + b"\0"
    assert len(name) == 255
    assert decode(message(body=name + b"\0\1\0\1"), UDP).name == name
    with pytest.raises(WireError):
        decode(message(body=longest * 3 + b"\x3e" + bytes(62) + b"\0\0\1\0\1"), UDP)


@pytest.mark.parametrize(
    "wire",
    [
        message()[:11],
        message()[:12],
        message()[:-1],
        message(flags=0x8100),
        message(flags=0x1100),
        message(counts=(0, 0, 0, 0), body=b""),
        message(counts=(0, 0, 0, 0)),
        message(counts=(2, 0, 0, 0)),
        message(counts=(2, 0, 0, 0), body=QUESTION * 2),
    ],
)
def test_not_a_query_with_exactly_one_question__rfc9619(wire: bytes) -> None:
    with pytest.raises(WireError):
        decode(wire, UDP)


@pytest.mark.parametrize(
    "name", [b"\xc0\x0c", b"\xc0\x04", b"\x03www\xc0\x0c", b"\x41" + bytes(66), b"\x81\0"]
)
def test_a_pointer_or_an_unknown_label_in_the_question_is_an_error__rfc1035_4_1_4(name: bytes) -> None:
    with pytest.raises(WireError):
        decode(message(body=name + b"\0\1\0\1"), UDP)


@pytest.mark.parametrize("rest", [b"x", bytes(4), opt(), A_RECORD])
def test_what_the_counts_do_not_count_is_an_error(rest: bytes) -> None:
    with pytest.raises(WireError):
        decode(message() + rest, UDP)


@pytest.mark.parametrize("counts", [(1, 1, 0, 0), (1, 0, 1, 0), (1, 0, 0, 1), (1, 65535, 65535, 65535)])
def test_records_that_are_counted_and_missing_are_an_error(counts: tuple[int, int, int, int]) -> None:
    with pytest.raises(WireError):
        decode(message(counts=counts), UDP)


def test_other_records_are_read_over__rfc1995_3() -> None:
    ixfr = message(counts=(1, 0, 1, 0), body=QUESTION + A_RECORD)
    assert decode(ixfr, UDP) == decode(message(), UDP)
    assert decode(with_opt(A_RECORD, opt(), before=1), UDP).edns == Edns(payload_octets=1232)
    assert decode(with_opt(A_RECORD, opt(), A_RECORD), UDP).edns == Edns(payload_octets=1232)
    uncompressed = b"\x03www\0" + A_RECORD[2:]
    assert decode(with_opt(uncompressed, opt()), UDP).edns == Edns(payload_octets=1232)


def test_edns_is_decoded__rfc6891_6_1() -> None:
    options = b"\0\3\0\0\xff\xf0\0\2ab\0\3\0\0"
    query = decode(with_opt(opt(payload=4096, flags=0xFFFF, rdata=options)), UDP)
    assert query.edns == Edns(0, 4096, True, ((NSID, b""), (0xFFF0, b"ab"), (NSID, b"")))


@pytest.mark.parametrize(("offered", "meant"), [(0, 512), (511, 512), (512, 512), (513, 513), (65535, 65535)])
def test_an_offer_below_512_octets_means_512__rfc6891_6_2_3(offered: int, meant: int) -> None:
    assert decode(with_opt(opt(payload=offered)), UDP).edns == Edns(payload_octets=meant)


@pytest.mark.parametrize(
    "wire",
    [
        with_opt(opt(), opt()),
        with_opt(opt(), A_RECORD, opt()),
        with_opt(opt(owner=b"\x01a\0")),
        with_opt(opt(owner=b"\xc0\x1c")),
        with_opt(opt(), before=1),
        with_opt(opt(rdata=b"\0\3\0")),
        with_opt(opt(rdata=b"\0\3\0\5abcd")),
        with_opt(opt())[:-1],
        with_opt(opt(rdata=b"\0\3\0\0"))[:-4],
        with_opt(opt(owner=b"\x41" + bytes(66))),
    ],
)
def test_a_malformed_opt_record_is_an_error__rfc6891_6_1_1(wire: bytes) -> None:
    with pytest.raises(WireError):
        decode(wire, UDP)


def test_options_of_another_version_are_not_looked_at__rfc6891_6_1_3() -> None:
    assert decode(with_opt(opt(version=1, rdata=b"\0\3\0\5")), UDP).edns == Edns(1, 1232)


def test_the_longest_of_queries_is_read_in_one_pass() -> None:
    record = b"\xc0\x0c\0\1\0\1\0\0\0\0\0\0"
    count = (65535 - len(message())) // len(record)
    wire = message(counts=(1, 0, 0, count), body=QUESTION + record * count)
    assert decode(wire, TCP) == decode(message(), TCP)


some_octets = st.binary(max_size=40)
too_long = (b"\x3f" + bytes(63)) * 4 + b"\0"
plain_queries = st.builds(
    lambda flags, counts, name, tail, opts, rest: (
        struct.pack("!HHHHHH", 7, flags, *counts) + name + tail + b"".join(opts) + rest
    ),
    st.sampled_from([0, 0x0100, 0x0110, 0x0130, 0x06CF, 0x2100, 0x8100]),
    st.sampled_from([(1, 0, 0, 0), (1, 0, 0, 1), (1, 0, 0, 2), (1, 1, 0, 0), (2, 0, 0, 0)]),
    st.sampled_from([b"\x03wWw\0", b"\0", b"\xc0\x0c", b"\x40" + bytes(65), too_long])
    | some_octets.map(lambda label: bytes([len(label)]) + label + b"\0")
    | some_octets,
    st.sampled_from([b"\0\1\0\1", b"\0\x41\0\3", b"\0\1"]),
    st.lists(
        st.builds(
            opt,
            owner=st.sampled_from([b"\0", b"\0", b"\1a\0", b"\xc0\x0c"]),
            payload=st.integers(0, 65535),
            version=st.sampled_from([0, 0, 1]),
            flags=st.sampled_from([0, 1, 0x7FFF, 0x8000, 0xFFFF]),
            rdata=st.sampled_from([b"", b"\0\3\0\0", b"\0\x0a\0\2ab\0\3\0\0", b"\0\3\0\5ab"]) | some_octets,
        ),
        max_size=2,
    ),
    st.sampled_from([b"", b"", b"\0"]),
)


@settings(deadline=None, max_examples=600)
@given(plain_queries, st.integers(0, 80), st.sampled_from([UDP, TCP]))
def test_what_is_read_by_hand_is_what_dnslib_reads(wire: bytes, cut: int, transport: Transport) -> None:
    for octets in (wire, wire[: len(wire) - cut]):
        try:
            wanted = _unusual(octets, transport)
        except WireError:
            with pytest.raises(WireError):
                decode(octets, transport)
        else:
            assert decode(octets, transport) == wanted


# Encoding


def query(
    name: str = "www.Example.org.",
    rdtype: int = Type.A,
    *,
    edns: Edns | None = None,
    transport: Transport = UDP,
    **more: object,
) -> Query:
    question = wire_from_text(name)
    return Query(question, fold(question), rdtype, id=7, edns=edns, transport=transport, **more)  # type: ignore[arg-type]


def rrset(owner: str, rdtype: int, *rdatas: bytes, ttl_s: int = 60) -> RRset:
    return RRset(wire_from_text(owner), rdtype, ttl_s, rdatas)


def encoded(answer: Answer, asked: Query, **more: object) -> bytes:
    settings: dict[str, object] = {"ra": False, "payload_octets": 1232} | more
    return encode(answer, asked, **settings)  # type: ignore[arg-type]


def read(answer: Answer, asked: Query, **more: object) -> dns.message.Message:
    return dns.message.from_wire(encoded(answer, asked, **more), raise_on_truncation=False)


ADDRESS = rrset("www.example.org.", Type.A, b"\xc0\0\2\1")
BIG = rrset("www.example.org.", Type.TXT, *(bytes([200]) + bytes([octet]) * 200 for octet in range(4)))


def test_flags_are_our_own_or_copied__rfc1035_4_1_1() -> None:
    asked = query(rd=True, cd=True, ad=True)
    flags = read(Answer(), asked).flags
    assert flags == dns.flags.QR | dns.flags.RD | dns.flags.CD
    flags = read(Answer(aa=True, ad=True), query(), ra=True).flags
    assert flags == dns.flags.QR | dns.flags.AA | dns.flags.AD | dns.flags.RA


def test_the_question_comes_back_octet_by_octet() -> None:
    asked = Query(b"\x03w\xffW\x03Org\0", fold(b"\x03w\xffW\x03Org\0"), 0xFF41, 0x4142, id=0xFFFE)
    wire = encoded(Answer(Rcode.REFUSED), asked)
    assert wire == b"\xff\xfe\x80\x05\0\1\0\0\0\0\0\0\x03w\xffW\x03Org\0\xffAAB"


def test_the_asked_name_is_echoed_as_an_owner_and_others_keep_their_case__rfc4343_4_1() -> None:
    soa = wire_from_text("NS1.example.ORG.") + wire_from_text("hostmaster.Example.org.") + bytes(20)
    answer = Answer(
        answer=(ADDRESS,),
        authority=(rrset("example.org.", Type.SOA, soa), rrset("EXAMPLE.org.", Type.NS, soa[:17])),
    )
    wire = encoded(answer, query("wWw.eXAMPLE.org."))
    got = dns.message.from_wire(wire)
    assert got.answer[0].name.to_text() == "wWw.eXAMPLE.org."
    owners = [found.name.to_text() for found in got.authority]
    assert owners == ["example.org.", "EXAMPLE.org."]
    assert got.authority[0].to_text().split()[4:6] == ["NS1.example.ORG.", "hostmaster.Example.org."]
    assert wire.count(b"org") == 2  # the question's, and the others'


def test_an_answer_is_the_same_for_each_spelling_of_its_question() -> None:
    server = rrset("Example.org.", Type.NS, wire_from_text("NS.www.Example.org."))
    answer = Answer(answer=(ADDRESS,), authority=(server,))
    one, other = encoded(answer, query("www.Example.org.")), encoded(answer, query("WWW.eXAMPLE.ORG."))
    assert one[:12] + one[29:] == other[:12] + other[29:]


@pytest.mark.parametrize(
    ("rdtype", "text", "compressed"),
    [
        ("NS", "a.name.test.", 1),
        ("CNAME", "a.name.test.", 1),
        ("PTR", "a.name.test.", 1),
        ("MX", "10 a.name.test.", 1),
        ("SOA", "a.name.test. b.name.test. 1 2 3 4 5", 2),
        ("DNAME", "a.name.test.", 0),
        ("SRV", "1 2 3 a.name.test.", 0),
        ("NAPTR", '1 2 "s" "x" "" a.name.test.', 0),
        ("RP", "a.name.test. b.name.test.", 0),
        ("AFSDB", "1 a.name.test.", 0),
        ("RT", "1 a.name.test.", 0),
        ("KX", "1 a.name.test.", 0),
        ("SVCB", "1 a.name.test. port=53", 0),
        ("NSEC", "a.name.test. A", 0),
    ],
)
def test_only_names_in_the_types_of_rfc1035_are_compressed__rfc3597_4(
    rdtype: str, text: str, compressed: int
) -> None:
    source = dns.rrset.from_text("name.test.", 60, "IN", rdtype, text)
    rdata = source[0].to_wire() or b""
    kind = int(source.rdtype)
    answer = Answer(answer=(rrset("name.test.", Type.A, bytes(4)), rrset("name.test.", kind, rdata)))
    wire = encoded(answer, query("elsewhere.test."))
    plain = 12 + 20 + 11 + 14 + 2 + 10 + len(rdata)
    assert len(wire) == plain - compressed * 9
    assert dns.message.from_wire(wire).answer[1] == source


def test_pointers_stay_below_16_kib__rfc1035_4_1_4() -> None:
    hosts = [wire_from_text(f"host{number:04}.net{number % 7}.example.net.") for number in range(1500)]
    answer = Answer(
        answer=(rrset("www.example.org.", Type.NS, *hosts),),
        additional=tuple(RRset(host, Type.A, 60, (bytes(4),)) for host in hosts),
    )
    wire = encoded(answer, query(transport=TCP))
    assert 0x4000 * 2 < len(wire) <= 65535
    got = dns.message.from_wire(wire)
    assert {record.target.to_wire() for record in got.answer[0]} == set(hosts)
    assert [found.name.to_wire() for found in got.additional] == hosts[: len(got.additional)]


def test_the_root_as_the_question() -> None:
    answer = Answer(answer=(RRset(ROOT, Type.NS, 60, (wire_from_text("a.test."),)),))
    assert read(answer, query(".", Type.NS)).answer[0].to_text() == ". 60 IN NS a.test."


def test_records_of_a_chaos_question_are_of_its_class__rfc4892() -> None:
    answer = Answer(answer=(rrset("version.bind.", Type.TXT, b"\x01x", ttl_s=0),))
    got = read(answer, query("version.bind.", Type.TXT, qclass=Class.CH))
    assert got.answer[0].to_text() == 'version.bind. 0 CH TXT "x"'


# EDNS


def test_an_opt_record_comes_back_only_where_one_came__rfc6891_6_1_1() -> None:
    assert read(Answer(), query()).edns == -1
    got = read(Answer(), query(edns=Edns(0, 4096, True)), payload_octets=1400)
    assert (got.edns, got.payload, got.ednsflags) == (0, 1400, dns.flags.DO)
    assert read(Answer(), query(edns=Edns())).ednsflags == 0


def test_badvers_says_our_version__rfc6891_6_1_3() -> None:
    got = read(Answer(Rcode.BADVERS), query(edns=Edns(version=9)))
    assert (got.rcode(), got.edns) == (dns.rcode.BADVERS, 0)


def test_an_extended_rcode_needs_edns__rfc6891_6_1_3() -> None:
    assert read(Answer(Rcode.BADCOOKIE), query(edns=Edns())).rcode() == dns.rcode.BADCOOKIE
    assert read(Answer(Rcode.BADCOOKIE), query()).rcode() == dns.rcode.SERVFAIL


def test_extended_errors_and_nsid__rfc8914_3__rfc5001_2_3() -> None:
    answer = Answer(Rcode.SERVFAIL, edes=((22, "no upstream answered"), (14, "")))
    got = read(answer, query(edns=Edns(options=((NSID, b""),))), server_id="ns1")
    assert got.options == (
        dns.edns.NSIDOption(b"ns1"),
        dns.edns.EDEOption(22, "no upstream answered"),
        dns.edns.EDEOption(14, None),
    )
    assert read(answer, query(), server_id="ns1").edns == -1


# What fits


def test_without_edns_512_octets_fit__rfc1035_4_2_1() -> None:
    got = read(Answer(aa=True, answer=(BIG,)), query())
    assert got.flags & dns.flags.TC
    assert not got.answer
    assert not read(Answer(aa=True, answer=(BIG,)), query(transport=TCP)).flags & dns.flags.TC


@pytest.mark.parametrize(
    ("client", "ours", "limit"), [(512, 1232, 512), (900, 1232, 900), (4096, 1232, 1232), (4096, 512, 512)]
)
def test_the_smaller_of_both_sizes_is_kept_to__rfc6891_6_2_5(client: int, ours: int, limit: int) -> None:
    room = limit - len(encoded(Answer(), query(edns=Edns()))) - 12
    exact, over = (rrset("www.example.org.", 65280, bytes(octets)) for octets in (room, room + 1))
    asked = query(edns=Edns(0, client))
    wire = encoded(Answer(answer=(exact,)), asked, payload_octets=ours)
    assert len(wire) == limit
    assert not wire[2] & 0x02
    wire = encoded(Answer(answer=(over,)), asked, payload_octets=ours)
    assert wire[2] & 0x02
    assert dns.message.from_wire(wire, raise_on_truncation=False).edns == 0


def test_whole_rrsets_are_left_out_from_the_first_that_does_not_fit__rfc2181_9() -> None:
    cname = rrset("www.example.org.", Type.CNAME, wire_from_text("big.example.org."))
    answer = Answer(
        answer=(cname, BIG.at(wire_from_text("big.example.org."))),
        authority=(rrset("example.org.", Type.NS, wire_from_text("ns.example.org.")),),
        additional=(rrset("ns.example.org.", Type.A, bytes(4)),),
    )
    got = read(answer, query())
    assert got.flags & dns.flags.TC
    assert [found.rdtype for found in got.answer] == [dns.rdatatype.CNAME]
    assert (got.authority, got.additional) == ([], [])


def test_glue_that_does_not_fit_truncates_and_additional_records_do_not__rfc9471_3() -> None:
    referral = rrset("example.org.", Type.NS, wire_from_text("ns.example.org."))
    glue = BIG.at(wire_from_text("ns.example.org."))
    small = rrset("mx.example.org.", Type.A, bytes(4))
    got = read(Answer(authority=(referral,), glue=(glue,)), query())
    assert got.flags & dns.flags.TC
    assert got.authority
    assert not got.additional
    got = read(Answer(authority=(referral,), additional=(glue, small)), query())
    assert not got.flags & dns.flags.TC
    assert [found.name.to_text() for found in got.additional] == ["mx.example.org."]


def test_names_of_records_that_were_left_out_are_not_pointed_to() -> None:
    answer = Answer(additional=(BIG.at(wire_from_text("a.b.test.")), rrset("b.test.", Type.A, bytes(4))))
    assert read(answer, query()).additional[0].name.to_text() == "b.test."


def test_beyond_65535_octets_tcp_truncates_too() -> None:
    many = [rrset("www.example.org.", 65280 + number, bytes(60_000)) for number in range(2)]
    got = read(Answer(answer=tuple(many)), query(transport=TCP))
    assert got.flags & dns.flags.TC
    assert len(got.answer) == 1


def test_texts_of_extended_errors_make_way_for_records__rfc8914_3() -> None:
    room = 512 - len(encoded(Answer(), query(edns=Edns()))) - 12 - 6
    answer = Answer(answer=(rrset("www.example.org.", 65280, bytes(room)),), edes=((14, "x" * 40),))
    got = read(answer, query(edns=Edns()))
    assert got.options == (dns.edns.EDEOption(14, None),)
    assert got.answer
    assert not got.flags & dns.flags.TC


def test_extended_errors_make_way_for_records_with_tc__rfc8914_3() -> None:
    room = 512 - len(encoded(Answer(), query(edns=Edns()))) - 12
    answer = Answer(answer=(rrset("www.example.org.", 65280, bytes(room)),), edes=((14, ""),))
    got = read(answer, query(edns=Edns()))
    assert got.options == ()
    assert got.answer
    assert got.flags & dns.flags.TC


def test_the_opt_record_always_fits() -> None:
    name = ("x" * 63 + ".") * 3 + "x" * 61 + "."
    asked = query(name, edns=Edns(options=((NSID, b""),)))
    got = read(Answer(edes=((14, "x" * 300),)), asked, server_id="s" * 255)
    assert got.edns == 0
    assert len(got.to_wire()) <= 512


def test_an_answer_may_be_truncated_on_purpose_and_carries_its_cookie_whatever_else_fits() -> None:
    full = Answer(answer=(rrset("www.example.org.", 65280, bytes(20)),), truncated=True)
    got = read(full, query(edns=Edns()))
    assert got.flags & dns.flags.TC
    assert not got.answer
    large = Answer(edes=((14, "x" * 480),))
    wire = encode(large, query(edns=Edns()), ra=False, payload_octets=1232, cookie=bytes(24))
    assert [int(option.otype) for option in dns.message.from_wire(wire).options] == [10, 15]


# Properties

labels = st.binary(min_size=1, max_size=9)
wire_names = st.lists(labels, max_size=5).map(
    lambda found: b"".join(bytes([len(label)]) + label for label in found) + ROOT
)
rdatas = st.tuples(st.sampled_from([Type.NS, Type.CNAME, Type.PTR]), wire_names) | st.tuples(
    st.just(65280), st.binary(max_size=300)
)
rrsets = st.builds(
    lambda owner, rdata, ttl_s: RRset(owner, rdata[0], ttl_s, (rdata[1],)),
    wire_names,
    rdatas,
    st.integers(0, 2**31 - 1),
)
sections = st.lists(rrsets, max_size=6, unique_by=lambda found: (found.name, found.rdtype)).map(tuple)
answers = st.builds(
    Answer,
    rcode=st.sampled_from([0, 2, 3, 5]),
    aa=st.booleans(),
    answer=sections,
    authority=sections,
    glue=sections,
    additional=sections,
    edes=st.lists(st.tuples(st.integers(0, 30), st.text(max_size=60)), max_size=2).map(tuple),
)
queries = st.builds(
    lambda name, payload, transport: Query(
        name, fold(name), 1, id=9, edns=None if payload is None else Edns(0, payload), transport=transport
    ),
    wire_names,
    st.none() | st.integers(512, 2000),
    st.sampled_from([UDP, TCP]),
)


@settings(deadline=None)
@given(answers, queries)
def test_whatever_is_encoded_parses_fits_and_echoes_the_question(answer: Answer, asked: Query) -> None:
    wire = encode(answer, asked, ra=False, payload_octets=1232)
    got = dns.message.from_wire(wire, raise_on_truncation=False, one_rr_per_rrset=True)
    offered = asked.edns.payload_octets if asked.edns else 512
    assert len(wire) <= (65535 if asked.transport is TCP else min(1232, offered))
    assert wire[12 : 16 + len(asked.question)] == asked.question + b"\0\1\0\1"
    assert (got.edns == 0) == (asked.edns is not None)
    if not got.flags & dns.flags.TC:
        wanted = (*answer.answer, *answer.authority)
        assert [(found.owner.lower(), found.rdtype, found.ttl_s) for found in wanted] == [
            ((found.name.to_wire() or b"").lower(), int(found.rdtype), found.ttl)
            for found in (*got.answer, *got.authority)
        ]


@settings(deadline=None)
@given(answers, queries)
def test_letter_case_changes_the_question_and_nothing_else(answer: Answer, asked: Query) -> None:
    other = Query(
        asked.question.swapcase(),
        asked.name,
        1,
        id=9,
        edns=asked.edns,
        transport=asked.transport,
    )
    one, two = (encode(answer, found, ra=False, payload_octets=1232) for found in (asked, other))
    end = 12 + len(asked.question)
    assert one[:12] + one[end:] == two[:12] + two[end:]

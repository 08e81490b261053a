"""dnslib is the judge: what it packs field by field is what stands in a message joined from octets."""

from __future__ import annotations

import dns.message
import pytest
from dnslib import DNSHeader
from dnslib.label import DNSBuffer
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.names import ROOT, fold, name_end, wire_from_text
from splitdns.records import Class, RRset, Type
from splitdns.wire.body import Body

ASKED = wire_from_text("www.Example.org.")
NAMES_IN_RDATA = {Type.NS: (0, 1), Type.CNAME: (0, 1), Type.SOA: (0, 2), Type.PTR: (0, 1), Type.MX: (2, 1)}


class Judge(DNSBuffer):  # type: ignore[misc]  # dnslib has no types
    """The same message, packed by dnslib."""

    def __init__(self, question: bytes, room_octets: int) -> None:
        super().__init__()
        self.asked, self.room_octets, self.counts = fold(question), room_octets, [0, 0, 0]
        self.places: dict[bytes, int] = {}
        self.append(bytes(12) + question)
        self.pack("!HH", Type.A, Class.IN)

    def add(self, section: int, rrset: RRset) -> bool:
        start, places = self.offset, dict(self.places)
        for rdata in rrset.rdatas:
            if fold(rrset.owner) == self.asked != ROOT:
                self.pack("!H", 0xC00C)
            else:
                self.name(rrset.owner)
            self.pack("!HHIH", rrset.rdtype, Class.IN, rrset.ttl_s, 0)
            rdata_at = self.offset
            at, names = NAMES_IN_RDATA.get(rrset.rdtype, (0, 0))  # type: ignore[call-overload]
            self.append(rdata[:at])
            for _ in range(names):
                end = name_end(rdata, at)
                self.name(rdata[at:end])
                at = end
            self.append(rdata[at:])
            self.update(rdata_at - 2, "!H", self.offset - rdata_at)
        if self.offset > self.room_octets and rrset.rdatas:
            del self.data[start:]
            self.offset, self.places = start, places
            return False
        self.counts[section] += len(rrset.rdatas)
        return True

    def name(self, name: bytes) -> None:
        at, offset = 0, self.offset
        while name[at]:
            if (place := self.places.get(name[at:])) is not None:
                self.append(name[:at] + (0xC000 | place).to_bytes(2, "big"))
                return
            if offset + at < 0x4000:
                self.places[name[at:]] = offset + at
            at += 1 + name[at]
        self.append(name)

    def message(self, message_id: int, flags: int, opt: bytes = b"") -> bytes:
        answers, authorities, additionals = self.counts
        header = DNSBuffer()
        DNSHeader(message_id, flags, 1, answers, authorities, additionals + bool(opt)).pack(header)
        self.data[:12] = header.data
        return bytes(self.data + opt)


def body(question: bytes = ASKED, room_octets: int = 512) -> Body:
    return Body(question, fold(question), Type.A, Class.IN, Class.IN, room_octets)


def test_records_stand_one_after_the_other__rfc1035_4_1() -> None:
    made = body()
    assert made.add(0, RRset(wire_from_text("WWW.example.org."), Type.A, 60, (b"\xc0\0\2\1", b"\xc0\0\2\2")))
    wire = made.message(7, 0x8180)
    assert wire == (
        bytes.fromhex("0007 8180 0001 0002 0000 0000")
        + ASKED
        + bytes.fromhex("0001 0001")
        + bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000201")
        + bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000202")
    )


def test_what_does_not_fit_leaves_no_trace() -> None:
    start = len(body().message(0, 0))
    mail = tuple(bytes([0, at]) + wire_from_text(f"mx{at}.mail.test.") for at in range(3))
    rrset = RRset(wire_from_text("mail.test."), Type.MX, 60, mail)
    whole = body()
    assert whole.add(0, rrset)
    room_octets = len(whole.message(0, 0))
    for octets, fits in ((room_octets, True), (room_octets - 1, False), (start, False)):
        made = body(room_octets=octets)
        assert made.add(0, rrset) is fits
        assert (len(made.message(0, 0)) == start) is not fits
    made = body(room_octets=room_octets - 1)
    made.add(0, rrset)
    small = RRset(wire_from_text("mail.test."), Type.A, 60, (bytes(4),))
    made.add(0, small)
    assert dns.message.from_wire(made.message(0, 0x8000)).answer[0].to_text() == "mail.test. 60 IN A 0.0.0.0"


def test_a_question_that_does_not_fit_is_told() -> None:
    octets = len(body().message(0, 0))
    assert not body(room_octets=octets).truncated
    assert body(room_octets=octets - 1).truncated


labels = st.sampled_from([b"a", b"A", b"b", b"www", b"Www", b"Example", b"example", b"org"])
names = st.lists(labels, max_size=4).map(
    lambda found: b"".join(bytes([len(label)]) + label for label in found) + ROOT
)
records = st.one_of(
    st.tuples(st.sampled_from([Type.NS, Type.CNAME, Type.PTR, Type.DNAME]), st.lists(names, max_size=4)),
    st.tuples(st.just(Type.MX), st.lists(names.map(lambda name: b"\0\5" + name), max_size=4)),
    st.tuples(st.just(Type.SOA), st.lists(st.builds(lambda m, r: m + r + bytes(20), names, names))),
    st.tuples(st.sampled_from([Type.A, Type.TXT, 65280]), st.lists(st.binary(max_size=90), max_size=4)),
)
rrsets = st.builds(
    lambda owner, record, ttl_s: RRset(owner, record[0], ttl_s, tuple(record[1])),
    names | st.just(ASKED) | st.just(fold(ASKED)),
    records,
    st.integers(0, 2**31 - 1),
)


@settings(deadline=None, max_examples=400)
@given(
    names | st.just(ASKED),
    st.integers(20, 600) | st.just(65_535),
    st.lists(st.tuples(st.integers(0, 2), rrsets), max_size=9),
    st.sampled_from([b"", b"\0\0\x29" + bytes(8)]),
)
def test_octets_are_those_that_dnslib_packs(
    question: bytes, room_octets: int, sections: list[tuple[int, RRset]], opt: bytes
) -> None:
    made, judge = body(question, room_octets), Judge(question, room_octets)
    for section, rrset in sections:
        assert made.add(section, rrset) == judge.add(section, rrset)
    assert made.message(0xFFFE, 0x8583, opt) == judge.message(0xFFFE, 0x8583, opt)


@pytest.mark.parametrize("place", range(0x3FFB, 0x4002))
def test_pointers_have_14_bits__rfc1035_4_1_4(place: int) -> None:
    made, judge = body(room_octets=65_535), Judge(ASKED, 65_535)
    owner = wire_from_text("a.bc.test.")
    filling = bytes(place - len(made.message(0, 0)) - 12)
    for one in (made, judge):
        one.add(0, RRset(ASKED, Type.NULL, 60, (filling,)))
        one.add(0, RRset(owner, Type.A, 60, (bytes(4), bytes(4))))
        one.add(0, RRset(owner[2:], Type.A, 60, (bytes(4),)))
    assert made.message(0, 0) == judge.message(0, 0)
    assert len(dns.message.from_wire(made.message(0, 0x8000)).answer) == 3

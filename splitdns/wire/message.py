"""A DNS message: bytes to ``Query``, ``Answer`` to bytes. The one door to dnslib.

A plain query (one question, and at most an OPT record beside it) is read by hand, which costs a fraction of
what objects for header and records cost. Every other one is read through dnslib. What that is too trusting
about is closed in ``_Buffer``: its pointers wrap beyond 16 KiB, its names may be of any length and only of
UTF-8 octets, and following pointers recurses. Here no pointer is ever followed: a question's name has nothing
to point to, and of the records in a query only the OPT matters, which has no name.

Records are written by ``wire/body``; what is decided here is which of them fit.
"""

from __future__ import annotations

import struct
from enum import StrEnum
from typing import NamedTuple

from dnslib import DNSError, DNSHeader
from dnslib.buffer import BufferError as ShortBuffer
from dnslib.label import DNSBuffer

from splitdns.errors import WireError
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, Qname, fold
from splitdns.records import Class, Rcode, RRset, Type
from splitdns.value import value
from splitdns.wire.body import Body
from splitdns.wire.edns import MIN_PAYLOAD_OCTETS, OPT_OCTETS, Edns, opt_record, parse_options, reply_options
from splitdns.wire.framing import MAX_MESSAGE_OCTETS
from splitdns.wire.header import AD, CD, HEADER_OCTETS, OPCODE, QR, RD

_QR, _AA, _TC, _RD, _RA, _AD, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_DO = 0x8000  # of the OPT record's TTL (RFC 3225 3)
_MAX_PLAIN_RCODE = 15  # what the header alone can say
_ANSWER, _AUTHORITY, _ADDITIONAL = range(3)

_POINTER = 0xC000
_MIN_RECORD_OCTETS = 11  # root, type, class, TTL, no rdata

_COUNTS_PLAIN = bytes.fromhex("0001000000000000")  # one question
_COUNTS_WITH_OPT = bytes.fromhex("0001000000000001")  # and one additional record
_QUESTION = struct.Struct("!HH")  # type, class
_OPT = struct.Struct("!BHHBBHH")  # root, type, payload, upper bits of the rcode, version, flags, length


class Transport(StrEnum):
    """How a query came."""

    UDP = "udp"
    TCP = "tcp"


@value(frozen=True, slots=True)
class Query:
    """One question with what its header and OPT record say (RFC 1035 4.1, RFC 6891).

    ``question`` is the name as it was sent, its case kept; ``name`` is the same, folded.
    """

    question: bytes
    name: Qname
    qtype: int
    qclass: int = Class.IN
    id: int = 0
    rd: bool = False
    cd: bool = False
    ad: bool = False
    edns: Edns | None = None
    transport: Transport = Transport.UDP


class Answer(NamedTuple):
    """What goes back, before it is encoded.

    ``glue`` must fit or the message is truncated (RFC 9471); ``additional`` is left out where it does not.
    ``edes`` are extended errors as (code, text). ``remember`` is false for what must not be kept by question:
    it came from an upstream, and ages. ``stripped`` counts the records that the leak guard took out
    or shortened, and ``leaks`` those among them that held an inside address; ``rebound`` counts those that
    rebinding protection took out. ``blocked`` says that a list gave the answer, ``drop`` that there is none,
    and ``truncated`` that the real one is to be had over TCP.
    """

    rcode: int = Rcode.NOERROR
    aa: bool = False
    ad: bool = False
    answer: tuple[RRset, ...] = ()
    authority: tuple[RRset, ...] = ()
    glue: tuple[RRset, ...] = ()
    additional: tuple[RRset, ...] = ()
    edes: tuple[tuple[int, str], ...] = ()
    remember: bool = True
    stripped: int = 0
    leaks: int = 0
    rebound: int = 0
    blocked: bool = False
    drop: bool = False
    truncated: bool = False


def decode(wire: bytes, transport: Transport) -> Query:
    """The one question of ``wire``.

    Records beside the OPT are read over, as Knot does (an IXFR query holds a SOA). What follows the counted
    records is a mistake, as for Knot and BIND; a name is one of wire octets, not of text.

    Raises:
        WireError: not a query with exactly one question (RFC 9619) and at most one OPT (RFC 6891 6.1.1), cut
            short, or more than the counts say. The answer is FORMERR.
    """
    return _plain(wire, transport) or _unusual(wire, transport)


def _plain(wire: bytes, transport: Transport) -> Query | None:
    """A query that holds its question and at most an OPT record beside it; None: ``_unusual`` has a look."""
    counts = wire[4:HEADER_OCTETS]
    if (counts != _COUNTS_PLAIN and counts != _COUNTS_WITH_OPT) or wire[2] & (QR | OPCODE):
        return None
    try:
        at = HEADER_OCTETS
        while length := wire[at]:
            if length > MAX_LABEL_OCTETS:
                return None
            at += 1 + length
        at += 1
        question = wire[HEADER_OCTETS:at]
        if len(question) > MAX_NAME_OCTETS:
            return None
        qtype, qclass = _QUESTION.unpack_from(wire, at)
        at += _QUESTION.size
        edns = None
        if counts == _COUNTS_WITH_OPT:
            root, rdtype, offered, _, version, flags, octets = _OPT.unpack_from(wire, at)
            at += OPT_OCTETS
            if root or rdtype != Type.OPT or version:
                return None
            options = parse_options(wire[at : at + octets]) if octets else ()
            at += octets
            edns = Edns(0, max(offered, MIN_PAYLOAD_OCTETS), flags >= _DO, options)
    except (IndexError, struct.error):
        return None
    if at != len(wire):
        return None
    third, fourth = wire[2], wire[3]
    return Query(
        question,
        fold(question),
        qtype,
        qclass,
        wire[0] << 8 | wire[1],
        bool(third & RD),
        bool(fourth & CD),
        bool(fourth & AD),
        edns,
        transport,
    )


def _unusual(wire: bytes, transport: Transport) -> Query:
    buffer = _Buffer(wire)
    try:
        header = DNSHeader.parse(buffer)
        if header.qr or header.opcode or header.q != 1:
            raise WireError("expected a query with one question")
        question = buffer.plain_name()
        qtype, qclass = buffer.unpack("!HH")
        edns = _read_records(buffer, header.a + header.auth, header.ar)
    except (DNSError, ShortBuffer) as error:
        raise WireError(str(error)) from None
    if buffer.remaining():
        raise WireError(f"{buffer.remaining()} octets after the message's end")
    return Query(
        question,
        fold(question),
        qtype,
        qclass,
        header.id,
        bool(header.rd),
        bool(header.cd),
        bool(header.ad),
        edns,
        transport,
    )


def _read_records(buffer: _Buffer, before: int, additional: int) -> Edns | None:
    """The OPT record among the ``additional`` ones, after ``before`` others."""
    if (before + additional) * _MIN_RECORD_OCTETS > buffer.remaining():
        raise WireError("fewer records than the header counts")
    found: Edns | None = None
    for position in range(before + additional):
        is_root = buffer.skip_name()
        rdtype, payload_octets, ttl, octets = buffer.unpack("!HHIH")
        rdata = buffer.get(octets)
        if rdtype != Type.OPT:
            continue
        if position < before or not is_root or found is not None:
            raise WireError("an OPT record out of its place, or a second one")
        version = ttl >> 16 & 0xFF
        # What an option looks like is version 0's affair (RFC 6891 6.1.3).
        options = parse_options(rdata) if version == 0 else ()
        found = Edns(version, max(payload_octets, MIN_PAYLOAD_OCTETS), bool(ttl & _DO), options)
    return found


def encode(
    answer: Answer,
    query: Query,
    *,
    ra: bool,
    payload_octets: int,
    server_id: str | None = None,
    cookie: bytes | None = None,
) -> bytes:
    """The message that answers ``query``.

    ``ra`` says whether the client may recurse; ``payload_octets`` is the EDNS size that we offer and, over
    UDP, keep to; ``server_id`` is told to who asks for it (NSID), and ``cookie`` (RFC 7873) always.
    What does not fit is left out by whole
    RRsets with TC set (RFC 2181 9); the OPT record always fits.
    """
    limit = MAX_MESSAGE_OCTETS
    if query.transport is Transport.UDP:
        limit = min(query.edns.payload_octets, payload_octets) if query.edns else MIN_PAYLOAD_OCTETS
    if query.edns is None:
        rcode = answer.rcode if answer.rcode <= _MAX_PLAIN_RCODE else Rcode.SERVFAIL
        body = _fit(answer, query, limit)
        return body.message(query.id, _flags(answer, query, rcode, ra, body.truncated))

    every = options = reply_options(query.edns, answer.edes, server_id, cookie=cookie)
    opt = opt_record(options, answer.rcode, payload_octets, query.edns.do)
    body = _fit(answer, query, limit - len(opt))
    if body.truncated and every:
        # Extended errors make way for records: first their texts, then they themselves, with TC (RFC 8914 3).
        codes = reply_options(query.edns, answer.edes, server_id, cookie=cookie, texts=False)
        for options in (codes, reply_options(query.edns, (), None, cookie=cookie)):
            opt = opt_record(options, answer.rcode, payload_octets, query.edns.do)
            body = _fit(answer, query, limit - len(opt))
            if not body.truncated:
                break
    tc = body.truncated or len(options) < len(every)
    return body.message(query.id, _flags(answer, query, answer.rcode & 0xF, ra, tc), opt)


def _flags(answer: Answer, query: Query, rcode: int, ra: bool, tc: bool) -> int:
    """The header's second word (RFC 1035 4.1.1, RFC 4035 3.2)."""
    return (
        _QR
        | answer.aa * _AA
        | tc * _TC
        | query.rd * _RD
        | ra * _RA
        | answer.ad * _AD
        | query.cd * _CD
        | rcode
    )


def _fit(answer: Answer, query: Query, room_octets: int) -> Body:
    """As many whole RRsets as there is room for, in the order in which they matter."""
    rdclass = Class.CH if query.qclass == Class.CH else Class.IN
    body = Body(query.question, query.name, query.qtype, query.qclass, rdclass, room_octets)
    body.truncated = body.truncated or answer.truncated
    sections = ((_ANSWER, answer.answer), (_AUTHORITY, answer.authority), (_ADDITIONAL, answer.glue))
    for section, rrsets in sections:
        for rrset in rrsets:
            if body.truncated:
                return body
            body.truncated = not body.add(section, rrset)
    for rrset in answer.additional:
        body.add(_ADDITIONAL, rrset)
    return body


class _Buffer(DNSBuffer):  # type: ignore[misc]  # dnslib has no types
    """dnslib's buffer with names as wire octets, bounded, and without a pointer followed."""

    def plain_name(self) -> bytes:
        """The name that starts here, without a pointer.

        Raises:
            WireError: it is compressed, too long, or cut short.
        """
        at = start = self.offset
        data = self.data
        while at < len(data) and (length := data[at]):
            if length > MAX_LABEL_OCTETS:
                raise WireError("a pointer, or a label of unknown type, in the question")
            at += 1 + length
        if at + 1 - start > MAX_NAME_OCTETS:
            raise WireError(f"a name of more than {MAX_NAME_OCTETS} octets")
        octets: bytes = self.get(at + 1 - start)
        return octets

    def skip_name(self) -> bool:
        """Pass over a name, compressed or not; whether it was the root.

        Raises:
            WireError: it has a label of unknown type (RFC 6891 5), or is cut short.
        """
        start = self.offset
        while length := self.get(1)[0]:
            if length >= _POINTER >> 8:
                self.get(1)
                return False
            if length > MAX_LABEL_OCTETS:
                raise WireError("a label of unknown type")
            self.get(length)
        return bool(self.offset == start + 1)

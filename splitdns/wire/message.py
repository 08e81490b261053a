"""A DNS message: bytes to ``Query``, ``Answer`` to bytes. The one door to dnslib.

dnslib packs and unpacks; what it is too trusting about is closed in ``_Buffer``: its pointers wrap beyond
16 KiB, its names may be of any length and only of UTF-8 octets, and following pointers recurses. Here no
pointer is ever followed: a question's name has nothing to point to, and of the records in a query only the
OPT matters, which has no name.

Compression keeps every name's letter case. So the question is pointed to only by owners that are the asked
name itself, and the other names are compressed among themselves, case by case. Hence an encoded answer is
the same for each spelling of its question, but in the question: ``wire/scan`` relies on that.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from dnslib import DNSError, DNSHeader
from dnslib.buffer import BufferError as ShortBuffer
from dnslib.label import DNSBuffer

from splitdns.errors import WireError
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, Qname, fold, name_end
from splitdns.records import Class, Rcode, RRset, Type
from splitdns.wire.edns import MIN_PAYLOAD_OCTETS, Edns, opt_record, parse_options, reply_options
from splitdns.wire.framing import MAX_MESSAGE_OCTETS
from splitdns.wire.header import HEADER_OCTETS

_QR, _AA, _TC, _RD, _RA, _AD, _CD = 0x8000, 0x0400, 0x0200, 0x0100, 0x0080, 0x0020, 0x0010
_DO = 0x8000  # of the OPT record's TTL (RFC 3225 3)
_MAX_PLAIN_RCODE = 15  # what the header alone can say
_ANSWER, _AUTHORITY, _ADDITIONAL = range(3)

_POINTER = 0xC000
_MAX_POINTED = 0x3FFF  # RFC 1035 4.1.4: 14 bits
_TO_QUESTION = (_POINTER | HEADER_OCTETS).to_bytes(2, "big")
_MIN_RECORD_OCTETS = 11  # root, type, class, TTL, no rdata

# Names that are compressed inside rdata: octets before them, and how many. RFC 3597 4 allows it in the types
# of RFC 1035 only; MB, MG, MR and MINFO are left alone, for not every receiver knows them any more.
_NAMES_IN_RDATA: dict[int, tuple[int, int]] = {
    Type.NS: (0, 1),
    Type.CNAME: (0, 1),
    Type.SOA: (0, 2),
    Type.PTR: (0, 1),
    Type.MX: (2, 1),
}


class Transport(StrEnum):
    """How a query came."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Answer:
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

    # Extended errors make way for records: first their texts, then they themselves, with TC (RFC 8914 3).
    every = reply_options(query.edns, answer.edes, server_id, cookie=cookie)
    codes = reply_options(query.edns, answer.edes, server_id, cookie=cookie, texts=False)
    least = reply_options(query.edns, (), None, cookie=cookie)
    for options in dict.fromkeys((every, codes, least)):
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


def _fit(answer: Answer, query: Query, room_octets: int) -> _Body:
    """As many whole RRsets as there is room for, in the order in which they matter."""
    body = _Body(query, room_octets)
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

    names: dict[bytes, int]

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

    def append_name(self, name: bytes) -> None:
        """Write a wire name, with a pointer to the longest suffix that stands before in the same case."""
        at, names, offset = 0, self.names, self.offset
        while name[at]:
            suffix = name[at:]
            if (pointed := names.get(suffix)) is not None:
                self.append(name[:at] + (_POINTER | pointed).to_bytes(2, "big"))
                return
            if offset + at <= _MAX_POINTED:
                names[suffix] = offset + at
            at += 1 + name[at]
        self.append(name)

    def forget_after(self, offset: int) -> None:
        """Take back all that was written from ``offset`` on."""
        del self.data[offset:]
        self.offset = offset
        while self.names and next(reversed(self.names.values())) >= offset:
            self.names.popitem()


class _Body(_Buffer):
    """A message as it grows: room for the header, the question, then records by section."""

    def __init__(self, query: Query, room_octets: int) -> None:
        super().__init__()
        self.append(bytes(HEADER_OCTETS) + query.question)
        self.pack("!HH", query.qtype, query.qclass)
        self._asked = query.name
        self._class = Class.CH if query.qclass == Class.CH else Class.IN
        self._room_octets = room_octets
        self._counts = [0, 0, 0]
        self.truncated = len(self) > room_octets

    def add(self, section: int, rrset: RRset) -> bool:
        """Write all records of ``rrset``, or nothing and return False."""
        start = self.offset
        for rdata in rrset.rdatas:
            self._append_owner(rrset.owner)
            self.pack("!HHIH", rrset.rdtype, self._class, rrset.ttl_s, 0)
            rdata_at = self.offset
            self._append_rdata(rrset.rdtype, rdata)
            self.update(rdata_at - 2, "!H", self.offset - rdata_at)
            if self.offset > self._room_octets:
                self.forget_after(start)
                return False
        self._counts[section] += len(rrset.rdatas)
        return True

    def _append_owner(self, owner: bytes) -> None:
        if fold(owner) == self._asked != ROOT:
            self.append(_TO_QUESTION)
        else:
            self.append_name(owner)

    def _append_rdata(self, rdtype: int, rdata: bytes) -> None:
        if rdtype not in _NAMES_IN_RDATA:
            self.append(rdata)
            return
        before, names = _NAMES_IN_RDATA[rdtype]
        self.append(rdata[:before])
        at = before
        for _ in range(names):
            end = name_end(rdata, at)
            self.append_name(rdata[at:end])
            at = end
        self.append(rdata[at:])

    def message(self, message_id: int, flags: int, opt: bytes = b"") -> bytes:
        """The whole of it, with ``opt`` as the last record."""
        answers, authorities, additionals = self._counts
        header = DNSBuffer()
        DNSHeader(message_id, flags, 1, answers, authorities, additionals + bool(opt)).pack(header)
        self.data[:HEADER_OCTETS] = header.data
        return bytes(self.data + opt)

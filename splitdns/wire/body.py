"""The records of an answer as it grows, joined from octets.

RRsets hold their rdata as it goes onto the wire, so that all there is to do is to put owners, fixed fields
and rdata one after the other, and to compress names. Compression keeps every name's letter case: the question
is pointed to only by owners that are the asked name itself, and the other names are compressed among
themselves, case by case. Hence an encoded answer is the same for each spelling of its question, but in the
question: ``wire/scan`` relies on that.
"""

from __future__ import annotations

import struct

from splitdns.names import ROOT, Qname, name_end
from splitdns.records import RRset, Type
from splitdns.wire.header import HEADER_OCTETS

_HEADER = struct.Struct("!HHHHHH")
FIXED = struct.Struct("!HHIH")  # of a record, behind its owner: type, class, TTL, octets of rdata
_LENGTH = struct.Struct("!H")

_POINTER = 0xC000
_MAX_POINTED = 0x3FFF  # RFC 1035 4.1.4: 14 bits
_TO_QUESTION = (_POINTER | HEADER_OCTETS).to_bytes(2, "big")

# Names that are compressed inside rdata: octets before them, and how many. RFC 3597 4 allows it in the types
# of RFC 1035 only; MB, MG, MR and MINFO are left alone, for not every receiver knows them any more.
_NAMES_IN_RDATA: dict[int, tuple[int, int]] = {
    Type.NS: (0, 1),
    Type.CNAME: (0, 1),
    Type.SOA: (0, 2),
    Type.PTR: (0, 1),
    Type.MX: (2, 1),
}


class Body:
    """A message of at most ``room_octets``: room for the header, the question, then records by section.

    ``question`` is the asked name as it was sent and ``asked`` the same, folded; records are of ``rdclass``.
    ``truncated`` says that something does not fit, and is the caller's from then on.
    """

    __slots__ = ("_asked", "_counts", "_data", "_names", "_rdclass", "_room_octets", "truncated")

    def __init__(
        self, question: bytes, asked: Qname, qtype: int, qclass: int, rdclass: int, room_octets: int
    ) -> None:
        self._data = bytearray(HEADER_OCTETS)
        self._data += question
        self._data += (qtype << 16 | qclass).to_bytes(4, "big")
        self._asked = asked
        self._rdclass = rdclass
        self._room_octets = room_octets
        self._counts = [0, 0, 0]
        self._names: dict[bytes, int] = {}  # where each stands, in the order of their places
        self.truncated = len(self._data) > room_octets

    def add(self, section: int, rrset: RRset) -> bool:
        """Write all records of ``rrset``, or nothing and return False.

        ``section`` is 0 for answers, 1 for authority and 2 for additional records.
        """
        data, rdtype = self._data, rrset.rdtype
        start = len(data)
        to_question = rrset.owner.lower() == self._asked != ROOT
        compressed = rdtype in _NAMES_IN_RDATA
        for rdata in rrset.rdatas:
            if to_question:
                data += _TO_QUESTION
            else:
                self._add_name(rrset.owner)
            data += FIXED.pack(rdtype, self._rdclass, rrset.ttl_s, len(rdata))
            if compressed:
                self._add_names_of(rdtype, rdata)
            else:
                data += rdata
            if len(data) > self._room_octets:
                self._forget_after(start)
                return False
        self._counts[section] += len(rrset.rdatas)
        return True

    def message(self, message_id: int, flags: int, opt: bytes = b"") -> bytes:
        """The whole of it, with ``opt`` as the last record."""
        answers, authorities, additionals = self._counts
        _HEADER.pack_into(
            self._data, 0, message_id, flags, 1, answers, authorities, additionals + 1 if opt else additionals
        )
        return bytes(self._data + opt)

    def _add_names_of(self, rdtype: int, rdata: bytes) -> None:
        """Write rdata with the names in it compressed, and its length, which has just been written, anew."""
        data = self._data
        start = len(data)
        at, names = _NAMES_IN_RDATA[rdtype]
        data += rdata[:at]
        for _ in range(names):
            end = name_end(rdata, at)
            self._add_name(rdata[at:end])
            at = end
        data += rdata[at:]
        _LENGTH.pack_into(data, start - 2, len(data) - start)

    def _add_name(self, name: bytes) -> None:
        """Write a wire name, with a pointer to the longest suffix that stands before in the same case."""
        at, names, offset = 0, self._names, len(self._data)
        while name[at]:
            suffix = name[at:]
            if (pointed := names.get(suffix)) is not None:
                self._data += name[:at]
                self._data += (_POINTER | pointed).to_bytes(2, "big")
                return
            if offset + at <= _MAX_POINTED:
                names[suffix] = offset + at
            at += 1 + name[at]
        self._data += name

    def _forget_after(self, offset: int) -> None:
        """Take back all that was written from ``offset`` on."""
        del self._data[offset:]
        names = self._names
        while names and next(reversed(names.values())) >= offset:
            names.popitem()

"""What a response says: walked once, decoded on demand.

Nothing that an upstream sends is passed on as it came. A response is walked record by record, and rdata is
decoded only where it is asked for: whatever else stands in the message costs nothing and can break nothing.
The door to dnspython on the way of a query.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import NamedTuple

import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from splitdns.errors import UpstreamError, WireError
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, Qname, ancestors, fold
from splitdns.records import MAX_TTL_S, Class, Rcode, RRset, Type, signer
from splitdns.wire.body import FIXED
from splitdns.wire.edns import COOKIE, EDE, Option, parse_options
from splitdns.wire.header import HEADER_OCTETS

MAX_RECORDS = 500  # in one RRset (BIND: 100); beyond, the response is not used: decoding takes too long
MAX_DENIALS = 16  # NSEC, NSEC3 and SOA taken from an authority section; a denial needs four; beyond: left out
MAX_POINTERS = 126  # in one name; each stands for at least one of its labels where the sender is sane
MAX_EDES = 4  # extended errors taken from one response; beyond: left out
MAX_EDE_CHARACTERS = 100  # of the text of each; beyond: cut

_HEADER = struct.Struct("!HHHHHH")
_AD, _RCODE = 0x0020, 0x000F
_TO_THE_QUESTION = bytes((0xC0, HEADER_OCTETS))  # a compression pointer (RFC 1035 4.1.4)

# Rdata that is nothing but names, and how many: compressed by anyone (RFC 3597 4), met all the time or, of
# the obsolete ones, unknown to dnspython.
_NAMES_ONLY = {
    Type.NS: 1,
    Type.CNAME: 1,
    Type.PTR: 1,
    Type.DNAME: 1,
    Type.MD: 1,
    Type.MF: 1,
    Type.MB: 1,
    Type.MG: 1,
    Type.MR: 1,
    Type.MINFO: 2,
}
_DENIALS = (Type.SOA, Type.NSEC, Type.NSEC3)
_ADDRESS_OCTETS = {Type.A: 4, Type.AAAA: 16}


class _Raw(NamedTuple):
    """A record where it stands in the message."""

    ttl_s: int
    at: int
    octets: int


_Section = dict[tuple[Qname, int], list[_Raw]]


class Response:
    """A message that answers our query, walked once and decoded on demand.

    Raises:
        UpstreamError: the records do not add up to a message; also from each of the methods.
    """

    def __init__(self, wire: bytes, age_s: int = 0, asked: bytes | None = None) -> None:
        """``age_s`` is how long a cache on the way has had it: its TTLs have run for so long.

        ``asked`` is the name in its question, where that is known to be the one that we asked.
        """
        _, flags, questions, answers, authorities, additionals = _HEADER.unpack_from(wire)
        self._wire = wire
        self._age_s = age_s
        self._names: dict[int, bytes] = {}
        self._asked = asked if questions == 1 else None
        self._at = HEADER_OCTETS
        self.header_rcode = flags & _RCODE
        self.is_ad = bool(flags & _AD)  # the upstream has validated it, or says so
        self.rcode = self.header_rcode
        self.edes: tuple[tuple[int, str], ...] = ()
        self.has_edns = False
        self.cookie = b""  # the COOKIE option's data (RFC 7873 4), empty where there is none
        if self._asked is not None:
            self._at += len(self._asked) + 4
        else:
            for _ in range(questions):
                self._at = self._name(self._at)[1] + 4
        self._answer = self._section(answers)
        self._authority = self._section(authorities)
        self._additional(additionals)

    def rrset(self, name: Qname, rdtype: int) -> RRset | None:
        """The records of ``name`` and ``rdtype`` in the answer section, owned by ``name``."""
        raws = self._answer.get((name, rdtype))
        return self._rrset(name, rdtype, raws) if raws else None

    def rrsets(self, name: Qname) -> tuple[RRset, ...]:
        """All that the answer section holds of ``name``."""
        found = [(rdtype, raws) for (owner, rdtype), raws in self._answer.items() if owner == name]
        return tuple(self._rrset(name, rdtype, raws) for rdtype, raws in found)

    def signatures(self, name: Qname, covered: int) -> RRset | None:
        """The answer section's signatures over the records of ``name`` and type ``covered``."""
        return self._signatures(self._answer, name, covered)

    def denial(self, above: Callable[[Qname], bool]) -> tuple[RRset, ...]:
        """The authority section's NSEC and NSEC3 records and all its signatures over these and a SOA.

        Only signed ones, and only those whose signer is a name that ``above`` is true of.
        """
        found: list[RRset] = []
        for owner, rdtype in self._authority:
            if rdtype not in _DENIALS or len(found) >= 2 * MAX_DENIALS:
                continue
            signatures = self._signatures(self._authority, owner, rdtype)
            if signatures is None or not above(fold(signer(signatures.rdatas[0]))):
                continue
            if rdtype != Type.SOA:
                found.append(self._rrset(owner, rdtype, self._authority[owner, rdtype]))
            found.append(signatures)
        return tuple(found)

    def dname_above(self, name: Qname) -> RRset | None:
        """The answer section's DNAME at the closest ancestor proper of ``name`` (RFC 6672 2.3)."""
        for owner in ancestors(name):
            if owner != name and (dname := self.rrset(owner, Type.DNAME)):
                return dname
        return None

    def soa_of(self, name: Qname) -> RRset | None:
        """The authority section's SOA at ``name`` or its closest ancestor that has one (RFC 2308 2)."""
        for owner in ancestors(name):
            if raws := self._authority.get((owner, Type.SOA)):
                return self._rrset(owner, Type.SOA, raws[:1])
        return None

    @property
    def is_referral(self) -> bool:
        """Whether this only names other servers: what one that does not recurse says (RFC 2308 2.2)."""
        if self._answer or self.rcode != Rcode.NOERROR:
            return False
        types = {rdtype for _, rdtype in self._authority}
        return Type.NS in types and Type.SOA not in types

    def _signatures(self, section: _Section, owner: Qname, covered: int) -> RRset | None:
        raws = section.get((owner, Type.RRSIG))
        if raws is None:
            return None
        wanted = covered.to_bytes(2, "big")
        over = [raw for raw in raws if self._wire[raw.at : raw.at + 2] == wanted]
        return self._rrset(owner, Type.RRSIG, over) if over else None

    def _section(self, count: int) -> _Section:
        section: _Section = {}
        if not count:
            return section
        for owner, rdtype, rdclass, raw in self._records(count):
            if rdclass == Class.IN:
                section.setdefault((fold(owner), rdtype), []).append(raw)
        return section

    def _additional(self, count: int) -> None:
        for owner, rdtype, _, raw in self._records(count):
            if rdtype == Type.OPT and owner == ROOT:
                self.has_edns = True
                self.rcode = self.header_rcode | raw.ttl_s >> 24 << 4  # RFC 6891 6.1.3
                self._read_options(self._wire[raw.at : raw.at + raw.octets])

    def _read_options(self, rdata: bytes) -> None:
        try:
            options = parse_options(rdata)
        except WireError:  # they are a help only: the records are as good as before
            return
        self.edes = tuple(_edes(options))
        self.cookie = next((data for code, data in options if code == COOKIE), b"")

    def _records(self, count: int) -> Iterator[tuple[bytes, int, int, _Raw]]:
        asked = self._asked
        for _ in range(count):
            at = self._at
            if asked is not None and self._wire[at : at + 2] == _TO_THE_QUESTION:  # as nearly all say it
                owner, at = asked, at + 2
            else:
                owner, at = self._name(at)
            if at + FIXED.size > len(self._wire):
                raise UpstreamError("a response that ends within a record")
            rdtype, rdclass, ttl_s, octets = FIXED.unpack_from(self._wire, at)
            at += FIXED.size
            self._at = at + octets
            if self._at > len(self._wire):
                raise UpstreamError("a response that ends within a record")
            yield owner, rdtype, rdclass, _Raw(ttl_s, at, octets)

    def _rrset(self, owner: Qname, rdtype: int, raws: list[_Raw]) -> RRset:
        if len(raws) > MAX_RECORDS:
            raise UpstreamError(f"{len(raws)} records of one name and type")
        ttl_s = min([raw.ttl_s if raw.ttl_s <= MAX_TTL_S else 0 for raw in raws])  # RFC 2181 5.2 and 8
        rdatas = dict.fromkeys([self._rdata(rdtype, raw) for raw in raws])  # RFC 2181 5: a set
        return RRset(owner, rdtype, max(0, ttl_s - self._age_s), tuple(rdatas))

    def _rdata(self, rdtype: int, raw: _Raw) -> bytes:
        """The record's rdata, without compression, in the case in which it came."""
        if octets := _ADDRESS_OCTETS.get(rdtype):  # type: ignore[call-overload]
            if raw.octets != octets:
                raise UpstreamError(f"an address of {raw.octets} octets")
            return self._wire[raw.at : raw.at + raw.octets]
        if names := _NAMES_ONLY.get(rdtype):  # type: ignore[call-overload]
            return self._rdata_of_names(raw, names)
        try:
            rdata = dns.rdata.from_wire(
                dns.rdataclass.IN, dns.rdatatype.RdataType.make(rdtype), self._wire, raw.at, raw.octets
            )
            return rdata.to_wire() or b""
        except dns.exception.DNSException as error:
            raise UpstreamError(f"rdata of type {rdtype} that is malformed: {error}") from None

    def _rdata_of_names(self, raw: _Raw, count: int) -> bytes:
        at, names = raw.at, b""
        for _ in range(count):
            name, at = self._name(at)
            names += name
        if at != raw.at + raw.octets:
            raise UpstreamError("a name that does not fill its rdata")
        return names

    def _name(self, at: int) -> tuple[bytes, int]:
        return read_name(self._wire, at, self._names)


def read_name(wire: bytes, at: int, names: dict[int, bytes]) -> tuple[bytes, int]:
    """The name at ``at``, uncompressed, case kept, and where it ends in the message (RFC 1035 4.1.4).

    ``names`` are those that pointers led to before.

    Raises:
        UpstreamError: it is none.
    """
    parts: list[bytes] = []
    pointed: list[tuple[int, int]] = []  # where pointers led, and how many parts came before
    end, lowest = 0, at
    try:
        while length := wire[at]:
            if length <= MAX_LABEL_OCTETS:
                parts.append(wire[at : at + 1 + length])
                at += 1 + length
                continue
            if length < 0xC0:
                raise UpstreamError("a label of an unknown type")
            target = (length & 0x3F) << 8 | wire[at + 1]
            end = end or at + 2
            if target >= lowest or len(pointed) == MAX_POINTERS:  # backwards only, so that it ends
                raise UpstreamError("compression pointers that do not end")
            if (known := names.get(target)) is not None:
                parts.append(known)
                break
            pointed.append((target, len(parts)))
            at = lowest = target
        else:
            parts.append(ROOT)
            end = end or at + 1
    except IndexError:
        raise UpstreamError("a response that ends within a name") from None
    name = b"".join(parts)
    if len(name) > MAX_NAME_OCTETS:
        raise UpstreamError("a name of more than 255 octets")
    for target, before in pointed:
        names[target] = b"".join(parts[before:])
    return name, end


def _edes(options: tuple[Option, ...]) -> Iterator[tuple[int, str]]:
    """The extended errors among an OPT record's options, as (code, text) (RFC 8914 2)."""
    errors = [data for code, data in options if code == EDE and len(data) >= 2]
    for data in errors[:MAX_EDES]:
        text = data[2:].decode(errors="replace").rstrip("\0")
        yield int.from_bytes(data[:2], "big"), text[:MAX_EDE_CHARACTERS]

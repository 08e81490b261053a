"""What nearly every response says, read by hand: addresses of the asked name, or that there is nothing.

Such a response holds records of the question's own name and type, or one SOA, and an OPT record at most.
Its reply needs no walk through sections and no decoded records. Of every other one there is nothing said
here, and ``response`` and ``chain`` read it; what both can read, they read alike.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import NamedTuple

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.errors import UpstreamError, WireError
from splitdns.forward.response import MAX_RECORDS, read_name
from splitdns.names import Qname, fold, is_under
from splitdns.records import MAX_TTL_S, Rcode, RRset, Type
from splitdns.value import filled
from splitdns.wire.body import FIXED
from splitdns.wire.edns import COOKIE, EDE, OPT_OCTETS, parse_options
from splitdns.wire.header import AD, HEADER_OCTETS, OPCODE, QR, TC

_HEADER = struct.Struct("!BBHHHH")  # after the id
_SOA_NUMBERS_OCTETS = 20

# How each record begins (a pointer to the question, type, class IN), its TTL, the length of its rdata, and
# that; by type, what the first has to be, and the third.
_RECORDS = {
    int(rdtype): (struct.Struct(f"!6sIH{octets}s"), bytes((0xC0, HEADER_OCTETS, 0, rdtype, 0, 1)), octets)
    for rdtype, octets in ((Type.A, 4), (Type.AAAA, 16))
}
_OPT = b"\0\0\x29"  # the root, type OPT

# Of what is not signed; whether the upstream says that it has validated it.
UNSIGNED = {0: Proof(), AD: Proof(security=Security.CLAIMED)}


class Plain(NamedTuple):
    """What is said; ``cookie`` is the option's data, empty without one, and None without EDNS."""

    reply: Reply
    cookie: bytes | None


def read(wire: bytes, end: int, name: Qname, qtype: int, do: bool) -> Plain | None:
    """What a response says whose id and question are ours; None: ``Response`` reads it.

    ``end`` is where the question ends, ``name`` and the others what it is.
    """
    third, fourth, questions, answers, authorities, additionals = _HEADER.unpack_from(wire, 2)
    rcode = fourth & 0xF
    if third & (QR | OPCODE | TC) != QR or questions != 1 or additionals > 1:
        return None
    answer: tuple[RRset, ...] = ()
    soa = None
    if answers:
        if rcode or authorities or answers > MAX_RECORDS or qtype not in _RECORDS:
            return None
        record, beginning, octets = _RECORDS[qtype]
        if end + answers * record.size > len(wire):
            return None
        ttl_s = MAX_TTL_S
        rdatas = []
        for _ in range(answers):
            begins, this_s, length, rdata = record.unpack_from(wire, end)
            if begins != beginning or length != octets:
                return None
            if this_s < ttl_s:
                ttl_s = this_s
            elif this_s > MAX_TTL_S:  # RFC 2181 8
                ttl_s = 0
            rdatas.append(rdata)
            end += record.size
        # RFC 2181 5: a set
        answer = (RRset(name, qtype, ttl_s, tuple(rdatas if answers == 1 else dict.fromkeys(rdatas))),)
    else:
        if (rcode and rcode != Rcode.NXDOMAIN) or authorities != 1:
            return None
        try:
            soa, end = _soa(wire, end, name)
        except UpstreamError:
            return None
        if soa is None:
            return None
    cookie = None
    if additionals:
        cookie = _cookie(wire[end:])
        if cookie is None:
            return None
    reply = Reply(rcode, answer, soa, (), UNSIGNED[fourth & AD] if do else None)
    return filled(Plain, (reply, cookie))


def _soa(wire: bytes, end: int, name: Qname) -> tuple[RRset | None, int]:
    """The SOA record of a negative answer, its TTL as RFC 2308 5 has it, and where it ends."""
    wire = wire[:HEADER_OCTETS] + name + wire[HEADER_OCTETS + len(name) :]  # for names that point to it
    names: dict[int, bytes] = {}
    owner, at = read_name(wire, end, names)
    owner = fold(owner)
    start = at + FIXED.size
    if start > len(wire):
        return None, 0
    rdtype, rdclass, ttl_s, octets = FIXED.unpack_from(wire, at)
    if rdtype != Type.SOA or rdclass != 1 or not is_under(name, owner):
        return None, 0
    mname, at = read_name(wire, start, names)
    rname, at = read_name(wire, at, names)
    end = at + _SOA_NUMBERS_OCTETS
    if end != start + octets or end > len(wire):
        return None, 0
    minimum_s = int.from_bytes(wire[end - 4 : end], "big")
    ttl_s = min(ttl_s if ttl_s <= MAX_TTL_S else 0, minimum_s)
    return RRset(owner, Type.SOA, ttl_s, (mname + rname + wire[at:end],)), end


@lru_cache(maxsize=256)  # of one upstream, they are mostly all the same
def _cookie(opt: bytes) -> bytes | None:
    """The cookie in an OPT record; None: it is none, or it says more than can be told here."""
    if opt[:3] != _OPT or len(opt) < OPT_OCTETS or opt[5]:  # upper bits of the rcode (RFC 6891 6.1.3)
        return None
    octets = opt[9] << 8 | opt[10]
    if len(opt) < OPT_OCTETS + octets:
        return None
    try:
        options = parse_options(opt[OPT_OCTETS : OPT_OCTETS + octets])
    except WireError:
        return None
    if any(code == EDE for code, _ in options):
        return None
    return next((data for code, data in options if code == COOKIE), b"")

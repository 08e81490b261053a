"""Plain answers, cut out of a zone's block: nothing is decoded, decided at length, or encoded.

Most questions ask for an address that is there, or for what is not there at all. Their answers are a header,
the question as it was sent, one slice of the block, and an OPT record. What such an answer depends on beside
the octets of its question is looked up when a view is met first: which zones may answer so, and with which
flags. Everything else has no answer here and goes the long way, ``decide`` and ``encode``, whose octets these
are: a test sends a million questions down both.

What the leak guard would look into goes the long way too, but for addresses: outside views have theirs
looked at here, one by one.
"""

from __future__ import annotations

import functools
from typing import Final, Literal, NamedTuple

from splitdns.addresses import is_inside
from splitdns.answer.guard import is_hidden
from splitdns.answer.respond import negative_soa
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, Qname, from_text, is_under, to_text
from splitdns.records import Class, Rcode, Type, target
from splitdns.snapshot import Manners
from splitdns.view import View
from splitdns.wire.edns import MIN_PAYLOAD_OCTETS, OPT_OCTETS, opt_record
from splitdns.wire.framing import MAX_MESSAGE_OCTETS
from splitdns.wire.header import AA, AD, CD, HEADER_OCTETS, QR, RA, RD
from splitdns.wire.message import Answer, Query, Transport, encode
from splitdns.zone import (
    ADDRESSES,
    CASE,
    DIFFERS,
    DIRECT,
    DNAME,
    EXISTS,
    FIRST_SET,
    PLAIN,
    PUBLIC,
    RECORD,
    SET,
    STAR,
    Zone,
)

MAX_OFFERS = 1024  # OPT records that are remembered, by their octets; beyond: forgotten all at once

_ID_OCTETS = 2
_NAME_AT = HEADER_OCTETS - _ID_OCTETS  # all is counted from after the id
_TAIL_OCTETS = 4  # type and class
_MIN_OCTETS = _NAME_AT + 2 + _TAIL_OCTETS  # nothing points to a question for the root
_CNAME = int(Type.CNAME)
_ACME = b"\x0f_acme-challenge"
_ARPA = from_text("arpa.")
_DO = 0x80  # of the first octet of an OPT record's flags

# Types by the octets behind the asked name. Others are rare, or are not answered by the records of the name.
_ELSEWHERE = frozenset({Type.DS, Type.OPT, Type.TKEY, Type.TSIG, Type.IXFR, Type.AXFR, Type.ANY})
_TYPES = {
    rdtype.to_bytes(2, "big") + Class.IN.to_bytes(2, "big"): rdtype
    for rdtype in range(1, 300)
    if rdtype not in _ELSEWHERE
}
_TYPES_WITH_DNS64 = {octets: rdtype for octets, rdtype in _TYPES.items() if rdtype != Type.AAAA}


class _Heads(dict[int, bytes]):
    """The header after its id, by how many records there are in the answer."""

    def __init__(self, flags: bytes, edns: bool) -> None:
        self._before = flags + b"\0\1"
        self._behind = b"\0\0\0\1" if edns else b"\0\0\0\0"

    def __missing__(self, records: int) -> bytes:
        head = self[records] = self._before + records.to_bytes(2, "big") + self._behind
        return head


class _Form(NamedTuple):
    """What the header of a query comes to."""

    edns: bool
    found: _Heads
    no_data: bytes
    no_name: bytes


@functools.cache
def _forms(recursion: bool) -> dict[bytes, _Form]:
    """Forms by the octets of a query's header after its id; a header that is not among them is rare."""
    made = {}
    for third in (0, RD):
        for fourth in (0, CD, AD, CD | AD):
            for edns in (False, True):
                flags = bytes((QR | AA | third, recursion * RA | fourth & CD))
                no_name = bytes((flags[0], flags[1] | Rcode.NXDOMAIN))
                one_soa = b"\0\1\0\0\0\1\0" + bytes((edns,))
                octets = bytes((third, fourth)) + b"\0\1\0\0\0\0\0" + bytes((edns,))
                made[octets] = _Form(edns, _Heads(flags, edns), flags + one_soa, no_name + one_soa)
    return made


class _Offer(NamedTuple):
    """What the OPT record of a query comes to: ours, how much fits into a datagram, and the DO bit."""

    opt: bytes
    limit_octets: int
    do: bool


_LONG_WAY: Final = False
_NO_EDNS = _Offer(b"", MIN_PAYLOAD_OCTETS, False)


class Ground:
    """A zone that answers directly in a view; ``denials`` are authority sections by length of the name."""

    __slots__ = ("apex_octets", "block", "closed", "denials", "find", "label", "zone")

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.label = to_text(zone.apex)
        self.apex_octets = len(zone.apex)
        self.block = zone.block
        self.find = zone.find
        self.closed = not zone.regexps  # what has no node does not exist, but for wildcards
        self.denials: dict[int, bytes | None] = {}


class Told(NamedTuple):
    """An answer without its id, and what it is counted by."""

    rest: bytes
    ground: Ground
    qtype: int
    do: bool


class Direct:
    """Answers directly in one view of a snapshot."""

    __slots__ = ("_forms", "_grounds", "_offers", "_payload_octets", "_types", "_view")

    def __init__(self, view: View, manners: Manners) -> None:
        self._view = view
        self._payload_octets = manners.payload_octets
        self._forms = _forms(view.recursion)
        self._types = _TYPES if view.policy.dns64 is None else _TYPES_WITH_DNS64
        self._offers: dict[bytes, _Offer | None] = {}
        # By apex or domain.
        self._grounds: dict[bytes, Ground | Literal[False]] = {}
        if view.recursion:
            self._grounds.update(dict.fromkeys(view.routes, _LONG_WAY))
        for apex, zone in view.zones.items():
            self._grounds[apex] = Ground(zone) if _is_ground(zone, view) else _LONG_WAY

    def answer(self, asked: bytes, *, tcp: bool = False) -> Told | None:
        """The answer to ``asked``, a message without its id; None: it goes the long way."""
        form = self._forms.get(asked[:_NAME_AT])
        if form is None:
            return None
        end, offer = len(asked), _NO_EDNS
        if form.edns:
            end -= OPT_OCTETS
            opt = asked[end:]
            if (known := self._offers.get(opt) or self._offer(opt)) is None:
                return None
            offer = known
        if end < _MIN_OCTETS:
            return None
        tail = end - _TAIL_OCTETS
        qtype = self._types.get(asked[tail:end])
        if qtype is None:
            return None
        name = asked[_NAME_AT:tail].lower()
        ground = self._ground(name)
        if not ground:
            return None

        node = ground.find(name) or _source(ground, name)
        if node is None:
            return None
        flags = ground.block[node + 1] if node else DIRECT
        if not flags & DIRECT:
            return None
        records: bytes | memoryview | None
        if not flags & EXISTS:
            head, records = form.no_name, self._denial(ground, name, flags & DIFFERS)
        elif (found := _set(ground.block, node, flags, qtype)) is None:
            return None
        elif count := found[0]:
            head, records = form.found[count], self._records(ground.block, found, qtype)
        else:
            head, records = form.no_data, self._denial(ground, name, flags & DIFFERS)
        if records is None:
            return None
        rest = b"".join((head, asked[_NAME_AT:end], records, offer.opt))
        if len(rest) > (MAX_MESSAGE_OCTETS if tcp else offer.limit_octets) - _ID_OCTETS:
            return None
        return Told(rest, ground, qtype, offer.do)

    def _offer(self, opt: bytes) -> _Offer | None:
        """What an OPT record without options, of version 0, comes to."""
        if len(opt) < OPT_OCTETS or opt[:3] != b"\0\0\x29" or opt[5:7] != b"\0\0" or opt[9:] != b"\0\0":
            return None
        if len(self._offers) >= MAX_OFFERS:
            self._offers.clear()
        do = opt[7] >= _DO
        ours, theirs = self._payload_octets, opt[3] << 8 | opt[4]
        limit_octets = min(ours, max(theirs, MIN_PAYLOAD_OCTETS))
        offer = self._offers[opt] = _Offer(opt_record((), Rcode.NOERROR, ours, do), limit_octets, do)
        return offer

    def _ground(self, name: bytes) -> Ground | Literal[False] | None:
        """The longest zone or forward rule above ``name``, as ``View.authority`` finds it."""
        grounds, at = self._grounds, 0
        while (ground := grounds.get(name[at:])) is None:
            if at >= len(name):
                return None
            at += 1 + name[at]
        return ground

    def _records(self, block: bytes | memoryview, found: _Found, qtype: int) -> bytes | memoryview | None:
        """The records of a set as they go onto the wire, unless the guard might take one of them out."""
        count, flags, at, octets = found
        records = block[at : at + octets]
        if flags & PLAIN:
            return records
        if not flags & ADDRESSES:
            return None
        view = self._view
        if view.outside and not flags & PUBLIC:
            hidden, stride = view.hidden_addresses, octets // count
            for start in range(RECORD.size, octets, stride):
                address = bytes(records[start : start + stride - RECORD.size])
                if is_inside(address) or address in hidden:
                    return None
        return records

    def _denial(self, ground: Ground, name: bytes, differs: int) -> bytes | None:
        """The authority section of a negative answer: the SOA, with its names where they then stand."""
        octets = len(name)
        if octets == ground.apex_octets:  # there, it points to the question
            return None
        key = octets | differs << 8
        try:
            return ground.denials[key]
        except KeyError:
            denial = ground.denials[key] = self._denied(ground.zone, Qname(name), bool(differs))
            return denial

    def _denied(self, zone: Zone, name: Qname, differs: bool) -> bytes | None:
        soas = negative_soa(zone, differs)
        if not soas:
            return None
        (soa,) = soas
        server = target(soa.rdtype, soa.rdatas[0])
        if server is None or is_hidden(server, self._view):
            return None
        query = Query(name, name, Type.A, transport=Transport.TCP)
        encoded = encode(Answer(authority=soas), query, ra=False, payload_octets=self._payload_octets)
        return encoded[HEADER_OCTETS + len(name) + _TAIL_OCTETS :]


def _is_ground(zone: Zone, view: View) -> bool:
    """Whether names of this zone may be answered directly in the view."""
    if zone.fault is not None or zone.overlay or zone.waiting:
        return False
    whoami, apex = view.policy.whoami, zone.apex
    if whoami is not None and is_under(apex, whoami):
        return False
    if whoami is not None and is_under(whoami, apex) and whoami not in view.zones:
        return False
    if view.ptrs is None and view.policy.dns64 is None:
        return True
    return not (apex == ROOT or is_under(apex, _ARPA))  # names for addresses may be made by themselves


def _source(ground: Ground, name: bytes) -> int | None:
    """The node of the wildcard for a name without a node; 0: no such name, None: it takes a closer look."""
    if not ground.closed or len(name) > MAX_NAME_OCTETS or name.startswith(_ACME):
        return None
    at = node = 0
    while not node:  # the apex has one
        octets = name[at]
        if not 0 < octets <= MAX_LABEL_OCTETS:
            return None
        at += 1 + octets
        encloser = name[at:]
        node = ground.find(encloser)
    flags = ground.block[node + 1]
    if flags & (EXISTS | DIRECT | DNAME) != EXISTS | DIRECT:
        return None
    return ground.find(b"\1*" + encloser) if flags & STAR else 0


_Found = tuple[int, int, int, int]


def _set(block: bytes | memoryview, node: int, flags: int, qtype: int) -> _Found | None:
    """The record set of a type at a node: how many records, flags, where they start, and their octets.

    No records: the node has none of the type. None: what it has takes a closer look.
    """
    octets = block[node]
    at = node + 2 + (2 * octets if flags & CASE else octets)
    sets, rdtype, flags, count, octets = FIRST_SET.unpack_from(block, at)
    at += FIRST_SET.size
    while sets:
        if rdtype == qtype:
            return (count, flags, at, octets) if count else None
        if rdtype == _CNAME:
            return None
        sets -= 1
        at += octets
        rdtype, flags, count, octets = SET.unpack_from(block, at)
        at += SET.size
    return 0, 0, 0, 0

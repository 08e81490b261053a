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
from zlib import crc32

from splitdns.addresses import is_inside
from splitdns.answer.decide import ACME
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
    NODES,
    PLAIN,
    PUBLIC,
    RECORD,
    SET,
    STAR,
    Zone,
)

# What one view remembers; beyond: forgotten all at once, and made anew.
MAX_OFFERS = 128  # OPT records, by their octets
MAX_DENIALS = 16_384  # authority sections, of all zones

_ID_OCTETS = 2
_NAME_AT = HEADER_OCTETS - _ID_OCTETS  # all is counted from after the id
_TAIL_OCTETS = 4  # type and class
_MIN_OCTETS = _NAME_AT + 2 + _TAIL_OCTETS  # nothing points to a question for the root
_MAX_TCP_OCTETS = MAX_MESSAGE_OCTETS - _ID_OCTETS
_BEFORE = NODES[0].size  # of a node, but for its name, before the records of its first set
_UNPACK = tuple(node.unpack_from for node in NODES)
_CNAME = int(Type.CNAME)
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


@functools.lru_cache(maxsize=4096)  # a view may have hundreds of zones, and there may be hundreds of views
def _label(apex: Qname) -> str:
    return to_text(apex)


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
    """What the OPT record of a query comes to: ours, what a datagram has room for after the id, and DO."""

    opt: bytes
    limit_octets: int
    do: bool


_LONG_WAY: Final = False
_NO_EDNS = _Offer(b"", MIN_PAYLOAD_OCTETS - _ID_OCTETS, False)


class Ground:
    """A zone that answers directly in a view.

    ``closed``: what has no node does not exist, but for wildcards. ``denials`` are the authority sections of
    negative answers, by the octets of the asked name and 256 times DIFFERS; None: they go the long way.
    ``table`` is the zone's, and these.
    """

    __slots__ = ("apex_octets", "block", "closed", "denials", "label", "table", "zone")

    def __init__(self, zone: Zone) -> None:
        self.zone = zone
        self.label = _label(zone.apex)
        self.apex_octets = len(zone.apex)
        self.block = zone.block
        self.closed = not zone.regexps
        self.denials: dict[int, bytes | None] = {}
        self.table = (*zone.table, self.denials)


class Told(NamedTuple):
    """An answer without its id, and what it is counted by."""

    rest: bytes
    ground: Ground
    qtype: int
    do: bool


class Direct:
    """Answers directly in one view of a snapshot.

    ``grounds`` are by apex or domain: what lies there answers directly, or goes the long way.
    """

    __slots__ = ("_denied", "_forms", "_offers", "_open", "_types", "grounds", "payload_octets", "view")

    def __init__(self, view: View, manners: Manners) -> None:
        self.view = view
        self.payload_octets = manners.payload_octets
        self._forms = _forms(view.recursion)
        self._open = PLAIN if view.outside else PLAIN | ADDRESSES  # what the guard lets pass without a look
        self._types = _TYPES if view.policy.dns64 is None else _TYPES_WITH_DNS64
        self._offers: dict[bytes, _Offer | None] = {}
        self._denied = 0
        self.grounds: dict[bytes, Ground | Literal[False]] = {}
        if view.recursion:
            self.grounds.update(dict.fromkeys(view.routes, _LONG_WAY))
        for apex, zone in view.zones.items():
            self.grounds[apex] = Ground(zone) if _is_ground(zone, view) else _LONG_WAY

    @property
    def types(self) -> frozenset[int]:
        """The types that it answers."""
        return frozenset(self._types.values())

    def answer(self, asked: bytes, *, tcp: bool = False) -> Told | None:
        """The answer to ``asked``, a message without its id; None: it goes the long way."""
        form = self._forms.get(asked[:_NAME_AT])
        if form is None:
            return None
        edns, heads, no_data, no_name = form
        end = len(asked)
        offer: _Offer | None = _NO_EDNS
        if edns:
            end -= OPT_OCTETS
            offer = self._offers.get(asked[end:]) or self._offer(asked[end:])
        if offer is None or end < _MIN_OCTETS:
            return None
        opt, limit_octets, do = offer
        tail = end - _TAIL_OCTETS
        qtype = self._types.get(asked[tail:end])
        if qtype is None:
            return None
        name = asked[_NAME_AT:tail].lower()
        octets = len(name)
        if octets > MAX_NAME_OCTETS or not (ground := self._ground(name)):
            return None

        block, slots, mask, denials = ground.table
        slot, unpack = crc32(name) & mask, _UNPACK[octets]
        while at := slots[slot]:
            length, flags, found, sets, rdtype, kind, count, size = unpack(block, at)
            if found == name and length == octets:
                at += _BEFORE + octets
                break
            slot = (slot + 1) & mask
        else:
            flags = DIRECT
            if (source := _source(ground, name)) is None:
                return None
            if source:
                length = block[source]
                _, flags, _, sets, rdtype, kind, count, size = _UNPACK[length](block, source)
                at = source + _BEFORE + length
        if not flags & DIRECT:
            return None
        if flags & CASE:
            sets, rdtype, kind, count, size = FIRST_SET.unpack_from(block, at + length - FIRST_SET.size)
            at += length

        records: bytes | memoryview | None = None
        if not flags & EXISTS:
            head = no_name
        else:
            while sets and rdtype != qtype:
                if rdtype == _CNAME:
                    return None
                sets -= 1
                at += size + SET.size
                rdtype, kind, count, size = SET.unpack_from(block, at - SET.size)
            if not sets:
                head = no_data
            elif not count:
                return None
            else:
                head, records = heads[count], block[at : at + size]
                if not kind & self._open and not self._may_leave(kind, bytes(records), count):
                    return None
        if records is None:
            key = octets | (flags & DIFFERS) << 8
            records = denials[key] if key in denials else self.deny(ground, name, key)
            if records is None:
                return None
        rest = b"".join((head, asked[_NAME_AT:end], records, opt))
        if len(rest) > (_MAX_TCP_OCTETS if tcp else limit_octets):
            return None
        return tuple.__new__(Told, (rest, ground, qtype, do))  # by its own name, it takes twice as long

    def _offer(self, opt: bytes) -> _Offer | None:
        """What an OPT record without options, of version 0, comes to."""
        if len(opt) < OPT_OCTETS or opt[:3] != b"\0\0\x29" or opt[5:7] != b"\0\0" or opt[9:] != b"\0\0":
            return None
        if len(self._offers) >= MAX_OFFERS:
            self._offers.clear()
        do = opt[7] >= _DO
        ours, theirs = self.payload_octets, opt[3] << 8 | opt[4]
        limit_octets = min(ours, max(theirs, MIN_PAYLOAD_OCTETS)) - _ID_OCTETS
        offer = self._offers[opt] = _Offer(opt_record((), Rcode.NOERROR, ours, do), limit_octets, do)
        return offer

    def _ground(self, name: bytes) -> Ground | Literal[False] | None:
        """The longest zone or forward rule above ``name``, as ``View.authority`` finds it."""
        grounds, at = self.grounds, 0
        while (ground := grounds.get(name[at:])) is None:
            if at >= len(name) or not (octets := name[at]):
                return None
            at += 1 + octets
        return ground

    def _may_leave(self, kind: int, records: bytes, count: int) -> bool:
        """Whether the guard lets all of these records pass, which are not such that it lets all pass."""
        if not kind & ADDRESSES:
            return False
        if kind & PUBLIC:
            return True
        hidden, stride = self.view.hidden_addresses, len(records) // count
        for start in range(RECORD.size, len(records), stride):
            address = records[start : start + stride - RECORD.size]
            if is_inside(address) or address in hidden:
                return False
        return True

    def deny(self, ground: Ground, name: bytes, key: int) -> bytes | None:
        """Make the denial of ``name``, which is folded, and remember it by its key."""
        if self._denied >= MAX_DENIALS:
            self._denied = 0
            for one in self.grounds.values():
                if one:
                    one.denials.clear()
        self._denied += 1
        denial = ground.denials[key] = self._denial(ground.zone, Qname(name), key > MAX_NAME_OCTETS)
        return denial

    def _denial(self, zone: Zone, name: Qname, differs: bool) -> bytes | None:
        """The SOA, with its names as they are compressed behind a question of so many octets."""
        soas = negative_soa(zone, differs)
        if not soas:
            return None
        server = target(Type.SOA, soas[0].rdatas[0])
        if server is None or is_hidden(server, self.view):
            return None
        query = Query(name, name, Type.A, transport=Transport.TCP)
        encoded = encode(Answer(authority=soas), query, ra=False, payload_octets=self.payload_octets)
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
    if not ground.closed or name.startswith(ACME):
        return None
    find = ground.zone.find
    at = node = 0
    while not node:  # the apex has one
        octets = name[at]
        if not 0 < octets <= MAX_LABEL_OCTETS:
            return None
        at += 1 + octets
        encloser = name[at:]
        node = find(encloser)
    flags = ground.zone.block[node + 1]
    if flags & (EXISTS | DIRECT | DNAME) != EXISTS | DIRECT:
        return None
    return find(b"\1*" + encloser) if flags & STAR else 0

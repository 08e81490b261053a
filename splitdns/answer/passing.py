"""A question that is an upstream's as it stands, and a reply that is the client's as it stands.

That is what nearly every forwarded question comes to. Of such a question it is seen by its key that
``decide`` would forward it, and of such a reply that ``resume`` would let it pass untouched. So the message
is joined from the question as it was sent, the records, and an OPT record. Whatever else there is to it (a
list, an alias, signatures, an address that must not be told) is theirs, and gets None here. A test holds the
two ways together.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from splitdns.addresses import is_inside
from splitdns.answer.blocking import find
from splitdns.answer.decide import Reply
from splitdns.answer.guard import is_hidden
from splitdns.names import MAX_LABEL_OCTETS, MAX_NAME_OCTETS, ROOT, Qname
from splitdns.records import ADDRESS_TYPES, META_TYPES, Class, Rcode, RRset, target
from splitdns.snapshot import Manners
from splitdns.view import UpstreamSet, View
from splitdns.wire import scan
from splitdns.wire.body import Body
from splitdns.wire.edns import opt_record
from splitdns.wire.header import CD, HEADER_OCTETS, QR, RA, RD

MAX_ABOVE = 4096  # names that others lie beneath, and their upstreams; beyond: forgotten all at once

_TAIL_OCTETS = 4  # type and class
_CLASS_IN = Class.IN.to_bytes(2, "big")
_IN = int(Class.IN)
_AUTHORITY = 1  # the section
_COUNTS = struct.Struct("!HHHHH")  # of the header, after the flags
_RECORD = struct.Struct("!HHHIH")  # a pointer to the question, type, class, TTL, octets of rdata
_TO_QUESTION = 0xC000 | HEADER_OCTETS


class _Form(NamedTuple):
    """What the first octet of a key comes to: the flags of its answer, our OPT record, how much fits."""

    flags: int
    opt: bytes
    room_octets: int


Guard = Callable[[RRset], bool]
Join = Callable[[Reply, bytes, bytes, int, bytes, int, Guard | None], bytes | None]


def joined(
    reply: Reply, wire: bytes, key: bytes, flags: int, opt: bytes, room_octets: int, guard: Guard | None
) -> bytes | None:
    """The answer of ``reply``, if that is addresses of the asked name, and fits; else None.

    ``guard`` says whether some of them must not be told.
    """
    if reply.rcode or len(reply.answer) != 1 or reply.edes or (reply.proof is not None and _says_more(reply)):
        return None
    (rrset,) = reply.answer
    qtype, ttl_s, rdatas = rrset.rdtype, rrset.ttl_s, rrset.rdatas
    if qtype not in ADDRESS_TYPES or qtype != key[-4] << 8 | key[-3] or rrset.owner != key[1:-_TAIL_OCTETS]:
        return None
    if guard is not None and guard(rrset):
        return None
    beginning = _RECORD.pack(_TO_QUESTION, qtype, _IN, ttl_s, len(rdatas[0]) if rdatas else 0)
    question = wire[HEADER_OCTETS : HEADER_OCTETS - 1 + len(key)]
    head = wire[:2] + _COUNTS.pack(flags, 1, len(rdatas), 0, 1 if opt else 0)
    records = beginning + rdatas[0] if len(rdatas) == 1 else b"".join([beginning + rdata for rdata in rdatas])
    message = head + question + records + opt
    return message if len(message) <= room_octets else None


class Passing:
    """What passes in one view of a snapshot."""

    __slots__ = ("_above", "_closed", "_forms", "_guard", "_join", "_open", "_payload_octets", "_view")

    def __init__(self, view: View, manners: Manners, join: Join = joined) -> None:
        self._view = view
        self._payload_octets = manners.payload_octets
        self._forms: dict[int, _Form] = {}
        self._above: dict[bytes, UpstreamSet] = {}
        # Inside addresses are looked for.
        guarded = view.outside or view.policy.rebinding
        self._guard = partial(_must_be_guarded, view) if guarded else None
        self._join = join
        # Nothing passes; nothing else has a say.
        self._closed = not view.recursion or view.policy.dns64 is not None
        self._open = view.ptrs is None and not view.policy.lists

    def upstreams(self, key: bytes) -> UpstreamSet | None:
        """Whom ``decide`` would forward the question of ``key`` to as it stands; None: it has to be asked."""
        view = self._view
        if not key[0] & RD or key[-2:] != _CLASS_IN or self._closed:
            return None
        name = Qname(key[1:-_TAIL_OCTETS])
        if len(name) > MAX_NAME_OCTETS or key[-4] << 8 | key[-3] in META_TYPES:
            return None
        first = name[0]
        found = self._above.get(name[1 + first :])  # most names are one of many beneath the same
        if found is None or not 0 < first <= MAX_LABEL_OCTETS or name in view.zones or name in view.routes:
            found = self._upstreams_of(name)
        if found is None or found.is_asked_for_proof:
            return None
        if self._open:
            return found
        if view.ptrs is not None and view.ptrs.node(name) is not None:
            return None
        if view.policy.lists and find(view.policy.lists, name) is not None:
            return None
        return found

    def _upstreams_of(self, name: Qname) -> UpstreamSet | None:
        """The longest forward rule above a name, unless there is a longer zone; not for the root.

        None, too, where it is none: its labels are too long, or do not end with it, and it is not its key.
        """
        zones, routes, last = self._view.zones, self._view.routes, len(name) - 1
        found: UpstreamSet | None = None
        at = 0
        while at < last:
            if found is None:
                ancestor = Qname(name[at:])
                if ancestor in zones:
                    return None
                found = routes.get(ancestor)
            length = name[at]
            if not 0 < length <= MAX_LABEL_OCTETS:
                return None
            at += 1 + length
        if at != last or name[at] or not last:
            return None
        if found is None and ROOT not in zones:
            found = routes.get(ROOT)
        above = name[1 + name[0] :]
        if found is not None and name not in routes:
            if len(self._above) >= MAX_ABOVE:
                self._above.clear()
            self._above[above] = found
        return found

    def encoded(self, reply: Reply, wire: bytes, key: bytes) -> bytes | None:
        """What the client gets of ``reply``, where ``wire`` is its query; None: ``resume`` has to see to it.

        ``upstreams`` has some for ``key``.
        """
        form = self._forms.get(key[0]) or self._form(key)
        if reply.soa is not None:
            return None if _says_more(reply) else self._denial(reply, reply.soa, wire, key, form)
        flags, opt, room_octets = form
        return self._join(reply, wire, key, flags, opt, room_octets, self._guard)

    def _form(self, key: bytes) -> _Form:
        opt = opt_record((), Rcode.NOERROR, self._payload_octets, scan.do(key)) if scan.has_edns(key) else b""
        flags = (QR | RD) << 8 | RA | key[0] & CD
        form = self._forms[key[0]] = _Form(flags, opt, scan.room_octets(key, self._payload_octets))
        return form

    def _denial(self, reply: Reply, soa: RRset, wire: bytes, key: bytes, form: _Form) -> bytes | None:
        server = target(soa.rdtype, soa.rdatas[0])
        if reply.answer or server is None or reply.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
            return None
        qname = scan.name(key)
        if server.lower() != qname and is_hidden(server, self._view, upstream=True):
            return None
        name = wire[HEADER_OCTETS : scan.name_end(key)]
        body = Body(name, qname, scan.qtype(key), _IN, _IN, form.room_octets - len(form.opt))
        if not body.add(_AUTHORITY, soa):
            return None
        return body.message(int.from_bytes(wire[:2], "big"), form.flags | reply.rcode, form.opt)


def _must_be_guarded(view: View, rrset: RRset) -> bool:
    """Whether an address in it must not be told, or perhaps not."""
    for address in rrset.rdatas:
        if is_inside(address):
            return True
    return view.outside and not view.hidden_addresses.isdisjoint(rrset.rdatas)


def _says_more(reply: Reply) -> bool:
    """Whether there is anything to tell beside its records."""
    proof = reply.proof
    return bool(reply.edes) or (proof is not None and bool(proof.signatures or proof.denial))

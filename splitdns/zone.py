"""One zone as one view serves it: immutable, packed into one block of bytes.

A million names as objects cost half a gigabyte and a garbage collector's walk; packed, they cost their own
octets, they can be mapped into every worker from the same pages, and a reload forgets them by dropping one
reference. A ``Node`` is unpacked only when a question meets it.

The block is a hash table with open addressing: how many slots and nodes, the slots as offsets, then the
nodes. Every ancestor of a name up to the apex has a node of its own, so an empty non-terminal is a node
without records, and a missing ancestor proves that nothing lies beneath. A node that does not *exist* is one
that is declared, and has records in some other view only: no wildcard answers for it (semantics: ownership).
"""

from __future__ import annotations

import functools
import pickle
import struct
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol
from zlib import crc32

from splitdns.names import Qname
from splitdns.records import RRset, Type

_EXISTS, _CUT, _DIFFERS, _CASE, _INHERITS = 1, 2, 4, 8, 16
_PUBLIC = 1

_HEAD = struct.Struct("=II")  # slots, nodes
_COUNT = struct.Struct("=H")
_RRSET = struct.Struct("=HIBH")  # type, TTL, flags, how many rdatas
_ONE = struct.Struct("=HHIBHH")  # one record set of one record: _COUNT, _RRSET, _COUNT


@dataclass(frozen=True, slots=True)
class Node:
    """One name of a zone.

    ``owner`` is the name with its case kept. ``exists`` is false for a name that only other views have, be it
    declared for them (then ``differs`` is true) or only an ancestor of such a name.
    ``cut`` marks a delegation (RFC 1034 4.2). ``differs`` marks a name whose answer is not the same in all
    views, which makes its TTLs short. ``inherit`` lists the types that are forwarded (semantics: inherit).
    """

    name: Qname
    owner: bytes
    rrsets: tuple[RRset, ...] = ()
    exists: bool = True
    cut: bool = False
    differs: bool = False
    inherit: tuple[int, ...] = ()

    @property
    def is_ghost(self) -> bool:
        """Whether it is declared, and for other views only: no wildcard answers for it (semantics 3)."""
        return self.differs and not self.exists

    def rrset(self, rdtype: int) -> RRset | None:
        for rrset in self.rrsets:
            if rrset.rdtype == rdtype:
                return rrset
        return None


class _Pattern(Protocol):
    def search(self, text: str) -> object | None: ...


@functools.cache
def _compiled(pattern: str) -> _Pattern:
    import re2  # only zones with regexps pay for it

    compiled: _Pattern = re2.compile(pattern)
    return compiled


@dataclass(frozen=True, slots=True)
class Regexp:
    """Names by pattern: searched in the lower-case name relative to the zone, in linear time (RE2).

    ``node`` is what a matching name holds; its own name is the apex's, and the answer's owner the question's.
    """

    pattern: str
    node: Node

    def matches(self, relative: str) -> bool:
        return _compiled(self.pattern).search(relative) is not None


def check_pattern(pattern: str) -> None:
    """Raises:
    ValueError: ``pattern`` is not an RE2 expression; the text says why.
    """
    import re2

    options = re2.Options()
    options.log_errors = False  # on standard error, in its own words
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from None


def pack(nodes: Iterable[Node]) -> bytes:
    """The block of a zone's nodes; each name at most once, ancestors included."""
    return pack_records((node.name, packed(node)) for node in nodes)


def pack_records(nodes: Iterable[tuple[Qname, bytes]]) -> bytes:
    """``pack`` of names and nodes that are packed already."""
    records = bytearray()
    hashes, starts = array("I"), array("I")
    for name, record in nodes:
        hashes.append(crc32(name))
        starts.append(len(records))
        records += record
    slots = 4
    while slots < 2 * len(starts):
        slots *= 2
    index = array("I", bytes(4 * slots))
    mask, first = slots - 1, _HEAD.size + 4 * slots
    for hashed, start in zip(hashes, starts, strict=True):
        slot = hashed & mask
        while index[slot]:
            slot = (slot + 1) & mask
        index[slot] = first + start
    return b"".join((_HEAD.pack(slots, len(starts)), index.tobytes(), records))


def packed_one(name: Qname, owner: bytes, rdtype: int, ttl_s: int, rdata: bytes, differs: bool) -> bytes:
    """``packed`` of a node that exists and holds one record, without making it: zones have a million."""
    flags = _EXISTS | differs * _DIFFERS
    if owner == name:
        head = bytes((len(name), flags)) + name
    else:
        head = bytes((len(name), flags | _CASE)) + name + owner
    return head + _ONE.pack(1, rdtype, ttl_s, 0, 1, len(rdata)) + rdata


def packed_name(name: Qname, cut: bool) -> bytes:
    """``packed`` of a node without records: lists of names have a million, too."""
    return bytes((len(name), _EXISTS | cut * _CUT)) + name + b"\0\0"


def packed(node: Node) -> bytes:
    """A node as it stands in a block."""
    cased = node.owner != node.name
    flags = (
        node.exists * _EXISTS
        | node.cut * _CUT
        | node.differs * _DIFFERS
        | cased * _CASE
        | bool(node.inherit) * _INHERITS
    )
    parts = [bytes((len(node.name), flags)), node.name]
    if cased:
        parts.append(node.owner)
    if node.inherit:
        parts.append(_COUNT.pack(len(node.inherit)) + array("H", node.inherit).tobytes())
    parts.append(_COUNT.pack(len(node.rrsets)))
    for rrset in node.rrsets:
        parts.append(_RRSET.pack(rrset.rdtype, rrset.ttl_s, rrset.public * _PUBLIC, len(rrset.rdatas)))
        for rdata in rrset.rdatas:
            parts.append(_COUNT.pack(len(rdata)))
            parts.append(rdata)
    return b"".join(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Zone:
    """A zone in one view.

    ``overlay`` zones own only the names that they declare in the view; all others are forwarded. ``fault``
    says why a zone cannot be answered from (its file never loaded): every name of it is SERVFAIL. ``waiting``
    zones may have more names, as a source of them has said nothing yet: what is not here is SERVFAIL.
    """

    apex: Qname
    block: bytes | memoryview
    overlay: bool = False
    regexps: tuple[Regexp, ...] = ()
    fault: str | None = None
    source: str = ""
    waiting: bool = False
    _slots: memoryview = field(init=False, repr=False)
    _mask: int = field(init=False, repr=False)

    def __post_init__(self) -> None:
        slots, _ = _HEAD.unpack_from(self.block)
        view = memoryview(self.block)
        object.__setattr__(self, "_slots", view[_HEAD.size : _HEAD.size + 4 * slots].cast("I"))
        object.__setattr__(self, "_mask", slots - 1)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        # Out of band, so that a worker maps the block instead of copying it (pickle protocol 5).
        block = pickle.PickleBuffer(self.block)
        values = (self.apex, block, self.overlay, self.regexps, self.fault, self.source, self.waiting)
        return Zone, values

    @property
    def soa(self) -> RRset | None:
        node = self.node(self.apex)
        return node.rrset(Type.SOA) if node else None

    def node(self, name: Qname) -> Node | None:
        """The node of ``name``, also one that does not exist in this view, or None."""
        block, slots, mask = self.block, self._slots, self._mask
        slot = crc32(name) & mask
        length = len(name)
        while at := slots[slot]:
            if block[at] == length and block[at + 2 : at + 2 + length] == name:
                return _unpack_node(block, at)
            slot = (slot + 1) & mask
        return None

    def nodes(self) -> Iterator[Node]:
        """Every node, in the order in which they were packed."""
        _, count = _HEAD.unpack_from(self.block)
        offsets = sorted(offset for offset in self._slots if offset)
        assert len(offsets) == count
        for at in offsets:
            yield _unpack_node(self.block, at)


def _unpack_node(block: bytes | memoryview, at: int) -> Node:
    length, flags = block[at], block[at + 1]
    at += 2
    name = Qname(bytes(block[at : at + length]))
    at += length
    owner: bytes = name
    if flags & _CASE:
        owner = bytes(block[at : at + length])
        at += length
    inherit: tuple[int, ...] = ()
    if flags & _INHERITS:
        (count,) = _COUNT.unpack_from(block, at)
        inherit = struct.unpack_from(f"={count}H", block, at + 2)
        at += 2 + 2 * count
    (count,) = _COUNT.unpack_from(block, at)
    at += 2
    rrsets = []
    for _ in range(count):
        rdtype, ttl_s, rrset_flags, how_many = _RRSET.unpack_from(block, at)
        at += _RRSET.size
        rdatas = []
        for _ in range(how_many):
            (octets,) = _COUNT.unpack_from(block, at)
            at += 2
            rdatas.append(bytes(block[at : at + octets]))
            at += octets
        rrsets.append(RRset(owner, rdtype, ttl_s, tuple(rdatas), bool(rrset_flags & _PUBLIC)))
    return Node(
        name,
        owner,
        tuple(rrsets),
        exists=bool(flags & _EXISTS),
        cut=bool(flags & _CUT),
        differs=bool(flags & _DIFFERS),
        inherit=inherit,
    )

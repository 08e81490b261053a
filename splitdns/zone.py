"""One zone as one view serves it: immutable, packed into one block of bytes.

A million names as objects cost half a gigabyte and a garbage collector's walk; packed, they cost their own
octets, they can be mapped into every worker from the same pages, and a reload forgets them by dropping one
reference. A ``Node`` is unpacked only when a question needs to be thought about; what most questions want,
``answer/direct`` cuts out of the block as it stands.

The block is a hash table with open addressing. Every ancestor of a name up to the apex has a node of its own,
so an empty non-terminal is a node without records, and a missing ancestor proves that nothing lies beneath. A
node that does not *exist* is one that is declared, and has records in some other view only: no wildcard
answers for it (semantics: ownership). The ancestors of a node that exists, exist. All of it, by octets:

block   4           slots, a power of two; this number and the next two are in the machine's own order
        4           nodes
        4 each      slots: where in the block a node starts; 0: free. The node of a name stands in the slot
                    of its CRC-32 modulo the slots, or in the next one, and round, that was free
        each        nodes, one behind the other
        267         zeros, so that a name and a record set can be read wherever a node starts
node    1           n, octets of its name; from here on, numbers are in network order
        1           flags
        n           its name, folded
        n           only with CASE: its name as it was written
        2 + 2 each  only with INHERITS: how many types are inherited, and these
        2           record sets
        each        record sets, one behind the other
set     2           type
        2           flags
        2           records; 0: they are not known now
        4           octets that follow
        each        records: C0 0C (the asked name), type, class IN, TTL (4), length (2), rdata uncompressed;
                    where they are not known, their TTL alone
"""

from __future__ import annotations

import functools
import pickle
import struct
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, chain, repeat
from operator import add
from typing import Any, NamedTuple, Protocol
from zlib import crc32

from splitdns.names import MAX_NAME_OCTETS, ROOT, Qname
from splitdns.records import PLAIN_TYPES, Class, RRset, Type
from splitdns.value import value

# Flags of a node. DIRECT: neither what is above it nor itself leads elsewhere (a cut, a DNAME, an inherited
# type), so that its own records are the answer; if it does not exist, that there is no such name. STAR: a
# wildcard stands directly beneath it, in this view or another. DNAME: it has one.
EXISTS, CUT, DIFFERS, CASE, INHERITS, DIRECT, STAR, DNAME = (1 << bit for bit in range(8))

# Flags of a record set. PUBLIC: inside addresses are meant to be seen. PLAIN: its records go onto the wire as
# they stand, and name neither hosts nor addresses. ADDRESSES: the same, but each is an address.
PUBLIC, PLAIN, ADDRESSES = (1 << bit for bit in range(3))

HEAD = struct.Struct("=II")  # slots, nodes
COUNT = struct.Struct("!H")
SET = struct.Struct("!HHHI")  # type, flags, how many records, octets
FIRST_SET = struct.Struct("!HHHHI")  # COUNT, SET
# A node by octets of its name: these, flags, name, and, of one without CASE and INHERITS, FIRST_SET.
NODES = tuple(struct.Struct(f"!BB{octets}sHHHHI") for octets in range(MAX_NAME_OCTETS + 1))
RECORD = struct.Struct("!HHHIH")  # owner, type, class, TTL, octets of rdata
_TTL = struct.Struct("!I")
_ONE = struct.Struct("!HHHHIHHHIH")  # one set of one record: COUNT, SET, RECORD

_END = bytes(NODES[-1].size - 2)
_ADDRESS_OCTETS = {int(Type.A): 4, int(Type.AAAA): 16}
_KINDS = {int(Type.TXT): PLAIN, int(Type.A): ADDRESSES, int(Type.AAAA): ADDRESSES}
_WILDCARD = b"\1*"  # the label of a wildcard
_OWNER = 0xC00C  # a pointer to the name in the question (RFC 1035 4.1.4)


@value(frozen=True, slots=True)
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


@value(frozen=True, slots=True)
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


def pack_records(nodes: Iterable[tuple[Qname, bytes]], *, listed: bool = False) -> bytes:
    """``pack`` of names and nodes that are packed already.

    ``listed``: they are a list of names, from which nobody answers directly.
    """
    packer = Packer(listed=listed)
    packer.add(nodes)
    return packer.block()


class Kind(NamedTuple):
    """What the names that are packed together have in common.

    Each has one record, an address, a text or a PTR, of this type and TTL; ``differs`` as in ``Node``.
    """

    rdtype: int
    ttl_s: int
    differs: bool


class Packer:
    """A block that is being made; see ``pack_records``."""

    def __init__(self, *, listed: bool = False) -> None:
        self._records = bytearray()
        self._hashes, self._starts = array("I"), array("I")
        self._barriers: set[bytes] = set()
        self._enclosers: list[bytes] = []
        self._looked_for = 0 if listed else CUT | DNAME

    def __len__(self) -> int:
        return len(self._starts)

    def add(self, nodes: Iterable[tuple[Qname, bytes]]) -> None:
        """Names, and their nodes as they are packed."""
        records, hashes, starts, looked_for = self._records, self._hashes, self._starts, self._looked_for
        for name, record in nodes:
            hashes.append(crc32(name))
            starts.append(len(records))
            records += record
            if record[1] & looked_for:
                self._barriers.add(name)
            if name[:2] == _WILDCARD:
                self._enclosers.append(name[2:])

    def add_alike(self, names: Sequence[Qname], rdatas: Sequence[bytes], kind: Kind) -> None:
        """Names as they were written, each of which exists and has one record.

        There may be a million, so no line of Python is run for each.
        """
        rdtype, ttl_s, differs = kind
        flags, of_set = EXISTS | DIRECT | differs * DIFFERS, _KINDS.get(rdtype, 0)
        name_octets, rdata_octets = [*map(len, names)], [*map(len, rdatas)]
        heads = {octets: bytes((octets, flags)) for octets in {*name_octets}}
        middles = {
            octets: _ONE.pack(1, rdtype, of_set, 1, 12 + octets, _OWNER, rdtype, Class.IN, ttl_s, octets)
            for octets in {*rdata_octets}
        }
        of_name, of_rdata = map(heads.__getitem__, name_octets), map(middles.__getitem__, rdata_octets)
        joined = b"".join(chain.from_iterable(zip(of_name, names, of_rdata, rdatas, strict=True)))
        fixed = repeat(2 + _ONE.size)
        ends = accumulate(map(add, map(add, name_octets, rdata_octets), fixed), initial=len(self._records))
        self._starts.extend(ends)
        self._starts.pop()  # where the next one will start
        self._hashes.extend(map(crc32, names))
        self._records += joined
        if _WILDCARD in joined:
            self._enclosers += [name[2:] for name in names if name[:2] == _WILDCARD]

    def block(self) -> bytes:
        """The block; after that, the packer is of no more use."""
        records, starts = self._records, self._starts
        if self._barriers:
            _bar(records, starts, self._barriers)
        slots = 4
        while slots < 2 * len(starts):
            slots *= 2
        index = array("I", bytes(4 * slots))
        mask, first = slots - 1, HEAD.size + 4 * slots
        for hashed, start in zip(self._hashes, starts, strict=True):
            slot = hashed & mask
            while index[slot]:
                slot = (slot + 1) & mask
            index[slot] = first + start
        if not self._enclosers:
            return b"".join((HEAD.pack(slots, len(starts)), index.tobytes(), records, _END))
        block = bytearray().join((HEAD.pack(slots, len(starts)), index.tobytes(), records, _END))
        records.clear()  # as large as the block, which is about to be copied
        for encloser in self._enclosers:
            if at := _find(block, memoryview(index), mask, encloser):
                block[at + 1] |= STAR
        return bytes(block)


def _bar(records: bytearray, starts: Iterable[int], barriers: set[bytes]) -> None:
    """Let no node beneath a barrier, a cut or a DNAME, be direct."""
    known: dict[bytes, bool] = {ROOT: False}  # whether a barrier is at a name, or above it

    def is_barred(name: bytes) -> bool:
        found = known.get(name)
        if found is None:
            found = known[name] = name in barriers or is_barred(name[1 + name[0] :])
        return found

    if ROOT in barriers:
        known[ROOT] = True
    for start in starts:
        octets = records[start]
        name = bytes(records[start + 2 : start + 2 + octets])
        if name != ROOT and is_barred(name[1 + name[0] :]):
            records[start + 1] &= ~DIRECT


def packed_name(name: Qname, cut: bool) -> bytes:
    """``packed`` of a node without records: lists of names have a million, too."""
    return bytes((len(name), EXISTS | cut * CUT)) + name + b"\0\0"


def packed(node: Node) -> bytes:
    """A node as it stands in a block, if nothing above it decides for it."""
    cased = node.owner != node.name
    is_direct = not node.cut and not node.inherit and (node.exists or node.differs)
    flags = (
        node.exists * EXISTS
        | node.cut * CUT
        | node.differs * DIFFERS
        | cased * CASE
        | bool(node.inherit) * INHERITS
        | is_direct * DIRECT
        | (node.rrset(Type.DNAME) is not None) * DNAME
    )
    parts = [bytes((len(node.name), flags)), node.name]
    if cased:
        parts.append(node.owner)
    if node.inherit:
        parts.append(struct.pack(f"!H{len(node.inherit)}H", len(node.inherit), *node.inherit))
    parts.append(COUNT.pack(len(node.rrsets)))
    for rrset in node.rrsets:
        parts += _packed_set(rrset)
    return b"".join(parts)


def _packed_set(rrset: RRset) -> tuple[bytes, bytes]:
    rdtype, ttl_s, rdatas = rrset.rdtype, rrset.ttl_s, rrset.rdatas
    flags = rrset.public * PUBLIC
    if (width := _ADDRESS_OCTETS.get(rdtype)) is not None:
        flags |= all(len(rdata) == width for rdata in rdatas) * ADDRESSES
    elif rdtype in PLAIN_TYPES:
        flags |= PLAIN
    records = b"".join(
        [RECORD.pack(_OWNER, rdtype, Class.IN, ttl_s, len(rdata)) + rdata for rdata in rdatas]
    )
    records = records or _TTL.pack(ttl_s)
    return SET.pack(rdtype, flags, len(rdatas), len(records)), records


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
        slots, mask = _slots(self.block)
        object.__setattr__(self, "_slots", slots)
        object.__setattr__(self, "_mask", mask)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        # Out of band, so that a worker maps the block instead of copying it (pickle protocol 5).
        block = pickle.PickleBuffer(self.block)
        values = (self.apex, block, self.overlay, self.regexps, self.fault, self.source, self.waiting)
        return Zone, values

    @property
    def soa(self) -> RRset | None:
        node = self.node(self.apex)
        return node.rrset(Type.SOA) if node else None

    @property
    def table(self) -> tuple[bytes | memoryview, memoryview, int]:
        """The block, its slots, and what is left of a hash to be the number of one."""
        return self.block, self._slots, self._mask

    def find(self, name: bytes) -> int:
        """Where in the block the node of ``name``, which is folded, starts; 0: it has none."""
        return _find(self.block, self._slots, self._mask, name)

    def node(self, name: Qname) -> Node | None:
        """The node of ``name``, also one that does not exist in this view, or None."""
        at = _find(self.block, self._slots, self._mask, name)
        return _unpack_node(self.block, at) if at else None

    def nodes(self) -> Iterator[Node]:
        """Every node, in the order in which they were packed."""
        _, count = HEAD.unpack_from(self.block)
        offsets = sorted(offset for offset in self._slots if offset)
        assert len(offsets) == count
        for at in offsets:
            yield _unpack_node(self.block, at)


def _slots(block: bytes | bytearray | memoryview) -> tuple[memoryview, int]:
    """The slots of a block, and what is left of a hash to be the number of one."""
    slots, _ = HEAD.unpack_from(block)
    return memoryview(block)[HEAD.size : HEAD.size + 4 * slots].cast("I"), slots - 1


def _find(block: bytes | bytearray | memoryview, slots: memoryview, mask: int, name: bytes) -> int:
    slot = crc32(name) & mask
    length = len(name)
    while at := slots[slot]:
        if block[at] == length and block[at + 2 : at + 2 + length] == name:
            return at
        slot = (slot + 1) & mask
    return 0


def _unpack_node(block: bytes | memoryview, at: int) -> Node:
    length, flags = block[at], block[at + 1]
    at += 2
    name = Qname(bytes(block[at : at + length]))
    at += length
    owner: bytes = name
    if flags & CASE:
        owner = bytes(block[at : at + length])
        at += length
    inherit: tuple[int, ...] = ()
    if flags & INHERITS:
        (count,) = COUNT.unpack_from(block, at)
        inherit = struct.unpack_from(f"!{count}H", block, at + 2)
        at += 2 + 2 * count
    (count,) = COUNT.unpack_from(block, at)
    at += 2
    rrsets = []
    for _ in range(count):
        rrset, at = _unpack_set(block, at, owner)
        rrsets.append(rrset)
    return Node(
        name,
        owner,
        tuple(rrsets),
        exists=bool(flags & EXISTS),
        cut=bool(flags & CUT),
        differs=bool(flags & DIFFERS),
        inherit=inherit,
    )


def _unpack_set(block: bytes | memoryview, at: int, owner: bytes) -> tuple[RRset, int]:
    """The record set that starts at ``at``, and where it ends."""
    rdtype, flags, how_many, octets = SET.unpack_from(block, at)
    at += SET.size
    records = bytes(block[at : at + octets])
    (ttl_s,) = _TTL.unpack_from(records, 6 if how_many else 0)
    rdatas, start = [], RECORD.size
    for _ in range(how_many):
        end = start + (records[start - 2] << 8 | records[start - 1])
        rdatas.append(records[start:end])
        start = end + RECORD.size
    return RRset(owner, rdtype, ttl_s, tuple(rdatas), bool(flags & PUBLIC)), at + octets

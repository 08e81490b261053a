"""A generation in a memory file: how it comes from the process that built it to those that answer from it.

Zone blocks lie in the file as they are, and a process that maps it shares their pages with all others. A zone
that did not change is a number: its place among the zones of the former generation, which every process has
in the same order. So a reload costs what changed, whatever else there is. New zones are read in portions,
between which a worker answers queries.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import struct
import weakref
from array import array
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, Any

from splitdns.errors import InputError
from splitdns.load.load import Loaded
from splitdns.names import Qname
from splitdns.snapshot import Snapshot
from splitdns.value import value
from splitdns.view import Policy, UpstreamSet, View
from splitdns.zone import Zone

PORTION_ZONES = 256  # read at a time: about a millisecond
# A file up to this size is copied: a mapping holds a descriptor for as long as there is one zone of it.
COPY_OCTETS = 1024 * 1024
MAX_MAPPINGS = 32  # beyond: the next generation is written whole, and the old files go

_HEAD = struct.Struct("=QQ")  # where the contents are, and how many octets they have
_ALIGNMENT = 8

_mappings: weakref.WeakSet[mmap.mmap] = weakref.WeakSet()


def wants_whole() -> bool:
    """Whether this process has mapped so many files that the next generation should be a whole one."""
    return len(_mappings) >= MAX_MAPPINGS


@value(frozen=True, slots=True)
class _Stream:
    """A pickle in the file, and where the blocks are that it leaves out (offset, octets, offset, …)."""

    at: int
    octets: int
    blocks: array[int]


@value(frozen=True, slots=True)
class _Contents:
    """What is where; ``base`` is the generation that the numbers are about, and how many zones it has."""

    base: tuple[int, int] | None
    portions: tuple[_Stream, ...]
    snapshot: _Stream
    loaded: _Stream


@value(frozen=True, slots=True)
class Refused:
    """There is no generation: the configuration, or with ``--strict`` a zone, is wrong."""

    errors: tuple[InputError, ...]


# --- Writing -----------------------------------------------------------------------------------------------


def write(file: IO[bytes], new: Loaded, former: Loaded | None) -> None:
    """Write ``new`` so that a process that has ``former`` can read it; None: a process that has nothing."""
    catalogue = _Catalogue(new.snapshot, former.snapshot if former else None)
    file.seek(_HEAD.size)
    portions = tuple(
        _dump(file, catalogue.fresh[at : at + PORTION_ZONES], None)
        for at in range(0, len(catalogue.fresh), PORTION_ZONES)
    )
    snapshot = _dump(file, new.snapshot, catalogue)
    catalogue.also([new.snapshot, *_parts(former)])
    loaded = _dump(file, new, catalogue)
    base = (former.snapshot.generation, len(catalogue.former)) if former else None
    _finish(file, _Contents(base, portions, snapshot, loaded))


def write_refusal(file: IO[bytes], refused: Refused) -> None:
    """Write why there is no generation."""
    file.seek(_HEAD.size)
    _finish(file, refused)


def _finish(file: IO[bytes], contents: _Contents | Refused) -> None:
    at = file.tell()
    octets = file.write(pickle.dumps(contents, protocol=5))
    file.seek(0)
    file.write(_HEAD.pack(at, octets))
    file.flush()


def _dump(file: IO[bytes], value: object, catalogue: _Catalogue | None) -> _Stream:
    blocks: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, catalogue, blocks).dump(value)
    places = array("Q")
    for block in blocks:
        with block.raw() as octets:
            file.write(bytes(-file.tell() % _ALIGNMENT))
            places.extend((file.tell(), len(octets)))
            file.write(octets)
    at = file.tell()
    return _Stream(at, file.write(stream.getvalue()), places)


class _Catalogue:
    """Numbers for what the reader has already: former zones, fresh ones, former views, and more."""

    def __init__(self, new: Snapshot, former: Snapshot | None) -> None:
        self.former = zones_of(former) if former else []
        self.fresh: list[Zone] = []
        self.bases = {view.name: view for view in former.views} if former else {}
        self._numbers: dict[int, int] = {}  # by the object's identity: all of them outlive the catalogue
        self._objects: list[object] = []
        self.also(self.former)
        for view in new.views:
            base = self.bases.get(view.name)
            for apex, zone in view.zones.items():
                self._place(zone, base.zones.get(apex) if base else None)
            if view.ptrs is not None:
                self._place(view.ptrs, base.ptrs if base else None)
            for one in view.policy.lists:
                self._place(one.names, None)
        self.also(self.bases.values())

    def also(self, objects: Any) -> None:
        """Number further objects."""
        for one in objects:
            self._numbers[id(one)] = len(self._objects)
            self._objects.append(one)

    def number(self, one: object) -> int | None:
        return self._numbers.get(id(one))

    def _place(self, zone: Zone, before: Zone | None) -> None:
        if id(zone) in self._numbers:
            return
        if before is not None and _same(zone, before):  # made anew, and nothing is new in it
            self._numbers[id(zone)] = self._numbers[id(before)]
            return
        self.fresh.append(zone)
        self.also([zone])


def _same(one: Zone, other: Zone) -> bool:
    return (one.overlay, one.regexps, one.fault, one.source, one.waiting, one.block) == (
        other.overlay,
        other.regexps,
        other.fault,
        other.source,
        other.waiting,
        other.block,
    )


class _Pickler(pickle.Pickler):
    def __init__(
        self, file: IO[bytes], catalogue: _Catalogue | None, blocks: list[pickle.PickleBuffer]
    ) -> None:
        super().__init__(file, protocol=5, buffer_callback=blocks.append)
        self._catalogue = catalogue

    def persistent_id(self, obj: Any) -> int | None:
        return self._catalogue.number(obj) if self._catalogue is not None else None

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not View or self._catalogue is None:
            return NotImplemented
        number = self._catalogue.number
        base = self._catalogue.bases.get(obj.name, _NOTHING)
        changed = {
            apex: zone
            for apex, zone in obj.zones.items()
            if (before := base.zones.get(apex)) is None or number(zone) != number(before)
        }
        gone = tuple(apex for apex in base.zones if apex not in obj.zones)
        hidden = None if obj.hidden_addresses == base.hidden_addresses else obj.hidden_addresses
        given = (obj.name, obj.horizon, obj.recursion, obj.routes, obj.ptrs, obj.policy)
        return _view, (None if base is _NOTHING else base, *given, changed, gone, hidden)


class _Unpickler(pickle.Unpickler):
    """Puts what ``table`` holds where its number stands; the bytes come from our own child."""

    def __init__(
        self, source: io.BytesIO, buffers: Sequence[bytes | memoryview], table: Sequence[object]
    ) -> None:
        super().__init__(source, buffers=buffers)
        self._table = table

    def persistent_load(self, pid: Any) -> object:
        return self._table[pid]


_NOTHING = View("", ())


def _view(
    base: View | None,
    name: str,
    horizon: tuple[str, ...],
    recursion: bool,
    routes: Mapping[Qname, UpstreamSet],
    ptrs: Zone | None,
    policy: Policy,
    changed: Mapping[Qname, Zone],
    gone: Sequence[Qname],
    hidden: frozenset[bytes] | None,
) -> View:
    """A view as the former one with what has changed: thousands of zones are copied, not read."""
    base = base or _NOTHING
    zones = {**base.zones, **changed}
    for apex in gone:
        del zones[apex]
    addresses = base.hidden_addresses if hidden is None else hidden
    return View(name, horizon, recursion, zones, routes, ptrs, addresses, policy=policy)


# --- Reading -----------------------------------------------------------------------------------------------


class Package:
    """A generation that somebody wrote, being read."""

    def __init__(self, octets: memoryview, contents: _Contents) -> None:
        self._octets = octets
        self._contents = contents
        self._fresh: list[Zone] = []

    def portions(self) -> Iterator[None]:
        """Read the new zones; between two steps others may have their turn."""
        for portion in self._contents.portions:
            self._fresh += self._load(portion, [])
            yield

    def snapshot(self, former: Snapshot | None) -> Snapshot:
        """The generation, after all portions, on top of ``former``.

        Raises:
            ValueError: it was written for another one.
        """
        snapshot: Snapshot = self._load(self._contents.snapshot, self._table(former))
        return snapshot

    def loaded(self, former: Loaded | None) -> Loaded:
        """All that was loaded, for the supervisor: the snapshot, and what the next generation needs."""
        before = former.snapshot if former and self._contents.base else None
        table = self._table(before)
        snapshot = self._load(self._contents.snapshot, table)
        whole_table = [*table, snapshot, *_parts(former if self._contents.base else None)]
        loaded: Loaded = self._load(self._contents.loaded, whole_table)
        return loaded

    def _table(self, former: Snapshot | None) -> list[object]:
        base = self._contents.base
        if base is None:
            return [*self._fresh]
        zones = zones_of(former) if former else []
        if former is None or base != (former.generation, len(zones)):
            raise ValueError(f"expected to follow generation {base[0]}, found {former and former.generation}")
        return [*zones, *self._fresh, *former.views]

    def _load(self, stream: _Stream, table: Sequence[object]) -> Any:
        octets, blocks = self._octets, stream.blocks
        buffers = [self._block(blocks[at], blocks[at + 1]) for at in range(0, len(blocks), 2)]
        source = io.BytesIO(octets[stream.at : stream.at + stream.octets])
        return _Unpickler(source, buffers, table).load()

    def _block(self, at: int, octets: int) -> bytes | memoryview:
        block = self._octets[at : at + octets]
        return block if len(self._octets) > COPY_OCTETS else bytes(block)


def read(fd: int) -> Package | Refused:
    """What was written to the memory file ``fd``, which is closed."""
    try:
        size = os.fstat(fd).st_size
        if size > COPY_OCTETS:
            mapped = mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ)
            _mappings.add(mapped)
            octets = memoryview(mapped)
        else:
            octets = memoryview(os.pread(fd, size, 0))
    finally:
        os.close(fd)
    at, length = _HEAD.unpack_from(octets)
    contents: _Contents | Refused = pickle.loads(octets[at : at + length])  # noqa: S301 (our own child)
    return contents if isinstance(contents, Refused) else Package(octets, contents)


def zones_of(snapshot: Snapshot) -> list[Zone]:
    """Every zone of a generation once, in an order that is the same in every process."""
    found: dict[int, Zone] = {}
    for view in snapshot.views:
        for zone in view.zones.values():
            found.setdefault(id(zone), zone)
        if view.ptrs is not None:
            found.setdefault(id(view.ptrs), view.ptrs)
        for one in view.policy.lists:
            found.setdefault(id(one.names), one.names)
    return list(found.values())


def _parts(loaded: Loaded | None) -> list[object]:
    """What the loader keeps of each zone file, in order, and of each list of names."""
    if loaded is None:
        return []
    return [*(part for of_apex in loaded.parts.values() for part in of_apex), *loaded.lists]

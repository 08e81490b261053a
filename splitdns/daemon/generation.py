"""A generation on its way from the process that builds it to those that answer from it.

Building takes seconds where zones are large, and leaves a large heap behind. So a child process of low
priority does it, forked from the supervisor, whose previous generation it has in memory to reuse. What it
built goes into a memory file: the blocks of new zones as they are, to be mapped, and everything else pickled.
Zones that did not change go by their number only, and stay the objects that they are in every process.
"""

from __future__ import annotations

import io
import mmap
import os
import pickle
import struct
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from splitdns.daemon.channel import memory_file
from splitdns.errors import SplitdnsError
from splitdns.load.load import Loaded, Progress, load
from splitdns.snapshot import Snapshot
from splitdns.zone import Zone

NICE = 10  # whoever answers goes first
_ALIGNMENT = 8  # of each block, so that its offsets can be read as they are
_LENGTHS = struct.Struct("=QQQQ")  # of: block lengths, new zones, what workers get, what the supervisor gets

Zones = Mapping[int, Zone]
"""Zones by their number, which is the same in all processes."""


class BuildError(SplitdnsError):
    """The building process died, or met a bug; the text says how."""


@dataclass(frozen=True, slots=True)
class Generation:
    """A generation as the supervisor holds it: what was loaded, its zones by number, and its memory file."""

    loaded: Loaded
    zones: Zones
    memory: int


def start_building(
    config: Path | None,
    previous: Generation | None,
    *,
    strict: bool,
    number: int,
    progress: Progress | None = None,
) -> tuple[int, int]:
    """Fork a process that builds generation ``number``; its process id, and its empty memory file.

    The file is filled when the process has ended; ``built`` reads it.
    """
    memory = memory_file(())
    with warnings.catch_warnings():
        # The child only reads files and computes; the locks of other threads are none of its business.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child, memory
    _build(config, previous, strict, number, progress, memory)


def _build(
    config: Path | None,
    previous: Generation | None,
    strict: bool,
    number: int,
    progress: Progress | None,
    memory: int,
) -> NoReturn:
    status = 1
    try:
        with suppress(OSError):
            os.nice(NICE if previous else 0)
        try:
            before = previous.loaded if previous else None
            now_s = time.time()
            loaded = load(
                config, previous=before, generation=number, now_s=now_s, strict=strict, progress=progress
            )
            parts = packed(loaded, previous.zones if previous else {})
        except ExceptionGroup as mistakes:
            parts = iter([_LENGTHS.pack(0, 0, 0, 0), pickle.dumps(mistakes)])
        with open(memory, "wb", closefd=False) as file:
            file.writelines(parts)
        status = 0
    finally:
        if status:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)


def built(memory: int, status: int, previous: Generation | None) -> Generation:
    """What the process that ended with ``status`` left in its memory file.

    Raises:
        ExceptionGroup[InputError]: the mistakes in the configuration, or with ``strict`` in zones.
        BuildError: the process failed.
    """
    if status:
        raise BuildError(f"the building process ended with {_ending(status)}")
    octets = mmap.mmap(memory, 0, access=mmap.ACCESS_READ)
    if not any(_LENGTHS.unpack_from(octets)):
        mistakes: ExceptionGroup[Exception] = pickle.loads(octets[_LENGTHS.size :])  # noqa: S301 (our own child)
        raise mistakes
    unpacked = Unpacked(octets, previous.zones if previous else {})
    return Generation(unpacked.loaded(), unpacked.zones, memory)


def _ending(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"signal {-code}" if code < 0 else f"status {code}"


class _Pickler(pickle.Pickler):
    """Zones by number; the snapshot too, where only its place is wanted."""

    def __init__(self, file: io.BytesIO, numbers: Mapping[int, int], snapshot: Snapshot | None) -> None:
        super().__init__(file, protocol=5)
        self._numbers = numbers
        self._snapshot = snapshot

    def persistent_id(self, found: object) -> object:
        if isinstance(found, Zone):
            return self._numbers[id(found)]
        return "snapshot" if found is self._snapshot and found is not None else None


class _Unpickler(pickle.Unpickler):
    def __init__(self, octets: memoryview, zones: Zones, snapshot: Snapshot | None) -> None:
        super().__init__(io.BytesIO(octets))
        self._zones = zones
        self._snapshot = snapshot

    def persistent_load(self, number: Any) -> Zone | Snapshot | None:
        return self._snapshot if number == "snapshot" else self._zones[number]


def _pickled(found: object, numbers: Mapping[int, int], snapshot: Snapshot | None = None) -> bytes:
    file = io.BytesIO()
    _Pickler(file, numbers, snapshot).dump(found)
    return file.getvalue()


def packed(loaded: Loaded, known: Zones) -> Iterator[bytes | memoryview]:
    """``loaded`` as the parts of a memory file; zones in ``known`` by number only."""
    snapshot = loaded.snapshot
    numbers = {id(zone): number for number, zone in known.items()}
    new: dict[int, Zone] = {}
    following = max(known, default=0) + 1
    alive: set[int] = set()
    for zone in _zones_of(loaded):
        if id(zone) not in numbers:
            numbers[id(zone)] = following
            new[following] = zone
            following += 1
        alive.add(numbers[id(zone)])
    blocks: list[pickle.PickleBuffer] = []
    zones = pickle.dumps((new, alive), protocol=5, buffer_callback=blocks.append)
    workers = _pickled(snapshot, numbers)
    supervisor = _pickled(loaded, numbers, snapshot)
    views = [block.raw() for block in blocks]
    lengths = struct.pack(f"={len(views)}Q", *(view.nbytes for view in views))
    yield _LENGTHS.pack(len(lengths), len(zones), len(workers), len(supervisor))
    head = b"".join((lengths, zones, workers, supervisor))
    yield head
    yield bytes(-(_LENGTHS.size + len(head)) % _ALIGNMENT)
    for view in views:
        yield view
        yield bytes(-view.nbytes % _ALIGNMENT)


def _zones_of(loaded: Loaded) -> Iterator[Zone]:
    for view in loaded.snapshot.views:
        yield from view.zones.values()
        if view.ptrs is not None:
            yield view.ptrs
    for parts in loaded.parts.values():
        for part in parts:
            if part.compiled is not None:
                yield from part.compiled.zones.values()


class Unpacked:
    """The memory file of a generation, read: its snapshot, and its zones by number, of before and new."""

    def __init__(self, octets: mmap.mmap, known: Zones) -> None:
        self._view = memoryview(octets)
        lengths, zones, workers, supervisor = _LENGTHS.unpack_from(self._view)
        at = _LENGTHS.size
        blocks = struct.unpack_from(f"={lengths // 8}Q", self._view, at)
        at += lengths
        zones_at, at = at, at + zones
        self._workers = slice(at, at + workers)
        self._supervisor = slice(at + workers, at + workers + supervisor)
        at += workers + supervisor
        at += -at % _ALIGNMENT
        buffers = []
        for length in blocks:
            buffers.append(self._view[at : at + length])
            at += length + -length % _ALIGNMENT
        new: dict[int, Zone]
        alive: set[int]
        new, alive = pickle.loads(self._view[zones_at : zones_at + zones], buffers=buffers)  # noqa: S301
        self.zones: Zones = {number: zone for number, zone in {**known, **new}.items() if number in alive}
        self.snapshot: Snapshot = _Unpickler(self._view[self._workers], self.zones, None).load()

    def loaded(self) -> Loaded:
        """Everything, for the next build to reuse."""
        found: Loaded = _Unpickler(self._view[self._supervisor], self.zones, self.snapshot).load()
        return found

"""One value with large blocks of octets in a file of our own, written whole and believed only after a look.

The file is made in a directory that nobody else can write to. Even so it is read as a stranger's: its owner,
what wrote it and a checksum over all of it have to be right, and then it can make values of the types that it
is told of and nothing else, for it is a pickle. It is read and not mapped, so that a disk that fails, or a
hand that cuts the file short, is an error here and never the end of a process that answers.
"""

from __future__ import annotations

import hashlib
import io
import os
import pickle
import stat
import struct
from array import array
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from splitdns.errors import SplitdnsError

DIGEST_OCTETS = 32

_MAGIC = b"splitdns"
# What it is, what wrote it, its checksum; the value's octets, how many blocks there are.
_HEAD = struct.Struct(f"<8s{DIGEST_OCTETS}s{DIGEST_OCTETS}sQQ")
_ALIGNMENT = 8
_PLACE_OCTETS = 16  # where a block begins, how long it is
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class KeptError(SplitdnsError):
    """A file that is not to be believed; the text says why."""


def digest_of(parts: Iterable[bytes | memoryview]) -> bytes:
    """A digest of several octet strings, in which no two lists of them are the same."""
    hashed = hashlib.sha256()
    for part in parts:
        hashed.update(len(part).to_bytes(8, "little"))
        hashed.update(part)
    return hashed.digest()


def write(path: Path, writer: bytes, value: object) -> None:
    """Leave ``value`` at ``path``, whole; ``writer`` is the digest of what makes such values.

    Raises:
        OSError: it cannot be written, and what was at ``path`` is still there.
    """
    blocks: list[pickle.PickleBuffer] = []
    stream = pickle.dumps(value, protocol=5, buffer_callback=blocks.append)
    new = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(fd, "wb") as file:
            _write(file, writer, stream, blocks)
            file.flush()
            os.fsync(fd)
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def _write(file: IO[bytes], writer: bytes, stream: bytes, blocks: Iterable[pickle.PickleBuffer]) -> None:
    places, hashed, at = array("Q"), hashlib.sha256(), _HEAD.size

    def put(octets: bytes | memoryview) -> None:
        nonlocal at
        hashed.update(octets)
        file.write(octets)
        at += len(octets)

    file.write(bytes(_HEAD.size))
    for block in blocks:
        with block.raw() as octets:
            put(bytes(-at % _ALIGNMENT))
            places.extend((at, len(octets)))
            put(octets)
    put(stream)
    put(places.tobytes())
    sizes = len(stream), len(places) // 2
    hashed.update(_HEAD.pack(_MAGIC, writer, bytes(DIGEST_OCTETS), *sizes))
    file.seek(0)
    file.write(_HEAD.pack(_MAGIC, writer, hashed.digest(), *sizes))


def read(path: Path, writer: bytes, types: Collection[type], max_octets: int) -> Any:
    """The value at ``path``, of ``types`` only, its blocks as views of one piece of memory.

    Raises:
        FileNotFoundError: there is none.
        KeptError: it is not ours, or not whole.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_carefully) as file:
            octets = _octets(file, max_octets)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeptError(f"cannot read it: {error.strerror}") from None
    return _value(octets, writer, types)


def _open_carefully(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)  # a pipe would have us wait


def _octets(file: io.FileIO, max_octets: int) -> memoryview:
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise KeptError("it is not a file")
    if not is_ours(status):
        raise KeptError("others can write to it")
    if status.st_size > max_octets:
        raise KeptError(f"it is larger than {max_octets:,} octets")
    octets = memoryview(bytearray(status.st_size))
    at = 0
    while at < len(octets) and (count := file.readinto(octets[at:])):
        at += count
    return octets[:at].toreadonly()


def is_ours(status: os.stat_result) -> bool:
    """Whether only this user can have made it what it is."""
    return status.st_uid == os.geteuid() and not status.st_mode & _OTHERS_WRITE


def _value(octets: memoryview, writer: bytes, types: Collection[type]) -> Any:
    if len(octets) < _HEAD.size:
        raise KeptError("it is cut short")
    magic, written_by, checksum, stream_octets, blocks = _HEAD.unpack_from(octets)
    if magic != _MAGIC:
        raise KeptError("it is something else")
    if written_by != writer:
        raise KeptError("another version wrote it")
    hashed = hashlib.sha256(octets[_HEAD.size :])
    hashed.update(_HEAD.pack(magic, written_by, bytes(DIGEST_OCTETS), stream_octets, blocks))
    if hashed.digest() != checksum:
        raise KeptError("its checksum is wrong")
    places_at = len(octets) - _PLACE_OCTETS * blocks
    places = octets[places_at:].cast("Q")
    buffers = [octets[places[at] : places[at] + places[at + 1]] for at in range(0, len(places), 2)]
    return _Unpickler(octets[places_at - stream_octets : places_at], buffers, types).load()


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: memoryview, buffers: list[memoryview], types: Collection[type]) -> None:
        super().__init__(io.BytesIO(stream), buffers=buffers)
        self._types = {(one.__module__, one.__qualname__): one for one in types}

    def find_class(self, module: str, name: str) -> type:
        try:
            return self._types[module, name]
        except KeyError:
            raise KeptError(f"expected none of the type {module}.{name}") from None

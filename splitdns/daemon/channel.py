"""Small messages between the supervisor and a worker, with a memory file where there is much to say.

A message is a word and a number in one packet; packets neither merge nor tear. What is long, a generation or
a worker's counts, goes into an anonymous memory file whose descriptor travels along: the receiver maps it,
so that all workers read the same pages.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, auto

_PACKET = struct.Struct("=BQ")


class Word(IntEnum):
    """What is said. From the supervisor: PREPARE, SWAP, COUNT, STOP; from a worker: the others."""

    PREPARE = auto()  # unpack the generation in the memory file
    SWAP = auto()  # answer from it
    COUNT = auto()  # say what you counted
    STOP = auto()  # drain, and exit
    SERVING = auto()  # started
    READY = auto()  # the generation of this number is unpacked
    COUNTED = auto()  # the counts are in the memory file


@dataclass(frozen=True, slots=True)
class Message:
    """A word, a number that says what it is about, and mapped octets or None."""

    word: Word
    number: int = 0
    octets: mmap.mmap | None = None


class Channel:
    """One end of a connection between two processes; non-blocking."""

    def __init__(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock

    @classmethod
    def pair(cls) -> tuple[Channel, Channel]:
        one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return cls(one), cls(other)

    def send(self, word: Word, number: int = 0, memory: int | None = None) -> None:
        """Send at once; ``memory`` is the descriptor of a memory file, which stays the caller's.

        Raises:
            OSError: the other side is gone, or has not read for long.
        """
        packet = _PACKET.pack(word, number)
        socket.send_fds(self._sock, [packet], [] if memory is None else [memory])

    async def receive(self) -> Message | None:
        """The next message; None: the other side is gone."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                packet, descriptors, _, _ = socket.recv_fds(self._sock, _PACKET.size, 1)
            except BlockingIOError:
                readable: asyncio.Future[None] = loop.create_future()
                loop.add_reader(self._sock, _wake, readable)
                try:
                    await readable
                finally:
                    loop.remove_reader(self._sock)
                continue
            except OSError:
                return None
            if not packet:
                return None
            word, number = _PACKET.unpack(packet)
            return Message(Word(word), number, mapped(descriptors[0]) if descriptors else None)

    def close(self) -> None:
        self._sock.close()


def _wake(readable: asyncio.Future[None]) -> None:
    if not readable.done():
        readable.set_result(None)


def memory_file(parts: Iterable[bytes | memoryview]) -> int:
    """The descriptor of a new memory file that holds ``parts`` one after the other."""
    descriptor = os.memfd_create("splitdns", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.writelines(parts)
    return descriptor


def mapped(descriptor: int) -> mmap.mmap:
    """The octets of a memory file, read only; the descriptor is closed."""
    try:
        return mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(descriptor)

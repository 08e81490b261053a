"""Answers to one client leave together: the kernel takes one message, and cuts it into datagrams.

Who asks much from one port (a load balancer, a forwarder, another cache) has many queries in a batch, and
most of what an answer costs is its way through the kernel. Answers of the same length, to the same client,
from the same address of ours go that way once (``UDP_SEGMENT``, udp(7)). What they are cut into is octet for
octet what would have been sent one by one, in another order. To put them together costs a fourth of what it
saves; where there is nothing to put together, to see that costs next to nothing.

Not every way out can do it (a small MTU, IPsec): what cannot be sent together is sent one by one. The
compiled loop does the same (``native/datagrams.c``).
"""

from __future__ import annotations

import mmap
import socket
import struct
from array import array
from collections import defaultdict
from collections.abc import Callable
from itertools import compress, pairwise
from operator import add, ne
from typing import NamedTuple

_FEW = 8  # answers for each client, on the average, from which on it pays
_MOST_OCTETS = 60_000  # of a message: it has no more than 65,535, with what comes before it

_UDP_SEGMENT = 103  # of setsockopt(2) and of control messages; Python does not name it
_SEGMENT = struct.Struct("@NiiH6x")  # a control message
_SEGMENT_LENGTH, _SEGMENT_OCTETS = socket.CMSG_LEN(2), socket.CMSG_SPACE(2)

# Of struct msghdr: the name and its octets, the pieces and how many, the control messages and their octets.
_HEAD = struct.Struct("@PIPNPN")
_HEAD_OCTETS, _PIECE_OCTETS = 64, 16  # struct mmsghdr, struct iovec
_WORD_OCTETS = 8
_HEAD_WORDS, _PIECES, _COUNT, _CONTROL_OCTETS = 8, 2, 3, 5  # all words of a head, and some of their places


class Places(NamedTuple):
    """Where in a batch's memory, which begins at ``start`` for the kernel, there is what of each slot.

    A slot's control messages have room for one more. In them is ``info``: the address that was asked, or
    nothing if there is only one.
    """

    start: int
    pieces: int
    names: int
    name_octets: int
    name_stride: int
    controls: int
    control_stride: int
    info: int
    info_octets: int
    data: int
    data_stride: int


class _Client(NamedTuple):
    """Where its answers stand, by how long they are."""

    control_octets: int
    by_size: defaultdict[int, list[int]]


class _Segments(dict[int, bytes]):
    """The control messages that say how long each datagram of a message is, of which there are not many."""

    def __missing__(self, size: int) -> bytes:
        segment = self[size] = _SEGMENT.pack(_SEGMENT_LENGTH, socket.IPPROTO_UDP, _UDP_SEGMENT, size)
        return segment


def can_bundle(sock: socket.socket) -> bool:
    """Whether the kernel knows how to cut."""
    try:
        sock.getsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT)
    except OSError:
        return False
    return True


class Bundles:
    """Makes the messages of a batch, of up to 64 ``slots``: into more, a kernel may not cut one message.

    After that, heads and pieces do not belong to their slots any more.
    """

    def __init__(self, memory: mmap.mmap, places: Places, slots: int) -> None:
        self._memory = memory
        self._places = places
        words = memoryview(memory)[: places.pieces + slots * _PIECE_OCTETS].cast("L")
        self._heads = words[: places.pieces // _WORD_OCTETS]
        pieces = words[places.pieces // _WORD_OCTETS :]
        self._bases, self._sizes = pieces[::2], pieces[1::2]
        self._after = range(1, slots)
        self._ports = _columns("I", 4, places.name_stride, slots)  # and the family
        self._names = _columns(f"{places.name_octets}s", places.name_octets, places.name_stride, slots)
        self._infos = _columns(f"{places.info_octets}s", places.info_octets, places.control_stride, slots)
        self._segments = _Segments()
        self._data = [places.start + places.data + number * places.data_stride for number in range(slots)]
        self._numbers = {base: number for number, base in enumerate(self._data)}

    def is_worth_it(self, count: int) -> bool:
        """Whether there are few clients, as far as ports tell."""
        return len(set(self._ports[count].unpack_from(self._memory, self._places.names))) * _FEW <= count

    def gather(self, sizes: list[int]) -> int:
        """Make messages of the answers in the first slots, which are so long (0: there is none); how many."""
        memory, numbers = self._memory, self._numbers
        start, pieces, names, name_octets, name_stride, controls, control_stride, *_ = self._places
        name, control, piece = start + names, start + controls, start + pieces
        bases, lengths, at = list[int](), list[int](), 0
        for control_octets, by_size in self._clients(sizes):
            for size, found in by_size.items():
                if not size:
                    continue
                whole = size * len(found) <= _MOST_OCTETS
                for part in (found,) if whole else _cut(found, _MOST_OCTETS // size):
                    first, count, octets = numbers[part[0]], len(part), control_octets
                    if count > 1:
                        end = controls + first * control_stride + octets
                        memory[end : end + _SEGMENT_OCTETS] = self._segments[size]
                        octets += _SEGMENT_OCTETS
                    _HEAD.pack_into(
                        memory,
                        at * _HEAD_OCTETS,
                        name + first * name_stride,
                        name_octets,
                        piece + len(bases) * _PIECE_OCTETS,
                        count,
                        control + first * control_stride,
                        octets,
                    )
                    bases += part
                    lengths += [size] * count
                    at += 1
        self._bases[: len(bases)] = array("L", bases)
        self._sizes[: len(lengths)] = array("L", lengths)
        return at

    def is_bundle(self, at: int) -> bool:
        """Whether a message has several answers."""
        return self._heads[at * _HEAD_WORDS + _COUNT] > 1

    def singly(self, at: int, send: Callable[[], int]) -> int:
        """Have the answers of one message sent one by one; how many could not be sent."""
        heads, head = self._heads, at * _HEAD_WORDS
        piece, count = heads[head + _PIECES], heads[head + _COUNT]
        heads[head + _CONTROL_OCTETS] -= _SEGMENT_OCTETS
        heads[head + _COUNT] = 1
        unsent = 0
        for number in range(count):
            heads[head + _PIECES] = piece + number * _PIECE_OCTETS
            unsent += send() <= 0
        return unsent

    def _clients(self, sizes: list[int]) -> list[_Client]:
        """Whose answers these are; all from one client came to the same address of ours."""
        count = len(sizes)
        origins, data, heads = self._origins(count), self._data, self._heads
        clients: dict[bytes, _Client] = {}
        changes = compress(self._after[: count - 1], map(ne, origins, origins[1:]))
        for begin, end in pairwise((0, *changes, count)):
            client = clients.get(origins[begin])
            if client is None:
                control_octets = heads[begin * _HEAD_WORDS + _CONTROL_OCTETS]
                client = clients[origins[begin]] = _Client(control_octets, defaultdict(list))
            by_size = client.by_size
            for size, base in zip(sizes[begin:end], data[begin:end], strict=True):
                by_size[size].append(base)
        return list(clients.values())

    def _origins(self, count: int) -> tuple[bytes, ...]:
        """Who asked, and where not all asked the same address, which one."""
        memory, places = self._memory, self._places
        names: tuple[bytes, ...] = self._names[count].unpack_from(memory, places.names)
        infos = self._infos[count].unpack_from(memory, places.info)
        return names if infos.count(infos[0]) == count else tuple(map(add, names, infos))


def _columns(kind: str, octets: int, stride: int, slots: int) -> list[struct.Struct]:
    """What reads something of the first slots, by how many they are."""
    return [struct.Struct(f"{kind}{stride - octets}x" * count) for count in range(slots + 1)]


def _cut(found: list[int], most: int) -> list[list[int]]:
    return [found[at : at + most] for at in range(0, len(found), most)]

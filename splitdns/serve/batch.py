"""Datagrams by the batch: one system call takes up to 64 of them, and one sends all answers.

A system call and its way through asyncio cost several times what a remembered answer costs. libc has
``recvmmsg`` and ``sendmmsg`` (Linux), Python has not: they are called through ctypes, on one piece of memory
that is laid out once. An answer is written over its query, into the same slot. So the client's address and
the control message that says which of ours was asked lie ready for the way back, as they came. Where few
clients ask much, their answers leave together (``bundles``).

Whatever happens, one datagram that cannot be sent costs none of the others.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import socket
import struct
import sys
from array import array
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from splitdns.serve.bundles import Bundles, Places, can_bundle

DATAGRAMS = 64  # in one batch

_NAME_OCTETS, _NAME_STRIDE = 28, 32  # struct sockaddr_in6, the larger of the two
_IPV4_NAME_OCTETS = 16  # struct sockaddr_in
_CONTROL_STRIDE = 64  # the packet information, and what a bundle says of itself
_LINE_OCTETS = 64  # of a processor's cache; slots that are a page apart would all share the same few lines
_ID_OCTETS = 2  # of a message, before all else
_OFTEN_OCTETS = 512
_MANY = 16  # for which it pays to make an array, or to look for bundles
_INFO_OCTETS, _IPV4_INFO_OCTETS = 20, 12  # struct in6_pktinfo, struct in_pktinfo
_LINK_LOCAL_OR_MULTICAST = 0xFE  # and above: the first octet of IPv6 addresses (RFC 4291 2.4)

Control = list[tuple[int, int, bytes]]
Address = tuple[str, int] | tuple[str, int, int, int]  # as Python's sockets have it


class _Iovec(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("octets", ctypes.c_size_t))


class _Head(ctypes.Structure):
    """struct msghdr (recvmsg(2)), as the kernel has it."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("name_octets", ctypes.c_uint),
        ("iovecs", ctypes.c_void_p),
        ("iovecs_count", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("control_octets", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr (recvmmsg(2)): the head, and how many octets came."""

    _fields_ = (("head", _Head), ("octets", ctypes.c_uint))


class Calls(NamedTuple):
    """libc's two; each gives how many datagrams, or -1.

    A pointer is an object for ctypes, made once: to be told the types, ctypes looks at each argument again.
    """

    recvmmsg: Callable[[int, ctypes.c_void_p, int, int, None], int]
    sendmmsg: Callable[[int, ctypes.c_void_p, int, int], int]


def _calls() -> Calls | None:
    if sys.platform != "linux" or sys.byteorder != "little":
        return None  # elsewhere libcs do not agree with the kernel on the width of a message's fields
    # The calls never wait, so no other thread need have its turn meanwhile.
    libc = ctypes.PyDLL(None, use_errno=True)
    try:
        return Calls(libc.recvmmsg, libc.sendmmsg)
    except AttributeError:
        return None


LIBC = _calls()  # None where libc has not both of them


class Spans(dict[int, slice]):
    """By how many octets a datagram has: where in the memory they are, but for the id.

    To make a slice costs as much as to look at what is in it, so those that come often are kept.
    """

    __slots__ = ("_begin",)

    def __init__(self, begin: int) -> None:
        self._begin = begin

    def __missing__(self, octets: int) -> slice:
        span = slice(self._begin + _ID_OCTETS, self._begin + octets)
        if octets <= _OFTEN_OCTETS:
            self[octets] = span
        return span


class Slot(NamedTuple):
    """Where in the memory one datagram of a batch is."""

    begin: int
    spans: Spans


class Layout(NamedTuple):
    """What else than Python has to know to work on a batch; it begins with the message heads."""

    fd: int
    of_ipv6: bool
    memory: mmap.mmap
    octets: int
    control_octets: int


# Where a datagram came from, and to, as the kernel has it: the name, the control message, and its octets. An
# answer that leaves later needs it.
Origin = tuple[bytes, bytes, int]


class Batch:
    """The memory of one socket's batches.

    Between ``receive`` and ``send``, whoever answers reads and writes it directly: ``memory`` at each of
    ``slots``, and ``sizes`` for how long an answer is. Nothing of a batch outlives the next ``receive``.
    """

    def __init__(self, sock: socket.socket, calls: Calls, octets: int, control_octets: int) -> None:
        """``octets`` is what is taken of a datagram, and the most that an answer may have.

        Answers that leave later stand in a batch of their own: one of ``send_back`` only.
        """
        assert control_octets <= _CONTROL_STRIDE
        self.octets = octets
        self._sock = sock
        self._calls = calls
        self._of_ipv6 = sock.family == socket.AF_INET6
        self._control_octets = control_octets
        headers = DATAGRAMS * ctypes.sizeof(_Message)
        self._heads = headers + DATAGRAMS * ctypes.sizeof(_Iovec)  # what the kernel changes when it receives
        self._names = self._heads
        self._controls = self._names + DATAGRAMS * _NAME_STRIDE
        data = self._controls + DATAGRAMS * _CONTROL_STRIDE
        stride = octets + _LINE_OCTETS * 3
        total = data + DATAGRAMS * stride
        private = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        self.memory = memory = mmap.mmap(-1, total, flags=private)
        start = ctypes.addressof(ctypes.c_char.from_buffer(memory))

        iovecs = (_Iovec * DATAGRAMS).from_buffer(memory, headers)
        messages = (_Message * DATAGRAMS).from_buffer(memory, 0)
        for number, (message, iovec) in enumerate(zip(messages, iovecs, strict=True)):
            iovec.base, iovec.octets = start + data + number * stride, octets
            head = message.head
            head.name, head.name_octets = start + self._names + number * _NAME_STRIDE, _NAME_OCTETS
            head.iovecs, head.iovecs_count = start + headers + number * ctypes.sizeof(_Iovec), 1
            if control_octets:
                head.control = start + self._controls + number * _CONTROL_STRIDE
                head.control_octets = control_octets
        self._messages = messages
        self._starts = [ctypes.c_void_p(start + at * ctypes.sizeof(_Message)) for at in range(DATAGRAMS)]
        self._fresh = memory[: self._heads]
        self._fresh_one = self._fresh[: ctypes.sizeof(_Message)]
        self._used = 0  # slots that are not as they were any more

        whole = memoryview(memory)
        words = whole[:data].cast("I")
        self._lengths = words[_Message.octets.offset // 4 :: ctypes.sizeof(_Message) // 4]
        self.sizes = whole[headers : self._heads].cast("L")[1::2]
        # Of the packet information: the interface, and the first octet of the address. struct in_pktinfo
        # begins with the interface, in6_pktinfo has it behind the address.
        self._info = info = self._controls + socket.CMSG_LEN(0)
        interface = info + 16 if self._of_ipv6 else info
        self._interfaces = words[interface // 4 : data // 4 : _CONTROL_STRIDE // 4]
        self._firsts = whole[info:data:_CONTROL_STRIDE]
        longs, stride_longs = whole[:headers].cast("L"), ctypes.sizeof(_Message) // 8
        self._control_lengths = longs[_Head.control_octets.offset // 8 :: stride_longs]
        self._none = memoryview(array("I", bytes(4 * DATAGRAMS)))

        # Of sin6_addr, of sin_addr; by how many of them there are.
        host = "8x16s8x" if self._of_ipv6 else "4x4s24x"
        self._hosts = [struct.Struct(host * count) for count in range(DATAGRAMS + 1)]
        first, last = (8, 24) if self._of_ipv6 else (4, 8)
        names = range(self._names, self._controls, _NAME_STRIDE)
        self._host_spans = [slice(at + first, at + last) for at in names]
        self.slots = [
            Slot(data + number * stride, Spans(data + number * stride)) for number in range(DATAGRAMS)
        ]

        self.spans = [slot.spans for slot in self.slots]

        info_octets = _INFO_OCTETS if self._of_ipv6 else _IPV4_INFO_OCTETS
        places = Places(
            start=start,
            pieces=headers,
            names=self._names,
            name_octets=_NAME_OCTETS if self._of_ipv6 else _IPV4_NAME_OCTETS,
            name_stride=_NAME_STRIDE,
            controls=self._controls,
            control_stride=_CONTROL_STRIDE,
            info=info,
            info_octets=info_octets if control_octets else 0,
            data=data,
            data_stride=stride,
        )
        self._bundles = Bundles(memory, places, DATAGRAMS) if can_bundle(sock) else None

    @property
    def layout(self) -> Layout:
        return Layout(self._sock.fileno(), self._of_ipv6, self.memory, self.octets, self._control_octets)

    def receive(self) -> list[int]:
        """Take what there is: how many octets each datagram has, one after the other as in ``slots``.

        Raises:
            OSError: an error of the socket, and there is nothing.
        """
        if self._used > 1:
            self._restore()
        elif self._used:
            self.memory[: ctypes.sizeof(_Message)] = self._fresh_one
            self.sizes[0] = self.octets
        self._used = 0
        fd, flags = self._sock.fileno(), socket.MSG_DONTWAIT
        count = self._calls.recvmmsg(fd, self._starts[0], DATAGRAMS, flags, None)
        if count < 0:
            number = ctypes.get_errno()
            if number == errno.EAGAIN:
                return []
            raise OSError(number, os.strerror(number))
        self._used = count
        return [self._lengths[0]] if count == 1 else self._lengths[:count].tolist()

    def hosts(self, count: int) -> tuple[bytes, ...]:
        """The packed addresses of the first ``count`` clients."""
        found: tuple[bytes, ...] = self._hosts[count].unpack_from(self.memory, self._names)
        return found

    def packed_host(self, number: int) -> bytes:
        """A client's packed address."""
        return self.memory[self._host_spans[number]]

    def host(self, packed: bytes) -> str:
        """A client's packed address as Python's sockets tell it."""
        return socket.inet_ntop(self._sock.family, packed)

    def address(self, number: int) -> Address:
        """Where a datagram came from, as Python's sockets tell it."""
        at = self._names + number * _NAME_STRIDE
        if self._of_ipv6:
            port, flow, packed, scope = struct.unpack("!HI16s4s", self.memory[at + 2 : at + 28])
            return self.host(packed), port, flow, int.from_bytes(scope, sys.byteorder)
        port, packed = struct.unpack("!H4s", self.memory[at + 2 : at + 8])
        return self.host(packed), port

    def control(self, number: int) -> Control:
        """What came with a datagram, as Python's sockets tell it."""
        octets = self._messages[number].head.control_octets
        if octets < socket.CMSG_LEN(0):
            return []
        at = self._controls + number * _CONTROL_STRIDE
        length, level, kind = struct.unpack("@Nii", self.memory[at : at + socket.CMSG_LEN(0)])
        return [(level, kind, self.memory[at + socket.CMSG_LEN(0) : at + length])]

    def origin(self, number: int) -> Origin:
        """Where a datagram came from, for ``place``."""
        name = self._names + number * _NAME_STRIDE
        control = self._controls + number * _CONTROL_STRIDE
        return (
            self.memory[name : name + _NAME_OCTETS],
            self.memory[control : control + self._control_octets],
            self._control_lengths[number],
        )

    def place(self, number: int, answer: bytes, origin: Origin) -> None:
        """Put an answer into a slot, back to where its query came from, for ``send``."""
        memory, slot, octets = self.memory, self.slots[number], len(answer)
        assert octets <= self.octets  # the next slot is another client's
        memory[slot.begin : slot.begin + octets] = answer
        name, control, control_octets = origin
        at = self._names + number * _NAME_STRIDE
        memory[at : at + _NAME_OCTETS] = name
        if self._control_octets:
            at = self._controls + number * _CONTROL_STRIDE
            memory[at : at + self._control_octets] = control
            self._control_lengths[number] = control_octets

    def send_back(self, unsent: Sequence[tuple[bytes, Origin]]) -> int:
        """Send answers that leave later, to where their queries came from; how many are lost, as ``send``."""
        lost = 0
        for begin in range(0, len(unsent), DATAGRAMS):
            some = unsent[begin : begin + DATAGRAMS]
            for number, (answer, origin) in enumerate(some):
                self.place(number, answer, origin)
            lost += self.send([len(answer) for answer, _ in some])
        return lost

    def send(self, sizes: list[int]) -> int:
        """Send the answers in the first slots, each of so many octets; none where that is 0.

        How many could not be sent, and are lost: the client asks again.
        """
        if self._control_octets:
            self._aim(len(sizes))
        if len(sizes) == 1:
            self.sizes[0] = sizes[0]
            return self._send(1 if sizes[0] else 0, None)
        bundles = self._bundles
        if bundles is not None and len(sizes) >= _MANY and bundles.is_worth_it(len(sizes)):
            unsent = self._send(bundles.gather(sizes), bundles)
            self._restore()
            return unsent
        self._measure(sizes)
        return self._send(len(sizes) if all(sizes) else self._close_up(sizes), None)

    def _send(self, count: int, bundles: Bundles | None) -> int:
        """Send the first messages; how many answers could not be sent."""
        send, fd, starts = self._calls.sendmmsg, self._sock.fileno(), self._starts
        at = unsent = 0
        while at < count:
            sent = send(fd, starts[at], count - at, socket.MSG_DONTWAIT)
            if sent > 0:
                at += sent
            else:  # a full buffer, a firewall, no route, port 0: it is about the first one of them
                if bundles is not None and bundles.is_bundle(at):
                    unsent += bundles.singly(at, partial(send, fd, starts[at], 1, socket.MSG_DONTWAIT))
                else:
                    unsent += 1
                at += 1
        return unsent

    def _restore(self) -> None:
        """Have heads and pieces belong to their slots again, with all the room that there is."""
        self.memory[: self._heads] = self._fresh
        self._used = 0

    def _measure(self, sizes: list[int]) -> None:
        """Note how long the answers in the first slots are."""
        if len(sizes) < _MANY:
            for number, size in enumerate(sizes):
                self.sizes[number] = size
        else:
            self.sizes[: len(sizes)] = array("L", sizes)

    def _aim(self, count: int) -> None:
        """Have answers leave from the address that was asked, through whatever interface.

        The routing table knows the way back better than the way here, but for link-local addresses, which
        mean nothing without their interface. To a multicast address nobody answers from it.
        """
        if count == 1 and not self._of_ipv6:
            self._interfaces[0] = 0
            return
        firsts = self._firsts[:count].tobytes() if self._of_ipv6 else b""
        if not firsts or max(firsts) < _LINK_LOCAL_OR_MULTICAST:
            self._interfaces[:count] = self._none[:count]
            return
        for number, first in enumerate(firsts):
            if first == 0xFF:
                self._messages[number].head.control_octets = 0
            elif first != 0xFE or self.memory[self._info + number * _CONTROL_STRIDE + 1] & 0xC0 != 0x80:
                self._interfaces[number] = 0

    def _close_up(self, sizes: list[int]) -> int:
        """Move answers together over the gaps; how many there are."""
        octets, memory = ctypes.sizeof(_Message), self.memory
        to = 0
        for number, size in enumerate(sizes):
            if size:
                if to != number:
                    memory[to * octets : (to + 1) * octets] = memory[number * octets : (number + 1) * octets]
                to += 1
        return to

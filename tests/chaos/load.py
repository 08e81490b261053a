"""Clients: so many questions a second, whatever becomes of them, and how long each waited.

Nine in ten ask for names that all others ask for too, the rest for a name that nobody ever asked for. Some
may be no questions at all, and only have to be survived. What happened is added up second by second, by when
it was asked, so that a run may last for hours.
"""

from __future__ import annotations

import random
import selectors
import socket
import struct
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from math import log2

POPULAR = 500  # names that are asked for again and again
RARE_SHARE = 0.1
SOCKETS = 16  # ports, so that every worker gets its part
GIVE_UP_S = 8.0  # a question without an answer by then is lost
TICK_S = 0.002
_STEPS = 8  # of the histogram, in each doubling of the time

# The kernel says when an answer came: nobody pays for it if this process has its turn late (socket(7)).
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("qq")
_CONTROL_OCTETS = socket.CMSG_SPACE(_TIMESPEC.size)


@dataclass
class Tally:
    """What became of the questions of some time; waits are counted in steps of a twelfth."""

    asked: int = 0
    lost: int = 0
    popular: int = 0
    popular_good: int = 0
    rare: int = 0
    rare_good: int = 0
    longest_s: float = 0.0
    waits: dict[int, int] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        for name in ("asked", "lost", "popular", "popular_good", "rare", "rare_good"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.longest_s = max(self.longest_s, other.longest_s)
        for step, count in other.waits.items():
            self.waits[step] = self.waits.get(step, 0) + count

    def wait_ms(self, share: float) -> float:
        """So long or less waited this share of those who were answered."""
        left = share * sum(self.waits.values())
        for step, count in sorted(self.waits.items()):
            left -= count
            if left <= 0:
                return float(2 ** ((step + 1) / _STEPS) - 1)
        return 0.0


def total(tallies: Iterable[Tally]) -> Tally:
    whole = Tally()
    for tally in tallies:
        whole.add(tally)
    return whole


@dataclass(frozen=True)
class _Sent:
    asked_s: float
    at_s: float  # the same by the clock that the kernel stamps answers with
    popular: bool


class Load:
    """Questions to the server at ``port`` of 127.0.0.1."""

    def __init__(self, port: int, per_second: int, malformed: float = 0.0, seed: int = 1) -> None:
        self.seconds: dict[int, Tally] = {}  # by the clock's whole second in which they were asked
        self.last_failure_s = 0.0  # when the last question was asked that was not answered well
        self._per_second = per_second
        self._malformed = malformed
        self._random = random.Random(seed)
        self._number = 0
        self._waiting: dict[tuple[int, int], _Sent] = {}
        self._selector = selectors.DefaultSelector()
        self._sockets = []
        for _ in range(SOCKETS):
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            sock.connect(("127.0.0.1", port))
            sock.setblocking(False)
            self._sockets.append(sock)
            self._selector.register(sock, selectors.EVENT_READ, len(self._sockets) - 1)

    def close(self) -> None:
        for sock in self._sockets:
            sock.close()

    def warm_up(self) -> None:
        """Ask for each popular name once or more, so that all workers know them."""
        for number in range(POPULAR):
            for at in range(SOCKETS):
                self._ask(at, number, _name(number))
            self._pause(0.005)
        self.drain()

    def run(self, seconds: float) -> None:
        """Ask at the usual rate for so long."""
        started_s, asked = time.monotonic(), 0
        while (gone_s := time.monotonic() - started_s) < seconds:
            while asked < gone_s * self._per_second:
                self._ask_something()
                asked += 1
            self._pause(TICK_S)

    def drain(self) -> None:
        """Wait for what is still on its way; what has not come by now is lost."""
        until_s = time.monotonic() + GIVE_UP_S
        while self._waiting and time.monotonic() < until_s:
            self._pause(0.05)
        for sent in self._waiting.values():
            self._second(sent).lost += 1
            self.last_failure_s = max(self.last_failure_s, sent.asked_s)
        self._waiting.clear()

    def between(self, from_s: float, to_s: float) -> Tally:
        """What became of the questions of some whole seconds."""
        return total(tally for second, tally in self.seconds.items() if from_s <= second < to_s)

    def _ask_something(self) -> None:
        self._number += 1
        at = self._number % SOCKETS
        chance = self._random.random()
        if chance < self._malformed:
            self._send(at, _malformed(self._random))
        elif chance < self._malformed + RARE_SHARE:
            self._ask(at, None, b"\x09r%08x\x05chaos\x07example\0" % (self._number & 0xFFFFFFFF))
        else:
            # The lower the number, the more often it is asked for.
            number = int(POPULAR * self._random.random() ** 2)
            self._ask(at, number, _name(number))

    def _ask(self, at: int, popular: int | None, name: bytes) -> None:
        query_id = self._random.getrandbits(16)
        while (at, query_id) in self._waiting:
            query_id = self._random.getrandbits(16)
        sent = _Sent(time.monotonic(), time.time(), popular is not None)
        self._waiting[at, query_id] = sent
        tally = self._second(sent)
        tally.asked += 1
        if sent.popular:
            tally.popular += 1
        else:
            tally.rare += 1
        self._send(at, query_id.to_bytes(2, "big") + b"\1\0\0\1\0\0\0\0\0\0" + name + b"\0\1\0\1")

    def _send(self, at: int, wire: bytes) -> None:
        try:
            self._sockets[at].send(wire)
        except OSError:  # counted as lost when it does not come
            return

    def _pause(self, seconds: float) -> None:
        """Read answers for so long."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            for key, _ in self._selector.select(left_s):
                self._read(key.data)

    def _read(self, at: int) -> None:
        while True:
            try:
                wire, control, _, _ = self._sockets[at].recvmsg(4096, _CONTROL_OCTETS)
            except OSError:
                return
            sent = self._waiting.pop((at, int.from_bytes(wire[:2], "big")), None)
            if sent is not None:  # else it was given up, or is the answer to nonsense
                seconds, nanoseconds = _TIMESPEC.unpack(control[0][2])
                good = wire[3] & 0x0F == 0 and wire[6:8] != b"\0\0"
                self._answered(sent, max(seconds + nanoseconds / 1e9 - sent.at_s, 0.0), good)

    def _answered(self, sent: _Sent, waited_s: float, good: bool) -> None:
        tally = self._second(sent)
        tally.longest_s = max(tally.longest_s, waited_s)
        step = int(_STEPS * log2(1 + 1000 * waited_s))
        tally.waits[step] = tally.waits.get(step, 0) + 1
        if good and sent.popular:
            tally.popular_good += 1
        elif good:
            tally.rare_good += 1
        else:
            self.last_failure_s = max(self.last_failure_s, sent.asked_s)

    def _second(self, sent: _Sent) -> Tally:
        return self.seconds.setdefault(int(sent.asked_s), Tally())


def _name(number: int) -> bytes:
    return b"\x05p%04d\x05chaos\x07example\0" % number


def _malformed(chance: random.Random) -> bytes:
    """What is no query: noise, a part of one, one with its octets changed, a response."""
    query = bytearray(b"\x12\x34\1\0\0\1\0\0\0\0\0\1" + _name(7) + b"\0\1\0\1\0\0\x29\4\xd0\0\0\0\0\0\0")
    match chance.randrange(4):
        case 0:
            return chance.randbytes(chance.randrange(1, 400))
        case 1:
            return bytes(query[: chance.randrange(1, len(query))])
        case 2:
            for _ in range(chance.randrange(1, 6)):
                query[chance.randrange(2, len(query))] = chance.randrange(256)
            return bytes(query)
        case _:
            query[2] |= 0x80
            return bytes(query)

"""Upstreams that misbehave on demand: a process of its own, so that what they cost is nobody else's time.

    python -m tests.chaos.upstream PORT…

Each line on standard input is a ``Faults`` as JSON, which holds from then on. Every A question is answered
with an address made from the name, and a short TTL, so that a cache has to ask again all the time.
"""

from __future__ import annotations

import heapq
import json
import os
import random
import selectors
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from zlib import crc32

TTL_S = 5
_ANSWER = struct.Struct("!HHHIH")
_LATE_S = (0.5, 3.0)  # how late, from … to


@dataclass(frozen=True)
class Faults:
    """The share of questions that get no answer, a late one, or nonsense; ``gone``: none gets any."""

    drop: float = 0.0
    late: float = 0.0
    garbage: float = 0.0
    gone: bool = False


class Faulty:
    """The process."""

    def __init__(self, ports: list[int]) -> None:
        self._faults = Faults()
        self._selector = selectors.DefaultSelector()
        self._late: list[tuple[float, int, socket.socket, bytes, object]] = []
        self._number = 0
        os.set_blocking(0, False)
        self._selector.register(0, selectors.EVENT_READ)
        for port in ports:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 21)
            sock.bind(("127.0.0.1", port))
            sock.setblocking(False)
            self._selector.register(sock, selectors.EVENT_READ)

    def run(self) -> None:
        """Until standard input ends."""
        while True:
            timeout_s = max(self._late[0][0] - time.monotonic(), 0) if self._late else None
            for key, _ in self._selector.select(timeout_s):
                if isinstance(key.fileobj, socket.socket):
                    self._read(key.fileobj)
                elif not self._obey():
                    return
            now_s = time.monotonic()
            while self._late and self._late[0][0] <= now_s:
                _, _, sock, answer, source = heapq.heappop(self._late)
                self._send(sock, answer, source)

    def _obey(self) -> bool:
        lines = os.read(0, 65_536).splitlines()
        if lines:
            self._faults = Faults(**json.loads(lines[-1]))
        return bool(lines)

    def _read(self, sock: socket.socket) -> None:
        for _ in range(256):
            try:
                wire, source = sock.recvfrom(4096)
            except BlockingIOError:
                return
            faults, chance = self._faults, random.random()
            if faults.gone or chance < faults.drop:
                continue
            answer = answer_to(wire)
            if random.random() < faults.garbage:
                answer = nonsense(answer)
            if random.random() < faults.late:
                self._number += 1
                due_s = time.monotonic() + random.uniform(*_LATE_S)
                heapq.heappush(self._late, (due_s, self._number, sock, answer, source))
            else:
                self._send(sock, answer, source)

    def _send(self, sock: socket.socket, answer: bytes, source: object) -> None:
        try:
            sock.sendto(answer, source)  # type: ignore[arg-type]
        except OSError:  # who asked has gone, or has no room
            return


def answer_to(wire: bytes) -> bytes:
    """The answer to a question of type A; to any other, that there is no such record."""
    end = wire.index(0, 12) + 5
    question = wire[12:end]
    head = wire[:2] + b"\x81\x80\0\1"
    if question[-4:-2] != b"\0\1":
        return head + b"\0\0\0\0\0\0" + question
    address = b"\x2d" + crc32(question[:-4].lower()).to_bytes(4, "big")[1:]  # a public one
    return head + b"\0\1\0\0\0\0" + question + _ANSWER.pack(0xC00C, 1, 1, TTL_S, 4) + address


def nonsense(answer: bytes, chance: random.Random = random.Random()) -> bytes:  # noqa: B008
    """What is no answer: noise, another id, another question, a part of it, or an error."""
    match chance.randrange(5):
        case 0:
            return chance.randbytes(chance.randrange(200))
        case 1:
            return chance.randbytes(2) + answer[2:]
        case 2:
            return answer[:13] + b"x" + answer[14:]
        case 3:
            return answer[: -chance.randrange(1, 16)]
        case _:
            return answer[:3] + b"\x82" + answer[4:6] + bytes(6) + answer[12:-16]


class Control:
    """The process, from outside."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def set(self, faults: Faults) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(asdict(faults)).encode() + b"\n")
        self._process.stdin.flush()


@contextmanager
def upstreams(*ports: int) -> Iterator[Control]:
    """Upstreams at these ports of 127.0.0.1 that behave well, until told otherwise."""
    command = [sys.executable, "-m", "tests.chaos.upstream", *map(str, ports)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdin=subprocess.PIPE, cwd=root) as process:
        yield Control(process)
        assert process.stdin is not None
        process.stdin.close()


if __name__ == "__main__":
    Faulty([int(port) for port in sys.argv[1:]]).run()

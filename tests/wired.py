"""The hot way behind a real socket on loopback: batches of queries from any clients, and what became of each.

Everything in 127.0.0.0/8 can be a client. All of a batch lies in the socket before it is looked at. Answers
may come in any order, so on their way queries have ids that tell them apart.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

from splitdns.serve.batch import DATAGRAMS, LIBC, Batch
from splitdns.serve.hot import Hot
from splitdns.serve.loop import Ready
from splitdns.serve.parts import PARTS, Parts
from splitdns.serve.passed import Passed
from splitdns.serve.pipeline import Outcome, Pipeline
from splitdns.serve.sockets import open_udp

MAX_OCTETS = 4096


class _Noting(Hot):
    """Notes which datagrams of a batch went the usual way without an answer."""

    unanswered: dict[int, Outcome | Passed]

    def _usual(self, number: int, octets: int, now_s: float) -> Ready | bytes | None:
        waiting = len(self._waiting)
        answer = super()._usual(number, octets, now_s)
        if answer is None:
            self.unanswered[number] = self._waiting[-1][0] if len(self._waiting) > waiting else None
        return answer


class Wired(ExitStack):
    """A server's socket and its clients'."""

    def __init__(self, pipeline: Pipeline, server: str, parts: Parts = PARTS) -> None:
        super().__init__()
        assert LIBC is not None
        self._sock = self.enter_context(open_udp("127.0.0.1", 0))
        self.batch = Batch(self._sock, LIBC, MAX_OCTETS, 0)
        self.hot = _Noting(self.batch, pipeline, server, 1, parts)
        self._clients: dict[str, socket.socket] = {}

    def ask(self, asked: list[tuple[bytes, str]]) -> list[Outcome | Passed]:
        """What becomes of queries and their clients, up to a batch of them."""
        assert len(asked) <= DATAGRAMS
        ids = [number.to_bytes(2, "big") for number in range(len(asked))]
        for own, (wire, host) in zip(ids, asked, strict=True):
            self._client(host).send(own[: len(wire)] + wire[2:])
        self.hot.unanswered = unanswered = {}
        while not self.hot.turn()[0]:
            pass
        came = [(host, answer) for host, client in self._clients.items() for answer in _all_of(client)]
        answers = {(host, answer[:2]): answer[2:] for host, answer in came}
        assert len(answers) == len(came) == len(asked) - len(unanswered)
        return [
            unanswered[number] if number in unanswered else wire[:2] + answers[host, ids[number]]
            for number, (wire, host) in enumerate(asked)
        ]

    @property
    def learnt(self) -> int:
        return sum(len(known) for known in self.hot._learnt._views.values())

    def _client(self, host: str) -> socket.socket:
        if host not in self._clients:
            client = self.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            client.bind((host, 0))
            client.connect(self._sock.getsockname())
            client.setblocking(False)
            self._clients[host] = client
        return self._clients[host]


def _all_of(sock: socket.socket) -> Iterator[bytes]:
    with suppress(BlockingIOError):
        while True:
            yield sock.recv(65535)

"""Bundles on loopback: what clients get is what they would get one by one."""

from __future__ import annotations

import ctypes
import errno
import socket
from collections import Counter
from contextlib import ExitStack
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.serve.batch import DATAGRAMS, LIBC, Batch
from splitdns.serve.bundles import can_bundle
from splitdns.serve.parts import COMPILED, PURE, Parts
from splitdns.serve.sockets import IP_PKTINFO, open_udp
from tests.unit.serve.bench import PARTS


def _can() -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        return LIBC is not None and can_bundle(sock)


pytestmark = pytest.mark.skipif(not _can(), reason="no calls for batches, or nothing to cut them with")

OCTETS = 2048
UDP_GRO = 104  # of setsockopt(2): what came as one message is received as one
# Where the server is bound, and by which of its addresses each client may ask it.
BOUND = {
    "127.0.0.1": (("127.0.0.1",),) * 3,
    "0.0.0.0": (("127.0.0.8", "127.0.0.9"),) * 3,
    "::1": (("::1",),) * 3,
    "::": (("::1",), ("127.0.0.8", "127.0.0.9"), ("::1",)),
}
CONTROL_OCTETS_AT = 40  # in struct mmsghdr
WITH_SEGMENT = [socket.CMSG_SPACE(2) + other for other in (0, socket.CMSG_SPACE(12), socket.CMSG_SPACE(20))]
Query = tuple[int, int, int]  # by which client, at which address; how long the answer is, or 0


class Ends(ExitStack):
    """A server's socket, two loops on it, and clients."""

    def __init__(self, bound: str, parts: Parts = PURE) -> None:
        super().__init__()
        assert LIBC is not None
        self.calls = 0
        self.messages = 0
        self.refused: set[int] = set()  # calls that fail
        self.cuts = True  # the way out lets messages be cut
        self.sock = self.enter_context(open_udp(bound, 0, both_families=bound == "::"))
        if bound == "::":
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        elif bound == "0.0.0.0":
            self.sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        control_octets = socket.CMSG_SPACE(20) if bound in ("::", "0.0.0.0") else 0
        calls = LIBC._replace(sendmmsg=self._send)
        batch, later = (Batch(self.sock, calls, OCTETS, control_octets) for _ in range(2))
        self.loop = parts.loop(batch, {}, lambda number, *_: self._answer(number))
        self.send_back = parts.send_back(later)
        self.asked_at = BOUND[bound]
        self.clients = [self.enter_context(_client(at[0])) for at in self.asked_at]

    def _send(self, fd: int, at: ctypes.c_void_p, count: int, flags: int) -> int:
        assert LIBC is not None
        self.calls += 1
        assert at.value is not None
        control_octets = ctypes.c_size_t.from_address(at.value + CONTROL_OCTETS_AT).value
        if self.calls in self.refused or (not self.cuts and control_octets in WITH_SEGMENT):
            ctypes.set_errno(errno.EINVAL)
            return -1
        sent = LIBC.sendmmsg(fd, at, count if self.cuts else 1, flags)
        self.messages += sent
        return sent

    def ask(self, queries: list[Query], later: bool = False) -> int:
        """Have a batch of queries answered, or later; how many could not be."""
        port = self.sock.getsockname()[1]
        for client, at, _ in queries:
            addresses = self.asked_at[client]
            self.clients[client].sendto(b"?", (addresses[at % len(addresses)], port))
        return self.answer([size for _, _, size in queries], later)

    def answer(self, sizes: list[int], later: bool = False) -> int:
        origins = []

        def answer(number: int) -> bytes | None:
            if later:
                origins.append((_answer(number, sizes[number]), self.loop.origin(number)))
            return None if later or not sizes[number] else _answer(number, sizes[number])

        self._answer = answer
        self.loop.unsent = 0
        self.loop.turn(lambda: 1.0)
        lost = self.send_back([each for each in origins if each[0]])
        return self.loop.unsent + lost

    def check(self, queries: list[Query], lost: int = 0) -> None:
        """Each client has got its own answers, from where it had asked."""
        missing = 0
        for number, client in enumerate(self.clients):
            expected = Counter(
                (_answer(each, size), self.asked_at[number][at % len(self.asked_at[number])])
                for each, (whose, at, size) in enumerate(queries)
                if whose == number and size
            )
            got = _received(client)
            assert not got - expected
            missing += (expected - got).total()
        assert missing == lost


def _answer(number: int, size: int) -> bytes:
    return bytes((number + 1,)) * size


def _client(to: str) -> socket.socket:
    sock = socket.socket(socket.AF_INET6 if ":" in to else socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("::1" if ":" in to else "127.0.0.1", 0))
    sock.setblocking(False)
    return sock


def _received(sock: socket.socket) -> Counter[tuple[bytes, str]]:
    found: Counter[tuple[bytes, str]] = Counter()
    while True:
        try:
            octets, address = sock.recvfrom(65535)
        except BlockingIOError:
            return found
        found[octets, address[0]] += 1


MANY = [(0, 0, 100 + number % 3) for number in range(DATAGRAMS)]
runs = st.tuples(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.sampled_from((0, 1, 90, 91, 1400))), st.integers(1, 40)
)
both = [True, False]
kinds = st.sampled_from([PURE] if COMPILED is None else [PURE, COMPILED])


@settings(max_examples=80, deadline=None)
@given(
    kinds, st.sampled_from(tuple(BOUND)), st.lists(runs, min_size=1, max_size=12), st.booleans(), st.randoms()
)
def test_each_client_gets_its_answers_from_where_it_asked(
    parts: Parts, bound: str, drawn: list[tuple[Query, int]], shuffled: bool, chance: Random
) -> None:
    queries = [query for query, times in drawn for _ in range(times)][:DATAGRAMS]
    if shuffled:
        chance.shuffle(queries)
    with Ends(bound, parts) as ends:
        for later in (False, True, False, True):
            assert ends.ask(queries, later) == 0
            ends.check(queries)


@pytest.mark.parametrize("later", both)
@pytest.mark.parametrize("bound", BOUND)
@pytest.mark.parametrize("parts", PARTS)
def test_answers_of_one_length_to_one_client_are_one_message(parts: Parts, bound: str, later: bool) -> None:
    with Ends(bound, parts) as ends:
        ends.clients[0].setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        ends.ask(MANY, later)
        expected = {
            b"".join(_answer(number, size) for number, (_, _, size) in enumerate(MANY) if size == which)
            for which in (100, 101, 102)
        }
        assert {octets for octets, _ in _received(ends.clients[0])} == expected


@pytest.mark.parametrize("parts", PARTS)
def test_long_answers_are_more_than_one_message(parts: Parts) -> None:
    queries = [(0, 0, 1400)] * DATAGRAMS
    with Ends("0.0.0.0", parts) as ends:
        assert ends.ask(queries) == 0
        ends.check(queries)


@pytest.mark.parametrize("bound", BOUND)
def test_where_many_ask_each_has_a_message(bound: str) -> None:
    with Ends(bound) as ends:
        to = BOUND[bound][0][0]
        for client in [ends.enter_context(_client(to)) for _ in range(DATAGRAMS)]:
            client.sendto(b"?", (to, ends.sock.getsockname()[1]))
        assert ends.answer([size for _, _, size in MANY]) == 0
        assert ends.messages == DATAGRAMS


@pytest.mark.parametrize("bound", BOUND)
def test_what_cannot_be_sent_together_is_sent_one_by_one(bound: str) -> None:
    with Ends(bound) as ends:
        ends.cuts = False
        for later in (False, True, False, True):
            assert ends.ask(MANY, later) == 0
            ends.check(MANY)
        assert ends.messages == 4 * DATAGRAMS


def test_what_cannot_be_sent_at_all_is_counted() -> None:
    with Ends("0.0.0.0") as ends:
        ends.refused = {1, 3, 4}  # a bundle, and two of what it had
        assert ends.ask(MANY) == 2
        ends.check(MANY, lost=2)


def test_only_a_socket_for_datagrams_can_bundle() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        assert not can_bundle(sock)

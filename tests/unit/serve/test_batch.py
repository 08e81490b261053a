"""Batches on loopback, and system calls that do less than they were asked for."""

from __future__ import annotations

import ctypes
import errno
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from splitdns.serve.batch import DATAGRAMS, LIBC, Batch, Calls
from splitdns.serve.datagram import source_control
from splitdns.serve.parts import COMPILED, PURE, Parts
from splitdns.serve.sockets import IP_PKTINFO, open_udp

pytestmark = pytest.mark.skipif(LIBC is None, reason="libc has no calls for batches")

OCTETS = 512
parts = pytest.mark.parametrize(
    "parts",
    [
        pytest.param(PURE, id="pure"),
        pytest.param(
            COMPILED,
            id="compiled",
            marks=pytest.mark.skipif(COMPILED is None, reason="no accelerator was built"),
        ),
    ],
)
CONTROL_OCTETS = socket.CMSG_SPACE(20)
WAYS = pytest.mark.parametrize(
    ("bound", "to"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("0.0.0.0", "127.0.0.9"),
        ("::", "::1"),
        ("::", "127.0.0.9"),
    ],
)


class Ends:
    """A server's socket with its batch, and clients."""

    def __init__(self, stack: ExitStack, bound: str, calls: Calls | None = None) -> None:
        self._stack = stack
        assert LIBC is not None
        self.sock = stack.enter_context(open_udp(bound, 0, both_families=bound == "::"))
        wildcard = bound in ("0.0.0.0", "::")
        if bound == "::":
            self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        elif wildcard:
            self.sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self.batch = Batch(self.sock, calls or LIBC, OCTETS, CONTROL_OCTETS if wildcard else 0)
        self.unsent = 0

    def client(self, to: str, source: str | None = None) -> socket.socket:
        family = socket.AF_INET6 if ":" in to else socket.AF_INET
        sock = self._stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        sock.setblocking(False)
        if source is not None:
            sock.bind((source, 0))
        sock.connect((to, self.sock.getsockname()[1]))
        return sock

    def echo(self, lengths: list[int], unanswered: tuple[int, ...] = ()) -> None:
        """Answer each datagram with itself and a mark."""
        memory = self.batch.memory
        for number, octets in enumerate(lengths):
            begin = self.batch.slots[number].begin
            memory[begin + octets : begin + octets + 1] = b"!"
        sizes = [0 if number in unanswered else octets + 1 for number, octets in enumerate(lengths)]
        self.unsent += self.batch.send(sizes)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def received(sock: socket.socket) -> list[bytes]:
    """All that waits; loopback delivers while it is sent."""
    found = []
    while True:
        try:
            found.append(sock.recv(65535))
        except BlockingIOError:
            return found


@WAYS
def test_a_batch_goes_back_to_whom_it_came_from_and_from_where_it_was_asked(
    stack: ExitStack, bound: str, to: str
) -> None:
    ends = Ends(stack, bound)
    clients = [ends.client(to) for _ in range(3)]  # connected: nothing from another address reaches them
    for turn in range(2):
        for number in range(9):
            clients[number % 3].send(b"%d%d" % (turn, number))
        ends.echo(ends.batch.receive())
        for number, client in enumerate(clients):
            assert received(client) == [b"%d%d!" % (turn, each) for each in range(number, 9, 3)]
    assert ends.unsent == 0


@WAYS
@parts
def test_an_answer_that_leaves_later_goes_back_the_same_way(
    stack: ExitStack, parts: Parts, bound: str, to: str
) -> None:
    assert LIBC is not None
    ends = Ends(stack, bound)
    later = Batch(ends.sock, LIBC, OCTETS, CONTROL_OCTETS if bound in ("0.0.0.0", "::") else 0)
    clients = [ends.client(to) for _ in range(3)]
    for client in clients:
        client.send(b"x")
    origins = [ends.batch.origin(number) for number, _ in enumerate(ends.batch.receive())]
    clients[0].send(b"another, so that what was received before stands there no more")
    ends.batch.receive()
    send_back = parts.send_back(later)
    for turn in range(2):
        unsent = [(b"%d%d" % (turn, number) * (number + 1), origins[number]) for number in (2, 0, 1)]
        assert send_back(unsent) == 0
        for number, client in enumerate(clients):
            assert received(client) == [b"%d%d" % (turn, number) * (number + 1)]


@parts
def test_what_cannot_be_sent_later_costs_none_of_the_others(stack: ExitStack, parts: Parts) -> None:
    assert LIBC is not None
    ends = Ends(stack, "127.0.0.1")
    client = ends.client("127.0.0.1")
    client.send(b"x")
    assert ends.batch.receive() == [1]
    origin = ends.batch.origin(0)
    name, *control = origin
    to_port_0 = (name[:2] + bytes(2) + name[4:], *control)
    unsent = [(b"%d" % number, origin if number % 50 else to_port_0) for number in range(2 * DATAGRAMS + 5)]
    assert parts.send_back(Batch(ends.sock, LIBC, OCTETS, 0))(unsent) == 3
    assert received(client) == [answer for answer, to in unsent if to is origin]
    assert parts.send_back(Batch(ends.sock, LIBC, OCTETS, 0))([]) == 0


def test_an_answer_that_is_too_long_has_no_place(stack: ExitStack) -> None:
    ends = Ends(stack, "127.0.0.1")
    ends.client("127.0.0.1").send(b"x")
    ends.batch.receive()
    ends.batch.place(0, bytes(OCTETS), ends.batch.origin(0))
    with pytest.raises(AssertionError):
        ends.batch.place(0, bytes(OCTETS + 1), ends.batch.origin(0))


@pytest.mark.parametrize(
    ("bound", "to"),
    [("127.0.0.1", "127.0.0.1"), ("::", "::1"), ("::", "127.0.0.9"), ("0.0.0.0", "127.0.0.9")],
)
def test_addresses_and_control_messages_are_what_python_would_tell(
    stack: ExitStack, bound: str, to: str
) -> None:
    ends = Ends(stack, bound)
    client = ends.client(to)
    client.send(b"first")
    client.send(b"second")
    _, control, _, address = ends.sock.recvmsg(OCTETS, CONTROL_OCTETS)
    assert ends.batch.receive() == [6]
    assert ends.batch.address(0) == address
    assert ends.batch.control(0) == control
    assert ends.batch.host(ends.batch.packed_host(0)) == address[0]
    assert (control == []) is (bound == "127.0.0.1")


def test_nothing_to_receive_is_nothing_and_an_error_of_the_socket_is_raised(stack: ExitStack) -> None:
    ends = Ends(stack, "127.0.0.1")
    assert ends.batch.receive() == []
    ends.sock.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        ends.batch.receive()


def test_a_batch_ends_where_there_is_no_room_and_the_next_has_the_rest(stack: ExitStack) -> None:
    ends = Ends(stack, "127.0.0.1")
    client = ends.client("127.0.0.1")
    for number in range(DATAGRAMS + 3):
        client.send(b"%d" % number)
    for expected in (DATAGRAMS, 3):
        lengths = ends.batch.receive()
        assert len(lengths) == expected
        ends.echo(lengths)
    assert received(client) == [b"%d!" % number for number in range(DATAGRAMS + 3)]


def test_what_is_too_long_is_cut_as_recvmsg_cuts_it_and_the_slot_beside_it_is_whole(
    stack: ExitStack,
) -> None:
    ends = Ends(stack, "127.0.0.1")
    client = ends.client("127.0.0.1")
    for _ in range(2):
        for octets in (3, OCTETS + 5_000, 4, OCTETS, 0):
            client.send(bytes([octets % 251]) * octets)
        lengths = ends.batch.receive()
        assert lengths == [3, OCTETS, 4, OCTETS, 0]
        assert [
            set(ends.batch.memory[slot.begin : slot.begin + octets])
            for slot, octets in zip(ends.batch.slots, lengths, strict=False)
        ] == [{3}, {(OCTETS + 5_000) % 251}, {4}, {OCTETS % 251}, set()]


@pytest.mark.parametrize("unanswered", [(0,), (4,), (1, 2), (0, 2, 4), (0, 1, 2, 3, 4)])
def test_who_gets_no_answer_takes_nobody_elses(stack: ExitStack, unanswered: tuple[int, ...]) -> None:
    ends = Ends(stack, "0.0.0.0")
    clients = [ends.client(f"127.0.0.{number + 1}") for number in range(5)]
    for _ in range(2):
        for number, client in enumerate(clients):
            client.send(b"%d" % number * (number + 1))
        ends.echo(ends.batch.receive(), unanswered)
        for number, client in enumerate(clients):
            expected = [] if number in unanswered else [b"%d" % number * (number + 1) + b"!"]
            assert received(client) == expected


def failing(send: Callable[[int, ctypes.c_void_p, int, int], int]) -> Calls:
    assert LIBC is not None
    return LIBC._replace(sendmmsg=send)


def test_what_a_call_did_not_send_the_next_one_does(stack: ExitStack) -> None:
    assert LIBC is not None
    libc = LIBC
    ends = Ends(stack, "127.0.0.1", failing(lambda fd, at, n, flags: libc.sendmmsg(fd, at, min(n, 2), flags)))
    client = ends.client("127.0.0.1")
    for number in range(7):
        client.send(b"%d" % number)
    ends.echo(ends.batch.receive())
    assert received(client) == [b"%d!" % number for number in range(7)]


@pytest.mark.parametrize("number", [errno.EAGAIN, errno.EPERM, errno.ECONNREFUSED, errno.ENOBUFS])
def test_an_error_costs_one_datagram_and_none_of_the_rest(stack: ExitStack, number: int) -> None:
    assert LIBC is not None
    libc, tries = LIBC, iter(range(100))

    def send(fd: int, at: ctypes.c_void_p, count: int, flags: int) -> int:
        if next(tries) in (1, 2):  # the call after the first, and the one after that
            ctypes.set_errno(number)
            return -1
        return libc.sendmmsg(fd, at, min(count, 3), flags)

    ends = Ends(stack, "127.0.0.1", failing(send))
    client = ends.client("127.0.0.1")
    for each in range(9):
        client.send(b"%d" % each)
    ends.echo(ends.batch.receive())
    assert received(client) == [b"%d!" % each for each in (0, 1, 2, 5, 6, 7, 8)]
    assert ends.unsent == 2


def test_the_kernel_refuses_one_in_the_middle_and_the_rest_is_sent(stack: ExitStack) -> None:
    ends = Ends(stack, "127.0.0.1")
    clients = [ends.client("127.0.0.1") for _ in range(3)]
    for client in clients:
        client.send(b"x")
    lengths = ends.batch.receive()
    port = ends.batch._names + 32 + 2
    ends.batch.memory[port : port + 2] = b"\0\0"  # nobody can be answered at port 0
    ends.echo(lengths)
    assert [received(client) for client in clients] == [[b"x!"], [], [b"x!"]]
    assert ends.unsent == 1


@pytest.mark.parametrize(
    "asked", ["2001:db8::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "::ffff:192.0.2.1", "fd00::1"]
)
def test_the_way_back_is_the_one_of_source_control(stack: ExitStack, asked: str) -> None:
    ends = Ends(stack, "::")
    client = ends.client("::1")
    for _ in range(3):
        client.send(b"x")
    ends.batch.receive()
    info = socket.inet_pton(socket.AF_INET6, asked) + (7).to_bytes(4, "little")
    at = ends.batch._info + 64
    ends.batch.memory[at : at + 20] = info
    before = [ends.batch.control(number) for number in range(3)]
    assert before[1][0][2] == info
    ends.batch._aim(3)
    assert [ends.batch.control(number) for number in range(3)] == [source_control(each) for each in before]


def test_an_ipv4_way_back_is_the_one_of_source_control(stack: ExitStack) -> None:
    ends = Ends(stack, "0.0.0.0")
    client = ends.client("127.0.0.9")
    client.send(b"x")
    client.send(b"x")
    ends.batch.receive()
    before = [ends.batch.control(number) for number in range(2)]
    ends.batch._aim(2)
    assert [ends.batch.control(number) for number in range(2)] == [source_control(each) for each in before]
    assert ends.batch.control(0) != before[0]


@pytest.mark.parametrize(("bound", "to"), [("0.0.0.0", "127.0.0.9"), ("::", "::1"), ("::", "127.0.0.9")])
def test_the_way_back_need_not_be_through_the_interface_that_the_query_came_by(
    stack: ExitStack, bound: str, to: str
) -> None:
    ends = Ends(stack, bound)
    client = ends.client(to)
    client.send(b"x")
    client.send(b"y")
    lengths = ends.batch.receive()
    ends.batch._interfaces[0] = ends.batch._interfaces[1] = 999_999  # there is none of this number
    ends.echo(lengths)
    assert received(client) == [b"x!", b"y!"]

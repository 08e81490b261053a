"""Sockets behind one epoll: each is told of what is its own, and of nothing after it was removed."""

from __future__ import annotations

import asyncio
import select
import socket
from collections.abc import Iterator

import pytest

from splitdns.forward.readers import READY_A_TURN, Readers
from tests.clock import run


@pytest.fixture
def readers() -> Iterator[Readers]:
    made = Readers()
    yield made
    made.close()


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.setblocking(False)
    return ours, theirs


async def turns(count: int = 4) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_each_is_called_for_its_own_socket_as_long_as_there_is_something(readers: Readers) -> None:
    async def main() -> None:
        (one, to_one), (two, to_two) = pair(), pair()
        with one, to_one, two, to_two:
            got: list[bytes] = []
            readers.add(one.fileno(), lambda: got.append(b"one:" + one.recv(9)))
            readers.add(two.fileno(), lambda: got.append(b"two:" + two.recv(9)))
            await turns()
            assert got == []
            to_two.send(b"a")
            to_two.send(b"b")
            to_one.send(b"c")
            await turns()
            assert sorted(got) == [b"one:c", b"two:a", b"two:b"]
            readers.remove(one.fileno())
            to_one.send(b"d")
            await turns()
            assert len(got) == 3
            assert select.select([readers], [], [], 0)[0] == []  # else the loop would not rest
            readers.remove(two.fileno())

    run(main())


def test_one_that_another_removes_in_the_same_turn_is_not_called(readers: Readers) -> None:
    async def main() -> None:
        (one, to_one), (two, to_two) = pair(), pair()
        with one, to_one, two, to_two:
            called: list[socket.socket] = []
            bugs: list[object] = []
            asyncio.get_running_loop().set_exception_handler(lambda _, context: bugs.append(context))

            def first_come(mine: socket.socket, other: socket.socket) -> None:
                called.append(mine)
                mine.recv(9)
                readers.remove(other.fileno())

            readers.add(one.fileno(), lambda: first_come(one, two))
            readers.add(two.fileno(), lambda: first_come(two, one))
            to_one.send(b"a")
            to_two.send(b"b")
            await turns()
            assert (len(called), bugs) == (1, [])
            readers.remove(called[0].fileno())

    run(main())


def test_more_than_one_turn_takes_come_in_the_next(readers: Readers) -> None:
    async def main() -> None:
        pairs = [pair() for _ in range(READY_A_TURN + 1)]
        read: list[bytes] = []
        for ours, theirs in pairs:
            readers.add(ours.fileno(), lambda ours=ours: read.append(ours.recv(9)))  # type: ignore[misc]
            theirs.send(b"x")
        await turns()
        assert len(read) == len(pairs)
        for ours, theirs in pairs:
            readers.remove(ours.fileno())
            ours.close()
            theirs.close()

    run(main())


def test_an_error_of_a_socket_is_something_to_be_told_of(readers: Readers) -> None:
    async def main() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(("127.0.0.1", 0))
            nobody = free.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as sock:
            sock.connect(nobody)
            told = asyncio.get_running_loop().create_future()

            def read() -> None:
                with pytest.raises(ConnectionRefusedError):
                    sock.recv(9)
                told.set_result(None)

            readers.add(sock.fileno(), read)
            sock.send(b"x")
            await told
            readers.remove(sock.fileno())

    run(main())


def test_it_follows_to_another_loop(readers: Readers) -> None:
    async def main() -> None:
        ours, theirs = pair()
        with ours, theirs:
            got: list[bytes] = []
            readers.add(ours.fileno(), lambda: got.append(ours.recv(9)))
            theirs.send(b"a")
            await turns()
            assert got == [b"a"]
            readers.remove(ours.fileno())

    run(main())
    run(main())


def test_after_the_end_what_was_added_can_be_removed_and_nothing_be_added(readers: Readers) -> None:
    async def main() -> None:
        ours, theirs = pair()
        with ours, theirs:
            readers.add(ours.fileno(), lambda: None)
            readers.close()
            readers.remove(ours.fileno())
            with pytest.raises(OSError, match="no more"):
                readers.add(ours.fileno(), lambda: None)
            readers.close()

    run(main())

"""What the supervisor and a worker say to each other arrives whole, in order, with its memory file."""

from __future__ import annotations

import asyncio
import os

import pytest

from splitdns.answer.limits import Rates
from splitdns.daemon.channel import (
    Channel,
    Counted,
    Knobs,
    Prepare,
    Serving,
    Stop,
    Swap,
)
from splitdns.daemon.memory import memory_file
from splitdns.serve.stream import Limits

KNOBS = Knobs(Limits(), Rates(), bytes(16), frozenset(), querylog=True, log_level="info", log_format="json")


def test_messages_arrive_one_by_one_in_order() -> None:
    async def test() -> None:
        one, other = Channel.pair()
        for message in (Serving(1), Swap(2, KNOBS), Stop(5.0)):
            one.send(message)
        one.close()

        assert await other.receive() == (Serving(1), None)
        assert await other.receive() == (Swap(2, KNOBS), None)
        assert await other.receive() == (Stop(5.0), None)
        assert await other.receive() is None
        other.close()

    asyncio.run(test())


def test_who_waits_for_a_message_lets_others_work() -> None:
    async def test() -> None:
        one, other = Channel.pair()
        waiting = asyncio.create_task(other.receive())
        await asyncio.sleep(0)
        assert not waiting.done()
        one.send(Serving(7))
        assert await waiting == (Serving(7), None)
        one.close()
        other.close()

    asyncio.run(test())


def test_a_memory_file_travels_along_and_stays_the_senders_too() -> None:
    async def test() -> None:
        one, other = Channel.pair()
        memory = memory_file()
        os.write(memory, b"a generation")
        one.send(Prepare(3), memory)
        received = await other.receive()
        assert received is not None
        message, theirs = received
        assert message == Prepare(3)
        assert theirs is not None
        assert theirs != memory
        assert os.pread(theirs, 100, 0) == os.pread(memory, 100, 0) == b"a generation"
        os.close(memory)
        os.close(theirs)
        one.close()
        other.close()

    asyncio.run(test())


def test_what_is_said_to_nobody_is_an_error() -> None:
    one, other = Channel.pair()
    other.close()
    with pytest.raises(OSError, match="Broken pipe"):
        one.send(Counted())
    one.close()


def test_who_never_reads_does_not_stop_who_sends() -> None:
    one, other = Channel.pair()

    def say_all() -> None:
        for _ in range(100_000):
            one.send(Counted())

    with pytest.raises(BlockingIOError):
        say_all()
    one.close()
    other.close()

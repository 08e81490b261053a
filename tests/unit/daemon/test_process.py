"""Children: how they end, what they ignore, and that they do not outlive their parent."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import time

import pytest

from splitdns.daemon.process import CRASHED, ended, ending, fork, kill

PATIENCE_S = 60.0


def wait_for(process: int) -> str:
    return ending(os.waitpid(process, 0)[1])


def test_a_child_that_returns_ends_well() -> None:
    reading, writing = os.pipe()
    child = fork(lambda: [None, os.write(writing, b"hello")][0])

    assert wait_for(child) == "status 0"
    assert os.read(reading, 100) == b"hello"
    os.close(reading)
    os.close(writing)


def test_a_child_that_raises_has_crashed() -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    assert wait_for(fork(fail)) == f"status {CRASHED}"


def test_a_child_that_asks_to_exit_ends_only_itself() -> None:
    def leave() -> None:
        raise SystemExit(0)

    assert wait_for(fork(leave)) == f"status {CRASHED}"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_what_a_terminal_sends_to_all_is_for_the_parent_only(number: signal.Signals) -> None:
    reading, writing = os.pipe()

    def signal_oneself() -> None:
        os.kill(os.getpid(), number)
        os.write(writing, b"still here")

    assert wait_for(fork(signal_oneself)) == "status 0"
    assert os.read(reading, 100) == b"still here"
    os.close(reading)
    os.close(writing)


def test_the_parents_signals_are_as_they_were() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGINT)

    wait_for(fork(lambda: None))

    assert (signal.pthread_sigmask(signal.SIG_BLOCK, []), signal.getsignal(signal.SIGINT)) == before


def test_a_child_that_hangs_dies_with_its_parent() -> None:
    reading, writing = os.pipe()

    def hang() -> None:
        os.write(writing, str(os.getpid()).encode())
        while True:
            time.sleep(1000)

    def be_parent() -> None:
        os.waitpid(fork(hang), 0)

    parent = fork(be_parent)
    grandchild = os.pidfd_open(int(os.read(reading, 100)))
    kill(parent)
    assert wait_for(parent) == "SIGKILL"
    assert select.select([grandchild], [], [], PATIENCE_S)[0]
    for descriptor in (grandchild, reading, writing):
        os.close(descriptor)


def test_the_end_of_a_child_can_be_awaited() -> None:
    async def test() -> None:
        reading, writing = os.pipe()
        child = fork(lambda: [None, os.read(reading, 1)][0])
        waiting = asyncio.create_task(ended(child))
        await asyncio.sleep(0)
        assert not waiting.done()
        os.write(writing, b".")
        assert ending(await waiting) == "status 0"
        os.close(reading)
        os.close(writing)

    asyncio.run(test())


def test_who_is_gone_already_can_be_killed() -> None:
    child = fork(lambda: None)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
    kill(child)
    assert wait_for(child) == "status 0"

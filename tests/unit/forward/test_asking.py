"""One question from its first query to its outcome, and what it leaves behind: nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import socket
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from splitdns.answer.decide import Reply
from splitdns.forward.asking import Failure
from splitdns.forward.exchange import Exchanger
from splitdns.forward.health import FIRST_WAIT_S
from splitdns.forward.network import KernelNetwork
from splitdns.forward.query import Question
from splitdns.forward.upstreams import Upstreams
from splitdns.metrics import Counts
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.view import Upstream
from tests.clock import run
from tests.upstreams import Asked, answer, only, upstream

WWW = Question(from_text("www.example.org."), Type.A)


class Counting(KernelNetwork):
    def __init__(self) -> None:
        self.opened: list[socket.socket] = []

    def datagram(self, upstream: Upstream) -> socket.socket:
        self.opened.append(super().datagram(upstream))
        return self.opened[-1]


def truncated(wire: bytes) -> bytes:
    return wire[:2] + bytes((wire[2] | 2,)) + wire[3:]


def test_a_try_that_is_cancelled_before_it_begins_leaves_no_socket_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spawn = Upstreams.spawn

    def cancelling(upstreams: Upstreams, coroutine: Coroutine[None, None, Any]) -> asyncio.Task[Any]:
        task = spawn(upstreams, coroutine)
        task.cancel()
        return task

    async def main() -> None:
        loop, counts, network = asyncio.get_running_loop(), Counts(), Counting()
        # What was truncated is asked over TCP, in a task.
        async with upstream(lambda asked: [truncated(answer(asked))]) as one:
            exchanger = Exchanger(network, random.SystemRandom(), counts)
            upstreams = Upstreams(counts, exchanger, random.SystemRandom(), loop.time)
            assert await upstreams.ask(WWW, only(one)) == Failure(f"{one.upstream}: cut off")
            assert [each.fileno() for each in network.opened] == [-1]
            await upstreams.close()

    monkeypatch.setattr(Upstreams, "spawn", cancelling)
    run(main())


def test_a_question_that_is_not_wanted_any_more_leaves_no_socket_behind__at_whatever_moment() -> None:
    async def main() -> None:
        loop, counts = asyncio.get_running_loop(), Counts()
        async with upstream(lambda asked: []) as silent:
            for turns in range(12):
                for after_s in (0.0, FIRST_WAIT_S, 2.0):
                    network = Counting()
                    exchanger = Exchanger(network, random.SystemRandom(), counts)
                    upstreams = Upstreams(counts, exchanger, random.SystemRandom(), loop.time)
                    asking = asyncio.create_task(upstreams.ask(WWW, only(silent)))
                    await asyncio.sleep(after_s)
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    asking.cancel()
                    await asyncio.wait((asking,))
                    await upstreams.close()
                    assert turns == 0 or network.opened
                    assert all(each.fileno() == -1 for each in network.opened)

    run(main())


@pytest.mark.parametrize(
    "respond",
    [
        lambda asked: [answer(asked, "www.example.org. 300 A 192.0.2.1")],
        lambda asked: [],
        lambda asked: [answer(asked, "www.example.org. 300 A 192.0.2.1")[:-3]],
    ],
    ids=["answered", "silent", "malformed"],
)
def test_what_is_over_needs_no_garbage_collector(respond: Callable[[Asked], list[bytes]]) -> None:
    async def main() -> None:
        loop, counts = asyncio.get_running_loop(), Counts()
        async with upstream(respond) as one:
            exchanger = Exchanger(KernelNetwork(), random.SystemRandom(), counts)
            upstreams = Upstreams(counts, exchanger, random.SystemRandom(), loop.time)
            await upstreams.ask(WWW, only(one))
            await asyncio.sleep(10)
            gc.collect()
            for _ in range(20):
                await upstreams.ask(WWW, only(one))
                await asyncio.sleep(10)
            found = gc.collect()
            await upstreams.close()
        assert found < 20

    run(main())


def test_a_bug_is_told_to_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        loop, counts = asyncio.get_running_loop(), Counts()
        async with upstream(lambda asked: [answer(asked, "www.example.org. 300 A 192.0.2.1")]) as one:
            exchanger = Exchanger(KernelNetwork(), random.SystemRandom(), counts)
            upstreams = Upstreams(counts, exchanger, random.SystemRandom(), loop.time)
            with pytest.raises(ZeroDivisionError):
                await upstreams.ask(WWW, only(one))
            await upstreams.close()

    def reduce(*_: Any) -> Reply:
        raise ZeroDivisionError

    monkeypatch.setattr("splitdns.forward.relay.read", lambda *_: None)
    for module in ("relay", "upstreams"):
        monkeypatch.setattr(f"splitdns.forward.{module}.reduce", reduce)
    run(main())

"""Sockets that are read at once, among what asyncio does as it always does."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from splitdns.serve.prompt import PromptLoop

WITHIN_S = 30.0


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def run(test: Callable[[PromptLoop], Coroutine[object, object, None]]) -> None:
    async def within() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, PromptLoop)
        async with asyncio.timeout(WITHIN_S):
            await test(loop)

    with asyncio.Runner(loop_factory=PromptLoop) as runner:
        runner.run(within())


def pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for sock in (one, other):
        stack.enter_context(sock)
        sock.setblocking(False)
    return one, other


async def turns(count: int = 3) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_a_prompt_reader_is_called_before_all_others_and_until_it_is_removed(stack: ExitStack) -> None:
    async def test(loop: PromptLoop) -> None:
        said: list[str] = []
        usual, usual_end = pair(stack)
        prompt, prompt_end = pair(stack)
        loop.add_reader(usual, lambda: said.append(usual.recv(9).decode()))
        loop.add_prompt_reader(prompt, lambda: said.append(prompt.recv(9).decode()))
        usual_end.send(b"usual")
        prompt_end.send(b"prompt")
        await turns()
        assert said == ["prompt", "usual"]
        loop.remove_prompt_reader(prompt)
        prompt_end.send(b"late")
        await turns()
        assert said == ["prompt", "usual"]

    run(test)


def test_what_it_leaves_it_is_called_for_again_and_what_it_schedules_is_done(stack: ExitStack) -> None:
    async def test(loop: PromptLoop) -> None:
        here, there = pair(stack)
        done, read = asyncio.Event(), list[bytes]()

        def reader() -> None:
            read.append(here.recv(9))
            if len(read) == 3:
                loop.call_soon(done.set)

        loop.add_prompt_reader(here, reader)
        for each in (b"1", b"2", b"3"):
            there.send(each)
        await done.wait()
        assert read == [b"1", b"2", b"3"]
        loop.remove_prompt_reader(here)

    run(test)


def test_a_mistake_costs_one_turn_and_is_told(stack: ExitStack) -> None:
    async def test(loop: PromptLoop) -> None:
        here, there = pair(stack)
        told: list[dict[str, Any]] = []
        read: list[bytes] = []
        loop.set_exception_handler(lambda _, context: told.append(context))

        def reader() -> None:
            read.append(here.recv(9))
            assert read != [b"bad"]

        loop.add_prompt_reader(here, reader)
        for each in (b"bad", b"good"):
            there.send(each)
            await turns()
        assert read == [b"bad", b"good"]
        assert [type(each["exception"]) for each in told] == [AssertionError]
        loop.remove_prompt_reader(here)

    run(test)


def test_who_is_removed_by_a_prompt_reader_is_not_called_any_more(stack: ExitStack) -> None:
    async def test(loop: PromptLoop) -> None:
        here, there = pair(stack)
        other, other_end = pair(stack)
        said: list[str] = []

        def reader() -> None:
            said.append(here.recv(9).decode())
            loop.remove_reader(other)
            other.close()

        loop.add_prompt_reader(here, reader)
        loop.add_reader(other, lambda: said.append("other"))
        there.send(b"first")
        other_end.send(b"x")
        await turns()
        assert said == ["first"]
        loop.remove_prompt_reader(here)

    run(test)


def test_timers_and_threads_and_connections_are_as_ever() -> None:
    async def test(loop: PromptLoop) -> None:
        started_s = loop.time()
        await asyncio.sleep(0.01)
        assert loop.time() - started_s >= 0.01
        assert await asyncio.to_thread(lambda: 3) == 3

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write((await reader.readexactly(200_000))[::-1])
            await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            octets = os.urandom(100_000) * 2
            writer.write(octets)
            assert await reader.read(-1) == octets[::-1]
            writer.close()
        with socket.socket() as refused:
            refused.bind(("127.0.0.1", 0))
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection(*refused.getsockname())

    run(test)

"""One try: what comes of it, and who is told."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest

from splitdns.answer.decide import Reply
from splitdns.forward.exchange import Exchanger
from splitdns.forward.network import KernelNetwork
from splitdns.forward.policy import Try
from splitdns.forward.query import Question
from splitdns.forward.trying import Ended, Trouble, Trying
from splitdns.forward.upstreams import Upstreams
from splitdns.metrics import Counts
from splitdns.names import from_text
from splitdns.records import Type
from splitdns.view import Upstream, UpstreamSet
from tests.clock import run
from tests.upstreams import Asked, Script, answer, upstream

WWW = Question(from_text("www.example.org."), Type.A)
TIMEOUT_S = 2.0


class Waits:
    """Who asks, and what it is told, when."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str]] = []
        self.came: Ended | Exception | None = None

    def ended(self, _: Trying, ended: Ended | Exception) -> None:
        self.told.append((now_s(), "ended"))
        assert self.came is None
        self.came = ended

    def takes_long(self) -> None:
        self.told.append((now_s(), "takes long"))


def now_s() -> float:
    """Since the loop began."""
    return asyncio.get_running_loop().time() - 1000


def good(asked: Asked) -> list[bytes]:
    return [answer(asked, "www.example.org. 300 A 192.0.2.1")]


def silent(_: Asked) -> list[bytes]:
    return []


def malformed(asked: Asked) -> list[bytes]:
    return [good(asked)[0][:-3]]


def truncated(asked: Asked) -> list[bytes]:
    (wire,) = good(asked)
    return [wire if asked.transport == "tcp" else wire[:2] + bytes((wire[2] | 2,)) + wire[3:]]


def tried(
    script: Script, then: Callable[[Trying, Upstreams, Upstream], Awaitable[None]] | None = None
) -> Waits:
    """A try at an upstream that follows ``script``; after its end, or ``then``, no task of ours is left."""

    async def main() -> Waits:
        loop, counts = asyncio.get_running_loop(), Counts()
        drawn = random.SystemRandom()
        upstreams = Upstreams(counts, Exchanger(KernelNetwork(), drawn, counts), drawn, loop.time)
        async with upstream(script) as one:
            waits = Waits()
            trying = Trying(upstreams, WWW, Try(one.upstream, TIMEOUT_S), loop.time(), waits)
            assert trying.begin(early_s=0.5) is None
            assert not waits.told
            if then is None:
                await asyncio.sleep(TIMEOUT_S + 0.1)
            else:
                await then(trying, upstreams, one.upstream)
            await upstreams.close()
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not [task for task in left if "on_stream" not in repr(task)], "the upstream's own"
            return waits

    return run(main())


@pytest.mark.parametrize("script", [good, truncated])
def test_an_answer_is_told_at_once(script: Script) -> None:
    waits = tried(script)
    assert isinstance(waits.came, Reply)
    assert waits.told == [(0, "ended")]


def test_silence_is_told_twice() -> None:
    waits = tried(silent)
    assert waits.told == [(0.5, "takes long"), (TIMEOUT_S, "ended")]
    assert waits.came == Trouble("no response in time", silence=True)


def test_what_is_malformed_is_no_silence() -> None:
    waits = tried(malformed)
    assert isinstance(waits.came, Trouble)
    assert (waits.came.silence, waits.came.garbled) == (False, True)


def test_who_cannot_be_asked_is_trouble_at_once() -> None:
    async def main() -> None:
        loop, counts = asyncio.get_running_loop(), Counts()
        drawn = random.SystemRandom()
        upstreams = Upstreams(counts, Exchanger(KernelNetwork(), drawn, counts), drawn, loop.time)
        waits = Waits()
        nowhere = Try(Upstream("255.255.255.255"), TIMEOUT_S)
        trouble = Trying(upstreams, WWW, nowhere, loop.time(), waits).begin()
        assert isinstance(trouble, Trouble)
        assert not waits.told
        await upstreams.close()

    run(main())


def test_who_cancels_is_not_told() -> None:
    async def cancel(trying: Trying, *_: object) -> None:
        await asyncio.sleep(0.6)
        trying.cancel()
        await asyncio.sleep(TIMEOUT_S)

    assert tried(silent, cancel).told == [(0.5, "takes long")]


def test_what_was_put_aside_still_teaches_that_an_upstream_is_down() -> None:
    async def put_aside(trying: Trying, upstreams: Upstreams, upstream: Upstream) -> None:
        other = Trying(upstreams, WWW, Try(upstream, TIMEOUT_S), trying.asked_s, None)
        assert other.begin() is None
        for each in (trying, other):
            upstreams.put_aside(each)
        assert not upstreams.are_down(UpstreamSet((upstream,)))
        await asyncio.sleep(TIMEOUT_S)
        assert upstreams.are_down(UpstreamSet((upstream,)))

    assert tried(silent, put_aside).told == []

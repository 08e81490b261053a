"""An engine that is followed: what it runs is seen at once, and its end is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from splitdns.sources.docker import following
from splitdns.sources.docker.client import EngineError
from splitdns.sources.docker.container import containers_in
from splitdns.sources.docker.following import (
    FIRST_RETRY_S,
    GRACE_S,
    LAST_RETRY_S,
    LOOK_S,
    Leaving,
    Running,
    follow,
    rest,
)
from tests.engine import FakeEngine, container

Said = asyncio.Queue[str]


def words(running: Running) -> str:
    there = " ".join(one.name for one in running.containers) or "nothing"
    return there + "".join(f" ({one.name})" for one in running.leaving)


async def at_once(hint: asyncio.Event, pause_s: float) -> None:
    """As `rest`, for a test that has nothing to wait for but what is said."""
    if pause_s in (LOOK_S, GRACE_S):
        await hint.wait()


def followed(fake: FakeEngine, story: Callable[[Said], Awaitable[None]]) -> None:
    async def run() -> None:
        said: Said = asyncio.Queue()
        task = asyncio.create_task(
            follow(
                fake.url,
                lambda running: said.put_nowait(words(running)),
                lambda why: said.put_nowait(f"failed: {why}"),
                resting=at_once,
                clock=lambda: 0.0,
            )
        )
        try:
            async with asyncio.timeout(20):
                await story(said)
        finally:
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(run())


async def until(said: Said, wanted: str) -> None:
    while not (await said.get()).startswith(wanted):
        pass


def test_what_starts_and_stops_is_seen(tmp_path: Path) -> None:
    async def story(said: Said) -> None:
        await until(said, "nothing")
        fake.run("web")
        await until(said, "web")
        fake.run("db")
        await until(said, "web db")
        fake.stop("web")
        await until(said, "db (web)")

    with FakeEngine(tmp_path / "docker.sock") as fake:
        followed(fake, story)


def test_an_engine_that_goes_is_told_and_found_again(tmp_path: Path) -> None:
    async def story(said: Said) -> None:
        await until(said, "nothing")
        fake.close()
        await until(said, "failed: ")
        fake.run("web")
        fake.open_again()
        await until(said, "web")

    with FakeEngine(tmp_path / "docker.sock") as fake:
        followed(fake, story)


def test_a_stream_that_ends_or_talks_nonsense_costs_nothing_that_is_known(tmp_path: Path) -> None:
    async def story(said: Said) -> None:
        await until(said, "web")
        fake.say(b"\xff{{{{\n")
        await until(said, "web")
        fake.end_streams()
        await until(said, "failed: events: ")
        await until(said, "web")

    with FakeEngine(tmp_path / "docker.sock") as fake:
        fake.run("web")
        followed(fake, story)


def test_more_than_an_engine_can_run_is_refused_and_others_are_read_again(
    tmp_path: Path,
) -> None:
    async def story(said: Said) -> None:
        await until(said, "failed: /v1.47/containers/json: expected at most 8,388,608 octets")
        del fake.answers["/containers/json"]
        await until(said, "nothing")

    shown = b'{"Id":"%064d","Names":["/c"],"Labels":{"splitdns.name":"' + b"x" * 400 + b'.example.com"}}'
    with FakeEngine(tmp_path / "docker.sock") as fake:
        fake.answers["/containers/json"] = b"[" + b",".join(shown % n for n in range(100_000)) + b"]"
        followed(fake, story)


class Scripted:
    """Engines that fail in turn; `well` ones are seen once before."""

    def __init__(self, *turns: str) -> None:
        self.turns = list(turns)

    async def containers(self) -> object:
        return []

    async def networks(self) -> object:
        return []

    async def watch(self, _: Callable[[], None]) -> None:
        await asyncio.sleep(0)
        raise EngineError("gone")

    @asynccontextmanager
    async def connecting(self, _: str) -> AsyncIterator[Scripted]:
        turn = self.turns.pop(0)
        if turn == "down":
            raise EngineError("down")
        yield self


def test_the_pause_grows_with_each_failure_and_starts_anew_after_a_success() -> None:
    pauses: list[float] = []
    script = Scripted(*["down"] * 8, "well", "down", "stop")

    async def resting(hint: asyncio.Event, pause_s: float) -> None:
        if pause_s == LOOK_S:
            await hint.wait()
            return
        pauses.append(pause_s)
        if len(script.turns) == 1:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(
            follow("x", lambda _: None, lambda _: None, script.connecting, resting)  # type: ignore[arg-type]
        )

    doubled = [FIRST_RETRY_S * 2**n for n in range(8)]
    assert pauses == [*(min(one, LAST_RETRY_S) for one in doubled), FIRST_RETRY_S, 2 * FIRST_RETRY_S]


def running(*names: str, created: int = 1) -> Running:
    return Running(tuple(containers_in([container(name, created=created) for name in names])), frozenset())


def test_a_container_that_is_gone_is_leaving_for_a_while_and_then_it_is_gone() -> None:
    leaving = Leaving()
    seen = [
        (words(found), pause_s)
        for found, pause_s in (
            leaving.with_those(running("db", "web"), 100.0),
            leaving.with_those(running("db"), 101.0),
            leaving.with_those(running("db"), 103.0),
            leaving.with_those(running("db"), 101.0 + GRACE_S),
            leaving.with_those(running("db"), 200.0),
        )
    ]

    assert seen == [
        (words(running("db", "web")), LOOK_S),
        ("db (web)", GRACE_S),
        ("db (web)", GRACE_S - 2.0),
        ("db", LOOK_S),
        ("db", LOOK_S),
    ]


def test_a_container_that_is_started_anew_never_left() -> None:
    leaving = Leaving()
    leaving.with_those(running("web"), 100.0)
    assert words(leaving.with_those(running(), 101.0)[0]) == "nothing (web)"

    found, pause_s = leaving.with_those(running("web", created=2), 102.0)

    assert (words(found), pause_s) == ("web", LOOK_S)
    assert words(leaving.with_those(running(), 200.0)[0]) == "nothing (web)"  # the next time is another one


def test_a_hint_ends_the_rest_and_so_does_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "SETTLE_S", 0)

    async def both() -> None:
        hint = asyncio.Event()
        await rest(hint, 0.001)
        hint.set()
        await rest(hint, 3600.0)

    asyncio.run(both())

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
            async with asyncio.timeout(60):
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
        assert (await said.get()).startswith("web")  # and nobody is told of a failure

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
    """An engine's connections: each is `down`, or lasts for so many seconds."""

    def __init__(self, *turns: float | str) -> None:
        self.turns = list(turns)
        self.now_s = 0.0

    async def containers(self) -> object:
        return []

    async def networks(self) -> object:
        return []

    async def inspected(self, identity: str) -> object:
        raise AssertionError(identity)

    async def watch(self, changed: Callable[[], None]) -> None:
        changed()
        for _ in range(20):
            await asyncio.sleep(0)
        lasts_s = self.turns.pop(0)
        assert isinstance(lasts_s, float)
        self.now_s += lasts_s
        raise EngineError("gone")

    @asynccontextmanager
    async def connecting(self, _: str) -> AsyncIterator[Scripted]:
        if self.turns[0] == "down":
            self.turns.pop(0)
            raise EngineError("down")
        yield self


def test_the_pause_grows_until_a_connection_lasts() -> None:
    pauses: list[float] = []
    said: list[str] = []
    script = Scripted(*["down"] * 8, 60.0, 0.1, "down", 60.0)

    async def resting(hint: asyncio.Event, pause_s: float) -> None:
        if pause_s == LOOK_S:
            await hint.wait()
            return
        pauses.append(pause_s)
        if not script.turns:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(
            follow(
                "x",
                lambda running: said.append(words(running)),
                said.append,
                script.connecting,  # type: ignore[arg-type]
                resting,
                lambda: script.now_s,
            )
        )

    doubled = [min(FIRST_RETRY_S * 2**n, LAST_RETRY_S) for n in range(8)]
    first, second, third = FIRST_RETRY_S, 2 * FIRST_RETRY_S, 4 * FIRST_RETRY_S
    assert pauses == [*doubled, first, second, third, first]
    assert said == [*["down"] * 8, "nothing", "nothing", "down", "nothing"]


def test_an_engine_whose_stream_does_not_open_is_looked_at_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Silent(Scripted):
        async def watch(self, changed: Callable[[], None]) -> None:
            await asyncio.Event().wait()

    async def run() -> str:
        said: Said = asyncio.Queue()
        script = Silent(60.0)
        told: Callable[[Running], None] = lambda one: said.put_nowait(words(one))  # noqa: E731
        following_it = follow("x", told, said.put_nowait, script.connecting, at_once)  # type: ignore[arg-type]
        task = asyncio.create_task(following_it)
        async with asyncio.timeout(60):
            found = await said.get()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return found

    monkeypatch.setattr(following, "OPEN_S", 0.01)
    assert asyncio.run(run()) == "nothing"


def test_an_engine_whose_events_may_not_be_heard_is_a_failure_and_says_why(tmp_path: Path) -> None:
    async def story(said: Said) -> None:
        for _ in range(3):
            assert (await said.get()).startswith("failed: events: HTTP status 403; a proxy in front")

    with FakeEngine(tmp_path / "docker.sock") as fake:
        fake.answers["/events"] = 403
        followed(fake, story)


def running(*names: str, created: int = 1) -> Running:
    return Running(tuple(containers_in([container(name, created=created) for name in names])), frozenset())


def test_a_container_that_is_gone_is_leaving_for_a_while__semantics_32() -> None:
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

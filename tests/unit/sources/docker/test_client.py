"""An engine that is asked: over its socket and over a port, in each version, and in trouble."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import pytest

from splitdns.sources.docker import client
from splitdns.sources.docker.client import Engine, EngineError, connected
from tests.engine import FakeEngine, container, identity

T = TypeVar("T")


def asked(url: str, question: Callable[[Engine], Awaitable[T]]) -> T:
    async def ask() -> T:
        async with connected(url) as engine:
            return await question(engine)

    return asyncio.run(ask())


@pytest.fixture
def socket(tmp_path: Path) -> Path:
    return tmp_path / "docker.sock"


def test_an_engine_tells_what_runs_over_its_socket(socket: Path) -> None:
    with FakeEngine(socket) as fake:
        fake.run("web")
        containers = asked(fake.url, Engine.containers)
        networks = asked(fake.url, Engine.networks)

    assert isinstance(containers, list)
    assert [one["Names"] for one in containers] == [["/web"]]
    assert isinstance(networks, list)
    assert {one["Driver"] for one in networks} == {"bridge", "macvlan"}


def test_a_container_may_be_inspected(socket: Path) -> None:
    with FakeEngine(socket) as fake:
        fake.run("web", mode="host")
        shown = asked(fake.url, lambda engine: engine.inspected(identity("web")))
        with pytest.raises(EngineError, match="HTTP status 404"):
            asked(fake.url, lambda engine: engine.inspected("../networks"))

    assert isinstance(shown, dict)
    assert shown["HostConfig"] == {"NetworkMode": "host"}
    assert fake.asked[-1] == "/v1.47/containers/..%2Fnetworks/json"


@pytest.mark.parametrize("scheme", ["http", "tcp"])
def test_a_proxy_of_the_socket_is_asked_over_http(scheme: str) -> None:
    with FakeEngine() as fake:
        assert asked(fake.url.replace("http", scheme), Engine.containers) == []


def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch, socket: Path) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with FakeEngine() as fake:
        assert asked(fake.url, Engine.containers) == []
    with FakeEngine(socket) as fake:
        assert asked(fake.url, Engine.containers) == []


@pytest.mark.parametrize(
    ("theirs", "oldest", "path"),
    [
        ("1.47", "1.24", "/v1.47/networks"),
        ("1.41", "1.24", "/v1.41/networks"),
        ("1.24", "1.12", "/v1.24/networks"),
        ("1.99", "1.24", "/v1.51/networks"),
        ("1.99", "1.60", "/v1.60/networks"),
        ("1.47", None, "/v1.47/networks"),
    ],
)
def test_both_sides_speak_the_newest_version_that_both_know(
    socket: Path, theirs: str, oldest: str | None, path: str
) -> None:
    with FakeEngine(socket) as fake:
        fake.version |= {"ApiVersion": theirs, "MinAPIVersion": oldest}
        if oldest is None:
            del fake.version["MinAPIVersion"]
        asked(fake.url, Engine.networks)

        assert fake.asked == ["/version", path]


@pytest.mark.parametrize(
    ("version", "message"),
    [
        (b"{}", "/version: expected the engine's ApiVersion, found none"),
        (b"[]", "/version: expected the engine's ApiVersion, found none"),
        (b'{"ApiVersion": "new"}', "/version: expected the engine's ApiVersion, found none"),
        (b'{"ApiVersion": "1.23"}', "/version: expected API 1.24 or later, found 1.23"),
        (b"<html>", "/version: expected JSON, found b'<html>'"),
        (b"[" * 200_000, "/version: expected JSON"),
        (500, "/version: HTTP status 500"),
    ],
)
def test_who_is_no_engine_is_told(socket: Path, version: bytes | int, message: str) -> None:
    with FakeEngine(socket) as fake:
        fake.answers["/version"] = version
        with pytest.raises(EngineError) as raised:
            asked(fake.url, Engine.containers)

    assert str(raised.value).startswith(message)


def test_what_a_proxy_forbids_is_told_with_the_remedy() -> None:
    with FakeEngine() as fake:
        fake.answers["/networks"] = 403
        with pytest.raises(EngineError, match=r"/networks: HTTP status 403; a proxy in front of the engine"):
            asked(fake.url, Engine.networks)
        fake.answers["/events"] = 403
        with pytest.raises(EngineError, match="events: HTTP status 403; a proxy in front of the engine"):
            asked(fake.url, lambda engine: engine.watch(lambda: None))


def test_an_engine_that_is_not_there_is_told(socket: Path) -> None:
    with pytest.raises(EngineError, match=r"/version: .*No such file"):
        asked(f"unix://{socket}", Engine.containers)
    with pytest.raises(EngineError, match="/version: "):
        asked("http://127.0.0.1:9", Engine.containers)


def test_an_engine_that_does_not_answer_in_time_is_told(
    socket: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "PATIENCE_S", 0.05)
    with FakeEngine(socket) as fake:
        fake.hold_s = 0.5
        with pytest.raises(EngineError, match="/version: nothing within"):
            asked(fake.url, Engine.containers)


def test_an_answer_is_read_up_to_its_limit(socket: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps([container("web")]).encode()
    with FakeEngine(socket) as fake:
        fake.answers["/containers/json"] = body
        monkeypatch.setattr(client, "MAX_OCTETS", len(body))
        assert asked(fake.url, Engine.containers) == [container("web")]
        monkeypatch.setattr(client, "MAX_OCTETS", len(body) - 1)
        with pytest.raises(EngineError, match=r"/containers/json: expected at most [0-9,]+ octets"):
            asked(fake.url, Engine.containers)


def test_each_event_is_a_hint_whatever_it_says(socket: Path) -> None:
    async def watch(fake: FakeEngine) -> list[str]:
        hints: asyncio.Queue[str] = asyncio.Queue()
        async with connected(fake.url) as engine:
            watching = asyncio.create_task(engine.watch(lambda: hints.put_nowait("hint")))
            found = [await hints.get()]  # the stream is open
            fake.run("web")
            found.append(await hints.get())
            fake.say(b"\0garbage{")
            found.append(await hints.get())
            fake.end_streams()
            with pytest.raises(EngineError, match="events: "):
                await watching
        return found

    with FakeEngine(socket) as fake:
        assert len(asyncio.run(watch(fake))) == 3


def test_the_engine_is_asked_for_the_events_that_matter_and_never_told_anything(socket: Path) -> None:
    with FakeEngine(socket) as fake:
        fake.answers["/events"] = b""
        with pytest.raises(EngineError, match="events: the engine ended the stream"):
            asked(fake.url, lambda engine: engine.watch(lambda: None))

        (_, events) = fake.asked
    assert events.startswith("/v1.47/events?filters=")
    assert "start" in events
    assert "exec" not in events

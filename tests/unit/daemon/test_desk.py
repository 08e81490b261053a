from __future__ import annotations

import asyncio
import logging
import socket
from pathlib import Path
from typing import Any

import pytest

from splitdns.daemon import desk, inspection
from splitdns.daemon.channel import Flush
from splitdns.daemon.desk import MIN_TOKEN, Desk, Means, door_of
from splitdns.daemon.inspection import Inspector
from splitdns.load.load import load
from splitdns.load.settings import read_settings
from splitdns.metrics import Counts
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.web.answers import Explained, Typed
from splitdns.web.server import UnavailableError
from splitdns.web.stream import Batch
from tests.unit.cli import gateway
from tests.unit.cli.conftest import CONFIG


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of low priority gets to work late where many tests run at once."""
    monkeypatch.setattr(desk, "EXPLAIN_S", 600.0)
    monkeypatch.setattr(inspection, "CURES_S", 600.0)


class FakeCrew:
    """Workers that say what they are told to."""

    def __init__(self) -> None:
        self.on_seen: Any = None
        self.watched: list[float] = []
        self.askers = {"lan": {"192.168.1.10", "192.168.1.9", "::ffff:192.168.1.9"}}

    def watch(self, for_s: float) -> None:
        self.watched.append(for_s)

    async def clients(self) -> dict[str, set[str]]:
        return self.askers


def made(directory: Path, crew: FakeCrew, inspector: Inspector | None = None) -> Desk:
    (directory / "zones").mkdir(exist_ok=True)
    (directory / "splitdns.yaml").write_text(CONFIG)
    gateway.lay(directory)
    loaded = load(directory / "splitdns.yaml", generation=1, now_s=0.0)

    async def counts() -> Counts:
        return Counts()

    async def flush(_: Flush) -> int:
        return 3

    means = Means(
        directory, lambda: loaded, lambda: inspector, counts, lambda: None, flush, lambda: None, lambda: None
    )
    return Desk(means, crew)  # type: ignore[arg-type]


def test_clients_are_told_once_and_in_order(tmp_path: Path) -> None:
    clients = asyncio.run(made(tmp_path, FakeCrew()).clients())

    assert clients == {"lan": ["192.168.1.9", "192.168.1.10"]}


def test_what_workers_send_reaches_the_audience(tmp_path: Path) -> None:
    crew = FakeCrew()
    desk = made(tmp_path, crew)
    entry: list[QueryLogEntry] = []

    async def test() -> Batch | None:
        watching = desk.audience.watch()
        waiting = asyncio.ensure_future(anext(watching))
        await asyncio.sleep(0)
        crew.on_seen(entry, 5)
        return await waiting

    assert asyncio.run(test()) == Batch(entry, 5)
    assert crew.watched


def test_an_explanation_is_made_in_a_child_and_comes_back(tmp_path: Path) -> None:
    typed = Typed("www.example.com", "A", "198.51.100.7", "443/tcp")

    found = asyncio.run(made(tmp_path, FakeCrew()).explained(typed))

    assert isinstance(found, Explained)
    assert found.way is not None


def test_who_comes_when_too_many_wait_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "MAX_WAITING", 1)
    here = made(tmp_path, FakeCrew())
    typed = Typed("www.example.com", "A", "198.51.100.7")

    async def test() -> list[object]:
        return await asyncio.gather(here.explained(typed), here.explained(typed), return_exceptions=True)

    found = asyncio.run(test())
    assert [type(one) for one in found] == [Explained, UnavailableError]


def test_cures_are_tried_once_for_each_inspection(tmp_path: Path) -> None:
    inspector = Inspector(tmp_path / "splitdns.yaml", Counts(), lambda: None)
    here = made(tmp_path, FakeCrew(), inspector)

    async def test() -> tuple[bool, bool]:
        await inspector.inspect(here.loaded)
        first, second = await here.cures(), await here.cures()
        await inspector.inspect(here.loaded)
        return first is second, await here.cures() is first

    assert asyncio.run(test()) == (True, False)
    assert here.inspected is not None


def test_rules_that_cannot_be_read_have_no_cures(tmp_path: Path) -> None:
    inspector = Inspector(tmp_path / "splitdns.yaml", Counts(), lambda: None)
    here = made(tmp_path, FakeCrew(), inspector)
    (tmp_path / "rules.v4").unlink()

    with pytest.raises(UnavailableError, match="cannot read"):
        asyncio.run(here.cures())
    with pytest.raises(UnavailableError, match="not begun"):
        asyncio.run(made(tmp_path, FakeCrew()).cures())


@pytest.mark.parametrize(("address", "is_open"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False)])
def test_only_a_loopback_address_is_open__semantics_30(tmp_path: Path, address: str, is_open: bool) -> None:
    settings = read_settings("admin: {names: [Dns.Example.org.]}", "splitdns.yaml").admin
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as sock:
        door = door_of(settings, tmp_path, sock)

    assert (door.open, door.token, door.names) == (is_open, None, frozenset({"dns.example.org"}))


def test_the_token_is_read_from_its_file(tmp_path: Path) -> None:
    settings = read_settings("admin: {token_file: token}", "splitdns.yaml").admin
    (tmp_path / "token").write_text("x" * MIN_TOKEN + "\n")
    with socket.create_server(("127.0.0.1", 0)) as sock:
        assert door_of(settings, tmp_path, sock).token == "x" * MIN_TOKEN


@pytest.mark.parametrize("content", [None, b"", b"x" * (MIN_TOKEN - 1), b"\xff" * 40])
def test_a_token_that_is_none_lets_nobody_in_and_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes | None
) -> None:
    settings = read_settings("admin: {token_file: token}", "splitdns.yaml").admin
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with socket.create_server(("127.0.0.1", 0)) as sock:
        first, second = door_of(settings, tmp_path, sock), door_of(settings, tmp_path, sock)

    assert first.token != second.token
    assert not first.admits("Basic Og==")  # no user and no password
    assert [one.message for one in caplog.records] == ["admin.token", "admin.token"]
    assert [one.levelno for one in caplog.records] == [logging.ERROR, logging.ERROR]

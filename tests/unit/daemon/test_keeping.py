"""What was loaded is kept by a child, once, and whatever is in the way is told once."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from splitdns.daemon.keeping import Keeping
from splitdns.load.kept import MIN_OCTETS
from splitdns.load.load import Loaded
from tests.unit.daemon.site import Site

FILL = "".join(f"# {number:060}\n" for number in range(MIN_OCTETS // 60))
LATER_S = 10.0
PATIENCE_S = 60.0


def site(path: Path, compiled: str) -> Site:
    made = Site(path, f"compiled: {compiled}\n")
    made.write("one.example", 1, FILL)
    made.write("two.example", 2, FILL)
    made.write("small.example", 3)
    return made


async def kept(keeping: Keeping, is_done: Callable[[], bool]) -> None:
    task = asyncio.create_task(keeping.keep())
    try:
        async with asyncio.timeout(PATIENCE_S):
            while not is_done():
                await asyncio.sleep(0.01)
    finally:
        task.cancel()


def take(keeping: Keeping, loaded: Loaded, former: Loaded | None = None) -> None:
    keeping.take(loaded, former, time.time() + LATER_S)


def files(directory: Path) -> dict[Path, int]:
    found = directory.glob("[!.]*.compiled") if directory.is_dir() else ()
    return {path: path.stat().st_ino for path in found}


def test_large_zones_are_kept_and_after_a_reload_only_those_that_changed(tmp_path: Path) -> None:
    here, directory = site(tmp_path, "kept"), tmp_path / "kept"
    keeping = Keeping(here.config, lambda: None)
    first = here.load()
    take(keeping, first)
    asyncio.run(kept(keeping, lambda: len(files(directory)) == 2))
    before = files(directory)

    here.write("two.example", 22, FILL)
    take(keeping, here.load(first), first)
    asyncio.run(kept(keeping, lambda: files(directory) != before))
    after = files(directory)
    assert after.keys() == before.keys()
    assert sum(after[path] == before[path] for path in before) == 1


def test_the_child_keeps_nothing_open_that_is_the_supervisor_s(tmp_path: Path) -> None:
    here, closed = site(tmp_path, "kept"), tmp_path / "closed"
    keeping = Keeping(here.config, closed.touch)
    take(keeping, here.load())
    asyncio.run(kept(keeping, lambda: len(files(tmp_path / "kept")) == 2))
    assert closed.exists()


def test_where_nothing_can_be_written_it_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    here = site(tmp_path, "file/kept")
    keeping = Keeping(here.config, lambda: None)
    first = here.load()
    take(keeping, first)
    asyncio.run(kept(keeping, lambda: bool(caplog.records)))
    take(keeping, first)
    (told,) = caplog.records
    assert (told.message, told.levelno) == ("compiled.failed", logging.WARNING)
    assert told.__dict__["reason"] == "Not a directory"


def test_nothing_is_kept_where_the_configuration_says_so(tmp_path: Path) -> None:
    here = site(tmp_path, "null")
    keeping = Keeping(here.config, lambda: pytest.fail("there is a child"))
    take(keeping, here.load())

    async def for_a_while() -> None:
        task = asyncio.create_task(keeping.keep())
        for _ in range(10):
            await asyncio.sleep(0)
        task.cancel()

    asyncio.run(for_a_while())
    assert files(tmp_path) == {}

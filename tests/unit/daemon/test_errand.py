from __future__ import annotations

import asyncio
import os
import time

import pytest

from splitdns.daemon.errand import ErrandError, errand


def test_a_value_comes_back_from_another_process() -> None:
    called: list[str] = []

    found = asyncio.run(errand(lambda: (os.getpid(), "x" * 100_000), lambda: called.append("here"), 600.0))

    assert found[0] != os.getpid()
    assert len(found[1]) == 100_000
    assert called == []  # it was, over there


def test_it_is_in_the_child_before_the_work() -> None:
    told: list[str] = []

    assert asyncio.run(errand(lambda: list(told), lambda: told.append("closed"), 600.0)) == ["closed"]


def test_what_takes_too_long_is_killed() -> None:
    started_s = time.monotonic()

    with pytest.raises(ErrandError, match="it took more than 0 s"):
        asyncio.run(errand(lambda: time.sleep(60), lambda: None, 0.2))

    assert time.monotonic() - started_s < 30


def test_a_child_that_dies_is_told() -> None:
    with pytest.raises(ErrandError, match="ended with status 3"):
        asyncio.run(errand(lambda: os._exit(3), lambda: None, 600.0))


def test_who_is_cancelled_leaves_no_child() -> None:
    async def test() -> None:
        reading, writing = os.pipe()  # the child has it open until it ends

        def work() -> None:
            os.close(reading)
            os.write(writing, b"here")
            time.sleep(60)

        task = asyncio.ensure_future(errand(work, lambda: None, 60.0))
        assert await asyncio.to_thread(os.read, reading, 4) == b"here"
        os.close(writing)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert os.read(reading, 1) == b""
        os.close(reading)

    asyncio.run(test())

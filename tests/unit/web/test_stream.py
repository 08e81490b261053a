from __future__ import annotations

import asyncio
from contextlib import aclosing

import pytest

from splitdns.names import wire_from_text
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.web.stream import LEASE_S, MAX_EVENTS, MAX_WATCHERS, Audience, Batch, TooManyError, event
from splitdns.wire.message import Transport


def entry(name: bytes = b"\x03www\0", time_s: float = 1.0) -> QueryLogEntry:
    return QueryLogEntry(
        time_s, "192.168.1.7", Transport.UDP, "lan", None, name, 1, 1, 3, "zone", 40, 60, 0.00123
    )


def test_events_reach_every_watcher_and_workers_are_asked_for_them() -> None:
    asked: list[float] = []
    audience = Audience(asked.append)

    async def test() -> None:
        async with aclosing(audience.watch()) as one, aclosing(audience.watch()) as other:
            first, second = (asyncio.ensure_future(anext(each)) for each in (one, other))
            await asyncio.sleep(0)
            audience.heard(Batch([entry()], 4))
            assert await first == await second == Batch([entry()], 4)

    asyncio.run(test())
    assert asked == [LEASE_S, LEASE_S]


def test_nobody_watches_and_nobody_is_asked() -> None:
    asked: list[float] = []
    audience = Audience(asked.append)

    async def test() -> None:
        audience.heard(Batch([entry()]))
        assert asked == []
        assert len(audience.glance()) == 1
        assert asked == [LEASE_S]

    asyncio.run(test())


def test_what_was_heard_is_forgotten_when_nobody_looks__semantics_30() -> None:
    audience = Audience(lambda _: None, keep_s=0.0)

    async def test() -> None:
        audience.glance()
        audience.heard(Batch([entry()]))
        while audience._recent:
            await asyncio.sleep(0)
        assert list(audience.glance()) == []

    asyncio.run(test())


def test_a_slow_watcher_loses_the_oldest_and_holds_nobody_up() -> None:
    audience = Audience(lambda _: None)

    async def test() -> None:
        async with aclosing(audience.watch()) as batches:
            waiting = asyncio.ensure_future(anext(batches))
            await asyncio.sleep(0)
            for number in range(MAX_EVENTS + 11):
                audience.heard(Batch([], number))
            assert await waiting == Batch([], 11)

    asyncio.run(test())


def test_a_watch_ends_by_itself() -> None:
    async def test() -> list[Batch | None]:
        return [batch async for batch in Audience(lambda _: None).watch(0.01)]

    assert asyncio.run(test()) == [None]


def test_there_are_only_so_many_watchers_and_places_become_free() -> None:
    audience = Audience(lambda _: None)

    async def test() -> None:
        watching = [audience.watch() for _ in range(MAX_WATCHERS)]
        waiting = [asyncio.ensure_future(anext(each)) for each in watching]
        await asyncio.sleep(0)
        with pytest.raises(TooManyError):
            await anext(audience.watch())
        audience.heard(Batch([]))
        await asyncio.gather(*waiting)
        for each in watching:
            await each.aclose()
        late = asyncio.ensure_future(anext(audience.watch()))
        await asyncio.sleep(0)
        audience.heard(Batch([], 1))
        assert await late == Batch([], 1)

    asyncio.run(test())


def test_the_newest_stand_first_and_old_ones_are_forgotten() -> None:
    audience = Audience(lambda _: None)
    audience.heard(Batch([entry(time_s=number) for number in range(MAX_EVENTS + 5)]))

    async def glance() -> list[float]:
        return [one.time_s for one in audience.glance()]

    assert asyncio.run(glance()) == [*range(MAX_EVENTS + 4, 4, -1)]


def test_any_octets_of_a_name_are_printable() -> None:
    hostile = b"\x0a\x00\xff<b>\x1b[2J\n\0"

    value = event(entry(hostile))

    assert value["name"] == r"\000\255<b>\027[2J\010."
    assert (value["type"], value["rcode"], value["ms"]) == ("A", "NXDOMAIN", 1.23)
    assert event(entry(b""))["name"] == ""
    assert event(entry(wire_from_text("www.example.org.")))["name"] == "www.example.org."

"""Follows an engine: looks at all that runs, at times, and at once when the engine says that it changed.

A look after each event, instead of keeping count of events: what was missed, while the engine was away or its
stream was full, cannot add up. And a look at times, since a connection that died silently says nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import replace

from splitdns.sources.docker.client import Engine, EngineError, connected
from splitdns.sources.docker.container import (
    Container,
    containers_in,
    reachable_networks,
    without_mode,
)
from splitdns.value import value

GRACE_S = 5.0  # for which a container that is gone counts: who starts it anew is not to find its names denied
LOOK_S = 30.0  # between two looks where nothing is said
SETTLE_S = 0.2  # for events that come together; looks are never closer than that
OPEN_S = 2.0  # that the first look waits for the stream of events, so that none is missed in between
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 15.0  # after the end of a connection; doubled with each that did not last

Clock = Callable[[], float]
Connecting = Callable[[str], AbstractAsyncContextManager[Engine]]
Resting = Callable[[asyncio.Event, float], Awaitable[None]]


@value(frozen=True, slots=True)
class Running:
    """What runs: the containers, oldest first, and the networks in which they are met as they are.

    ``leaving`` are those that ran just now.
    """

    containers: tuple[Container, ...]
    reachable: frozenset[tuple[str, int]]
    leaving: tuple[Container, ...] = ()


class Leaving:
    """Keeps containers for a while that are gone, by name: one that is made anew has another id."""

    def __init__(self) -> None:
        self._last: dict[str, Container] = {}
        self._gone_s: dict[str, float] = {}

    def with_those(self, running: Running, now_s: float) -> tuple[Running, float]:
        """What runs with what is leaving, and for how many seconds that is right at the most."""
        here = {one.name: one for one in running.containers}
        gone_s = {name: self._gone_s.get(name, now_s) for name in self._last if name not in here}
        self._gone_s = {name: since_s for name, since_s in gone_s.items() if now_s - since_s < GRACE_S}
        leaving = {name: self._last[name] for name in self._gone_s}
        self._last = here | leaving
        pause_s = min((since_s + GRACE_S - now_s for since_s in self._gone_s.values()), default=LOOK_S)
        return replace(running, leaving=tuple(leaving.values())), pause_s


async def rest(hint: asyncio.Event, pause_s: float) -> None:
    """Until there is a ``hint`` that something changed, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await hint.wait()
    await asyncio.sleep(SETTLE_S)


async def follow(
    url: str,
    seen: Callable[[Running], None],
    failed: Callable[[str], None],
    connecting: Connecting = connected,
    resting: Resting = rest,
    clock: Clock = time.monotonic,
) -> None:
    """Tell ``seen`` what runs at the engine at ``url``, and ``failed`` why that cannot be told; forever.

    A connection that ends after it was of use is no failure: proxies end what was silent for minutes.
    """
    retry_s = FIRST_RETRY_S
    leaving = Leaving()
    was_of_use = False

    def well(running: Running) -> float:
        nonlocal was_of_use
        was_of_use = True
        with_those, pause_s = leaving.with_those(running, clock())
        seen(with_those)
        return pause_s

    while True:
        since_s, was_of_use = clock(), False
        try:
            async with connecting(url) as engine:
                await _look_again(engine, well, resting)
        except* EngineError as group:
            if not was_of_use:
                failed(str(group.exceptions[0]))
        if clock() - since_s >= LAST_RETRY_S:
            retry_s = FIRST_RETRY_S
        await resting(asyncio.Event(), retry_s)
        retry_s = min(2 * retry_s, LAST_RETRY_S)


async def _look_again(engine: Engine, seen: Callable[[Running], float], resting: Resting) -> None:
    """Until the engine fails; ``seen`` says after how many seconds to look again at the latest.

    Raises:
        ExceptionGroup[EngineError]: it did.
    """
    hint = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.watch(hint.set))
        with suppress(TimeoutError):
            async with asyncio.timeout(OPEN_S):
                await hint.wait()
        while True:
            hint.clear()
            pause_s = seen(await look(engine))
            await resting(hint, pause_s)


async def look(engine: Engine) -> Running:
    """What runs now.

    Raises:
        EngineError: the engine does not say.
    """
    listed = await engine.containers()
    for shown in without_mode(listed):
        with suppress(EngineError):  # it is gone again
            inspected = await engine.inspected(shown["Id"])
            shown["HostConfig"] = inspected.get("HostConfig") if isinstance(inspected, dict) else None
    return Running(tuple(containers_in(listed)), reachable_networks(await engine.networks()))

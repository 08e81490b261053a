"""Follows an engine: looks at all that runs, at times, and at once when the engine says that it changed.

A look after each event, instead of keeping count of events: what was missed, while the engine was away or its
stream was full, cannot add up. And a look at times, since a connection that died silently says nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass

from splitdns.sources.docker.client import Engine, EngineError, connected
from splitdns.sources.docker.container import Container, containers_in, reachable_networks

LOOK_S = 30.0  # between two looks where nothing is said
SETTLE_S = 0.2  # for events that come together; looks are never closer than that
FIRST_RETRY_S, LAST_RETRY_S = 0.5, 15.0  # after a failure; doubled with each more

Connecting = Callable[[str], AbstractAsyncContextManager[Engine]]
Resting = Callable[[asyncio.Event, float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Running:
    """What runs: the containers, oldest first, and the networks of which they are met as they are."""

    containers: tuple[Container, ...]
    reachable: frozenset[tuple[str, int]]


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
) -> None:
    """Tell ``seen`` what runs at the engine at ``url``, and ``failed`` why that cannot be told; forever."""
    retry_s = FIRST_RETRY_S

    def well(running: Running) -> None:
        nonlocal retry_s
        retry_s = FIRST_RETRY_S
        seen(running)

    while True:
        try:
            async with connecting(url) as engine:
                await _look_again(engine, well, resting)
        except* EngineError as group:
            failed(str(group.exceptions[0]))
        await resting(asyncio.Event(), retry_s)
        retry_s = min(2 * retry_s, LAST_RETRY_S)


async def _look_again(engine: Engine, seen: Callable[[Running], None], resting: Resting) -> None:
    """Until the engine fails.

    Raises:
        ExceptionGroup[EngineError]: it did.
    """
    hint = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.watch(hint.set))
        while True:
            hint.clear()
            seen(await look(engine))
            await resting(hint, LOOK_S)


async def look(engine: Engine) -> Running:
    """What runs now.

    Raises:
        EngineError: the engine does not say.
    """
    containers = containers_in(await engine.containers())
    return Running(tuple(containers), reachable_networks(await engine.networks()))

"""Keeps what sources say: follows each, and says when a generation has to be built.

A source that breaks keeps its last good records: a DHCP server that starts anew has not lost its clients. Of
one that has said nothing yet the zone is there all the same, lest its names be asked of others, or denied. A
flood of changes is a generation a second, at most.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from splitdns.load.load import Loaded
from splitdns.load.settings import Settings
from splitdns.load.supplies import Supply
from splitdns.metrics import (
    SOURCE_CHANGES,
    SOURCE_FAILURES,
    SOURCE_LOST_NAMES,
    SOURCE_RECORDS,
    SOURCE_REFUSED,
    SOURCE_SEEN,
    SOURCE_UP,
    Counts,
)
from splitdns.sources.asking import reason_of
from splitdns.sources.making import sources_of
from splitdns.sources.source import Said, Source, SourceError
from splitdns.value import value

log = logging.getLogger("splitdns.sources")

GAP_S = 1.0  # between two generations that are wanted

Clock = Callable[[], float]
Sleeping = Callable[[float], Awaitable[None]]


@value(frozen=True, slots=True)
class _Held:
    """What a source said last, when (Unix time; 0: never), and why it says nothing now, or ""."""

    said: Said | None = None
    seen_s: float = 0.0
    failing: str = ""


class Keeper:
    """The sources of one server."""

    def __init__(
        self,
        making: Callable[[Settings, Path], Sequence[Source]] = sources_of,
        clock: Clock = time.time,
        sleeping: Sleeping = asyncio.sleep,
    ) -> None:
        self._make, self._clock, self._sleep = making, clock, sleeping
        self._held: dict[Source, _Held] = {}
        self._tasks: dict[Source, asyncio.Task[None]] = {}
        self._wanted = asyncio.Event()

    def start(
        self,
        group: asyncio.TaskGroup,
        loaded: Loaded,
        base: Path,
        counts: Counts,
        changed: Callable[[], object],
    ) -> None:
        """Follow the sources in ``group``, and call ``changed`` when ``loaded`` is not what they say.

        ``base`` is the directory of the configuration.
        """
        self._group, self._base, self._counts, self._changed = group, base, counts, changed
        self.follow(loaded)
        self._wanting = group.create_task(self._want())

    # What is known

    def supplying(self, settings: Settings, base: Path) -> tuple[Supply, ...]:
        """What the settings' sources say, now; also called where a generation is built."""
        return tuple(supply for source in self._make(settings, base) for supply in self._supplies(source))

    def _supplies(self, source: Source) -> tuple[Supply, ...]:
        held = self._held.get(source) or self._first(source)
        return held.said.supplies if held.said is not None else source.unheard

    def _first(self, source: Source) -> _Held:
        """What is held of a source that nobody has asked yet."""
        now_s = self._clock()
        try:
            said = source.look(now_s)
        except (SourceError, OSError) as error:
            return _Held(failing=reason_of(error))
        return _Held(said, now_s) if said is not None else _Held()

    @property
    def is_current(self) -> bool:
        """Whether the generation that answers has what the sources say."""
        return self._used == tuple(supply for source in self._sources for supply in self._supplies(source))

    # Following

    def follow(self, loaded: Loaded) -> None:
        """Follow the sources of ``loaded``, the generation that answers from now on."""
        self._used, self._lost = loaded.supplies, loaded.lost
        self._sources = tuple(dict.fromkeys(self._make(loaded.settings, self._base)))
        for source in [one for one in self._tasks if one not in self._sources]:
            self._tasks.pop(source).cancel()
            del self._held[source]
        for source in self._sources:
            if source not in self._tasks:
                held = self._held[source] = self._first(source)
                if held.failing:
                    self._warn(source, held.failing)
                self._tasks[source] = self._group.create_task(self._follow(source))
        self._tell()

    def close(self) -> None:
        """Follow none any more."""
        for task in (self._wanting, *self._tasks.values()):
            task.cancel()
        self._tasks.clear()

    async def _follow(self, source: Source) -> None:
        told, failed = partial(self._answered, source), partial(self._failed, source)
        await source.follow(self._held[source].said, told, failed)

    async def _want(self) -> None:
        """Have a generation built where one is needed, and then none for a while."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if not self.is_current:
                self._changed()
                await self._sleep(GAP_S)

    def _answered(self, source: Source, said: Said) -> None:
        former = self._held[source]
        self._held[source] = _Held(said, self._clock())
        if former.failing:
            log.info("source.back", extra={"source": source.name})
        if former.said is None or former.said.supplies != said.supplies:
            self._counts.add(SOURCE_CHANGES, source.name)
            records = sum(len(supply.records) for supply in said.supplies)
            log.info("source.changed", extra={"source": source.name, "records": records})
        self._tell()

    def _failed(self, source: Source, reason: str) -> None:
        self._counts.add(SOURCE_FAILURES, source.name)
        former = self._held[source]
        if former.failing != reason:
            self._warn(source, reason)
        self._held[source] = replace(former, failing=reason)
        self._tell()

    def _warn(self, source: Source, reason: str) -> None:
        kept = sum(len(supply.records) for supply in self._supplies(source))
        log.warning("source.failed", extra={"source": source.name, "reason": reason, "kept": kept})

    def _tell(self) -> None:
        """What is known now, to all whom it concerns: the metrics, and the next generation."""
        for metric in (SOURCE_RECORDS, SOURCE_LOST_NAMES, SOURCE_REFUSED, SOURCE_SEEN, SOURCE_UP):
            self._counts.forget(metric)
        for source in self._sources:
            held = self._held[source]
            self._counts.set(SOURCE_UP, not held.failing, source.name)
            if held.seen_s:
                self._counts.set(SOURCE_SEEN, held.seen_s, source.name)
            for supply in self._supplies(source):
                self._counts.add(SOURCE_RECORDS, source.name, by=len(supply.records))
                self._counts.add(SOURCE_REFUSED, source.name, by=len(supply.refused))
        for lost in self._lost:
            self._counts.add(SOURCE_LOST_NAMES, lost.source)
        if not self.is_current:
            self._wanted.set()

"""Queries as they are answered, for those who watch a page; nobody watches mostly, and then there is nothing.

Workers send events only for a while after they were asked to, and are asked again while somebody watches. A
watcher who reads too slowly loses the oldest events: nothing here ever waits for a browser.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress

from splitdns.names import to_text
from splitdns.records import type_to_text
from splitdns.serve.pipeline import QueryLogEntry
from splitdns.value import value

MAX_EVENTS = 200  # that are kept for a watcher; beyond: the oldest are forgotten
MAX_WATCHERS = 8  # beyond: nobody more may watch
LEASE_S = 10.0  # for which workers send, after they were asked to
RENEW_S = LEASE_S / 2
KEEP_S = 2 * LEASE_S  # for which the last queries are kept after somebody looked
WATCH_S = 60.0  # of one connection; the browser comes again by itself


@value(frozen=True, slots=True)
class Batch:
    """Queries in the order of their answers, and how many more there were, of which nothing is known."""

    entries: Sequence[QueryLogEntry]
    skipped: int = 0


class TooManyError(Exception):
    """There are as many watchers as may be."""


class Audience:
    """All watchers; ``ask`` has the workers send events for so many seconds from now.

    What was heard is forgotten ``keep_s`` after somebody looked last.
    """

    def __init__(self, ask: Callable[[float], None], keep_s: float = KEEP_S) -> None:
        self._ask_workers = ask
        self._keep_s = keep_s
        self._looked_s = 0.0
        self._forgetting: asyncio.TimerHandle | None = None
        self._queues: set[asyncio.Queue[Batch]] = set()
        self._recent: deque[QueryLogEntry] = deque(maxlen=MAX_EVENTS)

    def heard(self, batch: Batch) -> None:
        """A worker sent events."""
        self._recent.extend(batch.entries)
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(batch)

    def glance(self) -> Sequence[QueryLogEntry]:
        """What was heard lately, the newest first; there is more to see at the next glance."""
        self._ask()
        return sorted(self._recent, key=lambda entry: -entry.time_s)

    def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        self._ask_workers(LEASE_S)
        self._looked_s = loop.time()
        if self._forgetting is None:
            self._forgetting = loop.call_later(self._keep_s, self._forget)

    def _forget(self) -> None:
        loop = asyncio.get_running_loop()
        at_s = self._looked_s + self._keep_s
        if loop.time() < at_s:
            self._forgetting = loop.call_at(at_s, self._forget)
            return
        self._forgetting = None
        self._recent.clear()

    async def watch(self, for_s: float = WATCH_S) -> AsyncGenerator[Batch | None, None]:
        """Events as they come, for ``for_s``; None: there were none for a while.

        Raises:
            TooManyError: others watch already.
        """
        if len(self._queues) >= MAX_WATCHERS:
            raise TooManyError
        queue: asyncio.Queue[Batch] = asyncio.Queue(MAX_EVENTS)
        self._queues.add(queue)
        now_s = asyncio.get_running_loop().time
        end_s, renew_s = now_s() + for_s, now_s()
        try:
            while (at_s := now_s()) < end_s:
                if at_s >= renew_s:
                    self._ask()
                    renew_s = at_s + RENEW_S
                yield await _next(queue, min(renew_s, end_s))
        finally:
            self._queues.discard(queue)


async def _next(queue: asyncio.Queue[Batch], until_s: float) -> Batch | None:
    with suppress(TimeoutError):
        async with asyncio.timeout_at(until_s):
            return await queue.get()
    return None


def event(entry: QueryLogEntry) -> dict[str, str | float]:
    """An entry for a page; the name is printable whatever its octets are."""
    from splitdns.explain.words import status_text

    return {
        "time": entry.time_s,
        "client": entry.client,
        "view": entry.view,
        "name": to_text(entry.name) if entry.name else "",
        "type": type_to_text(entry.qtype),
        "rcode": status_text(entry.rcode),
        "from": entry.provenance,
        "transport": str(entry.transport),
        "ms": round(entry.duration_s * 1000, 2),
    }

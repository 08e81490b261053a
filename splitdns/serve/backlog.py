"""Queries that wait for a thread of their own, so that nobody who asks waits for it.

A query only puts a reference into a list. Where the thread stands still the list fills up, and what comes
then is dropped and counted: answers are worth more than what is told of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable

from splitdns.metrics import Counts, Metric
from splitdns.serve.pipeline import QueryLogEntry

GATHER_S = 0.1  # how long queries are gathered before they are worked off together


class Backlog:
    """At most ``max_entries``; ``waiting`` has them, the oldest first. ``work`` is all its thread does."""

    def __init__(
        self, name: str, work: Callable[[], None], counts: Counts, dropped: Metric, max_entries: int
    ) -> None:
        self.waiting: deque[QueryLogEntry] = deque()
        self._counts = counts
        self._dropped = dropped
        self._max_entries = max_entries
        self._something = threading.Event()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=work, name=name, daemon=True)

    def put(self, entry: QueryLogEntry) -> None:
        waiting = self.waiting
        if len(waiting) >= self._max_entries:
            self._counts.add(self._dropped)
            return
        waiting.append(entry)
        if len(waiting) == 1:
            self._something.set()

    def start(self) -> None:
        self._thread.start()

    def close(self, within_s: float) -> None:
        """Tell the thread to end, and wait for it for so long."""
        self._closed.set()
        self._something.set()
        self._thread.join(within_s)

    # What the thread asks:

    @property
    def is_closed(self) -> bool:
        return self._closed.is_set()

    def gather(self) -> None:
        """Wait until there is something, and then a moment longer; when it is closed, not at all."""
        self._something.wait()
        self._something.clear()
        self._closed.wait(GATHER_S)

    def recall(self) -> None:
        """There may be something, though nobody has put it there just now."""
        self._something.set()

    def rest(self, seconds: float) -> None:
        """Wait for so long, or until it is closed."""
        self._closed.wait(seconds)

"""Queries for somebody who watches: the first of each moment, and how many more there were.

It is a pipeline's ``query_log`` while somebody watches, and not there while nobody does.
"""

from __future__ import annotations

from splitdns.serve.pipeline import QueryLogEntry

MAX_ENTRIES = 50  # of a moment; beyond: they are counted, and nobody learns what they were
MOMENT_S = 0.25  # after which the entries are taken


class Tap:
    """What was answered since it was taken last."""

    def __init__(self, max_entries: int = MAX_ENTRIES) -> None:
        self._max_entries = max_entries
        self._entries: list[QueryLogEntry] = []
        self._skipped = 0

    def __call__(self, entry: QueryLogEntry) -> None:
        if len(self._entries) < self._max_entries:
            self._entries.append(entry)
        else:
            self._skipped += 1

    def take(self) -> tuple[list[QueryLogEntry], int]:
        """The entries in their order, and how many were skipped."""
        taken = self._entries, self._skipped
        self._entries, self._skipped = [], 0
        return taken

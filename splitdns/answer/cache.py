"""Encoded answers of one view, by question key.

A view owns its answers and a snapshot owns its views: so an answer cannot leak into another view, and a
reload forgets all of them by dropping one reference. Only answers from our own zones stand here, and those
do not age; what upstreams said is aged in ``forward/cache``.
"""

from __future__ import annotations

from splitdns.view import Answers

MAX_OCTETS = 16 * 1024 * 1024  # per view and worker; beyond, the least recently used are forgotten
_ENTRY_OCTETS = 200  # what an entry costs beside its key and answer: two objects and a slot of a dict


def get(answers: Answers, key: bytes) -> bytes | None:
    """The answer that was encoded for this question key, or None."""
    entries = answers.entries
    encoded = entries.pop(key, None)
    if encoded is not None:
        entries[key] = encoded  # now the youngest
    return encoded


def remember(answers: Answers, key: bytes, encoded: bytes, max_octets: int = MAX_OCTETS) -> None:
    """Keep ``encoded`` for ``key``, and forget the oldest where it gets too much."""
    entries = answers.entries
    if (former := entries.pop(key, None)) is not None:
        answers.octets -= _cost(key, former)
    entries[key] = encoded
    answers.octets += _cost(key, encoded)
    while answers.octets > max_octets:
        oldest = next(iter(entries))
        answers.octets -= _cost(oldest, entries.pop(oldest))


def _cost(key: bytes, encoded: bytes) -> int:
    return len(key) + len(encoded) + _ENTRY_OCTETS

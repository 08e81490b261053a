"""Encoded answers of one view, by question key.

A view owns its answers and a snapshot owns its views: so an answer cannot leak into another view, and a
reload forgets all of them by dropping one reference. Only answers from our own zones stand here, and those
do not age; what upstreams said is aged in ``forward/cache``.
"""

from __future__ import annotations

from splitdns.view import Answers, Remembered

MAX_OCTETS = 16 * 1024 * 1024  # per view and worker; beyond, the least recently used are forgotten
_ENTRY_OCTETS = 260  # what an entry costs beside its key and answer: three objects and a slot of a dict


def get(answers: Answers, key: bytes) -> Remembered | None:
    """The answer that was encoded for this question key, or None."""
    entries = answers.entries
    found = entries.pop(key, None)
    if found is not None:
        entries[key] = found  # now the youngest
    return found


def remember(answers: Answers, key: bytes, answer: Remembered, max_octets: int = MAX_OCTETS) -> None:
    """Keep ``answer`` for ``key``, and forget the oldest where it gets too much."""
    entries = answers.entries
    if (former := entries.pop(key, None)) is not None:
        answers.octets -= _cost(key, former)
    entries[key] = answer
    answers.octets += _cost(key, answer)
    while answers.octets > max_octets:
        oldest = next(iter(entries))
        answers.octets -= _cost(oldest, entries.pop(oldest))


def _cost(key: bytes, answer: Remembered) -> int:
    return len(key) + len(answer.encoded) + _ENTRY_OCTETS

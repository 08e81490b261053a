"""Encoded answers of one view, by question key.

A view owns its answers and a snapshot owns its views: so an answer cannot leak into another view, and a
reload forgets all of them by dropping one reference. Answers from our own zones do not age. Others are made
of what ``forward/cache`` keeps, stand here as long as it does, and get older once a second, if they are
asked for.
"""

from __future__ import annotations

from splitdns.answer.ageing import renewed
from splitdns.view import Answers, Remembered

MAX_OCTETS = 16 * 1024 * 1024  # per view and worker; beyond, the least recently used are forgotten
_ENTRY_OCTETS = 300  # what an entry costs beside its key and answer: three objects and its place
_AGEING_OCTETS = 160  # and what one costs that ages, beside its TTLs: a moment, two objects
_TTL_OCTETS = 22  # of each of the two numbers


def get(answers: Answers, key: bytes, now_s: float) -> Remembered | None:
    """The answer that was encoded for this question key, as old as it is now, or None."""
    entries = answers.entries
    found = entries.get(key)
    if found is None:
        return None
    if (ageing := found.ageing) is not None and (found.until_s <= now_s or ageing.kept.over):
        aged = renewed(found, ageing, now_s)
        if aged is None:
            answers.octets -= _cost(key, entries.pop(key))
            return None
        found = entries[key] = aged
    entries.move_to_end(key)  # now the youngest
    return found


def remember(answers: Answers, key: bytes, answer: Remembered, max_octets: int = MAX_OCTETS) -> None:
    """Keep ``answer`` for ``key``, and forget the oldest where it gets too much."""
    entries = answers.entries
    if (former := entries.pop(key, None)) is not None:
        answers.octets -= _cost(key, former)
    entries[key] = answer
    answers.octets += _cost(key, answer)
    while answers.octets > max_octets:
        answers.octets -= _cost(*entries.popitem(last=False))


def _cost(key: bytes, answer: Remembered) -> int:
    octets = len(key) + len(answer.encoded) + _ENTRY_OCTETS
    if answer.ageing is not None:
        octets += _AGEING_OCTETS + _TTL_OCTETS * len(answer.ageing.ttls)
    return octets

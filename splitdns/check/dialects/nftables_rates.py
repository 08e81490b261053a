"""Rates, counts and quotas, for the one connection that is asked about: alone, it is within every limit.

A limit keeps floods away: it lets through up to a rate, or drops beyond one. Whoever asks whether a
connection works asks without a flood. So a limit that lets through (before ``accept`` or ``return``) holds,
and one that drops beyond (``over``, before ``drop`` or ``reject``) does not; both are the open reading, which
calls nothing closed that is admitted. Any other use of a limit may hold or not, and so may a quota, which
remembers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from splitdns.check.dialects.json_places import Json
from splitdns.check.dialects.nftables_terms import ALWAYS, NEVER, Terms
from splitdns.check.rules import Unknown

NOT_REACHED = "taken as not reached: one connection is asked about"

_OPEN = frozenset({"accept", "return"})
_CLOSED = frozenset({"drop", "reject"})
# What may stand between a limit and the verdict.
_BETWEEN = frozenset({"match", "counter", "log", "last", "limit", "ct count", "mangle", "set"})


def rate(
    what: str, body: Json, later: Sequence[Json], named_over: Mapping[str, bool]
) -> tuple[Terms, str]:
    """What a ``limit``, ``ct count`` or ``quota`` statement asks, before the ``later`` ones, and its name.

    ``named_over``: of the named limits, whether each holds beyond its rate.
    """
    name, is_over = _described(what, body, named_over)
    ends = _ends(later)
    if what != "quota" and is_over is not None:
        if ends in _OPEN and not is_over:
            return ALWAYS, name
        if ends in _CLOSED and is_over:
            return ALWAYS.also(NEVER), name
    return ALWAYS.also(Unknown(name)), name


def _described(what: str, body: Json, named_over: Mapping[str, bool]) -> tuple[str, bool | None]:
    """In words, and whether it holds beyond the limit; None: it is not known."""
    match body:
        case {"rate": number, "per": per, **more}:
            over = "over " if more.get("inv") else ""
            unit = f" {more['rate_unit']}" if "rate_unit" in more else ""
            return f"limit rate {over}{number}{unit}/{per}", bool(over)
        case {"val": number, **more} if what == "ct count":
            over = "over " if more.get("inv") else ""
            return f"ct count {over}{number}", bool(over)
        case str():
            return f"{what} name {body}", named_over.get(body) if what == "limit" else None
        case {"map": _}:
            return f"{what} by a map", None
    return what, None


def _ends(later: Sequence[Json]) -> str:
    """The verdict that the rule comes to, if nothing but conditions and notes stand before it."""
    for statement in later:
        if isinstance(statement, dict) and len(statement) == 1:
            what = next(iter(statement))
            if what in _OPEN or what in _CLOSED:
                return what
            if what in _BETWEEN:
                continue
        break
    return ""

"""Rates and counts, for the one connection that is asked about: alone, it is within every limit.

A limit keeps floods away: it lets through up to a rate, or drops beyond one. Whoever asks whether a
connection works asks without a flood. So a limit that *lets through* (accepts, or returns to rules that do)
holds, and one that *drops beyond* does not; both are the open reading, which calls nothing closed that is
admitted. Any other use of a limit may hold or not.
"""

from __future__ import annotations

from collections.abc import Sequence

from splitdns.check.dialects.iptables_rule import Reading
from splitdns.check.dialects.iptables_words import Option
from splitdns.check.model import Accept, Action, AnyOf, Condition, Drop, Reject, Return

_WITHIN = {
    "limit": frozenset({"--limit"}),
    "hashlimit": frozenset({"--hashlimit-upto", "--hashlimit"}),
    "connlimit": frozenset({"--connlimit-upto"}),
}
_BEYOND = {
    "hashlimit": frozenset({"--hashlimit-above"}),
    "connlimit": frozenset({"--connlimit-above"}),
    "recent": frozenset({"--rcheck", "--update"}),
}
_ALWAYS = {"recent": frozenset({"--set"})}
_NOT_REACHED = "taken as not reached: one connection is asked about"


def at_rest(
    rule: Reading, match: str, options: Sequence[Option], action: Action
) -> list[Condition] | None:
    """What the match means for a connection without others; None: that is not to be said."""
    names = {option.name for option in options}
    if any(option.negated for option in options):
        return None
    if names & _ALWAYS.get(match, frozenset()):
        return []
    if names & _WITHIN.get(match, frozenset()) and isinstance(action, Accept | Return):
        rule.ignored(match, _NOT_REACHED)
        return []
    if names & _BEYOND.get(match, frozenset()) and isinstance(action, Drop | Reject):
        rule.ignored(match, _NOT_REACHED)
        return [AnyOf(())]
    return None

"""What another system answers of its own, as entries: a name or a pattern, a type, a value.

Readers of systems make them, ``zones`` writes them down. What a zone cannot say is left, with its place and
what to do instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from splitdns.errors import Caution, Where


@dataclass(frozen=True, slots=True)
class Entry:
    """One record.

    ``name`` is complete, without its final dot; or, if ``is_pattern``, a regular expression that is searched
    in complete names. ``value`` is as in a master file, names in it complete; that of a TXT is the text
    itself. ``beneath``: all names beneath ``name`` have it, too.
    """

    name: str
    rdtype: str
    value: str
    where: Where
    ttl_s: int | None = None
    is_pattern: bool = False
    beneath: bool = False


@dataclass(slots=True)
class Found:
    """``patterns_first``: the other system asks its patterns before its names."""

    entries: list[Entry] = field(default_factory=list)
    left: list[Caution] = field(default_factory=list)
    patterns_first: bool = False

    def leave(self, where: Where, message: str) -> None:
        self.left.append(Caution(where, message))

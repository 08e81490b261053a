"""What another system answers of its own, as entries: a name or a pattern, a type, a value.

Readers of systems make them, ``zones`` writes them down. What a zone cannot say is left, with its place and
what to do instead. How the system serves them, to whom, and where it asks for the rest, is ``service``'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from splitdns.errors import Caution, ConfigError, Where
from splitdns.imports.service import Service
from splitdns.value import value

ASKED = "?"  # instead of a type: the name's types in ``value``, or all, are asked upstream


@value(frozen=True, slots=True)
class Entry:
    """One record.

    ``name`` is complete, without its final dot; or, if ``is_pattern``, a regular expression that is searched
    in complete names. ``value`` is as in a master file, names in it complete; that of a TXT is the text
    itself, unless it stands in quotes. ``beneath``: all names beneath ``name`` have it, too.

    ``horizons``: who sees it; none: those of the one horizon that is wanted. ``is_open``: what else is asked
    of the name, the other system forwarded. ``has_ptr``: whether the address's own name is this one; None
    where nobody said.
    """

    name: str
    rdtype: str
    value: str
    where: Where
    ttl_s: int | None = None
    is_pattern: bool = False
    beneath: bool = False
    horizons: tuple[str, ...] = ()
    is_open: bool = False
    has_ptr: bool | None = None


@dataclass(slots=True)
class Found:
    """``patterns_first``: the other system asks its patterns before its names.

    ``missing`` are files that it names and that cannot be read: without them, nothing is to be made.
    ``closed`` are zones whose other names do not exist, each with the horizons that it is for (none: all);
    ``service`` is None for a system that is not replaced, but only asked for its names.
    """

    entries: list[Entry] = field(default_factory=list)
    left: list[Caution] = field(default_factory=list)
    missing: list[ConfigError] = field(default_factory=list)
    patterns_first: bool = False
    closed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    service: Service | None = None

    def leave(self, where: Where, message: str) -> None:
        self.left.append(Caution(where, message))

    def close(self, zone: str, horizons: tuple[str, ...]) -> None:
        """The zone's other names do not exist for these, beside those for whom it is closed already."""
        closed = self.closed.setdefault(zone, horizons)
        self.closed[zone] = tuple(dict.fromkeys((*closed, *horizons))) if closed and horizons else ()

    def miss(self, where: Where, message: str) -> None:
        self.missing.append(ConfigError(where, message))

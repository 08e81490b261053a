"""What every source of names has: it can be looked at, and it can be followed.

A source is a value made of its settings: two that are equal are the same one, which goes on being followed
over all reloads. It keeps nothing itself. What it said last it is told again, so that whoever has a name
can keep it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from splitdns.errors import SplitdnsError
from splitdns.load.supplies import Supply
from splitdns.value import value


class SourceError(SplitdnsError):
    """A source says nothing that can be used now; the text tells a person why."""


@value(frozen=True, slots=True)
class Said:
    """What a source knows now, zone by zone.

    ``until_s`` is when that becomes something else with nobody saying so, such as a lease's end (Unix time;
    None: never). ``memory`` is the source's own: it finds it in the ``former`` of the next time.
    """

    supplies: tuple[Supply, ...] = ()
    until_s: float | None = None
    memory: Any = None


Told = Callable[[Said], None]
Failed = Callable[[str], None]


class Source(Protocol):
    """Hashable, and equal to another one made of the same settings."""

    @property
    def name(self) -> str:
        """What people know it by, in logs and metrics, such as ``leases /var/lib/misc/dnsmasq.leases``."""
        ...

    @property
    def unheard(self) -> tuple[Supply, ...]:
        """Its zones without a name, which are awaited: what counts until it has said something."""
        ...

    def look(self, now_s: float) -> Said | None:
        """What is at hand without sending anything to anybody, for the first generation and for commands.

        None: it has to be asked.

        Raises:
            SourceError, OSError: it cannot be looked at.
        """
        ...

    async def follow(self, former: Said | None, told: Told, failed: Failed) -> None:
        """Tell what it knows, again and again; forever. ``former`` is what it said last, under any keeper.

        ``failed`` is told why it says nothing now, for as long as that is so; what it said stays.
        """
        ...

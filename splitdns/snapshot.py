"""One generation of everything that a query may read.

Built aside, swapped in by one reference, never changed after: a message is answered from one snapshot only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from splitdns.view import Match, Prefix, View, ViewTable


@dataclass(frozen=True, slots=True)
class Manners:
    """How to answer, the same for every view."""

    minimal_any: bool = True  # RFC 8482
    payload_octets: int = 1232  # the EDNS size that we offer and keep to (RFC 6891 6.2.5, DNS flag day 2020)
    version: str | None = None  # CH TXT version.bind; None: REFUSED
    server_id: str | None = None  # CH TXT id.server and NSID (RFC 4892, RFC 5001); None: REFUSED, no NSID


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """A generation: its number, the views, and who meets which."""

    generation: int
    views: tuple[View, ...]
    prefixes: tuple[tuple[Prefix, View], ...]
    any_view: View | None = None
    manners: Manners = Manners()
    table: ViewTable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "table", ViewTable(self.prefixes, self.any_view))
        for view in self.views:
            view.elsewhere.clear()
            for other in self.views:
                for apex in other.zones.keys() - view.zones.keys() - other.policy.built_in:
                    view.elsewhere.setdefault(apex, []).append(other.zones[apex])

    def __reduce__(self) -> tuple[Any, ...]:
        return Snapshot, (self.generation, self.views, self.prefixes, self.any_view, self.manners)

    def match(self, host: str) -> Match | None:
        """The view of the client at ``host``, a socket's address."""
        return self.table.match(host)

    def view(self, name: str) -> View | None:
        return next((view for view in self.views if view.name == name), None)

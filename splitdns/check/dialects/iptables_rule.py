"""A rule while it is read: where it stands, which sets it may name, and what it could not say exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from splitdns.check.dialects.ipset_conditions import Memberships
from splitdns.check.dialects.iptables_words import Line, Option
from splitdns.check.model import Condition, Note, Opaque, Origin, Support, Unknown


@dataclass(slots=True)
class Reading:
    line: Line
    origin: Origin
    sets: Memberships
    conditions: list[Condition] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    def note(self, support: Support, name: str, reason: str) -> None:
        self.notes.append(Note(support, name, self.origin, reason))

    def unknown(self, name: str, reason: str, support: Support = Support.WIDENED) -> Unknown:
        """A condition that may hold or not, noted by ``name``."""
        self.note(support, name, reason)
        return Unknown(f"{name}: {reason}")

    def unseen(self, name: str) -> Unknown:
        """A condition that this reader has never heard of."""
        return self.unknown(name, "it is not known here", Support.UNKNOWN)

    def opaque(self, name: str, reason: str, support: Support = Support.WIDENED) -> Opaque:
        """An action that may do anything, noted by ``name``."""
        self.note(support, name, reason)
        return Opaque(f"{name}: {reason}")

    def unseen_target(self, name: str) -> Opaque:
        """A target that this reader has never heard of."""
        return self.opaque(f"target {name}", "it is not known here", Support.UNKNOWN)

    def ignored(self, name: str, reason: str) -> None:
        """What can change no packet's way."""
        self.note(Support.IGNORED, name, reason)


Reader = Callable[[Reading, Option], Sequence[Condition]]
"""What an option of a match means."""


def not_modelled(name: str, reason: str) -> Reader:
    """An option that may hold or not."""

    def read(rule: Reading, option: Option) -> Sequence[Condition]:
        return [rule.unknown(name, reason)]

    return read

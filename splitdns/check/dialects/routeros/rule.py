"""One firewall rule while it is read, and everything that its words may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from splitdns.check.dialects.routeros.config import Config, Item
from splitdns.check.dialects.routeros.interfaces import Faces
from splitdns.check.dialects.routeros.lists import AddressList
from splitdns.check.model import Condition, Of, Support, Unknown
from splitdns.errors import ConfigError
from splitdns.value import value

MAX_MARKS = 0x7FFF
# A packet's mark holds two things here: RouterOS keeps marks of packets and of routing apart.
PACKET, ROUTING = 0x0000_FFFF, 0x7FFF_0000


@dataclass(slots=True)
class Marks:
    """Numbers for the names of marks; ``no-mark`` is 0."""

    packet: dict[str, int] = field(default_factory=dict)
    routing: dict[str, int] = field(default_factory=dict)
    connection: dict[str, int] = field(default_factory=dict)

    def of(self, kind: str, name: str) -> tuple[Of, int, int]:
        """Whose mark it is, its value and its mask."""
        names = {"packet": self.packet, "routing": self.routing, "connection": self.connection}[kind]
        number = 0 if name in ("no-mark", "main") else names.setdefault(name, len(names) + 1)
        if kind == "connection":
            return Of.CONNECTION, number, 0xFFFF_FFFF
        if kind == "packet":
            return Of.PACKET, number, PACKET
        return Of.PACKET, number << 16, ROUTING

    def too_many(self) -> bool:
        return max(len(self.packet), len(self.routing), len(self.connection)) > MAX_MARKS


def marks_of(items: Iterable[Item]) -> Marks:
    """Every mark that a rule sets."""
    marks = Marks()
    for item in items:
        for kind in ("packet", "routing", "connection"):
            if item.has(f"new-{kind}-mark"):
                marks.of(kind, item.get(f"new-{kind}-mark"))
    return marks


@value(frozen=True, slots=True)
class Around:
    """What rules of one family name."""

    config: Config
    faces: Faces
    lists: Mapping[str, AddressList]
    marks: Marks
    family: int
    has_ipsec: bool


@dataclass(slots=True)
class Reading:
    """A rule; its notes are kept only if it does something."""

    item: Item
    around: Around
    action: str
    notes: list[tuple[Support, str, str]] = field(default_factory=list)

    def ignored(self, name: str, reason: str = "") -> None:
        self.notes.append((Support.IGNORED, name, reason))

    def widened(self, name: str, reason: str) -> Condition:
        self.notes.append((Support.WIDENED, name, reason))
        return Unknown(reason)

    def unknown(self, name: str) -> Condition:
        reason = f"{name} is not known here"
        self.notes.append((Support.UNKNOWN, name, reason))
        return Unknown(reason)

    def keep_notes(self, *, effective: bool) -> None:
        """A rule that only logs or counts widens nothing; what nobody knows is told all the same."""
        for support, name, reason in self.notes:
            if effective or support is Support.UNKNOWN or name.startswith("action "):
                self.around.config.note(support, name, self.item.origin, reason)

    def wrong(self, key: str, expected: str) -> ConfigError:
        found = self.item.get(key)
        return ConfigError(self.item.where(key), f"expected {expected} as {key}, found {found!r:.60}")

"""A tree while it is read: what is wrong with it, and what of it is not modelled.

What a reader does not know is never left out in silence: it becomes a note, and whatever depends on it may
then be so or not.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from splitdns.check.dialects.vyos.shown import Shown
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.model import Network, Note, Origin, Support, Unknown
from splitdns.errors import ConfigError, Problems

# Said to people, or counted; no packet goes another way for it.
WORDS_ONLY = frozenset({"description", "log", "log-options", "enable-default-log", "default-log"})


@dataclass(slots=True)
class Reading:
    """One configuration in ``dialect``, with the network that other sources tell ``around`` it.

    ``interfaces`` are those of the configuration by name, each with its node; they are read first. Those that
    are ``leased`` their address have it in ``shown``, if somebody told it.
    """

    dialect: str
    tree: Node
    around: Network = field(default_factory=Network)
    network: Network = field(default_factory=Network)
    interfaces: dict[str, Node] = field(default_factory=dict)
    shown: Shown = field(default_factory=dict)
    leased: set[str] = field(default_factory=set)
    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)

    def wrong(self, node: Node, expected: str) -> None:
        """A mistake in the file; the rest is read on."""
        self.problems.error(ConfigError(node.where, f"expected {expected}, found {node.word!r:.60}"))

    def note(self, support: Support, node: Node, reason: str = "") -> None:
        """``node`` is not modelled, or only in part."""
        name = " ".join(word for word in node.path if not word.isdecimal())[-100:]
        self.notes.append(Note(support, name, origin(node), reason))

    def unknown(self, node: Node, reason: str = "", support: Support = Support.WIDENED) -> Unknown:
        """A condition that may hold or not, noted by name."""
        words = " ".join(node.path[-2:])
        self.note(support, node, reason)
        return Unknown(f"{words}: {reason}" if reason else words)

    def rest(self, node: Node, known: Collection[str], ignored: Collection[str] = ()) -> None:
        """Note what stands beneath ``node`` and is not ``known``; ``ignored`` on purpose."""
        for child in node.children.values():
            if child.word in ignored:
                self.note(Support.IGNORED, child)
            elif child.word not in known and child.word not in WORDS_ONLY:
                self.note(Support.UNKNOWN, child)


def origin(node: Node, made_by: str = "") -> Origin:
    """Where a rule stands, and its words."""
    return Origin(node.where, node.words()[:400], made_by)


def numbered(nodes: Iterable[Node], reading: Reading) -> list[tuple[int, Node]]:
    """Rules in the order of their numbers, which is the order in which the device asks them."""
    found = []
    for node in nodes:
        if node.word.isdecimal() and node.word.isascii() and len(node.word) <= 9:
            found.append((int(node.word), node))
        else:
            reading.wrong(node, "the number of a rule")
    return sorted(found, key=lambda one: one[0])

"""One ``config.xml`` while it is read: its switches, its places, what was wrong, and what is not modelled.

A switch is an element: it is on where it is there, whatever is in it, but for ``0``, which OPNsense writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import Note, Origin, Support
from splitdns.errors import ConfigError, Problems

MAX_RULES = 20_000  # of one kind; beyond: an error. The largest that people show have a few thousand


class Flavour(Enum):
    """Whose configuration it is; the value is the outermost element's name, and the dialect's."""

    PFSENSE = "pfsense"
    OPNSENSE = "opnsense"


@dataclass(slots=True)
class Config:
    """``root`` is the outermost element; mistakes and notes are collected."""

    root: Element
    flavour: Flavour
    problems: Problems
    notes: list[Note]

    @property
    def is_opnsense(self) -> bool:
        return self.flavour is Flavour.OPNSENSE

    def rows(self, *path: str) -> Iterator[Element]:
        """The elements at ``path`` whose parent may stand there several times, as lists do."""
        found = [self.root]
        for tag in path:
            found = [inner for one in found for inner in one.each(tag)]
            if len(found) > MAX_RULES:
                self.wrong(found[MAX_RULES], f"at most {MAX_RULES} of <{tag}>", str(len(found)))
                found = found[:MAX_RULES]
        yield from found

    def is_on(self, *path: str) -> bool:
        return is_on(self.root, *path)

    def wrong(self, element: Element, expected: str, found: str) -> None:
        self.problems.error(ConfigError(element.where, f"expected {expected}, found {shown(found)}"))

    def note(self, support: Support, name: str, origin: Origin, reason: str) -> None:
        self.notes.append(Note(support, name, origin, reason))


def is_on(element: Element | None, *path: str) -> bool:
    """Whether the switch at ``path`` is on."""
    found = None if element is None else element.child(*path)
    return found is not None and found.text != "0"


def origin_of(element: Element, words: str, made_by: str = "") -> Origin:
    """``words``, and the description that a person gave."""
    descr = element.value("descr") or element.value("description")
    return Origin(element.where, f"{descr}: {words}" if descr else words, made_by)


def shown(found: str) -> str:
    """A value for a person, shortened."""
    return repr(found) if len(found) <= 60 else f"{found[:57]!r}…"

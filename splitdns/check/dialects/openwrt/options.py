"""The options of one section: read by name, and each accounted for.

fw4 leaves out a section with a value that it does not take, and passes over options that it does not know. So
does this, and notes it: what a person wrote there is not in force.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from splitdns.check.dialects.openwrt.uci import Section
from splitdns.check.dialects.openwrt.values import Invalid, truth
from splitdns.check.model import Note, Origin, Support

T = TypeVar("T")

_INTERNAL = "."  # begins what uci says about a section itself


class LeftOutError(Exception):
    """fw4 leaves the section out: why."""


class Options:
    """``notes`` collects what is not modelled, of this section too."""

    def __init__(self, section: Section, notes: list[Note]) -> None:
        self.section = section
        self.notes = notes
        self.origin = Origin(section.where, section.words())
        self._read: set[str] = {"type"}

    def __contains__(self, name: str) -> bool:
        return name in self.section.options

    def one(self, name: str, read: Callable[[str], T]) -> T | None:
        """The value of an option; None where it is not there.

        Raises:
            LeftOutError: it is a list, or no such value.
        """
        self._read.add(name)
        option = self.section.options.get(name)
        if option is None:
            return None
        if option.is_list:
            raise LeftOutError(f"option {name} must not be a list")
        return self._value(name, option.values[0], read)

    def several(self, name: str, read: Callable[[str], T]) -> tuple[T, ...]:
        """The values of a list, or of an option with blanks between them.

        Raises:
            LeftOutError: one is no such value.
        """
        self._read.add(name)
        option = self.section.options.get(name)
        if option is None:
            return ()
        texts = option.values if option.is_list else option.values[0].split()
        return tuple(self._value(name, text, read) for text in texts)

    def _value(self, name: str, text: str, read: Callable[[str], T]) -> T:
        try:
            return read(text)
        except Invalid as invalid:
            raise LeftOutError(f"option {name}: expected {invalid}, found {text!r:.60}") from None

    def note(self, support: Support, name: str, reason: str) -> None:
        self.notes.append(Note(support, name, self.origin, reason))

    def ignore(self, names: Iterable[str], reason: str) -> None:
        """Options that may be there, and change nothing here."""
        for name in names:
            self._read.add(name)
            if name in self.section.options:
                self.note(Support.IGNORED, f"option {name}", reason)

    def widen(self, names: Iterable[str], reason: str) -> list[str]:
        """Options that are not modelled; those that are there are given back."""
        found = []
        for name in names:
            self._read.add(name)
            if name in self.section.options:
                self.note(Support.WIDENED, f"option {name}", reason)
                found.append(name)
        return found

    def rest(self) -> None:
        """What nobody has asked for, fw4 does not know either."""
        for name in self.section.options:
            if name not in self._read and not name.startswith(_INTERNAL):
                self.note(Support.IGNORED, f"option {name}", "fw4 does not know it, and passes over it")


def each(
    sections: Sequence[Section], kind: str, notes: list[Note], read: Callable[[Options], T]
) -> Iterator[tuple[Options, T]]:
    """The sections of a kind, and what ``read`` makes of them; what is disabled or left out is noted."""
    for section in sections:
        if section.type != kind:
            continue
        options = Options(section, notes)
        try:
            if options.one("enabled", truth) is False:
                options.note(Support.IGNORED, kind, "it is disabled")
                continue
            found = read(options)
        except LeftOutError as why:
            options.note(Support.REFUSED, kind, f"fw4 leaves it out: {why}")
            continue
        yield options, found

"""What a RouterOS script leaves behind: menus with items, each with its properties.

An export adds items in order and sets properties of those that are there by themselves. A person's script may
also find, move and remove them; that is followed as far as no variable, loop or function decides. Nothing is
understood here of what properties mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros.words import Command, Word, commands
from splitdns.check.model import Note, Origin, Support
from splitdns.errors import ConfigError, Problems, Where

MAX_ITEMS = 250_000
MAX_COMPARED = 5_000_000  # items looked at by all searches of a text together

_VERBS = frozenset({
    "add", "set", "remove", "enable", "disable", "unset", "move", "comment", "print", "export", "import",
    "find", "get", "edit", "monitor", "reset", "reset-counters", "flush", "run", "renew", "release", "info",
    "beep",
})  # fmt: skip
_LOOKS = frozenset({
    "print", "export", "find", "get", "monitor", "edit", "reset-counters", "flush", "run", "renew", "release",
    "info", "beep",
})  # fmt: skip
_FLAGS = re.compile(r"[A-Za-z+*]{1,6}")
_NUMBERS = re.compile(r"[0-9]{1,6}(,[0-9]{1,6})*")


@dataclass(slots=True, eq=False)
class Item:
    """One entry of a menu; ``dynamic``: the device made it by itself, and ``print`` showed it."""

    words: dict[str, Word]
    origin: Origin
    dynamic: bool = False

    def get(self, key: str, usual: str = "") -> str:
        """A property's value; ``usual`` where it is not set, or empty."""
        word = self.words.get(key)
        return word.value if word is not None and word.value else usual

    def has(self, key: str) -> bool:
        return bool(self.get(key))

    def where(self, key: str) -> Where:
        word = self.words.get(key)
        return word.where if word is not None else self.origin.where

    @property
    def enabled(self) -> bool:
        return self.get("disabled", "no") not in ("yes", "true")


@dataclass(slots=True)
class Config:
    """The items of each menu, such as ``ip firewall nat``, and what was set of menus without items."""

    items: dict[str, list[Item]] = field(default_factory=dict)
    settings: dict[str, Item] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    printed: set[str] = field(default_factory=set)  # menus whose dynamic items are told, too

    def of(self, *menus: str) -> list[Item]:
        """The enabled items of ``menus``."""
        return [item for menu in menus for item in self.items.get(menu, ()) if item.enabled]

    def setting(self, menu: str, key: str, usual: str = "") -> str:
        item = self.settings.get(menu)
        return item.get(key, usual) if item is not None else usual

    def note(self, support: Support, name: str, origin: Origin, reason: str = "") -> None:
        self.notes.append(Note(support, name, origin, reason))


def read(texts: Sequence[Printed]) -> Config:
    """All ``texts`` as one after the other.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    problems = Problems()
    reader = _Reader(problems)
    for one in texts:
        reader.read(one)
    problems.raise_errors("not a script of RouterOS")
    return reader.config


class _Reader:
    """Commands, and the menu in which they stand."""

    def __init__(self, problems: Problems) -> None:
        self.config = Config()
        self.problems = problems
        self.menu: tuple[str, ...] = ()
        self._items = 0
        self._compared = 0

    def read(self, printed: Printed) -> None:
        self.menu = ()
        found = False
        try:
            for command in commands(printed.text, printed.file):
                try:
                    found |= self._command(command)
                except ConfigError as error:
                    self.problems.error(error)
        except ConfigError as error:
            self.problems.error(error)
            return
        if not found and not self.problems.errors:
            where = Where(printed.file, 1, 1)
            self.problems.error(ConfigError(where, "expected what /export prints, found no command of it"))

    def _command(self, command: Command) -> bool:
        """Whether it is of a menu."""
        first = command.words[0]
        name = first.key or first.value
        if name.startswith((":", "$")) or not name or first.group is not None:
            reason = "only /export's own commands are followed, no variables and no loops"
            self.config.note(Support.UNKNOWN, name.lstrip(":") or "script", _origin(command), reason)
            return False
        menu, rest = self._menu(command)
        if not rest:
            self.menu = menu
            return bool(menu)
        verb = rest[0]
        if not menu:
            raise ConfigError(verb.where, f"expected a menu like /ip address, found {_shown(verb)}")
        self._do(" ".join(menu), verb, rest[1:], command)
        return True

    def _menu(self, command: Command) -> tuple[tuple[str, ...], tuple[Word, ...]]:
        """The menu that it names, or in which it stands, and its other words."""
        words = command.words
        absolute = words[0].value.startswith("/") and not words[0].key
        menu = () if absolute else self.menu
        for at, word in enumerate(words):
            if word.key or word.quoted or word.group is not None or _NUMBERS.fullmatch(word.value):
                return menu, words[at:]
            for part in word.value.split("/"):
                if part in _VERBS and menu:
                    return menu, (Word("", part, word.where), *words[at + 1 :])
                if part == "..":
                    menu = menu[:-1]
                elif part:
                    if not absolute:
                        expected = "a command like add or set" if self.menu else "a menu like /ip address"
                        raise ConfigError(word.where, f"expected {expected}, found {part!r:.40}")
                    menu = (*menu, part)
        return menu, ()

    # --- What commands do -----------------------------------------------------------------------------------

    def _do(self, menu: str, verb: Word, words: tuple[Word, ...], command: Command) -> None:
        name = verb.value if not verb.key else ""
        if name == "add":
            self._add(menu, words, command)
        elif name in ("set", "unset", "enable", "disable", "comment"):
            self._set(menu, name, words, command)
        elif name == "remove":
            gone = {id(item) for item in self._chosen(menu, words, command)[0]}
            self.config.items[menu] = [item for item in self._of(menu) if id(item) not in gone]
        elif name == "move":
            self._move(menu, words, command)
        elif _NUMBERS.fullmatch(name):
            self._print(menu, words, command)
        elif name not in _LOOKS:
            raise ConfigError(verb.where, f"expected a command like add or set, found {_shown(verb)}")

    def _of(self, menu: str) -> list[Item]:
        return self.config.items.setdefault(menu, [])

    def _new(self, menu: str, item: Item, at: int | None = None) -> None:
        self._items += 1
        if self._items > MAX_ITEMS:
            raise ConfigError(item.origin.where, f"expected at most {MAX_ITEMS:,} items")
        items = self._of(menu)
        items.insert(len(items) if at is None else at, item)

    def _add(self, menu: str, words: Sequence[Word], command: Command) -> None:
        properties: dict[str, Word] = {}
        at: int | None = None
        for word in words:
            if word.key == "place-before":
                at = self._place(menu, word, command)
            elif word.key:
                properties[word.key] = word
            elif word.value.startswith("!"):
                properties.pop(word.value[1:], None)
            else:
                properties[word.value] = Word(word.value, "yes", word.where)
        self._new(menu, Item(properties, _origin(command, menu)), at)

    def _place(self, menu: str, word: Word, command: Command) -> int | None:
        items = self._of(menu)
        if word.group is None and _NUMBERS.fullmatch(word.value):
            return min(int(word.value.partition(",")[0]), len(items))
        group = word.group
        if group and group[0].value == ":pick":  # the first of what is found
            group = next((one.group for one in group if one.group is not None), None)
        chosen = self._found(menu, group, command) if group is not None else None
        if chosen:
            return next(at for at, item in enumerate(items) if item is chosen[0])
        self.config.note(Support.UNKNOWN, "place-before", _origin(command), "taken as the last")
        return None

    def _set(self, menu: str, verb: str, words: Sequence[Word], command: Command) -> None:
        keys = [word for word in words if word.key and word.key != "numbers"]
        if verb == "set" and len(keys) == len(words):
            item = self.config.settings.setdefault(menu, Item({}, _origin(command, menu)))
            item.words.update((word.key, word) for word in keys)
            return
        items, rest = self._chosen(menu, words, command)
        for item in items:
            for word in rest:
                self._change(item, verb, word)
            if verb in ("enable", "disable"):
                value = "yes" if verb == "disable" else "no"
                item.words["disabled"] = Word("disabled", value, command.where)

    def _change(self, item: Item, verb: str, word: Word) -> None:
        if verb == "unset":
            item.words.pop(word.value, None)
        elif verb == "comment" and not word.key:
            item.words["comment"] = Word("comment", word.value, word.where)
        elif word.key:
            item.words[word.key] = word
        elif word.value.startswith("!"):
            item.words.pop(word.value[1:], None)

    def _move(self, menu: str, words: Sequence[Word], command: Command) -> None:
        moved, rest = self._chosen(menu, words, command)
        gone = {id(item) for item in moved}
        items = [item for item in self._of(menu) if id(item) not in gone]
        to = next((word for word in rest if word.key in ("", "destination")), None)
        at = len(items)
        if to is not None and to.group is not None:
            before = self._found(menu, to.group, command)
            at = next((n for n, item in enumerate(items) if before and item is before[0]), at)
        elif to is not None and _NUMBERS.fullmatch(to.value):
            at = min(int(to.value.partition(",")[0]), at)
        self.config.items[menu] = [*items[:at], *moved, *items[at:]]

    def _print(self, menu: str, words: Sequence[Word], command: Command) -> None:
        """A line of ``print terse``: a number, flags, properties; what is not dynamic is exported too."""
        flags = ""
        for word in words:
            if word.key or not _FLAGS.fullmatch(word.value):
                break
            flags += word.value
        self.config.printed.add(menu)
        if "D" not in flags:
            return
        properties = {word.key: word for word in words if word.key}
        if "X" in flags or "I" in flags:
            properties["disabled"] = Word("disabled", "yes", command.where)
        self._new(menu, Item(properties, _origin(command, menu), dynamic=True))

    # --- Which items ----------------------------------------------------------------------------------------

    def _chosen(
        self, menu: str, words: Sequence[Word], command: Command
    ) -> tuple[list[Item], list[Word]]:
        """The items that the first word says, and the other words.

        Items that are there by themselves are not exported whole: what is set of them makes them.
        """
        first = next((word for word in words if word.key in ("", "numbers")), None)
        if first is None:
            return [], list(words)
        rest = [word for word in words if word is not first]
        items = self._of(menu)
        if first.group is not None:
            found = self._found(menu, first.group, command)
            if found is None:
                reason = "which items it finds is not known"
                self.config.note(Support.UNKNOWN, menu, _origin(command, menu), reason)
                return [], rest
            known = {word.key: word for word in first.group if word.key and word.operator == "="}
            if not found and known and _makes(command):
                item = Item(known, _origin(command, menu))
                self._new(menu, item)
                return [item], rest
            return found, rest
        if _NUMBERS.fullmatch(first.value):
            numbers = [int(number) for number in first.value.split(",")]
            return [items[number] for number in numbers if number < len(items)], rest
        names = first.value.split(",")
        self._look(len(items), command)
        chosen = [item for item in items if item.get("name") in names]
        if not chosen and _makes(command):
            chosen = [
                Item({"name": Word("name", name, first.where)}, _origin(command, menu)) for name in names
            ]
            for item in chosen:
                self._new(menu, item)
        return chosen, rest

    def _found(self, menu: str, group: Sequence[Word], command: Command) -> list[Item] | None:
        """The items that ``[find …]`` finds; None: not to be said."""
        words = [word for word in group if word.value not in ("where", "and")]
        if words and not words[0].key and words[0].value.startswith("/"):
            menu, words = self._elsewhere(words)
        if not words or (words[0].key, words[0].value) != ("", "find"):
            return None
        found = self._of(menu)
        for word in words[1:]:
            if word.value.lstrip("!") in ("dynamic", "disabled") and not word.key:
                is_so = "no" if word.value.startswith("!") else "yes"
                word = Word(word.value.lstrip("!"), is_so, word.where)
            if not word.key or word.group is not None or word.value.startswith("$"):
                return None
            self._look(len(found), command)
            if word.operator == "~":
                if re.search(r"[][.*+?(){}|\\^$]", word.value):
                    return None
                found = [item for item in found if word.value in item.get(word.key)]
            else:
                found = [item for item in found if _property(item, word.key) == word.value]
        return list(found)

    def _elsewhere(self, words: Sequence[Word]) -> tuple[str, list[Word]]:
        parts: list[str] = []
        for at, word in enumerate(words):
            if word.value == "find" or word.key:
                return " ".join(parts), list(words[at:])
            parts += [part for part in word.value.split("/") if part]
        return " ".join(parts), []

    def _look(self, items: int, command: Command) -> None:
        self._compared += items
        if self._compared > MAX_COMPARED:
            raise ConfigError(command.where, "expected fewer searches in long menus")


def _property(item: Item, key: str) -> str:
    if key == "dynamic":
        return "yes" if item.dynamic else "no"
    return item.get(key, "no" if key == "disabled" else "")


def _makes(command: Command) -> bool:
    """Whether what it changes must be there, even if it is not shown."""
    return any(not word.key and word.value.endswith("set") for word in command.words)


def _origin(command: Command, menu: str = "") -> Origin:
    text = command.text
    if menu and not text.startswith("/"):
        text = f"/{menu} {text}"
    return Origin(command.where, text)


def _shown(word: Word) -> str:
    return f"{word.key or word.value!r:.40}" if not word.key else f"{word.key!r:.40}"


def scripts(config: Config) -> Iterator[tuple[Item, str]]:
    """Everything that a script is a property of, and its text."""
    for items in (*config.items.values(), list(config.settings.values())):
        for item in items:
            for key in ("script", "source", "on-event", "on-up", "on-down", "up-script", "down-script"):
                if item.has(key):
                    yield item, item.get(key)

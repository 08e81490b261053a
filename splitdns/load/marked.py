"""YAML that knows where everything was written, without the traps of YAML 1.1.

A person's file is text, whole numbers, ``true``/``false``, ``null``, lists and mappings, and nothing else.
PyYAML parses it into events; what an event means is decided here, so that ``no`` stays text, ``010`` is not
eight, and no alias can grow into a gigabyte. Keys are always text, as written: a host may be called ``on``
or ``10``. Every mistake that can be collected is collected, each with its place.

>>> document = read("records:\\n  www: {A: 192.0.2.1, ttl: 010}\\n", "zone.yaml")
>>> document.data
{'records': {'www': {'A': '192.0.2.1', 'ttl': '010'}}}
>>> print(document.where(("records", "www", "ttl")))
zone.yaml:2:28
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import Protocol, TypeAlias

import yaml

from splitdns.errors import ConfigError, InputError, Problems, Where

Value: TypeAlias = "dict[str, Value] | list[Value] | str | int | bool | None"
Path: TypeAlias = "tuple[str | int, ...]"

MAX_CHARACTERS = 32 * 1024 * 1024  # beyond: an error; data of that size belongs in a master file
MAX_DEPTH = 32  # lists and mappings inside each other; beyond: an error. Our schemas need 7
MAX_STRANGE = 10  # places that are named where a file is full of control characters

# libyaml, where PyYAML was built with it (every wheel is), reads 20 times as fast. The two differ only in
# which misplaced tabs they forgive.
_Loader: type[yaml.SafeLoader] | type[yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_CONSTANTS = {"true": True, "false": False, "null": None, "~": None, "": None}
# Beside control characters: NEL, LS and PS, which YAML 1.1 counts as line breaks and editors do not.
_STRANGE = "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
_STRANGE_IN_ASCII = re.compile("[^\t\n\r\x20-\x7e]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Mark(Protocol):
    """A place as PyYAML gives it: lines and columns from 0."""

    index: int
    line: int
    column: int


class _Place:
    """Where a value starts, where its key starts, and the places inside it."""

    __slots__ = ("children", "column", "key", "line")

    def __init__(self, line: int, column: int) -> None:
        self.line = line
        self.column = column
        self.key: tuple[int, int] | None = None
        self.children: dict[str | int, _Place] | None = None  # None: a scalar, the most by far


class Document:
    """A file's data, and the places of all of it."""

    __slots__ = ("_root", "data", "file")

    def __init__(self, file: str, data: Value, root: _Place) -> None:
        self.file = file
        self.data = data
        self._root = root

    def where(self, path: Path) -> Where:
        """Where the value at ``path`` starts; of a path that is not there, the longest part that is."""
        *_, place = self._places(path)
        return Where(self.file, place.line, place.column)

    def where_key(self, path: Path) -> Where:
        """Where the key of the value at ``path`` starts; where it has none, the value itself."""
        *_, place = self._places(path)
        line, column = place.key or (place.line, place.column)
        return Where(self.file, line, column)

    def _places(self, path: Path) -> Iterator[_Place]:
        place = self._root
        yield place
        for step in path:
            found = place.children.get(step) if place.children else None
            if found is None:
                return
            place = found
            yield place


def decode(octets: bytes, file: str, error: type[InputError] = ConfigError) -> str:
    """The text of a file: UTF-8, with or without a byte order mark.

    Raises:
        ExceptionGroup[InputError]: one ``error`` where it is not UTF-8.
    """
    octets = octets.removeprefix(codecs.BOM_UTF8)
    try:
        return octets.decode()
    except UnicodeDecodeError as fault:
        before = octets[: fault.start].rpartition(b"\n")
        where = Where(file, before[0].count(b"\n") + (2 if before[1] else 1), len(before[2].decode()) + 1)
        if octets.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            found = "UTF-16"
        else:
            found = f"the octet 0x{octets[fault.start]:02x}"
        raise ExceptionGroup(file, [error(where, f"expected UTF-8, found {found}")]) from None


def read(text: str, file: str, error: type[InputError] = ConfigError) -> Document:
    """Read one YAML document; ``file`` is its name in errors. An empty one holds None.

    Raises:
        ExceptionGroup[InputError]: every mistake, each an ``error``, in file order.
    """
    problems = Problems()
    document = scan(text, file, problems, error)
    problems.raise_errors(file)
    assert document is not None  # without a document there was an error
    return document


def scan(text: str, file: str, problems: Problems, error: type[InputError] = ConfigError) -> Document | None:
    """``read`` for callers that go on in spite of mistakes: they are added to ``problems``.

    What was a mistake stands in the data as text, at the error's own place, or not at all. None: the text
    is no YAML, and there is nothing to go on with.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"expected at most {MAX_CHARACTERS:,} characters, found {len(text):,}"
        problems.error(error(Where(file), message))
        return None
    text = text.removeprefix("\ufeff")
    if strange := _strange(text, file, error):
        problems.errors += strange
        return None
    return _Builder(text, file, problems, error).document()


def _strange(text: str, file: str, error: type[InputError]) -> list[InputError]:
    """Characters that no editor shows; the first few of them."""
    found: list[InputError] = []
    strange = _STRANGE_IN_ASCII if text.isascii() else re.compile(_STRANGE)  # which takes milliseconds
    for match in strange.finditer(text):
        at = match.start()
        line_start = max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1
        lines = len(re.findall(r"\r\n|\n|\r", text[:at]))
        where = Where(file, lines + 1, at - line_start + 1)
        found.append(error(where, f"expected printable text, found the character U+{ord(match[0]):04X}"))
        if len(found) == MAX_STRANGE:
            break
    return found


class _Frame:
    """A list or mapping that is being read; ``key`` waits for its value (None: the value is dropped)."""

    __slots__ = ("is_key", "key", "key_at", "on_key", "place", "places", "value")

    def __init__(self, value: dict[str, Value] | list[Value], place: _Place, is_key: bool) -> None:
        self.value = value
        self.place = place
        self.places: dict[str | int, _Place] = {}
        place.children = self.places
        self.is_key = is_key
        self.on_key = isinstance(value, dict)
        self.key: str | None = None
        self.key_at = (0, 0)


class _Builder:
    """Events to data and places; no recursion, so that depth is a number and not a crash."""

    def __init__(self, text: str, file: str, problems: Problems, error: type[InputError]) -> None:
        self.text = text
        self.file = file
        self.problems = problems
        self.error = error
        self.stack: list[_Frame] = []
        self.data: Value = None
        self.root = _Place(1, 1)

    def document(self) -> Document | None:
        try:
            return self._build()
        except yaml.MarkedYAMLError as fault:
            self._wrong(*_in_our_words(fault, self.text))
        except (yaml.YAMLError, ValueError, OverflowError):  # "\UFFFFFFFF" in PyYAML's own parser
            self._wrong((0, 0), "expected YAML, found something else")
        return None

    def _wrong(self, at: tuple[int, int], message: str) -> None:
        self.problems.error(self.error(Where(self.file, *at), message))

    def _build(self) -> Document | None:
        documents = 0
        for event in yaml.parse(self.text, Loader=_Loader):
            if isinstance(event, yaml.ScalarEvent):
                self._scalar(event)
            elif isinstance(event, yaml.CollectionStartEvent):
                if len(self.stack) == MAX_DEPTH:
                    message = f"expected at most {MAX_DEPTH} lists and mappings inside each other"
                    self._wrong(_at(event.start_mark), f"{message}, found more")
                    return None
                self._start(event, {} if isinstance(event, yaml.MappingStartEvent) else [])
            elif isinstance(event, yaml.CollectionEndEvent):
                self._end()
            elif isinstance(event, yaml.AliasEvent):
                self._alias(event)
            elif isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents == 2:
                    self._wrong(_at(event.start_mark), "expected one document, found a second one")
                    break
        return Document(self.file, self.data, self.root)

    def _start(self, event: yaml.CollectionStartEvent, value: dict[str, Value] | list[Value]) -> None:
        is_key = bool(self.stack) and self.stack[-1].on_key
        if is_key:
            kind = "a mapping" if isinstance(value, dict) else "a list"
            self._wrong(_at(event.start_mark), f"expected text as the key, found {kind}")
            self.stack[-1].key = None
        self._plain_only(event)
        place = _Place(*_at(event.start_mark))
        self.stack.append(_Frame(value, place, is_key))

    def _end(self) -> None:
        frame = self.stack.pop()
        if frame.is_key:
            self.stack[-1].on_key = False
        else:
            self._add(frame.value, frame.place)

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        at, text = _at(event.start_mark), event.value
        plain = not event.style
        if event.anchor is not None or event.tag is not None:
            self._plain_only(event)
        if event.style == '"' and not text.isascii() and _SURROGATE.search(text):
            self._wrong(at, "expected characters, found half of a surrogate pair")
            text = _SURROGATE.sub("", text)
        if self.stack and self.stack[-1].on_key:
            self._key(text, plain, at)
            return
        value: Value = text
        if plain:
            if text in _CONSTANTS:
                value = _CONSTANTS[text]
            elif _INT.fullmatch(text):
                value = int(text)
        self._add(value, _Place(*at))

    def _key(self, text: str, plain: bool, at: tuple[int, int]) -> None:
        frame = self.stack[-1]
        frame.on_key = False
        frame.key = None
        if plain and text == "<<":
            self._wrong(at, "expected the settings themselves, found the merge key '<<'")
        elif not text:
            self._wrong(at, "expected a key, found nothing before ':'")
        elif (first := frame.places.get(text)) is not None and first.key:
            message = f"expected each key once, found {_short(text)} again"
            self._wrong(at, f"{message}; the first is on line {first.key[0]}")
        else:
            frame.key = text
            frame.key_at = at

    def _alias(self, event: yaml.AliasEvent) -> None:
        at, text = _at(event.start_mark), f"*{event.anchor}"
        message = f"expected the value itself, found the alias {_short(text)}"
        self._wrong(at, f"{message}; text that starts with * needs quotes")
        if self.stack and self.stack[-1].on_key:
            self.stack[-1].on_key = False
            self.stack[-1].key = None
        else:
            self._add(text, _Place(*at))

    def _plain_only(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.anchor is not None:
            message = f"expected a value, found the anchor {_short('&' + event.anchor)}"
            self._wrong(_at(event.start_mark), f"{message}; text that starts with & needs quotes")
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            message = f"expected a value, found the tag {_short(tag)}"
            self._wrong(_at(event.start_mark), f"{message}; text that starts with ! needs quotes")

    def _add(self, value: Value, place: _Place) -> None:
        if not self.stack:
            self.data, self.root = value, place
            return
        frame = self.stack[-1]
        parent = frame.value
        if isinstance(parent, list):
            frame.places[len(parent)] = place
            parent.append(value)
            return
        frame.on_key = True
        if frame.key is not None:
            place.key = frame.key_at
            frame.places[frame.key] = place
            parent[frame.key] = value


# What the two parsers say (a part of it), and what a person is told: what was expected, and a hint. What
# was found follows from the place. The first that fits decides.
_QUOTE_COLON = "text with ': ' in it needs quotes"
_SAYINGS = (
    ("unknown escape", "a known escape after \\", "in single quotes \\ stands for itself"),
    ("hexadecimal numbers", "hexadecimal digits", ""),
    ("hexdecimal number", "hexadecimal digits", ""),
    ("Unicode character escape", "the number of a character", ""),
    ("cannot start any token", "a value", "text that starts with it needs quotes"),
    ("mapping values are not allowed", "no ': ' here", f"{_QUOTE_COLON}, and keys start in one column"),
    ("sequence entries are not allowed", "the list's first '-' on a line of its own", ""),
    ("mapping keys are not allowed", "a value", "text that starts with '? ' needs quotes"),
    ("unexpected ':'", "',' or the end of the list", _QUOTE_COLON),
    ("',' or ']'", "',' or ']' to go on after the '['", ""),
    ("',' or '}'", "',' or '}' to go on after the '{'", ""),
    ("'-' indicator", "'- ' under the one before", ""),
    ("block collection", "'- ' under the one before", ""),
    ("expected key", "a key under the one before", ""),
    ("block mapping", "a key under the one before", ""),
    ("node content", "a value", ""),
    ("document start", "the end of the file", ""),
    ("incompatible", "no line that starts with %", ""),
    ("directive", "no line that starts with %", ""),
    ("block scalar", "a line break after | or >", ""),
    ("anchor", "a value", "text that starts with & needs quotes"),
    ("alias", "a value", "text that starts with * needs quotes"),
    ("tag", "a value", "text that starts with ! needs quotes"),
    ("tab character", "spaces", ""),
)


def _in_our_words(fault: yaml.MarkedYAMLError, text: str) -> tuple[tuple[int, int], str]:
    """Where a parser gave up, and why, as every other error says it."""
    said = f"{fault.context} {fault.problem}"
    opened, mark = fault.context_mark, fault.problem_mark or fault.context_mark
    if opened and "quoted scalar" in said and "unexpected" in said:  # the end of the file, or '---'
        return _at(opened), f"expected a closing {text[opened.index]}, found none"
    if opened and "expected ':'" in said:
        return _at(opened), f"expected 'key: value', found {_short(_line_from(text, opened.index))}"
    if opened and ("scanning an a" in said or "scanning a tag" in said):  # an anchor, an alias
        mark = opened
    if not mark:
        return (0, 0), "expected YAML, found something else"
    found = _found(text, mark.index)
    expected, hint = next(
        ((expected, hint) for part, expected, hint in _SAYINGS if part in said), ("YAML", "")
    )
    if found == "a tab":
        expected, hint = "spaces", ""
    elif expected == "a value" and found.startswith("':"):
        hint = "text that starts with : needs quotes"
    elif opened and "go on after" in expected:
        expected += f" of line {opened.line + 1}"
    message = f"expected {expected}, found {found}" + (f"; {hint}" if hint else "")
    if mark.index >= len(text) and not mark.column and text and text[-1] not in "\r\n":
        # libyaml's end of a file without a last line break is on a line that is not there.
        return (mark.line, len(re.split("[\r\n]", text)[-1]) + 1), message
    return _at(mark), message


def _at(mark: _Mark | None) -> tuple[int, int]:
    assert mark is not None  # of what was parsed from text, there always is one
    return mark.line + 1, mark.column + 1


def _found(text: str, at: int) -> str:
    rest = _line_from(text, at)
    if text[at : at + 1] == "\t":
        return "a tab"
    if not rest.strip():
        return "the end of the line" if text[at:].strip() else "the end of the file"
    return _short(rest.split()[0])


def _line_from(text: str, at: int) -> str:
    return re.split("[\n\r]", text[at : at + 80], maxsplit=1)[0]


def _short(text: str) -> str:
    """What was found, as an error shows it."""
    return repr(text if len(text) <= 40 else text[:37] + "…")

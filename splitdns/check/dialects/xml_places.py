"""XML with places: every element knows the line and column where it begins.

Read by expat, without document types and so without entities: nothing is fetched, and nothing grows. Names of
namespaces are left out, for configurations mix no two.

>>> rule = read("<nat>\\n  <rule id='7'><port>443</port></rule>\\n</nat>", "edge.xml").child("rule")
>>> rule.value("port"), rule.attributes["id"], str(rule.where)
('443', '7', 'edge.xml:2:3')
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

from splitdns.errors import ConfigError, Where

MAX_CHARACTERS = 32 * 1024 * 1024  # beyond: an error; a gateway's whole configuration is a few megabytes
MAX_DEPTH = 64  # elements inside each other; beyond: an error. pfSense needs 10


@dataclass(slots=True, eq=False)
class Element:
    """``text`` is what stands directly in it, without space around."""

    tag: str
    where: Where
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def each(self, tag: str) -> Iterator[Element]:
        """The elements directly inside that are called ``tag``."""
        return (one for one in self.children if one.tag == tag)

    def child(self, *path: str) -> Element | None:
        """The first element at ``path``."""
        found: Element | None = self
        for tag in path:
            found = None if found is None else next(found.each(tag), None)
        return found

    def value(self, *path: str, usual: str = "") -> str:
        """The text at ``path``; ``usual`` where there is no such element, or nothing in it."""
        found = self.child(*path)
        return (found.text if found is not None else "") or usual


def read(text: str, file: str) -> Element:
    """The outermost element.

    Raises:
        ConfigError: it is not XML, too large, nested too deeply, or has a document type.
    """
    if len(text) > MAX_CHARACTERS:
        message = f"expected at most {MAX_CHARACTERS:,} characters, found {len(text):,}"
        raise ConfigError(Where(file, 1, 1), message)
    reader = _Reader(file)
    try:
        reader.parser.Parse(text.encode(errors="surrogatepass"), True)
    except expat.ExpatError as error:
        where = Where(file, max(error.lineno, 1), error.offset + 1)
        raise ConfigError(where, f"expected XML: {expat.ErrorString(error.code)}") from None
    assert reader.root is not None  # or expat had found no element
    return reader.root


class _Reader:
    def __init__(self, file: str) -> None:
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters
        self.root: Element | None = None
        self._file = file
        self._open: list[tuple[Element, list[str]]] = []

    def _where(self) -> Where:
        return Where(self._file, self.parser.CurrentLineNumber, self.parser.CurrentColumnNumber + 1)

    def _doctype(self, *_: object) -> None:
        raise ConfigError(self._where(), "expected an element, found a document type, which is not read")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        if len(self._open) == MAX_DEPTH:
            message = f"expected at most {MAX_DEPTH} elements inside each other, found more"
            raise ConfigError(self._where(), message)
        element = Element(name.rpartition(":")[2], self._where(), attributes)
        if self._open:
            self._open[-1][0].children.append(element)
        else:
            self.root = element
        self._open.append((element, []))

    def _end(self, _: str) -> None:
        element, parts = self._open.pop()
        element.text = "".join(parts).strip()

    def _characters(self, text: str) -> None:
        self._open[-1][1].append(text)

"""Objects of a cluster in YAML or JSON: several to a file, or in lists, each with its place.

As files of a repository have them, with ``---`` between, and as ``kubectl get -o yaml`` and ``-o json`` print
them. Templates are rendered before (``helm template``, ``kubectl kustomize``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from splitdns.check.dialects.printed import Printed
from splitdns.errors import ConfigError, Problems, Where
from splitdns.load import marked
from splitdns.load.marked import Document, Path, Value
from splitdns.value import value

MAX_DOCUMENTS = 2_000  # of one file; beyond: an error. A cluster's own dump is one list
_BETWEEN = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@value(frozen=True, slots=True)
class Part:
    """A value within a document; what has not the shape that is asked for is a mistake, read as nothing."""

    document: Document
    path: Path
    value: Value
    problems: Problems

    @property
    def where(self) -> Where:
        return self.document.where(self.path)

    def wrong(self, expected: str) -> None:
        found = "nothing" if self.value is None else f"{self.value!r:.60}"
        self.problems.error(ConfigError(self.where, f"expected {expected}, found {found}"))

    def at(self, *keys: str) -> Part:
        """What stands under ``keys``; None where nothing does."""
        found = self
        for key in keys:
            inner = found.value
            if inner is not None and not isinstance(inner, dict):
                found.wrong("a mapping")
                inner = None
            value = inner.get(key) if inner else None
            found = Part(found.document, (*found.path, key), value, found.problems)
        return found

    def items(self) -> Iterator[Part]:
        """Of a list."""
        if isinstance(self.value, list):
            for at, one in enumerate(self.value):
                yield Part(self.document, (*self.path, at), one, self.problems)
        elif self.value is not None:
            self.wrong("a list")

    def text(self, usual: str = "") -> str:
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int) and not isinstance(self.value, bool):
            return str(self.value)
        if self.value is not None:
            self.wrong("text")
        return usual

    def truth(self, usual: bool) -> bool:
        if isinstance(self.value, bool):
            return self.value
        if self.value is not None:
            self.wrong("true or false")
        return usual

    def port(self) -> int:
        """0 where there is none."""
        if self.value is None:
            return 0
        if isinstance(self.value, int) and not isinstance(self.value, bool) and 0 < self.value < 65_536:
            return self.value
        self.wrong("a port")
        return 0


def objects(printed: Printed, problems: Problems) -> Iterator[Part]:
    """Every object of the text, also those in lists; mistakes are collected."""
    starts = [match.start() for match in _BETWEEN.finditer(printed.text)]
    if len(starts) >= MAX_DOCUMENTS:
        message = f"expected at most {MAX_DOCUMENTS:,} documents, found {len(starts):,}"
        problems.error(ConfigError(Where(printed.file, 1, 1), message))
        return
    for start, end in zip([0, *starts], [*starts, len(printed.text)], strict=True):
        part = _BETWEEN.sub("   ", printed.text[start:end])
        if not part.strip():
            continue
        lines = printed.text.count("\n", 0, start)  # so that places are those of the file
        document = marked.scan("\n" * lines + part, printed.file, problems)
        if document is not None and document.data is not None:
            yield from _in(Part(document, (), document.data, problems))


def _in(part: Part) -> Iterator[Part]:
    kind = part.at("kind")
    if not isinstance(kind.value, str):
        kind.wrong("the kind of an object")
    elif kind.value.endswith("List"):
        for one in part.at("items").items():
            yield from _in(one)
    else:
        yield part

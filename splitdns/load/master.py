"""Master files (RFC 1035 5).

Plain lines, one record of a common type on each, are read by a regular expression and ``rdata``'s readers:
a million records in seconds, where dnspython alone takes two minutes. Everything else is joined into
entries, and read one record at a time. What NSD or Knot refuses to load is an error here.
"""

from __future__ import annotations

import contextlib
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from splitdns.errors import Problems, Where, ZoneError
from splitdns.load import alike
from splitdns.load import rdata as plain
from splitdns.load.declared import (
    DEFAULT_TTL_S,
    DeclaredName,
    DeclaredSet,
    DeclaredZone,
    Places,
    file_id,
    place,
)
from splitdns.load.entries import TOKEN, Entry, EntryError, entry
from splitdns.load.generate import generate
from splitdns.load.presentation import rdata_of, ttl_from_text
from splitdns.names import Qname, fold, is_under, to_text
from splitdns.records import META_TYPES, Type, type_from_text, type_to_text

MAX_INCLUDE_DEPTH = 8  # beyond: an error at the $INCLUDE
MAX_INCLUDES = 1_000  # in one zone; beyond: an error at the $INCLUDE
MAX_ERRORS = 1_000  # in one zone; beyond: the rest of the zone is not read
_MAX_UNCLOSED = 10  # parentheses without an end, each read over again; beyond: the file is not read on
_PROGRESS_OCTETS = 256 * 1024

_PLAIN_LINE = re.compile(
    r"([A-Za-z0-9*_/-][A-Za-z0-9*_/.-]*|@)?[ \t]+(?:([0-9]{1,9})[ \t]+)?(?:IN[ \t]+(?:([0-9]{1,9})[ \t]+)?)?"
    r"(A|AAAA|NS|CNAME|DNAME|PTR|MX|SRV|TXT)[ \t]+([^();\\\r\n]*[^();\\\r\n \t])[ \t]*(?:;[^\r\n]*)?(?:\n|\Z)"
)
_PLAIN_TYPES = {type_to_text(rdtype): int(rdtype) for rdtype in plain.PLAIN}
_NOT_ASCII = re.compile(r"[\x80-\xff]+")
_CLASSES = frozenset({"IN", "CH", "HS", "CS", "NONE", "ANY"})

class _StopReadingError(Exception):
    """No use in reading on."""


def read(
    path: Path,
    apex: Qname,
    problems: Problems,
    *,
    owner: bytes | None = None,
    horizon: str | None = None,
    advance: Callable[[int], None] | None = None,
) -> DeclaredZone:
    """The zone in the master file at ``path``; every mistake goes to ``problems`` as a ``ZoneError``.

    ``advance`` is told how many octets more were read, now and then.
    """
    zone = DeclaredZone(apex, owner or apex, Places([]), horizon=horizon)
    reader = _Reader(zone, path, problems, advance)
    with contextlib.suppress(_StopReadingError):
        reader.file(path, apex, DEFAULT_TTL_S, 0)
    return zone


@dataclass(slots=True)
class _Context:
    """One file, and what its lines depend on (RFC 1035 5.1, RFC 2308 4)."""

    path: Path
    text: str
    file_number: int
    origin: bytes
    inside: bool  # whether the origin is at or under the apex
    ttl_s: int
    depth: int
    owner: bytes | None = None
    at: int = 0  # how far ``text`` has been read
    line: int = 1  # the number of the line that starts there

    def next_line(self) -> str | None:
        if self.at >= len(self.text):
            return None
        end = self.text.find("\n", self.at)
        end = len(self.text) if end < 0 else end
        line = self.text[self.at : end]
        self.at, self.line = end + 1, self.line + 1
        return line


class _Reader:
    """Reads a file and those that it includes into ``zone``."""

    def __init__(
        self, zone: DeclaredZone, path: Path, problems: Problems, advance: Callable[[int], None] | None
    ) -> None:
        self.zone = zone
        self.problems = problems
        self.advance = advance
        self.mistakes = 0
        self.unclosed = 0
        # A ConfigMap's files are symbolic links: the directory of the link and the target's both count.
        self.roots = (path.parent.resolve(), path.resolve().parent)
        self.wide: dict[tuple[Qname, int], set[bytes]] = {}

    def error(self, where: Where, message: str) -> None:
        self.problems.error(ZoneError(where, message))
        self.mistakes += 1
        if self.mistakes >= MAX_ERRORS:
            self.problems.error(ZoneError(where, f"{MAX_ERRORS} mistakes; the rest of the zone was not read"))
            raise _StopReadingError

    def file(self, path: Path, origin: bytes, ttl_s: int, depth: int, asked: Where | None = None) -> None:
        """Read one file; ``asked`` is the $INCLUDE that wants it."""
        try:
            text = path.read_bytes().decode("latin-1")
        except OSError as error:
            self.error(asked or Where(str(path)), f"cannot read {str(path)!r}: {error.strerror}")
            return
        inside = is_under(fold(origin), self.zone.apex)
        context = _Context(path, text, self.zone.places.add(str(path)), origin, inside, ttl_s, depth)
        if "\r" in text:
            line = text.count("\n", 0, text.index("\r")) + 1
            message = "expected lines that end as on Unix, found a carriage return (Knot refuses it, too)"
            self.error(Where(str(path), line), message)
            return
        self._lines(context)

    def _lines(self, context: _Context) -> None:
        match_line, text = _PLAIN_LINE.match, context.text
        told, one_by_one = 0, 0  # how far ``advance`` was told of, and how far lines are read one by one
        while context.at < len(text):
            if self.advance and context.at - told >= _PROGRESS_OCTETS:
                self.advance(context.at - told)
                told = context.at
            if context.at >= one_by_one:
                one_by_one, found = alike.read(text, context.at, fold(context.origin))
                if found is not None and self._alike(context, found):
                    context.at = one_by_one
                    continue
            match = match_line(text, context.at)
            if match is None or not self._plain(context, match):
                self._entry(context)
            else:
                context.at = match.end()
                context.line += 1
        if self.advance:
            self.advance(len(text) - told)

    def _plain(self, context: _Context, match: re.Match[str]) -> bool:
        """Add the record of a plain line; False: it needs a closer look."""
        owner_text, ttl_text, second_ttl, type_text, rdata_text = match.groups()
        if ttl_text and second_ttl:
            return False
        if owner_text is not None:
            owner = context.origin if owner_text == "@" else plain.joined(owner_text, context.origin)
            if owner is None:
                return False
            inside = is_under(fold(owner), self.zone.apex) if owner_text[-1] == "." else context.inside
            if not inside:
                return False
        elif context.owner is None:
            return False
        else:
            owner = context.owner
        rdtype = _PLAIN_TYPES[type_text]
        rdata = plain.PLAIN[rdtype](rdata_text, context.origin)
        if rdata is None:
            return False
        context.owner = owner
        ttl_text = ttl_text or second_ttl
        at = place(context.file_number, context.line, 1)
        if ttl_text is None:
            self._add(owner, rdtype, rdata, context.ttl_s, False, at)
        else:
            self._add(owner, rdtype, rdata, int(ttl_text), True, at)
        return True

    def _alike(self, context: _Context, found: alike.Alike) -> bool:
        """Add the records of lines that look alike; False: they need a closer look, one by one."""
        names = self.zone.names
        if not context.inside or fold(context.origin) != context.origin:
            return False
        if not names.keys().isdisjoint({*found.names}):
            return False
        rdtype, own_ttl = int(found.rdtype), found.ttl_s is not None
        ttl_s = context.ttl_s if found.ttl_s is None else found.ttl_s
        first, step = place(context.file_number, context.line, 1), place(0, 1, 0)
        for at, name, rdata in zip(count(first, step), found.names, found.rdatas, strict=False):
            names[name] = DeclaredName(name, at, [DeclaredSet(rdtype, (rdata,), ttl_s, own_ttl, at)])
        context.owner = found.names[-1]
        context.line += len(found.names)
        return True

    def _add(self, owner: bytes, rdtype: int, rdata: bytes, ttl_s: int, own_ttl: bool, at: int) -> None:
        qname = fold(owner)
        name = self.zone.names.get(qname)
        if name is None:
            owner = qname if owner == qname else owner  # one object, a million times
            declared = DeclaredSet(rdtype, (rdata,), ttl_s, own_ttl, at)
            self.zone.names[qname] = DeclaredName(owner, at, [declared])
            return
        former = next((former for former in name.sets if former.rdtype == rdtype), None)
        if former is None:
            name.sets.append(DeclaredSet(rdtype, (rdata,), ttl_s, own_ttl, at))
            return
        self._add_to(former, qname, rdata, ttl_s, own_ttl, at)

    def _add_to(
        self, former: DeclaredSet, qname: Qname, rdata: bytes, ttl_s: int, own_ttl: bool, at: int
    ) -> None:
        """One more record of a set: the lowest TTL counts for all (RFC 2181 5.2), duplicates vanish."""
        rdtype = former.rdtype
        if rdtype == Type.SOA:
            self.error(self.zone.where(at), "expected one SOA record, found a second one")
            return
        if ttl_s != former.ttl_s:
            lowest = min(ttl_s, former.ttl_s)
            others = f"the other {type_to_text(rdtype)} records of {to_text(qname)}"
            message = f"TTL {ttl_s} is not the TTL {former.ttl_s} of {others}; {lowest} is used for all"
            self.problems.warn(self.zone.where(at), message)
            former.ttl_s = lowest
        former.own_ttl = former.own_ttl or own_ttl
        present = self.wide.get((qname, rdtype))
        if present is None:
            present = self.wide[qname, rdtype] = {_same_as(rdtype, former.rdatas[0])}
        if (key := _same_as(rdtype, rdata)) not in present:
            present.add(key)
            if isinstance(former.rdatas, list):
                former.rdatas.append(rdata)
            else:
                former.rdatas = [*former.rdatas, rdata]

    def _entry(self, context: _Context) -> None:
        """Read what is not a plain line: an entry of one line or more, a directive, nothing at all."""
        at, number = context.at, context.line
        line = context.next_line()
        assert line is not None
        try:
            found = entry(line, number, context.next_line)
        except EntryError as error:
            where = Where(str(context.path), error.line, error.column)
            self.error(where, error.message)
            if context.line > number + 1:  # go on after the first of its lines
                self.unclosed += 1
                if self.unclosed > _MAX_UNCLOSED:
                    raise _StopReadingError from None
                context.at, context.line = at + len(line) + 1, number + 1
            return
        if strange := _NOT_ASCII.search(found.text):
            octets = strange[0].encode("latin-1").decode(errors="replace")
            message = f"expected ASCII, found {octets!r}; write \\DDD in texts and A-labels (xn--…) in names"
            self.error(self._where(context, found, strange.start()), message)
            return
        tokens = list(TOKEN.finditer(found.text))
        if not tokens:
            return
        first = tokens[0][0]
        if found.text[0] not in " \t" and first.startswith("$"):
            self._directive(context, found, tokens)
        else:
            self._record(context, found, tokens)

    def _where(self, context: _Context, found: Entry, at: int) -> Where:
        line, column = found.place(at)
        return Where(str(context.path), line, column)

    def _record(self, context: _Context, found: Entry, tokens: list[re.Match[str]]) -> None:
        """``[owner] [TTL] [class] type rdata``; TTL and class in either order (RFC 1035 5.1)."""
        at = 0  # where the token stands that is being read
        ttl_s: int | None = None
        in_class = False
        rest = deque(tokens)
        try:
            if found.text[0] not in " \t":
                token = rest.popleft()
                at = token.start()
                context.owner = None  # what follows a wrong owner is not its predecessor's
                owner = plain.name(token[0], context.origin)
                if not is_under(fold(owner), self.zone.apex):
                    apex = to_text(self.zone.owner)
                    raise ValueError(f"expected a name at or under {apex}, found {to_text(owner)}")
                context.owner = owner
            elif context.owner is None:
                raise ValueError("expected an owner name at the start of the line, found a blank")
            while rest:
                token = rest[0]
                at = token.start()
                if token[0][0].isdigit() and ttl_s is None:
                    ttl_s = ttl_from_text(token[0])
                elif token[0].upper() in _CLASSES and not in_class:
                    in_class = True
                    if token[0].upper() != "IN":
                        raise ValueError(f"expected the class IN, found {token[0]!r}")
                else:
                    break
                rest.popleft()
            if not rest:
                at = len(found.text.rstrip())
                raise ValueError("expected a record type, found the end of the line")
            rdtype = type_from_text(rest.popleft()[0])
            if rdtype in META_TYPES or not rdtype:
                raise ValueError(f"expected a type of records, found {type_to_text(rdtype)}")
            if rdtype == Type.SOA and fold(context.owner) != self.zone.apex:
                raise ValueError(f"expected the SOA at {to_text(self.zone.owner)}")
            start = at
            at = rest[0].start() if rest else len(found.text.rstrip())
            rdata = rdata_of(rdtype, found.text[at:].rstrip(), context.origin)
        except ValueError as error:
            self.error(self._where(context, found, at), str(error))
            return
        line, column = found.place(start)
        where = place(context.file_number, line, column)
        own_ttl = ttl_s is not None
        self._add(context.owner, rdtype, rdata, context.ttl_s if ttl_s is None else ttl_s, own_ttl, where)

    def _directive(self, context: _Context, found: Entry, tokens: list[re.Match[str]]) -> None:
        name, arguments = tokens[0][0].upper(), tokens[1:]
        at = tokens[0].start()
        try:
            low, high = _DIRECTIVES.get(name, (0, 0))
            if not low:
                known = ", ".join(_DIRECTIVES)
                raise ValueError(f"expected one of {known}, found {tokens[0][0]!r}")
            if not low <= len(arguments) <= high:
                raise ValueError(f"expected {name} {_USAGE[name]}")
            at = arguments[0].start()
            first = arguments[0][0]
            if name == "$TTL":
                context.ttl_s = ttl_from_text(first)
            elif name == "$ORIGIN":
                context.origin = _absolute(first)
                context.inside = is_under(fold(context.origin), self.zone.apex)
            elif name == "$GENERATE":
                template = found.text[arguments[1].start() :]
                for line in generate(first, template):
                    made = Entry(line, found.starts[:1])
                    self._record(context, made, list(TOKEN.finditer(line)))
            else:
                origin = context.origin
                if len(arguments) == 2:
                    at = arguments[1].start()
                    origin = _absolute(arguments[1][0])
                    at = arguments[0].start()
                self._include(context, first.strip('"'), origin, self._where(context, found, at))
        except ValueError as error:
            self.error(self._where(context, found, at), str(error))

    def _include(self, context: _Context, name: str, origin: bytes, where: Where) -> None:
        """Read the file ``name``, relative to the one that includes it; then all is as before."""
        if context.depth >= MAX_INCLUDE_DEPTH:
            raise ValueError(f"expected files to include each other {MAX_INCLUDE_DEPTH} deep at most")
        if len(self.zone.included) >= MAX_INCLUDES:
            raise ValueError(f"expected a zone of at most {MAX_INCLUDES} included files")
        if "\0" in name:
            raise ValueError("expected a file name, found a NUL")
        path = context.path.parent / name
        resolved = path.resolve()
        if not any(resolved.is_relative_to(root) for root in self.roots):
            raise ValueError(f"expected a file in {self.roots[0]} or below, found {name!r}")
        self.zone.included.append(file_id(path))
        self.file(path, origin, context.ttl_s, context.depth + 1, where)


_DIRECTIVES = {"$TTL": (1, 1), "$ORIGIN": (1, 1), "$INCLUDE": (1, 2), "$GENERATE": (2, 1000)}
_USAGE = {
    "$TTL": "and one TTL",
    "$ORIGIN": "and one name",
    "$INCLUDE": "and a file, perhaps with an origin",
    "$GENERATE": "with a range, an owner, a type and its data",
}


def _absolute(text: str) -> bytes:
    if not text.endswith("."):
        raise ValueError(f"expected a name that ends in a dot, found {text!r}")
    return plain.name(text, b"\0")


def _same_as(rdtype: int, rdata: bytes) -> bytes:
    """What makes two records the same: the case of names does not (RFC 4343)."""
    return rdata.lower() if rdtype in _NAMES_ONLY else rdata


_NAMES_ONLY = frozenset({Type.NS, Type.CNAME, Type.DNAME, Type.PTR})

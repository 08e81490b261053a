"""Statements of a pf.conf: macros, options, tables, anchors, filter rules, and FreeBSD's translation rules.

What is wrong is told with its place, and the next line is read, so that a person sees all mistakes at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.dialects.pf import hosts, options
from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.options import SYN_ALONE, Options
from splitdns.check.dialects.pf.values import (
    Anchor,
    Does,
    Filter,
    Host,
    HostKind,
    On,
    Rule,
    Table,
    Target,
    Translation,
    Written,
)
from splitdns.check.dialects.pf.words import Word
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Note, Origin, Support
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError, Problems, Where

MAX_INCLUDES = 8  # files within files
MAX_ANCHORS = 64  # anchors within anchors, as pf itself
_LOOPBACK = {4: ip_network("127.0.0.0/8"), 6: ip_network("::1/128")}
_DOMAINS = "routing domains are not modelled"
_UNKNOWN = {hosts.OS: "os", _DOMAINS: "rdomain"}  # what may stand before the options
_FAMILIES = {"inet": 4, "inet6": 6}
_TRANSLATIONS = ("nat", "rdr", "binat")
_OLD = (*_TRANSLATIONS, "no", "nat-anchor", "rdr-anchor", "binat-anchor", "scrub", "altq")
_SETTINGS = (
    "limit", "timeout", "optimization", "ruleset-optimization", "loginterface", "hostid", "fingerprints",
    "debug", "reassemble", "state-defaults", "syncookies", "fail-policy", "keepcounters", "require-order",
    "state-policy",
)  # fmt: skip


class Grammar:
    """Reads files into ``written``; ``texts`` are all that there are, for includes and tables."""

    def __init__(self, texts: Sequence[Printed], problems: Problems) -> None:
        self.written = Written()
        self._texts = texts
        self._problems = problems
        self._macros: dict[str, str] = {}

    def file(self, text: Printed, depth: int = 0) -> None:
        cursor = Cursor(text.text, text.file, self._macros)
        self.written.rules += self._statements(cursor, depth, 0)

    def _statements(self, cursor: Cursor, includes: int, anchors: int) -> list[Rule | Anchor]:
        """Up to the end of the file, or, in an anchor, its closing brace."""
        rules: list[Rule | Anchor] = []
        while True:
            try:
                cursor.lines()
                word = cursor.peek()
                if word is None or (anchors and cursor.at("}")):
                    return rules
                known = len(self.written.notes)
                rules += self._statement(cursor, includes, anchors)
                self._say_whole(cursor, word, known)
                if word.text in _OLD and word.kind == "word" and self.written.first_old is None:
                    self.written.first_old = Origin(word.where, cursor.said(word))
                if not cursor.at_end() or (cursor.at("}") and not anchors):
                    cursor.wrong("the end of the line")
            except ConfigError as error:
                self._problems.error(error)
                if cursor.is_over:
                    return rules
                cursor.rest()
                if not anchors:
                    cursor.skip("}")

    def _statement(self, cursor: Cursor, includes: int, anchors: int) -> list[Rule | Anchor]:
        first = cursor.take()
        assert first is not None
        name = first.text if first.kind == "word" else ""
        if cursor.at("="):
            self._macro(cursor, first)
            return []
        match name:
            case "pass" | "block" | "match":
                return self._rule(cursor, first)
            case "anchor":
                return self._anchor(cursor, first, includes, anchors)
            case "antispoof":
                return self._antispoof(cursor, first)
            case "set":
                self._set(cursor, first)
            case "table":
                self._table(cursor)
            case "include":
                self._include(cursor, includes)
            case "nat" | "rdr" | "binat" | "no":
                self._translation(cursor, first)
            case "load" | "nat-anchor" | "rdr-anchor" | "binat-anchor":
                self._elsewhere(cursor, first)
            case "scrub" | "queue" | "altq":
                cursor.rest()
                self._note(Support.IGNORED, name, cursor, first, "it does not change where a packet goes")
            case "ether":
                cursor.rest()
                self._note(Support.WIDENED, "ether", cursor, first, "what rules do to frames is not modelled")
            case _:
                expected = "a statement of pf.conf, such as pass, block, match, set, table"
                raise ConfigError(first.where, f"expected {expected}, found {first}")
        return []

    def _say_whole(self, cursor: Cursor, first: Word, known: int) -> None:
        """Notes are made in the midst of a statement; they are to show all of it."""
        whole = Origin(first.where, cursor.said(first))
        for at, note in enumerate(self.written.notes[known:], known):
            if note.origin.where == first.where:
                self.written.notes[at] = replace(note, origin=whole)

    def _note(self, support: Support, name: str, cursor: Cursor, first: Word, reason: str) -> None:
        self.written.notes.append(Note(support, name, Origin(first.where, cursor.said(first)), reason))

    # --- Macros, options, tables, other files ---------------------------------------------------------------

    def _macro(self, cursor: Cursor, name: Word) -> None:
        cursor.need("=")
        parts = []
        while not cursor.at_end() or cursor.at("}"):
            word = cursor.take()
            assert word is not None
            parts.append(word.text)
        if not parts:
            cursor.wrong("the value of a macro")
        self._macros[name.text] = " ".join(parts)

    def _set(self, cursor: Cursor, first: Word) -> None:
        name = cursor.name("an option")
        if name == "skip":
            cursor.need("on")
            faces = hosts.interfaces(cursor)
            self.written.skips += ((face, Origin(first.where, cursor.said(first))) for face in faces)
        elif name == "block-policy":
            self.written.answer = cursor.name("drop or return")
            if self.written.answer not in ("drop", "return"):
                cursor.refuse("drop or return")
        else:
            cursor.rest()
            if name in _SETTINGS:
                reason = "it does not change where a packet goes"
                if name == "state-policy":
                    reason = "it matters only where answers come back by another interface"
                self._note(Support.IGNORED, f"set {name}", cursor, first, reason)
            else:
                self._note(Support.UNKNOWN, f"set {name}", cursor, first, "an option that is not known here")

    def _table(self, cursor: Cursor) -> None:
        cursor.need("<")
        name = cursor.name("the name of a table")
        cursor.need(">")
        entries: list[Host] = []
        why = "others may be put into it while pf runs"
        is_told = False
        while not cursor.at_end():
            if cursor.skip("const"):
                why = ""
            elif cursor.skip("file"):
                more = self._entries(cursor.name("a file"))
                why = "its file is not among the sources" if more is None else why
                is_told = is_told or more is not None
                entries += more or ()
            elif cursor.at("{"):
                entries += cursor.several(lambda: hosts.host(cursor))
                is_told = True
            elif not cursor.skip("persist", "counters"):
                cursor.wrong("const, persist, counters, file or addresses in braces")
        self.written.tables[name] = Table(tuple(entries), "" if is_told and "file" not in why else why)

    def _entries(self, file: str) -> list[Host] | None:
        """What a table's file holds, one address or name in a line, with comments (pfctl(8), "-T")."""
        text = self._other(file)
        if text is None:
            return None
        lines = (line.partition("#")[0].split() for line in text.text.splitlines())
        return [_entry(word, text.file, number) for number, words in enumerate(lines, 1) for word in words]

    def _include(self, cursor: Cursor, includes: int) -> None:
        at = cursor.peek()
        name = cursor.name("a file")
        where = at.where if at is not None else Where(name)
        text = self._other(name)
        if text is None:
            raise ConfigError(where, f"expected {name!r} as another source of this dialect, found none")
        if includes >= MAX_INCLUDES:
            raise ConfigError(where, f"expected files at most {MAX_INCLUDES} deep, found {name!r}")
        self.file(text, includes + 1)

    def _other(self, name: str) -> Printed | None:
        """A text of the sources, by the last part of its path."""
        last = name.rsplit("/", 1)[-1]
        return next((one for one in self._texts if one.file.rsplit("/", 1)[-1] == last), None)

    # --- Anchors --------------------------------------------------------------------------------------------

    def _anchor(self, cursor: Cursor, first: Word, includes: int, depth: int) -> list[Rule | Anchor]:
        name = ""
        word = cursor.peek()
        if word is not None and (word.kind == "quoted" or not cursor.at(*_DIRECTIONS, *_BEGIN_RULES)):
            name = cursor.name("the name of an anchor")
        direction, quick, when = self._head(cursor)
        when = hosts.from_to(cursor, self._family(cursor, when))
        found = self._options(cursor, first, when)
        if not cursor.skip("{"):
            reason = "its rules are elsewhere: give them in braces, as pfctl -a NAME -s rules prints them"
            self._note(Support.REFUSED, f"anchor {name}".strip(), cursor, first, reason)
            return []
        if depth >= MAX_ANCHORS:
            raise ConfigError(first.where, f"expected anchors at most {MAX_ANCHORS} deep")
        rules = self._statements(cursor, includes, depth + 1)
        cursor.need("}")
        return [Anchor(name, direction, quick, found.when, tuple(rules))]

    def _elsewhere(self, cursor: Cursor, first: Word) -> None:
        cursor.rest()
        reason = "its rules are elsewhere: write them into this file, as pfctl -a NAME -s nat prints them"
        if first.text == "load":
            reason = "its rules are in another file: give them in braces behind the anchor's name"
        self._note(Support.REFUSED, cursor.said(first), cursor, first, reason)

    # --- Filter rules ---------------------------------------------------------------------------------------

    def _head(self, cursor: Cursor) -> tuple[str, bool, Filter]:
        """Direction, log, quick, interfaces, old routing options, family, protocols."""
        direction, quick = "", False
        while cursor.at(*_DIRECTIONS, "log", "quick"):
            quick = quick or cursor.at("quick")
            direction = next((word for word in _DIRECTIONS if cursor.at(word)), direction)
            cursor.take()
            if cursor.at("("):
                cursor.in_brackets()
        when = Filter()
        if cursor.skip("on"):
            if cursor.at("rdomain"):
                cursor.take()
                cursor.name("the number of a routing domain")
                when = replace(when, unknown=(_DOMAINS,))
            else:
                when = replace(when, on=hosts.interfaces(cursor))
        return direction, quick, when

    def _family(self, cursor: Cursor, when: Filter) -> Filter:
        for word, family in _FAMILIES.items():
            if cursor.skip(word):
                when = replace(when, family=family)
        if cursor.skip("proto"):
            numbers = cursor.several(lambda: hosts.protocol(cursor))
            when = replace(when, protocols=Numbers.of(*((one, one) for one in numbers)))
        return when

    def _options(self, cursor: Cursor, first: Word, when: Filter) -> Options:
        def note(support: Support, name: str, reason: str) -> None:
            self._note(support, name, cursor, first, reason)

        for reason in when.unknown:
            if reason in _UNKNOWN:
                note(Support.WIDENED, _UNKNOWN[reason], reason)
        found = Options(when, note)
        options.read(cursor, found)
        self.written.overloaded |= found.overloaded
        return found

    def _rule(self, cursor: Cursor, first: Word) -> list[Rule | Anchor]:
        answer = self._answer(cursor) if first.text == "block" else ""
        direction, quick, when = self._head(cursor)
        routed = self._options_before(cursor, first, when)
        when = hosts.from_to(cursor, self._family(cursor, routed.when))
        found = self._options(cursor, first, when)
        does = Does(first.text)
        stateful = does is Does.PASS if found.stateful is None else found.stateful
        flags = found.flags
        if flags is None and does is Does.PASS and stateful and not found.any_flags:
            flags = SYN_ALONE
        family = found.when.family or _family_of(found.rdr or found.nat or found.binat)
        when = replace(found.when, flags=flags, family=family)
        origin = Origin(first.where, cursor.said(first))
        if (found.nat and direction == "in") or (found.rdr and direction == "out"):
            found.anything("nat-to in, rdr-to out", "sources are translated on the way out only")
        opaque = found.opaque or routed.opaque
        rule = Rule(
            does, direction, quick, when, origin, answer, stateful, found.tag, found.rdr, found.nat, opaque
        )
        return list(_both_ways(rule, found.binat)) if found.binat is not None else [rule]

    def _options_before(self, cursor: Cursor, first: Word, when: Filter) -> Options:
        """``route-to`` and its kin, which stand before the family in FreeBSD's grammar."""

        def note(support: Support, name: str, reason: str) -> None:
            self._note(support, name, cursor, first, reason)

        found = Options(when, note)
        while cursor.at(*options.ROUTING):
            options.read_one(cursor, found)
        return found

    def _answer(self, cursor: Cursor) -> str:
        for word in ("drop", "return", "return-rst", "return-icmp", "return-icmp6"):
            if cursor.skip(word):
                if cursor.at("("):
                    cursor.in_brackets()
                return word.rstrip("6")
        return self.written.answer

    def _antispoof(self, cursor: Cursor, first: Word) -> list[Rule | Anchor]:
        """Packets from an interface's network by another one, and from its own address (pf.conf(5))."""
        _, quick, _ = self._head(cursor)
        cursor.need("for")
        faces = hosts.interfaces(cursor)
        family = self._family(cursor, Filter()).family
        self._options(cursor, first, Filter())
        origin = Origin(first.where, cursor.said(first), "antispoof")
        made: list[Rule | Anchor] = []
        for face in faces:
            network, own = _spoofed(face)
            elsewhere = Filter((On(face.name, negated=True),), family, sources=network)
            made.append(Rule(Does.BLOCK, "in", quick, elsewhere, origin, "drop"))
            if own:
                made.append(Rule(Does.BLOCK, "in", quick, Filter((), family, sources=own), origin, "drop"))
        return made

    # --- FreeBSD's translation ------------------------------------------------------------------------------

    def _translation(self, cursor: Cursor, first: Word) -> None:
        word = first
        if first.text == "no":
            if cursor.skip("scrub"):
                cursor.rest()
                reason = "it does not change where a packet goes"
                self._note(Support.IGNORED, "no scrub", cursor, first, reason)
                return
            if not cursor.at(*_TRANSLATIONS):
                cursor.wrong("nat, rdr, binat or scrub")
            word = cursor.take() or first
        passes = cursor.skip("pass")
        _, _, when = self._head(cursor)
        when = hosts.from_to(cursor, self._family(cursor, when))
        tag = ""
        while cursor.at("tag", "tagged", "!"):
            found = Options(when, _nothing)
            options.read_one(cursor, found)
            when, tag = found.when, found.tag or tag
        target: Target | None = None
        if first.text != "no":
            cursor.need("->")
            target = hosts.target(cursor)
            while cursor.at("tag", "tagged", "!"):  # where pfctl -s nat prints them
                found = Options(when, _nothing)
                options.read_one(cursor, found)
                when, tag = found.when, found.tag or tag
        origin = Origin(first.where, cursor.said(first))
        made = Translation(word.text, when, target, passes, origin, tag)
        self.written.translations.append(made)


_DIRECTIONS = ("in", "out")
_BEGIN_RULES = ("{", "on", "log", "quick", "inet", "inet6", "proto", "from", "to", "all", "\n")


def _entry(word: str, file: str, line: int) -> Host:
    text = word.lstrip("!")
    try:
        prefix = ip_network(text, strict=False)
    except ValueError:
        try:
            return hosts.host(Cursor(word, file, {}))
        except ConfigError as error:
            raise ConfigError(Where(file, line, 1), error.message) from None
    return Host(HostKind.PREFIX, text, text != word, prefix)


def _nothing(_support: Support, _name: str, _reason: str) -> None:
    """Tags are modelled: there is nothing to note."""


def _family_of(target: Target | None) -> int | None:
    """The family in which a rule is there at all: that of the addresses to which it translates."""
    prefixes = [one.prefix for one in target.hosts] if target is not None else []
    versions = {None if one is None else one.version for one in prefixes}
    return versions.pop() if len(versions) == 1 else None


def _both_ways(rule: Rule, public: Target) -> Iterator[Rule]:
    """``binat-to``: the source outwards, and the destination inwards (pf.conf(5), "Translation")."""
    when = rule.when
    if rule.direction != "in":
        yield replace(rule, direction="out", nat=replace(public, static=True, bitmask=True))
    if rule.direction != "out":
        turned = replace(
            when,
            sources=when.destinations,
            source_ports=when.destination_ports,
            destinations=public.hosts,
            destination_ports=when.source_ports,
        )
        yield replace(rule, direction="in", when=turned, rdr=Target(when.sources, bitmask=True))


def _spoofed(face: On) -> tuple[tuple[Host, ...], tuple[Host, ...]]:
    """The sources that may come by this interface only, and those that may come by none."""
    if face.name.startswith("lo"):
        return tuple(Host(HostKind.PREFIX, str(one), prefix=one) for one in _LOOPBACK.values()), ()
    network = Host(HostKind.INTERFACE, face.name, modifiers=("network",))
    return (network,), (Host(HostKind.INTERFACE, face.name),)


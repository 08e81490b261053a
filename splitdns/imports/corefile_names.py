"""What CoreDNS answers by itself: ``hosts``, ``template`` and ``rewrite`` (coredns.io/plugins)."""

from __future__ import annotations

import re

from splitdns.check.dialects.printed import Printed
from splitdns.errors import Where
from splitdns.imports import hosts
from splitdns.imports.corefile_lines import Directive
from splitdns.imports.entries import Entry, Found
from splitdns.imports.patterns import is_in
from splitdns.imports.rrtext import plain, record
from splitdns.imports.service import Service
from splitdns.imports.texts import Texts
from splitdns.value import value

_NAME = re.compile(r"\{\{\s*\.Name\s*\}\}")
_END = re.compile(r"(\[\.\]|\\\.)\$$")
_ANY = frozenset((".*", "^.*$", "^(.*)$", "(.*)"))


@value(frozen=True, slots=True)
class Block:
    """A server block: its zones (empty: all names), who sees it, and in which views."""

    zones: tuple[str, ...]
    horizons: tuple[str, ...]
    views: tuple[str, ...]

    def zones_of(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The zones that a plugin names, or else those of the block."""
        named = tuple("" if one == "." else plain(one).lower() for one in words)
        return named or self.zones


def hosts_of(one: Directive, block: Block, texts: Texts, found: Found) -> None:
    """``hosts [FILE [ZONE…]] { ADDRESS NAME… }``: closed, and so are all others, but for ``fallthrough``."""
    zones = block.zones_of(one.args[1:])
    lines: list[hosts.Line] = []
    ttl_s, falls, path = None, False, one.args[0] if one.args else ""
    for inner in one.inner:
        if inner.name == "fallthrough":
            falls = True
        elif inner.name == "ttl" and inner.args and inner.args[0].isdecimal():
            ttl_s = int(inner.args[0][:10])
        elif inner.name == "no_reverse":
            found.leave(inner.where, "addresses have PTR records all the same: see `ptr` in a zone")
        elif inner.name != "reload":
            lines += _line(inner, found)
    if path and (text := texts.read(path, one.where)) is not None:
        lines = [*hosts.read(text, found), *lines]
    if not falls:
        for zone in filter(None, zones):
            found.close(zone, block.horizons)
        if "" in zones:
            found.leave(one.where, "names that `hosts` did not have did not exist; here they are asked for")
    before = len(found.entries)
    hosts.add(((line, tuple(_within(line.names, zones))) for line in lines), found, ttl_s)
    found.entries[before:] = [_seen(entry, block, is_open=False) for entry in found.entries[before:]]


def _line(inner: Directive, found: Found) -> list[hosts.Line]:
    told = Found()
    made = list(hosts.read(Printed(" ".join(inner.words), inner.where.file), told))
    for each in told.left:
        found.leave(inner.where, each.message)
    return [hosts.Line(line.address, line.names, inner.where) for line in made]


def _within(names: tuple[str, ...], zones: tuple[str, ...]) -> list[str]:
    return [one for one in names if not zones or any(not zone or _is_in(one, zone) for zone in zones)]


def _is_in(name: str, zone: str) -> bool:
    try:
        return is_in(name, zone)
    except ValueError:
        return True  # it is told where it is written


def template(one: Directive, block: Block, found: Found, service: Service) -> None:
    """``template CLASS TYPE [ZONE…] { match REGEX; answer RECORD; rcode CODE }``."""
    zones = [zone for zone in block.zones_of(one.args[2:]) if zone]
    answers = [" ".join(inner.args) for inner in one.all("answer")]
    matches = [inner.args[0] for inner in one.all("match") if inner.args and inner.args[0] not in _ANY]
    rcode = next((inner.args[0] for inner in one.all("rcode") if inner.args), "NOERROR").upper()
    rdtype = one.args[1].upper() if len(one.args) > 1 else "ANY"
    for inner in one.inner:
        if inner.name not in ("answer", "match", "rcode", "fallthrough"):
            found.leave(inner.where, f"{inner.name[:60]} of a template is left out")
    if not answers and rcode == "NXDOMAIN" and rdtype == "ANY" and zones and not matches:
        for zone in zones:
            service.list(_label("nothing", block), views=block.views).add(f"*.{zone}")
        return
    if not answers:
        message = f"left out: a template that answers {rdtype[:20]} with {rcode[:20]} and no record"
        found.leave(one.where, message)
        return
    for answer in answers:
        _template(answer, zones, matches, one.where, block, found)


def _template(
    answer: str, zones: list[str], matches: list[str], where: Where, block: Block, found: Found
) -> None:
    text, count = _NAME.subn("name.invalid.", answer, count=1)
    if count == 0 or "{{" in text or not text.startswith("name.invalid."):
        found.leave(where, f"left out: the template {answer[:80]}; records here are as they are written")
        return
    try:
        made = record(text, where)
    except ValueError as error:
        found.leave(where, f"left out: {error}")
        return
    if not matches and not zones:
        found.leave(where, "left out: a template for all names; no zone is so large")
    for pattern in matches:
        made_of = _END.sub("$", pattern)
        found.entries.append(_seen(_named(made, made_of, is_pattern=True), block, is_open=False))
    for zone in () if matches else zones:
        found.entries.append(_seen(_named(made, zone, beneath=True), block, is_open=False))


def rewrite(one: Directive, block: Block, found: Found) -> None:
    """``rewrite [stop] name [exact] FROM TO``: an alias; others are told."""
    words = [word for word in one.args if word not in ("stop", "continue", "exact")]
    is_plain = len(words) == 3 and words[0] == "name" and "suffix" not in words and "{" not in words[2]
    if not is_plain or words[1] in ("regex", "suffix", "prefix", "substring"):
        found.leave(one.where, f"left out: {' '.join(one.words)[:80]}; questions are not rewritten here")
        return
    message = f"{plain(words[1]):.60} was asked as {plain(words[2]):.60}; here it is an alias of that"
    found.leave(one.where, message)
    entry = Entry(plain(words[1]), "CNAME", f"{plain(words[2])}.", one.where)
    found.entries.append(_seen(entry, block, is_open=False))


def _named(entry: Entry, name: str, *, is_pattern: bool = False, beneath: bool = False) -> Entry:
    return Entry(name, entry.rdtype, entry.value, entry.where, entry.ttl_s, is_pattern, beneath)


def _seen(entry: Entry, block: Block, *, is_open: bool) -> Entry:
    """The entry for those who see the block."""
    return Entry(
        entry.name, entry.rdtype, entry.value, entry.where, entry.ttl_s, entry.is_pattern, entry.beneath,
        block.horizons, is_open, entry.has_ptr,
    )  # fmt: skip


def _label(name: str, block: Block) -> str:
    return f"{name}-{block.horizons[0]}" if block.views else name

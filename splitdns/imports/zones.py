"""Entries as zone files: overlays, for views of one horizon.

Another system's own data lies over the public DNS: what it does not know it forwards. That is an overlay.
Each zone is written for the horizon of those who asked that system, so that nobody outside is told more.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from splitdns.errors import Caution
from splitdns.imports.entries import Entry, Found
from splitdns.imports.patterns import is_in, matches, relative, tail
from splitdns.names import fold, from_text, to_text, wire_from_text
from splitdns.zone import check_pattern

# Second labels under which a country's names are sold, so that they are nobody's zone.
_SOLD = frozenset({"ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"})
# Zones of one label that networks use inside (RFC 6762 G, RFC 9476, ICANN's private-use "internal").
_INSIDE = frozenset({
    "alt", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "private", "test",
})  # fmt: skip
_ALONE = ("CNAME",)
MAX_TTL_S = 2_147_483_647  # RFC 2181 8


@dataclass(frozen=True, slots=True)
class Imported:
    """Zone files by apex, and what could not be carried over, in file order."""

    zones: dict[str, str]
    left: tuple[Caution, ...]


def written(found: Found, apexes: Sequence[str], horizon: str, source: str) -> Imported:
    """The zones of all entries.

    ``apexes`` are zones that are wanted; names beneath none of them go to a zone of their own domain's.
    ``source`` stands in the files.
    """
    zones: dict[str, _Zone] = {}
    usable = [one for one in found.entries if _is_usable(one, found)]
    for entry in usable:
        apex = _apex_of(entry, apexes)
        if apex is None:
            found.leave(entry.where, f"the pattern {entry.name} is not about the names of one zone")
            continue
        zone = zones.setdefault(apex, _Zone(apex))
        if entry.is_pattern:
            zone.add_pattern(entry, found)
        else:
            zone.add(entry, found)
    if found.patterns_first:
        _tell_shadowed(usable, found)
    for zone in zones.values():
        zone.take_apex(found)
    texts = {apex: zone.text(horizon, source) for apex, zone in zones.items() if zone.has_records}
    return Imported(texts, tuple(sorted(found.left, key=lambda one: one.where)))


def _is_usable(entry: Entry, found: Found) -> bool:
    try:
        if entry.is_pattern:
            check_pattern(entry.name)
        else:
            from_text(f"{entry.name}.")
    except ValueError as error:
        found.leave(entry.where, f"left out: {error}")
        return False
    return True


def _apex_of(entry: Entry, apexes: Sequence[str]) -> str | None:
    name = entry.name
    if entry.is_pattern:
        name = tail(entry.name)[1].lstrip(".").lower()
        try:
            from_text(f"{name}.")
        except ValueError:
            return None
        if not name:
            return None
    wanted = [apex for apex in apexes if is_in(name, apex)]
    if wanted:
        return max(wanted, key=len)
    labels = to_text(from_text(f"{name}.")).rstrip(".").split(".")
    if entry.is_pattern and len(labels) < 2 and labels[-1] not in _INSIDE:
        return None
    if labels[-1] in _INSIDE:
        return labels[-1]
    count = 3 if len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SOLD else 2
    return ".".join(labels[-count:])


def _tell_shadowed(entries: Iterable[Entry], found: Found) -> None:
    """Names that a pattern took, where it was asked first; here the name wins (semantics 7)."""
    patterns = [one for one in entries if one.is_pattern]
    for entry in entries:
        for pattern in () if entry.is_pattern else patterns:
            if matches(pattern.name, entry.name.lower()):
                found.leave(
                    entry.where,
                    f"{entry.name} was answered by the pattern {pattern.name} ({pattern.where}), which went "
                    f"first there; here the name wins",
                )
                break


@dataclass(slots=True)
class _Zone:
    """A zone while it is put together: by owner (relative) the values of each type.

    An overlay's own name is asked for by itself, and never by a pattern (semantics 4).
    """

    apex: str
    names: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    ttls: dict[str, int] = field(default_factory=dict)
    name_servers: list[str] = field(default_factory=list)
    at_apex: dict[str, list[Entry]] = field(default_factory=dict)  # of patterns, by type

    @property
    def has_records(self) -> bool:
        return bool(self.names or self.name_servers)

    def add(self, entry: Entry, found: Found) -> None:
        owner = self._owner(entry.name)
        if entry.rdtype == "NS" and owner == "@":
            self.name_servers.append(entry.value)
            return
        self._put(owner, entry, found)
        if entry.beneath and entry.rdtype != "NS":
            self._put("*" if owner == "@" else f"*.{owner}", entry, found)

    def add_pattern(self, entry: Entry, found: Found) -> None:
        made = relative(entry.name, self.apex)
        if made is None:
            message = f"the pattern {entry.name} cannot be told for names of {self.apex} alone"
            found.leave(entry.where, message)
            return
        if made.note:
            found.leave(entry.where, f"the pattern {entry.name}: {made.note}")
        if made.apex and entry.rdtype not in _ALONE:
            self.at_apex.setdefault(entry.rdtype, []).append(entry)
        elif made.apex:
            found.leave(entry.where, f"left out at {self.apex} itself: a CNAME stands alone")
        if made.pattern:
            self._put(f"~{made.pattern}", entry, found)

    def take_apex(self, found: Found) -> None:
        """What patterns say of the zone's own name, where nothing else says it."""
        for rdtype, entries in self.at_apex.items():
            if rdtype not in self.names.get("@", {}):
                for entry in entries:
                    self._put("@", entry, found)

    def _owner(self, name: str) -> str:
        labels = to_text(wire_from_text(f"{name}.")).rstrip(".")
        if fold(wire_from_text(f"{name}.")) == from_text(f"{self.apex}."):
            return "@"
        return labels[: -len(self.apex) - 1]

    def _put(self, owner: str, entry: Entry, found: Found) -> None:
        key = owner if owner.startswith("~") else owner.lower()
        types = self.names.get(key, {})
        alone = entry.rdtype in _ALONE
        if alone and (types or owner == "@"):
            found.leave(entry.where, f"left out: {entry.name} has other records, and a CNAME stands alone")
            return
        if not alone and any(one in types for one in _ALONE):
            found.leave(entry.where, f"left out: {entry.name} has a CNAME, which stands alone")
            return
        self.names.setdefault(key, types)
        values = types.setdefault(entry.rdtype, [])
        if entry.value not in values:
            values.append(entry.value)
        if entry.ttl_s is None:
            return
        ttl_s = min(entry.ttl_s, MAX_TTL_S)
        if self.ttls.setdefault(key, ttl_s) != ttl_s:
            self.ttls[key] = min(self.ttls[key], ttl_s)
            found.leave(entry.where, f"{entry.name} gets the smallest of its TTLs, {self.ttls[key]} s")

    def text(self, horizon: str, source: str) -> str:
        lines = [f"# imported from {source}", f"zone: {_quoted(self.apex)}", "mode: overlay"]
        if self.name_servers:
            lines.append(f"ns: [{', '.join(map(_quoted, self.name_servers))}]")
        lines.append("records:" if self.names else "records: {}")
        for owner, types in self.names.items():
            parts = [f"{rdtype}: {_values(rdtype, values, horizon)}" for rdtype, values in types.items()]
            if owner in self.ttls:
                parts.append(f"ttl: {_time(self.ttls[owner])}")
            lines.append(f"  {_quoted(owner)}: {{{', '.join(parts)}}}")
        return "".join(f"{line}\n" for line in lines)


def _values(rdtype: str, values: Sequence[str], horizon: str) -> str:
    texts = [_quoted(_text(one) if rdtype == "TXT" else one) for one in values]
    whole = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    return f"{{{_quoted(horizon)}: {whole}}}"


def _text(text: str) -> str:
    """A text that begins with a quote, or is empty, as a master file has it."""
    if text and not text.startswith(('"', "$")) and text == text.strip():
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _quoted(text: str) -> str:
    """As YAML: plain where that is safe."""
    is_plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*", text)
    if is_plain and text.lower() not in ("yes", "no", "on", "off", "true", "false", "null", "y", "n"):
        return text
    return json.dumps(text, ensure_ascii=False)


def _time(seconds: int) -> str:
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and not seconds % size:
            return f"{seconds // size}{unit}"
    return str(seconds)

"""One zone while it is put together, and its text."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address

from splitdns.addresses import is_inside
from splitdns.imports.entries import ASKED, Entry, Found
from splitdns.imports.patterns import relative
from splitdns.imports.plain import duration, listed, quoted
from splitdns.names import fold, from_text, to_text, wire_from_text

MAX_TTL_S = 2_147_483_647  # RFC 2181 8
# What else people ask of a name: what is not declared of an open one is asked upstream.
OPEN = ("A", "AAAA", "CAA", "CNAME", "HTTPS", "MX", "NAPTR", "NS", "PTR", "SRV", "SVCB", "TLSA", "TXT")
_ALONE = ("CNAME",)
_NOBODY = "localhost."  # serves a zone whose servers nobody named

Values = dict[str, list[str]]  # by horizon


@dataclass(slots=True)
class ZoneText:
    """By owner (relative) the values of each type.

    An overlay's own name is asked for by itself, and never by a pattern (semantics 4). ``horizon`` is that of
    entries without one.
    """

    apex: str
    horizon: str
    is_closed: bool = False
    views: Sequence[str] = ()
    names: dict[str, dict[str, Values]] = field(default_factory=dict)
    ttls: dict[str, int] = field(default_factory=dict)
    inherited: dict[str, set[str]] = field(default_factory=dict)
    pointed: dict[str, set[bool | None]] = field(default_factory=dict)
    name_servers: Values = field(default_factory=dict)
    at_apex: dict[str, list[Entry]] = field(default_factory=dict)  # of patterns, by type

    @property
    def horizons(self) -> set[str]:
        """All that have a value here."""
        named = (one for types in self.names.values() for values in types.values() for one in values)
        return {*named, *self.name_servers}

    @property
    def has_records(self) -> bool:
        return bool(self.names or self.name_servers or self.is_closed)

    def add(self, entry: Entry, shared: Collection[str], found: Found) -> None:
        """``shared`` are the addresses that several names have."""
        owner = self._owner(entry.name)
        if entry.rdtype == ASKED:
            self.names.setdefault(owner.lower(), {})
            self.inherited.setdefault(owner.lower(), set()).update(entry.value.split() or OPEN)
            return
        if entry.rdtype == "NS" and owner == "@":
            for horizon in entry.horizons or (self.horizon,):
                self.name_servers.setdefault(horizon, []).append(entry.value)
            return
        self._put(owner, entry, found)
        if entry.rdtype in ("A", "AAAA") and not owner.startswith("*"):
            is_needed = entry.value in shared or not is_inside(ip_address(entry.value).packed)
            wanted = entry.has_ptr if entry.has_ptr is False or is_needed else None
            self.pointed.setdefault(owner.lower(), set()).add(wanted)
        if entry.beneath and entry.rdtype != "NS" and not owner.startswith("*"):
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
        horizons = entry.horizons or (self.horizon,)
        alone = entry.rdtype in _ALONE
        there = {one for one, values in types.items() if any(horizon in values for horizon in horizons)}
        if alone and (there - {*_ALONE} or owner == "@"):
            found.leave(entry.where, f"left out: {entry.name} has other records, and a CNAME stands alone")
            return
        if not alone and there & {*_ALONE}:
            found.leave(entry.where, f"left out: {entry.name} has a CNAME, which stands alone")
            return
        self.names.setdefault(key, types)
        for horizon in horizons:
            values = types.setdefault(entry.rdtype, {}).setdefault(horizon, [])
            if alone and values and entry.value not in values:
                message = f"left out: {entry.name} has another CNAME, and there is but one"
                found.leave(entry.where, message)
            elif entry.value not in values:
                values.append(entry.value)
        if entry.is_open and not self.is_closed:
            self.inherited.setdefault(key, set()).update(OPEN)
        if entry.ttl_s is None:
            return
        ttl_s = min(entry.ttl_s, MAX_TTL_S)
        if self.ttls.setdefault(key, ttl_s) != ttl_s:
            self.ttls[key] = min(self.ttls[key], ttl_s)
            found.leave(entry.where, f"{entry.name} gets the smallest of its TTLs, {self.ttls[key]} s")

    def text(self, source: str) -> str:
        lines = [f"# imported from {source}", f"zone: {quoted(self.apex)}"]
        if not self.is_closed:
            lines.append("mode: overlay")
        if self.views:
            lines.append(f"views: {listed(self.views)}")
        servers = list(dict.fromkeys(one for values in self.name_servers.values() for one in values))
        if servers or self.is_closed:
            lines.append(f"ns: {listed(servers or (_NOBODY,))}")
        lines.append("records:" if self.names else "records: {}")
        lines += [f"  {quoted(owner)}: {{{self._name(owner, types)}}}" for owner, types in self.names.items()]
        return "".join(f"{line}\n" for line in lines)

    def master(self, horizon: str) -> str:
        """What one horizon has of it, as a master file; patterns are not for those."""
        lines = ["$TTL 3600", f"@ SOA {_NOBODY} hostmaster 1 3600 900 604800 60"]
        lines += [f"@ NS {one}" for one in self.name_servers.get(horizon) or (_NOBODY,)]
        for owner, types in self.names.items():
            ttl = f"{self.ttls[owner]} " if owner in self.ttls else ""
            for rdtype, values in types.items() if not owner.startswith("~") else ():
                for one in values.get(horizon, ()):
                    lines.append(f"{owner} {ttl}{rdtype} {_in_quotes(one) if rdtype == 'TXT' else one}")
        return "".join(f"{line}\n" for line in lines)

    def _name(self, owner: str, types: Mapping[str, Mapping[str, Sequence[str]]]) -> str:
        parts = [f"{rdtype}: {_values(rdtype, values)}" for rdtype, values in types.items()]
        if owner in self.ttls:
            parts.append(f"ttl: {duration(self.ttls[owner])}")
        if owner in self.inherited and owner != "@" and "CNAME" not in types:
            asked = (one for one in OPEN if one in self.inherited[owner] and one not in types)
            parts.append(f"inherit: {listed(asked)}")
        if True in (wanted := self.pointed.get(owner, set())) or wanted == {False}:
            parts.append(f"ptr: {'true' if True in wanted else 'false'}")
        return ", ".join(parts)


def _values(rdtype: str, values: Mapping[str, Sequence[str]]) -> str:
    return f"{{{', '.join(f'{quoted(one)}: {_variant(rdtype, own)}' for one, own in values.items())}}}"


def _variant(rdtype: str, values: Sequence[str]) -> str:
    texts = [quoted(_text(one) if rdtype == "TXT" else one) for one in values]
    return texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"


def is_written(text: str) -> bool:
    """Whether a text is as a master file has it, in one string or several."""
    return len(text) > 1 and text.startswith('"') and text.endswith('"')


def _in_quotes(text: str) -> str:
    if is_written(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(text: str) -> str:
    """A text that is empty, or has a sign that means something, as a master file has it."""
    if text and not text.startswith(('"', "$")) and text == text.strip():
        return text
    return _in_quotes(text)

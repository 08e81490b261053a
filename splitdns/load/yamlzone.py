"""YAML zones: a zone's names, and what is said of each.

Records are written as in a master file, but a TXT value is the text itself; see ``yamlvalues`` for what
differs between views. Every mistake is collected, with its place.
"""

from __future__ import annotations

import re
from typing import Any

from splitdns.errors import Problems, ZoneError
from splitdns.load import expose, marked
from splitdns.load import rdata as plain
from splitdns.load.configvalues import shown
from splitdns.load.declared import (
    DEFAULT_TTL_S,
    DeclaredName,
    DeclaredRegexp,
    DeclaredZone,
    Exposed,
    Manner,
    Places,
    SoaTimes,
    is_doubled,
)
from splitdns.load.yamlvalues import Path, Surroundings, ValueReader, items, placed, text_of
from splitdns.names import ROOT, Qname, fold, is_under, is_wildcard, to_text
from splitdns.records import META_TYPES, Type, type_from_text
from splitdns.zone import check_pattern

_ZONE_KEYS = ("zone", "mode", "ttl", "ns", "soa", "views", "records")
_NAME_KEYS = ("ttl", "inherit", "expose", "ptr", "public")
_SOA_KEYS = ("mname", "rname", "refresh", "retry", "expire", "minimum", "serial", "ttl")
_SETTINGS = frozenset({"listen", "workers", "zones", "wan", "forward", "admin"})  # of a configuration
_EXPOSE_KEYS = ("public", "inside")
_RE2_DETAIL = re.compile(r": .*", re.DOTALL)  # a part of the pattern again
_BRACKET = re.compile(r"(?<= )([()\[\]])$")
_TYPE_KEY = re.compile(r"[A-Z][A-Z0-9]*")


def read(
    text: str, file: str, apex: Qname, problems: Problems, surroundings: Surroundings
) -> DeclaredZone | None:
    """The zone in ``text``, which the name of ``file`` says is ``apex``'s.

    Every mistake goes to ``problems`` as a ``ZoneError``; None where there is nothing to go on with.
    """
    document = marked.scan(text, file, problems, ZoneError)
    if document is None:
        return None
    if not isinstance(document.data, dict):
        problems.error(ZoneError(document.where(()), "expected a zone: `zone: example.org` and `records:`"))
        return None
    if "zone" not in document.data and not _SETTINGS.isdisjoint(document.data):
        message = "expected a zone: `zone: example.org` and `records:`; this looks like a configuration"
        problems.error(ZoneError(document.where(()), message))
        return None
    return _Reader(document, document.data, apex, problems, surroundings).zone()


class _Reader(ValueReader):
    def __init__(
        self,
        document: marked.Document,
        data: dict[str, Any],
        apex: Qname,
        problems: Problems,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(document, apex, problems, surroundings)
        self.data = data
        self.made = DeclaredZone(apex, apex, Places([document.file]), at=self.place(("zone",)))

    def zone(self) -> DeclaredZone:
        for key in self.data:
            if key not in _ZONE_KEYS:
                self.unknown_zone_key(key)
        made = self.made
        self.apex()
        mode = self.data.get("mode", "authoritative")
        if mode not in ("authoritative", "overlay"):
            self.error(("mode",), f"expected authoritative or overlay, found {shown(mode)}")
        made.overlay = mode == "overlay"
        self.ttl_s = self.ttl(("ttl",), self.data.get("ttl"), DEFAULT_TTL_S)
        self.views()
        self.records()
        if "ns" in self.data:
            self.name_servers()
        made.soa = self.soa()
        made.wan = self.uses_wan
        made.variants = frozenset(self.variants)
        return made

    def unknown_zone_key(self, key: str) -> None:
        value = self.data[key]
        if _rdtype(key) or (isinstance(value, dict) and any(_rdtype(inner) for inner in value)):
            message = f"{key!r} is not a key of a zone; names and their records stand under `records:`"
            self.key_error((key,), message)
        else:
            self.unknown_key((key,), _ZONE_KEYS, "a zone")

    def apex(self) -> None:
        written = self.data.get("zone")
        if not isinstance(written, str):
            self.error(("zone",), "expected `zone:` and the zone's name, such as `zone: example.org`")
            return
        wire = self.tried(("zone",), plain.name, written, ROOT)
        if wire is None:
            return
        if fold(wire) != self.made.apex:
            expected = to_text(self.made.apex)
            self.error(("zone",), f"expected {expected}, as the file's name says, found {written!r}")
        else:
            self.made.owner = self.origin = wire

    def views(self) -> None:
        listed = self.data.get("views")
        if listed is None:
            return
        names = listed if isinstance(listed, list) else [listed]
        known = self.surroundings.views
        for at, name in enumerate(names):
            if name not in known:
                path: Path = ("views", at) if isinstance(listed, list) else ("views",)
                self.error(path, f"expected a view ({', '.join(known)}), found {shown(name)}")
        if not names:
            self.error(("views",), "expected at least one view, found none")
        self.made.views = tuple(str(name) for name in names)

    def name_servers(self) -> None:
        apex = self.made.names.setdefault(
            self.made.apex, DeclaredName(self.made.owner, self.place(("ns",)), [])
        )
        if any(one.rdtype == Type.NS for one in apex.sets):
            self.key_error(("ns",), 'expected name servers here or as NS of "@", found both')
            return
        apex.sets += self.sets(("ns",), Type.NS, self.data["ns"], None, False)

    def soa(self) -> SoaTimes:
        """The SOA that is made: semantics 10."""
        apex = self.made.names.get(self.made.apex)
        servers = [one for one in apex.sets if one.rdtype == Type.NS and one.rdatas] if apex else []
        mname = servers[0].rdatas[0] if servers else self.made.owner
        written = self.data.get("soa")
        place: Path = ("soa", "mname") if isinstance(written, dict) and "mname" in written else ("ns",)
        made: dict[str, Any] = {"mname": mname, "rname": b"\x0ahostmaster" + self.origin, "ttl_s": self.ttl_s}
        made["at"] = self.place(place)
        if written is None:
            return SoaTimes(**made)
        if not isinstance(written, dict):
            self.error(("soa",), f"expected a mapping with {', '.join(_SOA_KEYS)}, found {shown(written)}")
            return SoaTimes(**made)
        for key, value in written.items():
            path = ("soa", key)
            if key not in _SOA_KEYS:
                self.unknown_key(path, _SOA_KEYS, "a SOA")
            elif key in ("mname", "rname"):
                if (name := self.tried(path, _name, value, self.origin)) is not None:
                    made[key] = name
            elif key == "serial":
                if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**32:
                    self.error(path, f"expected a whole number from 1 to 4294967295, found {shown(value)}")
                else:
                    made[key] = value
            else:
                made[f"{key}_s"] = self.ttl(path, value, DEFAULT_TTL_S)
        return SoaTimes(**made)

    def records(self) -> None:
        records = self.data.get("records")
        if records is None:
            return
        if not isinstance(records, dict):
            self.error(("records",), f"expected a mapping from names to records, found {shown(records)}")
            return
        for key, value in records.items():
            path: Path = ("records", key)
            if _is_record(key, value):
                self.key_error(path, f"{key!r} is a record type: indent it under its name")
                continue
            if key.startswith("~"):
                self.regexp(path, key[1:], value)
                continue
            owner = self.owner(path, key)
            if owner is None:
                continue
            qname = fold(owner)
            if (former := self.made.names.get(qname)) is not None:
                line = self.made.where(former.at).line
                again = f"found {to_text(owner)} again; the first is on line {line}"
                self.key_error(path, f"expected each name once, {again}")
                continue
            name = self.name(path, owner, value)
            if name is not None:
                self.made.names[qname] = name

    def owner(self, path: Path, key: str) -> bytes | None:
        apex = self.made.apex
        try:
            owner = plain.name(key, self.made.owner)
        except ValueError as error:
            self.key_error(path, str(error))
            return None
        if not is_under(fold(owner), apex):
            self.key_error(path, f"expected a name in {to_text(apex)}, found {to_text(owner)}")
            return None
        if is_doubled(owner, apex):
            message = f"{key!r} means {to_text(owner)} here; a name that is complete ends in a dot"
            self.problems.warn(self.document.where_key(path), message)
        return owner

    def regexp(self, path: Path, pattern: str, value: Any) -> None:
        try:
            check_pattern(pattern)
        except ValueError as error:
            reason = _BRACKET.sub(r"'\1'", _RE2_DETAIL.sub("", str(error)))
            message = f"expected a regular expression after ~, found {shown(pattern)} (RE2: {reason})"
            self.key_error(path, message)
            return
        name = self.name(path, self.made.owner, value, regexp=True)
        if name is not None:
            self.made.regexps.append(DeclaredRegexp(pattern, name))

    def name(self, path: Path, owner: bytes, value: Any, regexp: bool = False) -> DeclaredName | None:
        if not isinstance(value, dict):
            self.error(path, f"expected a mapping from record types to values, found {shown(value)}")
            return None
        name = DeclaredName(owner, placed(self.document.where_key(path)), [])
        ttl_s = self.ttl((*path, "ttl"), value["ttl"], DEFAULT_TTL_S) if "ttl" in value else None
        public = self.flag((*path, "public"), value.get("public", False))
        for key, record in value.items():
            if key in _NAME_KEYS:
                continue
            rdtype = self.record_type((*path, key), regexp)
            if rdtype is not None:
                name.sets += self.sets((*path, key), rdtype, record, ttl_s, public)
        name.manner = self.manner(path, name, value, regexp)
        if len(value.keys() - {"ttl", "expose", "ptr", "public"}) == 0:
            self.error(path, "expected at least one record, or `inherit`")
        return name

    def record_type(self, path: Path, regexp: bool) -> int | None:
        key = str(path[-1])
        rdtype = _rdtype(key)
        if not rdtype:
            common = ("A", "AAAA", "CNAME", "MX", "TXT", "SRV", "HTTPS", "CAA", "NS", "PTR")
            self.unknown_key(path, (*common, *_NAME_KEYS), "a name")
            return None
        if rdtype == Type.SOA:
            self.key_error(path, "expected the SOA under `soa:`; it is made by itself")
            return None
        if regexp and rdtype in (Type.NS, Type.DNAME):
            self.key_error(path, f"expected no {key} under a regular expression")
            return None
        return rdtype

    def manner(self, path: Path, name: DeclaredName, value: dict[str, Any], regexp: bool) -> Manner:
        ptr = self.flag((*path, "ptr"), value["ptr"]) if "ptr" in value else None
        if ptr and (regexp or is_wildcard(name.owner)):
            self.error((*path, "ptr"), "expected `ptr: true` at a name of its own, not at a pattern")
        exposed: list[Exposed] = []
        if "expose" in value:
            if regexp:
                self.key_error((*path, "expose"), "expected `expose` at a name, not at a regexp")
            exposed = self.exposed((*path, "expose"), value["expose"])
        inherit: list[int] = []
        if "inherit" in value:
            inherit = self.inherited((*path, "inherit"), value["inherit"], name)
        return Manner(tuple(inherit), ptr, tuple(exposed))

    def inherited(self, path: Path, value: Any, name: DeclaredName) -> list[int]:
        declared = {one.rdtype for one in name.sets}
        found = []
        for item_path, item in items(path, value):
            rdtype = self.tried(item_path, _type, item)
            if rdtype is None:
                continue
            if rdtype in META_TYPES:
                self.error(item_path, f"expected a type of records, found {shown(item)}")
            elif rdtype in declared:
                self.error(item_path, f"expected a type that is not declared here, found {shown(item)}")
            else:
                found.append(rdtype)
        return found

    def exposed(self, path: Path, value: Any) -> list[Exposed]:
        found = []
        for item_path, item in items(path, value):
            if isinstance(item, dict):
                strange = [key for key in item if key not in _EXPOSE_KEYS]
                for key in strange:
                    self.unknown_key((*item_path, key), _EXPOSE_KEYS, "an exposed port")
                if strange:
                    continue
                ports = self.tried(item_path, expose.translated, item.get("public"), item.get("inside"))
            else:
                ports = self.tried(item_path, expose.forwarded, item)
            if ports is not None:
                found.append(Exposed(ports[0], ports[1], self.document.where(item_path)))
        return found


def _rdtype(key: str) -> int:
    """The type of records that a key stands for; 0 if it is none."""
    try:
        rdtype = type_from_text(key) if _TYPE_KEY.fullmatch(key) else 0
    except ValueError:
        return 0
    return 0 if rdtype in META_TYPES else rdtype


def _is_record(key: str, value: Any) -> bool:
    """Whether a record stands where a name should; there may be a host called ``A``."""
    if isinstance(value, dict) and (not value or any(_rdtype(one) or one in _NAME_KEYS for one in value)):
        return False
    return _rdtype(key) != 0


def _name(value: Any, origin: bytes) -> bytes:
    return plain.name(text_of(value), origin)


def _type(value: Any) -> int:
    return type_from_text(text_of(value))

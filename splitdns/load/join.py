"""The names of sources join those of a zone file: one name has one owner.

What the file declares is the file's, and of the others the first that has a name keeps it, with all its
types: an address from one and an alias from another would be nobody's host. A name is lost rather than the
zone: what a source says can never make a mistake of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from splitdns.errors import Where
from splitdns.load.declared import (
    PLAIN,
    DeclaredName,
    DeclaredRegexp,
    DeclaredSet,
    DeclaredZone,
    Exposed,
    Manner,
    Places,
    SoaTimes,
    place,
)
from splitdns.load.share import Viewer
from splitdns.load.supplies import MAX_NAMES, MAX_PATTERNS, Lost, Supplied, Supply
from splitdns.names import (
    Qname,
    ancestors,
    between,
    fold,
    is_under,
    is_wildcard,
    parent,
    relative_text,
    to_text,
    wildcard,
)
from splitdns.records import Type
from splitdns.zone import Node, Regexp

_Name = tuple[Qname, str]  # a name, or the zone's and a pattern

_MADE_TTL_S = 60  # of a SOA that is made for sources alone: a name that comes is not denied for longer


def made_zone(apex: Qname, owner: bytes, supplies: Sequence[Supply]) -> DeclaredZone:
    """The zone that no file declares, without a name yet."""
    first = supplies[0]
    zone = DeclaredZone(apex, owner, Places([first.source]), overlay=first.overlay, made=True)
    zone.soa = SoaTimes(owner, b"\x0ahostmaster" + owner, minimum_s=_MADE_TTL_S, ttl_s=_MADE_TTL_S)
    return zone


def join(
    zones: Sequence[tuple[DeclaredZone, Sequence[Viewer]]],
    supplies: Sequence[Supply],
    beneath: Sequence[Qname] = (),
    wan: Mapping[str, bytes | None] | None = None,
) -> list[Lost]:
    """Put what ``supplies`` say into ``zones``, the files of one apex with the views that take each.

    ``beneath`` are the apexes of our zones beneath this one, ``wan`` the public addresses (see
    ``Surroundings``). Returned is what was not taken.
    """
    files = _Files([zone for zone, _ in zones], beneath)
    horizons = frozenset(horizon for _, viewers in zones for viewer in viewers for horizon in viewer.horizon)
    adders = [_Adder(zone, wan or {}) for zone, _ in zones]
    owners: dict[_Name, str] = {}
    lost: list[Lost] = []
    for supply in supplies:
        for zone, _ in zones:
            zone.awaited |= supply.awaited
        taken = {"names": 0, "patterns": 0}
        for key, records in _by_name(supply.records).items():
            name, pattern = key
            kind, most = ("patterns", MAX_PATTERNS) if pattern else ("names", MAX_NAMES)
            if (other := owners.get(key)) is not None:
                reason = f"{other} has it"
            elif pattern:
                reason = "" if supply.trusted else "expected a name, not a pattern"
            else:
                reason = files.reason(name, supply.trusted)
            if not reason and taken[kind] == most:
                reason = f"expected at most {most:,} {kind}"
            if not reason:
                reason, records = _fitting(records, horizons)
            if reason:
                lost.append(_lost(supply, records[0], reason))
                continue
            owners[key] = supply.source
            taken[kind] += 1
            if pattern:
                files.answers_also(pattern)
            for adder in adders:
                adder.add(name, pattern, records, supply.exposed.get(name, ()))
    return lost


def all_of(supplies: Iterable[Supply], reason: str) -> list[Lost]:
    """Every name of ``supplies`` as lost."""
    return [
        _lost(supply, records[0], reason)
        for supply in supplies
        for records in _by_name(supply.records).values()
    ]


def _lost(supply: Supply, record: Supplied, reason: str) -> Lost:
    return Lost(supply.source, record.owner, reason, record.where, record.pattern)


def _by_name(records: Iterable[Supplied]) -> Mapping[_Name, list[Supplied]]:
    found: dict[_Name, list[Supplied]] = {}
    for record in records:
        found.setdefault((fold(record.owner), record.pattern), []).append(record)
    return found


@dataclass(slots=True)
class _Files:
    """What the files of one apex declare, in all their horizons."""

    zones: Sequence[DeclaredZone]
    beneath: Sequence[Qname]
    existing: set[Qname] = field(init=False)
    regexps: list[Regexp] = field(init=False)

    def __post_init__(self) -> None:
        apex = self.zones[0].apex
        self.existing = {apex}
        for zone in self.zones:
            for name in zone.names:
                for above in between(name, apex):
                    self.existing.add(above)
        self.regexps = []
        for zone in self.zones:
            for one in zone.regexps:
                self.answers_also(one.pattern)

    def answers_also(self, pattern: str) -> None:
        """One more regular expression, from a file or a source that is trusted."""
        apex = self.zones[0].apex
        self.regexps.append(Regexp(pattern, Node(apex, apex)))

    def reason(self, name: Qname, trusted: bool) -> str:
        """Why ``name`` is not a source's; "" where it may be."""
        apex = self.zones[0].apex
        if not is_under(name, apex):
            return f"it is not in {to_text(apex)}"
        if not trusted and (name == apex or is_wildcard(name)):
            return "expected a name of its own beneath the zone's"
        for zone in self.zones:
            if (declared := zone.names.get(name)) is not None:
                return f"the zone file has it ({zone.where(declared.at)})"
        below = next((one for one in self.beneath if is_under(name, one)), None)
        if below is not None:
            return f"it is in another zone, {to_text(below)}"
        for above in ancestors(parent(name)):
            if above == apex:
                break
            for zone in self.zones:
                if any(one.rdtype in (Type.NS, Type.DNAME) for one in zone.name(above).sets):
                    return f"it is beneath {to_text(above)}, which is delegated or redirected"
        return "" if trusted else self._pattern(name, apex)

    def _pattern(self, name: Qname, apex: Qname) -> str:
        """What of the files would answer for ``name`` without being it: services may live there."""
        if name in self.existing:
            return "names of the zone file are beneath it"
        encloser = next(above for above in ancestors(parent(name)) if above in self.existing)
        for zone in self.zones:
            if (star := zone.names.get(wildcard(encloser))) is not None:
                return f"a wildcard of the zone answers for it ({zone.where(star.at)})"
        if any(regexp.matches(relative_text(name, apex)) for regexp in self.regexps):
            return "a regular expression of the zone answers for it"
        return ""


def _fitting(records: list[Supplied], horizons: frozenset[str]) -> tuple[str, list[Supplied]]:
    """Those of a name's records that some view can see, and why it cannot be taken, or ""."""
    seen = [record for record in records if record.horizon is None or record.horizon in horizons]
    if not seen:
        return f"no view of this zone has the horizon {records[0].horizon!r}", records
    by_type: dict[tuple[str | None, int], set[bytes]] = {}
    for record in seen:
        by_type.setdefault((record.horizon, record.rdtype), set()).add(record.rdata)
    types = {rdtype for _, rdtype in by_type}
    if Type.CNAME in types and (
        len(types) > 1 or any(len(rdatas) > 1 for rdatas in by_type.values())
    ):
        return "an alias has one target, and nothing beside it (RFC 1034 3.6.2)", records
    return "", seen


class _Adder:
    """Puts names into one file's zone."""

    def __init__(self, zone: DeclaredZone, wan: Mapping[str, bytes | None]) -> None:
        self._zone, self._wan = zone, wan
        self._files: dict[str, int] = {}

    def add(
        self, name: Qname, pattern: str, records: Sequence[Supplied], exposed: tuple[Exposed, ...]
    ) -> None:
        sets: dict[tuple[str | None, int], list[Supplied]] = {}
        for record in records:
            sets.setdefault((record.horizon, record.rdtype), []).append(record)
        self._zone.variants |= {horizon for horizon, _ in sets if horizon is not None}
        at = self._placed(records[0].where)
        declared = DeclaredName(records[0].owner, at, [self._set(of_set) for of_set in sets.values()])
        if pattern:  # whose own records expose nothing: it is no service's name
            self._zone.regexps.append(DeclaredRegexp(pattern, declared))
            return
        declared.manner = Manner(expose=exposed) if exposed else PLAIN
        declared.supplied = True
        self._zone.names[name] = declared

    def _set(self, records: Sequence[Supplied]) -> DeclaredSet:
        first = records[0]
        values = dict.fromkeys(self._value(record) for record in records)
        rdatas = tuple(value for value in values if value is not None)
        ttl_s = min(record.ttl_s for record in records)
        return DeclaredSet(first.rdtype, rdatas, ttl_s, True, self._placed(first.where), first.horizon)

    def _value(self, record: Supplied) -> bytes | None:
        if not record.wan:
            return record.rdata
        self._zone.wan = True
        return self._wan.get("$wan4" if record.rdtype == Type.A else "$wan6")

    def _placed(self, where: Where) -> int:
        if where.file not in self._files:
            self._files[where.file] = self._zone.places.add(where.file)
        return place(self._files[where.file], where.line, where.column)

"""Entries as zone files, and a service as a configuration around them.

Another system's own data mostly lies over the public DNS: what it does not know it forwards. That is an
overlay; domains whose other names do not exist there are zones of their own. Each value is written for the
horizon of those who asked that system, so that nobody else is told more.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import field

from splitdns.errors import Caution, Where, ZoneError
from splitdns.imports import loadable
from splitdns.imports.completing import completed, pointed
from splitdns.imports.configs import config, list_path
from splitdns.imports.entries import ASKED, Entry, Found
from splitdns.imports.patterns import is_in, matches, tail
from splitdns.imports.service import HORIZON
from splitdns.imports.zonetext import ZoneText, is_written
from splitdns.load.presentation import rdata_from_text
from splitdns.load.reverse import BUILT_IN
from splitdns.names import ROOT, from_text, is_under, to_text
from splitdns.records import type_from_text
from splitdns.value import value
from splitdns.zone import check_pattern

# Second labels under which a country's names are sold, so that they are nobody's zone.
_SOLD = frozenset({"ac", "co", "com", "edu", "gov", "ne", "net", "or", "org"})
# Zones of one label that networks use inside (RFC 6762 G, RFC 9476, ICANN's private-use "internal").
_INSIDE = frozenset({
    "alt", "corp", "home", "internal", "intranet", "lan", "local", "localdomain", "private", "test",
})  # fmt: skip
_REVERSE = {from_text("in-addr.arpa."): 5, from_text("ip6.arpa."): 14}  # labels of a /24, and of a /48
_NAME = re.compile(r"(\*\.)?[A-Za-z0-9_.-]+")
_PRIVATE = frozenset(to_text(apex).rstrip(".") for apex in BUILT_IN)  # nobody out there knows their names


@value(frozen=True, slots=True)
class Imported:
    """Zone files by apex, all files by path, and what could not be carried over, in file order."""

    zones: dict[str, str]
    left: tuple[Caution, ...]
    files: dict[str, str] = field(default_factory=dict)


def written(found: Found, apexes: Sequence[str], horizon: str, source: str) -> Imported:
    """The zones of all entries, and the configuration of a service.

    ``apexes`` are zones that are wanted; names beneath none of them go to a zone of their own domain's.
    ``horizon`` is that of zones without a service. ``source`` stands in the files.
    """
    if found.service is not None:
        loadable.mend(found.service, found, Where(source))
        horizon = HORIZON  # its views say what they look at
    zones = {}
    for apex, horizons in found.closed.items():
        if _is_name(apex, Where(source), found):
            zones[apex] = ZoneText(apex, horizon, is_closed=True, views=_views(horizons, found))
    borders = _forwarded(found).union(found.closed)
    usable = completed(pointed([one for one in found.entries if _is_usable(one, found)]), borders)
    shared = _shared(usable)
    # A name is in the zone of a domain that is forwarded, lest the rule for it goes before a zone above.
    wanted = (*apexes, *zones, *(one for one in _forwarded(found) if one != "."))
    for entry in usable:
        at = _apex_of(entry, wanted)
        if at is None:
            found.leave(entry.where, f"the pattern {entry.name} is not about the names of one zone")
            continue
        if at not in zones:
            zones[at] = ZoneText(at, horizon, is_closed=at in _PRIVATE - _forwarded(found))
        zone = zones[at]
        if entry.is_pattern:
            zone.add_pattern(entry, found)
        else:
            zone.add(entry, shared, found)
    if found.patterns_first:
        _tell_shadowed(usable, found)
    for zone in zones.values():
        zone.take_apex(found)
        if not zone.is_closed:  # who has no value here does not have the zone
            zone.views = _views(sorted(zone.horizons), found)
        elif others := zone.horizons.difference(found.closed.get(zone.apex, ())) if zone.views else ():
            message = f"other names of {zone.apex} do not exist for {', '.join(sorted(others))}"
            found.leave(Where(source), message)
            zone.views = _views([*found.closed[zone.apex], *sorted(others)], found)
    _join_masters(zones, found, Where(source))
    texts = {apex: zone.text(source) for apex, zone in zones.items() if zone.has_records}
    left = tuple(sorted(dict.fromkeys(found.left), key=lambda one: one.where))
    return Imported(texts, left, _files(texts, found, source))


def _join_masters(zones: dict[str, ZoneText], found: Found, where: Where) -> None:
    """Zones of which some horizons have a master file, as such files for the others, too.

    There is one kind of file for a zone (semantics 9).
    """
    masters = found.service.masters if found.service else {}
    for apex in {name.removesuffix(".zone").partition("@")[0] for name in masters} & zones.keys():
        zone = zones.pop(apex)
        if not zone.is_closed:
            found.leave(where, f"other names of {apex} are not asked for: it is a zone in files")
        for horizon in sorted(zone.horizons.union(found.closed.get(apex, ()))):
            if f"{apex}.zone" in masters or f"{apex}@{horizon}.zone" in masters:
                found.leave(where, f"left out: what {horizon} has of {apex} beside the zone's own file")
            else:
                masters[f"{apex}@{horizon}.zone"] = zone.master(horizon)


def _files(zones: dict[str, str], found: Found, source: str) -> dict[str, str]:
    service = found.service
    if service is None:
        return {f"{apex}.yaml": text for apex, text in zones.items()}
    files = {"splitdns.yaml": config(service, source)}
    files |= {f"zones/{apex}.yaml": text for apex, text in zones.items()}
    files |= {f"zones/{name}": text for name, text in service.masters.items()}
    for name, plan in service.lists.items():
        files[list_path(name, plan.format)] = "".join(f"{line}\n" for line in plan.lines)
    return files


def _forwarded(found: Found) -> frozenset[str]:
    return frozenset(rule.domain for rule in found.service.forward) if found.service else frozenset()


def _views(horizons: Sequence[str], found: Found) -> list[str]:
    """The views that a zone is for; none where that is all of them."""
    if not horizons or found.service is None:
        return []
    own = [name for name, view in found.service.views.items() if {*view.horizon} & {*horizons}]
    return [] if len(own) == len(found.service.views) else own


def _shared(entries: Iterable[Entry]) -> frozenset[str]:
    names = {(one.value, one.name.lower()) for one in entries if one.rdtype in ("A", "AAAA")}
    counts = Counter(value for value, _ in names)
    return frozenset(value for value, count in counts.items() if count > 1)


def _is_usable(entry: Entry, found: Found) -> bool:
    try:
        if entry.is_pattern:
            check_pattern(entry.name)
        elif not _is_name(entry.name, entry.where, found):
            return False
        if entry.rdtype != ASKED and (entry.rdtype != "TXT" or is_written(entry.value)):
            rdata_from_text(type_from_text(entry.rdtype), entry.value, ROOT, entry.where)
    except ZoneError as error:
        found.leave(entry.where, f"left out: {error.message}")
        return False
    except ValueError as error:
        found.leave(entry.where, f"left out: {error}")
        return False
    return True


def _is_name(name: str, where: Where, found: Found) -> bool:
    """Whether a zone file can have the name as it is written."""
    try:
        from_text(f"{name}.")
        if name.isascii() and not _NAME.fullmatch(name):
            raise ValueError(f"expected letters, digits, - and _ in a name, found {name!r:.60}")
    except ValueError as error:
        found.leave(where, f"left out: {error}")
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
    qname = from_text(f"{name}.")
    labels = to_text(qname).rstrip(".").split(".")
    for above, count in _REVERSE.items():
        if is_under(qname, above):
            inside = next((apex for apex in BUILT_IN if is_under(qname, apex)), None)
            return to_text(inside).rstrip(".") if inside else ".".join(labels[-count:])
    if labels[0] == "*" and len(labels) < 3:
        return labels[-1]
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

"""Declared zones to what each view serves: every check, then the packed zone.

The unit is an apex: the one file that all views share, or a file per horizon. Views that see the same get
the same ``Zone`` object. What other zones must know of this one, its addresses and the hosts that it names
elsewhere, is kept in small; the declared zone itself is not needed any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from functools import partial

from splitdns.addresses import is_inside
from splitdns.errors import Problems, Where, ZoneError
from splitdns.load.checks import Findings, check
from splitdns.load.declared import DeclaredSet, DeclaredZone, Exposed
from splitdns.load.holdings import Holdings, Run
from splitdns.load.share import Share, Viewer, final_ttl_s, relate, resolve_hints, shares_of
from splitdns.load.targets import Having, Link, Outward, check_targets, having_among
from splitdns.names import Qname, is_wildcard, to_text
from splitdns.records import ADDRESS_TYPES, Type
from splitdns.value import value
from splitdns.view import USUAL_HORIZONS
from splitdns.zone import Zone

_RUN = 4096  # addresses, about: what is made of them takes memory


@value(frozen=True, slots=True)
class Source:
    """A zone file, the views that it serves, and where its mistakes go."""

    zone: DeclaredZone
    viewers: tuple[Viewer, ...]
    problems: Problems


@value(frozen=True, slots=True)
class Named:
    """A link out of the zone, and where it is."""

    link: Link
    where: Where
    views: tuple[str, ...]


@value(frozen=True, slots=True)
class Service:
    """What a name exposes, for the exposure check; ``owner`` may be a wildcard."""

    owner: bytes
    exposed: tuple[Exposed, ...]


@value(frozen=True, slots=True)
class Compiled:
    """A zone file in every view that it serves.

    ``addresses`` are the packed addresses by the horizon that declares them, joined (IPv4, IPv6); None is
    the horizon of those for every view. ``held`` is by view, ``serial`` of a SOA that was made.
    """

    apex: Qname
    zones: dict[str, Zone]
    addresses: dict[str | None, tuple[bytes, bytes]]
    held: dict[str, Holdings]
    named: tuple[Named, ...]
    services: tuple[Service, ...]
    serial: int | None


def compile_zone(
    sources: Sequence[Source],
    *,
    serial: int = 1,
    everywhere: bool = True,
    beneath: Sequence[Qname] = (),
    horizons: Iterable[str] = (),
) -> list[Compiled | None]:
    """The files of one apex, ``sources``, each in its views; None for one with mistakes.

    ``serial`` is for a SOA that is made. ``everywhere``: every view of the server has the zone, and from
    these sources. ``beneath`` are the apexes of our zones beneath this one, ``horizons`` all that views
    have.
    """
    by_source = [shares_of(source.zone, source.viewers, beneath) for source in sources]
    shares = [share for of_source in by_source for share in of_source]
    several = len(shares) > 1 or any(source.zone.variants for source in sources)
    findings = [Findings(source.zone, several) for source in sources]
    for of_source, of_zone in zip(by_source, findings, strict=True):
        for share in of_source:
            resolve_hints(share, partial(of_zone.error, share))
    for share in shares:
        if share.zone.soa is not None:
            soa = share.zone.soa.rdata(share.zone.soa.serial or serial)
            made = DeclaredSet(Type.SOA, (soa,), share.zone.soa.ttl_s, False, share.zone.soa.at)
            apex = share.zone.apex
            share.chosen[apex] = [made, *share.chosen[apex]]
    relate(shares, everywhere)
    known, having = frozenset(horizons), having_among(shares)
    compiled: list[Compiled | None] = []
    for source, of_source, of_zone in zip(sources, by_source, findings, strict=True):
        named = _checked(source, of_source, of_zone, known, having)
        compiled.append(None if source.problems.errors else _compiled(source.zone, of_source, named, serial))
    return compiled


def _checked(
    source: Source, shares: Sequence[Share], findings: Findings, known: frozenset[str], having: Having
) -> list[Named]:
    """Report what is wrong; return the hosts outside the zone that its records name."""
    _check_reach(source.zone, shares, known, source.problems)
    named: list[Named] = []
    for share in shares:
        check(share, findings)
        named += [_named(source.zone, outward) for outward in check_targets(share, findings, having)]
    findings.into(source.problems)
    return named


def _compiled(zone: DeclaredZone, shares: Sequence[Share], named: Sequence[Named], serial: int) -> Compiled:
    zones: dict[str, Zone] = {}
    held: dict[str, Holdings] = {}
    for share in shares:
        packed, of_share = _packed(share), Holdings.of_runs(_held(share))
        for viewer in share.viewers:
            zones[viewer.name] = packed
            held[viewer.name] = of_share
    made = (zone.soa.serial or serial) if zone.soa else None
    services = tuple(_services(zone))
    return Compiled(zone.apex, zones, _addresses(zone), held, tuple(named), services, made)


def _packed(share: Share) -> Zone:
    zone, block = share.zone, share.block()
    regexps = share.regexp_nodes()
    return Zone(zone.apex, block, zone.overlay, regexps, source=zone.file, waiting=share.is_waiting)


def _check_reach(
    zone: DeclaredZone, shares: Sequence[Share], horizons: frozenset[str], problems: Problems
) -> None:
    """A name that exists in no view is an error, a value that no view can ever see a warning."""
    if not zone.variants:
        return
    for name, declared in zone.names.items():
        if not any(name in share.chosen for share in shares):
            message = f"{to_text(declared.owner)} exists in no view: {_nobody_has(declared.sets, horizons)}"
            problems.error(ZoneError(zone.where(declared.at), message))
        else:
            _warn_unknown(zone, declared.sets, horizons, problems)
    for at, regexp in enumerate(zone.regexps):
        if not any(share.regexps[at] for share in shares) and not regexp.name.manner.inherit:
            message = f"~{regexp.pattern} exists in no view: {_nobody_has(regexp.name.sets, horizons)}"
            problems.error(ZoneError(zone.where(regexp.name.at), message))
        else:
            _warn_unknown(zone, regexp.name.sets, horizons, problems)


def _nobody_has(sets: Sequence[DeclaredSet], horizons: frozenset[str]) -> str:
    listed = sorted({one.horizon for one in sets if one.horizon is not None})
    meant = next((text for horizon in listed if (text := meant_horizon(horizon, horizons))), "")
    return f"no view of this zone has the horizon {' or '.join(repr(horizon) for horizon in listed)}{meant}"


def meant_horizon(horizon: str, known: frozenset[str]) -> str:
    """What a slip was to be, as the end of a message; "" for what is none."""
    near = () if horizon in known | USUAL_HORIZONS else get_close_matches(horizon, sorted(known), 1)
    return f"; is {near[0]!r} meant?" if near else ""


def _warn_unknown(
    zone: DeclaredZone, sets: Sequence[DeclaredSet], horizons: frozenset[str], problems: Problems
) -> None:
    for one in sets:
        if one.horizon is not None and one.horizon not in horizons:
            message = f"no view has the horizon {one.horizon!r}; known: {', '.join(sorted(horizons))}"
            message += meant_horizon(one.horizon, horizons)
            problems.warn(zone.where(one.at), message)


def _named(zone: DeclaredZone, outward: Outward) -> Named:
    return Named(outward.link, zone.where(outward.at), outward.views)


def _held(share: Share) -> Iterable[Run]:
    """Addresses at exact names that may be worth a PTR: inside ones, those of a horizon, preferred ones."""
    zone, names, differs = share.zone, share.zone.names, share.differs
    outside = all(viewer.outside for viewer in share.viewers)  # who get only those that are preferred
    runs: dict[int, Run] = {}  # the last of each type
    for name, sets in share.chosen.items():
        for one in sets:
            if one.rdtype not in ADDRESS_TYPES:
                continue
            declared = names[name]
            ptr = declared.manner.ptr
            if ptr is False or (outside and not ptr) or is_wildcard(name):
                break
            rdatas = one.rdatas
            if not (ptr or one.horizon or zone.horizon):
                rdatas = [address for address in rdatas if is_inside(address)]
            if not rdatas:
                continue
            ttl_s = final_ttl_s(one, differs is None or name in differs)
            run = runs.get(one.rdtype)
            if run is None or run[3:] != (bool(ptr), declared.supplied) or len(run.owners) >= _RUN:
                if run is not None:
                    yield run
                run = runs[one.rdtype] = Run([], [], [], bool(ptr), declared.supplied)
            for address in rdatas:
                run.addresses.append(address)
                run.owners.append(declared.owner)
                run.ttls_s.append(ttl_s)
    yield from runs.values()


def _addresses(zone: DeclaredZone) -> dict[str | None, tuple[bytes, bytes]]:
    found: dict[str | None, tuple[list[bytes], list[bytes]]] = {}
    for name in (*zone.names.values(), *(regexp.name for regexp in zone.regexps)):
        for one in name.sets:
            if one.rdtype in ADDRESS_TYPES:
                horizon = one.horizon or zone.horizon
                both = found.get(horizon) or found.setdefault(horizon, ([], []))
                both[one.rdtype == Type.AAAA].extend(one.rdatas)
    return {horizon: (b"".join(v4), b"".join(v6)) for horizon, (v4, v6) in found.items()}


def _services(zone: DeclaredZone) -> Iterable[Service]:
    for name in zone.names.values():
        if name.manner.expose:
            yield Service(name.owner, name.manner.expose)

"""All zones together: the views, and the checks that need to know every zone.

A record may name a host in another zone of ours, an address may be declared here for one side and there for
the other. Nothing of this is known before every file has been read.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from splitdns.errors import Caution, InputError, Where, ZoneError
from splitdns.load.checks import listed
from splitdns.load.compile import Named
from splitdns.load.parts import Part
from splitdns.load.reverse import Pointers, built_in, declared_only_elsewhere
from splitdns.load.settings import Settings
from splitdns.load.share import Viewer
from splitdns.load.special import special, whoami
from splitdns.load.targets import Link, Standing, complaint, standing
from splitdns.load.zonefiles import ZoneFile
from splitdns.names import Qname
from splitdns.value import value
from splitdns.view import OUTSIDE, Policy, View
from splitdns.zone import Node, Zone, pack

Parts = Mapping[Qname, Sequence[Part]]


@dataclass(slots=True)
class Found:
    """What is wrong with all zones together and with each of them."""

    faults: dict[Qname, list[InputError]] = field(default_factory=dict)
    warnings: list[Caution] = field(default_factory=list)


def assemble(
    settings: Settings, parts: Parts, former: Parts, pointers: Pointers
) -> tuple[Parts, list[View], Found]:
    """The views over ``parts``, with PTR records as ``pointers`` makes them.

    A file that names a server which its view does not have goes back to its version in ``former``. Returned
    are the parts that are served.
    """
    views = _views(settings, parts, pointers)
    wrong = [fault for fault in _check_named(parts, views) if fault.is_error]
    if wrong:
        parts = {apex: [_settled(part, wrong, former) for part in of] for apex, of in parts.items()}
        views = _views(settings, parts, pointers)
    found = Found()
    for apex, of_apex in parts.items():
        for part in of_apex:
            found.warnings += part.warnings
            if part.errors:
                found.faults.setdefault(apex, []).extend(part.errors)
    for fault in wrong:
        found.faults.setdefault(fault.part.file.apex, []).append(ZoneError(fault.where, fault.message))
    for fault in _check_named(parts, views):
        if not fault.is_error:
            found.warnings.append(Caution(fault.where, fault.message))
    return parts, views, found


def _settled(part: Part, wrong: Sequence[_Fault], former: Parts) -> Part:
    """``part``, or its former version where a server that it names is wrong; read again the next time."""
    if not any(fault.part is part for fault in wrong):
        return part
    before = next((one for one in former.get(part.file.apex, ()) if one.file.path == part.file.path), None)
    if before is not None and before.compiled is part.compiled:
        return part  # the file is as it was: what is wrong came with another
    return replace(part, compiled=before.compiled if before else None, key=None)


def _views(settings: Settings, parts: Parts, pointers: Pointers) -> list[View]:
    of_all = [part for of_apex in parts.values() for part in of_apex]
    addresses = [part.compiled.addresses for part in of_all if part.compiled]
    inside_only = declared_only_elsewhere(addresses, (OUTSIDE,))
    views = []
    for name, view in settings.views.items():
        zones = {part.file.apex: _zone_of(part, name) for part in of_all if name in part.views}
        routes = settings.routes(name)
        made = View(name, tuple(view.horizon), view.recursion)
        policy = Policy()
        telling = whoami(settings.whoami, zones, recursion=view.recursion) if settings.whoami else {}
        held = [part.compiled.held[name] for part in of_all if part.compiled and name in part.compiled.held]
        ptrs = pointers.of(held, zones, inside_only, made.outside)
        hidden = inside_only if made.outside else frozenset()
        own: dict[Qname, Zone] = {}
        if view.recursion:
            own |= built_in(zones, routes) | special(
                zones,
                routes,
                names=settings.special_names,
                doh=settings.canaries.doh,
                relay=settings.canaries.private_relay,
            )
            policy = Policy(
                rebinding=view.rebinding == "protect" and not made.outside,  # where the guard takes them out
                trusted=frozenset(view.rebinding_allow),
                dns64=view.dns64,
            )
        own |= telling
        policy = replace(policy, built_in=frozenset(own), whoami=next(iter(telling), None))
        zones |= own
        made = replace(made, zones=zones, routes=routes, ptrs=ptrs, hidden_addresses=hidden, policy=policy)
        views.append(made)
    return views


def _zone_of(part: Part, view: str) -> Zone:
    """The part's zone in a view that takes it; one that fails where there is no good version."""
    if part.compiled is not None and (zone := part.compiled.zones.get(view)) is not None:
        return zone
    return _failing(part.file)


@functools.lru_cache(maxsize=4096)  # the same object in the next generation, as of any zone that is the same
def _failing(file: ZoneFile) -> Zone:
    fault = "the zone file has mistakes"  # clients read it: no paths, no names
    return Zone(file.apex, pack([Node(file.apex, file.owner)]), fault=fault, source=str(file.path))


@value(frozen=True, slots=True)
class _Fault:
    part: Part
    where: Where
    message: str
    is_error: bool


def _check_named(parts: Parts, views: Sequence[View]) -> Iterator[_Fault]:
    """Records that name a host in another zone of ours, where it does not exist (semantics 2)."""
    by_name = {view.name: view for view in views}
    for of_apex in parts.values():
        for part in of_apex:
            if part.compiled is None:
                continue
            complaints: dict[tuple[Where, str, bool], list[str]] = {}
            for named in part.compiled.named:
                for name in named.views:
                    if name in part.views and (complained := _complaint(named, by_name[name], views)):
                        complaints.setdefault(complained, []).append(name)
            for (where, message, is_error), names in complaints.items():
                yield _Fault(part, where, f"in {listed(names)}: {message}", is_error)


def _complaint(named: Named, view: View, views: Sequence[View]) -> tuple[Where, str, bool] | None:
    link = named.link

    def having(host: Qname) -> list[Viewer]:
        return [_viewer(one) for one in views if _stands(link, one) is Standing.HERE]

    stands = _stands(link, view)
    message = complaint(link, stands, having, _viewer(view))
    return None if message is None else (named.where, message, link.is_error(stands))


def _stands(link: Link, view: View) -> Standing:
    zone = view.zone_of(link.host)
    if zone is None or zone.fault is not None or not zone.source:
        return Standing.UNKNOWN
    return standing(zone.node, zone.apex, link.host, zone.overlay, zone.regexps)


def _viewer(view: View) -> Viewer:
    return Viewer(view.name, view.horizon)

"""What single settings cannot know: whether views, forward rules and listeners fit together.

Client prefixes nest or are disjoint, so one pass in order of their first addresses finds what each leaves to
itself. A view is unreachable when longer prefixes take all of every prefix that it has.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from difflib import get_close_matches
from typing import TYPE_CHECKING

from splitdns.load.configvalues import ANY, Listen, is_open
from splitdns.names import Qname, to_text
from splitdns.value import value
from splitdns.view import Prefix

if TYPE_CHECKING:
    from splitdns.load.marked import Path
    from splitdns.load.sections import ForwardRule, ViewSettings


@value(frozen=True, slots=True)
class Parts:
    """What could be read of a configuration; ``unread`` are the names of views that could not.

    ``horizons`` are those that sources name, by path.
    """

    listen: Mapping[int, Listen]
    views: Mapping[str, ViewSettings]
    forward: Mapping[int, ForwardRule]
    unread: frozenset[str] = frozenset()
    horizons: Mapping[Path, str] = field(default_factory=dict)


@value(frozen=True, slots=True)
class Complaints:
    """Where mistakes go: ``at`` and ``at_key`` take a path and a message; ``line`` is a path's line."""

    at: Callable[[Path, str], None]
    at_key: Callable[[Path, str], None]
    line: Callable[[Path], int]


def check(parts: Parts, complaints: Complaints) -> None:
    """Every mistake that lies between settings."""
    _listen_once(parts, complaints)
    _clients_once(parts, complaints)
    _reachable(parts, complaints)
    _closed_to_strangers(parts, complaints)
    _something_to_validate(parts, complaints)
    _rules_serve(parts, complaints)
    _domains_once(parts, complaints)
    _not_ourselves(parts, complaints)
    _somebody_sees(parts, complaints)


def _listen_once(parts: Parts, complaints: Complaints) -> None:
    seen: set[Listen] = set()
    for index, listen in parts.listen.items():
        if listen in seen and listen.port:
            complaints.at(("listen", index), f"expected each address once, found {listen} again")
        seen.add(listen)


def _clients(parts: Parts) -> Iterator[tuple[Path, str, Prefix | str]]:
    for name, view in parts.views.items():
        for index, client in enumerate(view.clients):
            yield ("views", name, "clients", index), name, client


def _clients_once(parts: Parts, complaints: Complaints) -> None:
    seen: dict[Prefix | str, tuple[Path, str]] = {}
    for path, view, client in _clients(parts):
        if client in seen:
            first, owner = seen[client]
            place = f"the first is on line {complaints.line(first)}" + (f", in {owner!r}" * (owner != view))
            complaints.at(path, f"expected each prefix once, found {client} again; {place}")
        else:
            seen[client] = path, view


def _reachable(parts: Parts, complaints: Complaints) -> None:
    owners: dict[Prefix, str] = {}
    for _, name, client in _clients(parts):
        if not isinstance(client, str):
            owners.setdefault(client, name)
    left = _left_over(owners)
    whole = {prefix.version for prefix in owners if prefix.prefixlen == 0}
    meets = {owners[prefix] for prefix in owners if left[prefix]}
    # A prefix that stands in two views is told already, and taking it out of one of them may mend this.
    meets |= {
        name
        for _, name, client in _clients(parts)
        if not isinstance(client, str) and owners[client] != name
    }
    meets |= {name for name, view in parts.views.items() if ANY in view.clients and whole != {4, 6}}
    for name in parts.views:
        if name not in meets:
            message = f"expected a view that some client can meet, found {name!r}"
            complaints.at_key(("views", name), f"{message}, all of whose clients other views take")


def _left_over(owners: Mapping[Prefix, str]) -> dict[Prefix, int]:
    """How many addresses of each prefix no longer prefix takes."""
    left = {prefix: prefix.num_addresses for prefix in owners}
    around: list[Prefix] = []
    for prefix in sorted(owners, key=lambda one: (one.version, int(one.network_address), one.prefixlen)):
        while around and not _holds(around[-1], prefix):
            around.pop()
        if around:
            left[around[-1]] -= prefix.num_addresses
        around.append(prefix)
    return left


def _holds(outer: Prefix, inner: Prefix) -> bool:
    return outer.version == inner.version and inner.network_address in outer


def _closed_to_strangers(parts: Parts, complaints: Complaints) -> None:
    for name, view in parts.views.items():
        if not view.recursion or view.open_resolver:
            continue
        for index, client in enumerate(view.clients):
            if is_open(client):
                complaints.at(
                    ("views", name, "clients", index),
                    f"expected your own clients only in a view with recursion: true, found {client}; an open "
                    "resolver is a weapon against others (if it is meant, say open_resolver: true)",
                )


def _something_to_validate(parts: Parts, complaints: Complaints) -> None:
    for name, view in parts.views.items():
        for setting in ("validate", "trust_ad"):
            if getattr(view, setting) and not view.recursion:
                message = f"expected recursion: true beside {setting}, found none: this view asks nobody"
                complaints.at_key(("views", name, setting), message)


def _rules_serve(parts: Parts, complaints: Complaints) -> None:
    """Each rule is for views that are there and that recurse."""
    known = [*parts.views, *parts.unread]
    recursing = [name for name, view in parts.views.items() if view.recursion]
    for index, rule in parts.forward.items():
        if rule.views is None:
            if not recursing and not parts.unread:
                message = "expected a view with recursion: true for this rule, found none"
                complaints.at(("forward", index), message)
            continue
        for at, name in enumerate(rule.views):
            path = ("forward", index, "views", at)
            if name not in known:
                near = get_close_matches(name, known, 1)
                meant = f"; is {near[0]!r} meant?" if near else ""
                complaints.at(path, f"expected one of the views {', '.join(known)}, found {name!r}{meant}")
            elif name in parts.views and name not in recursing:
                complaints.at(path, f"expected a view with recursion: true, found {name!r}, which has none")


def _domains_once(parts: Parts, complaints: Complaints) -> None:
    seen: dict[tuple[str | None, Qname], Path] = {}
    for index, rule in parts.forward.items():
        for at, domain in enumerate(rule.domains):
            path = ("forward", index, "domains", at)
            for view in (None,) if rule.views is None else rule.views:
                if first := seen.get((view, domain)):
                    whose = "" if view is None else f" for {view!r}"
                    again = f"found {to_text(domain)} again; the first is on line {complaints.line(first)}"
                    complaints.at(path, f"expected each domain once{whose}, {again}")
                seen.setdefault((view, domain), path)


def _not_ourselves(parts: Parts, complaints: Complaints) -> None:
    ours = {(listen.host, listen.port) for listen in parts.listen.values()}
    for index, rule in parts.forward.items():
        for at, addresses in enumerate(rule.upstreams):
            for upstream in addresses:
                if any((host, upstream.port) in ours for host in (upstream.host, *_wildcards(upstream.host))):
                    path = ("forward", index, "upstreams", at)
                    complaints.at(path, f"expected another server, found {upstream}, where this one listens")


def _somebody_sees(parts: Parts, complaints: Complaints) -> None:
    """The horizons of sources are those of views: a slip would hide all their names."""
    known = {horizon for view in parts.views.values() for horizon in view.horizon}
    for path, horizon in parts.horizons.items():
        if horizon not in known:
            listed = ", ".join(sorted(known))
            complaints.at(path, f"expected a horizon of a view ({listed}), found {horizon!r}")


def _wildcards(host: str) -> tuple[str, ...]:
    """The wildcard addresses that mean a loopback address too: ``::`` takes IPv4 where it is alone."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if not address.is_loopback:
        return ()
    return ("0.0.0.0", "::") if address.version == 4 else ("::",)

"""Each page as its template and what stands in it: from what the server tells to what a person reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from splitdns.load.configvalues import ANY
from splitdns.load.load import Loaded
from splitdns.metrics import (
    CACHE_FLUSHES,
    RELOAD_SUCCESSFUL,
    RELOAD_TIMESTAMP,
    SOURCE_LOST,
    VIEW_CLIENTS,
    WORKERS,
    Counts,
)
from splitdns.names import ROOT, to_text
from splitdns.value import value
from splitdns.web import numbers
from splitdns.web.answers import Typed
from splitdns.web.cures import Cures
from splitdns.web.door import Door
from splitdns.web.exposure import Exposure, Found
from splitdns.web.numbers import Traffic
from splitdns.web.server import Server, UnavailableError
from splitdns.web.stream import event
from splitdns.web.way import Wrong

MAX_CLIENTS = 24  # of a view that are shown; beyond: how many more there are
MAX_SEEN = 100  # that a worker tells
MAX_ZONES = 200
MAX_TRIALS = 6  # questions that are offered to who has none
TYPES = ("A", "AAAA", "CNAME", "HTTPS", "MX", "NS", "PTR", "SOA", "SRV", "SVCB", "TXT")


@value(frozen=True, slots=True)
class Page:
    """A template's name, and its values."""

    template: str
    values: Mapping[str, Any]
    status: int = 200


@value(frozen=True, slots=True)
class ViewRow:
    """A view and who is in it; ``more``: clients that are not shown."""

    name: str
    horizon: tuple[str, ...]
    recursion: bool
    prefixes: tuple[str, ...]
    clients: Sequence[str]
    seen: int
    more: int
    traffic: Traffic


@value(frozen=True, slots=True)
class ZoneRow:
    """A zone with its serial; or the mistakes for which an older version answers, or none."""

    apex: str
    serial: int | None
    faults: tuple[str, ...]


async def overview(server: Server, door: Door) -> Page:
    """How it is, who is in which view, upstreams, caches, zones, and who else knows names."""
    counts = await server.counts()
    clients = await server.clients() if door.shows_names else {}
    loaded = server.loaded
    inspected = server.inspected
    exposure = inspected.outcome if inspected is not None else None
    return Page(
        "overview.html",
        {
            "reason": server.unready(),
            "generation": loaded.snapshot.generation,
            "since_s": counts.value(RELOAD_TIMESTAMP),
            "reload_failed": not counts.value(RELOAD_SUCCESSFUL),
            "workers": int(counts.value(WORKERS)),
            "source_lost": bool(counts.value(SOURCE_LOST)),
            "flushes": int(counts.value(CACHE_FLUSHES)),
            "total": numbers.traffic(counts),
            "views": _views(loaded, counts, clients),
            "upstreams": numbers.upstreams(counts),
            "sources": numbers.name_sources(counts),
            "caches": numbers.caches(counts, tuple(loaded.settings.views)),
            "zones": _zones(loaded) if door.shows_names else (),
            "severities": _severities(exposure),
            "exposure": exposure,
        },
    )


async def answers(server: Server, typed: Typed) -> Page:
    """The form, and what came of it."""
    values: dict[str, Any] = {"typed": typed, "types": TYPES, "trials": _trials(server)}
    values |= {"told": None, "wrong": None, "unavailable": ""}
    if not typed.name.strip():
        return Page("answers.html", values)
    try:
        told = await server.explained(typed)
    except UnavailableError as error:
        return Page("answers.html", values | {"unavailable": str(error)}, 503)
    if isinstance(told, Wrong):
        return Page("answers.html", values | {"wrong": told}, 400)
    return Page("answers.html", values | {"told": told})


async def exposure(server: Server) -> Page:
    """The matrix, the findings, and the rules that mend them."""
    inspected = server.inspected
    values: dict[str, Any] = {
        "has_gateway": _has_gateway(server.loaded),
        "inspected": inspected,
        "exposure": inspected.outcome if inspected is not None else None,
        "cures": Cures(),
        "no_cures": "",
        "severities": {},
        "by_subject": {},
    }
    if inspected is None or isinstance(inspected.outcome, str):
        return Page("exposure.html", values)
    values["severities"] = _severities(inspected.outcome)
    by_subject: dict[str, list[Found]] = {}
    for one in inspected.outcome.findings:
        by_subject.setdefault(one.subject, []).append(one)
    values["by_subject"] = by_subject
    if any(one.tone in ("bad", "warn") for one in inspected.outcome.findings):
        try:
            values["cures"] = await server.cures()
        except UnavailableError as error:
            values["no_cures"] = str(error)
    return Page("exposure.html", values)


def queries(server: Server) -> Page:
    """What was asked lately; each look keeps the workers telling for a while."""
    return Page("queries.html", {"events": [event(entry) for entry in server.audience.glance()]})


def closed() -> Page:
    """Names are for those who may see them."""
    return Page("closed.html", {}, 403)


def _views(loaded: Loaded, counts: Counts, clients: Mapping[str, Sequence[str]]) -> list[ViewRow]:
    rows = []
    for name, view in loaded.settings.views.items():
        known = clients.get(name, ())
        is_whole = len(known) < MAX_SEEN  # else what workers count, each by itself
        seen = len(known) if is_whole and known else int(counts.value(VIEW_CLIENTS, name))
        shown = known[:MAX_CLIENTS]
        rows.append(
            ViewRow(
                name,
                view.horizon,
                view.recursion,
                tuple("everybody else" if one == ANY else str(one) for one in view.clients),
                shown,
                seen,
                seen - len(shown),
                numbers.traffic(counts, name),
            )
        )
    return rows


def _zones(loaded: Loaded) -> list[ZoneRow]:
    apexes = {*loaded.serials, *loaded.faults} - {ROOT}
    worst_first = sorted(apexes, key=lambda one: (one not in loaded.faults, one))
    return [
        ZoneRow(to_text(apex), loaded.serials.get(apex), tuple(map(str, loaded.faults.get(apex, ()))))
        for apex in worst_first[:MAX_ZONES]
    ]


def _severities(exposure: Exposure | str | None) -> Mapping[str, int]:
    """How many findings there are of each severity, the worst first."""
    return exposure.severities if isinstance(exposure, Exposure) else {}


def _trials(server: Server) -> list[Typed]:
    """Questions worth a look: of the matrix, one of each service, and what fails first."""
    inspected = server.inspected
    if inspected is None or isinstance(inspected.outcome, str):
        return []
    cells = [met for row in inspected.outcome.rows for met in row.met if met.typed is not None]
    cells.sort(key=lambda met: met.tone != "bad")
    chosen: dict[tuple[str, str], Typed] = {}
    for met in cells:
        assert met.typed is not None
        chosen.setdefault((met.typed.name, met.word), met.typed)
    return list(chosen.values())[:MAX_TRIALS]


def _has_gateway(loaded: Loaded) -> bool:
    gateway = loaded.settings.gateway
    return gateway is not None and bool(gateway.sources)

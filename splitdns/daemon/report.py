"""What people are told of a generation: events for the log, numbers for the metrics.

A mistake is told when it comes, not again with each generation until it is mended.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from splitdns.errors import InputError
from splitdns.load.load import Loaded
from splitdns.metrics import (
    GENERATION,
    LIST_NAMES,
    RELOAD_DURATION,
    RELOAD_FAILED,
    RELOAD_SUCCESS,
    RELOAD_SUCCESSFUL,
    RELOAD_TIMESTAMP,
    ZONE_FAILED,
    ZONE_FAULTS,
    ZONE_SERIAL,
    Counts,
)
from splitdns.names import ROOT, Qname, to_text

log = logging.getLogger("splitdns.daemon")

MAX_LINES = 200  # of warnings, and of errors, of one generation; beyond: only how many there are

# What a running server cannot change, because the sockets belong to its start.
FOR_A_RESTART = ("listen", "workers", "control", "admin")


def first(loaded: Loaded, counts: Counts, now_s: float) -> None:
    """The server starts with ``loaded``."""
    _state(loaded, counts, now_s)
    _problems(loaded, None, counts)


def swapped(loaded: Loaded, former: Loaded, counts: Counts, now_s: float, duration_s: float) -> None:
    """``loaded`` answers instead of ``former`` from now on."""
    counts.add(RELOAD_SUCCESS)
    counts.set(RELOAD_DURATION, duration_s)
    _state(loaded, counts, now_s)
    _problems(loaded, former, counts)
    log.info(
        "generation.swapped",
        extra={
            "generation": loaded.snapshot.generation,
            "zones": len(loaded.serials),
            "broken": len(loaded.faults),
            "seconds": round(duration_s, 3),
        },
    )


def refused(errors: Iterable[Exception], loaded: Loaded, counts: Counts) -> None:
    """The reload failed, and ``loaded`` goes on answering."""
    counts.add(RELOAD_FAILED)
    counts.set(RELOAD_SUCCESSFUL, 0)
    _lines(logging.ERROR, "config.broken", [_placed(error) for error in errors])
    log.error("reload.failed", extra={"generation": loaded.snapshot.generation})


def _state(loaded: Loaded, counts: Counts, now_s: float) -> None:
    counts.set(GENERATION, loaded.snapshot.generation)
    counts.set(RELOAD_SUCCESSFUL, 1)
    counts.set(RELOAD_TIMESTAMP, now_s)
    counts.forget(ZONE_FAULTS)
    for apex in loaded.faults:
        counts.set(ZONE_FAULTS, 1, "" if apex == ROOT else to_text(apex))
    counts.forget(ZONE_SERIAL)
    for apex, serial in loaded.serials.items():
        counts.set(ZONE_SERIAL, serial, to_text(apex))
    counts.forget(LIST_NAMES)
    for one in loaded.lists:
        counts.add(LIST_NAMES, one.lists[-1].name, by=one.names)


def _problems(loaded: Loaded, former: Loaded | None, counts: Counts) -> None:
    known = set(former.warnings) if former else set()
    warnings = [warning for warning in loaded.warnings if warning not in known]
    fields = [{"where": str(warning.where), "reason": warning.message} for warning in warnings]
    _lines(logging.WARNING, "zone.warning", fields)

    former_faults = {apex: _texts(errors) for apex, errors in former.faults.items()} if former else {}
    fields = []
    for apex, errors in loaded.faults.items():
        if _texts(errors) == former_faults.get(apex):
            continue
        counts.add(ZONE_FAILED)
        zone = {} if apex == ROOT else {"zone": to_text(apex)}
        fields += [zone | _placed(error) for error in errors]
    _lines(logging.ERROR, "zone.broken", fields)
    mended = [apex for apex in former_faults if apex not in loaded.faults and apex in loaded.serials]
    _lines(logging.INFO, "zone.mended", [{"zone": to_text(apex)} for apex in mended])

    if former is not None:
        _lines(logging.INFO, "zone.new", _zones_of(loaded, former))
        _lines(logging.INFO, "zone.gone", _zones_of(former, loaded))
    for name in FOR_A_RESTART if former else ():
        assert former is not None
        if getattr(loaded.settings, name) != getattr(former.settings, name):
            where = loaded.settings.where((name,))
            log.warning("config.needs_restart", extra={"setting": name, "where": str(where)})


def _zones_of(one: Loaded, other: Loaded) -> list[dict[str, str]]:
    """The zones that one generation has and the other has not, broken ones included."""
    return [{"zone": to_text(apex)} for apex in sorted(_apexes(one) - _apexes(other))]


def _apexes(loaded: Loaded) -> set[Qname]:
    return {*loaded.serials, *loaded.faults} - {ROOT}


def _lines(level: int, event: str, lines: list[dict[str, str]]) -> None:
    for fields in lines[:MAX_LINES]:
        log.log(level, event, extra=fields)
    if len(lines) > MAX_LINES:
        log.log(level, event, extra={"more": len(lines) - MAX_LINES})


def _placed(error: Exception) -> dict[str, str]:
    if isinstance(error, InputError):
        return {"where": str(error.where), "reason": error.message}
    return {"reason": str(error)}


def _texts(errors: Iterable[Exception]) -> list[str]:
    return [str(error) for error in errors]

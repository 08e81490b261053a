"""Zone files as they are served: each stands by itself.

A file that did not change, in surroundings that did not change, is not read again: its ``Zone`` objects go
into the next generation as they are. A file with mistakes keeps its last good version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from splitdns.errors import Caution, InputError, Problems, Where, ZoneError
from splitdns.load import marked, master, yamlzone
from splitdns.load.compile import Compiled, Source, compile_zone, meant_horizon
from splitdns.load.declared import DeclaredZone, FileId, file_id
from splitdns.load.join import all_of, join, made_zone
from splitdns.load.share import Viewer
from splitdns.load.supplies import Lost, Supply
from splitdns.load.yamlvalues import Surroundings
from splitdns.load.zonefiles import ZoneFile, viewers_of
from splitdns.names import Qname
from splitdns.value import value
from splitdns.zone import Zone

Advance = Callable[[int], None]

Recall = Callable[[Sequence[ZoneFile], "Environment", tuple[Qname, ...]], Sequence["Part"] | None]
"""The parts of the files of one apex, above these of our zones, where somebody has them already."""

MAX_WARNINGS = 100  # of one file that are told one by one; beyond: how many they are


@value(frozen=True, slots=True)
class Key:
    """Everything that a part depends on; ``wan`` only where the zone says ``$wan4`` or ``$wan6``."""

    files: tuple[FileId, ...]
    viewers: tuple[Viewer, ...]
    beneath: tuple[Qname, ...]
    wan: tuple[tuple[str, bytes | None], ...] | None
    supplies: tuple[Supply, ...] = ()


@value(frozen=True, slots=True)
class Part:
    """One zone file, with what sources have in its zone.

    ``views`` are those that take it, ``compiled`` its last good version (None: there never was one), and
    ``errors`` what is wrong with the newest. ``variants`` are the horizons that it has values for (None:
    nobody can tell). ``lost`` are the sources' names that were not taken. ``recalled``: another process has
    made it. With ``key`` None it is read again the next time.
    """

    file: ZoneFile
    views: tuple[str, ...]
    compiled: Compiled | None
    errors: tuple[InputError, ...] = ()
    warnings: tuple[Caution, ...] = ()
    included: tuple[FileId, ...] = ()
    wan: bool = False
    limit: tuple[str, ...] | None = None  # the views that the last good version is limited to
    variants: frozenset[str] | None = None
    lost: tuple[Lost, ...] = ()
    recalled: bool = False
    key: Key | None = None


@value(frozen=True, slots=True)
class Environment:
    """The views, in order, and the gateway's addresses (see ``Surroundings``).

    ``supplies`` is what sources say, by zone, ``now_s`` (Unix time) the serial of a zone that they change.
    ``recall`` knows parts that another process has made; each comes without its key.
    """

    viewers: tuple[Viewer, ...]
    wan: dict[str, bytes | None]
    supplies: Mapping[Qname, tuple[Supply, ...]] = field(default_factory=dict)
    now_s: int = 0
    recall: Recall | None = None

    @property
    def horizons(self) -> frozenset[str]:
        return frozenset(horizon for viewer in self.viewers for horizon in viewer.horizon)


@dataclass(slots=True)
class _Reading:
    """A file on its way: what it declares, for whom, and what is wrong with it."""

    file: ZoneFile
    viewers: tuple[Viewer, ...]
    problems: Problems
    declared: DeclaredZone | None = None
    compiled: Compiled | None = None
    lost: tuple[Lost, ...] = ()


def parts_of(
    files: Sequence[ZoneFile],
    environment: Environment,
    beneath: tuple[Qname, ...],
    former: Sequence[Part],
    advance: Advance | None = None,
) -> Sequence[Part]:
    """The parts of one apex, from ``former`` where nothing has changed.

    ``beneath`` are the apexes of our zones beneath this one; ``advance`` is told how many octets were read.
    """
    ids = tuple(file_id(file.path) for file in files if not file.made)
    supplies = environment.supplies.get(files[0].apex, ())
    if former:
        included = tuple(file_id(one.path) for part in former for one in part.included)
        uses_wan = any(part.wan for part in former)
        if former[0].key == _key(ids + included, environment, beneath, uses_wan, supplies):
            return former
    elif environment.recall is not None and not supplies:
        recalled = environment.recall(files, environment, beneath) or ()
        if recalled:
            included = tuple(one for part in recalled for one in part.included)
            uses_wan = any(part.wan for part in recalled)
            key = _key(ids + included, environment, beneath, uses_wan, supplies)
            if advance:
                advance(sum(one.octets for one in ids))
            return [replace(part, key=key) for part in recalled]
    problems = Problems()
    taken = viewers_of(files, environment.viewers, problems)
    if problems.errors:
        return _contradicting(files, environment, former, problems)
    readings = [_read(file, viewers, environment, advance) for file, viewers in taken.items()]
    by_path = {part.file.path: part for part in former}
    _compile(readings, by_path, environment, beneath, ids, supplies)
    included = tuple(
        one for reading in readings if reading.declared for one in reading.declared.included
    )
    uses_wan = any(reading.declared is not None and reading.declared.wan for reading in readings)
    key = _key(ids + included, environment, beneath, uses_wan, supplies)
    return [_part(reading, by_path.get(reading.file.path), key) for reading in readings]


def _key(
    files: tuple[FileId, ...],
    environment: Environment,
    beneath: tuple[Qname, ...],
    uses_wan: bool,
    supplies: tuple[Supply, ...],
) -> Key:
    wan = tuple(sorted(environment.wan.items())) if uses_wan else None
    return Key(files, environment.viewers, beneath, wan, supplies)


def _contradicting(
    files: Sequence[ZoneFile], environment: Environment, former: Sequence[Part], problems: Problems
) -> list[Part]:
    """Nobody knows which of the files is meant: what was served before is served on."""
    errors = tuple(problems.errors)
    if former:
        first, *others = former
        return [replace(first, errors=errors, key=None), *(replace(part, key=None) for part in others)]
    return [Part(files[0], tuple(viewer.name for viewer in environment.viewers), None, errors)]


def _read(
    file: ZoneFile, viewers: tuple[Viewer, ...], environment: Environment, advance: Advance | None
) -> _Reading:
    reading = _Reading(file, viewers, Problems())
    problems, path = reading.problems, str(file.path)
    if file.made:
        reading.declared = made_zone(file.apex, file.owner, environment.supplies[file.apex])
        return reading
    if not viewers:
        message = f"no view serves this zone: none takes the horizon {file.horizon!r}"
        message += meant_horizon(file.horizon or "", environment.horizons)
        problems.error(ZoneError(Where(path), message))
        return reading
    if file.path.exists() and not file.path.is_file():
        found = "a directory" if file.path.is_dir() else "neither a file nor a link to one"
        problems.error(ZoneError(Where(path), f"cannot read it: expected a file, found {found}"))
        return reading
    if not file.is_yaml:
        reading.declared = master.read(
            file.path, file.apex, problems, owner=file.owner, horizon=file.horizon, advance=advance
        )
        return reading
    try:
        octets = file.path.read_bytes()
        text = marked.decode(octets, path, ZoneError)
    except OSError as error:
        problems.error(ZoneError(Where(path), f"cannot read it: {error.strerror}"))
        return reading
    except ExceptionGroup as group:
        problems.errors += [error for error in group.exceptions if isinstance(error, InputError)]
        return reading
    if advance:
        advance(len(octets))
    names = tuple(viewer.name for viewer in environment.viewers)
    surroundings = Surroundings(environment.wan, names)
    declared = reading.declared = yamlzone.read(text, path, file.apex, problems, surroundings)
    if declared is not None and declared.views is not None:
        reading.viewers = tuple(viewer for viewer in viewers if viewer.name in declared.views)
    return reading


def _compile(
    readings: Sequence[_Reading],
    former: Mapping[Path, Part],
    environment: Environment,
    beneath: tuple[Qname, ...],
    ids: Sequence[FileId],
    supplies: Sequence[Supply],
) -> None:
    """Compile the files that could be read; where nothing is different, the former zones stay."""
    for reading in readings:
        if reading.declared is not None and reading.problems.errors:
            # A name whose record is wrong would be missed by all that name it: nothing that helps anybody.
            message = "whether its records fit together is checked once its mistakes are mended"
            reading.problems.warn(Where(str(reading.file.path)), message)
    good = [
        (reading, Source(reading.declared, reading.viewers, reading.problems))
        for reading in readings
        if reading.declared is not None and not reading.problems.errors
    ]
    if not good:
        return
    sources = [source for _, source in good]
    served = {viewer for source in sources for viewer in source.viewers}
    everywhere = served == set(environment.viewers)
    serial = max((one.mtime_ns // 1_000_000_000 for one in ids), default=0)
    if supplies:
        serial = max(serial, environment.now_s)
    serial = serial & 0xFFFF_FFFF or 1
    befores = [part.compiled if (part := former.get(reading.file.path)) else None for reading, _ in good]
    former_serial = next((before.serial for before in befores if before and before.serial), None)
    warnings = [len(source.problems.warnings) for source in sources]

    def compiled_with(serial: int) -> list[Compiled | None]:
        for source, count in zip(sources, warnings, strict=True):
            del source.problems.warnings[count:]  # another round finds them again
            source.problems.errors.clear()
        return compile_zone(
            sources, serial=serial, everywhere=everywhere, beneath=beneath, horizons=environment.horizons
        )

    lost: Sequence[Lost] = ()
    if supplies:
        with_file = [
            (dict(source.zone.names), list(source.zone.regexps), source.zone.variants) for source in sources
        ]
        lost = join([(source.zone, source.viewers) for source in sources], supplies, beneath, environment.wan)
    results = compiled_with(former_serial or serial)
    if supplies and (mistakes := [error for source in sources for error in source.problems.errors]):
        for source, (names, regexps, variants) in zip(sources, with_file, strict=True):
            source.zone.names, source.zone.regexps, source.zone.variants = names, regexps, variants
        lost = all_of(supplies, f"with it there is a mistake in the zone: {mistakes[0]}")
        results = compiled_with(former_serial or serial)
    if former_serial is not None and not all(
        before and result and _same(before, result) for before, result in zip(befores, results, strict=True)
    ):
        # The data has changed: a secondary must see a new serial, whatever the file's time says.
        results = compiled_with(max(serial, (former_serial + 1) & 0xFFFF_FFFF or 1))
    for (reading, _), before, result in zip(good, befores, results, strict=True):
        if before and result and _same(before, result):
            result = replace(result, zones=before.zones)
        reading.compiled = result
    first, _ = good[0]
    first.lost = tuple(lost)
    for one in lost:
        first.problems.warn(one.where, one.caution.message)


def _same(one: Compiled, other: Compiled) -> bool:
    return one.zones.keys() == other.zones.keys() and all(
        _same_zone(zone, other.zones[view]) for view, zone in one.zones.items()
    )


def _same_zone(one: Zone, other: Zone) -> bool:
    if one is other:
        return True
    return (one.overlay, one.regexps, one.source, one.waiting, one.block) == (
        other.overlay,
        other.regexps,
        other.source,
        other.waiting,
        other.block,
    )


def _part(reading: _Reading, former: Part | None, key: Key) -> Part:
    compiled, declared = reading.compiled, reading.declared
    limit = declared.views if declared else None
    views = tuple(viewer.name for viewer in reading.viewers)
    if compiled is None and former is not None:
        compiled, limit = former.compiled, former.limit
        if limit is not None:
            views = tuple(viewer.name for viewer in key.viewers if viewer.name in limit)
    return Part(
        reading.file,
        views,
        compiled,
        tuple(sorted(reading.problems.errors, key=lambda error: error.where)),
        _bounded(reading.problems.warnings, str(reading.file.path)),
        tuple(declared.included) if declared else (),
        declared.wan if declared else False,
        limit,
        _variants(reading),
        reading.lost,
        key=key,
    )


def _variants(reading: _Reading) -> frozenset[str] | None:
    if reading.file.horizon is not None:
        return frozenset({reading.file.horizon})
    return reading.declared.variants | reading.declared.awaited if reading.declared else None


def _bounded(warnings: Sequence[Caution], file: str) -> tuple[Caution, ...]:
    """The first warnings of a file in order, and how many more there are."""
    ordered = sorted(warnings, key=lambda warning: warning.where)
    if (more := len(ordered) - MAX_WARNINGS) > 0:
        return (*ordered[:MAX_WARNINGS], Caution(Where(file), f"{more:,} more warnings like these"))
    return tuple(ordered)

"""Zone files by their names: ``APEX.yaml`` or ``APEX.yml``, ``APEX.zone``, ``APEX@HORIZON.zone``.

The name says the zone, so that also a file that cannot be read has one: its names are ours, and never
forwarded.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from splitdns.errors import Problems, Where, ZoneError
from splitdns.load.share import Viewer
from splitdns.load.supplies import Supply
from splitdns.names import ROOT, Qname, fold, wire_from_text
from splitdns.value import value

_YAML = (".yaml", ".yml")
_SUFFIXES = (*_YAML, ".zone")


@value(frozen=True, slots=True)
class ZoneFile:
    """A zone file: its path, its apex as written and folded, and the horizon in its name.

    ``made``: there is none, and ``path`` only names the source that the zone's names come from.
    """

    path: Path
    owner: bytes
    apex: Qname
    horizon: str | None
    made: bool = False

    @property
    def is_yaml(self) -> bool:
        return self.path.suffix in _YAML


def listed(path: Path) -> list[Path]:
    """The files that may be zone files at ``path``, a directory or a file; editors' backups are none.

    Raises:
        OSError: there is nothing at ``path``, or it cannot be read.
    """
    if not path.is_dir():
        path.stat()
        return [path]
    found = [entry for entry in path.iterdir() if not entry.name.startswith((".", "#"))]
    # A directory or a broken link of that name is a zone too, one that cannot be read (semantics 9).
    return sorted(entry for entry in found if entry.suffix in _SUFFIXES)


def parsed(path: Path) -> ZoneFile:
    """What the file's name says.

    Raises:
        ZoneError: it says nothing.
    """
    where = Where(str(path))
    if path.suffix not in _SUFFIXES:
        raise ZoneError(where, f"expected a file name that ends in .yaml, .yml or .zone, found {path.name!r}")
    name, at, horizon = path.stem.partition("@")
    if at and path.suffix in _YAML:
        raise ZoneError(where, f"expected the horizons inside a YAML zone, found {path.name!r}")
    if at and not horizon:
        raise ZoneError(where, f"expected APEX@HORIZON.zone, found {path.name!r}")
    try:
        owner = wire_from_text(name, ROOT)
    except ValueError as error:
        raise ZoneError(where, f"expected a file named after its zone: {error}") from None
    return ZoneFile(path, owner, fold(owner), horizon or None)


def made_file(supply: Supply) -> ZoneFile:
    """What stands for the file of a zone that only sources have names in."""
    return ZoneFile(Path(supply.source), supply.apex, supply.apex, None, made=True)


def by_apex(paths: Iterable[Path], problems: Problems) -> dict[Qname, list[ZoneFile]]:
    """Zone files by their apex, in order; names that say nothing go to ``problems``."""
    found: dict[Qname, list[ZoneFile]] = {}
    for path in paths:
        try:
            file = parsed(path)
        except ZoneError as error:
            problems.error(error)
            continue
        of_apex = found.setdefault(file.apex, [])
        if not any(former.path == path for former in of_apex):
            of_apex.append(file)
    return found


def viewers_of(
    files: Sequence[ZoneFile], viewers: Sequence[Viewer], problems: Problems
) -> dict[ZoneFile, tuple[Viewer, ...]]:
    """The views that take each of an apex's files: a view takes the first horizon in its list that has one.

    Files that contradict each other go to ``problems``, and then no view takes any.
    """
    by_horizon: dict[str | None, ZoneFile] = {}
    for file in files:
        former = by_horizon.setdefault(file.horizon, file)
        if former is not file:
            problems.error(_two_files(former, file))
    if None in by_horizon:
        for file in files:
            if file.horizon is not None:
                problems.error(_two_files(by_horizon[None], file))
    if problems.errors:
        return {}
    if None in by_horizon:
        return {by_horizon[None]: tuple(viewers)}
    taken: dict[ZoneFile, list[Viewer]] = {file: [] for file in files}
    for viewer in viewers:
        file_of = next((by_horizon[horizon] for horizon in viewer.horizon if horizon in by_horizon), None)
        if file_of is not None:
            taken[file_of].append(viewer)
    return {file: tuple(of_file) for file, of_file in taken.items()}


def _two_files(one: ZoneFile, other: ZoneFile) -> ZoneError:
    message = f"expected one file for this zone, found {one.path} and {other.path}"
    return ZoneError(Where(str(other.path)), message)

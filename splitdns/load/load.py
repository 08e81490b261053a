"""From the configuration's path to a snapshot: the whole way, and the only one.

The configuration is all or nothing. Zones stand each by itself: one with mistakes keeps its last good
version, or is SERVFAIL where there never was one, and takes no other down.
"""

from __future__ import annotations

import gc
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import field, replace
from pathlib import Path
from typing import Protocol

from splitdns.errors import Caution, ConfigError, InputError, Problems, Where, ZoneError
from splitdns.load import anchors, blocklists, marked
from splitdns.load.assemble import assemble
from splitdns.load.blocklists import ReadList
from splitdns.load.cautions import shadowed, unknown, unrouted, unused_horizons
from splitdns.load.machine import BEHIND_STUBS, RESOLV_CONF, Machine, this_machine
from splitdns.load.parts import Environment, Part, Recall, parts_of
from splitdns.load.reverse import Pointers, RecallZone
from splitdns.load.settings import Settings, default_settings, read_settings
from splitdns.load.share import Viewer
from splitdns.load.supplies import Lost, Supply, Supplying, nothing
from splitdns.load.wansources import Static, Value
from splitdns.load.zonefiles import ZoneFile, by_apex, listed, made_file
from splitdns.names import ROOT, Qname, ancestors, parent
from splitdns.records import soa_serial
from splitdns.snapshot import Snapshot
from splitdns.value import value
from splitdns.view import View
from splitdns.zone import Zone

Progress = Callable[[int, int], None]
"""Told how many octets of zone files have been read, and how many there are."""

Known = Callable[[Settings, Path], Mapping[int, Value]]
"""What is known of the public addresses, by family, for settings and the directory of their file."""


class Memory(Protocol):
    """What other processes have made."""

    @property
    def recall(self) -> Recall:
        """Of zone files."""

    @property
    def pointers(self) -> RecallZone:
        """Of PTR records, by the digest of what they are made of."""


Recalling = Callable[[Settings, Path], Memory | None]
"""Who knows that, for settings and the directory of their file."""


@value(frozen=True, slots=True)
class Loaded:
    """One generation, and what the next one needs of it.

    ``faults`` are the mistakes by zone, with those of files that name no zone at the root. ``watch`` are the
    files, and the directories of files, whose change means a new generation. ``serials`` are those of the
    zones' SOAs. ``parts`` are the zone files by apex, and ``lists`` the lists of names, for reuse. ``wan`` is
    what `$wan4` and `$wan6` stand for in this generation, by family, and ``supplies`` what sources say in it.
    ``pointers`` are its many PTR records, by the digest of what they are made of.
    """

    snapshot: Snapshot
    settings: Settings
    warnings: tuple[Caution, ...] = ()
    faults: Mapping[Qname, tuple[InputError, ...]] = field(default_factory=dict)
    watch: tuple[Path, ...] = ()
    serials: Mapping[Qname, int] = field(default_factory=dict)
    parts: Mapping[Qname, Sequence[Part]] = field(default_factory=dict, repr=False)
    lists: tuple[ReadList, ...] = field(default=(), repr=False)
    wan: Mapping[int, Value] = field(default_factory=dict)
    supplies: tuple[Supply, ...] = field(default=(), repr=False)
    pointers: Mapping[bytes, Zone] = field(default_factory=dict, repr=False)

    @property
    def lost(self) -> tuple[Lost, ...]:
        """The names of sources that are not taken from them."""
        return tuple(one for of_apex in self.parts.values() for part in of_apex for one in part.lost)


def written(settings: Settings, _: Path) -> Mapping[int, Value]:
    """The public addresses that stand in the configuration; nobody is asked for others."""
    found = settings.wan.sources.items()
    return {
        family: Value(one.address) if isinstance(one, Static) else Value(None, f"{one} was not asked")
        for family, one in found
    }


def nobody(_: Settings, __: Path) -> None:
    """All zones have to be read."""


def load(
    config: Path | None,
    *,
    previous: Loaded | None = None,
    generation: int,
    now_s: float,
    strict: bool = False,
    progress: Progress | None = None,
    machine: Machine | None = None,
    known: Known = written,
    supplying: Supplying = nothing,
    recalling: Recalling = nobody,
    settings: Settings | None = None,
) -> Loaded:
    """Load the configuration at ``config`` (None: the embedded default) and its zones.

    Zones that did not change since ``previous`` are the same objects again. ``machine`` is where the default
    finds resolvers (None: this one), ``known`` tells the public addresses, ``supplying`` what sources say,
    ``recalling`` who knows zones that need not be read.
    With ``settings`` the file at ``config`` is not read: they are what was there before.

    Raises:
        ExceptionGroup[ConfigError]: the configuration is wrong; nothing of it is used.
        ExceptionGroup[InputError]: with ``strict``, a zone is wrong.
    """
    settings = settings or settings_of(config, machine)
    problems = Problems()
    base = config.parent if config else Path()
    files, watch = _zone_files(settings, base, config, problems)
    _check_authorities(settings, base, problems)
    if settings.trust_anchors is not None:
        watch.add(base / settings.trust_anchors)
        settings.believe(anchors.read(base / settings.trust_anchors, problems))

    with no_garbage_collection():
        lists = blocklists.read_all(settings, base, previous.lists if previous else (), problems)
    if any(isinstance(error, ConfigError) for error in problems.errors):
        problems.raise_errors(str(config))
    with no_garbage_collection():
        wan = known(settings, base)
        supplies = tuple(supplying(settings, base))
        memory = recalling(settings, base)
        environment = replace(
            _environment(settings, wan),
            supplies=_by_zone(supplies),
            now_s=int(now_s),
            recall=memory.recall if memory else None,
        )
        read = _parts(files, environment, previous, progress)
        pointers = Pointers(previous.pointers if previous else None, memory.pointers if memory else None)
        parts, views, found = assemble(settings, read, previous.parts if previous else {}, pointers)
    views = [_with_lists(view, lists) for view in views]
    watch |= {Path(one.key[0].path) for one in lists}
    if settings.gateway is not None:
        watch |= {base / source.file for source in settings.gateway.sources if source.file is not None}
    faults = {apex: tuple(errors) for apex, errors in found.faults.items()}
    if problems.errors:
        faults[ROOT] = (*faults.get(ROOT, ()), *problems.errors)
    if strict and faults:
        errors = [error for of_zone in faults.values() for error in of_zone]
        raise ExceptionGroup("zones are wrong", sorted(errors, key=lambda error: error.where))
    cautions = (*unrouted(settings), *unknown(settings, wan), *unused_horizons(settings, _used(parts)))
    cautions += tuple(shadowed(settings, views))
    cautions += tuple(said for supply in supplies for said in supply.refused)
    of_all = [part for of_apex in parts.values() for part in of_apex]
    watch |= {Path(one.path) for part in of_all for one in part.included}
    if not settings.is_written("forward") and any(view.recursion for view in settings.views.values()):
        watch |= {Path("/") / path for path in (RESOLV_CONF, *BEHIND_STUBS)}
    return Loaded(
        _snapshot(settings, views, generation),
        settings,
        (*cautions, *problems.warnings, *found.warnings, *(said for one in lists for said in one.warnings)),
        faults,
        tuple(sorted(watch)),
        _serials(views),
        parts,
        lists,
        wan,
        supplies,
        pointers.made,
    )


def _with_lists(view: View, lists: Sequence[ReadList]) -> View:
    own = blocklists.of_view(lists, view.name) if view.recursion else ()
    return replace(view, policy=replace(view.policy, lists=own)) if own else view


def _snapshot(settings: Settings, views: Sequence[View], generation: int) -> Snapshot:
    by_name = {view.name: view for view in views}
    prefixes = [(prefix, by_name[name]) for name, of in settings.views.items() for prefix in of.prefixes]
    any_view = next((by_name[name] for name, of in settings.views.items() if of.has_any), None)
    manners = settings.manners(socket.gethostname())
    return Snapshot(generation, tuple(views), tuple(prefixes), any_view, manners)


def _serials(views: Sequence[View]) -> dict[Qname, int]:
    """The serial of each configured zone, as the first view that has it sees it."""
    found: dict[Qname, int] = {}
    for view in views:
        for apex, zone in view.zones.items():
            if zone.source and apex not in found and (soa := zone.soa) is not None:
                found[apex] = soa_serial(soa)
    return found


def _used(parts: Mapping[Qname, Sequence[Part]]) -> frozenset[str]:
    """The horizons that zones have values for; none where one zone's cannot be known."""
    of_all = [part.variants for of_apex in parts.values() for part in of_apex]
    if any(variants is None for variants in of_all):
        return frozenset()
    return frozenset(horizon for variants in of_all if variants for horizon in variants)


def settings_of(config: Path | None, machine: Machine | None = None) -> Settings:
    """The settings at ``config``, or the embedded default.

    Raises:
        ExceptionGroup[ConfigError]: every mistake.
    """
    machine = machine or this_machine()
    if config is None:
        return default_settings(machine)
    try:
        octets = config.read_bytes()
    except OSError as error:
        message = f"cannot read it: {error.strerror}"
        raise ExceptionGroup(str(config), [ConfigError(Where(str(config)), message)]) from None
    return read_settings(marked.decode(octets, str(config)), str(config), machine)


def _check_authorities(settings: Settings, base: Path, problems: Problems) -> None:
    """Whether each ``ca`` is a file of certificates; a server that found out later could ask nobody."""
    for index, rule in enumerate(settings.forward):
        for at, addresses in enumerate(rule.upstreams):
            if (ca := addresses[0].ca) is None:
                continue
            import ssl  # only where there is one

            try:
                ssl.create_default_context(cafile=base / ca)
            except OSError as error:  # an ssl.SSLError is one, too
                where = settings.where(("forward", index, "upstreams", at))
                reason = "no certificate is in it" if isinstance(error, ssl.SSLError) else error.strerror
                message = f"expected a file of certificates at {str(base / ca)!r}: {reason}"
                problems.error(ConfigError(where, message))


def check_files(
    paths: Iterable[Path], settings: Settings, *, progress: Progress | None = None
) -> Problems:
    """What is wrong with these zone files, or those in these directories, under the views of ``settings``."""
    problems = Problems()
    found: list[Path] = []
    for path in paths:
        try:
            found += listed(path)
        except OSError as error:
            problems.error(ZoneError(Where(str(path)), f"cannot read it: {error.strerror}"))
    environment = _environment(settings, written(settings, Path()))
    with no_garbage_collection():
        read = _parts(by_apex(found, problems), environment, None, progress)
        _, _, of_all = assemble(settings, read, {}, Pointers())
    problems.warnings += unused_horizons(settings, _used(read), slips_only=True)
    problems.errors += [error for of_zone in of_all.faults.values() for error in of_zone]
    problems.warnings += of_all.warnings
    return problems


@contextmanager
def no_garbage_collection() -> Iterator[None]:
    """Millions of objects come, none of them in a cycle; to walk them again and again takes half the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def _environment(settings: Settings, wan: Mapping[int, Value]) -> Environment:
    viewers = tuple(Viewer(name, tuple(view.horizon)) for name, view in settings.views.items())
    addresses = {f"$wan{family}": value.address for family, value in wan.items()}
    return Environment(viewers, {name: one.packed if one else None for name, one in addresses.items()})


def _zone_files(
    settings: Settings, base: Path, config: Path | None, problems: Problems
) -> tuple[dict[Qname, list[ZoneFile]], set[Path]]:
    """The zone files by apex, and what to watch."""
    found: list[Path] = []
    watch = {config} if config else set()
    for at, name in enumerate(settings.zones):
        path = base / name
        watch.add(path)
        try:
            found += listed(path)
        except OSError as error:
            if settings.is_written("zones"):
                message = f"expected zone files at {str(path)!r}: {error.strerror}"
                problems.error(ConfigError(settings.where(("zones", at)), message))
            else:
                problems.warn(Where(str(path)), "no zones: there is no such directory")
    return by_apex(found, problems), watch


def _by_zone(supplies: Iterable[Supply]) -> Mapping[Qname, tuple[Supply, ...]]:
    found: dict[Qname, tuple[Supply, ...]] = {}
    for supply in supplies:
        found[supply.apex] = (*found.get(supply.apex, ()), supply)
    return found


def _parts(
    files: Mapping[Qname, Sequence[ZoneFile]],
    environment: Environment,
    previous: Loaded | None,
    progress: Progress | None,
) -> dict[Qname, Sequence[Part]]:
    made = {apex: [made_file(supplies[0])] for apex, supplies in environment.supplies.items()}
    files = {**made, **files}
    beneath: dict[Qname, list[Qname]] = {}
    for apex in files:
        for above in ancestors(parent(apex)) if apex != ROOT else ():
            if above in files:
                beneath.setdefault(above, []).append(apex)
    former = previous.parts if previous else {}
    total = sum(_octets(file.path) for of_apex in files.values() for file in of_apex) if progress else 0
    done = 0

    def advance(octets: int) -> None:
        nonlocal done
        done += octets
        if progress:
            progress(done, max(total, done))

    parts: dict[Qname, Sequence[Part]] = {}
    for apex, of_apex in files.items():
        before = former.get(apex, ())
        parts[apex] = parts_of(of_apex, environment, tuple(beneath.get(apex, ())), before, advance)
        if progress and parts[apex] is before:
            advance(sum(_octets(file.path) for file in of_apex))
    return parts


def _octets(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

"""Where things are written: the prefixes, the forward rules, the records of zones.

A snapshot is packed and has forgotten its lines, so a zone's file is read once more, when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from splitdns.errors import Problems, Where
from splitdns.explain.source import Source
from splitdns.explain.values import How, Place
from splitdns.load import marked, master, yamlzone, zonefiles
from splitdns.load.configvalues import ANY
from splitdns.load.declared import DeclaredName, DeclaredZone
from splitdns.load.settings import EMBEDDED, Settings
from splitdns.load.share import choose
from splitdns.load.supplies import Supply
from splitdns.load.yamlvalues import Surroundings
from splitdns.names import Qname, fold
from splitdns.view import Prefix, View
from splitdns.zone import Zone


class FilePlaces:
    """The places of a generation that was loaded by ``settings``, in its files as they are now.

    ``progress`` is told how many octets of a file have been read, and how many there are. ``supplies`` is
    what sources said in that generation.
    """

    def __init__(
        self,
        settings: Settings,
        progress: Callable[[int, int], None] | None = None,
        supplies: Sequence[Supply] = (),
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._supplies = supplies
        self._zones: dict[str, DeclaredZone | None] = {}

    def client(self, view: str, prefix: Prefix | None) -> Where:
        """Where ``view`` names ``prefix`` (None: ``any``) among its clients."""
        clients = self._settings.views[view].clients
        at = clients.index(prefix or ANY)
        return self._where("views", (view, "clients", at))

    def rule(self, view: str, domain: Qname) -> Where:
        """Where the forward rule for ``domain`` stands that holds in ``view``: ``Settings.routes``."""
        own: int | None = None
        general: int | None = None
        for at, rule in enumerate(self._settings.forward):
            if domain in rule.domains:
                if rule.views is None:
                    general = at
                elif view in rule.views:
                    own = at
        rule_at = own if own is not None else general
        return self._where("forward", () if rule_at is None else (rule_at,))

    def record(self, zone: Zone, view: View, source: Source, rdtype: int) -> Place | None:
        """Where the records that ``view`` takes from ``source`` stand; None for what is made by itself."""
        if source.node is None:
            return None
        declared = self._declared(zone)
        name = _name(declared, source) if declared is not None else None
        if declared is None or name is None:  # what a file has is never a source's
            return self._supplied(zone, view, source.node.name, rdtype)
        for one in choose(name.sets, view.horizon):
            if one.rdtype == rdtype:
                return Place(declared.where(one.at), one.own_ttl)
        return None

    def _supplied(self, zone: Zone, view: View, name: Qname, rdtype: int) -> Place | None:
        records = [
            record
            for supply in self._supplies
            if supply.apex == zone.apex
            for record in supply.records
            if fold(record.owner) == name and record.rdtype == rdtype
        ]
        for horizon in (*view.horizon, None):
            for record in records:
                if record.horizon == horizon:
                    return Place(record.where, True)
        return None

    def _where(self, section: str, path: marked.Path) -> Where:
        if not self._settings.is_written(section):
            return Where(EMBEDDED)
        return self._settings.where((section, *path))

    def _declared(self, zone: Zone) -> DeclaredZone | None:
        if zone.source not in self._zones:
            self._zones[zone.source] = self._read(Path(zone.source)) if zone.source else None
        return self._zones[zone.source]

    def _read(self, path: Path) -> DeclaredZone | None:
        """What the file declares now; None where it cannot be read any more."""
        problems = Problems()
        if not path.is_file():  # only sources have names in that zone, or it went away
            return None
        file = zonefiles.parsed(path)
        if not file.is_yaml:
            advance = self._advance(path)
            return master.read(
                path, file.apex, problems, owner=file.owner, horizon=file.horizon, advance=advance
            )
        known = {f"$wan{family}": None for family in self._settings.wan.sources}  # only places matter here
        try:
            text = marked.decode(path.read_bytes(), str(path))
        except (OSError, ExceptionGroup):
            return None
        surroundings = Surroundings(known, tuple(self._settings.views))
        return yamlzone.read(text, str(path), file.apex, problems, surroundings)

    def _advance(self, path: Path) -> Callable[[int], None] | None:
        report = self._progress
        if report is None or not path.exists():
            return None
        done, total = 0, path.stat().st_size

        def advance(octets: int) -> None:
            nonlocal done
            done += octets
            report(done, max(total, done))

        return advance


def _name(declared: DeclaredZone, source: Source) -> DeclaredName | None:
    if source.how is How.REGEXP:
        patterns = (regexp for regexp in declared.regexps if regexp.pattern == source.matched)
        return next((regexp.name for regexp in patterns), None)
    assert source.node is not None
    return declared.names.get(source.node.name)

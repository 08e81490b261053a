"""Zones through the loader in one line, and what came of them as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from splitdns.errors import Caution, InputError, Problems
from splitdns.load import master, presentation, yamlzone
from splitdns.load.compile import Compiled, Source, compile_zone
from splitdns.load.declared import DeclaredZone
from splitdns.load.share import Viewer
from splitdns.load.yamlvalues import Surroundings
from splitdns.names import from_text, to_text
from splitdns.records import type_to_text
from splitdns.zone import Zone

LAN = Viewer("lan", ("inside",))
VPN = Viewer("vpn", ("vpn", "inside"))
INTERNET = Viewer("internet", ("outside",))
VIEWERS = (LAN, VPN, INTERNET)
WAN = {"$wan4": bytes([203, 0, 113, 7])}

SOA = "@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 60\n"
HEAD = f"{SOA}@ 3600 IN NS ns1\nns1 3600 IN A 192.0.2.53\n"


def read_master(directory: Path, text: str, horizon: str | None = None) -> tuple[DeclaredZone, Problems]:
    """``text`` as the master file of example.org."""
    path = directory / "example.org.zone"
    path.write_text(text)
    problems = Problems()
    return master.read(path, from_text("example.org."), problems, horizon=horizon), problems


def read_yaml(
    text: str, wan: Mapping[str, bytes | None] | None = None, views: Sequence[Viewer] = VIEWERS
) -> tuple[DeclaredZone, Problems]:
    """``text`` as example.org.yaml; ``zone:`` is put before it unless it has one."""
    if "zone:" not in text:
        text = "zone: example.org\n" + text.lstrip("\n")
    problems = Problems()
    surroundings = Surroundings(WAN if wan is None else wan, tuple(view.name for view in views))
    zone = yamlzone.read(text, "example.org.yaml", from_text("example.org."), problems, surroundings)
    assert zone is not None
    return zone, problems


def compiled(
    zone: DeclaredZone, problems: Problems, viewers: Sequence[Viewer] = VIEWERS, *, everywhere: bool = True
) -> Compiled:
    """``zone`` in every view; it must be without mistakes."""
    assert messages(problems) == []
    horizons = {horizon for viewer in viewers for horizon in viewer.horizon}
    (result,) = compile_zone(
        [Source(zone, tuple(viewers), problems)], serial=7, everywhere=everywhere, horizons=horizons
    )
    assert messages(problems) == []
    assert result is not None
    return result


def compile_yaml(text: str, viewers: Sequence[Viewer] = VIEWERS) -> Compiled:
    return compiled(*read_yaml(text, views=viewers), viewers)


def found_in_yaml(text: str, viewers: Sequence[Viewer] = VIEWERS) -> tuple[list[str], list[str]]:
    """The errors and the warnings of reading and compiling ``text``, but that it has no ``ns:``."""
    zone, problems = read_yaml(text, views=viewers)
    errors, warnings = _found(zone, problems, viewers)
    return errors, [warning for warning in warnings if "no NS records at" not in warning]


def found_in_master(directory: Path, text: str) -> tuple[list[str], list[str]]:
    """The errors and the warnings of reading and compiling ``text``."""
    zone, problems = read_master(directory, text)
    return _found(zone, problems, VIEWERS)


def _found(
    zone: DeclaredZone, problems: Problems, viewers: Sequence[Viewer]
) -> tuple[list[str], list[str]]:
    if not problems.errors:
        horizons = {horizon for viewer in viewers for horizon in viewer.horizon}
        compile_zone([Source(zone, tuple(viewers), problems)], horizons=horizons)
    return messages(problems), [placed(warning) for warning in problems.warnings]


def messages(problems: Problems) -> list[str]:
    """The errors in order, without the file's name: ``line:column: what``."""
    return [placed(error) for error in sorted(problems.errors, key=lambda error: error.where)]


def placed(found: InputError | Caution) -> str:
    return f"{found.where.line}:{found.where.column}: {found.message}"


def records(zone: Zone) -> dict[str, list[str]]:
    """What exists in a zone: relative owner to ``TTL TYPE rdata`` lines, SOA and empty nodes included."""
    return {
        relative(zone, node.owner): [
            f"{rrset.ttl_s} {type_to_text(rrset.rdtype)} {presentation.rdata_to_text(rrset.rdtype, rdata)}"
            for rrset in node.rrsets
            for rdata in rrset.rdatas or (b"",)
        ]
        for node in zone.nodes()
        if node.exists
    }


def ghosts(zone: Zone) -> set[str]:
    """The names that are declared, and exist in other views only."""
    return {relative(zone, node.owner) for node in zone.nodes() if not node.exists}


def relative(zone: Zone, owner: bytes) -> str:
    text, apex = to_text(owner), to_text(zone.apex)
    return "@" if text.lower() == apex else text[: -len(apex) - 1]

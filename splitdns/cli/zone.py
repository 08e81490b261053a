"""``splitdns zone check`` and ``zone show``: what is wrong with files, what a view sees of a zone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from splitdns.cli.console import Status, fail, report
from splitdns.cli.loading import load_configuration, load_settings
from splitdns.cli.progress import progress
from splitdns.cli.render import record_lines
from splitdns.names import from_text, to_text
from splitdns.records import Type, type_to_text
from splitdns.view import View
from splitdns.zone import Node, Zone


def check(files: Sequence[Path], config: Path | None) -> None:
    """Print every error and every warning of the files, as the views of the configuration would see them.

    Without files, those of the configuration itself, and of all that it names: what ``serve`` would say.
    """
    from splitdns.load.load import check_files

    if not files:
        loaded = load_configuration(config, warnings=True)
        raise SystemExit(Status.WRONG if loaded.faults else Status.OK)
    settings = load_settings(config)
    with progress("checking zones") as report_progress:
        problems = check_files(files, settings, progress=report_progress)
    report(problems.errors, problems.warnings)
    raise SystemExit(Status.WRONG if problems.errors else Status.OK)


def show(name: str, view_name: str, config: Path | None) -> None:
    """Print the zone ``name`` as the view sees it."""
    snapshot = load_configuration(config).snapshot
    view = snapshot.view(view_name)
    if view is None:
        known = ", ".join(view.name for view in snapshot.views)
        fail(f"expected a view ({known}), found {view_name!r}")
    try:
        apex = from_text(name if name.endswith(".") else name + ".")
    except ValueError as error:
        fail(str(error))
    zone = view.zones.get(apex)
    if zone is None:
        known = ", ".join(to_text(apex) for apex, zone in view.zones.items() if zone.source) or "none"
        fail(f"expected a zone of view {view_name} ({known}), found {name!r}")
    if zone.fault is not None:
        fail(f"{to_text(apex)} did not load: {zone.fault}")
    for line in master_lines(zone, view):
        print(line)


def master_lines(zone: Zone, view: View) -> Iterator[str]:
    """The zone as a master file (RFC 1035 5); what such a file cannot say stands in comments."""
    kind = "overlay" if zone.overlay else "zone"
    source = f", from {zone.source}" if zone.source else ", built in"
    yield f"; {kind} {to_text(zone.apex)} as view {view.name} sees it{source}"
    if zone.overlay:
        yield "; names that are not here are forwarded, if the view recurses"
    apex = zone.node(zone.apex)
    assert apex is not None, "a zone has its apex"
    soa = [rrset for rrset in apex.rrsets if rrset.rdtype == Type.SOA]
    yield from record_lines(soa)
    yield from _node_lines(apex)
    for node in zone.nodes():
        if node.exists and node.name != zone.apex:
            yield from _node_lines(node)
    for regexp in zone.regexps:
        if regexp.node.exists:
            yield f"; names that ~{regexp.pattern} is found in:"
            yield from ("; " + line for line in _node_lines(regexp.node))


def _node_lines(node: Node) -> Iterator[str]:
    yield from record_lines(rrset for rrset in node.rrsets if rrset.rdtype != Type.SOA)
    owner = to_text(node.owner)
    for rrset in node.rrsets:
        if not rrset.rdatas:
            yield f"; {owner} {type_to_text(rrset.rdtype)}: the value is not known now"
    if node.inherit:
        yield f"; {owner} inherits {', '.join(map(type_to_text, node.inherit))}"

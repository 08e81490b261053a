"""``splitdns check``: whether the gateway keeps what the zones promise."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from splitdns.cli.console import Printer, Status, errors_reported, fail, print_json, printer
from splitdns.cli.loading import chosen, load_configuration

if TYPE_CHECKING:
    from splitdns.check.check import Checked
    from splitdns.check.finding import Finding
    from splitdns.check.probe import Probed, Told

MAX_RULES = 3  # of one finding, in text; all of them are in the other forms
_STYLES = {"critical": "bold red", "error": "red", "warning": "yellow", "info": "cyan"}


def run(config: Path | None, output: str, fail_on: str, *, probe: bool) -> NoReturn:
    """Check, print, and end with the status of semantics 27; a wrong configuration ends with 2."""
    from splitdns.check.finding import Severity

    severity = Severity[fail_on.upper()]
    checked = checked_from(config)
    probed = _probed(checked) if probe else None
    checked = _with_the_world(checked) if probe else checked
    match output:
        case "json":
            from splitdns.check.report import plain

            value = plain.report(checked)
            if probed is not None:
                value |= {"probes": [*map(plain.probe, probed[0])], "told": [*map(plain.told, probed[1])]}
            print_json(value)
        case "sarif":
            from splitdns.check.report import sarif

            print_json(sarif.report(checked))
        case "junit":
            from splitdns.check.report import junit

            sys.stdout.write(junit.report(checked, severity))
        case _:
            _print(checked, printer())
            if probed is not None:
                _print_probes(*probed, printer())
    raise SystemExit(checked.status(severity))


def checked_from(config: Path | None) -> Checked:
    """The check of a configuration's gateway; a mistake in any input ends the command."""
    from splitdns.check.check import check
    from splitdns.check.gather import read_gateway
    from splitdns.cli.progress import progress

    loaded = load_configuration(config)
    if loaded.faults:  # reported; without their promises, all that they declare would seem to be undeclared
        raise SystemExit(Status.WRONG)
    path = chosen(config)
    settings = loaded.settings.gateway
    if settings is None or not settings.sources:
        fail(f"{path or 'the embedded default'} has no gateway.sources: there is nothing to check")
    with errors_reported(), progress("checking the gateway"):
        gateway = read_gateway(loaded.settings, path.parent if path else Path(), commands=True)
        return check(gateway, settings, loaded)


def _probed(checked: Checked) -> tuple[list[Probed], list[Told]]:
    import asyncio

    from splitdns.check.probe import ask, probe
    from splitdns.cli.progress import progress

    with progress("probing"):
        return asyncio.run(probe(checked.judgement)), asyncio.run(ask(checked.judgement))


def _with_the_world(checked: Checked) -> Checked:
    """The check, and what public resolvers say that is not what the zones do."""
    import asyncio

    from splitdns.check import world
    from splitdns.check.check import also
    from splitdns.cli.progress import progress

    with progress("asking the world"):
        told = asyncio.run(world.ask(checked.judgement))
    return also(checked, world.differences(told))


def _print_probes(probed: list[Probed], told: list[Told], out: Printer) -> None:
    out.line()
    out.line("From here:", "bold")
    answers = [
        (one.name, str(one.resolver), ", ".join(map(str, one.addresses)) or one.fact.value, one.remark)
        for one in told
    ]
    out.table(("name", "asked", "told", "remark"), answers)
    rows = [
        (
            str(one.service),
            str(one.address),
            one.fact.value,
            one.cell.verdict.value if one.cell is not None else "-",
            one.http,
            one.certificate[:16],
            one.remark,
        )
        for one in probed
    ]
    out.table(("service", "address", "live", "rules", "http", "certificate", "remark"), rows)


def _print(checked: Checked, out: Printer) -> None:
    from splitdns.check.report.matrix import matrix

    for subjects, findings in _grouped(checked.findings):
        out.line(", ".join(one or "the gateway" for one in subjects), "bold")
        for finding in findings:
            _print_finding(finding, out)
        out.line()
    _print_accepted(checked, out)
    headers, rows = matrix(checked.judgement)
    out.table(headers, rows)
    out.line(_summary(checked))


def _grouped(findings: Iterable[Finding]) -> Iterable[tuple[list[str], list[Finding]]]:
    """Findings under what they are about; together, services with nothing but the same things to be known."""
    by_subject: dict[str, list[Finding]] = {}
    for finding in findings:
        by_subject.setdefault(finding.subject, []).append(finding)
    grouped: dict[object, tuple[list[str], list[Finding]]] = {}
    for subject, found in by_subject.items():
        is_grave = any(str(one.severity) != "info" for one in found)
        same = tuple((one.code, one.message) for one in found)
        grouped.setdefault(subject if is_grave else same, ([], found))[0].append(subject)
    return grouped.values()


def _print_accepted(checked: Checked, out: Printer) -> None:
    if checked.accepted:
        out.line("accepted", "bold")
    for one in checked.accepted:
        found = one.finding
        out.line(f"  {found.code}  {found.subject or 'the gateway'}: {found.message}", "dim")
        out.line(f"            reason   {one.reason} ({one.where})", "dim")
    if checked.accepted:
        out.line()


def _print_finding(finding: Finding, out: Printer) -> None:
    from splitdns.check.report.plain import packet

    severity = str(finding.severity)
    out.line(f"  {severity:<8}  {finding.code}  {finding.message}", _STYLES[severity])
    if severity == "info":  # to be known, not to be mended
        return
    if finding.where is not None:
        out.line(f"            at       {finding.where}")
    for rule in finding.rules[:MAX_RULES]:
        out.line(f"            rule     {rule}")
    if finding.witness is not None:
        shown = packet(finding.witness.packets)
        port = f":{shown['destination_port']}" if shown["protocol"] in ("tcp", "udp") else ""
        way = f"{shown['source']} to {shown['destination']}{port} {shown['protocol']}"
        verdict = f": {finding.verdict}" if finding.verdict is not None else ""
        out.line(f"            witness  {way}{verdict}")
    if finding.remedy:
        out.line(f"            remedy   {finding.remedy}")


def _summary(checked: Checked) -> str:
    from splitdns.check.report.plain import counted

    judgement = checked.judgement
    found = ", ".join(_count(*counts) for counts in counted(checked.findings).items())
    judged = f"{len(judgement.services)} services, {len(judgement.clients)} groups of clients"
    rules = f"{judgement.gateway.ruleset.rules} rules"
    accepted = f", {len(checked.accepted)} accepted" if checked.accepted else ""
    return f"{judged}, {rules}: {found or 'no findings'}{accepted}"


def _count(severity: str, count: int) -> str:
    plural = "s" if count > 1 and severity in ("error", "warning") else ""
    return f"{count} {severity}{plural}"

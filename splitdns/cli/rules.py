"""``splitdns rules``: the commands that would cure findings, proven in the model before they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.cli.console import Status, printer

if TYPE_CHECKING:
    from splitdns.check.changes import Change
    from splitdns.check.check import Checked
    from splitdns.check.finding import Finding
    from splitdns.check.mend import Cure
    from splitdns.check.model import Gateway


def run(config: Path | None, dialect: str | None, *, undo: bool, redirect_dns: bool) -> None:
    """Print a shell script; what cannot be cured stands in it as a comment, and makes the status 1."""
    from splitdns.check.mending.writers import usual
    from splitdns.cli.check import checked_from
    from splitdns.cli.progress import progress

    checked = checked_from(config)
    dialect = dialect or usual(checked.judgement.gateway)
    out = printer()
    with progress("trying cures"):
        found = list(_offered(checked, redirect_dns=redirect_dns))
    beyond = [] if undo else _beyond(checked, found)
    if not found and not beyond:
        out.line("# nothing that a rule would cure")
        return
    printed: set[str] = set()  # names that share an address and port share their cure
    done: list[Change] = []
    for head, cure in found:
        _print_head(head, cure)
        if cure.left:
            continue
        changes = [one for one in cure.changes if one not in done]
        lines = _commands(changes, dialect, checked.judgement.gateway, done, undo=undo)
        done += changes
        commands = [one for one in lines if one not in printed]
        for command in commands or ["# the same as before"]:
            out.line(command)
        printed.update(commands)
    for finding in beyond:
        out.line(f"# {finding.subject or 'the gateway'}: {finding.code.value}: {finding.message}", "dim")
        out.line(f"# no rule is offered: {finding.remedy}", "yellow")
    if beyond or any(cure.left for _, cure in found):
        raise SystemExit(Status.NEGATIVE)


def _offered(checked: Checked, *, redirect_dns: bool) -> Iterator[tuple[str, Cure]]:
    """Each cure, with what it is for."""
    from splitdns.check.findings.evidence import named
    from splitdns.check.mend import cures, redirections

    for cure in cures(checked):
        codes = ", ".join(dict.fromkeys(finding.code.value for finding in cure.findings))
        yield f"{cure.findings[0].subject or 'redirected DNS'}: {codes}", cure
    for one, cure in redirections(checked) if redirect_dns else ():
        yield f"DNS of {named(one.clients)}, led to this server", cure


def _beyond(checked: Checked, found: Sequence[tuple[str, Cure]]) -> list[Finding]:
    """What is wrong and not cured by any rule that is offered: a person decides."""
    from splitdns.check.finding import Severity
    from splitdns.check.mend import CURABLE

    cured = [finding for _, cure in found for finding in cure.findings]
    return [
        one
        for one in checked.findings
        if one.severity >= Severity.ERROR and one.code not in CURABLE and one not in cured
    ]


def _commands(
    changes: Sequence[Change], dialect: str, gateway: Gateway, earlier: Sequence[Change], *, undo: bool
) -> list[str]:
    from splitdns.check.mending.writers import written

    parts = written(changes, dialect, gateway, earlier)
    return [line for do, back in parts for line in (back if undo else do)]


def _print_head(head: str, cure: Cure) -> None:
    out = printer()
    out.line(f"# {head}", "dim")
    remedy = cure.findings[0].remedy if cure.findings else ""
    if "inside address" in remedy:
        out.line(f"# better than a rule: {remedy}", "dim")
    if cure.left:
        out.line(f"# no rule is offered: {cure.left}", "yellow")

"""``splitdns rules``: the commands that would cure findings, proven in the model before they are printed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.cli.console import Status, printer

if TYPE_CHECKING:
    from splitdns.check.mend import Cure


def run(config: Path | None, dialect: str, *, undo: bool) -> None:
    """Print a shell script; what cannot be cured stands in it as a comment, and makes the status 1."""
    from splitdns.check.mend import cures
    from splitdns.cli.check import checked_from
    from splitdns.cli.progress import progress

    checked = checked_from(config)
    out = printer()
    with progress("trying cures"):
        found = list(cures(checked))
    if not found:
        out.line("# nothing that a rule would cure")
        return
    printed: set[str] = set()  # names that share an address and port share their cure
    for cure in found:
        _print_head(cure)
        if cure.left:
            continue
        commands = [one for one in _commands(cure, dialect, undo) if one not in printed]
        for command in commands or ["# the same as before"]:
            out.line(command)
        printed.update(commands)
    if any(cure.left for cure in found):
        raise SystemExit(Status.NEGATIVE)


def _commands(cure: Cure, dialect: str, undo: bool) -> list[str]:
    from splitdns.check.mending.writers import written

    return [line for do, back in written(cure.changes, dialect) for line in (back if undo else do)]


def _print_head(cure: Cure) -> None:
    out = printer()
    first = cure.findings[0]
    codes = ", ".join(dict.fromkeys(finding.code.value for finding in cure.findings))
    out.line(f"# {first.subject}: {codes}", "dim")
    if "inside address" in first.remedy:
        out.line(f"# better than a rule: {first.remedy}", "dim")
    if cure.left:
        out.line(f"# no rule is offered: {cure.left}", "yellow")

"""``splitdns zone import``: another system's DNS data as zone files, and what could not be carried over.

Of a system that this server replaces, a configuration is made, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.cli.console import Status, fail, printer, report
from splitdns.errors import InputError

if TYPE_CHECKING:
    from splitdns.imports.zones import Imported


def run(file: Path, source: str, apexes: Sequence[str], horizon: str, to: Path | None) -> None:
    """Print the files, or write each to its place in ``to``, over none that is there."""
    made = _imported(file, source, apexes, horizon)
    if to is None:
        out = printer()
        for name, text in made.files.items():
            out.line(f"# {name}", "dim")
            for line in text.splitlines():
                out.line(line)
    else:
        _write(made, to)
    report((), made.left)


def _imported(file: Path, source: str, apexes: Sequence[str], horizon: str) -> Imported:
    from splitdns.check.dialects.printed import Printed
    from splitdns.imports.sources import imported
    from splitdns.names import from_text, to_text

    try:
        wanted = [to_text(from_text(f"{apex.rstrip('.')}.")).rstrip(".") for apex in apexes]
    except ValueError as error:
        fail(str(error))
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file}: cannot read it: {error}")
    try:
        return imported(source, Printed(text, str(file)), wanted, horizon, file.parent)
    except ExceptionGroup as group:
        report([one for one in group.exceptions if isinstance(one, InputError)], ())
        raise SystemExit(Status.WRONG) from None


def _write(made: Imported, to: Path) -> None:
    paths = {to / name: text for name, text in made.files.items()}
    there = [str(path) for path in paths if path.exists()]
    if there:
        fail(f"there is a file already, and it is left alone: {', '.join(there)}")
    for path, text in paths.items():
        try:
            if len(made.zones) != len(made.files):  # a configuration has directories of its own
                path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        except OSError as error:
            fail(f"{path}: cannot write it: {error.strerror}")
        print(f"wrote {path}", file=sys.stderr)

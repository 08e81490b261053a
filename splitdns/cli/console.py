"""What is printed, and how: colour and tables on a terminal, plain text in a pipe.

Results go to standard output, all else (errors, warnings, hints, progress) to standard error. rich is
imported only where a terminal is there to show it; ``NO_COLOR`` is honoured (https://no-color.org).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, Any, NoReturn, Protocol, TextIO

from splitdns.errors import Caution, InputError, SplitdnsError

if TYPE_CHECKING:
    from rich.console import Console


class Status(IntEnum):
    """The exit status of every command."""

    OK = 0
    NEGATIVE = 1  # the answer to what a script asks is "no"
    WRONG = 2  # the input or the usage


class Printer(Protocol):
    """Where a command writes its result."""

    def line(self, text: str = "", style: str = "") -> None:
        """One line; ``style`` is rich's, and only a terminal shows it."""

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        """Rows under headers; nothing at all without rows."""


class PlainPrinter:
    """For a pipe or a file: every line whole, columns two blanks apart, no headers' rule."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def line(self, text: str = "", style: str = "") -> None:
        self._stream.write(text + "\n")

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        if not (kept := [*rows]):
            return
        widths = [max(map(len, column)) for column in zip(headers, *kept, strict=True)]
        for row in (headers, *kept):
            self.line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


class RichPrinter:
    """For a terminal."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def line(self, text: str = "", style: str = "") -> None:
        self._console.print(text, style=style or None, markup=False, highlight=False, soft_wrap=True)

    def table(self, headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        from rich.box import SIMPLE_HEAD
        from rich.table import Table
        from rich.text import Text

        table = Table(box=SIMPLE_HEAD, pad_edge=False)
        for header in headers:
            table.add_column(header, overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        if table.row_count:
            self._console.print(table)


def printer(stream: TextIO | None = None) -> Printer:
    """The printer that fits ``stream`` (default: standard output)."""
    stream = stream or sys.stdout
    if not stream.isatty():
        return PlainPrinter(stream)
    from rich.console import Console

    return RichPrinter(Console(file=stream))


def print_json(value: Any) -> None:
    """The stable form that scripts read: two blanks of indentation, a final line feed, nothing else."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def problems(error: BaseException) -> Iterator[SplitdnsError]:
    """Every error inside ``error``, which may be a group of groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from problems(inner)
    elif isinstance(error, SplitdnsError):
        yield error
    else:
        raise error  # a bug: it shows itself with its traceback


def report(errors: Iterable[SplitdnsError | str], warnings: Iterable[Caution] = ()) -> None:
    """Every error and warning on standard error, in the order of their places."""
    out = printer(sys.stderr)
    placed: list[InputError | Caution] = [*warnings]
    for error in errors:
        if isinstance(error, InputError):
            placed.append(error)
        else:
            out.line(f"splitdns: {error}", "red")
    for problem in sorted(placed, key=lambda problem: problem.where):
        out.line(str(problem), "yellow" if isinstance(problem, Caution) else "red")


def fail(message: str) -> NoReturn:
    """End with "the input or the usage is wrong"."""
    report([message])
    raise SystemExit(Status.WRONG)


@contextmanager
def errors_reported() -> Iterator[None]:
    """Print what a person can mend, all of it, and end with status 2; a bug passes."""
    try:
        yield
    except (SplitdnsError, ExceptionGroup) as error:
        report([*problems(error)])
        raise SystemExit(Status.WRONG) from None

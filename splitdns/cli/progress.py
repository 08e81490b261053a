"""A progress bar for work that takes longer than a person likes to wait without a sign."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

PATIENCE_S = 1.0  # work that ends sooner needs no bar

Report = Callable[[int, int], None]
"""Told how many octets have been read, and how many there are."""


class Bar:
    """A bar that appears after ``PATIENCE_S``, and vanishes at the end."""

    def __init__(self, doing: str, stream: TextIO, clock: Callable[[], float]) -> None:
        self._doing = doing
        self._stream = stream
        self._clock = clock
        self._started_s = clock()
        self._shown: tuple[Progress, TaskID] | None = None
        self._ended = False

    def report(self, done: int, total: int) -> None:
        if self._shown is None:
            if self._ended or self._clock() - self._started_s < PATIENCE_S:
                return
            self._shown = self._show()
        progress, task = self._shown
        # What comes after the last octet, sorting and checking, takes its time too.
        doing = self._doing if done < total else f"{self._doing}: all read"
        progress.update(task, completed=done, total=total, description=doing)

    def end(self) -> None:
        """Vanish, and stay away."""
        self._ended = True
        if self._shown is not None:
            self._shown[0].stop()
            self._shown = None

    def _show(self) -> tuple[Progress, TaskID]:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
        progress = Progress(*columns, console=Console(file=self._stream), transient=True)
        progress.start()
        return progress, progress.add_task(self._doing, total=None)


@contextmanager
def progress(
    doing: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Iterator[Report | None]:
    """A callback for what is ``doing``, or None where standard error is no terminal."""
    stream = stream or sys.stderr
    if not stream.isatty():
        yield None
        return
    bar = Bar(doing, stream, clock)
    try:
        yield bar.report
    finally:
        bar.end()


def progress_while_read(
    doing: str, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
) -> Report | None:
    """The same for work in another process, whose end nobody tells: with the last octet the bar vanishes."""
    stream = stream or sys.stderr
    if not stream.isatty():
        return None
    bar = Bar(doing, stream, clock)

    def report(done: int, total: int) -> None:
        bar.report(done, total)
        if done >= total:
            bar.end()

    return report

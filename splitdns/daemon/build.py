"""Generations are built by a child process of low priority, which leaves a memory file and no other trace.

Building takes seconds where zones are large, and would leave a large heap behind. The child is forked from
the supervisor and so has the former generation in memory, from which it takes what did not change.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from splitdns import logs
from splitdns.daemon import generation
from splitdns.daemon.generation import Package, Refused
from splitdns.daemon.memory import memory_file
from splitdns.daemon.process import ending, fork
from splitdns.errors import InputError, SplitdnsError
from splitdns.load.kept import Recalling
from splitdns.load.load import Known, Loaded, Progress, load, written
from splitdns.load.settings import Settings
from splitdns.load.supplies import Supplying, nothing

NICE = 10  # whoever answers queries goes first


class BuildError(SplitdnsError):
    """The child died, or met a bug; the text says how."""


class Build:
    """A generation that is being built: the child's process id, and the memory file that it writes."""

    def __init__(
        self,
        config: Path | None,
        former: Loaded | None,
        *,
        number: int,
        strict: bool,
        progress: Progress | None = None,
        in_child: Callable[[], None] | None = None,
        known: Known = written,
        supplying: Supplying = nothing,
        settings: Settings | None = None,
    ) -> None:
        """Start the child, which calls ``in_child`` first; ``settings`` stand in for those on disk."""
        self._former = None if generation.wants_whole() else former
        self.memory = memory_file()

        def build() -> None:
            if in_child is not None:
                in_child()
            if former is not None:
                os.nice(NICE)
            recalling = Recalling()
            with open(self.memory, "wb", closefd=False) as file:
                try:
                    loaded = load(
                        config,
                        previous=former,
                        generation=number,
                        now_s=time.time(),
                        strict=strict,
                        progress=progress,
                        known=known,
                        supplying=supplying,
                        recalling=recalling,
                        settings=settings,
                    )
                except ExceptionGroup as group:
                    generation.write_refusal(file, Refused(_mistakes(group)))
                else:
                    generation.write(file, loaded, self._former)
                    logs.configure(loaded.settings.log.level, loaded.settings.log.format)
                    recalling.tell()

        self.process = fork(build)

    def package(self, status: int) -> Package:
        """What the child left, which ended with ``status``.

        Raises:
            ExceptionGroup[InputError]: every mistake in the configuration, or with ``strict`` in zones.
            BuildError: the child failed.
        """
        if status:
            raise BuildError(f"the process that builds a generation ended with {ending(status)}")
        found = generation.read(os.dup(self.memory))
        if isinstance(found, Refused):
            raise ExceptionGroup("the configuration is wrong", list(found.errors))
        return found

    def close(self) -> None:
        """Close the memory file; who has read it keeps what it read."""
        os.close(self.memory)


def _mistakes(group: ExceptionGroup[Exception]) -> tuple[InputError, ...]:
    found: list[InputError] = []
    for error in group.exceptions:
        if isinstance(error, ExceptionGroup):
            found += _mistakes(error)
        elif isinstance(error, InputError):
            found.append(error)
        else:
            raise group
    return tuple(found)

"""Compiled zones go to disk after they began to be served, and come from there at the next start.

A child of low priority writes them, so that neither the first answer nor any other waits for a disk. Where
nothing can be written, a server starts as it would without: by reading all files.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from splitdns.daemon.errand import ErrandError, errand
from splitdns.load.kept import Kept, is_worthwhile, place
from splitdns.load.keptfile import KeptError
from splitdns.load.load import Loaded
from splitdns.load.parts import Part
from splitdns.load.settings import Settings
from splitdns.names import Qname
from splitdns.zone import Zone

log = logging.getLogger("splitdns.daemon")

KEEP_S = 600.0  # that the child has; beyond: what it has not written is not kept


class Keeping:
    """Has zones kept, one child at a time; ``in_child`` closes in it what is only the supervisor's."""

    def __init__(self, config: Path | None, in_child: Callable[[], None]) -> None:
        self._base = config.parent if config is not None else Path()
        self._in_child = in_child
        self._waiting: dict[Qname, tuple[Sequence[Part], float]] = {}
        self._pointers: dict[bytes, Zone] = {}
        self._settings: Settings | None = None
        self._come = asyncio.Event()
        self._failure = ""

    def take(self, loaded: Loaded, former: Loaded | None, read_s: float) -> None:
        """Have kept what ``loaded`` has and ``former`` had not; it was read at ``read_s`` or later."""
        self._settings = loaded.settings
        before = {id(part) for of_apex in former.parts.values() for part in of_apex} if former else set()
        for apex, parts in loaded.parts.items():
            if not is_worthwhile(parts):
                self._waiting.pop(apex, None)
            elif id(parts[0]) not in before:
                self._waiting[apex] = parts, read_s
        known = former.pointers if former else {}
        self._pointers = {digest: zone for digest, zone in loaded.pointers.items() if digest not in known}
        if self._waiting or self._pointers:
            self._come.set()

    async def keep(self) -> None:
        """Keep what comes, for ever."""
        while True:
            await self._come.wait()
            self._come.clear()
            assert self._settings is not None
            waiting, self._waiting = [*self._waiting.values()], {}
            pointers, self._pointers = self._pointers, {}
            directory = place(self._settings.compiled, self._base, os.environ)
            if directory is None:
                continue
            try:
                failure = await errand(partial(_keep, directory, waiting, pointers), self._in_child, KEEP_S)
            except ErrandError as error:
                failure = str(error)
            if failure and failure != self._failure:
                level = logging.WARNING if self._settings.is_written("compiled") else logging.INFO
                log.log(level, "compiled.failed", extra={"path": str(directory), "reason": failure})
            self._failure = failure


def _keep(
    directory: Path, waiting: Sequence[tuple[Sequence[Part], float]], pointers: Mapping[bytes, Zone]
) -> str:
    """Keep all of it; what was in the way, or ""."""
    try:
        Kept(directory).keep(waiting, pointers)
    except KeptError as error:
        return str(error)
    except OSError as error:
        return error.strerror or str(error)
    return ""

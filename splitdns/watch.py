"""Says that files may have changed, whatever way they did.

Directories are watched, never files, because editors, ``git`` and Kubernetes replace files instead of writing
into them. For each path that matters, ``places`` names every directory whose entries decide what the path
means: the parents of the symlinks on its way too. So a ConfigMap's swapped ``..data`` is seen, and so is a
directory that did not exist. Nothing depends on how many files there are but one listing after each change.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from time import sleep

from watchfiles._rust_notify import RustNotify, WatchfilesRustInternalError

log = logging.getLogger("splitdns.watch")

STEP_MS = 100  # this long without a change ends a burst of them
DEBOUNCE_MS = 1000  # a burst that goes on longer is reported all the same
CLOCK_STEP_S = 0.02  # files bear the time of the kernel's last tick, 10 ms ago at most
FAILURES_TO_LOG = 5
MAX_RETRY_MS = 2000
MAX_SYMLINKS = 40  # on the way of one path, as in the kernel; beyond: the path is watched up to there

# What editors and package managers leave beside the files that they write.
_JUNK_ENDS = ("~", ".swp", ".swx", ".tmp", ".new", ".bak", ".dpkg-new", ".dpkg-tmp")

# The names in a directory that matter; None: all of them.
Places = Mapping[Path, frozenset[str] | None]


class Watcher:
    """Calls ``changed`` from a thread of its own, once for each burst of changes.

    ``standing`` is called whenever nothing more can be missed: each change from then on is one call.
    """

    def __init__(
        self,
        changed: Callable[[], object],
        standing: Callable[[], object] = lambda: None,
        *,
        step_ms: int = STEP_MS,
        debounce_ms: int = DEBOUNCE_MS,
    ) -> None:
        self._changed, self._standing = changed, standing
        self._step_ms, self._debounce_ms = step_ms, debounce_ms
        self._paths: frozenset[Path] = frozenset()
        self._since_s = 0.0
        self._moved_on = threading.Event()
        self._closed = False
        self._thread: threading.Thread | None = None

    def look_at(self, paths: Iterable[Path], since_s: float) -> None:
        """Watch these files and directories from now on, and report what changed after ``since_s``."""
        paths = frozenset(path.absolute() for path in paths)
        if paths == self._paths:
            return
        self._paths, self._since_s = paths, since_s
        self._moved_on.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="watch", daemon=True)
            self._thread.start()

    def close(self) -> None:
        """Stop; ``changed`` is not called any more when this returns."""
        self._closed = True
        self._moved_on.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._closed:
            self._moved_on.clear()
            paths, since_s = self._paths, self._since_s
            if (watch := self._open(paths)) is None:
                return
            if changed_since(watch.places, since_s - CLOCK_STEP_S):
                self._changed()
            self._standing()
            while isinstance(found := watch.wait(self._debounce_ms, self._step_ms, self._moved_on), set):
                if not any(matters(watch.places, Path(path)) for _, path in found):
                    continue
                if not watch.is_current(paths):
                    watch.close()
                    if (watch := self._open(paths)) is None:
                        return
                self._changed()  # last, so that what happens from now on is seen by the next wait
            watch.close()

    def _open(self, paths: frozenset[Path]) -> _Watch | None:
        """A watch on all that decides what ``paths`` mean, and still did when it stood; None when closed."""
        failures = 0
        while not self._closed:
            try:
                watch = _Watch(paths)
            except (OSError, WatchfilesRustInternalError) as error:
                # A directory went away before it was watched; or, where it stays, the kernel's limits.
                failures += 1
                if failures == FAILURES_TO_LOG:
                    log.warning("watch.failed", extra={"reason": str(error), "remedy": "SIGHUP reloads"})
            else:
                if watch.is_current(paths):
                    return watch
                watch.close()
            sleep(min(self._step_ms * (1 + failures), MAX_RETRY_MS) / 1000)
        return None


class _Watch:
    """inotify on some places, as they are when it is made."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.places = places(paths)
        self._inodes = _inodes(self.places)
        self._notify = RustNotify([str(place) for place in self.places], False, False, 0, False, True)

    def wait(self, debounce_ms: int, step_ms: int, stop: threading.Event) -> set[tuple[int, str]] | str:
        """The next burst of changes; a word where ``stop`` is set."""
        return self._notify.watch(debounce_ms, step_ms, 0, stop)

    def close(self) -> None:
        self._notify.close()

    def is_current(self, paths: Iterable[Path]) -> bool:
        """Whether the same directories, and not others of the same names, are still what is to be watched."""
        try:
            now = places(paths)
            return now == self.places and _inodes(now) == self._inodes
        except OSError:
            return False


def _inodes(where: Places) -> list[tuple[int, int]]:
    found = [os.stat(place) for place in where]
    return [(status.st_dev, status.st_ino) for status in found]


def matters(where: Places, path: Path) -> bool:
    """Whether a change of the directory entry ``path`` is worth a look."""
    if path in where:  # the directory itself
        return True
    if path.parent not in where:
        return False
    names = where[path.parent]
    return not _is_junk(path.name) if names is None else path.name in names


def _is_junk(name: str) -> bool:
    hidden = name.startswith((".", "#")) and not name.startswith("..")
    return hidden or name.endswith(_JUNK_ENDS) or name == "4913"  # vim tries this name for writing


def places(paths: Iterable[Path]) -> Places:
    """The directories that decide what absolute ``paths`` mean, each with the names in it that do."""
    found: dict[Path, frozenset[str] | None] = {}
    for path in paths:
        end = _follow(path, found)
        if end is None or not end.is_dir():
            continue
        found[end] = None
        with suppress(PermissionError), os.scandir(end) as entries:  # the loader says so, with its place
            for entry in entries:
                if entry.is_symlink() and not _is_junk(entry.name):
                    _follow(Path(entry.path), found)
    return found


def _follow(path: Path, found: dict[Path, frozenset[str] | None]) -> Path | None:
    """Go along ``path``, noting what decides about it; where it ends, or None where nothing is there."""
    at = Path(path.anchor)
    parts = list(path.parts[1:])
    for _ in range(MAX_SYMLINKS):
        while parts:
            part = parts.pop(0)
            if part == "..":
                at = at.parent
                continue
            entry = at / part
            try:
                target = Path(entry.readlink())
            except OSError:
                if not parts or not entry.is_dir():  # the last part, or one that is missing
                    _note(found, at, part)
                    return entry if entry.exists() else None
                at = entry
                continue
            _note(found, at, part)
            parts = [*target.parts[1:], *parts] if target.is_absolute() else [*target.parts, *parts]
            at = Path(target.anchor) if target.is_absolute() else at
            break
        else:
            return at
    return None


def _note(found: dict[Path, frozenset[str] | None], directory: Path, name: str) -> None:
    names = found.get(directory, frozenset())
    if names is not None:
        found[directory] = names | {name}


def changed_since(where: Places, since_s: float) -> bool:
    """Whether something that matters was written, created, renamed or removed after ``since_s``."""
    for directory, names in where.items():
        try:
            if names is None:
                if os.stat(directory).st_ctime > since_s:
                    return True
                with os.scandir(directory) as entries:
                    if any(
                        entry.stat(follow_symlinks=False).st_ctime > since_s
                        for entry in entries
                        if not _is_junk(entry.name)
                    ):
                        return True
            elif any(_changed(directory / name, since_s) for name in names):
                return True
        except OSError:  # it went away while we looked
            return True
    return False


def _changed(path: Path, since_s: float) -> bool:
    try:
        return path.lstat().st_ctime > since_s
    except OSError:
        return False  # what is missing was missing before, or its directory's watch tells

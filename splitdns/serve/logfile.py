"""A file that several processes append to, and that whoever notices first puts aside when it is full or old.

Each has it open for appending, so the kernel keeps their writes whole and apart. Before a write they look
whether the path still leads to their file; if not, somebody has put it aside, another worker or logrotate,
and they go on in the new one. So nobody has to be told, and no signal is needed.
"""

from __future__ import annotations

import fcntl
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress

from splitdns.value import value

log = logging.getLogger("splitdns.serve")

MODE = 0o640  # what people ask for is for its owner, and for the group that reads logs


@value(frozen=True, slots=True)
class Rotation:
    """When the file at ``path`` is put aside: before it grows beyond ``max_octets``, and every ``every_s``.

    Times are periods of Unix time, so a day ends at midnight UTC; 0 is never. The newest of ``keep`` former
    files is ``path.1``. With ``keep`` 0 nothing is put aside here.
    """

    path: str
    max_octets: int
    every_s: int
    keep: int


class LogFile:
    """The file as one process has it."""

    def __init__(self, rotation: Rotation, clock: Callable[[], float] = time.time) -> None:
        self._rotation = rotation
        self._clock = clock
        self._fd: int | None = None
        self._is_failing = False

    def write(self, octets: bytes) -> int:
        """Append; how many octets were taken.

        Raises:
            BlockingIOError: not now: there is no room, or no such directory. The log tells it once.
        """
        try:
            written = os.write(self._current(len(octets)), octets)
        except OSError as error:
            if not self._is_failing:
                fields = {"path": self._rotation.path, "reason": error.strerror or str(error)}
                log.error("querylog.failed", extra=fields)  # noqa: TRY400
            self._is_failing = True
            raise BlockingIOError from error
        self._is_failing = False
        return written

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _current(self, more: int) -> int:
        """The descriptor of the file that ``more`` octets belong into."""
        if self._fd is not None and not self._is_there(self._fd):
            self.close()
        fd = self._open()
        if self._rotation.keep and self._is_over(os.fstat(fd), more):
            fcntl.flock(fd, fcntl.LOCK_EX)  # of all who notice, the first puts it aside
            if self._is_there(fd):
                self._put_aside()
            self.close()
            fd = self._open()
        return fd

    def _open(self) -> int:
        if self._fd is None:
            self._fd = os.open(self._rotation.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, MODE)
        return self._fd

    def _is_there(self, fd: int) -> bool:
        """Whether the path leads to this file."""
        try:
            return os.path.samestat(os.stat(self._rotation.path), os.fstat(fd))
        except FileNotFoundError:
            return False

    def _is_over(self, now: os.stat_result, more: int) -> bool:
        if not now.st_size:
            return False
        every_s = self._rotation.every_s
        is_old = every_s > 0 and now.st_mtime // every_s < self._clock() // every_s
        return is_old or now.st_size + more > self._rotation.max_octets

    def _put_aside(self) -> None:
        path = self._rotation.path
        for number in range(self._rotation.keep, 1, -1):
            with suppress(FileNotFoundError):
                os.rename(f"{path}.{number - 1}", f"{path}.{number}")
        os.rename(path, f"{path}.1")

"""The files of another system, as its configuration names them.

They may have been copied from elsewhere: a relative path is beside the first file, and so is an absolute one
that is not there. What cannot be read is told where it was asked for, and what was read still holds.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path

from splitdns.check.dialects.printed import Printed
from splitdns.errors import Where
from splitdns.imports.entries import Found

MAX_FILES = 1_000  # beyond: told, and not read
MAX_OCTETS = 32 * 1024 * 1024  # of one file; beyond: told, and not read


class Texts:
    """What is beside a file in ``base``; ``found`` is told what cannot be read."""

    def __init__(self, base: Path, found: Found) -> None:
        self._base = base
        self._found = found
        self._count = 0

    def read(self, name: str, where: Where) -> Printed | None:
        """A text; None where there is none, which is told at ``where``."""
        self._count += 1
        if self._count > MAX_FILES:
            self._found.leave(where, f"left out: {name}; more than {MAX_FILES} files are not read")
            return None
        try:
            path = self.path(name)
            if path.stat().st_size > MAX_OCTETS:
                raise ValueError(f"more than {MAX_OCTETS} octets")
            return Printed(path.read_text(), str(path))
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._found.leave(where, f"left out: {name} cannot be read: {reason}")
            return None

    def matching(self, pattern: str, where: Where) -> list[str]:
        """The files in a directory, or those that a pattern with ``*`` names, in alphabetical order."""
        directory, last = (pattern, "*") if "*" not in pattern else pattern.rpartition("/")[::2]
        try:
            names = sorted(one.name for one in self.path(directory or ".").iterdir() if one.is_file())
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            self._found.leave(where, f"left out: {pattern} cannot be read: {reason}")
            return []
        names = [one for one in names if fnmatchcase(one, last) and not one.startswith(".")]
        return [f"{directory}/{one}" if directory else one for one in names]

    def path(self, name: str) -> Path:
        """Where it is.

        Raises:
            ValueError: that is no path.
        """
        if "\0" in name:
            raise ValueError("a path has no NUL in it")
        beside = self._base / name
        return beside if beside.exists() else self._base / name.lstrip("/")

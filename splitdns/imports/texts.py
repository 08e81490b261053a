"""The files of another system, as its configuration names them.

They may have been copied from elsewhere, with their directories or without. So a path is looked for beneath
the first file's directory, then where it says itself, then beneath that directory with less and less of its
front: /etc/bind/db.lan may be ``./etc/bind/db.lan``, ``./bind/db.lan`` or ``./db.lan``. What is not there is
an error: names that are missing would be asked on the internet, and nobody would see why.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from pathlib import Path
from posixpath import normpath

from splitdns.check.dialects.printed import Printed
from splitdns.errors import Where
from splitdns.imports.entries import Found

MAX_FILES = 1_000  # beyond: an error, once, and they are not read
MAX_OCTETS = 32 * 1024 * 1024  # of one file; beyond: an error
MAX_PATH = 4096  # characters, as Linux' PATH_MAX


class Texts:
    """What is beside a file in ``base``; ``found`` is told what cannot be read."""

    def __init__(self, base: Path, found: Found) -> None:
        self._base = base
        self._found = found
        self._count = 0
        self._names: dict[Path, str] = {}  # as which each file was asked for

    def read(self, name: str, where: Where) -> Printed | None:
        """A text; None where there is none, which is an error at ``where``."""
        self._count += 1
        if self._count > MAX_FILES:
            if self._count == MAX_FILES + 1:
                self._found.miss(where, f"expected at most {MAX_FILES} files, found another: {name:.80}")
            return None
        try:
            path = self.path(name)
            if path.stat().st_size > MAX_OCTETS:
                raise ValueError(f"more than {MAX_OCTETS} octets")
            self._keep_apart(name, path)
            return Printed(path.read_text(), str(path))
        except (OSError, ValueError) as error:
            self._miss(name, where, error)
            return None

    def matching(self, pattern: str, where: Where) -> list[str]:
        """The files in a directory, or those that a pattern with ``*`` names, in alphabetical order."""
        directory, last = (pattern, "*") if "*" not in pattern else pattern.rpartition("/")[::2]
        try:
            names = sorted(one.name for one in self.path(directory or ".").iterdir() if one.is_file())
        except (OSError, ValueError) as error:
            self._miss(directory or ".", where, error)
            return []
        names = [one for one in names if fnmatchcase(one, last) and not one.startswith(".")]
        return [f"{directory}/{one}" if directory else one for one in names]

    def path(self, name: str) -> Path:
        """Where it is; the first place where it could be, if it is in none.

        Raises:
            ValueError: that is no path, or this machine has a file there that may be another one's.
        """
        places = self._places(name)
        there = [one for one in places if one.exists()]
        if len(there) > 1 and there[0] == Path(name) and not there[0].samefile(there[1]):
            raise ValueError(f"{there[1]} is there as well: copy the one that is meant to {places[0]}")
        return (there or places)[0]

    def _places(self, name: str) -> list[Path]:
        if "\0" in name:
            raise ValueError("a path has no NUL in it")
        if len(name) > MAX_PATH:
            raise ValueError(f"a path has at most {MAX_PATH} characters")
        *above, last = Path(name.lstrip("/")).parts or (".",)
        tails = [Path(*above[at:], last) for at in range(len(above) + 1)]
        whole = [self._base / tails[0], *([Path(name)] if name.startswith("/") else [])]
        return [*whole, *(self._base / one for one in tails[1:])]

    def _keep_apart(self, name: str, path: Path) -> None:
        """Two files of one base name, in directories that were not copied, are not the one that is here.

        They may well be the inside and the outside of a zone.

        Raises:
            ValueError: this is such a file.
        """
        name = normpath(name)
        former = self._names.setdefault(path, name)
        if former != name and not (self._is_whole(name, path) and self._is_whole(former, path)):
            raise ValueError(f"{path} was read as {former} already: copy both with their directories")

    def _is_whole(self, name: str, path: Path) -> bool:
        return path in (self._base / name.lstrip("/"), Path(name))

    def _miss(self, name: str, where: Where, error: OSError | ValueError) -> None:
        reason = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        if isinstance(error, FileNotFoundError):
            places = ", ".join(map(str, self._places(name)))
            reason += f"; looked for {places}: copy it there, or take this line out"
        self._found.miss(where, f"{name:.200} cannot be read: {reason}")

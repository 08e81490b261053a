"""Compiled zones, kept on disk: a server that starts again need not read a large zone that is as it was.

What is kept of a zone file is all that came of it: its zones in every view, and what a person was told. It
holds for the same octets, in the same surroundings, and for the very program that made it; anything else is
read anew, as if nothing were kept. Small zones are not worth it.
"""

from __future__ import annotations

import functools
import hashlib
import logging
import os
import re
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path, PosixPath

from splitdns import __version__, names, records, view, zone
from splitdns.errors import Caution, Where
from splitdns.load import keptfile
from splitdns.load.compile import Compiled, Named, Service
from splitdns.load.declared import Exposed, FileId, Port, file_id
from splitdns.load.holdings import Holdings
from splitdns.load.keptfile import KeptError, digest_of
from splitdns.load.parts import Environment, Part
from splitdns.load.settings import Settings
from splitdns.load.share import Viewer
from splitdns.load.targets import Link
from splitdns.load.zonefiles import ZoneFile
from splitdns.names import Qname
from splitdns.value import value
from splitdns.zone import Node, Regexp, Zone

log = logging.getLogger("splitdns.load")

AUTO = "auto"
MIN_OCTETS = 16 * 1024  # of a zone's files; smaller ones are read in the time that it takes to look here
MAX_OCTETS = 2 * 1024**3  # of all that is kept; beyond: what was not used for longest goes
MAX_AGE_S = 30 * 86_400.0  # since it was used last
HALF_S = 3600.0  # a file that is being written since then is nobody's
CLOCK_STEP_S = 0.02  # files bear the time of the kernel's last tick, 10 ms ago at most

_SUFFIX = ".compiled"
_NAME_OCTETS = 16
_NAME = re.compile(rf"\.?[0-9a-f]{{32}}\{_SUFFIX}(\..+)?")  # also one that is being written
_TYPES = (
    Caution, Compiled, Exposed, FileId, Holdings, Link, Named, Node, Part, Port, PosixPath, Regexp, Service,
    Viewer, Where, Zone, ZoneFile, records.RRset, records.Type,
)  # fmt: skip


@value(frozen=True, slots=True)
class _Stamp:
    """What a file was: made-up SOAs take their serial from its time."""

    path: str
    mtime_s: int
    digest: bytes


@value(frozen=True, slots=True)
class _Entry:
    """The parts of one apex, and what they were made of; ``wan`` only where they use it."""

    stamps: tuple[_Stamp, ...]
    wan: tuple[tuple[str, bytes | None], ...] | None
    parts: tuple[Part, ...]


class Kept:
    """What is kept in ``directory``, which is made where it can be.

    ``ignored`` says why files in it were not to be believed.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ignored: dict[Path, str] = {}

    def recall(
        self, files: Sequence[ZoneFile], environment: Environment, beneath: tuple[Qname, ...]
    ) -> Sequence[Part] | None:
        """The parts of these files of one apex, without their key; None: they have to be read."""
        paths = [str(file.path) for file in files]
        if sum(file_id(path).octets for path in paths) < MIN_OCTETS:
            return None
        path = self._path(paths, environment.viewers, beneath)
        entry = self._found(path)
        if not isinstance(entry, _Entry):
            return None
        if entry.wan is not None and entry.wan != tuple(sorted(environment.wan.items())):
            return None
        included = {one.path: file_id(one.path) for part in entry.parts for one in part.included}
        if any(_stamp(stamp.path) != stamp for stamp in entry.stamps):
            return None
        with suppress(OSError):
            os.utime(path)
        return [
            replace(part, included=tuple(included[one.path] for one in part.included))
            for part in entry.parts
        ]

    def pointers(self, digest: bytes) -> Zone | None:
        """The PTR records that are made of what has this digest; None: they have to be made."""
        path = self._path_of(digest)
        found = self._found(path)
        if not isinstance(found, Zone):
            return None
        with suppress(OSError):
            os.utime(path)
        return found

    def _found(self, path: Path) -> object | None:
        """What is at ``path``; None: nothing, or nothing that is to be believed."""
        try:
            _check(self.directory)
            found: object = keptfile.read(path, program(), (*_TYPES, _Entry, _Stamp), MAX_OCTETS)
        except FileNotFoundError:
            return None
        except KeptError as error:
            self.ignored[path] = str(error)
            return None
        return found

    def keep(
        self, of_apex: Iterable[tuple[Sequence[Part], float]], pointers: Mapping[bytes, Zone] | None = None
    ) -> None:
        """Keep parts, those of each apex with the time (Unix) at which they were read, or that was before.

        ``pointers`` are PTR records by the digest of what they are made of.

        Raises:
            KeptError: others may write to the directory.
            OSError: nothing can be written there.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check(self.directory)
        for digest, made in (pointers or {}).items():
            path = self._path_of(digest)
            if not path.exists():
                keptfile.write(path, program(), made)
        for parts, read_s in of_apex:
            self._keep(parts, read_s)
        self._tidy()

    def _keep(self, parts: Sequence[Part], read_s: float) -> None:
        key = parts[0].key
        assert key is not None
        before_ns = int((read_s - CLOCK_STEP_S) * 1e9)
        if any(one.ctime_ns >= before_ns for one in key.files):
            return  # it may have changed once more while it was read, and nobody can tell
        stamps = tuple(stamp for one in key.files if (stamp := _stamp(one.path)) is not None)
        if tuple(file_id(stamp.path) for stamp in stamps) != key.files:
            return  # it is another one by now, which is about to be read itself
        path = self._path([str(part.file.path) for part in parts], key.viewers, key.beneath)
        kept = tuple(replace(part, key=None, recalled=True) for part in parts)
        keptfile.write(path, program(), _Entry(stamps, key.wan, kept))

    def _path(self, paths: Sequence[str], viewers: Sequence[Viewer], beneath: Sequence[Qname]) -> Path:
        """Where the parts of these files are: one place for the same surroundings, whatever is in them."""
        wholes = [os.path.abspath(path) for path in paths]
        return self._path_of(digest_of(repr(one).encode() for one in (paths, wholes, viewers, beneath)))

    def _path_of(self, digest: bytes) -> Path:
        return self.directory / (digest[:_NAME_OCTETS].hex() + _SUFFIX)

    def _tidy(self) -> None:
        """Remove what nobody uses any more, and what a writer left that was killed."""
        now_s, octets = time.time(), 0
        found = []
        for entry in self.directory.iterdir():
            with suppress(FileNotFoundError):  # another server tidies up, too
                if _NAME.fullmatch(entry.name):
                    found.append((entry.lstat(), entry))
        for status, entry in sorted(found, key=lambda one: -one[0].st_mtime):
            octets += status.st_size
            unused_s = now_s - status.st_mtime
            if octets > MAX_OCTETS or unused_s > (MAX_AGE_S if entry.suffix == _SUFFIX else HALF_S):
                entry.unlink(missing_ok=True)


def is_worthwhile(parts: Sequence[Part]) -> bool:
    """Whether these parts of one apex can be kept, and are large enough for it."""
    key = parts[0].key
    if key is None or key.supplies or any(_is_broken(part) or part.recalled for part in parts):
        return False
    return sum(one.octets for one in key.files) >= MIN_OCTETS


def _is_broken(part: Part) -> bool:
    return bool(part.errors) or part.compiled is None


def _check(directory: Path) -> None:
    """Raises:
    FileNotFoundError: there is no such directory.
    KeptError: others may write to it, or it cannot be looked at.
    """
    try:
        status = directory.stat()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise KeptError(f"cannot read it: {error.strerror}") from None
    if not keptfile.is_ours(status):
        raise KeptError("others can write to its directory")


class Recalling:
    """Recalls what was kept, for one generation that is loaded."""

    def __init__(self) -> None:
        self._kept: Kept | None = None

    def __call__(self, settings: Settings, base: Path) -> Kept | None:
        directory = place(settings.compiled, base, os.environ)
        self._kept = Kept(directory) if directory is not None else None
        return self._kept

    def tell(self) -> None:
        """Say what was not to be believed: once, for with a new version it is the same with all files."""
        if self._kept is not None and self._kept.ignored:
            path, reason = next(iter(self._kept.ignored.items()))
            fields = {"path": str(path), "reason": reason, "files": len(self._kept.ignored)}
            log.warning("compiled.ignored", extra=fields)


def place(setting: str | None, base: Path, environ: Mapping[str, str]) -> Path | None:
    """The directory that the setting ``compiled`` means, None for none; a path is relative to ``base``."""
    if setting != AUTO:
        return None if setting is None else base / setting
    if given := environ.get("CACHE_DIRECTORY"):  # systemd's, and our image's (systemd.exec(5))
        return Path(given.partition(":")[0])
    home = environ.get("HOME", "")
    caches = environ.get("XDG_CACHE_HOME") or (os.path.join(home, ".cache") if len(home) > 1 else "")
    return Path(caches) / "splitdns" if os.path.isabs(caches) else None


def _stamp(path: str) -> _Stamp | None:
    try:
        with open(path, "rb") as file:
            mtime_s = os.fstat(file.fileno()).st_mtime_ns // 1_000_000_000
            return _Stamp(path, mtime_s, hashlib.file_digest(file, "sha256").digest())
    except OSError:
        return None


@functools.cache
def program() -> bytes:
    """The digest of what decides what becomes of a zone file: versions, and our own code for it."""
    versions = (__version__, sys.version, sys.byteorder)
    modules = [Path(module.__file__ or "") for module in (names, records, view, zone)]
    modules.append(modules[0].with_name("value.py"))
    modules += sorted(Path(__file__).parent.glob("*.py"))
    if (dnspython := find_spec("dns")) is not None and dnspython.origin is not None:  # it reads records
        modules.append(Path(dnspython.origin).with_name("version.py"))
    return digest_of([repr(versions).encode(), *(module.read_bytes() for module in modules)])

"""A zone as a person declared it: every view's records together, each with its place.

Both zone formats are read into this, and ``compile`` takes each view's share out of it. A zone may have a
million records, so places are plain integers until somebody asks for one.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from splitdns.errors import Where
from splitdns.names import ROOT, Qname, fold
from splitdns.value import value

DEFAULT_TTL_S = 3600  # where neither a record nor the zone says; NSD's and Knot's default, too

_LINE_BITS, _COLUMN_BITS = 40, 16


@dataclass(slots=True)
class Places:
    """Places in a zone file and the files that it includes, packed into integers."""

    files: list[str]

    def add(self, file: str) -> int:
        """The number of one more file."""
        self.files.append(file)
        return len(self.files) - 1

    def where(self, at: int) -> Where:
        column = at & ((1 << _COLUMN_BITS) - 1)
        line = (at >> _COLUMN_BITS) & ((1 << _LINE_BITS) - 1)
        return Where(self.files[at >> (_LINE_BITS + _COLUMN_BITS)], line, column)


def place(file_number: int, line: int, column: int) -> int:
    """A place as ``Places.where`` understands it; columns beyond 65,535 stay there."""
    return ((file_number << _LINE_BITS) | line) << _COLUMN_BITS | min(column, (1 << _COLUMN_BITS) - 1)


@dataclass(slots=True)
class DeclaredSet:
    """Records of one type at one name, for the views of one horizon (None: for all views).

    No rdata at all: the value is declared, but not known now. ``own_ttl``: the record or its name says its
    TTL itself. ``auto_hints`` are the SVCB keys (4, 6) whose placeholder each view replaces by its addresses.
    """

    rdtype: int
    rdatas: Sequence[bytes]
    ttl_s: int
    own_ttl: bool
    at: int
    horizon: str | None = None
    public: bool = False
    auto_hints: tuple[int, ...] = ()


@value(frozen=True, slots=True)
class Port:
    """A range of ports of one protocol, both ends included."""

    protocol: str
    first: int
    last: int

    def __str__(self) -> str:
        ports = str(self.first) if self.first == self.last else f"{self.first}-{self.last}"
        return f"{ports}/{self.protocol}"


@value(frozen=True, slots=True)
class Exposed:
    """A service that the gateway must admit: its public ports, and the inside ones that they lead to."""

    public: Port
    inside: Port
    where: Where


@value(frozen=True, slots=True)
class Manner:
    """What a YAML zone says of a name beside its records; ``ptr`` is None where it does not."""

    inherit: tuple[int, ...] = ()
    ptr: bool | None = None
    expose: tuple[Exposed, ...] = ()


PLAIN = Manner()


@dataclass(slots=True)
class DeclaredName:
    """A name's record sets; ``owner`` is the name with its case kept. ``supplied``: a source has it."""

    owner: bytes
    at: int
    sets: list[DeclaredSet]
    manner: Manner = PLAIN
    supplied: bool = False


@dataclass(slots=True)
class DeclaredRegexp:
    """Records for every name that ``pattern`` is found in, relative to the zone."""

    pattern: str
    name: DeclaredName


@value(frozen=True, slots=True)
class FileId:
    """What changes when a file does: the inode when a link is swapped, the change time whatever happens."""

    path: str
    device: int = 0
    inode: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    octets: int = 0


def file_id(path: str | Path) -> FileId:
    """To be asked before the file is read, so that a change in between is seen the next time."""
    try:
        status = os.stat(path)
    except OSError:
        return FileId(str(path))
    times = status.st_mtime_ns, status.st_ctime_ns
    return FileId(str(path), status.st_dev, status.st_ino, *times, status.st_size)


@value(frozen=True, slots=True)
class SoaTimes:
    """A SOA that is made (semantics: SOA); with ``serial`` None the serial comes from the file's time."""

    mname: bytes
    rname: bytes
    refresh_s: int = 3600
    retry_s: int = 900
    expire_s: int = 604_800
    minimum_s: int = 60
    serial: int | None = None
    ttl_s: int = DEFAULT_TTL_S
    at: int = 0  # where the primary is named

    def rdata(self, serial: int) -> bytes:
        """RFC 1035 3.3.13."""
        numbers = (serial, self.refresh_s, self.retry_s, self.expire_s, self.minimum_s)
        return self.mname + self.rname + b"".join(number.to_bytes(4, "big") for number in numbers)


@dataclass(slots=True)
class DeclaredZone:
    """One zone file; ``at`` is where it names its zone.

    ``horizon`` is the file name's (None: every view's), ``views`` the limit that the file itself sets.
    ``variants`` are the horizons that its records name. ``soa`` is there where the SOA is to be made.
    ``wan``: a value is the gateway's own address. ``included`` are the other files that it was read from.
    ``made``: there is no file, and sources have all its names. ``awaited`` are the horizons for which a
    source that has said nothing yet may have more.
    """

    apex: Qname
    owner: bytes
    places: Places
    at: int = 0
    names: dict[Qname, DeclaredName] = field(default_factory=dict)
    regexps: list[DeclaredRegexp] = field(default_factory=list)
    overlay: bool = False
    views: tuple[str, ...] | None = None
    horizon: str | None = None
    variants: frozenset[str] = frozenset()
    soa: SoaTimes | None = None
    wan: bool = False
    included: list[FileId] = field(default_factory=list)
    made: bool = False
    awaited: frozenset[str] = frozenset()

    @property
    def file(self) -> str:
        return self.places.files[0]

    @property
    def is_yaml(self) -> bool:
        """Whether values can have horizons in it."""
        return not self.file.endswith(".zone")

    def where(self, at: int) -> Where:
        return self.places.where(at)

    def name(self, qname: Qname) -> DeclaredName:
        """What is declared at ``qname``; nothing at all is declared at an empty apex."""
        return self.names.get(qname) or DeclaredName(self.owner, 0, [])


def is_doubled(owner: bytes, apex: Qname) -> bool:
    """Whether the zone's name stands in ``owner`` twice: the final dot was forgotten."""
    return fold(owner).endswith(apex[:-1] + apex) and apex != ROOT

"""Names that come from elsewhere: what a source knows of a zone, each record with where it comes from.

A source changes by itself, as leases and containers do. To ask it is somebody else's business (``sources``);
here is the shape of what it says, and what becomes of those of its names that are another's.

>>> from splitdns.names import from_text
>>> lost = Lost("leases", from_text("nas.home.arpa."), "the zone file has it", Where("dnsmasq.leases", 3))
>>> str(lost.caution)
'dnsmasq.leases:3: warning: nas.home.arpa. of leases is left out: the zone file has it'
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.errors import Caution, Where
from splitdns.load.declared import Exposed
from splitdns.names import Qname, to_text
from splitdns.value import value

if TYPE_CHECKING:
    from splitdns.load.settings import Settings

MAX_NAMES = 10_000  # of one source in one zone; beyond: they are lost, and counted
MAX_PATTERNS = 100  # likewise: each is tried for every name that nobody has


@value(frozen=True, slots=True)
class Supplied:
    """One record: ``owner`` is the whole name with its case kept, ``rdata`` packed for the wire.

    ``horizon`` is whose value it is (None: every view's). ``where`` is a file's line, or what else a person
    can go and look at, such as ``Where("docker: container web")``. ``wan``: the value is the network's public
    address of the type's family, whatever it is now, and ``rdata`` is not looked at. With ``pattern``, a
    regular expression of names relative to the zone, it is for each of them, and ``owner`` is the zone.
    """

    owner: bytes
    rdtype: int
    rdata: bytes
    ttl_s: int
    horizon: str | None
    where: Where = field(compare=False)  # at another line it is the same record
    wan: bool = False
    pattern: str = ""


@value(frozen=True, slots=True)
class Lost:
    """A name that ``source`` gives, and that is not taken from it: ``reason`` says why."""

    source: str
    owner: bytes
    reason: str
    where: Where
    pattern: str = ""

    @property
    def caution(self) -> Caution:
        name = f"~{self.pattern}" if self.pattern else to_text(self.owner)
        return Caution(self.where, f"{name} of {self.source} is left out: {self.reason}")


@value(frozen=True, slots=True)
class Supply:
    """What one source says of one zone.

    ``source`` names it for people, logs and metrics. With ``overlay`` a zone that no file declares answers
    only for the names that it has. ``trusted``: an administrator chose the names, not whoever joined the
    network; only then may one stand where a wildcard or a regexp of the zone file answers, or be the zone's
    own, a wildcard or a pattern. ``exposed`` is what names expose, for the exposure check. ``refused`` is
    what the source itself did not take. ``awaited`` are the horizons that a source which has said nothing yet
    will have names for: until then, who sees them is not told that there is no such name.
    """

    source: str
    apex: Qname
    records: tuple[Supplied, ...]
    overlay: bool = False
    trusted: bool = False
    exposed: Mapping[Qname, tuple[Exposed, ...]] = field(default_factory=dict)
    refused: tuple[Caution, ...] = ()
    awaited: frozenset[str] = frozenset()


Supplying = Callable[["Settings", Path], Sequence[Supply]]
"""What sources say, the one that comes first before others, for settings and the directory of their file."""


def nothing(_: Settings, __: Path) -> Sequence[Supply]:
    """No source is asked."""
    return ()

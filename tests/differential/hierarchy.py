"""A signed hierarchy of zones, made by BIND's tools: what forwarders are asked about.

Some zones are as they should be, with either way of denial and several algorithms; some are spoilt after they
were signed. ``spoil`` works on the signed file, line by line: ``dnssec-signzone`` writes each record on one
(``-O full``).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

Lines = list[str]
Spoil = Callable[[Lines], Lines]

HOSTS = """\
www      A     192.0.2.1
www      A     192.0.2.2
www      AAAA  2001:db8::1
mail     MX    10 www
text     TXT   "one" "two"
*.wild   A     192.0.2.3
*.wild   TXT   "anything"
there.wild A   192.0.2.4
*.walias CNAME www
a.b.c    A     192.0.2.5
alias    CNAME www
alias2   CNAME alias
gone     CNAME nowhere
far      CNAME www.n3.example.
plainly  CNAME www.plain.example.
away     CNAME x.wild.nsec.example.
broken   CNAME www.bogus.example.
old      DNAME n3.example.
_s._tcp  SRV   0 0 443 www
caa      CAA   0 issue "ca.example.net"
"""
LABELS = [line.split()[0] for line in HOSTS.splitlines()]


@dataclass(frozen=True)
class Signed:
    """A zone, and what becomes of it; without ``algorithm`` it is not signed."""

    apex: str
    algorithm: str | None = "ECDSAP256SHA256"
    options: Sequence[str] = ()  # of dnssec-signzone
    spoil: Spoil | None = None
    ds: str = "right"  # what its parent says of its keys: also "wrong", or "none"
    hosts: str = HOSTS


def _change(pattern: str, replacement: str) -> Spoil:
    return lambda lines: [re.sub(pattern, replacement, line) for line in lines]


def _drop(pattern: str) -> Spoil:
    return lambda lines: [line for line in lines if not re.search(pattern, line)]


_PAST = ("-s", "20200101000000", "-e", "20200201000000")
_FUTURE = ("-s", "20990101000000", "-e", "20990201000000")
_NSEC3 = ("-3", "-", "-H", "0")

ZONES = (
    Signed(".", "RSASHA256", hosts=""),
    Signed("example.", "ECDSAP256SHA256", ("-3", "aabb", "-H", "5")),
    Signed("org.", "RSASHA256", (*_NSEC3, "-A")),
    Signed("nsec.example.", "ECDSAP256SHA256"),
    Signed("n3.example.", "ED25519", _NSEC3),
    Signed("rsa.example.", "RSASHA256", ("-3", "ff", "-H", "12")),
    Signed("p384.example.", "ECDSAP384SHA384"),
    Signed("optout.example.", "ECDSAP256SHA256", (*_NSEC3, "-A")),
    Signed("deep.sub.nsec.example.", "ED25519"),
    Signed("plain.example.", None),
    Signed("plain.optout.example.", None),
    Signed("plain.org.", None),
    Signed("signed.org.", "ECDSAP256SHA256"),
    Signed("island.example.", "ECDSAP256SHA256", ds="none"),
    Signed("bogus.example.", spoil=_change(r"192\.0\.2\.[12]$", "203.0.113.66")),
    Signed("expired.example.", options=_PAST),
    Signed("future.example.", options=_FUTURE),
    Signed("stripped.example.", spoil=_drop(r"^www\..*\sRRSIG\s+A\s")),
    Signed("unproven.example.", spoil=_drop(r"\sNSEC\s|RRSIG\s+NSEC\s")),
    Signed("stranger.example.", ds="wrong"),
    Signed("iterations.example.", options=("-3", "-", "-H", "120")),
)


def write(directory: Path) -> tuple[dict[str, Path], str]:
    """The zones' files by apex, signed, and the root's DNSKEY record."""
    directory.mkdir()
    files: dict[str, Path] = {}
    dsets: dict[str, str] = {}
    anchor = ""
    for zone in sorted(ZONES, key=lambda zone: -_depth(zone.apex)):  # children first, for their DS records
        name = zone.apex.rstrip(".") or "root"
        file = directory / f"{name}.zone"
        file.write_text(_text(zone, dsets))
        if zone.algorithm is not None:
            dsets[zone.apex], key = _sign(directory, file, zone)
            anchor = key if zone.apex == "." else anchor
            file = file.with_suffix(".zone.signed")
            if zone.spoil is not None:
                file.write_text("\n".join(zone.spoil(file.read_text().splitlines())) + "\n")
        files[zone.apex] = file
    return files, anchor


def _depth(apex: str) -> int:
    return len(apex.rstrip(".").split(".")) if apex != "." else 0


def _text(zone: Signed, dsets: dict[str, str]) -> str:
    lines = [f"$ORIGIN {zone.apex}", "$TTL 300", "@ SOA ns hostmaster 1 3600 900 604800 120"]
    lines += ["@ NS ns", "ns A 127.0.0.1", zone.hosts]
    for child in ZONES:
        if child.apex != zone.apex and _parent(child.apex) == zone.apex:
            lines += [f"{child.apex} NS ns.{child.apex}", f"ns.{child.apex} A 127.0.0.1"]
            if child.apex in dsets and child.ds != "none":
                dset = dsets[child.apex]
                lines.append(dset if child.ds == "right" else f"{dset[:-4]}0000")
    return "\n".join(lines) + "\n"


def _parent(apex: str) -> str:
    """The apex of the closest zone above."""
    apexes = {zone.apex for zone in ZONES}
    while apex != ".":
        apex = apex.partition(".")[2] or "."
        if apex in apexes:
            return apex
    return ""


def _sign(directory: Path, file: Path, zone: Signed) -> tuple[str, str]:
    """Sign ``file``; the DS records for the parent, and the key that they name."""
    bits = ("-b", "2048") if zone.algorithm == "RSASHA256" else ()
    keys = [
        _run(directory, "dnssec-keygen", "-q", "-a", str(zone.algorithm), *bits, *flags, zone.apex)
        for flags in ((), ("-f", "KSK"))
    ]
    ksk = (directory / f"{keys[1]}.key").read_text()
    with file.open("a") as text:
        text.writelines((directory / f"{key}.key").read_text() for key in keys)
    command = ["dnssec-signzone", "-P", "-O", "full", "-o", zone.apex, *zone.options, file.name]
    _run(directory, *command)
    dset = _run(directory, "dnssec-dsfromkey", "-2", f"{keys[1]}.key")
    return dset, next(line for line in ksk.splitlines() if not line.startswith(";"))


def _run(directory: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=directory, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return done.stdout.strip()

"""Trust anchors: whose signatures are believed without a parent to vouch for them (RFC 4035 4.4).

Built in are the root's keys, as IANA publishes them. A file of one's own takes their place: DS and DNSKEY
records, one a line, as ``dnssec-dsfromkey`` writes them and Debian keeps them in ``/usr/share/dns``. Where
nothing is to be validated is found here, too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from pathlib import Path

from splitdns.errors import ConfigError, Problems, Where
from splitdns.load.special import SPECIAL
from splitdns.names import ROOT, Qname, from_text
from splitdns.records import key_tag

Anchors = tuple[tuple[Qname, tuple[bytes, ...]], ...]

_KSK_2017 = "20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
_KSK_2024 = "38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"

# Names that mean something of their own (RFC 6761): the root proves that most of them do not exist, and still
# a network may use them. ``internal`` is reserved for that (ICANN, 2024).
PRIVATE = frozenset((*SPECIAL, from_text("internal.")))

_SHA256 = 2
_KEY_FLAGS = {256, 257}


def read(path: Path, problems: Problems) -> Anchors:
    """The anchors in the file at ``path``; what is wrong with it is told to ``problems``."""
    file = str(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        problems.error(ConfigError(Where(file), f"expected a file of trust anchors: {reason}"))
        return ()
    found: dict[Qname, list[bytes]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition(";")[0].split()
        if not words:
            continue
        try:
            zone, delegation = _anchor(words)
        except ValueError as error:
            problems.error(ConfigError(Where(file, number), str(error)))
            continue
        found.setdefault(zone, []).append(delegation)
    if not found and not problems.errors:
        problems.error(ConfigError(Where(file), "expected DS or DNSKEY records, found none"))
    return tuple((zone, tuple(dict.fromkeys(delegations))) for zone, delegations in found.items())


def negative(chosen: Iterable[Qname], forwarded: Iterable[Qname], anchors: Anchors) -> frozenset[Qname]:
    """Where nothing is validated: names that were ``chosen``, and private ones that have no anchor.

    Private are ``forwarded`` domains, which resolvers of their own are asked for, and special-use names.
    """
    anchored = {zone for zone, _ in anchors}
    return frozenset(chosen) | (PRIVATE.union(forwarded) - anchored - {ROOT})


def _anchor(words: list[str]) -> tuple[Qname, bytes]:
    """A zone and a DS record's rdata.

    Raises:
        ValueError: what is wrong with the line, for a person.
    """
    zone = from_text(words[0])
    rest = words[1:]
    while rest and (rest[0].isdigit() or rest[0].upper() == "IN"):  # a TTL, and the class
        rest = rest[1:]
    kind = rest[0].upper() if rest else ""
    if kind not in ("DS", "DNSKEY") or len(rest) < 5:
        raise ValueError(f"expected a DS or DNSKEY record, found {' '.join(words)!r}")
    first, second, third = _number(rest[1], 65_535), _number(rest[2], 255), _number(rest[3], 255)
    head = first.to_bytes(2, "big") + bytes((second, third))
    data = "".join(rest[4:])
    try:
        octets = bytes.fromhex(data) if kind == "DS" else base64.b64decode(data, validate=True)
    except (ValueError, binascii.Error):
        raise ValueError(f"expected {'hexadecimal' if kind == 'DS' else 'base64'}, found {data!r}") from None
    if kind == "DS":
        return zone, head + octets
    if first not in _KEY_FLAGS:
        raise ValueError(f"expected a key with the flags 256 or 257, found {first}")
    key = head + octets
    digest = hashlib.sha256(zone + key).digest()
    return zone, key_tag(key).to_bytes(2, "big") + bytes((third, _SHA256)) + digest


def _number(word: str, most: int) -> int:
    if not word.isascii() or not word.isdigit() or int(word) > most:
        raise ValueError(f"expected a number up to {most}, found {word!r}")
    return int(word)


IANA: Anchors = ((ROOT, tuple(_anchor([".", "DS", *text.split()])[1] for text in (_KSK_2017, _KSK_2024))),)

"""Kea's leases: the files of its memfile backend, and what its servers say at their control sockets.

A file grows at its end, and the last line of an address counts. At times Kea cleans up (LFC): it moves the
file to `….1`, begins a new one, and makes `….2` of both that was there before; until it has done so, all of
them together are the leases (Kea ARM, "Lease File Cleanup").
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from splitdns.errors import Where
from splitdns.load.declared import file_id
from splitdns.sources.leases.lease import (
    MAC_OCTETS,
    MAX_TRIES,
    Lease,
    address_in,
    hex_octets,
    mac_of_duid,
    read_file,
    spelled,
)
from splitdns.sources.source import SourceError

FOREVER_S = 0xFFFF_FFFF  # a valid lifetime that does not end (RFC 2131 3.3)
_ASSIGNED = 0  # the state of a lease that somebody has; others are declined, reclaimed, released
_ADDRESS_TYPES = ("", "0", "IA_NA")  # of DHCPv6; there are prefixes, too
_COMMA = "&#x2c"  # how a comma is written in a field
_SUCCESS, _EMPTY = 0, 3  # results of a command


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that may hold leases beside ``path``, the oldest first."""
    return tuple(path.with_name(f"{path.name}{end}") for end in (".completed", ".2", ".1", ""))


def read(path: Path) -> Iterator[Lease]:
    """The leases of the memfile at ``path``, of all its parts.

    Raises:
        OSError: it cannot be read.
        SourceError: it is none, too large, or moved all the time.
    """
    found: dict[str, Lease | None] = {}
    for part, text in _parts(path):
        for address, lease in rows_in(text, str(part)):
            found.pop(address, None)
            found[address] = lease
    yield from (lease for lease in found.values() if lease is not None)


def _parts(path: Path) -> list[tuple[Path, str]]:
    """The parts that count, oldest first, all from a time when none was moved."""
    for _ in range(MAX_TRIES):
        parts = files_of(path)
        before = [file_id(part).inode for part in parts]
        completed, former, moved, newest = parts
        # What is completed has all of the two others in it, which are only still to be removed.
        wanted = [completed, newest] if before[0] else [former, moved, newest]
        try:
            found = [(part, read_file(part)) for part in wanted if part == newest or part.exists()]
        except FileNotFoundError:
            if not any(before):
                raise
            continue
        if [file_id(part).inode for part in parts] == before:
            return found
    raise SourceError(f"{path} is moved all the time")


def rows_in(text: str, file: str) -> Iterator[tuple[str, Lease | None]]:
    """Each row's address with its lease; None where the row says that nobody has it any more.

    Raises:
        SourceError: the first line does not name the columns.
    """
    *lines, _ = text.split("\n")  # what is after the last line end is not a line yet
    columns = lines[0].split(",") if lines else []
    if lines and not {"address", "expire", "valid_lifetime", "hostname", "state"} <= set(columns):
        raise SourceError(f"expected the columns of Kea's leases in the first line of {file}")
    for number, line in enumerate(lines[1:], 2):
        fields = line.split(",")  # quotes are no quotes: a client may have one in its name
        if len(fields) < len(columns):
            continue
        row = dict(zip(columns, fields, strict=False))
        numbers = [_number(row[key]) for key in ("expire", "valid_lifetime", "state")]
        if row.get("lease_type", "") not in _ADDRESS_TYPES or address_in(row["address"]) is None:
            continue
        if None in numbers:
            continue
        expire, valid_s, state = (number or 0 for number in numbers)
        is_held = state == _ASSIGNED and valid_s > 0  # one of no length was released
        ends_s = None if valid_s == FOREVER_S else float(expire)
        hostname = row["hostname"].replace(_COMMA, ",")
        yield row["address"], _lease(row["address"], hostname, row, ends_s, Where(file, number), is_held)


def leases_said(answer: object, socket: str) -> list[Lease]:
    """The leases in the answer to `lease4-get-all` or `lease6-get-all`.

    Raises:
        SourceError: the server could not say, or not so.
    """
    if not isinstance(answer, dict) or not isinstance(answer.get("result"), int):
        raise SourceError(f"expected an answer of Kea from {socket}")
    if answer["result"] not in (_SUCCESS, _EMPTY):
        raise SourceError(f"{socket} answers: {str(answer.get('text', 'no'))[:200]}")
    arguments = answer.get("arguments")
    listed = arguments.get("leases") if isinstance(arguments, dict) else None
    shown = (one for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return [lease for one in shown if (lease := _said(one, socket)) is not None]


def _said(one: Mapping[str, Any], socket: str) -> Lease | None:
    texts = {key: value for key, value in one.items() if isinstance(value, str)}
    since_s, valid_s, state = (one.get(key) for key in ("cltt", "valid-lft", "state"))
    if not isinstance(since_s, int) or not isinstance(valid_s, int):
        return None
    if state not in (None, _ASSIGNED) or texts.get("type", "") not in _ADDRESS_TYPES:
        return None
    row = {"hwaddr": texts.get("hw-address", ""), "duid": texts.get("duid", "")}
    ends_s = None if valid_s == FOREVER_S else float(since_s + valid_s)
    return _lease(texts.get("ip-address", ""), texts.get("hostname", ""), row, ends_s, Where(socket), True)


def _lease(
    address: str,
    hostname: str,
    row: Mapping[str, str],
    ends_s: float | None,
    where: Where,
    is_held: bool,
) -> Lease | None:
    found = address_in(address)
    if found is None or not is_held:
        return None
    mac, duid = hex_octets(row.get("hwaddr", "")), row.get("duid", "")
    client = spelled(mac) if len(mac) == MAC_OCTETS else mac_of_duid(duid) or spelled(hex_octets(duid))
    return Lease(found, hostname, client or address, ends_s, where)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def command(name: str) -> bytes:
    return json.dumps({"command": name}).encode()


COMMANDS: Sequence[str] = ("lease4-get-all", "lease6-get-all")
UNKNOWN_COMMAND = 2  # the result where the server is one of the other family

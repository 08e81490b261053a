"""What ``upnpc -l`` prints: it asks the gateway over UPnP-IGD for its mappings, one by one (miniupnpc).

`` 0 TCP  8443->192.168.1.20:443   'web' '' 3600``: number, protocol, port, server, what the device says, the
only client that may come, and how many seconds are left. What stands before the table's head is about the
gateway; what stands behind the table says why it ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp.values import (
    MADE_BY,
    Lease,
    address_of,
    any_remote,
    port_of,
    protocol_of,
    worded,
)
from splitdns.check.model import Origin
from splitdns.errors import ConfigError, Problems, Where

_HEAD = re.compile(r"^\s*i protocol exPort->inAddr:inPort description", re.MULTILINE)
_ROW = re.compile(
    r"\s*[0-9]+\s+(?P<protocol>\w+)\s+(?P<port>[0-9]+)->(?P<to>[^\s']+):(?P<to_port>[0-9]+)\s+"
    r"'(?P<says>.*)'\s+'(?P<remote>[^']*)'\s+(?P<left>[0-9]+)\s*"
)
_LOOKS_SO = re.compile(r"\s*[0-9]+\s+\w+\s+[0-9]+->")
_ASKED = re.compile(r"\s*upnpc\s*:")
_ENDED = "SpecifiedArrayIndexInvalid"  # there are no more
_FAILED = re.compile(r"GetGenericPortMappingEntry\(\) returned")


def looks_so(text: str) -> bool:
    return _HEAD.search(text) is not None or _ASKED.match(text) is not None


def read(printed: Printed, problems: Problems) -> Iterator[Lease]:
    """What each row grants; mistakes are collected, and so is that no gateway answered."""
    head = _HEAD.search(printed.text)
    if head is None:
        found = "expected a table of mappings, found none: did a gateway answer?"
        problems.error(ConfigError(Where(printed.file, 1, 1), found))
        return
    first = printed.text.count("\n", 0, head.end()) + 1
    for number, line in enumerate(printed.text[head.end() :].splitlines()[1:], first + 1):
        where = Where(printed.file, number, 1)
        try:
            if (row := _ROW.fullmatch(line)) is not None:
                yield _lease(row, where)
            elif _LOOKS_SO.match(line):
                raise ConfigError(where, f"expected NUMBER PROTOCOL PORT->ADDRESS:PORT, found {line!r:.60}")
            elif _FAILED.match(line) and _ENDED not in line:
                raise ConfigError(where, f"expected the whole list, found {line.strip()!r:.80}")
        except ConfigError as error:
            problems.error(error)


def _lease(row: re.Match[str], where: Where) -> Lease:
    text = worded(f"{row['protocol']} {row['port']} to {row['to']} port {row['to_port']}", row["says"])
    return Lease(
        protocol_of(row["protocol"], where),
        port_of(row["port"], where),
        address_of(row["to"], where, 4),
        port_of(row["to_port"], where),
        any_remote(row["remote"], where),
        None,
        Origin(where, text, MADE_BY),
    )

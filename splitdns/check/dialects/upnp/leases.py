"""miniupnpd's files of leases, in which it keeps what it grants over UPnP-IGD, PCP and NAT-PMP.

``lease_file``, a line for each mapping: ``TCP:443:192.168.1.20:8443:1700000000:what the device says``; the
time is when it ends, 0 never. ``lease_file6``, for each pinhole of IPv6:
``TCP;2001:db8::20;443;REMOTE;PORT;ID;1700000000;what it says`` (miniupnpd, upnpredirect.c, upnppinhole.c).
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

_BEGINS = re.compile(r"\s*[A-Za-z]+([:;])")
_MAPPING = 6  # fields; the last is text, in which colons are text too
_PINHOLE = 8


def looks_so(text: str) -> bool:
    """Whether it is one of the files; an empty file says that nothing is leased."""
    return not text.strip() or _BEGINS.match(text) is not None


def read(printed: Printed, problems: Problems) -> Iterator[Lease]:
    """What each line grants; mistakes are collected."""
    for number, line in enumerate(printed.text.splitlines(), 1):
        if not line.strip():
            continue
        where = Where(printed.file, number, 1)
        found = _BEGINS.match(line)
        try:
            if found is None:
                expected = "expected PROTOCOL:PORT:ADDRESS:PORT:TIME:TEXT, or with ; for IPv6"
                raise ConfigError(where, f"{expected}, found {line!r:.60}")
            yield _mapping(line, where) if found[1] == ":" else _pinhole(line, where)
        except ConfigError as error:
            problems.error(error)


def _mapping(line: str, where: Where) -> Lease:
    fields = line.strip().split(":", _MAPPING - 1)
    if len(fields) < _MAPPING:
        raise ConfigError(where, f"expected {_MAPPING} fields with : between, found {len(fields)}")
    protocol, port, to, to_port, _, description = fields
    text = worded(f"{protocol} {port} to {to} port {to_port}", description)
    return Lease(
        protocol_of(protocol, where),
        port_of(port, where),
        address_of(to, where, 4),
        port_of(to_port, where),
        None,
        None,
        Origin(where, text, MADE_BY),
    )


def _pinhole(line: str, where: Where) -> Lease:
    fields = line.strip().split(";", _PINHOLE - 1)
    if len(fields) < _PINHOLE:
        raise ConfigError(where, f"expected {_PINHOLE} fields with ; between, found {len(fields)}")
    protocol, to, port, remote, remote_port, _, _, description = fields
    text = worded(f"{protocol} {port} of {to}", description)
    inside = port_of(port, where)
    return Lease(
        protocol_of(protocol, where),
        inside,
        address_of(to, where, 6),
        inside,
        any_remote(remote, where),
        None if remote_port in ("", "0") else port_of(remote_port, where),
        Origin(where, text, MADE_BY),
    )

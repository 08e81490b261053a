"""A list in JSON, for whatever else knows what a gateway granted: a script, a router's own page.

>>> from splitdns.errors import Problems
>>> text = '[{"protocol": "tcp", "port": 8443, "to": "192.168.1.20", "to_port": 443, "description": "web"}]'
>>> [str(lease.to) for lease in read(Printed(text, "leases.json"), Problems())]
['192.168.1.20']
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects import json_places
from splitdns.check.dialects.json_places import Json, mapping, placed, whole, word
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

KEYS = ("protocol", "port", "to", "to_port", "remote", "remote_port", "description")


def looks_so(text: str) -> bool:
    return text.lstrip().startswith("[")


def read(printed: Printed, problems: Problems) -> Iterator[Lease]:
    """Each element of the list; mistakes are collected."""
    document = json_places.Document(printed.text, printed.file)
    try:
        rows, end = document.array(document.after_space(0) + 1)
        if (end := document.after_space(end)) < len(printed.text):
            found = document.found(end)
            raise ConfigError(document.where(end), f"expected the end of the file here, found {found}")
    except ConfigError as error:
        problems.error(error)
        return
    for row, where in rows:
        try:
            yield _lease(row, where)
        except ConfigError as error:
            problems.error(error)


def _lease(row: Json, where: Where) -> Lease:
    with placed(where):
        told = mapping(row, "a lease")
        for key in told:
            if key not in KEYS:
                raise ConfigError(where, f"{key!r:.40} is not known here; known: {', '.join(KEYS)}")
        protocol = word(told.get("protocol"), "protocol")
        port = whole(told.get("port"), "port")
        to = address_of(word(told.get("to"), "to"), where)
        to_port = whole(told.get("to_port", port), "to_port")
        remote = any_remote(word(told.get("remote", ""), "remote"), where)
        remote_port = whole(told.get("remote_port", 0), "remote_port")
        description = word(told.get("description", ""), "description")
    if to.version == 6 and to_port != port:
        raise ConfigError(where, "expected one port over IPv6, where nothing is translated, found two")
    if remote is not None and remote.version != to.version:
        raise ConfigError(where, f"expected a remote address of IPv{to.version}, found {str(remote)!r}")
    text = worded(f"{protocol} {port} to {to} port {to_port}", description)
    return Lease(
        protocol_of(protocol, where),
        port_of(str(port), where),
        to,
        port_of(str(to_port), where),
        remote,
        port_of(str(remote_port), where) if remote_port else None,
        Origin(where, text, MADE_BY),
    )

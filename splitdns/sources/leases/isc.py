"""The ISC server's leases file (dhcpd.leases(5)): DHCPv4 only, for its DHCPv6 leases have no names.

A log like Kea's: the last entry of an address counts.

>>> text = 'lease 192.168.1.20 {\\n  ends never;\\n  client-hostname "laptop";\\n}\\n'
>>> [(str(one.address), one.hostname) for one in leases_in(text, "dhcpd.leases")]
[('192.168.1.20', 'laptop')]
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

from splitdns.errors import Where
from splitdns.sources.leases.lease import Lease, address_in

_OPENING = re.compile(r"lease ([0-9.]+) \{")
_DATE = re.compile(r"[0-6] (\d{4})/(\d\d)/(\d\d) (\d\d):(\d\d):(\d\d)")
_EPOCH = re.compile(r"epoch (\d{1,12})\b")
_ACTIVE = "active"


def leases_in(text: str, file: str) -> Iterator[Lease]:
    """The leases of ``text``, the last of each address; an entry without its end is none yet."""
    found: dict[str, Lease | None] = {}
    address: str | None = None
    told: dict[str, str] = {}
    opened = 0
    for number, line in enumerate(text.split("\n"), 1):
        if (opening := _OPENING.fullmatch(line.strip())) is not None:
            address, told, opened = opening[1], {}, number
        elif address is not None and line.strip() == "}":
            found.pop(address, None)
            found[address] = _lease(address, told, Where(file, opened))
            address = None
        elif address is not None:
            for key in ("ends", "binding state", "hardware ethernet", "client-hostname"):
                if line.strip().startswith(f"{key} "):
                    told[key] = line.strip()[len(key) + 1 :].removesuffix(";")
    yield from (lease for lease in found.values() if lease is not None)


def _lease(address: str, told: dict[str, str], where: Where) -> Lease | None:
    host = address_in(address)
    ends = told.get("ends", "never")
    ends_s = None if ends == "never" else _time_s(ends)
    if host is None or told.get("binding state", _ACTIVE) != _ACTIVE or (ends_s is None and ends != "never"):
        return None
    client = told.get("hardware ethernet", address).lower()
    return Lease(host, told.get("client-hostname", "").strip('"'), client, ends_s, where)


def _time_s(text: str) -> float | None:
    """Unix time; None where ``text`` is no time. Dates are in UTC, unless the file says `epoch`."""
    if (epoch := _EPOCH.match(text)) is not None:
        return float(epoch[1])
    if (date := _DATE.match(text)) is None:
        return None
    try:
        return datetime(*map(int, date.groups()), tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]
    except ValueError:
        return None

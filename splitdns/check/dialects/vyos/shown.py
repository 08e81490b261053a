"""What ``show interfaces`` prints: the addresses that are leased, which stand in no configuration.

>>> addresses = read("Interface  IP Address  S/L  Description\\npppoe0  203.0.113.7/32  u/u\\n", "shown")
>>> [str(own.address) for own in addresses["pppoe0"]]
['203.0.113.7']
"""

from __future__ import annotations

import re
from ipaddress import ip_interface

from splitdns.check.model import InterfaceAddress
from splitdns.errors import ConfigError, Where

_HEAD = re.compile(r"Interface\s+IP Address\s")
_LINE = re.compile(r"(?P<name>\S*)\s+(?P<address>[0-9a-fA-F.:]+/[0-9]{1,3})(?:\s|$)")

Shown = dict[str, list[InterfaceAddress]]


def is_shown(text: str) -> bool:
    """Whether a text is what ``show interfaces`` prints."""
    return any(_HEAD.match(line) for line in text.splitlines()[:20])


def read(text: str, file: str) -> Shown:
    """Addresses by interface; further ones of an interface stand on lines without its name.

    Raises:
        ExceptionGroup[ConfigError]: what looks like an address and is none.
    """
    found: Shown = {}
    errors = []
    name = ""
    for number, line in enumerate(text.splitlines(), 1):
        match = _LINE.match(line)
        if line[:1].strip():
            name = line.split()[0].partition("@")[0]
        if match is None or not name:
            continue
        try:
            own = ip_interface(match["address"])
        except ValueError:
            message = f"expected an address, found {match['address']!r}"
            errors.append(ConfigError(Where(file, number, match.start("address") + 1), message))
            continue
        found.setdefault(name, []).append(InterfaceAddress(own.ip, own.network, dynamic=True))
    if errors:
        raise ExceptionGroup(file, errors)
    return found

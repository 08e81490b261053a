"""The routes of a BSD, as ``netstat -rn`` prints them (netstat(1)): where networks, and the internet, are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.printed import Printed
from splitdns.check.network import Route
from splitdns.check.sets import Prefix
from splitdns.errors import ConfigError, Problems, Where

_FAMILIES = {"Internet:": 4, "Internet6:": 6}
_SHORT = re.compile(r"\d{1,3}(\.\d{1,3}){0,2}")
_NOT_ROUTES = frozenset("Llbc")  # neighbours, own addresses, broadcasts, what was cloned from another


def read_routes(text: Printed, problems: Problems) -> Iterator[Route]:
    """Each route to others; mistakes go to ``problems``."""
    family = 4
    column: int | None = None
    for number, line in enumerate(text.text.splitlines(), 1):
        words = line.split()
        if not words or words[0] in ("Routing", *_FAMILIES):
            family = _FAMILIES.get(words[0], family) if words else family
        elif words[0] == "Destination":
            column = next((at for at, word in enumerate(words) if word in ("Iface", "Netif")), None)
        else:
            try:
                found = _route(words, family, column)
            except (ValueError, IndexError):
                where = Where(text.file, number, 1)
                expected = "expected a route of netstat -rn, with Flags and Netif or Iface"
                problems.error(ConfigError(where, f"{expected}, found {line.strip()[:60]!r}"))
                return
            if found is not None:
                yield found


def _route(words: list[str], family: int, column: int | None) -> Route | None:
    """Raises ``ValueError``, ``IndexError``: it is none."""
    if column is None:
        raise ValueError
    prefix, flags, interface = _prefix(words[0], family), words[2], words[column]
    if _NOT_ROUTES & set(flags) or prefix.is_multicast or prefix.is_link_local or prefix.is_loopback:
        return None
    kind = "blackhole" if "B" in flags else "unreachable" if "R" in flags else "unicast"
    via = ip_address(words[1].partition("%")[0]) if "G" in flags and kind == "unicast" else None
    if via is None and "H" in flags and kind == "unicast":
        return None  # one of its own addresses
    if interface.startswith("lo") and kind == "unicast":
        return None
    return Route(prefix, None if kind != "unicast" else interface, via, kind=kind)


def _prefix(text: str, family: int) -> Prefix:
    """``default``, ``10/8``, ``192.168.1/24``, ``2001:db8::/64``, ``fe80::%em0/64``, or an address."""
    if text == "default":
        return ip_network("0.0.0.0/0" if family == 4 else "::/0")
    address, slash, length = re.sub(r"%[^/]*", "", text).partition("/")
    if _SHORT.fullmatch(address) and family == 4:
        length = length or str(8 * (address.count(".") + 1))
        address += ".0" * (3 - address.count("."))
        slash = "/"
    return ip_network(f"{address}{slash}{length}", strict=False)

"""Aliases: names for addresses, networks and ports, and for other aliases.

What an alias holds may be known in part only: a name is looked up by the device, a list fetched by it. What
is not known is said, and makes conditions uncertain instead of narrow.

>>> parsed_addresses("192.168.1.10-192.168.1.11")
(4, Numbers(3232235786-3232235787))
>>> parsed_ports("8000:8010")
Numbers(8000-8010)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.pfsense.config import Config
from splitdns.check.dialects.xml_places import Element
from splitdns.check.sets import NONE, Numbers, Range, numbers_of
from splitdns.value import value

MAX_NESTING = 16  # aliases in aliases; beyond: not known
MAX_ENTRIES = 100_000  # of one alias; beyond: not known

_KNOWN_TYPES = {"host", "network", "port", "networkgroup", "portgroup", ""}
_PORTS = re.compile(r"([0-9]{1,5})(?:[:-]([0-9]{1,5}))?")


@value(frozen=True, slots=True)
class Alias:
    """What a name stands for; ``unknown`` says what is not known of it, or is empty."""

    addresses: dict[int, Numbers] = field(default_factory=dict)
    ports: Numbers = NONE
    unknown: str = ""

    def of(self, family: int) -> Numbers:
        return self.addresses.get(family, NONE)


class Aliases:
    """The aliases of a configuration, by name; each is read when it is first asked for."""

    def __init__(self, config: Config) -> None:
        self._entries: dict[str, tuple[str, list[str]]] = {}
        self._known: dict[str, Alias] = {}
        for element in config.rows("aliases", "alias"):
            self._add(element, element.value("address").split())
        for element in config.rows("OPNsense", "Firewall", "Alias", "aliases", "alias"):
            if element.value("enabled", usual="1") != "0":
                self._add(element, element.value("content").split())

    def _add(self, element: Element, entries: list[str]) -> None:
        name = element.value("name")
        if name:
            self._entries.setdefault(name, (element.value("type").lower(), entries))

    def get(self, name: str, depth: int = 0) -> Alias | None:
        """What ``name`` stands for; None: there is no such alias. Each is read once."""
        if name in self._known or name not in self._entries:
            return self._known.get(name)
        kind, entries = self._entries[name]
        if kind not in _KNOWN_TYPES:
            found = Alias(unknown=f"what is in alias {name}, of type {kind}, is fetched by the device")
        elif depth >= MAX_NESTING or len(entries) > MAX_ENTRIES:
            return Alias(unknown=f"alias {name} is nested too deeply, or too large")
        else:
            self._known[name] = Alias(unknown=f"alias {name} leads to itself")  # until it is known
            found = self._read(name, kind, entries, depth)
        self._known[name] = found
        return found

    def _read(self, name: str, kind: str, entries: list[str], depth: int) -> Alias:
        addresses: dict[int, list[Range]] = {4: [], 6: []}
        ports: list[Range] = []
        unknown = ""
        for entry in entries:
            if (pair := parsed_addresses(entry)) is not None:
                addresses[pair[0]] += pair[1].ranges
            elif (numbers := parsed_ports(entry)) is not None and kind not in ("host", "network"):
                ports += numbers.ranges
            else:
                inner = self.get(entry, depth + 1) or Alias(unknown=f"{entry}, of {name}, is not known")
                for family, ranges in addresses.items():
                    ranges += inner.of(family).ranges
                ports += inner.ports.ranges
                unknown = unknown or inner.unknown
        by_family = {family: Numbers.of(*ranges) for family, ranges in addresses.items()}
        return Alias(by_family, Numbers.of(*ports), unknown)


def parsed_addresses(text: str) -> tuple[int, Numbers] | None:
    """An address, a prefix, or a range with a dash: its family and numbers; None: something else."""
    low, dash, high = text.partition("-")
    try:
        if dash:
            first, last = ip_address(low), ip_address(high)
            if first.version != last.version or int(first) > int(last):
                return None
            return first.version, Numbers.of((int(first), int(last)))
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    return network.version, numbers_of(network)


def parsed_ports(text: str) -> Numbers | None:
    """A port, or a range with a colon or a dash; None: something else."""
    match = _PORTS.fullmatch(text)
    if match is None:
        return None
    low, high = int(match[1]), int(match[2] or match[1])
    return Numbers.of((low, high)) if low <= high <= 65_535 else None


def words_of(text: str) -> Iterator[str]:
    """What a list with commas or spaces holds."""
    yield from (one for one in re.split(r"[,\s]+", text) if one)

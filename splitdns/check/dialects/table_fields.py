"""Fields of a table: addresses, ports, names, each with the place of what is wrong with it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface, ip_network

from splitdns.check.dialects.table_values import Traffic
from splitdns.check.model import ICMP, ICMP6, TCP, UDP, InterfaceAddress
from splitdns.check.sets import Address, Prefix
from splitdns.errors import ConfigError, Problems, Where
from splitdns.load import expose
from splitdns.load.marked import Document, Path, Value

EVERYTHING = "all"
_PROTOCOLS = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMP6}


@dataclass(slots=True)
class Fields:
    """The fields of a document; what is wrong is collected, and read as nothing."""

    document: Document
    problems: Problems = field(default_factory=Problems)

    def where(self, path: Path) -> Where:
        return self.document.where(path)

    def wrong(self, path: Path, expected: str, found: Value) -> None:
        if found is None:
            shown = "nothing"
        else:
            shown = str(found).lower() if isinstance(found, bool) else f"{found!r:.60}"
        self.problems.error(ConfigError(self.where(path), f"expected {expected}, found {shown}"))

    def mapping(self, value: Value, path: Path, known: Collection[str]) -> dict[str, Value]:
        """A mapping with ``known`` keys; others are told and left out."""
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.wrong(path, f"a mapping with {', '.join(known)}", value)
            return {}
        for key in value:
            if key not in known:
                message = f"{key!r:.40} is not known here; known: {', '.join(known)}"
                self.problems.error(ConfigError(self.document.where_key((*path, key)), message))
        return {key: one for key, one in value.items() if key in known}

    def named(self, value: Value, path: Path, what: str) -> dict[str, Value]:
        """A mapping whose keys are a person's."""
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong(path, what, value)
        return {}

    def rows(self, value: Value, path: Path, what: str) -> Iterator[tuple[Value, Path]]:
        """The items of a list."""
        if value is None:
            return
        if not isinstance(value, list):
            self.wrong(path, what, value)
            return
        for at, one in enumerate(value):
            yield one, (*path, at)

    def several(self, value: Value, path: Path) -> Iterator[tuple[Value, Path]]:
        """The items of a list, or the one thing itself; nothing is no item."""
        if isinstance(value, list):
            yield from ((one, (*path, at)) for at, one in enumerate(value))
        elif value is not None:
            yield value, path

    def truth(self, value: Value, path: Path, usual: bool) -> bool:
        if isinstance(value, bool):
            return value
        if value is not None:
            self.wrong(path, "true or false", value)
        return usual

    def names(self, value: Value, path: Path) -> frozenset[str]:
        """One name or several, of interfaces."""
        found = set()
        for one, place in self.several(value, path):
            if isinstance(one, str | int) and not isinstance(one, bool):
                found.add(str(one))
            else:
                self.wrong(place, "the name of an interface", one)
        return frozenset(found)

    def address(self, value: Value, path: Path) -> Address | None:
        try:
            return ip_address(value if isinstance(value, str) else "")
        except ValueError:
            self.wrong(path, "an address", value)
            return None

    def addresses(self, value: Value, path: Path) -> tuple[Address, ...]:
        found = (self.address(one, place) for one, place in self.several(value, path))
        return tuple(one for one in found if one is not None)

    def prefix(self, value: Value, path: Path) -> Prefix | None:
        try:
            return ip_network(value if isinstance(value, str) else "")
        except ValueError:
            self.wrong(path, "an address or a prefix like 192.168.1.0/24", value)
            return None

    def prefixes(self, value: Value, path: Path) -> tuple[Prefix, ...]:
        found = (self.prefix(one, place) for one, place in self.several(value, path))
        return tuple(one for one in found if one is not None)

    def interface_address(self, value: Value, path: Path, dynamic: bool) -> InterfaceAddress | None:
        if isinstance(value, str) and "/" in value:
            try:
                found = ip_interface(value)
            except ValueError:
                pass
            else:
                return InterfaceAddress(found.ip, found.network, dynamic)
        self.wrong(path, "an address with the length of its prefix, like 192.168.1.1/24", value)
        return None

    def traffic(self, value: Value, path: Path) -> tuple[Traffic, ...]:
        """``443/tcp``, ``tcp``, ``icmp``, ``all``, or several of them."""
        found = []
        for one, place in self.several(value, path):
            if one == EVERYTHING:
                found.append(Traffic())
            elif isinstance(one, str) and one in _PROTOCOLS:
                found.append(Traffic(protocol=_PROTOCOLS[one]))
            else:
                try:
                    found.append(Traffic(expose.port(one)))
                except ValueError:
                    self.wrong(place, "ports like 443/tcp or 8000-8100/udp, a protocol, or all", one)
        return tuple(found)

    def port_number(self, value: Value, path: Path) -> int | None:
        if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 < value < 65_536):
            return value
        self.wrong(path, "a port number", value)
        return None

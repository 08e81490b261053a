"""What names in a pf.conf mean here: interfaces, their groups, their addresses, tables.

pf looks them up when the rules are loaded, and what stands in parentheses again whenever it changes; the
network is that of other sources. What they do not tell makes a condition that may hold or not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_network
from itertools import groupby

from splitdns.check.dialects.pf.values import Host, HostKind, Table
from splitdns.check.model import Interface, InterfaceAddress, Network
from splitdns.check.sets import NONE, Numbers, Prefix, all_addresses, numbers_of
from splitdns.value import value

LOOPBACKS = frozenset({"lo", "lo0"})  # the model's name, and the BSDs'
EGRESS = "egress"  # the group of interfaces with a default route (ifconfig(8))
SELF = "self"
_LOOPBACK = {4: ip_network("127.0.0.1"), 6: ip_network("::1")}
_WITH_NUMBER = re.compile(r"[a-z]+\d+(\.\d+)?")


@value(frozen=True, slots=True)
class Meant:
    """The addresses that hosts mean in one family; ``unknown``: what more there may be, and why.

    ``follows``: of an address that may change, and is looked up again when it does.
    """

    numbers: Numbers
    unknown: str = ""
    follows: bool = False
    astray: bool = False  # urpf-failed


class Surroundings:
    """The gateway's interfaces and the tables of its rules."""

    def __init__(self, network: Network, tables: Mapping[str, Table], overloaded: Iterable[str]) -> None:
        self._faces = network.interfaces
        self._everywhere = {one.prefix.version for one in network.routes if one.prefix.prefixlen == 0}
        self._tables = tables
        self._overloaded = frozenset(overloaded)
        self._unknown: dict[str, str] = {}
        self._of_tables: dict[tuple[str, int], Meant] = {}

    def told(self) -> list[tuple[str, str]]:
        """What was asked for since the last time, and is not known: its name, and why."""
        found = list(self._unknown.items())
        self._unknown.clear()
        return found

    # --- Interfaces -----------------------------------------------------------------------------------------

    def names(self, name: str) -> tuple[frozenset[str], str]:
        """The interfaces that ``name`` means; and why that is not known, if it is not."""
        if name in LOOPBACKS:
            return LOOPBACKS, ""
        faces = self._named(name)
        if faces:
            return frozenset(one.name for one in faces), ""
        if _WITH_NUMBER.fullmatch(name) or any(one.groups for one in self._faces):
            return frozenset({name}), ""  # one that is not there
        why = f"no source tells the interfaces of the group {name}"
        self._unknown[f"on {name}"] = why
        return frozenset({f"{name}*"}), why

    def _named(self, name: str) -> list[Interface]:
        exact = [one for one in self._faces if one.name == name]
        if exact:
            return exact
        if name == EGRESS:
            told = [one for one in self._faces if EGRESS in one.groups]
            return told or [one for one in self._faces if one.uplink]
        of_driver = re.compile(re.escape(name) + r"\d+(\.\d+)?")  # every interface is in its driver's group
        return [one for one in self._faces if name in one.groups or of_driver.fullmatch(one.name)]

    # --- Addresses ------------------------------------------------------------------------------------------

    def meant(self, hosts: Sequence[Host], family: int) -> Meant | None:
        """What a list of hosts means; None: nothing of this family, so that the rule is not there."""
        found = [one for one in (self._meant(host, family) for host in hosts) if one is not None]
        if not found:
            return None
        numbers = _union(one.numbers for one in found)
        unknown = "; ".join(dict.fromkeys(one.unknown for one in found if one.unknown))
        follows = all(one.follows for one in found)
        return Meant(numbers, unknown, follows, any(one.astray for one in found))

    def _meant(self, host: Host, family: int) -> Meant | None:
        if host.kind in (HostKind.PREFIX, HostKind.RANGE):
            assert host.prefix is not None
            if host.prefix.version != family:
                return None
        found = self._of_kind(host, family)
        if found.unknown and host.kind is not HostKind.TABLE:
            self._unknown[host.name] = found.unknown
        if not host.negated:
            return found
        if found.unknown or found.astray:
            return Meant(all_addresses(family) - found.numbers, found.unknown or "it is not checked here")
        return Meant(all_addresses(family) - found.numbers, "", found.follows)

    def _of_kind(self, host: Host, family: int) -> Meant:
        match host.kind:
            case HostKind.ANY:
                return Meant(all_addresses(family))
            case HostKind.PREFIX | HostKind.RANGE:
                assert host.prefix is not None
                if host.until is None:
                    return Meant(numbers_of(host.prefix))
                return Meant(Numbers.of((int(host.prefix.network_address), int(host.until))))
            case HostKind.TABLE:
                return self._table(host.name, family)
            case HostKind.ASTRAY:
                return Meant(NONE, astray=True)
            case HostKind.INTERFACE:
                return self._interface(host, family)
            case HostKind.UNKNOWN:
                if host.name == "no-route" and family in self._everywhere:
                    return Meant(NONE)  # a default route leads to any address
                return Meant(NONE, f"what {host.name} means is not modelled")

    def _table(self, name: str, family: int) -> Meant:
        table = self._tables.get(name, Table(why="others may be put into it while pf runs"))
        known = self._of_tables.get((name, family))
        if known is None:
            known = self._of_tables[name, family] = self._entries(table.hosts, family)
        if not table.why or name in self._overloaded:
            return known
        unknown = f"what is in the table {name} is not known: {table.why}"
        self._unknown[f"<{name}>"] = unknown
        return replace(known, unknown=unknown)

    def _entries(self, hosts: Sequence[Host], family: int) -> Meant:
        """What a table holds: the longest prefix decides whether an address is in it or, with ``!``, not."""
        numbers, unknown = NONE, ""
        for _, of_length in groupby(sorted(hosts, key=_length), key=_length):
            entries = [(one.negated, self._meant(_positive(one), family)) for one in of_length]
            found = [(negated, meant) for negated, meant in entries if meant is not None]
            numbers |= _union(meant.numbers for negated, meant in found if not negated)
            numbers -= _union(meant.numbers for negated, meant in found if negated)
            unknown = unknown or next((meant.unknown for _, meant in found if meant.unknown), "")
        return Meant(numbers, unknown)

    def _interface(self, host: Host, family: int) -> Meant:
        if host.name == SELF:
            own = [numbers_of(one.address) for face in self._faces for one in _of(face, family)]
            return Meant(_union(own) | numbers_of(_LOOPBACK[family]))
        if host.name in LOOPBACKS:
            return Meant(numbers_of(_LOOPBACK[family]))
        faces = self._named(host.name)
        if not faces and not _WITH_NUMBER.fullmatch(host.name) and host.name != EGRESS:
            return Meant(NONE, f"what the name {host.name} meant when the rules were loaded is not known")
        if "peer" in host.modifiers:
            return Meant(NONE, f"the peers of {host.name} are not known")
        if not any(one.addresses for one in faces):
            return Meant(NONE, f"the addresses of {host.name} are not known")
        found = [prefix for face in faces for prefix in _prefixes(face, host, family)]
        leased = any(own.dynamic for face in faces for own in face.addresses)
        return Meant(numbers_of(*found) if found else NONE, follows=host.dynamic and leased)


def _positive(host: Host) -> Host:
    """An entry of a table without its ``!``, which there means *not in the table*."""
    return replace(host, negated=False)


def _length(host: Host) -> int:
    return 128 if host.prefix is None else host.prefix.prefixlen


def _of(face: Interface, family: int) -> list[InterfaceAddress]:
    return [one for one in face.addresses if one.address.version == family]


def _prefixes(face: Interface, host: Host, family: int) -> Iterator[Prefix]:
    own = [one for one in _of(face, family) if not one.address.is_link_local] or _of(face, family)
    for one in own[:1] if "0" in host.modifiers else own:
        if "network" in host.modifiers:
            yield one.prefix
        elif "broadcast" in host.modifiers:
            if family == 4:
                yield ip_network(one.prefix.broadcast_address)
        elif host.length is not None and host.length <= one.prefix.max_prefixlen:
            yield ip_network(f"{one.address}/{host.length}", strict=False)
        else:
            yield ip_network(one.address)


def _union(parts: Iterable[Numbers]) -> Numbers:
    return Numbers.of(*(one for part in parts for one in part.ranges))

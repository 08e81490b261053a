"""What rules, redirects and nat sections have in common: zones, protocols, and what else they ask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from splitdns.check.dialects.openwrt.ipsets import IpSet
from splitdns.check.dialects.openwrt.options import LeftOutError, Options
from splitdns.check.dialects.openwrt.values import (
    BOTH,
    Invalid,
    Maybe,
    Networks,
    Protocol,
    Subnet,
    among,
    family,
    mark,
    negatable,
    protocol,
    text,
    versions,
)
from splitdns.check.dialects.openwrt.zones import Defaults, Zone
from splitdns.check.model import (
    ICMP,
    ICMP6,
    TCP,
    UDP,
    Condition,
    Interfaces,
    Mark,
    Of,
    Protocols,
    Side,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.value import value

TIMES = ("start_date", "stop_date", "start_time", "stop_time", "weekdays", "utc_time")
SILENT = ("log", "log_limit", "counter", "_name", "limit_burst", "connlimit_ports")
MAX_SHOWN = 8  # zones that are told to who names another
_DIRECTIONS = {"src": Side.SOURCE, "dst": Side.DESTINATION, "dest": Side.DESTINATION}


@value(frozen=True, slots=True)
class Reference:
    """A zone that a section names; None: ``*``."""

    zone: Zone | None


@value(frozen=True, slots=True)
class Known:
    """What sections may name."""

    zones: Mapping[str, Zone]
    networks: Networks
    sets: Mapping[str, IpSet]
    defaults: Defaults

    def reference(self, text: str) -> Reference:
        if text == "*":
            return Reference(None)
        if text not in self.zones:
            more = ["…"] if len(self.zones) > MAX_SHOWN else []
            some = ", ".join([*islice(self.zones, MAX_SHOWN), *more])
            raise Invalid(f"* or a zone ({some or 'there is none'})")
        return Reference(self.zones[text])


@value(frozen=True, slots=True)
class Asked:
    """``families`` None: not said. ``others`` holds in either family; ``limited``: up to a rate only."""

    families: frozenset[int] | None
    protocols: tuple[Protocol, ...]
    others: tuple[Condition, ...]
    limited: bool
    ipset: tuple[IpSet, Maybe] | None

    def in_set(self, of: Protocol) -> Iterator[Condition]:
        if self.ipset is None:
            return
        found, said = self.ipset
        if found.has_ports and not of.has_ports:
            return  # fw4 leaves the set out of a rule for other protocols
        words = said.text.replace(",", " ").split()[1:]
        sides = [_DIRECTIONS[word] for word in words if word in _DIRECTIONS]
        yield found.holds(sides, of, said.negated)

    def set_families(self) -> frozenset[int]:
        if self.ipset is not None and self.ipset[0].has_addresses:
            return frozenset({self.ipset[0].family})
        return BOTH


def asked(options: Options, known: Known, usual: str, *, of_sets: bool = True) -> Asked:
    """The common options; ``usual`` is the protocol where none is said. ``of_sets``: it may name one.

    Raises:
        LeftOutError: one has a value that fw4 does not take.
    """
    families = options.one("family", family)
    protocols = tuple(one for some in options.several("proto", protocol) for one in some) or protocol(usual)
    found = options.one("mark", mark)
    others: list[Condition] = []
    if found is not None:
        value, mask, negated = found
        numbers = Numbers.one(value)
        others.append(Mark(Of.PACKET, Numbers.of((0, mask)) - numbers if negated else numbers, mask))
    if options.widen(("src_mac",), "hardware addresses are not followed"):
        others.append(Unknown("the hardware address"))
    if options.widen(TIMES, "when it is in force is not known"):
        others.append(Unknown("the time of day, or the date"))
    if options.widen(("helper",), "which connections a helper expected is not known"):
        others.append(Unknown("a helper's connections"))
    options.ignore(SILENT, "it does not change where a packet goes")
    options.ignore(("extra", "monthdays"), "fw4 passes over it")
    limited = options.one("limit", text) is not None
    ipset = _set(options, known) if of_sets else None
    if ipset is not None and ipset[0].has_ports:
        protocols = with_ports(protocols)
    return Asked(families, protocols, tuple(others), limited, ipset)


def with_ports(protocols: tuple[Protocol, ...]) -> tuple[Protocol, ...]:
    """``any`` means TCP and UDP where ports are told.

    Raises:
        LeftOutError: others are told, and neither of these.
    """
    if any(one.has_ports for one in protocols):
        return protocols
    if all(one.name == "any" for one in protocols):
        return Protocol("tcp", TCP), Protocol("udp", UDP)
    raise LeftOutError("it tells ports, and neither TCP nor UDP")


def _set(options: Options, known: Known) -> tuple[IpSet, Maybe] | None:
    if "ipset" not in options:
        return None
    said = options.one("ipset", negatable)
    if said is None:
        return None
    name = said.text.split()[0]
    if name not in known.sets:
        raise LeftOutError(f"option ipset: expected a set of this file, found {name!r:.60}")
    return known.sets[name], said


def of_protocol(one: Protocol, families: frozenset[int]) -> list[Condition]:
    """ICMP means that of the packet's family."""
    if one.unknown:
        return [Unknown(f"the protocol {one.name}")]
    if one.number is None:
        return []
    if one.number == ICMP:
        number = {frozenset({4}): (ICMP,), frozenset({6}): (ICMP6,)}.get(families, (ICMP, ICMP6))
        return [Protocols(Numbers.of(*((kind, kind) for kind in number)))]
    return [Protocols(Numbers.one(one.number))]


def by_device(side: Side, name: str) -> Condition:
    return Interfaces(side, frozenset({name}))


def families_of(said: frozenset[int] | None, *restricting: frozenset[int]) -> frozenset[int]:
    """What a section is for, as it says, and as its addresses and zones leave.

    Raises:
        LeftOutError: what it names is of different families.
    """
    found = BOTH if said is None else said
    for one in restricting:
        found &= one
    if not found:
        raise LeftOutError("it speaks of IPv4 here and of IPv6 there")
    return found


def of_addresses(*ends: Sequence[Subnet]) -> frozenset[int]:
    """The families that addresses leave: where several ends are told, those that all of them have."""
    found = BOTH
    for one in ends:
        if one:
            found &= versions(one)
    return found


def of_ends(version: int, sources: Sequence[Subnet], destinations: Sequence[Subnet]) -> list[Condition]:
    """Where packets come from and go."""
    return [*among(Side.SOURCE, sources, version), *among(Side.DESTINATION, destinations, version)]

"""``config ipset``: sets of addresses and ports that rules name.

A set is known where the file has all of it. One that is loaded from another file, forgets its entries, or is
filled by a program while the router runs, may hold anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from splitdns.check.dialects.openwrt.options import LeftOutError, Options, each
from splitdns.check.dialects.openwrt.uci import Section
from splitdns.check.dialects.openwrt.values import (
    Invalid,
    Networks,
    Protocol,
    among,
    family,
    one_of,
    port,
    ports,
    subnets,
)
from splitdns.check.model import Addresses, AnyOf, Condition, Note, Protocols, Side, Support, Unknown
from splitdns.check.sets import Numbers, all_addresses
from splitdns.value import value

_SIDES = {"src": Side.SOURCE, "dst": Side.DESTINATION, "dest": Side.DESTINATION}
_kind = one_of("ip", "port", "mac", "net", "set")


@value(frozen=True, slots=True)
class IpSet:
    """``parts``: a side and what is looked at there, each; ``entries`` None: not known."""

    name: str
    family: int
    parts: tuple[tuple[Side, str], ...]
    entries: tuple[str, ...] | None
    networks: Networks

    @property
    def has_ports(self) -> bool:
        return any(kind == "port" for _, kind in self.parts)

    @property
    def has_addresses(self) -> bool:
        return any(kind in ("ip", "net") for _, kind in self.parts)

    def holds(self, sides: Sequence[Side], protocol: Protocol, negated: bool) -> Condition:
        """Whether a packet is in it; ``sides`` where a rule says them otherwise than the set."""
        if self.entries is None:
            return Unknown(f"what is in the set {self.name}")
        parts = [
            (sides[at] if at < len(sides) else side, kind) for at, (side, kind) in enumerate(self.parts)
        ]
        alternatives = tuple(tuple(self._entry(parts, entry, protocol)) for entry in self.entries)
        if len(parts) == 1 and all(isinstance(one[0], Addresses) for one in alternatives if one):
            numbers = Numbers.of(*(pair for one in alternatives for pair in _ranges(one)))
            if negated:
                numbers = all_addresses(self.family) - numbers
            return Addresses(parts[0][0], numbers)
        return AnyOf(alternatives, negated)

    def _entry(
        self, parts: Sequence[tuple[Side, str]], entry: str, protocol: Protocol
    ) -> Iterable[Condition]:
        for (side, kind), text in zip(parts, entry.split(), strict=True):
            if kind in ("ip", "net"):
                found = [one for one in subnets(self.networks)(text) if one.family == self.family][:1]
                yield from among(side, found, self.family) or (Addresses(side, all_addresses(self.family)),)
            elif kind == "port":
                if protocol.number is not None:
                    yield Protocols(Numbers.one(protocol.number))
                yield from ports(side, [port(text)])
            else:
                yield Unknown("the hardware address")


def _ranges(conditions: tuple[Condition, ...]) -> Iterable[tuple[int, int]]:
    return (pair for one in conditions if isinstance(one, Addresses) for pair in one.numbers.ranges)


def read_ipsets(
    sections: Sequence[Section], networks: Networks, filled: frozenset[str], notes: list[Note]
) -> dict[str, IpSet]:
    """Each set by its name; ``filled`` are those into which dnsmasq puts what it resolves."""
    sets: dict[str, IpSet] = {}
    for _, found in each(sections, "ipset", notes, lambda options: _ipset(options, networks, filled)):
        sets.setdefault(found.name, found)
    return sets


def _ipset(options: Options, networks: Networks, filled: frozenset[str]) -> IpSet:
    name = options.one("name", str)
    if not name:
        raise LeftOutError("option name is missing")
    families = options.one("family", family) or frozenset({4})
    parts = options.several("match", _part)
    if not parts:
        raise LeftOutError("option match is missing")
    if len(families) > 1 and any(kind in ("ip", "net") for _, kind in parts):
        raise LeftOutError("option family: expected ipv4 or ipv6 for addresses, found any")
    entries = _entries(options)
    options.ignore(("reload_set", "counters", "comment", "maxelem"), "it does not change what is in it")
    options.ignore(
        ("storage", "iprange", "portrange", "netmask", "hashsize", "external"), "fw4 passes over it"
    )
    unknown = options.widen(("loadfile", "timeout"), "what is in the set is not known")
    options.rest()
    good = tuple(one for one in entries if _is_good(one, parts, networks, options))
    if not good and not unknown:
        options.note(Support.WIDENED, f"ipset {name}", "it has no entries here: programs fill it")
    known = bool(good) and not unknown and name not in filled
    return IpSet(name, min(families), parts, good if known else None, networks)


def _entries(options: Options) -> tuple[str, ...]:
    option = options.section.options.get("entry")
    options.several("entry", str)
    return () if option is None else tuple(" ".join(value.split()) for value in option.values)


def _part(text: str) -> tuple[Side, str]:
    side, _, kind = text.rpartition("_")
    if side and side not in _SIDES:
        raise Invalid("src_ or dest_ before ip, net, port or mac")
    found = _kind(kind)
    if found == "set":
        raise Invalid("ip, net, port or mac")
    return _SIDES.get(side, Side.SOURCE), found


def _is_good(entry: str, parts: Sequence[tuple[Side, str]], networks: Networks, options: Options) -> bool:
    """As fw4 takes it: of as many words as the set has parts, each what its part is."""
    words = entry.split()
    try:
        if len(words) != len(parts):
            raise Invalid(f"{len(parts)} words")
        for word, (_, kind) in zip(words, parts, strict=True):
            if kind in ("ip", "net"):
                if not subnets(networks)(word):
                    raise Invalid("an address")
            elif kind == "port":
                port(word)
    except Invalid as invalid:
        reason = f"fw4 passes over it: expected {invalid}, found {entry!r:.60}"
        options.note(Support.REFUSED, "list entry", reason)
        return False
    return True

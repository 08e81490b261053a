"""What the values of fw4's options mean; each reader gives a value, or ``Invalid`` says what it is not.

The forms are those of fw4's own parser (firewall4, ``fw4.uc``, ``parse_…``): policies and targets may be cut
short, ports have ``-`` or ``:`` between them, and a ``!`` negates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address

from splitdns.check.dialects.openwrt.network import Net
from splitdns.check.model import (
    DCCP,
    ICMP,
    ICMP6,
    SCTP,
    TCP,
    UDP,
    UDPLITE,
    Addresses,
    Condition,
    Ports,
    Side,
    Unknown,
)
from splitdns.check.sets import PORTS, Address, Numbers, all_addresses, numbers_of
from splitdns.value import value

Networks = Mapping[str, Net]
"""By their names in /etc/config/network."""

BOTH = frozenset({4, 6})
_TRUE, _FALSE = ("1", "on", "true", "yes"), ("0", "off", "false", "no")
_PORT = re.compile(r"([0-9]{1,5})(?:[-:]([0-9]{1,5}))?")
_MARK = re.compile(r"(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10})(?:/(0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}))?")
_ICMP = re.compile(r"([0-9]{1,3})(?:/([0-9]{1,3}))?")

PROTOCOLS = {
    "tcp": TCP,
    "udp": UDP,
    "icmp": ICMP,
    "ipv6-icmp": ICMP6,
    "icmpv6": ICMP6,
    "sctp": SCTP,
    "dccp": DCCP,
    "udplite": UDPLITE,
    "igmp": 2,
    "ipip": 4,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "ospf": 89,
    "pim": 103,
    "vrrp": 112,
    "l2tp": 115,
}
# The types and codes that names stand for, in ICMP and in ICMPv6; None: all codes (fw4.uc's tables).
_ICMP4 = {
    "any": (255, None), "echo-reply": (0, None), "pong": (0, None), "destination-unreachable": (3, None),
    "network-unreachable": (3, 0), "host-unreachable": (3, 1), "protocol-unreachable": (3, 2),
    "port-unreachable": (3, 3), "fragmentation-needed": (3, 4), "source-quench": (4, None),
    "redirect": (5, None), "echo-request": (8, None), "ping": (8, None), "router-advertisement": (9, None),
    "router-solicitation": (10, None), "time-exceeded": (11, None), "ttl-exceeded": (11, None),
    "parameter-problem": (12, None), "timestamp-request": (13, None), "timestamp-reply": (14, None),
    "address-mask-request": (17, None), "address-mask-reply": (18, None),
}  # fmt: skip
_ICMP6 = {
    "destination-unreachable": (1, None), "no-route": (1, 0), "communication-prohibited": (1, 1),
    "address-unreachable": (1, 3), "port-unreachable": (1, 4), "packet-too-big": (2, None),
    "time-exceeded": (3, None), "ttl-exceeded": (3, None), "parameter-problem": (4, None),
    "bad-header": (4, 0), "unknown-header-type": (4, 1), "unknown-option": (4, 2),
    "echo-request": (128, None), "ping": (128, None), "echo-reply": (129, None), "pong": (129, None),
    "multicast-listener-query": (130, None), "multicast-listener-report": (131, None),
    "multicast-listener-done": (132, None), "router-solicitation": (133, None),
    "router-advertisement": (134, None), "neighbour-solicitation": (135, None),
    "neighbor-solicitation": (135, None), "neighbour-advertisement": (136, None),
    "neighbor-advertisement": (136, None), "redirect": (137, None),
}  # fmt: skip


class Invalid(Exception):  # noqa: N818 — fw4 makes it a warning, and no error
    """A value that fw4 does not take: what was expected."""


def truth(text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise Invalid("1 or 0")


def text(text: str) -> str:
    return text


def one_of(*words: str) -> Callable[[str], str]:
    """One of ``words``, or how it begins, in any case."""

    def read(text: str) -> str:
        for word in words:
            if text and word.startswith(text.lower()):
                return word
        raise Invalid(f"one of {', '.join(words)}")

    return read


policy = one_of("accept", "reject", "drop")
rule_target = one_of("accept", "reject", "drop", "notrack", "helper", "mark", "dscp", "dnat", "snat")
nat_target = one_of("accept", "snat", "masquerade")


def family(text: str) -> frozenset[int]:
    """Both, where it says ``any``."""
    if text in ("any", "all", "*"):
        return BOTH
    if text == "inet" or "4" in text:
        return frozenset({4})
    if "6" in text:
        return frozenset({6})
    raise Invalid("ipv4, ipv6 or any")


@value(frozen=True, slots=True)
class Maybe:
    """A value, and whether a ``!`` stands before it."""

    text: str
    negated: bool


def negatable(text: str) -> Maybe:
    stripped = text.strip()
    negated = stripped.startswith("!")
    rest = stripped.removeprefix("!").strip()
    if not rest:
        raise Invalid("a value")
    return Maybe(rest, negated)


# --- Protocols and ports ------------------------------------------------------------------------------------


@value(frozen=True, slots=True)
class Protocol:
    """``number`` None: any, or (``unknown``) one that has no number here."""

    name: str
    number: int | None = None
    unknown: bool = False

    @property
    def has_ports(self) -> bool:
        """Whether fw4 looks at ports beside it."""
        return self.number in (TCP, UDP)


def protocol(text: str) -> tuple[Protocol, ...]:
    """``tcp``, ``tcpudp``, ``all``, a number; what a ``!`` does is not modelled."""
    found = negatable(text)
    name = found.text.lower()
    if name in ("all", "any", "*"):
        return (Protocol("any"),)
    if name == "tcpudp":
        names = ["tcp", "udp"]
    else:
        names = [name]
    return tuple(_protocol(one, found.negated) for one in names)


def _protocol(name: str, negated: bool) -> Protocol:
    number = PROTOCOLS.get(name)
    if number is None and re.fullmatch(r"[0-9]{1,3}", name) and int(name) < 256:
        number = int(name)
    if number is None or negated:
        return Protocol(f"!{name}" if negated else name, None, unknown=True)
    return Protocol(name, number)


@value(frozen=True, slots=True)
class PortRange:
    low: int
    high: int
    negated: bool = False


def port(text: str) -> PortRange:
    found = negatable(text)
    match = _PORT.fullmatch(found.text)
    if match is None:
        raise Invalid("a port or a range like 8000-8100")
    low, high = int(match[1]), int(match[2] or match[1])
    if low > high or high > 65_535:
        raise Invalid("ports up to 65535, the lower first")
    return PortRange(low, high, found.negated)


def ports(side: Side, ranges: Iterable[PortRange]) -> list[Condition]:
    """One of those without ``!``, and none of the others."""
    ranges = tuple(ranges)
    yes = Numbers.of(*((one.low, one.high) for one in ranges if not one.negated))
    no = Numbers.of(*((one.low, one.high) for one in ranges if one.negated))
    return [Ports(side, (yes or PORTS) - no)] if ranges else []


@value(frozen=True, slots=True)
class IcmpKind:
    """A type by family; ``code`` None: whichever."""

    types: Mapping[int, tuple[int, int | None]]


def icmp_kind(text: str) -> IcmpKind:
    types = {4: _ICMP4.get(text), 6: _ICMP6.get(text)}
    found = {version: one for version, one in types.items() if one is not None}
    if found:
        return IcmpKind(found)
    match = _ICMP.fullmatch(text)
    if match is None or int(match[1]) > 255 or int(match[2] or 0) > 255:
        raise Invalid("a type of ICMP, like echo-request or 8")
    code = None if match[2] is None else int(match[2])
    return IcmpKind({4: (int(match[1]), code), 6: (int(match[1]), code)})


def mark(text: str) -> tuple[int, int, bool]:
    """Value, mask, and whether it is negated."""
    found = negatable(text)
    match = _MARK.fullmatch(found.text)
    if match is None:
        raise Invalid("a mark, like 0x1/0xff")
    value, mask = int(match[1], 0 if "x" in match[1].lower() else 10), 0xFFFF_FFFF
    if match[2]:
        mask = int(match[2], 0 if "x" in match[2].lower() else 10)
    if value > 0xFFFF_FFFF or mask > 0xFFFF_FFFF:
        raise Invalid("a mark of 32 bits")
    return value, mask, found.negated


# --- Addresses ----------------------------------------------------------------------------------------------


@value(frozen=True, slots=True)
class Subnet:
    """Addresses of one family; ``first`` is what is left of them when fw4 needs a single host.

    ``numbers`` None: not known, or (a mask with gaps) not a range.
    """

    family: int
    numbers: Numbers | None
    first: Address
    negated: bool = False
    is_range: bool = False  # written as two addresses

    @classmethod
    def unknown(cls, family: int, negated: bool = False) -> Subnet:
        """Addresses that nothing here tells."""
        return cls(family, None, ip_address("0.0.0.0" if family == 4 else "::"), negated)


def subnets(networks: Networks) -> Callable[[str], tuple[Subnet, ...]]:
    """A reader of addresses, prefixes, ranges, and names of networks, which stand for what they have."""

    def read(text: str) -> tuple[Subnet, ...]:
        found = negatable(text)
        if found.text in networks:
            return tuple(_of_network(networks[found.text], found.negated))
        return (_subnet(found.text, found.negated),)

    return read


def _of_network(net: Net, negated: bool) -> Iterable[Subnet]:
    for own in net.addresses:
        yield Subnet(own.address.version, numbers_of(own.prefix), own.address, negated)
    for version in sorted(net.leased):
        yield Subnet.unknown(version, negated)


def _subnet(text: str, negated: bool) -> Subnet:
    if "/" not in text and "-" in text:
        low, _, high = text.partition("-")
        first, last = _address(low), _address(high)
        if first.version != last.version or int(first) > int(last):
            raise Invalid("two addresses of one family, the lower first")
        return Subnet(first.version, _range(first, last), first, negated, is_range=True)
    bare, _, length = text.partition("/")
    address = _address(bare)
    size = address.max_prefixlen
    if not length:
        return Subnet(address.version, _range(address, address), address, negated)
    mask = _mask(length, address)
    low_number = int(address) & mask
    holes = ~mask & ((1 << size) - 1)
    first = _of(address, low_number)
    if holes & (holes + 1):  # a mask with gaps
        return Subnet(address.version, None, first, negated)
    return Subnet(address.version, Numbers.of((low_number, low_number + holes)), first, negated)


def _mask(length: str, address: Address) -> int:
    size = address.max_prefixlen
    if re.fullmatch(r"-?[0-9]{1,3}", length):
        bits = int(length)
        if abs(bits) > size:
            raise Invalid(f"a prefix of at most {size} bits")
        whole = (1 << size) - 1
        # A negative length counts from the right: it leaves the host part (fw4.uc, to_mask).
        return (1 << -bits) - 1 if bits < 0 else whole ^ (whole >> bits)
    mask = _address(length)
    if mask.version != address.version:
        raise Invalid("an address and a mask of one family")
    return int(mask)


def _address(text: str) -> Address:
    try:
        if "%" in text:
            raise ValueError
        return ip_address(text)
    except ValueError:
        raise Invalid("an address, a prefix, a range, or the name of a network") from None


def _of(like: Address, number: int) -> Address:
    return IPv4Address(number) if like.version == 4 else IPv6Address(number)


def _range(first: Address, last: Address) -> Numbers:
    return Numbers.of((int(first), int(last)))


def versions(found: Iterable[Subnet]) -> frozenset[int]:
    return frozenset(one.family for one in found)


def among(side: Side, found: Iterable[Subnet], version: int) -> list[Condition]:
    """One of those without ``!``, and none of the others, as far as they are of family ``version``."""
    mine = [one for one in found if one.family == version]
    if any(one.numbers is None for one in mine):
        return [Unknown(f"which addresses are meant for the {side.value}")]
    yes = [one for one in mine if not one.negated]
    everything = all_addresses(version)
    numbers = Numbers.of(*_ranges(yes)) if yes else everything
    numbers -= Numbers.of(*_ranges(one for one in mine if one.negated))
    return [] if numbers == everything else [Addresses(side, numbers)]


def _ranges(found: Iterable[Subnet]) -> Iterable[tuple[int, int]]:
    return (pair for one in found if one.numbers is not None for pair in one.numbers.ranges)

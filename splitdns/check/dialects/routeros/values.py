"""What the values of RouterOS properties mean: addresses, ranges, ports, protocols, times."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_interface, ip_network

from splitdns.check.dialects.routeros.config import Item
from splitdns.check.sets import Address, Numbers, Prefix, Range, all_addresses, numbers_of
from splitdns.errors import ConfigError

PROTOCOLS = {
    "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "ip-encap": 4, "ipip": 4, "st": 5, "tcp": 6, "egp": 8,
    "pup": 12, "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36,
    "ddp": 37, "idpr-cmtp": 38, "ipv6": 41, "ipv6-encap": 41, "ipv6-route": 43, "ipv6-frag": 44, "rsvp": 46,
    "gre": 47, "ipsec-esp": 50, "ipsec-ah": 51, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60, "rspf": 73,
    "vmtp": 81, "ospf": 89, "etherip": 97, "encap": 98, "pim": 103, "vrrp": 112, "l2tp": 115, "sctp": 132,
    "udp-lite": 136,
}  # fmt: skip
_ALL = Numbers(((0, 255),))
_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?\.?")
_UNIT_S = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}


def wrong(item: Item, key: str, expected: str) -> ConfigError:
    """What to raise for a property's value."""
    return ConfigError(item.where(key), f"expected {expected} as {key}, found {item.get(key)!r:.60}")


def negated(item: Item, key: str) -> tuple[str, bool]:
    """A matcher's value without its ``!``, and whether it had one."""
    value = item.get(key)
    return value.removeprefix("!"), value.startswith("!")


def address_range(text: str, family: int) -> Numbers | None:
    """``192.0.2.1``, ``192.0.2.0/24``, ``192.0.2.1-192.0.2.9``; None: neither, or of the other family."""
    try:
        low, dash, high = text.partition("-")
        if dash:
            first, last = ip_address(low), ip_address(high)
            if first.version == last.version == family and int(first) <= int(last):
                return Numbers.of((int(first), int(last)))
            return None
        network = ip_network(text, strict=False)
    except ValueError:
        return None
    return numbers_of(network) if network.version == family else None


def addresses(item: Item, key: str, family: int) -> Numbers:
    """The addresses for which a matcher holds.

    Raises:
        ConfigError: it is no address, range or prefix.
    """
    text, is_negated = negated(item, key)
    found = address_range(text, family)
    if found is None:
        raise wrong(item, key, f"an IPv{family} address, range or prefix")
    return all_addresses(family) - found if is_negated else found


def number_ranges(item: Item, key: str, most: int) -> Numbers:
    """``80,443,8000-8100``, perhaps behind a ``!``.

    Raises:
        ConfigError: not numbers up to ``most``.
    """
    text, is_negated = negated(item, key)
    ranges: list[Range] = []
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not (low.isdecimal() and low.isascii() and len(low) < 8) or (
            dash and not (high.isdecimal() and high.isascii() and len(high) < 8)
        ):
            raise wrong(item, key, "numbers like 80,443,8000-8100")
        ranges.append((int(low), int(high or low)))
        if not ranges[-1][0] <= ranges[-1][1] <= most:
            raise wrong(item, key, f"numbers from 0 to {most}")
    found = Numbers.of(*ranges)
    return Numbers(((0, most),)) - found if is_negated else found


def protocols(item: Item) -> Numbers:
    """``tcp``, ``!47``.

    Raises:
        ConfigError: not a protocol's name or number.
    """
    text, is_negated = negated(item, "protocol")
    number = PROTOCOLS.get(text.lower())
    if number is None and text.isdecimal() and text.isascii() and len(text) < 4 and int(text) < 256:
        number = int(text)
    if text == "all":
        found = _ALL
    elif number is None:
        raise wrong(item, "protocol", "a protocol's name or number")
    else:
        found = Numbers.one(number)
    return _ALL - found if is_negated else found


def is_name(text: str) -> bool:
    """Whether it is a host's name, and no address."""
    return len(text) < 256 and bool(_NAME.fullmatch(text))


def interface_address(item: Item, family: int) -> tuple[Address, Prefix]:
    """The address of an item of ``/ip address``, and the network that it is in.

    Raises:
        ConfigError: it is none.
    """
    text = item.get("address")
    if "/" not in text and item.has("netmask"):
        text = f"{text}/{item.get('netmask')}"
    try:
        found = ip_interface(text)
        network = ip_address(item.get("network")) if item.has("network") else None
    except ValueError:
        raise wrong(item, "address", "an address with the length of its prefix") from None
    if found.version != family:
        raise wrong(item, "address", f"an IPv{family} address")
    is_alone = found.network.prefixlen == 32
    if is_alone and isinstance(network, IPv4Address) and network != found.ip:
        return found.ip, ip_network(network)  # a link to one neighbour: network is the neighbour's address
    return found.ip, found.network


def one_address(item: Item, key: str) -> IPv4Address | IPv6Address:
    """
    Raises:
        ConfigError: it is no address.
    """
    try:
        return ip_address(item.get(key))
    except ValueError:
        raise wrong(item, key, "an address") from None


def prefix(item: Item, key: str, family: int) -> Prefix:
    """
    Raises:
        ConfigError: it is no prefix.
    """
    try:
        found = ip_network(item.get(key), strict=False)
    except ValueError:
        raise wrong(item, key, "a prefix") from None
    if found.version != family:
        raise wrong(item, key, f"an IPv{family} prefix")
    return found


def seconds(text: str) -> int | None:
    """``5m``, ``1d00:05:00``, ``1w2d``, ``300``; None: no time."""
    if text.isdecimal() and text.isascii() and len(text) < 10:
        return int(text)
    found = 0
    rest = text
    while rest:
        if clock := re.match(r"([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?$", rest):
            return found + int(clock[1]) * 3600 + int(clock[2]) * 60 + int(clock[3] or 0)
        part = re.match(r"([0-9]{1,9})([wdhms])", rest)
        if part is None:
            return None
        found += int(part[1]) * _UNIT_S[part[2]]
        rest = rest[part.end() :]
    return found if text else None



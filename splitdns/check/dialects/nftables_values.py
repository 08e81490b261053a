"""What the immediate values of nft's JSON mean as numbers: addresses, ports, protocols, types, marks.

nft prints most values as numbers and some as names, and any of them as a prefix, a range, an element with a
timeout, or a set of these. A name that is not known makes ``None``: the condition is then widened.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable

from splitdns.check.dialects.json_places import Json, Misshapen, shown
from splitdns.check.sets import Numbers, Range

Scalar = Callable[[Json], int | None]

# /etc/protocols, as far as getprotobynumber(3) prints names; nft prints the others as numbers.
PROTOCOLS_BY_NAME = {
    "ip": 0, "icmp": 1, "igmp": 2, "ggp": 3, "ipencap": 4, "st": 5, "tcp": 6, "egp": 8, "igp": 9, "pup": 12,
    "udp": 17, "hmp": 20, "xns-idp": 22, "rdp": 27, "iso-tp4": 29, "dccp": 33, "xtp": 36, "ddp": 37,
    "idpr-cmtp": 38, "ipv6": 41, "ipv6-route": 43, "ipv6-frag": 44, "idrp": 45, "rsvp": 46, "gre": 47,
    "esp": 50, "ah": 51, "skip": 57, "ipv6-icmp": 58, "icmpv6": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "rspf": 73, "vmtp": 81, "eigrp": 88, "ospf": 89, "ax.25": 93, "ipip": 94, "etherip": 97, "encap": 98,
    "comp": 108, "ipcomp": 108, "pim": 103, "vrrp": 112, "l2tp": 115, "isis": 124, "sctp": 132, "fc": 133,
    "mobility-header": 135, "udplite": 136, "mpls-in-ip": 137, "manet": 138, "hip": 139, "shim6": 140,
    "wesp": 141, "rohc": 142, "ethernet": 143,
}  # fmt: skip
ICMP_TYPES = {
    "echo-reply": 0, "destination-unreachable": 3, "source-quench": 4, "redirect": 5, "echo-request": 8,
    "router-advertisement": 9, "router-solicitation": 10, "time-exceeded": 11, "parameter-problem": 12,
    "timestamp-request": 13, "timestamp-reply": 14, "info-request": 15, "info-reply": 16,
    "address-mask-request": 17, "address-mask-reply": 18,
}  # fmt: skip
ICMP6_TYPES = {
    "destination-unreachable": 1, "packet-too-big": 2, "time-exceeded": 3, "parameter-problem": 4,
    "echo-request": 128, "echo-reply": 129, "mld-listener-query": 130, "mld-listener-report": 131,
    "mld-listener-done": 132, "mld-listener-reduction": 132, "nd-router-solicit": 133,
    "nd-router-advert": 134, "nd-neighbor-solicit": 135, "nd-neighbor-advert": 136, "nd-redirect": 137,
    "router-renumbering": 138, "ind-neighbor-solicit": 141, "ind-neighbor-advert": 142,
    "mld2-listener-report": 143,
}  # fmt: skip
ETHER_TYPES = {"ip": 0x0800, "arp": 0x0806, "ip6": 0x86DD, "vlan": 0x8100, "8021q": 0x8100, "8021ad": 0x88A8}
NFPROTO = {"ipv4": 2, "ipv6": 10}  # linux/netfilter.h
TCP_FLAGS = {"fin": 1, "syn": 2, "rst": 4, "psh": 8, "ack": 16, "urg": 32, "ecn": 64, "cwr": 128}
STATUS_BITS = {
    "expected": 1, "seen-reply": 2, "assured": 4, "confirmed": 8, "snat": 16, "dnat": 32, "dying": 512,
}  # fmt: skip

MAX_FREE_BITS = 10  # of a mask with holes: it makes 2 ** that many ranges; beyond, the condition is widened
MAX_HOLES = 4_096  # numbers that are looked at one by one behind such a mask


def address4(value: Json) -> int | None:
    return _address(socket.AF_INET, value)


def address6(value: Json) -> int | None:
    return _address(socket.AF_INET6, value)


def named(names: dict[str, int], bits: int) -> Scalar:
    """Reads a number of ``bits`` bits, or one of ``names``."""

    def scalar(value: Json) -> int | None:
        if isinstance(value, str):
            return names[value] if value in names else _written(value, bits)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits:
            return value
        return None

    return scalar


def flags(names: dict[str, int], bits: int) -> Scalar:
    """Reads a flag, several of them, or ``{"|": [flag, flag]}``, as one number."""
    one = named(names, bits)

    def scalar(value: Json) -> int | None:
        match value:
            case {"|": list(several)}:
                return _either(map(scalar, several))
            case list(several):
                return _either(map(scalar, several))
        return one(value)

    return scalar


def ranges(value: Json, scalar: Scalar, bits: int) -> list[Range] | None:
    """The numbers of an immediate value, a prefix, a range, an element, a set of these; None: not known.

    Raises:
        Misshapen: a prefix, a range or an element is not of the shape that nft prints.
    """
    if isinstance(value, list):
        return _all_of(value, scalar, bits)
    if isinstance(value, dict):
        match value:
            case {"set": list(elements)}:
                return _all_of(elements, scalar, bits)
            case {"elem": {"val": inner}}:
                return ranges(inner, scalar, bits)
            case {"prefix": {"addr": address, "len": int(length)}} if 0 <= length <= bits:
                first = scalar(address)
                host = (1 << (bits - length)) - 1
                return None if first is None else [(first & ~host, first | host)]
            case {"range": [low, high]}:
                lowest, highest = scalar(low), scalar(high)
                return None if lowest is None or highest is None else [(lowest, highest)]
            case {"prefix": _} | {"range": _} | {"elem": _} | {"set": _}:
                raise Misshapen(f"expected a prefix, a range, an element or a set, found {shown(value)}")
    if value == "*":  # the element that stands for all others
        return [(0, (1 << bits) - 1)]
    number = scalar(value)
    return None if number is None else [(number, number)]


def unmasked(numbers: Numbers, mask: int, bits: int) -> Numbers | None:
    """All numbers of ``bits`` bits of which ``number & mask`` is in ``numbers``; None: too many ranges.

    >>> unmasked(Numbers.one(0x0A000000), 0xFF000000, 32)
    Numbers(167772160-184549375)
    """
    everything = Numbers(((0, (1 << bits) - 1),))
    mask &= everything.ranges[0][1]
    if mask == 0:
        return everything if 0 in numbers else Numbers()
    low_bit = mask & -mask
    if mask == everything.ranges[0][1] & ~(low_bit - 1):  # no holes: whole blocks
        blocks = ((-(-low // low_bit) * low_bit, high // low_bit * low_bit) for low, high in numbers.ranges)
        return Numbers.of(*((low, high + low_bit - 1) for low, high in blocks if low <= high)) & everything
    wanted = numbers & everything
    if wanted.size <= MAX_HOLES:
        return _with_holes(wanted, mask, low_bit, bits)
    others = _with_holes(everything - wanted, mask, low_bit, bits) if _few(everything - wanted) else None
    return None if others is None else everything - others


def _with_holes(wanted: Numbers, mask: int, low_bit: int, bits: int) -> Numbers | None:
    free = [1 << bit for bit in range(bits) if not mask >> bit & 1 and 1 << bit > low_bit]
    if len(free) > MAX_FREE_BITS:
        return None
    fillings = [0]
    for bit in free:
        fillings += [filling | bit for filling in fillings]
    fixed = [number for low, high in wanted.ranges for number in range(low, high + 1) if not number & ~mask]
    return Numbers.of(
        *((number | filling, (number | filling) + low_bit - 1) for number in fixed for filling in fillings)
    )


def _few(numbers: Numbers) -> bool:
    return numbers.size <= MAX_HOLES


def _all_of(values: Iterable[Json], scalar: Scalar, bits: int) -> list[Range] | None:
    found: list[Range] = []
    for value in values:
        number = scalar(value) if isinstance(value, str) and value != "*" else None
        if number is not None:
            found.append((number, number))
            continue
        some = ranges(value, scalar, bits)
        if some is None:
            return None
        found += some
    return found


def _either(numbers: Iterable[int | None]) -> int | None:
    result = 0
    for number in numbers:
        if number is None:
            return None
        result |= number
    return result


def _address(family: socket.AddressFamily, value: Json) -> int | None:
    if not isinstance(value, str):
        return None
    try:
        return int.from_bytes(socket.inet_pton(family, value))
    except (OSError, ValueError):
        return None


def _written(text: str, bits: int) -> int | None:
    """A number in quotation marks, as some versions print marks: decimal, or with 0x."""
    digits, base = (text[2:], 16) if text[:2] in ("0x", "0X") else (text, 10)
    if not digits.isascii() or not digits.isalnum() or len(digits) > 40:
        return None
    try:
        number = int(digits, base)
    except ValueError:
        return None
    return number if number < 1 << bits else None

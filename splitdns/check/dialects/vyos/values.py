"""What values mean: addresses, ports, protocols, interfaces, types of ICMP.

A leading ``!`` turns a value around. What has the form of a value and is not known here by name (a service, a
protocol) is None, and its reader widens it.
"""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_interface, ip_network

from splitdns.check.model import (
    DCCP,
    ICMP,
    ICMP6,
    SCTP,
    TCP,
    UDP,
    Interfaces,
    Side,
)
from splitdns.check.sets import (
    PORTS,
    Address,
    Numbers,
    Prefix,
    all_addresses,
    numbers_of,
)

_PROTOCOLS = {
    "tcp": TCP, "udp": UDP, "icmp": ICMP, "icmpv6": ICMP6, "ipv6-icmp": ICMP6, "sctp": SCTP, "dccp": DCCP,
    "igmp": 2, "ipip": 4, "ipencap": 4, "ipv6": 41, "gre": 47, "esp": 50, "ah": 51, "ospf": 89, "pim": 103,
    "vrrp": 112, "l2tp": 115, "egp": 8, "igp": 9, "rsvp": 46, "eigrp": 88, "udplite": 136,
}  # fmt: skip
_SERVICES = {
    "ftp-data": 20, "ftp": 21, "ssh": 22, "telnet": 23, "smtp": 25, "domain": 53, "bootps": 67, "bootpc": 68,
    "tftp": 69, "http": 80, "www": 80, "kerberos": 88, "pop3": 110, "sunrpc": 111, "ntp": 123, "imap": 143,
    "imap2": 143, "snmp": 161, "snmp-trap": 162, "bgp": 179, "ldap": 389, "https": 443, "microsoft-ds": 445,
    "isakmp": 500, "submission": 587, "ldaps": 636, "imaps": 993, "pop3s": 995, "openvpn": 1194, "l2f": 1701,
    "mysql": 3306, "sip": 5060, "mdns": 5353, "postgresql": 5432,
}  # fmt: skip
# Types by their names in iptables and nft (RFC 792, RFC 4443, RFC 4861); with a code where the name has one.
_ICMP = {
    4: {
        "echo-reply": (0, None), "pong": (0, None), "destination-unreachable": (3, None),
        "network-unreachable": (3, 0), "host-unreachable": (3, 1), "protocol-unreachable": (3, 2),
        "port-unreachable": (3, 3), "fragmentation-needed": (3, 4), "source-quench": (4, None),
        "redirect": (5, None), "echo-request": (8, None), "ping": (8, None),
        "router-advertisement": (9, None), "router-solicitation": (10, None),
        "time-exceeded": (11, None), "ttl-exceeded": (11, None),
        "parameter-problem": (12, None), "timestamp-request": (13, None), "timestamp-reply": (14, None),
        "info-request": (15, None), "info-reply": (16, None), "address-mask-request": (17, None),
        "address-mask-reply": (18, None),
    },
    6: {
        "destination-unreachable": (1, None), "no-route": (1, 0), "communication-prohibited": (1, 1),
        "address-unreachable": (1, 3), "port-unreachable": (1, 4), "packet-too-big": (2, None),
        "time-exceeded": (3, None), "ttl-exceeded": (3, None), "parameter-problem": (4, None),
        "echo-request": (128, None), "ping": (128, None), "echo-reply": (129, None), "pong": (129, None),
        "mld-listener-query": (130, None), "mld-listener-report": (131, None),
        "mld-listener-reduction": (132, None), "router-solicitation": (133, None),
        "nd-router-solicit": (133, None), "router-advertisement": (134, None),
        "nd-router-advert": (134, None), "neighbor-solicitation": (135, None),
        "neighbour-solicitation": (135, None), "nd-neighbor-solicit": (135, None),
        "neighbor-advertisement": (136, None), "neighbour-advertisement": (136, None),
        "nd-neighbor-advert": (136, None), "redirect": (137, None), "nd-redirect": (137, None),
        "mld2-listener-report": (143, None),
    },
}  # fmt: skip
_NUMBER = re.compile(r"[0-9]{1,10}")


class Wrong(Exception):  # noqa: N818 - the reader makes a ConfigError of it, with the place
    """Not a value of this kind; the text says what was expected."""


def negated(text: str) -> tuple[bool, str]:
    """Whether it is turned around, and the value without its mark."""
    return text.startswith("!"), text.removeprefix("!").strip()


def whole(text: str, last: int, what: str) -> int:
    """A number from 0 to ``last``.

    Raises:
        Wrong: it is none.
    """
    if _NUMBER.fullmatch(text) is None or int(text) > last:
        raise Wrong(f"{what}, up to {last}")
    return int(text)


def address(text: str) -> Address:
    """One address.

    Raises:
        Wrong: it is none.
    """
    try:
        return ip_address(text)
    except ValueError:
        raise Wrong("an address") from None


def prefix(text: str) -> Prefix:
    """A prefix, or one address; bits of the host are left out, as the device does.

    Raises:
        Wrong: it is neither.
    """
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise Wrong("a prefix, like 192.168.1.0/24") from None


def interface_address(text: str) -> tuple[Address, Prefix]:
    """An address with the length of its network's prefix.

    Raises:
        Wrong: it is none.
    """
    try:
        one = ip_interface(text)
    except ValueError:
        raise Wrong("an address with the length of its prefix, like 192.168.1.1/24, or dhcp") from None
    return one.ip, one.network


def addresses(text: str, family: int) -> Numbers:
    """An address, a prefix or a range ``first-last``, turned around by ``!``.

    Raises:
        Wrong: it is none of them, or of the other family.
    """
    is_negated, body = negated(text)
    low, dash, high = body.partition("-")
    if dash:
        first, last = address(low), address(high)
        if first.version != last.version or int(first) > int(last):
            raise Wrong("a range of addresses, the lower first")
        version, numbers = first.version, Numbers.of((int(first), int(last)))
    else:
        one = prefix(body)
        version, numbers = one.version, numbers_of(one)
    if version != family:
        raise Wrong(f"addresses of IPv{family}")
    return all_addresses(family) - numbers if is_negated else numbers


def ports(text: str) -> Numbers | None:
    """``80``, ``8000-8010``, ``http``, several with commas, turned around by ``!``; None: a name not known.

    Raises:
        Wrong: it is none of them.
    """
    is_negated, body = negated(text)
    ranges: list[tuple[int, int]] = []
    for each in body.split(","):
        one = each.strip().removeprefix("!")
        if one in _SERVICES:
            ranges.append((_SERVICES[one], _SERVICES[one]))
            continue
        if re.fullmatch(r"[a-z][a-z0-9+-]*", one, re.ASCII | re.IGNORECASE):
            return None
        low, dash, high = one.partition("-")
        first = whole(low, 65_535, "a port")
        last = whole(high, 65_535, "a port") if dash else first
        if first > last:
            raise Wrong("a range of ports, the lower first")
        ranges.append((first, last))
    numbers = Numbers.of(*ranges)
    return PORTS - numbers if is_negated else numbers


def protocols(text: str) -> Numbers | None:
    """``tcp_udp``, a name or a number, turned around by ``!``; None: a name not known.

    ``all`` are all 256.
    """
    is_negated, body = negated(text.lower())
    everything = Numbers.of((0, 255))
    if body in ("all", "any", "0"):
        return everything
    if body == "tcp_udp":
        numbers = Numbers.of((TCP, TCP), (UDP, UDP))
    elif _NUMBER.fullmatch(body) and int(body) <= 255:
        numbers = Numbers.one(int(body))
    elif body in _PROTOCOLS:
        numbers = Numbers.one(_PROTOCOLS[body])
    else:
        return None
    return everything - numbers if is_negated else numbers


def interfaces(text: str, side: Side) -> Interfaces | None:
    """An interface, turned around by ``!``; ``*`` or ``+`` at its end: all that begin so. None: any."""
    is_negated, body = negated(text)
    if body == "any" and not is_negated:
        return None
    name = body.removesuffix("+") + "*" if body.endswith("+") else body
    return Interfaces(side, frozenset({name}), is_negated)


def icmp_type(text: str, family: int) -> tuple[int, int | None] | None:
    """``8``, ``3/4`` or a name: the type, and the code where one is told; None: a name not known.

    Raises:
        Wrong: a number that is no type.
    """
    if text in _ICMP[family]:
        return _ICMP[family][text]
    kind, slash, code = text.partition("/")
    if not _NUMBER.fullmatch(kind):
        return None
    return whole(kind, 255, "a type of ICMP"), whole(code, 255, "a code of ICMP") if slash else None

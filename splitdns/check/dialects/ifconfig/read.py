"""The interfaces of a BSD, as ``ifconfig -A`` (OpenBSD) or ``ifconfig -a`` (FreeBSD) prints them.

Each has its addresses, aliases and carp(4) ones too, its groups, by which rules name it, and the bridge that
it is a member of. What is behind it, the routes say (``netstat``), or OpenBSD's group ``egress``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_interface

from splitdns.check.dialects.ifconfig.netstat import read_routes
from splitdns.check.dialects.printed import Printed
from splitdns.check.network import Interface, InterfaceAddress, Network
from splitdns.errors import ConfigError, Problems, Where

_HEAD = re.compile(r"([A-Za-z][\w.-]*): flags=[0-9a-fA-F]+(?:<([^>]*)>)?")
_MEMBER = re.compile(r"\s+(?:member: )?([a-z][\w.-]*) flags=[0-9a-fA-F]+<")
_LEASED = re.compile(r"(pppoe|ppp|ng)\d+")  # whose addresses the other side gives
_TUNNEL = re.compile(r"wg\d+")  # whose hosts meet through the gateway only, whatever their flags say
EGRESS = "egress"


@dataclass(slots=True)
class _Face:
    """An interface, while it is read."""

    name: str
    flags: frozenset[str]
    addresses: list[InterfaceAddress] = field(default_factory=list)
    groups: set[str] = field(default_factory=set)
    members: list[str] = field(default_factory=list)


def read(texts: Sequence[Printed], routes: Sequence[Printed] = ()) -> Network:
    """The network that ``ifconfig``, and ``netstat -rn``, print.

    Raises:
        ExceptionGroup[ConfigError]: lines that these commands do not print; with their places.
    """
    problems = Problems()
    faces = [face for one in texts for face in _faces(one, problems)]
    found = [route for one in routes for route in read_routes(one, problems)]
    problems.raise_errors("what ifconfig or netstat printed is wrong")
    uplinks = {one.interface for one in found if one.prefix.prefixlen == 0}
    bridges = {member: face.name for face in faces for member in face.members}
    interfaces = tuple(
        Interface(
            face.name,
            tuple(face.addresses),
            bridge=bridges.get(face.name),
            uplink=face.name in uplinks or (not uplinks and EGRESS in face.groups),
            up="UP" in face.flags,
            point_to_point="POINTOPOINT" in face.flags or _TUNNEL.fullmatch(face.name) is not None,
            rp_filter=0,
            groups=frozenset(face.groups),
        )
        for face in faces
    )
    known = {one.name for one in interfaces} | {None}
    return Network(interfaces, tuple(one for one in found if one.interface in known))


def _faces(text: Printed, problems: Problems) -> list[_Face]:
    found: list[_Face] = []
    for number, line in enumerate(text.text.splitlines(), 1):
        where = Where(text.file, number, 1)
        head = _HEAD.match(line)
        if head:
            found.append(_Face(head[1], frozenset((head[2] or "").split(","))))
        elif line.strip() and not found:
            expected = "expected an interface, like 'em0: flags=8843<UP,BROADCAST>'"
            problems.error(ConfigError(where, f"{expected}, found {line.strip()[:60]!r}"))
            return []
        elif line.strip():
            try:
                _line(found[-1], line)
            except ValueError:
                expected = "expected an address of an interface, with its netmask or the length of its prefix"
                problems.error(ConfigError(where, f"{expected}, found {line.strip()[:60]!r}"))
    return [face for face in found if "LOOPBACK" not in face.flags or _is_of_use(face)]


def _is_of_use(face: _Face) -> bool:
    """Whether a loopback interface has an address that others reach."""
    face.addresses = [
        one for one in face.addresses if not (one.address.is_loopback or one.address.is_link_local)
    ]
    return bool(face.addresses)


def _line(face: _Face, line: str) -> None:
    words = line.split()
    member = _MEMBER.match(line)
    if words[0] in ("inet", "inet6"):
        face.addresses.append(_address(face, words))
    elif words[0] == "groups:":
        face.groups.update(words[1:])
    elif member:
        face.members.append(member[1])


def _address(face: _Face, words: list[str]) -> InterfaceAddress:
    """Raises ``ValueError``: it has no address, or no prefix."""
    rest = dict(_pairs(words[2:]))
    text = words[1].partition("%")[0] if len(words) > 1 else ""
    if "/" in text:
        own = ip_interface(text)
    elif words[0] == "inet6":
        own = ip_interface(f"{text}/{rest.get('prefixlen', 128)}")
    else:
        own = ip_interface(f"{text}/{_length(rest.get('netmask', ''))}")
    dynamic = _LEASED.fullmatch(face.name) is not None
    if words[0] == "inet6":
        dynamic = dynamic or "autoconf" in words
    else:
        dynamic = dynamic or "AUTOCONF4" in face.flags
    return InterfaceAddress(own.ip, own.network, dynamic and not own.ip.is_link_local)


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield from zip(words, [*words[1:], ""], strict=True)


def _length(netmask: str) -> int:
    """``0xffffff00`` or ``255.255.255.0``."""
    number = int(netmask, 16) if netmask.startswith("0x") else int(ip_address(netmask))
    length = bin(number).count("1")
    if number != (0xFFFF_FFFF << 32 - length) & 0xFFFF_FFFF:
        raise ValueError
    return length

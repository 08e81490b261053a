"""Addresses of this machine's interfaces, and word of each change, from the kernel (rtnetlink(7)).

A dump after each notice, instead of keeping count of notices: what was lost on a full socket (ENOBUFS) is
one more reason to look. No privilege is needed.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

from splitdns.daemon.wan.answer import Address, WanError
from splitdns.load.wansources import refusal

PATIENCE_S = 2.0  # for a dump, which the kernel gives at once

_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_NOTICES = 0x10 | 0x100  # RTMGRP_IPV4_IFADDR, RTMGRP_IPV6_IFADDR
_NEWADDR, _GETADDR, _ERROR, _DONE = 20, 22, 2, 3
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_HEAD = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_ADDRESS_HEAD = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")  # rtattr: length, type
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_TEMPORARY, _DAD_FAILED, _DEPRECATED, _TENTATIVE = 0x01, 0x08, 0x20, 0x40
_OCTETS = 65_536


def address_of(interface: str, family: int) -> Address:
    """The address that ``interface`` shows to the internet: its first public one, else its first global one.

    Raises:
        WanError: there is no such interface, or it has no address.
        OSError: the kernel does not tell.
    """
    try:
        index = socket.if_nametoindex(interface)
    except OSError:
        raise WanError(f"there is no interface {interface}") from None
    found = [address for at, address in _dumped(family) if at == index]
    if not found:
        raise WanError(f"{interface} has no global IPv{family} address")
    return next((address for address in found if not refusal(address)), found[0])


class Notices:
    """A socket that becomes readable when any address of this machine comes or goes."""

    def __init__(self) -> None:
        self._sock = _netlink(_NOTICES)
        self._sock.setblocking(False)

    def fileno(self) -> int:
        return self._sock.fileno()

    def drain(self) -> None:
        """Forget what has been said until now."""
        with suppress(BlockingIOError):
            while True:
                try:
                    self._sock.recv(_OCTETS)
                except BlockingIOError:
                    raise
                except OSError:  # ENOBUFS: some were lost
                    continue

    def close(self) -> None:
        self._sock.close()


def _netlink(groups: int) -> socket.socket:
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, socket.NETLINK_ROUTE)
    try:
        sock.bind((0, groups))
    except OSError:
        sock.close()
        raise
    return sock


def _dumped(family: int) -> Iterator[tuple[int, Address]]:
    """Addresses that others may be told, each with its interface's number, in the kernel's order."""
    with _netlink(0) as sock:
        sock.settimeout(PATIENCE_S)
        body = _ADDRESS_HEAD.pack(_FAMILIES[family], 0, 0, 0, 0)
        sock.send(_HEAD.pack(_HEAD.size + len(body), _GETADDR, _REQUEST_DUMP, 1, 0) + body)
        while True:
            for kind, content in messages(sock.recv(_OCTETS)):
                if kind == _DONE:
                    return
                if kind == _ERROR:
                    raise OSError(-int.from_bytes(content[:4], "little", signed=True), "netlink refuses")
                if kind == _NEWADDR and (found := address(content)) is not None:
                    yield found


def messages(octets: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and content of each netlink message."""
    while len(octets) >= _HEAD.size:
        length, kind, *_ = _HEAD.unpack_from(octets)
        if not _HEAD.size <= length <= len(octets):
            return
        yield kind, octets[_HEAD.size : length]
        octets = octets[-(-length // 4) * 4 :]


def address(content: bytes) -> tuple[int, Address] | None:
    """The interface's number and the address of an ``ifaddrmsg``; None where it is not for everybody."""
    family, _, flags, scope, index = _ADDRESS_HEAD.unpack_from(content)
    found: dict[int, bytes] = {}
    at = _ADDRESS_HEAD.size
    while at + _ATTRIBUTE.size <= len(content):
        length, kind = _ATTRIBUTE.unpack_from(content, at)
        if length < _ATTRIBUTE.size:
            break
        found[kind] = content[at + _ATTRIBUTE.size : at + length]
        at += -(-length // 4) * 4
    if _IFA_FLAGS in found:
        flags = int.from_bytes(found[_IFA_FLAGS], "little")
    unfit = _DEPRECATED | _TENTATIVE | _DAD_FAILED | (_TEMPORARY if family == socket.AF_INET6 else 0)
    packed = found.get(_IFA_LOCAL, found.get(_IFA_ADDRESS, b""))  # of a tunnel, the other is the peer's
    if scope or flags & unfit or len(packed) not in (4, 16):
        return None
    return index, ip_address(packed)

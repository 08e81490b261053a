"""Sockets as they are opened once, before any worker lives, and inherited by every worker that follows.

Each worker has its own socket at the same address (SO_REUSEPORT), between which the kernel spreads the
clients. None is bound to a device: who asks, and which address was asked, is read from each message.
"""

from __future__ import annotations

import socket

BUFFER_OCTETS = 4 * 1024 * 1024  # of a UDP socket, each way; net.core.rmem_max and wmem_max may cap it
BACKLOG = 1024  # TCP connections that wait to be accepted; beyond: the kernel lets the client try again

# Linux, and not in Python 3.11's socket module.
IP_PKTINFO = 8
_IP_MTU_DISCOVER = 10
_IPV6_MTU_DISCOVER = 23
_PMTUDISC_OMIT = 5  # the same number for both


def open_udp(address: str, port: int, *, both_families: bool = False) -> socket.socket:
    """A bound, non-blocking UDP socket at an address literal, scope id included; port 0 takes any.

    With ``both_families`` the socket at ``::`` takes IPv4 too; those clients come as ::ffff:a.b.c.d.

    Raises:
        OSError: it cannot be bound.
    """
    sock = _bound(address, port, socket.SOCK_DGRAM, both_families)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_OCTETS)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER_OCTETS)
    # A path MTU that somebody on the way lies about must not break our answers into fragments that can be
    # forged (RFC 9715 3.1): as NSD and Knot do, it is not believed.
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, _IPV6_MTU_DISCOVER, _PMTUDISC_OMIT)
    if sock.family == socket.AF_INET or both_families:
        sock.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _PMTUDISC_OMIT)
    return sock


def open_tcp(
    address: str, port: int, backlog: int = BACKLOG, *, both_families: bool = False
) -> socket.socket:
    """A listening, non-blocking TCP socket at an address literal, as ``open_udp``'s.

    Raises:
        OSError: it cannot be bound.
    """
    sock = _bound(address, port, socket.SOCK_STREAM, both_families)
    sock.listen(backlog)
    return sock


def _bound(address: str, port: int, kind: socket.SocketKind, both_families: bool) -> socket.socket:
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    family, _, _, _, sockaddr = socket.getaddrinfo(address, str(port), type=kind, flags=flags)[0]
    sock = socket.socket(family, kind)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both_families)
        sock.bind(sockaddr)
    except BaseException:
        sock.close()
        raise
    return sock


def is_wildcard(sock: socket.socket) -> bool:
    """Whether the socket takes messages to any of the host's addresses."""
    return str(sock.getsockname()[0]) in ("0.0.0.0", "::")


def server_label(sock: socket.socket) -> str:
    """The listener among the metrics, as CoreDNS writes it: ``dns://:53`` for a wildcard address."""
    host, port = sock.getsockname()[:2]
    shown = "" if is_wildcard(sock) else f"[{host}]" if ":" in host else host
    return f"dns://{shown}:{port}"

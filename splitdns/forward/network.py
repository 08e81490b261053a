"""Sockets towards upstreams, as the kernel opens them.

Those for datagrams have a port that the kernel draws at random from its ephemeral range (28,232 ports unless
configured otherwise), and a forged answer has to hit that port besides the 16 bits of the id (RFC 5452 4.5).
They are connected, so that the kernel drops what comes from elsewhere, and an ICMP error fails the exchange
at once instead of after its time-out.
"""

from __future__ import annotations

import asyncio
import socket
from typing import Protocol

from splitdns.view import Upstream


class Network(Protocol):
    """Where sockets come from; tests bring their own. The caller closes what it gets."""

    def datagram(self, upstream: Upstream) -> socket.socket:
        """A non-blocking UDP socket, connected to ``upstream``.

        Raises:
            OSError: there is no way to it, or no descriptor left.
        """

    async def stream(self, upstream: Upstream) -> socket.socket:
        """A non-blocking TCP socket, connected to ``upstream``; as long as the caller's time-out allows.

        Raises:
            OSError: as above, or the upstream does not listen.
        """


class KernelNetwork:
    """The host's own network."""

    def datagram(self, upstream: Upstream) -> socket.socket:
        opened = _socket(upstream, socket.SOCK_DGRAM)
        try:
            opened.connect((upstream.host, upstream.port))
        except OSError:
            opened.close()
            raise
        return opened

    async def stream(self, upstream: Upstream) -> socket.socket:
        opened = _socket(upstream, socket.SOCK_STREAM)
        try:
            opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await asyncio.get_running_loop().sock_connect(opened, (upstream.host, upstream.port))
        except BaseException:  # also when the caller's time-out cancels: the descriptor is still ours
            opened.close()
            raise
        return opened


def _socket(upstream: Upstream, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in upstream.host else socket.AF_INET
    return socket.socket(family, kind | socket.SOCK_NONBLOCK)

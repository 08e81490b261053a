"""Sockets towards upstreams for datagrams, each with a port of its own that nobody can foretell.

To open a socket costs more than to ask through it. So one that was answered waits for another query, among at
most ``MAX_IDLE``. Which one is taken is drawn at random, out of all those that could be there: where only few
are, a fresh one is opened more often than not, and where nobody asks much, every query has a fresh one.
(Those that are out just then cannot be there; but none is drawn out of fewer than half of ``MAX_IDLE``.) The
kernel draws the port of each at random, too (RFC 6056), and none is used for long, so that whoever finds out
which ports are open has learnt little (RFC 5452 4.5).
"""

from __future__ import annotations

import asyncio
import socket
from random import Random

from splitdns.forward.drawing import Page
from splitdns.forward.network import Network
from splitdns.forward.readers import Readers
from splitdns.view import Upstream

# Of all upstreams together. A power of two: a number up to it is drawn as so many bits.
MAX_IDLE = 1 << 10
MAX_QUERIES = 100  # through one socket
MAX_AGE_S = 10.0

_LEAST_ROOM = MAX_IDLE // 2  # that one is drawn of, however many are out
_LOT_BITS = 16  # more than it takes, for the room is no power of two


class Port:
    """A socket that is connected to ``upstream``, so that the kernel drops what comes from elsewhere."""

    __slots__ = ("_ports", "asked", "descriptor", "opened_s", "sock", "upstream")

    def __init__(self, ports: Ports, upstream: Upstream, sock: socket.socket, opened_s: float) -> None:
        self._ports = ports
        self.upstream = upstream
        self.sock = sock
        self.descriptor = sock.fileno()
        self.opened_s = opened_s
        self.asked = 0

    def stray(self) -> None:
        """Something came while nobody waits: late, forged, or an error. Nobody is to wait here any more."""
        self._ports.discard(self)


class Ports:
    """The sockets of one worker. They are read through ``readers``; whoever made it calls ``close``."""

    def __init__(self, network: Network, readers: Readers, random: Random) -> None:
        self.readers = readers
        self.random = random
        self.page: Page | None = getattr(random, "page", None)  # of random octets, if it is compiled
        self.idle: dict[Upstream, list[Port]] = {}
        self.idle_count = 0
        self.sweeping: asyncio.TimerHandle | None = None
        self._network = network

    def take(self, upstream: Upstream, now_s: float) -> Port:
        """A socket for one query; it comes back by ``give_back``, or ``drop``.

        Raises:
            OSError: there is no way to the upstream, or no descriptor left.
        """
        idle = self.idle.get(upstream)
        if idle:
            # Those that are out cannot be here, too: who missed them would open ever more while many are out.
            room = MAX_IDLE + self.idle_count - len(self.readers.callbacks)
            if room < _LEAST_ROOM:
                room = _LEAST_ROOM
            number = self.random.getrandbits(_LOT_BITS) * room >> _LOT_BITS
            if number < len(idle):
                port, idle[number] = idle[number], idle[-1]
                idle.pop()
                self.idle_count -= 1
                if port.opened_s + MAX_AGE_S > now_s:
                    port.asked += 1
                    return port
                self.drop(port)
        return self.open(upstream, now_s)

    def open(self, upstream: Upstream, now_s: float) -> Port:
        """A fresh one, as ``take``."""
        opened = Port(self, upstream, self._network.datagram(upstream), now_s)
        opened.asked = 1
        return opened

    def give_back(self, port: Port, now_s: float) -> None:
        """The query was answered, and nothing else has come."""
        self.see_to(port, now_s)

    def see_to(self, port: Port, now_s: float) -> None:
        """Keep a port for another query, or close it."""
        is_worn = port.asked >= MAX_QUERIES or port.opened_s + MAX_AGE_S <= now_s
        if is_worn or self.idle_count >= MAX_IDLE or self.readers.closed:
            self.drop(port)
            return
        callbacks = self.readers.callbacks
        if port.descriptor in callbacks:
            callbacks[port.descriptor] = port.stray
        else:
            self.readers.add(port.descriptor, port.stray)
        idle = self.idle.get(port.upstream)
        if idle is None:
            idle = self.idle[port.upstream] = []
        idle.append(port)
        self.idle_count += 1
        if self.sweeping is None:
            self.sweeping = asyncio.get_running_loop().call_later(MAX_AGE_S, self._sweep)

    def drop(self, port: Port) -> None:
        """Close a socket that was taken."""
        self.readers.remove(port.descriptor)
        port.sock.close()

    def discard(self, port: Port) -> None:
        """Close one that is idle."""
        self.idle[port.upstream].remove(port)
        self.idle_count -= 1
        self.drop(port)

    def close(self) -> None:
        """Close all that are idle; those that were taken still come back."""
        for port in [port for idle in self.idle.values() for port in idle]:
            self.discard(port)
        if self.sweeping is not None:
            self.sweeping.cancel()
            self.sweeping = None

    def _sweep(self) -> None:
        """Close what is too old, also where nobody asks any more."""
        self.sweeping = None
        loop = asyncio.get_running_loop()
        old_s = loop.time() - MAX_AGE_S
        for upstream, idle in tuple(self.idle.items()):
            for port in [port for port in idle if port.opened_s <= old_s]:
                self.discard(port)
            if not idle:
                del self.idle[upstream]
        if self.idle:
            self.sweeping = loop.call_later(MAX_AGE_S, self._sweep)

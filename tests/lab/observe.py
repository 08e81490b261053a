"""Real connections from every host at once, and all that was to be seen of each.

Servers in every namespace accept TCP and UDP and say who they are and whose packets they saw; clients connect
to them in earnest. One thread holds all those sockets, each made inside its host, so that a network of ten
hosts opens in milliseconds and a hundred connections take no longer than the slowest of them. A connection
that gets no answer has failed as soon as nothing has happened anywhere for a while: nothing here is farther
away than the kernel's own queues.
"""

from __future__ import annotations

import errno
import itertools
import os
import selectors
import socket
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.network import Host
from tests.lab.sights import ANSWERING, ASKING, Lookout, Sight, Step

TCP, UDP = socket.IPPROTO_TCP, socket.IPPROTO_UDP
QUIET_S = 0.08  # how long nothing may have happened before what is open counts as unanswered

_PKTINFO, _PKTINFO6 = 8, 50  # IP_PKTINFO; IPV6_PKTINFO, which IPV6_RECVPKTINFO (49) asks for
_FIRST_PORT = 40_000  # of clients; each connection has its own, by which its first packet is known


@dataclass(frozen=True, slots=True)
class Probe:
    """A connection to make: from ``client`` (by ``source``, where it has several addresses)."""

    client: str
    destination: str
    protocol: int
    port: int
    source: str | None = None

    def __str__(self) -> str:
        protocol = "tcp" if self.protocol == TCP else "udp"
        source = f" ({self.source})" if self.source else ""
        return f"{self.client}{source} to {self.destination} port {self.port}/{protocol}"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said: its name, whom it saw, and to which of its addresses that one had come."""

    host: str
    source: str
    source_port: int
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Observation:
    """All that is known of one connection. ``error`` is the client's errno, 0 where it timed out."""

    probe: Probe
    source: str
    source_port: int
    answer: Answer | None
    error: int
    sights: tuple[Sight, ...]
    tracked: tuple[str, ...]  # the gateway's conntrack entries, in the kernel's words
    sought: frozenset[str]  # the addresses for which the gateway has asked its links, for this and others

    def __str__(self) -> str:
        end = str(self.answer) if self.answer else errno.errorcode.get(self.error, "timed out")
        return "\n".join([f"{self.probe}: {end}", *map(str, self.sights), *self.tracked])


@dataclass(eq=False, slots=True)
class _Open:
    probe: Probe
    number: int  # of our datagrams
    socket: socket.socket
    source: str = ""
    source_port: int = 0
    answer: Answer | None = None
    error: int = 0


@dataclass(eq=False)
class Observatory:
    """Servers on ``listens`` (ports by protocol, by host) and lookouts on every host, until it is left.

    ``gateway`` is the host whose conntrack table is read, ``ports`` those of its bridges.
    """

    hosts: Mapping[str, Host]
    listens: Mapping[str, Mapping[int, Sequence[int]]]
    gateway: str
    family: int = 4
    ports: tuple[str, ...] = ()
    _selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    _lookouts: dict[str, Lookout] = field(default_factory=dict)
    _stack: ExitStack = field(default_factory=ExitStack)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    def __enter__(self) -> Self:
        self._stack.callback(self._selector.close)
        for name, host in self.hosts.items():
            lookout = Lookout(host, self.ports if name == self.gateway else ())
            self._stack.callback(lookout.close)
            self._lookouts[name] = lookout
            with host.entered():
                for protocol, ports in self.listens.get(name, {}).items():
                    for port in ports:
                        self._serve(name, protocol, port)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def observe(self, probes: Iterable[Probe], quiet_s: float = QUIET_S) -> list[Observation]:
        """Make all these connections at once; what became of each, in their order."""
        opened = [self._open(probe) for probe in probes]
        for one in opened:
            self._start(one)
        waiting = {one.number for one in opened if one.socket.fileno() >= 0}
        while waiting and (events := self._selector.select(quiet_s)):
            for key, _ in events:
                number = key.data()
                if number is not None:
                    waiting.discard(number)
        for one in opened:
            self._finish(one)
        sights = self._gather(opened)
        tracked = self._tracked()
        sought = frozenset(self._lookouts[self.gateway].sought)
        return [
            Observation(
                one.probe,
                one.source,
                one.source_port,
                one.answer,
                one.error,
                tuple(sights[one.number]),
                tuple(line for line in tracked if f"sport={one.source_port} " in line),
                sought,
            )
            for one in opened
        ]

    # --- servers: callbacks return the number of a connection that has ended, or None ---------------------

    def _serve(self, name: str, protocol: int, port: int) -> None:
        server = socket.socket(self._domain, _kind(protocol))
        self._stack.callback(server.close)
        server.setblocking(False)
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        accept: Callable[[], None]
        if protocol == TCP:
            server.bind(("", port))
            server.listen(256)

            def accept() -> None:
                _accept(name, server)
        else:
            if self.family == 4:
                server.setsockopt(socket.IPPROTO_IP, _PKTINFO, 1)
            else:
                server.setsockopt(socket.IPPROTO_IPV6, 49, 1)
            server.bind(("", port))

            def accept() -> None:
                _reply(name, port, server)

        self._selector.register(server, selectors.EVENT_READ, accept)

    # --- clients ------------------------------------------------------------------------------------------

    @property
    def _domain(self) -> socket.AddressFamily:
        return socket.AF_INET if self.family == 4 else socket.AF_INET6

    def _open(self, probe: Probe) -> _Open:
        number = next(self._numbers)
        client = self.hosts[probe.client].socket(self._domain, _kind(probe.protocol))
        client.setblocking(False)
        client.bind((probe.source or "", _FIRST_PORT + number % 20_000))
        return _Open(probe, number, client, source_port=client.getsockname()[1])

    def _start(self, one: _Open) -> None:
        client, probe = one.socket, one.probe
        one.error = client.connect_ex((probe.destination, probe.port))
        one.source = client.getsockname()[0]
        if one.error in {0, errno.EINPROGRESS}:
            one.error = 0
            if probe.protocol == UDP:
                try:
                    client.send(ASKING + one.number.to_bytes(8))
                except OSError as error:
                    one.error = error.errno or 0
        if one.error not in {0, errno.EPERM}:  # EPERM: our own output chain; not a word from the network
            client.close()
            return
        one.error = 0
        wanted = selectors.EVENT_READ if probe.protocol == UDP else selectors.EVENT_WRITE
        self._selector.register(client, wanted, lambda: self._progress(one))

    def _progress(self, one: _Open) -> int | None:
        """The end of a connection: its number; None where more is to come."""
        client = one.socket
        try:
            if one.probe.protocol == TCP and not one.error:
                if error := client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    raise OSError(error, os.strerror(error))
                if self._selector.get_key(client).events == selectors.EVENT_WRITE:  # connected: now listen
                    self._selector.modify(client, selectors.EVENT_READ, lambda: self._progress(one))
                    return None
            text = client.recv(1000)
            one.answer = _read(text)
        except BlockingIOError:
            return None
        except OSError as error:
            one.error = error.errno or 0
        self._finish(one)
        return one.number

    def _finish(self, one: _Open) -> None:
        with suppress(KeyError, ValueError):
            self._selector.unregister(one.socket)
        one.socket.close()

    # --- what was seen ------------------------------------------------------------------------------------

    def _gather(self, opened: Sequence[_Open]) -> dict[int, list[Sight]]:
        """The sights of each connection, by its number, the client's first."""
        seen = [sight for lookout in self._lookouts.values() for sight in lookout.seen()]
        by_port = {(one.probe.protocol, one.source_port): one.number for one in opened}
        known = {
            (TCP, sight.number): by_port[TCP, sight.source_port]
            for sight in seen
            if sight.step is Step.ASKS and (TCP, sight.source_port) in by_port and sight.protocol == TCP
        }
        known |= {
            (TCP, sight.own_number): known[TCP, sight.number]
            for sight in seen
            if sight.step is Step.ANSWERS and (TCP, sight.number) in known and sight.protocol == TCP
        }
        sights: dict[int, list[Sight]] = {one.number: [] for one in opened}
        for sight in seen:
            number = sight.number if sight.protocol == UDP else known.get((TCP, sight.number))
            if number in sights:
                sights[number].append(sight)
        return sights

    def _tracked(self) -> list[str]:
        with self.hosts[self.gateway].entered():
            return Path("/proc/thread-self/net/nf_conntrack").read_text().splitlines()


def _kind(protocol: int) -> socket.SocketKind:
    return socket.SOCK_STREAM if protocol == TCP else socket.SOCK_DGRAM


def _accept(name: str, server: socket.socket) -> None:
    with suppress(OSError):  # reset before it was accepted
        connection, (source, source_port, *_) = server.accept()
        with connection:
            address, port, *_ = connection.getsockname()
            connection.send(_say(Answer(name, source, source_port, address, port)))


def _reply(name: str, port: int, server: socket.socket) -> None:
    """Answer by the address that was asked, which a wildcard socket would choose by its routes."""
    try:
        text, controls, _, client = server.recvmsg(1000, 256)
    except OSError:  # an ICMP error about an earlier answer
        return
    level, kind, info = controls[0]
    if level == socket.IPPROTO_IP:
        address = socket.inet_ntop(socket.AF_INET, info[8:12])
        info = struct.pack("I4s4s", 0, info[8:12], b"")
    else:
        assert kind == _PKTINFO6
        address = socket.inet_ntop(socket.AF_INET6, info[:16])
        info = info[:16] + struct.pack("I", 0)
    said = ANSWERING + text[len(ASKING) :] + _say(Answer(name, client[0], client[1], address, port))
    with suppress(OSError):  # no way back, or not let out: the client will see nothing
        server.sendmsg([said], [(level, kind, info)], 0, client)


def _say(answer: Answer) -> bytes:
    words = (answer.host, answer.source, answer.source_port, answer.address, answer.port)
    return " ".join(map(str, words)).encode()


def _read(text: bytes) -> Answer:
    if text.startswith(ANSWERING):
        text = text[len(ANSWERING) + 8 :]
    host, source, source_port, address, port = text.decode().split(" ")
    return Answer(host, source, int(source_port), address, int(port))

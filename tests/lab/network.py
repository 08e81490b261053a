"""Networks out of kernel namespaces, written as one would draw them.

A host is a network namespace, a link is a veth pair, a bridge is a namespace of its own that switches. All
of a network's devices live in its namespaces and nowhere else, so deleting those leaves nothing behind, and
the machine's own interfaces are never touched. Names begin with the pid of their maker: what a crashed run
left is known by its dead maker, and removed by the next run.

    with Network() as network:
        server, laptop = network.hosts("server", "laptop")
        lan = network.bridge("lan")
        lan.plug(server, "lan0", "192.168.1.53/24", "fd00:1::53/64")
        lan.plug(laptop, "eth0", "192.168.1.10/24", "fd00:1::10/64")
        laptop.run("ping", "-c1", "192.168.1.53")

It needs root. Nothing here knows of DNS or of packet filters; a VPN is one more kind of link.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.lab.daemon import Daemon

_PREFIX = "sdlab"
_CLONE_NEWNET = 0x40000000

# Addresses must answer at once: no duplicate address detection, no router advertisements.
_SYSCTLS = {
    "net/ipv6/conf/all/accept_dad": "0",
    "net/ipv6/conf/default/accept_dad": "0",
    "net/ipv6/conf/default/accept_ra": "0",
}


def unavailable() -> str | None:
    """Why no network can be built here, for a person; None where one can."""
    if os.geteuid() != 0:
        return "needs root (network namespaces)"
    name = f"{_PREFIX}-{os.getpid()}-probe{secrets.token_hex(2)}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True)
    except FileNotFoundError:
        return "needs the ip command (Debian package iproute2)"
    if made.returncode:
        return f"cannot make network namespaces: {made.stderr.strip()}"
    subprocess.run(["ip", "netns", "del", name], check=True)
    return None


@dataclass(eq=False)
class Host:
    """One network namespace."""

    name: str
    namespace: str
    directory: Path
    _daemons: list[Daemon] = field(default_factory=list)

    def ip(self, *commands: str) -> None:
        """Run ``ip`` commands here, in one go: ``host.ip("link set eth0 mtu 1400")``."""
        _ip(*commands, namespace=self.namespace)

    def address(self, interface: str, *addresses: str) -> None:
        """Give ``interface`` these addresses with their prefix lengths, and bring it up."""
        self.ip(*_address_commands(interface, addresses), f"link set {interface} up")

    def sysctl(self, values: Mapping[str, str]) -> None:
        """Set kernel parameters here, by their paths: ``{"net/ipv4/ip_forward": "1"}``."""
        with self.entered():
            for path, value in values.items():
                Path("/proc/sys", path).write_text(value)

    def switch(self, interface: str, ports: Sequence[str], *addresses: str) -> None:
        """Make ``ports``, interfaces that are here, one link; this host is on it by ``interface``."""
        self.ip(
            f"link add {interface} type bridge forward_delay 0 stp_state 0",
            *(f"link set {port} master {interface} up" for port in ports),
        )
        self.address(interface, *addresses)

    def route(self, destination: str, via: str) -> None:
        family = "-6" if ":" in via else "-4"
        self.ip(f"{family} route add {destination} via {via}")

    def command(self, *argv: str) -> list[str]:
        return ["ip", "netns", "exec", self.namespace, *argv]

    def run(
        self, *argv: str, check: bool = True, timeout_s: float = 300, text_in: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run a command here to its end and capture what it prints."""
        done = subprocess.run(
            self.command(*argv), capture_output=True, text=True, timeout=timeout_s, input=text_in
        )
        if check and done.returncode:
            printed = done.stderr or done.stdout
            raise AssertionError(f"{self.name}: {' '.join(argv)} exited {done.returncode}: {printed}")
        return done

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> Daemon:
        """Start a command here that goes on until it, or the network, is stopped."""
        log = self.directory / f"{self.name}.{len(self._daemons)}.{Path(argv[0]).name}.log"
        daemon = Daemon(self.command(*argv), log, env)
        self._daemons.append(daemon)
        return daemon

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        """A socket that belongs to this host; the calling thread stays where it is."""
        with self.entered():
            return socket.socket(family, kind)

    def stop(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.stop()
        self._daemons.clear()

    @contextmanager
    def entered(self) -> Iterator[None]:
        """The calling thread inside this namespace; setns(2) moves one thread only."""
        home = os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)
        there = os.open(f"/run/netns/{self.namespace}", os.O_RDONLY)
        try:
            _setns(there)
            try:
                yield
            finally:
                _setns(home)
        finally:
            os.close(there)
            os.close(home)


@dataclass(eq=False)
class Bridge:
    """A switch: every interface that is plugged in is on one link."""

    _host: Host
    _ports: int = 0

    def plug(self, host: Host, interface: str, *addresses: str) -> None:
        """Connect ``host`` by a new interface with these addresses."""
        port = f"p{self._ports}"
        self._ports += 1
        _cable(host, interface, self._host, port)
        self._host.ip(f"link set {port} master br0 up")
        host.address(interface, *addresses)


class Network:
    """Hosts and what connects them; leaving it removes all of it."""

    def __init__(self) -> None:
        remove_stale()
        self._stem = f"{_PREFIX}-{os.getpid()}-{secrets.token_hex(2)}"
        self.directory = Path(tempfile.gettempdir(), self._stem)  # goes away with the network
        self.directory.mkdir()
        self._hosts: list[Host] = []

    def __enter__(self) -> Self:
        atexit.register(self.close)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def host(self, name: str) -> Host:
        return self.hosts(name)[0]

    def hosts(self, *names: str) -> tuple[Host, ...]:
        made = tuple(Host(name, f"{self._stem}-{name}", self.directory) for name in names)
        _ip(*(f"netns add {host.namespace}" for host in made))
        self._hosts.extend(made)
        for host in made:
            host.sysctl(_SYSCTLS)
            host.ip("link set lo up")
        return made

    def bridge(self, name: str) -> Bridge:
        host = self.host(name)
        host.ip("link add br0 type bridge forward_delay 0 stp_state 0", "link set br0 up")
        return Bridge(host)

    def link(self, one: tuple[Host, str, Sequence[str]], other: tuple[Host, str, Sequence[str]]) -> None:
        """A cable between two hosts; each end is (host, interface, addresses)."""
        _cable(one[0], one[1], other[0], other[1])
        for host, interface, addresses in (one, other):
            host.address(interface, *addresses)

    def close(self) -> None:
        atexit.unregister(self.close)
        for host in reversed(self._hosts):
            host.stop()
        if self._hosts:
            _ip(*(f"netns del {host.namespace}" for host in reversed(self._hosts)))
        self._hosts.clear()
        shutil.rmtree(self.directory, ignore_errors=True)


def remove_stale() -> None:
    """Remove the networks of makers that are gone, and the processes that still run in them."""
    for directory in Path(tempfile.gettempdir()).glob(f"{_PREFIX}-*"):
        if _is_stale(directory.name):
            shutil.rmtree(directory, ignore_errors=True)
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    for line in listed.splitlines():
        namespace = line.split()[0]
        if not _is_stale(namespace):
            continue
        inside = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True).stdout
        for pid in map(int, inside.split()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        # Another run may be cleaning too; what is gone is gone.
        subprocess.run(["ip", "netns", "del", namespace], capture_output=True)


def _is_stale(name: str) -> bool:
    """Whether ``name`` is of ours, and its maker is gone."""
    prefix, _, rest = name.partition("-")
    maker = rest.partition("-")[0]
    return prefix == _PREFIX and maker.isdigit() and not Path("/proc", maker).exists()


def _cable(one: Host, interface: str, other: Host, other_interface: str) -> None:
    _ip(
        f"link add {interface} netns {one.namespace} type veth"
        f" peer name {other_interface} netns {other.namespace}"
    )


def _address_commands(interface: str, addresses: Sequence[str]) -> Iterator[str]:
    for address in addresses:
        yield f"address add {address} dev {interface}" + (" nodad" if ":" in address else "")


def _ip(*commands: str, namespace: str | None = None) -> None:
    """Run ``ip`` commands in one process.

    Raises:
        AssertionError: one of them failed; the text says which.
    """
    where = [] if namespace is None else ["-n", namespace]
    if len(commands) == 1:
        argv, text = ["ip", *where, *commands[0].split()], None
    else:
        argv, text = ["ip", *where, "-batch", "-"], "\n".join(commands)
    done = subprocess.run(argv, input=text, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"ip {commands} exited {done.returncode}: {done.stderr}")


def _setns(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")

"""The sockets of all workers, opened once, and who is in the way where that fails.

Port 53 is seldom free on a machine that somebody already uses: the error names the process that holds it and
what to do about it.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from splitdns.errors import ConfigError, Where
from splitdns.load.configvalues import Listen
from splitdns.serve.sockets import open_tcp, open_udp

_REMEDIES = {
    "systemd-resolve": "set DNSStubListener=no in /etc/systemd/resolved.conf, and restart systemd-resolved",
    "dnsmasq": "stop it, or set port=0 in its configuration where it is only the DHCP server",
}
_LISTENING = "0A"  # a TCP socket's state in /proc/net/tcp


@dataclass(frozen=True, slots=True)
class Sockets:
    """A worker's own sockets; the supervisor keeps them open, for the worker that may have to follow."""

    udp: list[socket.socket]
    tcp: list[socket.socket]


def open_sockets(listen: Sequence[tuple[Listen, Where]], workers: int) -> list[Sockets]:
    """For each worker, a UDP and a TCP socket at each address; port 0 becomes the same free port for all.

    Raises:
        ExceptionGroup[ConfigError]: the addresses that cannot be used, each with the reason and the remedy.
    """
    slots = [Sockets([], []) for _ in range(workers)]
    errors: list[ConfigError] = []
    for address, where in listen:
        try:
            _open(address, slots)
        except OSError as error:
            errors.append(ConfigError(where, f"cannot listen on {address}: {_reason(address.port, error)}"))
    if errors:
        for slot in slots:
            for sock in (*slot.udp, *slot.tcp):
                sock.close()
        raise ExceptionGroup("addresses that cannot be used", errors)
    return slots


def _open(address: Listen, slots: Sequence[Sockets]) -> None:
    if address.port:
        _probe(address)
    port = address.port
    for slot in slots:
        udp = open_udp(address.host, port)
        slot.udp.append(udp)
        port = udp.getsockname()[1]
        slot.tcp.append(open_tcp(address.host, port))


def _probe(address: Listen) -> None:
    """Fail where another process has the port: SO_REUSEPORT would share it with one of the same user.

    Raises:
        OSError: it is taken.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(family, kind) as sock:
            if kind is socket.SOCK_STREAM:  # connections that linger are in nobody's way
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            found = socket.getaddrinfo(address.host, str(address.port), family, kind, flags=flags)
            sock.bind(found[0][4])


def _reason(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        name = holder(port)
        if name is None:
            return f"port {port} is in use by another process"
        remedy = next((text for start, text in _REMEDIES.items() if name.startswith(start)), "stop it")
        return f"port {port} is in use by {name}: {remedy}"
    if error.errno == errno.EACCES:
        return (
            f"ports below 1024 need a permission: start it as root, give Python cap_net_bind_service, "
            f"or lower net.ipv4.ip_unprivileged_port_start to {port}"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return "this machine does not have that address"
    return error.strerror or str(error)


def holder(port: int, proc: Path = Path("/proc")) -> str | None:
    """The name and process id of who listens on ``port``, as far as we may see (proc(5))."""
    inodes = set()
    for table in ("udp", "udp6", "tcp", "tcp6"):
        with suppress(OSError):
            for line in (proc / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                listens = table.startswith("udp") or fields[3] == _LISTENING
                if listens and int(fields[1].rpartition(":")[2], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    for process in sorted(path for path in proc.iterdir() if path.name.isdigit()) if inodes else ():
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(descriptor) in inodes:
                        return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return None

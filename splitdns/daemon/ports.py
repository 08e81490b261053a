"""The sockets of all workers, opened once, and who is in the way where that fails.

Port 53 is seldom free on a machine that somebody already uses: the error names the process that holds it and
what to do about it.
"""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from splitdns.daemon.worker import Sockets
from splitdns.errors import ConfigError
from splitdns.load.configvalues import Listen
from splitdns.load.settings import Settings
from splitdns.serve.sockets import open_tcp, open_udp

_REMEDIES = {
    "systemd-resolve": "set DNSStubListener=no in /etc/systemd/resolved.conf, and restart systemd-resolved",
    "dnsmasq": "stop it, or set port=0 in its configuration where it is only the DHCP server",
}
_LISTENING = "0A"  # a TCP socket's state in /proc/net/tcp
_BOTH = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
_PORT_TRIES = 100  # for a port that is free for both protocols, where port 0 asks for any


def open_sockets(settings: Settings, workers: int) -> list[Sockets]:
    """For each worker, a UDP and a TCP socket at each address; port 0 becomes the same free port for all.

    ``[::]`` alone on its port takes IPv4 too; beside an IPv4 address, it leaves that family to it.
    An address that only the embedded default names, and that this machine lacks, is left out.

    Raises:
        ExceptionGroup[ConfigError]: the addresses that cannot be used, each with the reason and the remedy.
    """
    slots = [Sockets([], []) for _ in range(workers)]
    errors: list[ConfigError] = []
    for at, address in enumerate(settings.listen):
        try:
            _open(address, slots, _takes_both(address, settings.listen))
        except OSError as error:
            absent = error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
            if not absent or settings.is_written("listen"):
                where = settings.where(("listen", at))
                errors.append(ConfigError(where, f"cannot listen on {address}: {_reason(address, error)}"))
    if errors:
        for slot in slots:
            slot.close()
        raise ExceptionGroup("addresses that cannot be used", errors)
    return slots


def _takes_both(address: Listen, every: Sequence[Listen]) -> bool:
    beside = any(":" not in other.host and other.port == address.port for other in every)
    return address.host == "::" and not beside


def open_admin(address: Listen) -> socket.socket:
    """The admin endpoint's socket, which nobody shares.

    Raises:
        OSError: it cannot be had; its only argument is the reason, with the remedy.
    """
    try:
        if address.port:
            _probe(address, False, (socket.SOCK_STREAM,))
        return open_tcp(address.host, address.port)
    except OSError as error:
        raise OSError(_reason(address, error)) from None


def _open(address: Listen, slots: Sequence[Sockets], both_families: bool) -> None:
    for left in reversed(range(1 if address.port else _PORT_TRIES)):
        opened: list[socket.socket] = []
        try:
            if address.port:
                _probe(address, both_families)
            port = address.port
            for _ in slots:
                opened.append(open_udp(address.host, port, both_families=both_families))
                port = opened[-1].getsockname()[1]
                opened.append(open_tcp(address.host, port, both_families=both_families))
        except OSError as error:
            for sock in opened:
                sock.close()
            if error.errno != errno.EADDRINUSE or not left:
                raise
        else:
            break
    for slot, udp, tcp in zip(slots, opened[::2], opened[1::2], strict=True):
        slot.udp.append(udp)
        slot.tcp.append(tcp)


def _probe(address: Listen, both_families: bool, kinds: Sequence[int] = _BOTH) -> None:
    """Fail where another process has the port: SO_REUSEPORT would share it with one of the same user.

    Raises:
        OSError: it is taken.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    for kind in kinds:
        with socket.socket(family, kind) as sock:
            if kind is socket.SOCK_STREAM:  # connections that linger are in nobody's way
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family is socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not both_families)
            found = socket.getaddrinfo(address.host, str(address.port), family, kind, flags=flags)
            sock.bind(found[0][4])


def _reason(address: Listen, error: OSError) -> str:
    port = address.port
    match error.errno:
        case errno.EADDRINUSE:
            name = holder(address)
            if name is None:
                return f"port {port} is in use by another process"
            remedy = next((text for start, text in _REMEDIES.items() if name.startswith(start)), "stop it")
            return f"port {port} is in use by {name}: {remedy}"
        case errno.EACCES:
            return (
                f"port {port} needs a permission: start splitdns as root, give its service the capability "
                f"cap_net_bind_service, or lower net.ipv4.ip_unprivileged_port_start to {port}"
            )
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address"
    return error.strerror or str(error)


def holder(address: Listen, proc: Path = Path("/proc")) -> str | None:
    """The name and process id of who listens on ``address``, as far as we may see (proc(5))."""
    inodes = {f"socket:[{inode}]" for inode in _inodes(address, proc / "net")}
    for process in sorted(path for path in proc.iterdir() if path.name.isdigit()) if inodes else ():
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                with suppress(OSError):
                    if os.readlink(descriptor) in inodes:
                        return f"{(process / 'comm').read_text().strip()} (process {process.name})"
    return None


def _inodes(address: Listen, net: Path) -> Iterator[str]:
    """The sockets that are bound to the port and to an address that overlaps."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    packed = socket.inet_pton(family, address.host.partition("%")[0])
    ours = "".join(f"{word:08X}" for word in struct.unpack(f"={len(packed) // 4}I", packed))
    for table in ("udp", "udp6", "tcp", "tcp6"):
        with suppress(OSError):
            for line in (net / table).read_text().splitlines()[1:]:
                fields = line.split()
                host, _, port = fields[1].rpartition(":")
                listens = table.startswith("udp") or fields[3] == _LISTENING
                overlaps = address.is_wildcard or host == ours or not host.strip("0")
                if listens and overlaps and int(port, 16) == address.port:
                    yield fields[9]

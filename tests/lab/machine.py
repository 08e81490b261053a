"""Where a daemon runs: a host of a network, or this machine as it is."""

from __future__ import annotations

import random
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from tests.lab.daemon import Daemon

_PORTS = 10_240, 32_767  # Linux's ephemeral ports begin above
_RANDOM = random.SystemRandom()  # hypothesis seeds the usual one, in every process alike


class Machine(Protocol):
    """What peers need to know of a host; ``lab.network.Host`` is one."""

    @property
    def directory(self) -> Path: ...

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> Daemon: ...

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket: ...

    def stop(self) -> None: ...


class Here:
    """This machine itself, for daemons on loopback; needs no privilege."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._daemons: list[Daemon] = []

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> Daemon:
        daemon = Daemon(argv, self.directory / f"{len(self._daemons)}.{Path(argv[0]).name}.log", env)
        self._daemons.append(daemon)
        return daemon

    def socket(self, family: socket.AddressFamily, kind: socket.SocketKind) -> socket.socket:
        return socket.socket(family, kind)

    def stop(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.stop()
        self._daemons.clear()


def own_directory(within: Path, name: str) -> Path:
    """A new directory that nobody else has, for one of perhaps several servers of this name."""
    number = 0
    while True:
        directory = within / f"{name}.{number}"
        try:
            directory.mkdir()
        except FileExistsError:
            number += 1
            continue
        return directory


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has, over UDP and TCP; another may take it before we do.

    From below the kernel's ephemeral ports: whoever asks a server may be given one of those at any moment.
    """
    while True:
        port = _RANDOM.randint(*_PORTS)
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
        ):
            try:
                udp.bind(("127.0.0.1", port))
                tcp.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port

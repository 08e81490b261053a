"""What the bench knows of a server that runs, and how it keeps files and ports of several apart."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench import questions
from tests.bench.measure import Bench, Pinned
from tests.bench.questions import HORIZONS, INSIDE, OUTSIDE
from tests.lab.daemon import Daemon
from tests.lab.machine import free_port, own_directory

NETWORKS = {INSIDE: "127.1.0.0/16", OUTSIDE: "127.2.0.0/16"}
FIRST_CLIENT = {INSIDE: "127.1.0.1", OUTSIDE: "127.2.0.1"}
_CLIENTS = 16
_READY_S = 120.0
_PATIENCE_S = 0.05


@dataclass(frozen=True)
class View:
    """Whose question gets the addresses of which horizon."""

    name: str
    network: str
    horizon: str


class Data:
    """What a stage's servers serve: so many names, the same in each view but for the addresses.

    Forwarders have no names; they ask the ``upstream`` at this port.
    """

    def __init__(self, directory: Path, names: int = 0, views: int = 2) -> None:
        self.names = names
        self.upstream = free_port()
        self.views = _views(views)
        self.clients = _CLIENTS if views <= 2 else views // 2  # of either horizon: each view has one
        self.horizons = tuple(dict.fromkeys(view.horizon for view in self.views))
        self.zones = {
            horizon: questions.zone(directory / f"{questions.APEX}{horizon}", names, horizon)
            for horizon in self.horizons
        }


def _views(count: int) -> tuple[View, ...]:
    """One for everybody, two by network, or more: each with one client, and every other one outside."""
    if count == 1:
        return (View("everyone", "127.0.0.0/8", INSIDE),)
    if count == 2:
        return tuple(View(horizon, NETWORKS[horizon], horizon) for horizon in HORIZONS)
    hosts = (f"{number >> 8 & 255}.{number & 255}" for number in range(1, count // 2 + 1))
    return tuple(
        View(f"{horizon}{number}", f"{NETWORKS[horizon].removesuffix('.0.0/16')}.{host}/32", horizon)
        for number, host in enumerate(hosts)
        for horizon in HORIZONS
    )


@dataclass(frozen=True)
class Running:
    """A server that runs.

    ``expected`` is what clients inside and those outside are told: the same by a server without views.
    ``beside`` are daemons that work for it. It was started at ``begun_s``.
    """

    port: int
    daemon: Daemon
    begun_s: float
    expected: tuple[str, str] = HORIZONS
    beside: tuple[Daemon, ...] = ()
    workers: int = 1


@dataclass(frozen=True)
class Started:
    """How a start went: seconds to the first answer, and what it takes up then."""

    first_s: float
    memory_octets: int


Start = Callable[[Bench, Data], Running]


@dataclass(frozen=True)
class Contestant:
    """A server: by what command it is known, and how it is started."""

    command: str
    start: Start


@dataclass(frozen=True)
class Setup:
    """How a server is started: its command, and its configuration, by name of the file.

    In both, ``@PORT@``, ``@DIRECTORY@`` and ``@NAME@`` of each value stand for what they say.
    """

    command: tuple[str, ...]
    files: Mapping[str, str]
    env: Mapping[str, str] | None = None

    def start(self, machine: Pinned, **values: object) -> Running:
        """Start it in a directory of its own, with a port of its own."""
        port, directory = free_port(), own_directory(machine.directory, Path(self.command[0]).name)
        values |= {"PORT": port, "DIRECTORY": directory}

        def filled(text: str) -> str:
            for word, value in values.items():
                text = text.replace(f"@{word}@", str(value))
            return text

        for name, text in self.files.items():
            (directory / name).write_text(filled(text))
        command = [filled(word) for word in self.command]
        begun_s = time.monotonic()  # it may keep us from our core as soon as it is there
        return Running(port, machine.start(*command, env=self.env), begun_s)


def await_answer(server: Running, name: str, client: str = FIRST_CLIENT[INSIDE]) -> None:
    """Wait until ``server`` gives an address of ``name``.

    Raises:
        AssertionError: it ended, or does not in time; the text has what it printed.
    """
    awaited(server, lambda: _answers(server.port, name, client))


def awaited(server: Running, answers: Callable[[], bool]) -> None:
    """Wait until ``server`` does.

    Raises:
        AssertionError: it ended, or does not in time; the text has what it printed.
    """
    deadline_s = time.monotonic() + _READY_S
    while not answers():
        printed = server.daemon.output[-4000:]
        assert server.daemon.running, f"{server.daemon.argv} ended: {printed}"
        assert time.monotonic() < deadline_s, f"{server.daemon.argv} does not answer: {printed}"


def _answers(port: int, name: str, client: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(_PATIENCE_S)
        asker.bind((client, 0))
        asker.connect(("127.0.0.1", port))
        try:
            asker.send(questions.wire(name))
            reply = asker.recv(4096)
        except TimeoutError:
            return False
        except OSError:  # nobody is there yet
            time.sleep(0.002)
            return False
    return len(reply) >= 12 and reply[3] & 0x0F == 0

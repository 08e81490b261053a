"""One turn of one server: how many answers, at what price; and what else the machine did meanwhile."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.generator import Found
from tests.lab.daemon import Daemon
from tests.lab.machine import Here

SERVER_CORE, GENERATOR_CORE = 0, 1
FOREIGN_CORES = 0.2  # more work of others than this spoils a measurement
# A mapping in /proc/PID/smaps: its inode and path, its size, and our share of what is in memory (proc(5)).
_MAPPING = re.compile(
    r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (?P<inode>\d+) *(?P<path>.*)\n"
    r"Size: +(?P<size>\d+) kB\n(?:(?!Pss:).*\n)*?Pss: +(?P<pss>\d+) kB",
    re.MULTILINE,
)
_TICKS = os.sysconf("SC_CLK_TCK")


# A session that has a nice value of its own (sched(7), autogroup): that of a process counts within it only.
_FIRST = ["sh", "-c", 'echo -15 2>/dev/null >/proc/self/autogroup; exec nice -n -15 "$@"', "sh"]


def pinned(*cores: int) -> list[str]:
    """What comes before a command, in a session of its own, that is to run on these cores.

    And before others, if we may say so.
    """
    listed = ",".join(map(str, cores))
    words = ["taskset", "-c", listed] if (os.cpu_count() or 1) > 1 else []
    return [*_FIRST, *words] if os.geteuid() == 0 else words


class Pinned(Here):
    """This machine, with every daemon on the same cores."""

    def __init__(self, directory: Path, *cores: int) -> None:
        super().__init__(directory)
        self._pinned = pinned(*cores)

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> Daemon:
        return super().start(*self._pinned, *argv, env=env)


class Bench(Pinned):
    """Where servers run: on one core. Who works for them runs ``beside`` the generator, on the other one.

    What has several workers runs on ``both``.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, SERVER_CORE)
        self.beside = Pinned(directory / "beside", GENERATOR_CORE)
        self.both = Pinned(directory / "both", SERVER_CORE, GENERATOR_CORE)
        for machine in (self.beside, self.both):
            machine.directory.mkdir()

    def stop(self) -> None:
        super().stop()
        self.beside.stop()
        self.both.stop()


@dataclass(frozen=True)
class Turn:
    """What the generator found, and what the answers cost: ``cpu_us`` is the server's time for each.

    ``shares`` are what part of it each of its processes had, the largest first. ``foreign_cores`` is what
    others worked meanwhile.
    """

    found: Found
    cpu_us: float
    shares: tuple[float, ...]
    foreign_cores: float

    @property
    def is_disturbed(self) -> bool:
        return self.foreign_cores > FOREIGN_CORES


def turn(server: Daemon, beside: tuple[Daemon, ...], ask: Callable[[], Found]) -> Turn:
    """Let the generator ask; ``beside`` are other daemons that work for the server."""
    before, beside_s = cpu_by_process_s(server), sum(map(cpu_s, beside))
    others_s, children_s, started_s = _machine_cpu_s(), _children_cpu_s(), time.monotonic()
    found = ask()
    took_s = time.monotonic() - started_s
    others_s, children_s = _machine_cpu_s() - others_s, _children_cpu_s() - children_s
    after, beside_s = cpu_by_process_s(server), sum(map(cpu_s, beside)) - beside_s
    spent = sorted((used - before.get(pid, 0.0) for pid, used in after.items()), reverse=True)
    server_s = sum(spent)
    return Turn(
        found,
        1e6 * server_s / max(found.answers, 1),
        tuple(one / server_s for one in spent) if server_s else (),
        max(0.0, others_s - server_s - beside_s - children_s) / took_s,
    )


def cpu_s(daemon: Daemon) -> float:
    """User and system time of a daemon and its children, also of those that are gone."""
    return sum(_stat_cpu_s(pid) for pid in _family(daemon))


def cpu_by_process_s(daemon: Daemon) -> dict[int, float]:
    """User and system time of a daemon and of each of its children, by process id."""
    return {pid: _stat_cpu_s(pid) for pid in _family(daemon)}


def memory_octets(daemon: Daemon) -> int:
    """Memory of a daemon and its children.

    A page that n of them share counts as one nth in each (PSS). Of a memory file every octet counts, once,
    also those that nobody has looked at since they were written.
    """
    kib = 0
    files: dict[str, int] = {}
    for pid in _family(daemon):
        for mapping in _MAPPING.finditer(Path(f"/proc/{pid}/smaps").read_text()):
            if mapping["path"].startswith("/memfd:"):
                files[mapping["inode"]] = max(files.get(mapping["inode"], 0), int(mapping["size"]))
            else:
                kib += int(mapping["pss"])
    return 1024 * (kib + sum(files.values()))


def _family(daemon: Daemon) -> Iterator[int]:
    """The processes of the session that a daemon leads."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                session = int(_fields(int(entry.name))[3])
            except OSError:  # gone meanwhile
                continue
            if session == daemon.pid:
                yield int(entry.name)


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name: state, ppid, pgrp, session …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _stat_cpu_s(pid: int) -> float:
    try:
        fields = _fields(pid)
    except OSError:
        return 0.0
    return sum(map(int, fields[11:15])) / _TICKS


def _machine_cpu_s() -> float:
    """What all cores have worked since the machine started: user, nice, system, irq and softirq."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / _TICKS


def _children_cpu_s() -> float:
    """What processes cost that we started and waited for, and what we ourselves cost."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system

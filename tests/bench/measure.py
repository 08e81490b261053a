"""One measurement each: a start, a process's memory and time, a burst of questions."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.lab.daemon import Daemon
from tests.lab.machine import Here

SERVER_CORE, GENERATOR_CORE = 0, 1
FOREIGN_CORES = 0.2  # more work of others than this spoils a measurement
WINDOW = 100  # questions in flight: a default receive buffer holds 250 packets, and a closed loop stalls
# A mapping in /proc/PID/smaps: its inode and path, its size, and our share of what is in memory (proc(5)).
_MAPPING = re.compile(
    r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ (?P<inode>\d+) *(?P<path>.*)\n"
    r"Size: +(?P<size>\d+) kB\n(?:(?!Pss:).*\n)*?Pss: +(?P<pss>\d+) kB",
    re.MULTILINE,
)
_TICKS = os.sysconf("SC_CLK_TCK")


def _on(core: int) -> list[str]:
    pinned = ["taskset", "-c", str(core)] if (os.cpu_count() or 1) > 1 else []
    return [*pinned, "nice", "-n", "-15"] if os.geteuid() == 0 else pinned


class Bench(Here):
    """This machine, with every server on the core that is not the generator's."""

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> Daemon:
        return super().start(*_on(SERVER_CORE), *argv, env=env)


@dataclass(frozen=True)
class Burst:
    """What dnsperf saw, and what it cost the server."""

    answers_per_s: float
    answers_per_cpu_s: float
    lost: int
    noerror: float  # share
    nxdomain: float
    foreign_cores: float


def burst(daemon: Daemon, port: int, questions: Path, seconds: float) -> Burst:
    """Ask as fast as answers come, from the other core.

    Raises:
        AssertionError: dnsperf failed.
    """
    argv = [
        *_on(GENERATOR_CORE), "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(questions),
        "-l", f"{seconds:g}", "-q", str(WINDOW), "-c", "1", "-T", "1", "-t", "2",
    ]  # fmt: skip
    server_s, others_s, started_s = cpu_s(daemon), _machine_cpu_s(), time.monotonic()
    children_s = _children_cpu_s()
    done = subprocess.run(argv, capture_output=True, text=True)
    took_s = time.monotonic() - started_s
    server_s, others_s = cpu_s(daemon) - server_s, _machine_cpu_s() - others_s
    others_s -= server_s + _children_cpu_s() - children_s
    assert done.returncode == 0, done.stderr
    completed = _number(r"Queries completed:\s+(\d+)", done.stdout)
    return Burst(
        _number(r"Queries per second:\s+([\d.]+)", done.stdout),
        completed / server_s if server_s else 0.0,
        int(_number(r"Queries lost:\s+(\d+)", done.stdout)),
        _number(r"NOERROR (\d+)", done.stdout) / max(completed, 1),
        _number(r"NXDOMAIN (\d+)", done.stdout) / max(completed, 1),
        max(0.0, others_s / took_s),
    )


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found[1]) if found else 0.0


def cpu_s(daemon: Daemon) -> float:
    """User and system time of a daemon and its children."""
    return sum(_stat_cpu_s(pid) for pid in _family(daemon))


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
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _machine_cpu_s() -> float:
    """What all cores have worked since the machine started: user, nice, system, irq and softirq."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / _TICKS


def _children_cpu_s() -> float:
    """What processes cost that we started and waited for, and what we ourselves cost."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system

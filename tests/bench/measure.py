"""One measurement each: a start, a process's memory and time, a burst of questions."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
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
    """This machine, with every server on one core: by default the one that is not the generator's."""

    def __init__(self, directory: Path, core: int = SERVER_CORE) -> None:
        super().__init__(directory)
        self._core = core

    def start(self, *argv: str, env: Mapping[str, str] | None = None) -> Daemon:
        return super().start(*_on(self._core), *argv, env=env)


@dataclass(frozen=True)
class Burst:
    """What dnsperf saw, and what it cost the server."""

    completed: int
    answers_per_s: float
    answers_per_cpu_s: float
    lost: int
    noerror: float  # share
    nxdomain: float
    foreign_cores: float


def burst(
    daemon: Daemon, port: int, questions: Path, seconds: float, beside: Sequence[Daemon] = ()
) -> Burst:
    """Ask as fast as answers come, from the other core; ``beside`` are daemons that it takes besides.

    Raises:
        AssertionError: dnsperf failed.
    """
    server_s, beside_s = cpu_s(daemon), sum(map(cpu_s, beside))
    others_s, children_s, started_s = _machine_cpu_s(), _children_cpu_s(), time.monotonic()
    printed = _dnsperf(port, questions, "-l", f"{seconds:g}")
    took_s = time.monotonic() - started_s
    server_s, beside_s = cpu_s(daemon) - server_s, sum(map(cpu_s, beside)) - beside_s
    others_s = _machine_cpu_s() - others_s - server_s - beside_s - (_children_cpu_s() - children_s)
    completed = _number(r"Queries completed:\s+(\d+)", printed)
    return Burst(
        int(completed),
        _number(r"Queries per second:\s+([\d.]+)", printed),
        completed / server_s if server_s else 0.0,
        int(_number(r"Queries lost:\s+(\d+)", printed)),
        _number(r"NOERROR (\d+)", printed) / max(completed, 1),
        _number(r"NXDOMAIN (\d+)", printed) / max(completed, 1),
        max(0.0, others_s / took_s),
    )


def once(port: int, questions: Path) -> None:
    """Ask each question one time, so that a cache knows the answer."""
    _dnsperf(port, questions, "-n", "1")


def latencies_s(port: int, questions: Path, seconds: float, pace_per_s: int) -> list[float]:
    """How long each answer took, in rising order, to questions at an even pace.

    Raises:
        AssertionError: dnsperf failed, or more than one answer in a hundred was lost.
    """
    printed = _dnsperf(port, questions, "-l", f"{seconds:g}", "-Q", str(pace_per_s), "-v")
    found = sorted(float(text) for text in re.findall(r"^> \w+ \S+ \S+ ([\d.]+)$", printed, re.MULTILINE))
    assert found, printed[-500:]
    assert _number(r"Queries lost:\s+(\d+)", printed) <= len(found) / 100, printed[-1000:]
    return found


def _dnsperf(port: int, questions: Path, *more: str) -> str:
    argv = [
        *_on(GENERATOR_CORE), "dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(questions),
        "-q", str(WINDOW), "-c", "1", "-T", "1", "-t", "2", *more,
    ]  # fmt: skip
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


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

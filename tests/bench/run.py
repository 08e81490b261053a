"""A run: each size, each server, in turns; medians of several rounds."""

from __future__ import annotations

import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rcode

from tests.bench import corpus, measure
from tests.bench.measure import Bench, Burst
from tests.lab import peers
from tests.lab.peers import Server

READY_S = 600.0
CONFIG = """\
listen: ["127.0.0.1:{port}"]
workers: 1
views:
  everyone: {clients: [any], horizon: [outside]}
zones: [ZONE]
limits: {responses_per_second: 10000000, exempt: []}  # counted for every query, and never reached
"""

_VERSIONS = {
    "nsd": ("nsd", "-v"),
    "knot": ("knotd", "-V"),
    "dnsmasq": ("dnsmasq", "-v"),
    "unbound": ("unbound", "-V"),
    "bind": ("named", "-v"),
    "knot resolver": ("kresd", "-V"),
}

Start = Callable[[Bench, Path], Server]

SERVERS: Mapping[str, Start] = {
    "splitdns": lambda bench, zone: peers.splitdns(
        bench, CONFIG.replace("ZONE", str(zone)), (corpus.APEX,), ready_s=READY_S
    ),
    "NSD": lambda bench, zone: peers.nsd(bench, {corpus.APEX: zone}, ready_s=READY_S),
    "Knot": lambda bench, zone: peers.knot(bench, {corpus.APEX: zone}, ready_s=READY_S),
}


@dataclass(frozen=True)
class Rate:
    """Answers per second over the rounds; ``per_cpu_s`` is per second of the server's processor time."""

    median: float
    least: float
    best: float
    per_cpu_s: float
    disturbed: bool  # others worked more than they should in at least one round

    def __str__(self) -> str:
        """In thousands, with a decimal where they are few."""
        digits = 0 if self.median >= 20_000 else 1
        median, least, best = (f"{value / 1000:.{digits}f}" for value in (self.median, self.least, self.best))
        return f"{median} ({least}–{best})" + (" (disturbed)" if self.disturbed else "")


@dataclass(frozen=True)
class Row:
    """One server with one size of zone."""

    server: str
    names: int
    load_s: float
    memory_octets: int
    warm: Rate
    cold: Rate


@dataclass(frozen=True)
class Effort:
    """How much is measured: a burst that others disturbed is repeated up to ``tries`` times."""

    rounds: int
    seconds: float
    tries: int


def run(sizes: Sequence[int], effort: Effort, say: Callable[[str], None]) -> list[Row]:
    """Measure every server at every size; the servers take turns, so that a slow phase meets them all."""
    rows = []
    for names in sizes:
        with tempfile.TemporaryDirectory(prefix="splitdns-bench-") as directory:
            say(f"{names:,} names: writing the zone")
            written = corpus.write(Path(directory), names, effort.rounds)
            bench = Bench(Path(directory))
            try:
                rows += _at_size(bench, written, effort, say)
            finally:
                bench.stop()
    return rows


def _at_size(
    bench: Bench, written: corpus.Corpus, effort: Effort, say: Callable[[str], None]
) -> list[Row]:
    running: dict[str, tuple[Server, float, int]] = {}
    for name, start in SERVERS.items():
        say(f"{written.names:,} names: starting {name}")
        started_s = time.monotonic()
        server = start(bench, written.zone)
        _check(server, written.names)
        load_s = time.monotonic() - started_s
        running[name] = (server, load_s, measure.memory_octets(server.daemon))
    bursts: dict[tuple[str, str], list[Burst]] = {}
    for number in range(effort.rounds):
        for kind, questions in (("warm", written.warm), ("cold", written.cold[number])):
            for name, (server, _, _) in running.items():
                say(f"{written.names:,} names: round {number + 1} of {effort.rounds}, {kind}, {name}")
                bursts.setdefault((name, kind), []).append(_undisturbed(server, questions, effort))
    return [
        Row(name, written.names, load_s, octets, rate(bursts[name, "warm"]), rate(bursts[name, "cold"]))
        for name, (_, load_s, octets) in running.items()
    ]


def _undisturbed(server: Server, questions: Path, effort: Effort) -> Burst:
    found = measure.burst(server.daemon, server.port, questions, effort.seconds)
    for _ in range(effort.tries - 1):
        if found.foreign_cores <= measure.FOREIGN_CORES:
            break
        found = measure.burst(server.daemon, server.port, questions, effort.seconds)
    share = found.nxdomain / (found.noerror + found.nxdomain or 1)
    assert abs(share - corpus.NEGATIVE_SHARE) < 0.07, f"{server.name} gives wrong rcodes: {found}"
    assert found.noerror + found.nxdomain > 0.99, f"{server.name} gives errors: {found}"
    return found


def rate(bursts: Sequence[Burst]) -> Rate:
    """What several bursts come to."""
    rates = [burst.answers_per_s for burst in bursts]
    return Rate(
        statistics.median(rates),
        min(rates),
        max(rates),
        statistics.median(burst.answers_per_cpu_s for burst in bursts),
        any(burst.foreign_cores > measure.FOREIGN_CORES for burst in bursts),
    )


def _check(server: Server, names: int) -> None:
    """The first and the last name are there, and what is not is not."""
    for label, rcode in (
        (corpus.name(0), dns.rcode.NOERROR),
        (corpus.name(names - 1), dns.rcode.NOERROR),
        ("no-such-host", dns.rcode.NXDOMAIN),
    ):
        query = dns.message.make_query(f"{label}.{corpus.APEX}", "A")
        reply = dns.query.udp(query, server.address, port=server.port, timeout=5)
        assert reply.rcode() == rcode, f"{server.name} says {reply}"


def machine() -> dict[str, object]:
    """What the figures were taken on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        "unknown",
    )
    memory_kib = int(Path("/proc/meminfo").read_text().split()[1])
    return {
        "processor": model,
        "cores": sum(1 for _ in Path("/sys/devices/system/cpu").glob("cpu[0-9]*")),
        "memory_gib": round(memory_kib / 2**20),
        "kernel": platform.release(),
        "python": sys.version.split()[0],
        **{name: _version(*argv) for name, argv in _VERSIONS.items() if not peers.missing(argv[0])},
    }


def _version(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True)
    return (done.stdout + done.stderr).split("\n", 1)[0]


def as_json(rows: Sequence[Any]) -> list[dict[str, object]]:
    """Dataclasses as JSON objects."""
    return [asdict(row) for row in rows]

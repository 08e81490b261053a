"""Forwarders beside one another: answers from the cache (hits) and by way of the upstream (misses).

The upstream is NSD with a wildcard, which answers far faster than anybody here can ask it, and as tersely as
resolvers do; it shares the generator's core, so that all of the other one is the forwarder's.
"""

from __future__ import annotations

import statistics
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random

from tests.bench import measure
from tests.bench.contestants import CONTESTANTS, ready
from tests.bench.measure import Bench, Burst
from tests.bench.run import Effort, Rate, rate
from tests.lab import peers
from tests.lab.peers import Server

LOST = 0.0001  # of the questions of a burst: what a full socket drops
APEX = "bench.example.org."
# Every name exists, but for those under "no": that one exists, and has nothing beneath it (RFC 4592 2.2).
ZONE = f"""\
$ORIGIN {APEX}
$TTL 3600
@ SOA ns hostmaster 1 3600 900 604800 3600
@ NS ns
ns A 45.0.2.53
no A 45.0.2.1
* A 45.0.2.2
"""
NEGATIVE_SHARE = 0.1
WARM_NAMES = 1_000
MOST_PER_S = 60_000  # misses: so many questions are at hand, for none may come twice
PACE_PER_S = 1_000  # at which latency is measured: what everybody here can bear


@dataclass(frozen=True)
class Latency:
    """Of a question at an even pace, in seconds: medians over the rounds."""

    median_s: float
    p99_s: float

    def __str__(self) -> str:
        return f"{1000 * self.median_s:.2f}, {1000 * self.p99_s:.2f} ms"


@dataclass(frozen=True)
class Forwarded:
    """One forwarder."""

    server: str
    hits: Rate
    misses: Rate
    hit: Latency
    miss: Latency
    memory_octets: int


class Names:
    """Files of questions, nine in ten about names that exist; no name is in two of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = count()
        self._rng = Random(1)
        self.warm = self._write("warm", WARM_NAMES)

    def cold(self, many: int) -> Path:
        """Names that nobody has asked for yet; the file before is gone."""
        return self._write("cold", many)

    def _write(self, name: str, many: int) -> Path:
        path = self._directory / name
        with path.open("w") as file:
            for number in islice(self._numbers, many):
                under = "no." if self._rng.random() < NEGATIVE_SHARE else ""
                file.write(f"host{number:08}.{under}{APEX} A\n")
        return path


def run(effort: Effort, latency_s: float, say: Callable[[str], None]) -> list[Forwarded]:
    """Measure every forwarder that is installed; they take turns, so that a slow phase meets them all."""
    with tempfile.TemporaryDirectory(prefix="splitdns-bench-") as name:
        directory = Path(name)
        (directory / "upstream").mkdir()
        (directory / "zone").write_text(ZONE)
        beside = Bench(directory / "upstream", measure.GENERATOR_CORE)
        bench = Bench(directory)
        try:
            upstream = peers.nsd(beside, {APEX: directory / "zone"}, minimal=True)
            servers = []
            for contestant in CONTESTANTS.values():
                if peers.missing(contestant.command) is None:
                    say(f"forwarding: starting {contestant.command}")
                    servers.append(contestant.start(bench, upstream.port))
                    ready(servers[-1], f"first.{APEX}")
            return _Turns(servers, upstream, Names(directory), effort, latency_s, say).all()
        finally:
            bench.stop()
            beside.stop()


class _Turns:
    """The rounds, and what they found."""

    def __init__(
        self,
        servers: Sequence[Server],
        upstream: Server,
        names: Names,
        effort: Effort,
        latency_s: float,
        say: Callable[[str], None],
    ) -> None:
        self._servers = servers
        self._upstream = upstream
        self._names = names
        self._effort = effort
        self._latency_s = latency_s
        self._say = say

    def all(self) -> list[Forwarded]:
        hits: dict[str, list[Burst]] = defaultdict(list)
        misses: dict[str, list[Burst]] = defaultdict(list)
        hit: dict[str, list[Latency]] = defaultdict(list)
        miss: dict[str, list[Latency]] = defaultdict(list)
        for number in range(self._effort.rounds):
            for server in self._servers:
                self._say(f"forwarding: round {number + 1} of {self._effort.rounds}, {server.name}")
                measure.once(server.port, self._names.warm)
                hits[server.name].append(self._burst(server, lambda: self._names.warm))
                hit[server.name].append(self._latency(server, self._names.warm))
                misses[server.name].append(self._burst(server, self._new))
                paced = self._names.cold(int(self._latency_s * PACE_PER_S) + measure.WINDOW)
                miss[server.name].append(self._latency(server, paced))
        return [
            Forwarded(
                server.name,
                rate(hits[server.name]),
                rate(misses[server.name]),
                _median(hit[server.name]),
                _median(miss[server.name]),
                measure.memory_octets(server.daemon),
            )
            for server in self._servers
        ]

    def _new(self) -> Path:
        return self._names.cold(int(self._effort.seconds * MOST_PER_S))

    def _burst(self, server: Server, questions: Callable[[], Path]) -> Burst:
        """One that others did not disturb, if it can be had; in such a one everything is answered."""
        for _ in range(self._effort.tries):
            file, seconds = questions(), self._effort.seconds
            found = measure.burst(server.daemon, server.port, file, seconds, (self._upstream.daemon,))
            if found.foreign_cores <= measure.FOREIGN_CORES:
                break
        assert self._upstream.daemon.running, f"the upstream ended: {self._upstream.daemon.output[-1000:]}"
        undisturbed = found.foreign_cores <= measure.FOREIGN_CORES
        is_lossy = undisturbed and found.lost > LOST * found.completed
        assert not is_lossy, f"{server.name} loses questions: {found}"
        assert found.noerror + found.nxdomain > 0.999, f"{server.name} gives errors: {found}"
        assert abs(found.nxdomain - NEGATIVE_SHARE) < 0.05, f"{server.name} gives wrong rcodes: {found}"
        assert file == self._names.warm or found.completed < seconds * MOST_PER_S, "names were asked twice"
        return found

    def _latency(self, server: Server, questions: Path) -> Latency:
        found = measure.latencies_s(server.port, questions, self._latency_s, PACE_PER_S)
        return Latency(found[len(found) // 2], found[len(found) * 99 // 100])


def _median(latencies: Sequence[Latency]) -> Latency:
    return Latency(
        statistics.median(one.median_s for one in latencies),
        statistics.median(one.p99_s for one in latencies),
    )


def absent() -> list[str]:
    """Forwarders that are not installed, and have no turn."""
    return [name for name, contestant in CONTESTANTS.items() if peers.missing(contestant.command)]


def table(rows: Sequence[Forwarded]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [
        "| forwarder | hits, k/s | misses, k/s | k per CPU second: hits, misses"
        " | hit: p50, p99 | miss: p50, p99 | memory |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.server} | {row.hits} | {row.misses}"
        f" | {row.hits.per_cpu_s / 1000:.1f}, {row.misses.per_cpu_s / 1000:.1f}"
        f" | {row.hit} | {row.miss} | {row.memory_octets / 2**20:.0f} MiB |"
        for row in rows
    ]
    return lines

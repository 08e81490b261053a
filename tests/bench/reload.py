"""``python -m tests.bench.reload``: what clients notice while a large zone is reloaded.

One zone of 100,000 names in two horizons, one worker on one core, 2,000 questions a second from the other,
and all answers checked. Rounds in turns, one without a reload and one with it: the zone is put in its place
anew, and the round ends after the swap. What counts is how much the reload adds to the slowest answer in a
thousand.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import compiled, measure, questions
from tests.bench.generator import Clients, Generator, Latency
from tests.bench.measure import Bench
from tests.lab import peers
from tests.lab.peers import Server

CONFIG = """\
listen: ["127.0.0.1:{port}"]
workers: 1
views:
  lan:      {clients: [127.0.0.0/9], horizon: [inside]}
  internet: {clients: [any], horizon: [outside]}
zones: [zones]
control: null
admin: {listen: null}
limits: {responses_per_second: 0}
"""
CLIENT = "127.0.0.2"
BEFORE_S = 1.0  # that a round goes on before the zone changes
PATIENCE_S = 60.0  # that a reload may take


@dataclass(frozen=True)
class Round:
    """How long answers took, and how long the reload, if there was one."""

    latency: Latency
    reload_s: float | None
    lost: int


class Site:
    """The zones, and the server that answers from them."""

    def __init__(self, bench: Bench, names: int) -> None:
        self._zones = bench.directory / "zones"
        self._zones.mkdir()
        for horizon in questions.HORIZONS:
            questions.zone(self._file(horizon), names, horizon)
        apexes = (questions.APEX,)
        self.server: Server = peers.splitdns(bench, CONFIG, apexes, ready_s=600.0)
        self._swaps = 0

    def _file(self, horizon: str) -> Path:
        return self._zones / f"{questions.APEX}@{horizon}.zone"

    def reload(self) -> float:
        """Change the zone; how many seconds it takes until the change is served."""
        file = self._file(questions.INSIDE)
        new = file.with_suffix(".new")
        new.write_text(file.read_text() + f"; reload {self._swaps}\nextra{self._swaps} A 10.0.0.1\n")
        started_s = time.monotonic()
        new.rename(file)
        self._swaps += 1
        while self.server.daemon.output.count("generation.swapped") < self._swaps:
            assert time.monotonic() < started_s + PATIENCE_S, self.server.daemon.output[-2000:]
            time.sleep(0.01)
        return time.monotonic() - started_s


def run(names: int, rounds: int, seconds: float, rate: int) -> list[tuple[Round, Round]]:
    """Each time a round without a reload, and one with it."""
    with tempfile.TemporaryDirectory(prefix="splitdns-bench-") as directory:
        bench = Bench(Path(directory))
        program = compiled.build(bench.directory).generator
        generator = Generator(program, measure.pinned(measure.GENERATOR_CORE))
        asked = questions.known(names, 10 * names, questions.INSIDE)
        clients = [Clients(CLIENT, 1, questions.write(bench.directory / "questions", asked))]
        try:
            site = Site(bench, names)
            return [
                (
                    _round(site, generator, clients, seconds, rate, reload=False),
                    _round(site, generator, clients, seconds, rate, reload=True),
                )
                for _ in range(rounds)
            ]
        finally:
            bench.stop()


def _round(
    site: Site, generator: Generator, clients: Sequence[Clients], seconds: float, rate: int, *, reload: bool
) -> Round:
    took: list[float] = []

    def change() -> None:
        time.sleep(BEFORE_S)
        took.append(site.reload())

    changing = threading.Thread(target=change)
    if reload:
        changing.start()
    pace = ("--rate", str(rate), "--timeout", "2000")
    found = generator.ask(site.server.port, clients, *pace, seconds=seconds)
    if reload:
        changing.join()
    assert found.wrong == 0, found
    assert found.latency is not None
    return Round(found.latency, took[0] if took else None, found.lost)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="reload", description=__doc__)
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--rate", type=int, default=2_000)
    args = parser.parse_args(argv)
    print("p50, p99, p99.9 in ms: without a reload; with one; how long it took")
    found = run(args.names, args.rounds, args.seconds, args.rate)
    for without, reloaded in found:
        print(f"{_shown(without)}; {_shown(reloaded)}; {reloaded.reload_s:.2f} s; lost {reloaded.lost}")
    added = [reloaded.latency.p999 - without.latency.p999 for without, reloaded in found]
    print(f"added to p99.9: median {statistics.median(added) / 1000:.2f} ms")
    return 0


def _shown(one: Round) -> str:
    latency = one.latency
    return ", ".join(f"{took / 1000:.2f}" for took in (latency.p50, latency.p99, latency.p999))


if __name__ == "__main__":
    sys.exit(main())

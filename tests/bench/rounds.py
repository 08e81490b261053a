"""The rounds of a stage: in each, each server has its turn, so that a slow phase of the machine meets all.

A turn during which other processes worked too much is repeated, some times.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from tests.bench.contestant import Started
from tests.bench.generator import Generator
from tests.bench.measure import Bench, Turn, memory_octets, turn
from tests.bench.rows import Asking, Files, Row, Stage
from tests.lab import peers

Say = Callable[[str], None]


@dataclass(frozen=True)
class Effort:
    """How much is measured.

    A turn that others disturbed is repeated until there were so many ``tries`` of it, and so many ``repeats``
    in the whole run.
    """

    rounds: int
    seconds: float
    tries: int = 3
    repeats: int = 100
    starts: int = 3


@dataclass
class Results:
    """Turns by row and contestant, round by round; starts by stage; and who is not installed."""

    turns: dict[str, dict[str, list[Turn]]] = field(default_factory=dict)
    starts: dict[str, dict[str, Started]] = field(default_factory=dict)
    absent: set[str] = field(default_factory=set)
    repeats: int = 0
    failed: dict[str, str] = field(default_factory=dict)  # why, by contestant and stage

    @property
    def are_wrong(self) -> bool:
        """Whether any answer was."""
        rows = self.turns.values()
        return any(turn.found.wrong for found in rows for turns in found.values() for turn in turns)


def run(stage: Stage, generator: Generator, effort: Effort, results: Results, say: Say) -> None:
    """Start the stage's servers, as far as they are installed, and let them have their turns.

    One that does not do what it should takes no further part, and the others go on.
    """
    with tempfile.TemporaryDirectory(prefix="splitdns-bench-") as name:
        say(f"{stage.title}: writing what is served")
        directory = Path(name)
        data = stage.data(directory)
        files = Files(directory, stage.names, stage.questions)
        bench = Bench(directory)
        askings: dict[str, Asking] = {}

        def attempt(name: str, what: Callable[[], None]) -> None:
            try:
                what()
            except AssertionError as failure:
                results.failed[f"{name}, {stage.title}"] = str(failure)
                askings.pop(name, None)

        def start(name: str) -> None:
            took_s: list[float] = []
            starts = effort.starts if stage.is_started_often else 1
            while len(took_s) < starts:
                server = stage.contestants[name].start(bench, data)
                asking = Asking(generator, server, data, files, effort.seconds)
                stage.first(asking)
                took_s.append(time.monotonic() - server.begun_s)
                if len(took_s) < starts:
                    server.daemon.stop()
            started = Started(statistics.median(took_s), memory_octets(server.daemon))
            results.starts.setdefault(stage.title, {})[name] = started
            found = stage.prepare(asking)
            assert found.answers > 0, f"no answers: {found}"
            assert found.wrong == 0, f"wrong answers: {found}"
            askings[name] = asking

        def take(name: str, row: Row, number: int) -> None:
            asking = replace(askings[name], round=number)
            left = effort.repeats - results.repeats
            found, repeats = _undisturbed(row, asking, min(effort.tries, left + 1))
            results.repeats += repeats
            results.turns.setdefault(row.title, {}).setdefault(name, []).append(found)

        try:
            for name, contestant in stage.contestants.items():
                if peers.missing(contestant.command):
                    results.absent.add(name)
                    continue
                say(f"{stage.title}: starting {name}")
                attempt(name, partial(start, name))
            for number in range(effort.rounds):
                for row in stage.rows:
                    for name in _in_turn(askings, row, number):
                        say(f"{row.title}: round {number + 1} of {effort.rounds}, {name}")
                        attempt(name, partial(take, name, row, number))
        finally:
            bench.stop()


def _in_turn(names: Iterable[str], row: Row, number: int) -> list[str]:
    """Who takes part; each round, somebody else begins."""
    some = [name for name in names if row.only is None or name in row.only]
    first = number % max(len(some), 1)
    return some[first:] + some[:first]


def _undisturbed(row: Row, asking: Asking, tries: int) -> tuple[Turn, int]:
    """A turn that others did not disturb, or the one that they disturbed least; and how many were repeats."""
    server, turns = asking.server, []
    while not turns or (turns[-1].is_disturbed and len(turns) < tries):
        turns.append(turn(server.daemon, server.beside, lambda: row.ask(asking)))
        assert server.daemon.running, f"{server.daemon.argv} ended: {server.daemon.output[-1000:]}"
    return min(turns, key=lambda one: one.foreign_cores), len(turns) - 1

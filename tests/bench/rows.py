"""What is measured: stages, each with servers that run at the same time, and the rows of each stage."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.bench import contestants, forwarders, questions
from tests.bench.compiled import Programs
from tests.bench.contestant import FIRST_CLIENT, Contestant, Data, Running, await_answer, awaited
from tests.bench.contestants import (
    ACCELERATED,
    ACCELERATED_TWICE,
    CONTESTANTS,
    LIMIT,
    OF_TWO_WORKERS,
    PURE,
    PURE_TWICE,
    SECOND_START,
)
from tests.bench.generator import Clients, Found, Generator
from tests.bench.measure import cpu_by_process_s
from tests.bench.questions import FORWARDED, HORIZONS, INSIDE, NUMBER_AT

VIEWS_100, VIEWS_10000, COLD = "views, 100 names", "views, 10,000 names", "1,000,000 names at random"
HITS, MISSES = "forwarded, cache hit", "forwarded, cache miss"
TCP, LATENCY = "TCP, pipelined", "latency"
HIT_LATENCY, MISS_LATENCY = "latency, cache hit", "latency, cache miss"
WORKERS, SHARES = "two workers", "ports of two workers"
SCALE = {1: "1 view", 10: "10 views", 1000: "1,000 views"}
HUNDRED, TEN_THOUSAND, MILLION = "100 names", "10,000 names", "1,000,000 names"
FORWARDING, OF_WORKERS = "forwarding", "workers"

PACES_PER_S = {LATENCY: 10_000, HIT_LATENCY: 1_000, MISS_LATENCY: 1_000}
CHART = ("NSD", "Unbound", "BIND")  # beside ours, over the number of names and views

_CHECKED = 60_000  # answers before the first round, at most: then caches are warm, and known to be right
_HIT_NAMES = 1_000
_SKIPPED = 200_000  # questions: where all names are asked at random, each round begins so much later
_FILL = ("--once", "--lanes", "1", "--window", "32", "--timeout", "2000")
_PORTS = 1024  # of clients, of which two workers have to get as many
_ONCE_FROM_EACH = ("--rate", "10000", "--limit", str(_PORTS), "--window", "4", "--timeout", "500")


class Files:
    """Files of questions about so many names, by what is expected; each is written when it is wanted."""

    def __init__(self, directory: Path, names: int, count: int) -> None:
        self._directory, self._names, self._count = directory, names, count
        self._written: dict[str, Path] = {}

    def __getitem__(self, expected: str) -> Path:
        if expected not in self._written:
            if expected == FORWARDED:
                asked = questions.forwarded(_HIT_NAMES, 0)
            else:
                asked = questions.known(self._names, self._count, expected)
            self._written[expected] = questions.write(self._directory / f"{expected}.queries", asked)
        return self._written[expected]


@dataclass(frozen=True)
class Asking:
    """Who is asked, in which round, for how long."""

    generator: Generator
    server: Running
    data: Data
    files: Files
    seconds: float
    round: int = 0

    def ask(self, *options: str, seconds: float = 0) -> Found:
        """As clients of both horizons, or of the only one that there is."""
        expected = zip(HORIZONS, self.server.expected, strict=True)
        asked = [
            Clients(FIRST_CLIENT[horizon], self.data.clients, self.files[told])
            for horizon, told in expected
            if horizon in self.data.horizons
        ]
        return self._ask(asked, *options, seconds=seconds)

    def forwarded(self, *options: str, seconds: float = 0) -> Found:
        """What the generator itself answers as the upstream."""
        asked = [Clients(FIRST_CLIENT[INSIDE], self.data.clients, self.files[FORWARDED])]
        upstream = ("--upstream", str(self.data.upstream), "--timeout", "1000")
        return self._ask(asked, *upstream, *options, seconds=seconds)

    def _ask(self, asked: Sequence[Clients], *options: str, seconds: float) -> Found:
        return self.generator.ask(self.server.port, asked, *options, seconds=seconds or self.seconds)


Ask = Callable[[Asking], Found]


@dataclass(frozen=True)
class Row:
    """One measurement; ``only`` these contestants take part, by default all of the stage."""

    title: str
    ask: Ask
    only: Sequence[str] | None = None


def _first(asking: Asking) -> None:
    """Wait for an answer: the last name was loaded last."""
    await_answer(asking.server, questions.name(asking.data.names - 1))


def _prepare(asking: Asking) -> Found:
    ports = ("--ports", str(2 * asking.data.clients))
    return asking.ask("--limit", str(_CHECKED), "--timeout", "2000", *ports, seconds=5)


@dataclass(frozen=True)
class Stage:
    """Servers that run at the same time, and what they are asked: ``questions`` about ``names`` in ``views``.

    The first time, they are asked for the sake of what they answer, and to ``prepare`` them. Where starts are
    what is looked at, there are several, and the last one stays.
    """

    title: str
    contestants: Mapping[str, Contestant]
    rows: Sequence[Row]
    names: int = 0
    views: int = 2
    questions: int = 1_000
    first: Callable[[Asking], None] = _first
    prepare: Ask = _prepare
    is_started_often: bool = False

    def data(self, directory: Path) -> Data:
        return Data(directory, self.names, self.views)


def _warm(asking: Asking) -> Found:
    return asking.ask()


def _by_many(asking: Asking) -> Found:
    """A client for each view."""
    return asking.ask("--ports", str(2 * asking.data.clients))


def _cold(asking: Asking) -> Found:
    return asking.ask("--skip", str(asking.round * _SKIPPED))


def _tcp(asking: Asking) -> Found:
    return asking.ask("--tcp", "--lanes", "8", "--window", "32", "--timeout", "1000")


def _paced(asking: Asking) -> Found:
    return asking.ask(*_pace(LATENCY), "--timeout", "1000")


def _pace(row: str) -> tuple[str, str]:
    return "--rate", str(PACES_PER_S[row])


def _shared(asking: Asking) -> Found:
    """As many questions for each worker. They need the generator's core, too, so it sleeps at times."""
    lanes = ("--lanes", "32", "--window", str(6 * asking.server.workers), "--ports", str(_PORTS))
    return asking.ask("--sleep", "--timeout", "1000", *lanes)


def _first_forwarded(asking: Asking) -> None:
    awaited(asking.server, lambda: asking.forwarded("--limit", "1", "--timeout", "200").answers > 0)


def _fill(asking: Asking) -> Found:
    return asking.forwarded(*_FILL, seconds=20)


def _by_one_worker(asking: Asking) -> Found:
    """What one worker answers while the other one is stopped: those from the ports that are its own."""
    spent = cpu_by_process_s(asking.server.daemon)
    del spent[asking.server.daemon.pid]  # their supervisor
    stopped = max(spent, key=lambda pid: spent[pid])
    os.kill(stopped, signal.SIGSTOP)
    try:
        return asking.ask(*_ONCE_FROM_EACH, "--ports", str(_PORTS), seconds=5)
    finally:
        os.kill(stopped, signal.SIGCONT)


def _hits(asking: Asking) -> Found:
    _fill(asking)
    return asking.forwarded()


def _paced_hits(asking: Asking) -> Found:
    _fill(asking)
    return asking.forwarded(*_pace(HIT_LATENCY))


def _misses() -> tuple[Ask, Ask]:
    """As fast as can be, and at a pace. No name comes twice, not even with another contestant."""
    asked = 10 * _HIT_NAMES

    def ask(asking: Asking, *options: str) -> Found:
        nonlocal asked
        found = asking.forwarded("--number", f"{NUMBER_AT}:{asked}", *options)
        asked += found.asked
        return found

    return ask, lambda asking: ask(asking, *_pace(MISS_LATENCY))


def _some(servers: Mapping[str, Contestant], *names: str) -> dict[str, Contestant]:
    return {name: servers[name] for name in (PURE, ACCELERATED, *names)}


def stages(programs: Programs, million: int = 1_000_000, most_views: int = max(SCALE)) -> list[Stage]:
    """All there is to measure; where time is short, fewer names stand for a ``million``."""
    limit = Contestant(str(programs.echo), contestants.echo(programs.echo))
    with_tcp = (PURE, ACCELERATED, "NSD", "Knot", "Unbound", "BIND")
    paced = (PURE, ACCELERATED, "NSD", "Unbound", "dnsmasq")
    rows = (Row(VIEWS_100, _warm), Row(TCP, _tcp, with_tcp), Row(LATENCY, _paced, paced))
    workers = (Row(WORKERS, _shared), Row(SHARES, _by_one_worker, (PURE_TWICE, ACCELERATED_TWICE)))
    random = _some(CONTESTANTS, "NSD", "Knot", "Unbound", "BIND")
    cold = [Row(COLD, _cold, tuple(random))]
    misses, paced_misses = _misses()
    forwarding = (
        Row(HITS, _hits),
        Row(MISSES, misses),
        Row(HIT_LATENCY, _paced_hits),
        Row(MISS_LATENCY, paced_misses),
    )

    def scale(views: int) -> dict[str, Contestant]:
        """BIND takes nine gigabytes for a thousand views."""
        return _some(CONTESTANTS, "Unbound", *(["BIND"] if views <= 10 else []))

    return [
        Stage(HUNDRED, {LIMIT: limit, **CONTESTANTS}, rows, 100, is_started_often=True),
        Stage(TEN_THOUSAND, CONTESTANTS, [Row(VIEWS_10000, _warm)], 10_000, questions=10_000),
        Stage(MILLION, random | SECOND_START, cold, million, 1, 10 * _SKIPPED),
        Stage(FORWARDING, forwarders.CONTESTANTS, forwarding, first=_first_forwarded, prepare=_fill),
        *(
            Stage(title, scale(views), [Row(title, _by_many)], 100, views)
            for views, title in SCALE.items()
            if views <= most_views
        ),
        Stage(OF_WORKERS, OF_TWO_WORKERS, workers, 100),
    ]

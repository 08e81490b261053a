"""The bars: what of others' speed ours has to reach, and whether it does.

A ratio is taken within each round, for the machine is faster in one than in another; their median is what
counts. A bar is met five hundredths below it, for two runs of the same server differ by as much.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.bench import rows
from tests.bench.contestants import ACCELERATED, ACCELERATED_TWICE, PURE, PURE_AGAIN, PURE_TWICE
from tests.bench.generator import Found
from tests.bench.measure import Turn
from tests.bench.rounds import Results

SLACK = 0.05
_MIB = 2**20


@dataclass(frozen=True)
class Quantity:
    """What is compared, and whether more of it is better."""

    name: str
    of: Callable[[Turn], float]
    more_is_better: bool = False


RATE = Quantity("answers/s", lambda turn: turn.found.per_s, more_is_better=True)
PER_CPU = Quantity("answers per CPU second", lambda turn: 1e6 / (turn.cpu_us or 1e9), more_is_better=True)
COST = Quantity("processor time", lambda turn: turn.cpu_us)
P50 = Quantity("p50", lambda turn: turn.found.latency.p50 if turn.found.latency else 0.0)
P99 = Quantity("p99", lambda turn: turn.found.latency.p99 if turn.found.latency else 0.0)


@dataclass(frozen=True)
class Bar:
    """Ours has to reach ``bound`` times what ``peer`` has in the same row, or may take so much more."""

    row: str
    ours: str
    peer: str
    bound: float
    aim: float | None = None
    quantity: Quantity = RATE


@dataclass(frozen=True)
class Judgement:
    """A bar, and what was found: ``value`` is to be compared with its bound."""

    row: str
    ours: str
    bar: str
    value: str
    is_met: bool
    is_aim: bool = False


BARS = (
    *(
        bar
        for row in (rows.VIEWS_100, rows.VIEWS_10000)
        for bar in (
            Bar(row, PURE, "Unbound", 1.0),
            Bar(row, PURE, "dnsmasq", 1.0),
            Bar(row, PURE, "BIND", 1.8),
            Bar(row, ACCELERATED, "NSD", 1.0, aim=1.2),
        )
    ),
    Bar(rows.COLD, PURE, "BIND", 0.6),
    Bar(rows.COLD, ACCELERATED, "NSD", 0.6, aim=0.8),
    Bar(rows.HITS, PURE, "Unbound", 0.9),
    Bar(rows.HITS, ACCELERATED, "dnsdist", 1.0, aim=1.3),
    Bar(rows.MISSES, PURE, "Unbound", 0.5),
    Bar(rows.MISSES, PURE, "dnsmasq", 3.0),
    Bar(rows.MISSES, ACCELERATED, "Unbound", 1.0, aim=2.0),
    Bar(rows.TCP, PURE, "Unbound", 0.7),
    Bar(rows.TCP, ACCELERATED, "Unbound", 1.0),
    Bar(rows.WORKERS, PURE_TWICE, PURE, 1.1, quantity=COST),
    Bar(rows.WORKERS, ACCELERATED_TWICE, ACCELERATED, 1.1, quantity=COST),
    *(
        Bar(rows.LATENCY, ours, "Unbound", 1.5, quantity=quantity)
        for ours in (PURE, ACCELERATED)
        for quantity in (P50, P99)
    ),
)
EVENNESS = 1.2  # how many times the ports of the other worker one may have
STARTS = {  # by stage and contestant: seconds, octets
    (rows.HUNDRED, PURE): (0.35, 60 * _MIB),
    (rows.HUNDRED, ACCELERATED): (0.35, 60 * _MIB),
    (rows.MILLION, PURE): (10.0, 600 * _MIB),
    (rows.MILLION, PURE_AGAIN): (1.5, 600 * _MIB),
}


def judge(results: Results) -> list[Judgement]:
    """Every bar for which there are figures."""
    return [*_ratios(results), *_evenness(results), *_starts(results)]


def ratio(results: Results, bar: Bar) -> float | None:
    """The median over the rounds; None where one of the two had no turn."""
    found = results.turns.get(bar.row, {})
    ours, peers = found.get(bar.ours), found.get(bar.peer)
    if not ours or not peers:
        return None
    return statistics.median(
        bar.quantity.of(one) / (bar.quantity.of(other) or 1.0)
        for one, other in zip(ours, peers, strict=False)
    )


def _ratios(results: Results) -> list[Judgement]:
    found = []
    for bar in BARS:
        value, by_cpu = ratio(results, bar), ratio(results, replace(bar, quantity=PER_CPU))
        if value is None:
            continue
        shown = f"{value:.2f}" + (f" (by processor time {by_cpu:.2f})" if bar.quantity is RATE else "")
        is_met = _is_met(bar, bar.bound, value)
        found.append(Judgement(bar.row, bar.ours, _said(bar, bar.bound), shown, is_met))
        if bar.aim is not None:
            is_met = _is_met(bar, bar.aim, value)
            found.append(Judgement(bar.row, bar.ours, _said(bar, bar.aim), shown, is_met, is_aim=True))
    return found


def _said(bar: Bar, bound: float) -> str:
    most = "at least" if bar.quantity.more_is_better else "at most"
    return f"{most} {bound:g} × {bar.peer}'s {bar.quantity.name}"


def _is_met(bar: Bar, bound: float, value: float) -> bool:
    return value >= bound * (1 - SLACK) if bar.quantity.more_is_better else value <= bound * (1 + SLACK)


def _evenness(results: Results) -> list[Judgement]:
    found = []
    for name, turns in results.turns.get(rows.SHARES, {}).items():
        value = statistics.median(unevenness(turn.found) for turn in turns)
        bar = f"one worker at most {EVENNESS:g} × the other's client ports"
        found.append(Judgement(rows.WORKERS, name, bar, f"{value:.2f}", value <= EVENNESS))
    return found


def unevenness(found: Found) -> float:
    """How many times the ports of the other worker one has, when one of them is stopped."""
    fewer, more = sorted((found.answers, found.asked - found.answers))
    return more / max(fewer, 1)


def _starts(results: Results) -> list[Judgement]:
    found = []
    for (stage, name), (most_s, most_octets) in STARTS.items():
        started = results.starts.get(stage, {}).get(name)
        if started is not None:
            first_s, octets = started.first_s, started.memory_octets
            bar = f"first answer within {most_s:g} s"
            found.append(Judgement(stage, name, bar, f"{first_s:.2f} s", first_s <= most_s))
            bar = f"memory at most {most_octets // _MIB} MiB"
            found.append(Judgement(stage, name, bar, f"{octets / _MIB:.0f} MiB", octets <= most_octets))
    return found

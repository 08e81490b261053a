"""What was found, as Markdown and as JSON."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass

from tests.bench import rows
from tests.bench.bars import Judgement
from tests.bench.contestant import Started
from tests.bench.contestants import ACCELERATED_TWICE, PURE_TWICE
from tests.bench.measure import Turn
from tests.bench.rounds import Results

BEGIN, END = "<!-- written by ./dev bench --keep -->", "<!-- end -->"
LOSSY = 0.001  # of the questions: more than that is said
_STARTS = (rows.HUNDRED, rows.TEN_THOUSAND, rows.MILLION, rows.FORWARDING)
_RATES = (rows.VIEWS_100, rows.VIEWS_10000, rows.COLD, rows.HITS, rows.MISSES, rows.TCP)


@dataclass(frozen=True)
class Spread:
    """Of the rounds, in thousands each second."""

    median: float
    least: float
    best: float

    def __str__(self) -> str:
        digits = 0 if self.median >= 20 else 1
        return f"{self.median:.{digits}f} ({self.least:.{digits}f}–{self.best:.{digits}f})"


def spread(turns: Iterable[Turn]) -> Spread:
    rates = [turn.found.per_s / 1000 for turn in turns]
    return Spread(statistics.median(rates), min(rates), max(rates))


def per_cpu_s(turns: Iterable[Turn]) -> float:
    """Thousands of answers in a second of the server's processor time; the median."""
    return statistics.median(1000 / turn.cpu_us if turn.cpu_us else 0.0 for turn in turns)


def rates(results: Results) -> list[str]:
    """A line for each server, a column for each row: thousands each second, and each second of its time."""
    found = {row: results.turns[row] for row in _RATES if row in results.turns}
    names = dict.fromkeys(name for turns in found.values() for name in turns)
    lines = [f"| k/s: median (least–best), per CPU second | {' | '.join(found)} |"]
    lines.append(f"|---|{'---:|' * len(found)}")
    for name in names:
        cells = (_cell(turns[name]) if name in turns else "" for turns in found.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _cell(turns: Sequence[Turn]) -> str:
    return f"{spread(turns)}, {per_cpu_s(turns):.{0 if per_cpu_s(turns) >= 20 else 1}f}{_remarks(turns)}"


def _remarks(turns: Sequence[Turn]) -> str:
    """What is not as it should be, in few words."""
    asked = sum(turn.found.asked for turn in turns)
    lost, wrong = (sum(getattr(turn.found, what) for turn in turns) for what in ("lost", "wrong"))
    disturbed = sum(turn.is_disturbed for turn in turns)
    said = [f"{wrong} wrong"] if wrong else []
    said += [f"{lost / asked:.1%} lost"] if lost > LOSSY * asked else []
    said += [f"{disturbed} disturbed"] if disturbed else []
    return f" ({', '.join(said)})" if said else ""


def latencies(results: Results) -> list[str]:
    """At an even pace: a line for each server, a column for each row; medians over the rounds."""
    found = {row: results.turns[row] for row in rows.PACES_PER_S if row in results.turns}
    names = dict.fromkeys(name for turns in found.values() for name in turns)
    titles = (f"{row}, {rows.PACES_PER_S[row]:,}/s" for row in found)
    lines = [f"| µs: p50, p99, p99.9 | {' | '.join(titles)} |", f"|---|{'---:|' * len(found)}"]
    for name in names:
        cells = (_latency(turns.get(name, ())) for turns in found.values())
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _latency(turns: Sequence[Turn]) -> str:
    took = [turn.found.latency for turn in turns if turn.found.latency]
    if not took:
        return ""
    columns = zip(*((one.p50, one.p99, one.p999) for one in took), strict=True)
    return ", ".join(f"{statistics.median(column):.0f}" for column in columns)


def workers(results: Results) -> list[str]:
    """What an answer costs one worker and two, and how much of that each of the two had."""
    lines = ["| | µs of processor time for each answer | of it each worker |", "|---|---:|---|"]
    for name, turns in results.turns.get(rows.WORKERS, {}).items():
        cost = statistics.median(turn.cpu_us for turn in turns)
        count = 2 if name in (PURE_TWICE, ACCELERATED_TWICE) else 1
        shares = [statistics.median(turn.shares[number] for turn in turns) for number in range(count)]
        said = ", ".join(f"{share:.0%}" for share in shares)
        lines.append(f"| {name} | {cost:.2f} | {said}{_remarks(turns)} |")
    return lines


def starts(results: Results) -> list[str]:
    """Seconds to the first answer, and the memory then, of the stages that differ in it."""
    stages = [stage for stage in _STARTS if stage in results.starts]
    names = dict.fromkeys(name for stage in stages for name in results.starts[stage])
    lines = [f"| first answer, memory | {' | '.join(stages)} |", f"|---|{'---:|' * len(stages)}"]
    for name in names:
        cells = (_start(results.starts[stage].get(name)) for stage in stages)
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def _start(started: Started | None) -> str:
    return "" if started is None else f"{started.first_s:.2f} s, {started.memory_octets / 2**20:.0f} MiB"


def bars(judgements: Sequence[Judgement]) -> list[str]:
    """What has to be reached, and whether it is."""
    lines = ["| row | server | bar | found | |", "|---|---|---|---:|---|"]
    for one in judgements:
        bar = f"aim: {one.bar}" if one.is_aim else one.bar
        said = "met" if one.is_met else "not met"
        lines.append(f"| {one.row} | {one.ours} | {bar} | {one.value} | {said} |")
    return lines


def kept(page: str, said: str) -> str:
    """The page with ``said`` where figures stand that the bench wrote."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    assert before != page, f"no {BEGIN}"
    return f"{before}{BEGIN}\n\n{said}\n\n{END}{after}"


def as_json(
    results: Results, judgements: Sequence[Judgement], about: Mapping[str, object]
) -> dict[str, object]:
    """Everything, for machines: of each server the figures round by round."""
    return {
        **about,
        "bars": [asdict(one) for one in judgements],
        "rows": {
            row: {name: _figures(turns) for name, turns in found.items()}
            for row, found in results.turns.items()
        },
        "starts": {
            stage: {name: asdict(started) for name, started in found.items()}
            for stage, found in results.starts.items()
        },
    }


def _figures(turns: Sequence[Turn]) -> dict[str, object]:
    figures: dict[str, object] = {
        "per_s": [round(turn.found.per_s) for turn in turns],
        "cpu_us": [round(turn.cpu_us, 3) for turn in turns],
        "foreign_cores": [round(turn.foreign_cores, 2) for turn in turns],
        "lost": [turn.found.lost for turn in turns],
        "wrong": [turn.found.wrong for turn in turns],
        "shares": [[round(share, 3) for share in turn.shares] for turn in turns],
    }
    if all(turn.found.latency for turn in turns):
        figures["latency_us"] = [asdict(turn.found.latency) for turn in turns if turn.found.latency]
    return figures

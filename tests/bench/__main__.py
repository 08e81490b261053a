"""``python -m tests.bench``: splitdns beside other servers; ``./dev bench`` runs it.

Tables of what everybody answers, and what that costs; the bars that splitdns has to reach, and whether it
does; a chart. Figures of one machine at one hour travel badly: compare servers within a run, not runs.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.bench import bars, rounds, rows, table
from tests.bench.chart import Panel, svg
from tests.bench.compiled import build
from tests.bench.contestants import ACCELERATED, ACCELERATED_TWICE, PURE
from tests.bench.generator import Generator
from tests.bench.machine import description, is_accelerated
from tests.bench.measure import GENERATOR_CORE, pinned
from tests.bench.rounds import Effort, Results
from tests.bench.rows import Stage
from tests.lab import peers

QUICK = {"million": 100_000, "most_views": 10}
DOCS = Path(__file__).parents[2] / "docs"
PAGE, JSON, CHART = DOCS / "performance.md", DOCS / "performance.json", DOCS / "images" / "performance.svg"


def main(argv: Sequence[str] | None = None) -> int:
    args = _arguments(argv)
    if reason := peers.missing("cc", "taskset"):
        print(f"bench: {reason}", file=sys.stderr)
        return 2
    effort = Effort(2, 0.2, repeats=0, starts=1) if args.quick else Effort(10, 1.0)
    effort = replace(effort, rounds=args.rounds or effort.rounds, seconds=args.seconds or effort.seconds)
    started_s, about = time.monotonic(), description()
    results = _measured(args, effort)
    minutes = (time.monotonic() - started_s) / 60
    on = "; ".join(f"{what} {value}" for what, value in about.items())
    how = f"{effort.rounds} rounds of {effort.seconds:g} s in turns, {minutes:.0f} minutes in all. {on}."
    how += f" {QUICK['million']:,} names stood for a million." if args.quick else ""
    judgements = bars.judge(results)
    said = report(results, judgements, how)
    print(said)
    if results.absent:
        print(f"Not installed, and left out: {', '.join(sorted(results.absent))}.")
    for who, why in results.failed.items():
        print(f"{who}: {why}", file=sys.stderr)
    about |= {"rounds": effort.rounds, "seconds": effort.seconds}
    figures = json.dumps(table.as_json(results, judgements, about)) + "\n"
    if args.json:
        args.json.write_text(figures)
    if args.keep:
        JSON.write_text(figures)
        CHART.write_text(chart(results))
        PAGE.write_text(table.kept(PAGE.read_text(), said))
    return 1 if results.failed or results.are_wrong else 0


def _measured(args: argparse.Namespace, effort: Effort) -> Results:
    results = Results()
    with tempfile.TemporaryDirectory(prefix="splitdns-bench-") as name:
        programs = build(Path(name))
        generator = Generator(programs.generator, pinned(GENERATOR_CORE))
        for stage in rows.stages(programs, **QUICK if args.quick else {}):
            if chosen := _chosen(stage, args.rows, args.servers):
                rounds.run(chosen, generator, effort, results, _say)
    _say("")
    return results


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under two minutes")
    parser.add_argument("--rounds", type=int, help="how often each server has its turn")
    parser.add_argument("--seconds", type=float, help="how long a turn takes")
    parser.add_argument("--rows", nargs="+", metavar="TEXT", help="only rows with this in their name")
    parser.add_argument("--servers", nargs="+", metavar="NAME", help="only these, beside splitdns")
    parser.add_argument("--json", type=Path, help="write every figure to this file, too")
    parser.add_argument("--keep", action="store_true", help="write tables, chart and figures into docs/")
    return parser.parse_args(argv)


def _chosen(stage: Stage, wanted: Sequence[str] | None, servers: Sequence[str] | None) -> Stage | None:
    """The stage with the rows and servers that are wanted; None without any row."""
    some = [row for row in stage.rows if wanted is None or any(text in row.title for text in wanted)]
    accelerated = {ACCELERATED, ACCELERATED_TWICE} if not is_accelerated() else set()
    contestants = {
        name: contestant
        for name, contestant in stage.contestants.items()
        if name not in accelerated and (servers is None or name.startswith(PURE) or name in servers)
    }
    return replace(stage, rows=some, contestants=contestants) if some else None


def report(results: Results, judgements: Sequence[bars.Judgement], about: str) -> str:
    """All tables, one below the other, those of which something was measured."""
    parts = (
        table.rates(results),
        table.bars(judgements),
        table.latencies(results),
        table.workers(results),
        table.starts(results),
    )
    return "\n\n".join([*("\n".join(lines) for lines in parts if len(lines) > 2), about])


def chart(results: Results) -> str:
    """Over the number of names, and of views."""
    halves = {
        "names": {"100": rows.VIEWS_100, "10,000": rows.VIEWS_10000, "1,000,000": rows.COLD},
        "views": {f"{views:,}": title for views, title in rows.SCALE.items()},
    }
    panels = [
        Panel(
            f"thousand answers a second, by {what}",
            list(steps),
            {
                name: [_median(results, row, name) for row in steps.values()]
                for name in (ACCELERATED, PURE, *rows.CHART)
            },
        )
        for what, steps in halves.items()
    ]
    return svg("Answers per second over the number of names and of views", panels)


def _median(results: Results, row: str, name: str) -> float | None:
    turns = results.turns.get(row, {}).get(name)
    return table.spread(turns).median if turns else None


def _say(text: str) -> None:
    """Progress, on a terminal only, on one line."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

"""``python -m tests.bench``: tables beside other servers; ``./dev bench`` runs it.

``zones`` are answers from our own zones, beside NSD and Knot; ``forwarding`` those of upstreams, with and
without the cache, beside dnsmasq, Unbound, BIND and Knot Resolver as far as they are installed.

Figures of one machine at one hour travel badly: compare servers within a run, not runs.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.bench import forwarding
from tests.bench.run import Effort, Row, as_json, machine, run
from tests.lab import peers

SIZES = (100, 10_000, 1_000_000)
LATENCY_S = 2.0  # a round of latency; more rounds say more than longer ones


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under two minutes")
    parser.add_argument("--only", choices=("zones", "forwarding"), help="only one of the two tables")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="names in the zone")
    parser.add_argument("--rounds", type=int, help="how often each server has its turn")
    parser.add_argument("--seconds", type=float, help="how long a turn takes")
    parser.add_argument("--json", type=Path, help="write every figure to this file, too")
    args = parser.parse_args(argv)
    wanted = ("zones", "forwarding") if args.only is None else (args.only,)
    needed = ("nsd", "knotd") if "zones" in wanted else ("nsd",)
    if reason := peers.missing(*needed, "dnsperf", "taskset"):
        print(f"bench: {reason}", file=sys.stderr)
        return 2
    rounds = args.rounds or (3 if args.quick else 5)
    seconds = args.seconds or (0.5 if args.quick else 5.0)
    effort = Effort(rounds, seconds, tries=1 if args.quick else 3)
    about = machine()
    found: dict[str, object] = {"machine": about, "rounds": rounds, "seconds": seconds}
    if "zones" in wanted:
        rows = run(args.sizes, effort, _say)
        found["rows"] = as_json(rows)
        print("\n".join(table(rows)) + "\n")
    if "forwarding" in wanted:
        forwarders = forwarding.run(effort, min(seconds, LATENCY_S), _say)
        found["forwarding"] = as_json(forwarders)
        print("\n".join(forwarding.table(forwarders)) + "\n")
        if absent := forwarding.absent():
            print(f"Not installed, and left out: {', '.join(absent)}.")
    print(f"{rounds} rounds of {seconds:g} s in turns, median (least–best).")
    print("; ".join(f"{what}: {value}" for what, value in about.items()))
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n")
    return 0


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of a Markdown table."""
    lines = [
        "| names | server | first answer | memory | warm, k/s | cold, k/s | k per CPU second: warm, cold |",
        "|---:|---|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {row.names:,} | {row.server} | {row.load_s:.2f} s | {row.memory_octets / 2**20:.0f} MiB"
        f" | {row.warm} | {row.cold}"
        f" | {row.warm.per_cpu_s / 1000:.0f}, {row.cold.per_cpu_s / 1000:.0f} |"
        for row in rows
    ]
    return lines


def _say(text: str) -> None:
    """Progress, on a terminal only, on one line."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())

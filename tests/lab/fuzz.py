"""Kernel equals walk, at length: ``./dev lab-fuzz 5000``.

Random gateways are built until there are so many cases, over at least a tenth as many gateways. It prints how
often each verdict and each construct occurred, fails where one was too rare to mean anything, and prints a
disagreement made as small as possible, ready to be kept in ``tests/lab/cases/``. Its last line is
``cases=… disagreements=… maybe=…``.
"""

from __future__ import annotations

import argparse
import functools
import multiprocessing
import secrets
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from rich.progress import track

from splitdns.check.verdict import Verdict
from tests.lab import built, network
from tests.lab.agree import Case, cases, rewritten
from tests.lab.generate import draw
from tests.lab.plan import Ask, Plan, written
from tests.lab.shrink import shrunk

CASES_A_GATEWAY = 10  # at least one gateway for so many of the cases asked for
MIN_SHARE = 0.01  # of the cases, for each verdict
MIN_CASES = 50  # for each construct
MAX_MAYBE = 0.02
ENOUGH = 5_000  # cases, from which on rare verdicts and constructs are a failure
PROCESSES = 2
SHOWN = 3  # disagreements that are made small

CONSTRUCTS = (
    "nftables",
    "iptables",
    "bridges",
    "bridge-nf on",
    "bridge-nf off",
    "jumps",
    "sets",
    "maps",
    "verdict maps",
    "negations",
    "ranges",
    "redirect",
    "netmap",
    "port translation",
    "masquerade scopes",
    "second addresses",
    "host routes",
    "asymmetric gateways",
    "marks",
    "policy routes",
    "reverse path filters",
    "IPv6",
)


@dataclass
class Tally:
    """What a run has seen. ``odd`` are seeds of gateways with a disagreement, with the first of each."""

    verdicts: Counter[Verdict] = field(default_factory=Counter)
    constructs: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    differences: Counter[tuple[Verdict, Verdict]] = field(default_factory=Counter)
    cases: int = 0
    gateways: int = 0
    maybe: int = 0
    disagreements: int = 0
    odd: list[tuple[str, Case]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, plan: Plan, seed: str, found: list[Case]) -> None:
        self.gateways += 1
        self.cases += len(found)
        for case in found:
            self.verdicts[case.verdict] += 1
            self.maybe += case.is_maybe
            self.reasons.update(case.result.reasons if case.is_maybe else ())
        for construct in plan.constructs:
            self.constructs[construct] += len(found)
        wrong = [case for case in found if not case.agrees and not case.is_maybe]
        self.disagreements += len(wrong)
        self.differences.update((case.kernel.verdict, case.walk.verdict) for case in wrong)
        self.odd += [(seed, case) for case in wrong[:1]]

    def merge(self, other: Tally) -> None:
        for name in ("verdicts", "constructs", "reasons", "differences"):
            getattr(self, name).update(getattr(other, name))
        for name in ("cases", "gateways", "maybe", "disagreements", "odd", "broken"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def shortcomings(self) -> Iterator[str]:
        """Why the run proves less than it should."""
        if self.maybe >= MAX_MAYBE * self.cases:
            yield f"{self.maybe} of {self.cases} cases are MAYBE"
        if self.cases < ENOUGH:
            return
        for verdict in Verdict:
            if verdict is not Verdict.MAYBE and self.verdicts[verdict] < MIN_SHARE * self.cases:
                yield f"{verdict} in {self.verdicts[verdict]} cases only"
        for construct in CONSTRUCTS:
            if self.constructs[construct] < MIN_CASES:
                yield f"{construct} in {self.constructs[construct]} cases only"


Play = Callable[[Plan], list[Case]]


def one(seed: str, play: Play = cases) -> Tally:
    """The cases of one gateway; ``play`` builds it, and connects."""
    tally = Tally()
    try:
        plan = draw(seed)
        tally.add(plan, seed, play(plan))
    except Exception:
        tally.broken.append(f"{seed}: {traceback.format_exc()}")
    return tally


def smallest(seed: str, case: Case, play: Play) -> Plan:
    """The gateway of ``seed``, as small as it can be while kernel and walk differ as in ``case``."""
    probe = case.seen.probe
    asked = Ask(probe.destination, probe.protocol, probe.port, case.meant, (probe.client,))
    difference = (case.kernel.verdict, case.walk.verdict)
    return shrunk(draw(seed), functools.partial(_differs, difference=difference, play=play), asked)


def _differs(plan: Plan, difference: tuple[Verdict, Verdict], play: Play) -> bool:
    try:
        found = play(plan)
    except Exception:  # a smaller plan need not make sense: a jump to a chain that is gone
        return False
    return any((case.kernel.verdict, case.walk.verdict) == difference for case in found)


def shown(seed: str, case: Case, play: Play = cases) -> str:
    """A disagreement for a person: as it was, and small."""
    plan = smallest(seed, case, play)
    return f"--- gateway {seed}\n{case}\n--- the same, small: keep it in tests/lab/cases/\n{written(plan)}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev lab-fuzz")
    parser.add_argument("cases", nargs="?", type=int, default=ENOUGH, help="how many, at least")
    parser.add_argument("--seed", default=secrets.token_hex(4), help="the same seed makes the same gateways")
    help_ = "load what the model says of each gateway instead of its own rules"
    parser.add_argument("--rewritten", action="store_true", help=help_)
    wanted = parser.parse_args()
    play = rewritten if wanted.rewritten else cases
    if reason := network.unavailable() or built.unavailable():
        print(reason, file=sys.stderr)
        return 2
    print(f"seed {wanted.seed}", flush=True)
    started_s = time.monotonic()
    tally = _run(wanted.seed, wanted.cases, play)
    took_s = time.monotonic() - started_s
    for seed, case in tally.odd[:SHOWN]:
        print(shown(seed, case, play), flush=True)
    return _report(tally, took_s)


def _run(seed: str, wanted: int, play: Play) -> Tally:
    tally = Tally()
    first = 0
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as pool:
        while tally.cases < wanted and first < wanted:
            count = max(1, wanted // CASES_A_GATEWAY)
            seeds = [f"{seed}-{at}" for at in range(first, first + count)]
            quiet = not sys.stdout.isatty()
            played = pool.imap_unordered(functools.partial(one, play=play), seeds)
            for part in track(played, "gateways", count, disable=quiet):
                tally.merge(part)
            first += count
        pool.close()
        pool.join()
    return tally


def _report(tally: Tally, took_s: float) -> int:
    print(f"\n{tally.gateways} gateways in {took_s:.0f} s")
    for title, counter in (("verdict", tally.verdicts), ("construct", tally.constructs)):
        print(f"\n{title:<24}{'cases':>8}{'share':>8}")
        for name, count in counter.most_common():
            print(f"{name:<24}{count:>8}{count / max(1, tally.cases):>8.1%}")
    for reason, count in tally.reasons.most_common():
        print(f"maybe {count}: {reason}")
    for (kernel, walk), count in tally.differences.most_common():
        print(f"kernel {kernel}, walk {walk}: {count}")
    for broken in tally.broken[:SHOWN]:
        print(f"broken: {broken}")
    if len(tally.odd) > SHOWN:
        print("more gateways with disagreements:", *(seed for seed, _ in tally.odd[SHOWN:]))
    short = list(tally.shortcomings)
    for shortcoming in short:
        print(f"short: {shortcoming}")
    print(f"cases={tally.cases} disagreements={tally.disagreements} maybe={tally.maybe}", flush=True)
    return 1 if tally.disagreements or tally.broken or short or not tally.cases else 0


if __name__ == "__main__":
    sys.exit(main())

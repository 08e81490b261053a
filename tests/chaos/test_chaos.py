"""Upstreams in trouble, 2,000 questions a second: nobody waits too long, and what was known is answered.

The same faults meet Unbound and dnsmasq, and their figures are printed beside ours. ``CHAOS_SCALE`` shortens
all of it: at 1, a contestant takes about three minutes, of which the upstreams are gone for one.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import pairwise

import pytest

from tests.bench.measure import memory_octets
from tests.chaos.contestants import CONTESTANTS
from tests.chaos.load import Load, Tally
from tests.chaos.upstream import Faults, upstreams
from tests.lab.machine import Here, free_port

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(3600),
    pytest.mark.needs("unbound", "dnsmasq"),
    pytest.mark.xdist_group("chaos"),
]

SCALE = float(os.environ.get("CHAOS_SCALE", "1"))
PER_SECOND = int(os.environ.get("CHAOS_PER_SECOND", "2000"))
PATIENCE_S = 4.5  # what is configured for one question
MARGIN_S = 0.5  # of a busy machine
RECOVERY_S = 5.0
MEMORY_OCTETS = 250 << 20  # two workers and a supervisor, 8 MiB of cache in each worker

PHASES = (
    ("calm", Faults(), 10),
    ("drop 20 %", Faults(drop=0.2), 20),
    ("drop 40 %", Faults(drop=0.4), 20),
    ("drop 60 %", Faults(drop=0.6), 20),
    ("late 50 %", Faults(late=0.5), 20),
    ("garbage 50 %", Faults(garbage=0.5), 20),
    ("gone", Faults(gone=True), 60),
    ("back", Faults(), 20),
)


@dataclass
class Story:
    """What one contestant went through."""

    phases: dict[str, Tally]
    recovery_s: float
    memory_octets: int
    printed: str


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Story]:
    found: dict[str, Story] = {}
    for name in CONTESTANTS:
        here = Here(tmp_path_factory.mktemp(name))
        try:
            found[name] = _live(name, here)
        finally:
            here.stop()
    print("\n" + table(found))
    return found


def _live(name: str, here: Here) -> Story:
    ports = (free_port(), free_port())
    with upstreams(*ports) as control:
        server = CONTESTANTS[name](here, ports)
        time.sleep(1.0)
        load = Load(server.port, PER_SECOND)
        load.warm_up()
        times: list[tuple[str, float]] = []
        memory = 0
        for phase, faults, seconds in PHASES:
            control.set(faults)
            times.append((phase, time.monotonic()))
            load.run(max(seconds * SCALE, 3))
            memory = max(memory, memory_octets(server.daemon))
        times.append(("", time.monotonic()))
        load.drain()
        load.close()
        back_s = next(at for phase, at in times if phase == "back")
    phases = {
        phase: load.between(int(start_s) + 1, int(end_s))
        for (phase, start_s), (_, end_s) in pairwise(times)
    }
    return Story(phases, max(load.last_failure_s - back_s, 0), memory, server.daemon.output)


def table(stories: dict[str, Story]) -> str:
    """All figures, for a person."""
    head = f"{'':14}{'':10}{'lost':>7}{'known':>9}{'new':>9}{'p50 ms':>9}{'p99 ms':>9}{'longest s':>11}"
    lines = [head]
    for phase, _, _ in PHASES:
        for number, (name, story) in enumerate(stories.items()):
            tally = story.phases[phase]
            lines.append(
                f"{'' if number else phase:14}{name:10}{tally.lost:7}"
                f"{_share(tally.popular_good, tally.popular):>9}{_share(tally.rare_good, tally.rare):>9}"
                f"{tally.wait_ms(0.5):9.1f}{tally.wait_ms(0.99):9.1f}{tally.longest_s:11.2f}"
            )
    for name, story in stories.items():
        lines.append(f"{name}: well again after {story.recovery_s:.1f} s; {story.memory_octets >> 20} MiB")
    return "\n".join(lines)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.2f} %" if whole else "-"


def test_no_client_waits_longer_than_the_patience(stories: dict[str, Story]) -> None:
    for phase, tally in stories["splitdns"].phases.items():
        assert tally.lost == 0, phase
        assert tally.longest_s < PATIENCE_S + MARGIN_S, phase


def test_what_was_known_is_always_answered(stories: dict[str, Story]) -> None:
    for phase, tally in stories["splitdns"].phases.items():
        assert tally.popular_good == tally.popular, phase


def test_memory_stays_bounded(stories: dict[str, Story]) -> None:
    assert stories["splitdns"].memory_octets < MEMORY_OCTETS


def test_all_is_well_soon_after_the_upstreams_are_back(stories: dict[str, Story]) -> None:
    assert stories["splitdns"].recovery_s < RECOVERY_S


def test_the_log_has_no_bug(stories: dict[str, Story]) -> None:
    assert "query.bug" not in stories["splitdns"].printed
    assert "Traceback" not in stories["splitdns"].printed

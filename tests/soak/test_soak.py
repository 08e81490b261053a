"""For as long as you like: clients, reloads, upstreams in trouble and malformed packets, all at once.

``SOAK_MINUTES`` says how long (20), ``SOAK_PER_SECOND`` how many questions (5,000). Nothing is an error, and
memory is flat once the caches are full.
"""

from __future__ import annotations

import itertools
import json
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean

import pytest

from tests.bench.measure import memory_octets
from tests.chaos import contestants
from tests.chaos.load import Load, Tally, total
from tests.chaos.upstream import Control, Faults, upstreams
from tests.lab.machine import Here, free_port
from tests.lab.peers import Server

MINUTES = float(os.environ.get("SOAK_MINUTES", "20"))
PER_SECOND = int(os.environ.get("SOAK_PER_SECOND", "5000"))
MALFORMED = 0.02
WARM_UP = 0.3  # of the time, until when memory may grow: caches fill up
FLAT = 0.05
LOST = 0.005  # of the questions: what a full socket drops while the machine is busy

STEP_S = 5.0  # each ends with a look at the memory
RELOAD_EVERY = 2  # steps
FAULTS = (
    Faults(),
    Faults(drop=0.3),
    Faults(late=0.2),
    Faults(),
    Faults(garbage=0.3),
    Faults(gone=True),
)

pytestmark = [
    pytest.mark.long,
    pytest.mark.timeout(60 * MINUTES + 300),
    pytest.mark.xdist_group("soak"),
]


@dataclass
class Diary:
    """What was seen; ``memory`` in octets, step by step."""

    tally: Tally
    memory: list[int] = field(default_factory=list)
    events: list[dict[str, object]] = field(default_factory=list)
    reloads: int = 0


@pytest.fixture(scope="module")
def diary(tmp_path_factory: pytest.TempPathFactory) -> Diary:
    here = Here(tmp_path_factory.mktemp("soak"))
    ports = (free_port(), free_port())
    try:
        with upstreams(*ports) as control:
            server = contestants.splitdns(here, ports)
            found = _live(server, here, control)
    finally:
        here.stop()
    found.events = [json.loads(line) for line in contestants.log_lines(server) if line.startswith("{")]
    tally, memory = found.tally, [octets >> 20 for octets in found.memory]
    print(
        f"\n{tally.asked} questions, {tally.lost} lost, {found.reloads} reloads; "
        f"p50 {tally.wait_ms(0.5):.1f} ms, p99 {tally.wait_ms(0.99):.1f} ms, "
        f"longest {tally.longest_s:.1f} s; "
        f"memory in MiB: {memory[:: max(len(memory) // 20, 1)]}"
    )
    return found


def _live(server: Server, here: Here, control: Control) -> Diary:
    load = Load(server.port, PER_SECOND, MALFORMED)
    load.warm_up()
    diary = Diary(Tally())
    until_s = time.monotonic() + 60 * MINUTES
    zone = here.directory / "zones" / "example.org.yaml"
    for step, faults in enumerate(itertools.cycle(FAULTS)):
        if time.monotonic() > until_s:
            break
        control.set(faults)
        if step % RELOAD_EVERY == 0:
            diary.reloads += 1
            _write(zone, contestants.ZONE + f"  host{step}: {{A: 192.0.2.{step % 250 + 1}}}\n")
        load.run(STEP_S)
        diary.memory.append(memory_octets(server.daemon))
    control.set(Faults())
    load.drain()
    load.close()
    diary.tally = total(load.seconds.values())
    return diary


def _write(zone: Path, text: str) -> None:
    new = zone.with_name(".new")
    new.write_text(text)
    new.rename(zone)


def test_no_error_is_logged(diary: Diary) -> None:
    errors = [event for event in diary.events if event["level"] == "error"]
    assert errors == []


def test_every_reload_was_swapped_in(diary: Diary) -> None:
    swapped = [event for event in diary.events if event["event"] == "generation.swapped"]
    assert len(swapped) >= diary.reloads - 1


def test_memory_is_flat_once_the_caches_are_full(diary: Diary) -> None:
    settled = diary.memory[int(WARM_UP * len(diary.memory)) :]
    third = max(len(settled) // 3, 1)
    before, after = mean(settled[:third]), mean(settled[-third:])
    assert after / before - 1 < FLAT, [octets >> 20 for octets in diary.memory]


def test_questions_are_answered(diary: Diary) -> None:
    tally = diary.tally
    assert tally.lost <= LOST * tally.asked
    assert tally.popular - tally.popular_good <= LOST * tally.asked

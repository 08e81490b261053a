"""The bench's own arithmetic: what it counts, and what it prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench import corpus, measure
from tests.bench.__main__ import table
from tests.bench.run import Rate, Row
from tests.lab.machine import Here

HOLDER = """
import mmap, os, time
held = os.memfd_create("held")
os.ftruncate(held, 32 << 20)
mapping = mmap.mmap(held, 32 << 20)
while True:
    pass
"""


def test_memory_counts_a_memory_file_whole_though_nobody_looked_at_it(tmp_path: Path) -> None:
    here = Here(tmp_path)
    try:
        daemon = here.start(sys.executable, "-c", HOLDER)
        while measure.memory_octets(daemon) < 32 << 20:  # else the test times out
            assert daemon.running
        assert measure.memory_octets(daemon) < 64 << 20
        while measure.cpu_s(daemon) < 0.05:
            assert daemon.running
    finally:
        here.stop()


def test_one_question_in_ten_is_about_a_name_that_does_not_exist(tmp_path: Path) -> None:
    written = corpus.write(tmp_path, 2000, rounds=2)
    cold, other = (path.read_text().splitlines() for path in written.cold)
    assert sorted(cold) == sorted(other)
    assert cold[:50] != other[:50]
    assert len(cold) == 20_000
    assert sum(line.startswith("no-") for line in cold) / len(cold) == pytest.approx(0.1, abs=0.02)
    assert len(set(written.warm.read_text().splitlines())) <= corpus.WARM_NAMES
    assert written.zone.read_text().count(" A ") == 2001


def test_the_table_says_what_was_measured_and_what_was_disturbed() -> None:
    warm = Rate(90_000, 80_000, 95_000, 99_000, disturbed=False)
    cold = Rate(17_000, 16_000, 18_000, 17_500, disturbed=True)
    row = Row("splitdns", 1_000_000, 7.5, 100 << 20, warm, cold)
    assert table([row])[-1] == (
        "| 1,000,000 | splitdns | 7.50 s | 100 MiB | 90 (80–95) | 17 (16–18) (disturbed) | 99, 18 |"
    )

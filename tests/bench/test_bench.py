"""The bench's own arithmetic: what it counts, and what it prints."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.bench import corpus, forwarding, measure
from tests.bench.__main__ import table
from tests.bench.run import Rate, Row
from tests.lab import peers
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
        "| 1,000,000 | splitdns | 7.50 s | 100 MiB | 90 (80–95) | 17.0 (16.0–18.0) (disturbed) | 99, 18 |"
    )


def test_no_name_is_asked_twice_where_the_upstream_is_meant(tmp_path: Path) -> None:
    names = forwarding.Names(tmp_path)
    asked = names.warm.read_text().splitlines()
    for _ in range(3):
        asked += names.cold(2000).read_text().splitlines()
    assert len(set(asked)) == len(asked) == forwarding.WARM_NAMES + 6000
    denied = sum(f".no.{forwarding.APEX}" in line for line in asked)
    assert denied / len(asked) == pytest.approx(forwarding.NEGATIVE_SHARE, abs=0.02)


def test_the_table_of_forwarders_has_rates_and_latencies() -> None:
    hits = Rate(90_000, 80_000, 95_000, 99_000, disturbed=False)
    misses = Rate(4_300, 4_200, 4_600, 4_700, disturbed=True)
    hit, miss = forwarding.Latency(0.00007, 0.0013), forwarding.Latency(0.00029, 0.004)
    row = forwarding.Forwarded("dnsmasq", hits, misses, hit, miss, 3 << 20)
    assert forwarding.table([row])[-1] == (
        "| dnsmasq | 90 (80–95) | 4.3 (4.2–4.6) (disturbed) | 99.0, 4.7"
        " | 0.07, 1.30 ms | 0.29, 4.00 ms | 3 MiB |"
    )


@pytest.mark.needs("dnsperf", "nsd", "taskset")
def test_latency_is_measured_for_every_answer(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    zone.write_text(forwarding.ZONE)
    here = Here(tmp_path)
    try:
        server = peers.nsd(here, {forwarding.APEX: zone})
        questions = forwarding.Names(tmp_path).warm
        found = measure.latencies_s(server.port, questions, 0.3, 200)
        assert 10 < len(found) <= 70
        assert found == sorted(found)
        assert 0 < found[0] < 0.3
    finally:
        here.stop()

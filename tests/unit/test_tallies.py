"""What is counted beforehand is what would be counted at once."""

from __future__ import annotations

import pickle

from splitdns.metrics import CACHE_ENTRIES, CACHE_MISSES, Counts

REQUEST = ("dns://:53", ".", "lan", "udp", 1, 28, True, 3, "forward")


def test_cells_and_lines_are_added_up_once() -> None:
    counts, other = Counts(), Counts()
    tallies = counts.tallies
    misses, entries = tallies.cell(CACHE_MISSES, "lan"), tallies.cell(CACHE_ENTRIES, "denial", "lan")
    line = tallies.line(REQUEST, counts.traffic_of(*REQUEST[:4]))
    for octets, duration_s in ((40, 0.001), (60, 3.0)):
        misses.count += 1
        entries.count -= 1
        line.add(octets, 2 * octets, duration_s)
        other.add(CACHE_MISSES, "lan")
        other.add(CACHE_ENTRIES, "denial", "lan", by=-1)
        other.request(*REQUEST, octets, 2 * octets, duration_s)
    for _ in range(2):
        assert counts.value(CACHE_MISSES, "lan") == 2
        assert counts.value(CACHE_ENTRIES, "denial", "lan") == -2
        assert counts.queries == 2
    assert (counts.requests, counts.counters, counts.gauges) == (other.requests, other.counters, other.gauges)
    (one,), (another,) = counts.traffic.values(), other.traffic.values()
    for name in ("durations", "requests", "responses"):
        assert getattr(one, name).slots == getattr(another, name).slots
        assert getattr(one, name).total == getattr(another, name).total


def test_who_asks_twice_counts_in_the_same_place() -> None:
    tallies = Counts().tallies
    assert tallies.cell(CACHE_MISSES, "lan") is tallies.cell(CACHE_MISSES, "lan")


def test_what_another_process_tells_is_complete() -> None:
    counts, whole = Counts(), Counts()
    counts.tallies.cell(CACHE_MISSES, "lan").count += 3
    counts.tallies.line(REQUEST, counts.traffic_of(*REQUEST[:4])).add(40, 80, 0.1)
    whole.merge(pickle.loads(pickle.dumps(counts)))
    assert (whole.value(CACHE_MISSES, "lan"), whole.queries) == (3, 1)
    counts.tallies.cell(CACHE_ENTRIES, "denial", "lan").count += 1
    counts.retire()
    assert (counts.value(CACHE_MISSES, "lan"), counts.value(CACHE_ENTRIES, "denial", "lan")) == (3, 0)

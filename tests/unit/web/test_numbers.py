from __future__ import annotations

import pytest

from splitdns.metrics import (
    CACHE_ENTRIES,
    CACHE_HITS,
    CACHE_REQUESTS,
    FORWARD_FAILURES,
    PROXY_DURATION,
    SOURCE_LOST_NAMES,
    SOURCE_RECORDS,
    SOURCE_REFUSED,
    SOURCE_SEEN,
    SOURCE_UP,
    UPSTREAM_DOWN,
    Counts,
)
from splitdns.web.numbers import Share, SourceNumbers, caches, name_sources, traffic, upstreams


def asked(counts: Counts, view: str, plugin: str, rcode: int, times: int) -> None:
    for _ in range(times):
        counts.request("dns://:53", ".", view, "udp", 1, 1, False, rcode, plugin, 40, 60, 0.001)


def test_the_traffic_of_a_view_is_told_by_source_and_code() -> None:
    counts = Counts()
    asked(counts, "lan", "zone", 0, 6)
    asked(counts, "lan", "forward", 3, 2)
    asked(counts, "internet", "server", 5, 8)

    lan, all_of_them = traffic(counts, "lan"), traffic(counts)

    assert lan.queries == 8
    assert lan.sources == (Share("zone", 6, 75.0), Share("forward", 2, 25.0))
    assert [(one.label, one.count) for one in lan.rcodes] == [("NOERROR", 6), ("NXDOMAIN", 2)]
    assert all_of_them.queries == 16
    assert sum(one.percent for one in all_of_them.rcodes) == pytest.approx(100)


def test_nothing_asked_is_nothing_shared() -> None:
    assert traffic(Counts()).sources == ()
    assert upstreams(Counts()) == ()


def test_an_upstream_s_times_are_read_off_its_buckets() -> None:
    counts = Counts()
    for duration_s in [0.003] * 19 + [1.5]:
        counts.observe(PROXY_DURATION, duration_s, "forward", "192.0.2.53:53", "NOERROR")
    counts.add(FORWARD_FAILURES, "192.0.2.54:53", "no_response", by=3)
    counts.set(UPSTREAM_DOWN, 2, "192.0.2.54:53")

    busy, silent = upstreams(counts)

    assert (busy.name, busy.answers) == ("192.0.2.53:53", 20)
    assert busy.median_ms is not None
    assert 2 <= busy.median_ms <= 4
    assert busy.slow_ms is not None
    assert busy.slow_ms <= 4
    assert max(busy.bars) == 1
    assert (busy.down, silent.down) == (False, True)
    assert (silent.name, silent.answers, silent.median_ms, silent.bars) == ("192.0.2.54:53", 0, None, ())
    assert silent.failures == (Share("no response", 3, 100.0),)


def test_the_slowest_bucket_has_no_end() -> None:
    counts = Counts()
    counts.observe(PROXY_DURATION, 60.0, "forward", "192.0.2.53:53", "NOERROR")
    (one,) = upstreams(counts)

    assert one.median_ms == pytest.approx(8192)


def test_sources_are_told_and_those_that_say_nothing_first() -> None:
    counts = Counts()
    counts.set(SOURCE_UP, 1, "docker d.sock")
    counts.set(SOURCE_RECORDS, 5, "docker d.sock")
    counts.set(SOURCE_REFUSED, 2, "docker d.sock")
    counts.set(SOURCE_LOST_NAMES, 1, "docker d.sock")
    counts.set(SOURCE_SEEN, 99.0, "docker d.sock")
    counts.set(SOURCE_UP, 0, "leases a")

    assert name_sources(counts) == (
        SourceNumbers("leases a", False, 0, 0, 0, 0.0),
        SourceNumbers("docker d.sock", True, 5, 2, 1, 99.0),
    )
    assert name_sources(Counts()) == ()


def test_a_cache_is_told_view_by_view() -> None:
    counts = Counts()
    counts.add(CACHE_REQUESTS, "lan", by=10)
    counts.add(CACHE_HITS, "success", "lan", by=7)
    counts.add(CACHE_HITS, "denial", "lan", by=1)
    counts.set(CACHE_ENTRIES, 3, "success", "lan")

    lan, vpn = caches(counts, ("lan", "vpn"))

    assert (lan.entries, lan.requests, lan.hit_percent) == (3, 10, 80.0)
    assert vpn.hit_percent is None

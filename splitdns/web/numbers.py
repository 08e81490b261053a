"""What the counters say to a person: rates of hits, median times, shares. Pure; from ``Counts`` to values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import accumulate

from splitdns.metrics import (
    ANSWERS_ENTRIES,
    ANSWERS_OCTETS,
    CACHE_ENTRIES,
    CACHE_EVICTIONS,
    CACHE_HITS,
    CACHE_OCTETS,
    CACHE_REQUESTS,
    CACHE_STALE,
    DURATION_BUCKETS_S,
    FORWARD_FAILURES,
    LEAKS_BLOCKED,
    PROXY_DURATION,
    SOURCE_LOST_NAMES,
    SOURCE_RECORDS,
    SOURCE_REFUSED,
    SOURCE_SEEN,
    SOURCE_UP,
    UPSTREAM_DOWN,
    Counts,
    Histogram,
    Metric,
    rcode_label,
)
from splitdns.value import value

SOURCES = ("zone", "cache", "forward", "blocklist", "server")  # what gives answers, as in the metrics


@value(frozen=True, slots=True)
class Share:
    """A part of a whole."""

    label: str
    count: int
    percent: float


@value(frozen=True, slots=True)
class Traffic:
    """Queries of one view (or of all): how many, what answered them, and with which rcodes."""

    queries: int
    sources: tuple[Share, ...]
    rcodes: tuple[Share, ...]
    leaks: int


@value(frozen=True, slots=True)
class UpstreamNumbers:
    """How an upstream has answered; ``bars`` are its times by bucket, the highest 1."""

    name: str
    down: bool  # some worker finds it silent
    answers: int
    failures: tuple[Share, ...]
    median_ms: float | None
    slow_ms: float | None  # all but one of twenty were faster
    bars: tuple[float, ...]


@value(frozen=True, slots=True)
class CacheNumbers:
    """What is remembered for one view: of upstreams, and encoded answers of its own zones."""

    view: str
    entries: int
    octets: int
    requests: int
    hit_percent: float | None
    stale: int
    evictions: int
    answers: int
    answers_octets: int


@value(frozen=True, slots=True)
class SourceNumbers:
    """A source of names: what it gives, what of that is not taken, and when it was heard last (0: never)."""

    name: str
    up: bool
    records: int
    refused: int
    lost: int
    seen_s: float


def traffic(counts: Counts, view: str | None = None) -> Traffic:
    """The queries of ``view``, or of everybody."""
    sources: Counter[str] = Counter()
    rcodes: Counter[str] = Counter()
    for (_, _, of_view, _, _, _, _, rcode, plugin), count in counts.requests.items():
        if view is None or of_view == view:
            sources[plugin] += count
            rcodes[rcode_label(rcode)] += count
    ordered = Counter({source: sources[source] for source in SOURCES if sources[source]})
    return Traffic(
        sources.total(),
        tuple(_shares(ordered)),
        tuple(_shares(Counter(dict(rcodes.most_common())))),
        int(_total(counts, LEAKS_BLOCKED, view)),
    )


def upstreams(counts: Counts) -> tuple[UpstreamNumbers, ...]:
    """All that were ever asked, the busiest first."""
    times: dict[str, Histogram] = {}
    for (name, labels), histogram in counts.histograms.items():
        if name == PROXY_DURATION.name:
            times.setdefault(labels[1], Histogram(len(DURATION_BUCKETS_S))).merge(histogram)
    failures: dict[str, Counter[str]] = {}
    for (name, labels), count in counts.counters.items():
        if name == FORWARD_FAILURES.name:
            failures.setdefault(labels[0], Counter())[labels[1].replace("_", " ")] += count
    names = sorted({*times, *failures}, key=lambda one: (-_answers(times.get(one)), one))
    down = {name for name in names if counts.value(UPSTREAM_DOWN, name)}
    return tuple(
        _upstream(name, name in down, times.get(name), failures.get(name, Counter())) for name in names
    )


def name_sources(counts: Counts) -> tuple[SourceNumbers, ...]:
    """All sources of names beside zone files, those that say nothing first."""
    names = [labels[0] for metric, labels in counts.gauges if metric == SOURCE_UP.name]
    found = (
        SourceNumbers(
            name,
            bool(counts.value(SOURCE_UP, name)),
            int(counts.value(SOURCE_RECORDS, name)),
            int(counts.value(SOURCE_REFUSED, name)),
            int(counts.value(SOURCE_LOST_NAMES, name)),
            counts.value(SOURCE_SEEN, name),
        )
        for name in names
    )
    return tuple(sorted(found, key=lambda one: (one.up, one.name)))


def caches(counts: Counts, views: tuple[str, ...]) -> tuple[CacheNumbers, ...]:
    """What is remembered, view by view."""
    return tuple(_cache(counts, view) for view in views)


def _upstream(name: str, down: bool, times: Histogram | None, failures: Counter[str]) -> UpstreamNumbers:
    slots = times.slots if times is not None else []
    most = max(slots, default=0)
    return UpstreamNumbers(
        name,
        down,
        _answers(times),
        tuple(_shares(failures)),
        _below(slots, 0.5),
        _below(slots, 0.95),
        tuple(slot / most for slot in slots) if most else (),
    )


def _answers(times: Histogram | None) -> int:
    return sum(times.slots) if times is not None else 0


def _below(slots: list[int], share: float) -> float | None:
    """How many milliseconds this share of the observations took at most, taken to be even in each bucket."""
    total = sum(slots)
    if not total:
        return None
    bounds = (0.0, *DURATION_BUCKETS_S, DURATION_BUCKETS_S[-1])
    wanted = share * total
    for at, (upto, slot) in enumerate(zip(accumulate(slots), slots, strict=True)):
        if upto >= wanted:
            low, high = bounds[at], bounds[at + 1]
            return float(1000 * (low + (high - low) * (1 - (upto - wanted) / slot)))
    raise AssertionError("the last bucket holds the rest")


def _cache(counts: Counts, view: str) -> CacheNumbers:
    requests = _total(counts, CACHE_REQUESTS, view)
    hits = _total(counts, CACHE_HITS, view)
    return CacheNumbers(
        view,
        int(_total(counts, CACHE_ENTRIES, view)),
        int(_total(counts, CACHE_OCTETS, view)),
        int(requests),
        100 * hits / requests if requests else None,
        int(_total(counts, CACHE_STALE, view)),
        int(_total(counts, CACHE_EVICTIONS, view)),
        int(_total(counts, ANSWERS_ENTRIES, view)),
        int(_total(counts, ANSWERS_OCTETS, view)),
    )


def _total(counts: Counts, metric: Metric, view: str | None) -> float:
    """The sum over all labels but the view's."""
    at = metric.labels.index("view")
    series = counts.gauges if metric.kind == "gauge" else counts.counters
    return sum(
        value
        for (name, labels), value in series.items()
        if name == metric.name and (view is None or labels[at] == view)
    )


def _shares(counter: Counter[str]) -> Iterator[Share]:
    total = counter.total()
    for label, count in counter.items():
        yield Share(label, count, 100 * count / total)

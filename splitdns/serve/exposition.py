"""The counts as Prometheus reads them; the library is imported by the first scrape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from splitdns.metrics import (
    DO_REQUESTS,
    DURATION_BUCKETS_S,
    METRICS,
    NAMESPACE,
    REQUEST_DURATION,
    REQUEST_SIZE,
    REQUESTS,
    RESPONSE_SIZE,
    RESPONSES,
    SIZE_BUCKETS_OCTETS,
    TYPE_LABELS,
    Counts,
    Histogram,
    Labels,
    Metric,
    rcode_label,
)

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric as Family


def render(counts: Counts, accept: str = "") -> tuple[bytes, str]:
    """The exposition that a scraper's ``Accept`` header asks for, and its content type."""
    from prometheus_client import CollectorRegistry, exposition
    from prometheus_client.registry import Collector

    class Snapshot(Collector):
        def collect(self) -> Iterable[Family]:
            return families(counts)

    registry = CollectorRegistry(auto_describe=False)
    registry.register(Snapshot())
    encode, content_type = exposition.choose_encoder(accept)
    return encode(registry), content_type


def families(counts: Counts) -> Iterator[Family]:
    """Every declared metric with its samples, in the order of declaration."""
    from prometheus_client.metrics_core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    plain = _plain_series(counts)
    histograms = _histogram_series(counts)
    for metric in METRICS:
        name = NAMESPACE + metric.name
        if metric.kind == "histogram":
            bounds = SIZE_BUCKETS_OCTETS if metric.name.endswith("_bytes") else DURATION_BUCKETS_S
            family = HistogramMetricFamily(name, metric.help, labels=metric.labels)
            for labels, histogram in histograms[metric.name].items():
                family.add_metric(labels, _cumulative(bounds, histogram), histogram.total)
            yield family
            continue
        make = GaugeMetricFamily if metric.kind == "gauge" else CounterMetricFamily
        samples = make(name, metric.help, labels=metric.labels)
        series = plain[metric.name]
        if not metric.labels:
            series.setdefault((), 0)  # one that has not moved yet can be told from one that is not there
        for labels, value in series.items():
            samples.add_metric(labels, value)
        yield samples


def _plain_series(counts: Counts) -> dict[str, dict[Labels, float]]:
    found: dict[str, dict[Labels, float]] = {metric.name: {} for metric in METRICS}

    def add(metric: Metric, labels: Labels, value: float) -> None:
        series = found[metric.name]
        series[labels] = series.get(labels, 0) + value

    counts.settle()
    for (server, zone, view, proto, family, qtype, do, rcode, plugin), count in counts.requests.items():
        add(REQUESTS, (server, zone, view, proto, str(family), TYPE_LABELS[qtype]), count)
        add(RESPONSES, (server, zone, view, rcode_label(rcode), plugin), count)
        if do:
            add(DO_REQUESTS, (server, zone, view), count)
    for source in (counts.counters, counts.gauges):
        for (name, labels), value in source.items():
            found[name][labels] = value
    return found


def _histogram_series(counts: Counts) -> dict[str, dict[Labels, Histogram]]:
    found: dict[str, dict[Labels, Histogram]] = {
        metric.name: {} for metric in METRICS if metric.kind == "histogram"
    }
    for path, traffic in counts.traffic.items():
        durations = found[REQUEST_DURATION.name].setdefault(path[:3], Histogram(len(DURATION_BUCKETS_S)))
        durations.merge(traffic.durations)
        found[REQUEST_SIZE.name][path] = traffic.requests
        found[RESPONSE_SIZE.name][path] = traffic.responses
    for (name, labels), histogram in counts.histograms.items():
        found[name][labels] = histogram
    return found


def _cumulative(bounds: tuple[float, ...], histogram: Histogram) -> list[tuple[str, float]]:
    names = [f"{bound:.10g}" for bound in bounds] + ["+Inf"]
    return list(zip(names, accumulate(histogram.slots), strict=True))

"""What is counted, in plain integers.

Each worker counts for itself: an increment of a dictionary entry, no lock and no label object, because an
answer costs less than one ``inc()`` of prometheus_client. The supervisor merges the ``Counts`` of all workers
and ``serve.exposition`` renders them in the scrape. Names, labels and buckets are CoreDNS's, so that known
dashboards fit. Labels come from closed sets: what a stranger can choose (a name, a rare type) is never one.

>>> count = Counts()
>>> count.add(DROPS, "response")
>>> count.value(DROPS, "response")
1
"""

from __future__ import annotations

import sys
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

from splitdns.tallies import Request, Tallies

NAMESPACE = "splitdns_"

# CoreDNS's: 0.25 ms to 8 s, doubling; and the sizes at which messages get into trouble.
DURATION_BUCKETS_S = tuple(0.00025 * 2**power for power in range(16))
SIZE_BUCKETS_OCTETS = (0, 100, 200, 300, 400, 511, 1023, 2047, 4095, 8291, 16000, 32000, 48000, 64000)
# The bucket of every size that a message can have, so that finding it is one index.
SIZE_SLOT = b"".join(
    bytes([slot]) * (upper - lower)
    for slot, (lower, upper) in enumerate(pairwise((-1, *SIZE_BUCKETS_OCTETS, 65_535)))
)

DROPPED = "dropped"  # the zone label where no zone had a say; without a final dot, so no zone's name
OTHER_TYPE = 0

# The types that are told apart; any other is "other" (CoreDNS's list, and SVCB with HTTPS).
TYPE_LABELS = {
    OTHER_TYPE: "other",
    1: "A",
    2: "NS",
    5: "CNAME",
    6: "SOA",
    12: "PTR",
    13: "HINFO",
    15: "MX",
    16: "TXT",
    28: "AAAA",
    29: "LOC",
    33: "SRV",
    35: "NAPTR",
    39: "DNAME",
    43: "DS",
    44: "SSHFP",
    46: "RRSIG",
    47: "NSEC",
    48: "DNSKEY",
    50: "NSEC3",
    52: "TLSA",
    64: "SVCB",
    65: "HTTPS",
    251: "IXFR",
    252: "AXFR",
    255: "ANY",
    257: "CAA",
}
_RCODE_LABELS = {
    0: "NOERROR",
    1: "FORMERR",
    2: "SERVFAIL",
    3: "NXDOMAIN",
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    9: "NOTAUTH",
    16: "BADVERS",
    23: "BADCOOKIE",
}


def rcode_label(rcode: int) -> str:
    return _RCODE_LABELS.get(rcode, "other")


@dataclass(frozen=True, slots=True, eq=False)
class Metric:
    """A metric that is declared once, here: its name without the namespace, its help and its label names."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()


# Counted for every request, by ``Counts.request``.
REQUESTS = Metric(
    "dns_requests_total",
    "counter",
    "DNS requests per zone, view, protocol, family and type.",
    ("server", "zone", "view", "proto", "family", "type"),
)
DO_REQUESTS = Metric(
    "dns_do_requests_total", "counter", "DNS requests with the DO bit set.", ("server", "zone", "view")
)
RESPONSES = Metric(
    "dns_responses_total",
    "counter",
    "DNS responses per zone, view, response code, and what gave the answer.",
    ("server", "zone", "view", "rcode", "plugin"),
)
REQUEST_DURATION = Metric(
    "dns_request_duration_seconds",
    "histogram",
    "Time that a request took, from the socket to the socket.",
    ("server", "zone", "view"),
)
REQUEST_SIZE = Metric(
    "dns_request_size_bytes", "histogram", "Size of the requests.", ("server", "zone", "view", "proto")
)
RESPONSE_SIZE = Metric(
    "dns_response_size_bytes", "histogram", "Size of the responses.", ("server", "zone", "view", "proto")
)
# Counted by workers, with ``Counts.add``, ``set`` and ``observe``.
SOURCE_LOST = Metric(
    "client_source_lost",
    "gauge",
    "Workers that see all queries come from one gateway, so that no view can be told from another.",
)
VIEW_CLIENTS = Metric("view_clients", "gauge", "Client addresses of a view that workers remember.", ("view",))
LEAKS_BLOCKED = Metric(
    "leaks_blocked_total",
    "counter",
    "Records that the leak guard took out of answers to outside views.",
    ("view", "kind"),
)
REBINDINGS_BLOCKED = Metric(
    "rebindings_blocked_total",
    "counter",
    "Records with inside addresses that were taken out of what upstreams said.",
    ("view",),
)
DROPS = Metric("drops_total", "counter", "Messages that were not answered, by reason.", ("reason",))
LIMITED = Metric(
    "limited_total",
    "counter",
    "Queries beyond a limit, by limit: dropped, or answered with a bare TC or REFUSED.",
    ("view", "limit"),
)
PANICS = Metric("panics_total", "counter", "Queries that met a bug, and were answered SERVFAIL.")
ANSWERS_ENTRIES = Metric(
    "answers_entries", "gauge", "Encoded answers that a view remembers.", ("view",)
)
ANSWERS_OCTETS = Metric("answers_size_bytes", "gauge", "What these answers take up.", ("view",))
TCP_CONNECTIONS = Metric("tcp_connections", "gauge", "Open TCP connections of clients.")
TCP_ACCEPTED = Metric("tcp_accepted_total", "counter", "TCP connections that were accepted.")
TCP_CLOSED = Metric("tcp_closed_total", "counter", "TCP connections that we closed, by reason.", ("reason",))
QUERYLOG_DROPPED = Metric("querylog_dropped_total", "counter", "Lines that the query log had no room for.")
DNSTAP_DROPPED = Metric("dnstap_dropped_total", "counter", "Queries that dnstap had no room for.")
CACHE_ENTRIES = Metric("cache_entries", "gauge", "Entries of the cache.", ("type", "view"))
CACHE_OCTETS = Metric("cache_size_bytes", "gauge", "What the entries of the cache take up.", ("view",))
CACHE_REQUESTS = Metric("cache_requests_total", "counter", "Look-ups in the cache.", ("view",))
CACHE_HITS = Metric("cache_hits_total", "counter", "Look-ups that found something.", ("type", "view"))
CACHE_MISSES = Metric("cache_misses_total", "counter", "Look-ups that found nothing.", ("view",))
CACHE_EVICTIONS = Metric(
    "cache_evictions_total", "counter", "Entries that were forgotten for lack of room.", ("type", "view")
)
CACHE_FLUSHES = Metric("cache_flushes_total", "counter", "Times that the cache was told to forget something.")
CACHE_STALE = Metric(
    "cache_served_stale_total", "counter", "Answers that were too old, for want of others.", ("view",)
)
CACHE_PREFETCHES = Metric(
    "cache_prefetch_total", "counter", "Entries that were asked for anew before they were too old.", ("view",)
)
CACHE_LIMIT = Metric("cache_limit_bytes", "gauge", "What the caches of all workers may take up.")
UPSTREAM_DOWN = Metric(
    "upstream_down", "gauge", "Workers that find an upstream down: it was silent, again and again.", ("to",)
)
PROXY_DURATION = Metric(
    "proxy_request_duration_seconds",
    "histogram",
    "Time that an upstream took to answer.",
    ("proxy_name", "to", "rcode"),
)
FORWARD_FAILURES = Metric(
    "forward_failures_total", "counter", "Exchanges that gave no usable answer.", ("to", "reason")
)
FORWARD_LOOPS = Metric(
    "forward_loops_total", "counter", "Questions of ours that came back to us, by whom we had asked.", ("to",)
)
FORWARD_UNWANTED = Metric(
    "forward_unwanted_responses_total",
    "counter",
    "Datagrams that came from an upstream and did not count as the response: something in them was not ours.",
    ("to", "reason"),
)
FORWARD_REJECTS = Metric(
    "forward_max_concurrent_rejects_total", "counter", "Questions not forwarded: too many were on their way."
)
FORWARD_DROPS = Metric(
    "forward_drops_total", "counter", "Questions given up, or not asked, by which limit.", ("reason",)
)
VALIDATIONS = Metric(
    "validations_total", "counter", "Replies that were validated, by result.", ("result", "view")
)
FORWARD_COALESCED = Metric(
    "forward_coalesced_total", "counter", "Questions that waited for the answer to an identical one."
)
# Counted by the supervisor.
BUILD_INFO = Metric(
    "build_info", "gauge", "Always 1; what was built.", ("version", "revision", "pythonversion")
)
WORKERS = Metric("workers", "gauge", "Workers that are alive.")
WORKERS_WANTED = Metric("workers_wanted", "gauge", "Workers that there should be.")
WORKER_RESTARTS = Metric(
    "worker_restarts_total", "counter", "Workers that died and were replaced.", ("worker",)
)
WORKERS_SILENT = Metric(
    "workers_silent", "gauge", "Workers that did not answer this scrape in time; their last counts stand."
)
RELOAD_SUCCESS = Metric("reload_success_total", "counter", "Reloads that were swapped in.")
RELOAD_FAILED = Metric(
    "reload_failed_total", "counter", "Reloads that changed nothing: the configuration was broken."
)
RELOAD_DURATION = Metric("reload_duration_seconds", "gauge", "How long the last reload took.")
RELOAD_SUCCESSFUL = Metric(
    "config_last_reload_successful", "gauge", "Whether the last reload was swapped in."
)
RELOAD_TIMESTAMP = Metric(
    "config_last_reload_success_timestamp_seconds", "gauge", "When the last good reload was swapped in."
)
GENERATION = Metric("generation", "gauge", "The number of the generation that answers.")
ZONE_SERIAL = Metric("zone_serial", "gauge", "The SOA serial of each zone.", ("zone",))
LIST_NAMES = Metric("blocklist_names", "gauge", "Names of each list.", ("list",))
ZONE_FAULTS = Metric(
    "zone_faults",
    "gauge",
    "1 for a zone whose file is broken now: the last good version answers, or SERVFAIL.",
    ("zone",),
)
ZONE_FAILED = Metric("zone_load_failures_total", "counter", "Zone files that were found broken when loading.")

EXPOSURE_FINDINGS = Metric(
    "exposure_findings", "gauge", "Findings of the exposure check.", ("severity", "code", "subject")
)
EXPOSURE_CONSISTENT = Metric(
    "exposure_consistent", "gauge", "Whether a service works for all who are told of it.", ("service",)
)
EXPOSURE_RUN = Metric(
    "exposure_last_run_timestamp_seconds", "gauge", "When the exposure check ran last."
)
EXPOSURE_SUCCESSFUL = Metric("exposure_last_run_successful", "gauge", "Whether it could.")
EXPOSURE_RULES = Metric(
    "exposure_rules_timestamp_seconds", "gauge", "When the oldest of the gateway's files was written."
)

WAN_ADDRESS = Metric("wan_address_info", "gauge", "1 for a public address.", ("family", "address", "source"))
WAN_SEEN = Metric("wan_address_timestamp_seconds", "gauge", "When its source told it last.", ("family",))
WAN_CHANGES = Metric("wan_changes_total", "counter", "Public addresses that became another.", ("family",))
WAN_REFUSALS = Metric("wan_refusals_total", "counter", "Addresses of no use to the internet.", ("family",))
WAN_FAILURES = Metric("wan_failures_total", "counter", "Questions to a source without answer.", ("family",))
SOURCE_UP = Metric("source_up", "gauge", "Whether a source of names says what it knows.", ("source",))
SOURCE_RECORDS = Metric("source_records", "gauge", "Records that a source gives.", ("source",))
SOURCE_REFUSED = Metric("source_refused", "gauge", "What a source itself does not take.", ("source",))
SOURCE_LOST_NAMES = Metric("source_lost_names", "gauge", "Names that another owner has.", ("source",))
SOURCE_SEEN = Metric("source_timestamp_seconds", "gauge", "When a source said something last.", ("source",))
SOURCE_CHANGES = Metric("source_changes_total", "counter", "Changes of what a source says.", ("source",))
SOURCE_FAILURES = Metric("source_failures_total", "counter", "Failures of a source to say it.", ("source",))

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))


class Histogram:
    """Observations by bucket (not cumulative; one more than there are bounds), and their sum."""

    __slots__ = ("slots", "total")

    def __init__(self, bounds: int) -> None:
        self.slots = [0] * (bounds + 1)
        self.total: float = 0

    def observe(self, duration_s: float) -> None:
        """Count a duration; of other things, whoever counts them knows the bucket."""
        self.slots[bisect_left(DURATION_BUCKETS_S, duration_s)] += 1
        self.total += duration_s

    def add(self, slots: Iterable[int], total: float) -> None:
        """Count observations that were counted elsewhere, in the same buckets."""
        self.slots = [mine + theirs for mine, theirs in zip(self.slots, slots, strict=True)]
        self.total += total

    def merge(self, other: Histogram) -> None:
        self.add(other.slots, other.total)


class Traffic:
    """The histograms of one (server, zone, view, proto)."""

    __slots__ = ("durations", "requests", "responses")

    def __init__(self) -> None:
        self.durations = Histogram(len(DURATION_BUCKETS_S))
        self.requests = Histogram(len(SIZE_BUCKETS_OCTETS))
        self.responses = Histogram(len(SIZE_BUCKETS_OCTETS))

    def count(self, request_octets: int, response_octets: int, duration_s: float) -> None:
        """Count one request."""
        self.requests.slots[SIZE_SLOT[request_octets]] += 1
        self.requests.total += request_octets
        self.responses.slots[SIZE_SLOT[response_octets]] += 1
        self.responses.total += response_octets
        self.durations.observe(duration_s)


Labels = tuple[str, ...]
Series = tuple[str, Labels]  # a metric's name, and its labels' values


@lru_cache(maxsize=4096)  # what is counted for each question has one of a few
def series_of(metric: Metric, *labels: str) -> Series:
    """Where a metric with these labels is counted."""
    assert len(labels) == len(metric.labels), metric.name
    return metric.name, labels


class Counts:
    """The counters of one process, complete after ``settle``. Picklable; ``merge`` adds another process's."""

    __slots__ = ("counters", "gauges", "histograms", "requests", "tallies", "traffic")

    def __init__(self) -> None:
        # (server, zone, view, proto, family, type, DO, rcode, plugin): three metrics are sums over this one.
        self.requests: dict[Request, int] = {}
        self.traffic: dict[tuple[str, str, str, str], Traffic] = {}
        self.counters: dict[Series, int] = {}
        self.gauges: dict[Series, float] = {}
        self.histograms: dict[Series, Histogram] = {}
        self.tallies = Tallies()

    def settle(self) -> None:
        """Add up what is in ``tallies``."""
        self.tallies.settle(self)

    def request(
        self,
        server: str,
        zone: str,
        view: str,
        proto: str,
        family: int,
        qtype: int,
        do: bool,
        rcode: int,
        plugin: str,
        request_octets: int,
        response_octets: int,
        duration_s: float,
    ) -> None:
        """Count one request and its response; in the order of the labels, because a call by name is slower.

        ``server`` is the listener (``dns://:53``), ``zone`` the apex that answered as text, ``.`` where
        none of ours did, or ``DROPPED``; ``family`` is 1 for IPv4 and 2 for IPv6, ``plugin`` what answered.
        """
        requests = self.requests
        if qtype not in TYPE_LABELS:
            qtype = OTHER_TYPE
        key = (server, zone, view, proto, family, qtype, do, rcode, plugin)
        try:
            requests[key] += 1
        except KeyError:
            requests[key] = 1
        try:
            traffic = self.traffic[server, zone, view, proto]
        except KeyError:
            traffic = self.traffic[server, zone, view, proto] = Traffic()
        traffic.count(request_octets, response_octets, duration_s)

    def repeated(
        self,
        times: int,
        server: str,
        zone: str,
        view: str,
        proto: str,
        family: int,
        qtype: int,
        do: bool,
        rcode: int,
        plugin: str,
        request_octets: int,
        response_octets: int,
    ) -> None:
        """Count ``times`` requests alike at once, as ``request`` counts one; but not their ``durations``."""
        if qtype not in TYPE_LABELS:
            qtype = OTHER_TYPE
        key = (server, zone, view, proto, family, qtype, do, rcode, plugin)
        self.requests[key] = self.requests.get(key, 0) + times
        traffic = self.traffic.setdefault((server, zone, view, proto), Traffic())
        for histogram, octets in ((traffic.requests, request_octets), (traffic.responses, response_octets)):
            histogram.slots[SIZE_SLOT[octets]] += times
            histogram.total += times * octets

    def durations(self, server: str, zone: str, view: str, proto: str) -> Histogram:
        """Where the durations of such requests are counted, for who counts them by itself."""
        return self.traffic_of(server, zone, view, proto).durations

    def traffic_of(self, server: str, zone: str, view: str, proto: str) -> Traffic:
        """All of their histograms."""
        return self.traffic.setdefault((server, zone, view, proto), Traffic())

    @property
    def queries(self) -> int:
        """How many requests were counted."""
        self.settle()
        return sum(self.requests.values())

    def add(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Count an event. A gauge moves by ``by``, which may be negative."""
        counters: dict[Series, int] | dict[Series, float]
        counters = self.gauges if metric.kind == "gauge" else self.counters
        key = (metric.name, labels)
        try:
            counters[key] += by  # type: ignore[assignment]
        except KeyError:
            assert len(labels) == len(metric.labels), metric.name
            counters[key] = by

    def bump(self, series: Series) -> None:
        """Count an event of a counter whose series is known beforehand (``series_of``)."""
        self.counters[series] = self.counters.get(series, 0) + 1

    def move(self, series: Series, by: float) -> None:
        """The same of a gauge, which moves by ``by``."""
        self.gauges[series] = self.gauges.get(series, 0) + by

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Say what a gauge stands at."""
        assert metric.kind == "gauge", metric.name
        assert len(labels) == len(metric.labels), metric.name
        self.gauges[metric.name, labels] = value

    def observe(self, metric: Metric, duration_s: float, *labels: str) -> None:
        """Put a duration into a histogram."""
        self.histogram(metric, *labels).observe(duration_s)

    def histogram(self, metric: Metric, *labels: str) -> Histogram:
        """Where such durations are counted."""
        histogram = self.histograms.get((metric.name, labels))
        if histogram is None:
            assert metric.kind == "histogram", metric.name
            assert len(labels) == len(metric.labels), metric.name
            histogram = self.histograms[metric.name, labels] = Histogram(len(DURATION_BUCKETS_S))
        return histogram

    def forget(self, metric: Metric) -> None:
        """Drop a gauge with all its labels, before it is set anew."""
        self.gauges = {key: value for key, value in self.gauges.items() if key[0] != metric.name}

    def value(self, metric: Metric, *labels: str) -> float:
        """What a counter or gauge of ``add`` and ``set`` stands at."""
        self.settle()
        key = (metric.name, labels)
        return self.gauges.get(key, 0) if metric.kind == "gauge" else self.counters.get(key, 0)

    def merge(self, other: Counts) -> None:
        """Add everything of ``other``; gauges add up too."""
        self.settle()
        other.settle()
        for request, count in other.requests.items():
            self.requests[request] = self.requests.get(request, 0) + count
        for path, theirs in other.traffic.items():
            mine = self.traffic.setdefault(path, Traffic())
            mine.durations.merge(theirs.durations)
            mine.requests.merge(theirs.requests)
            mine.responses.merge(theirs.responses)
        for series, by in other.counters.items():
            self.counters[series] = self.counters.get(series, 0) + by
        for series, value in other.gauges.items():
            self.gauges[series] = self.gauges.get(series, 0) + value
        for series, histogram in other.histograms.items():
            self.histograms.setdefault(series, Histogram(len(DURATION_BUCKETS_S))).merge(histogram)

    def retire(self) -> None:
        """The process is gone: what it counted stays, what it held does not."""
        self.settle()
        self.gauges.clear()


def merged(parts: Iterable[Counts]) -> Counts:
    """All of ``parts`` in one, which are left as they are."""
    whole = Counts()
    for part in parts:
        whole.merge(part)
    return whole


def python_version() -> str:
    return "{}.{}.{}".format(*sys.version_info[:3])

import pickle

import pytest

from splitdns.metrics import (
    CACHE_ENTRIES,
    DROPS,
    METRICS,
    NAMESPACE,
    PROXY_DURATION,
    RELOAD_FAILED,
    Counts,
    merged,
)
from splitdns.serve.exposition import render


def counted(
    *, view: str = "lan", qtype: int = 1, do: bool = False, octets: int = 90, duration_s: float = 0.0001
) -> Counts:
    counts = Counts()
    counts.request("dns://:53", "example.org.", view, "udp", 1, qtype, do, 0, "zone", 40, octets, duration_s)
    return counts


def lines(counts: Counts) -> dict[str, float]:
    text = render(counts)[0].decode()
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, value in samples}


def labels(**values: str) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in sorted(values.items())) + "}"


PATH = {"server": "dns://:53", "zone": "example.org.", "view": "lan"}


def test_a_request_is_counted_under_corednss_names_and_labels() -> None:
    found = lines(counted(do=True))

    assert found["splitdns_dns_requests_total" + labels(**PATH, proto="udp", family="1", type="A")] == 1
    assert found["splitdns_dns_responses_total" + labels(**PATH, rcode="NOERROR", plugin="zone")] == 1
    assert found["splitdns_dns_do_requests_total" + labels(**PATH)] == 1
    assert found["splitdns_dns_request_duration_seconds_count" + labels(**PATH)] == 1
    assert found["splitdns_dns_request_size_bytes_sum" + labels(**PATH, proto="udp")] == 40
    assert found["splitdns_dns_response_size_bytes_sum" + labels(**PATH, proto="udp")] == 90


def test_a_type_that_a_stranger_made_up_is_counted_as_other() -> None:
    counts = Counts()
    for qtype in range(60_000, 60_100):
        counts.merge(counted(qtype=qtype))

    assert len(counts.requests) == 1
    found = lines(counts)
    assert found["splitdns_dns_requests_total" + labels(**PATH, proto="udp", family="1", type="other")] == 100


@pytest.mark.parametrize(
    ("duration_s", "bound"),
    [(0.0001, "0.00025"), (0.00025, "0.00025"), (0.00026, "0.0005"), (8.192, "8.192"), (9, "+Inf")],
)
def test_a_duration_is_in_the_first_bucket_that_has_room_for_it(duration_s: float, bound: str) -> None:
    found = lines(counted(duration_s=duration_s))

    buckets = [
        series.split('le="')[1].split('"')[0]
        for series, count in found.items()
        if series.startswith("splitdns_dns_request_duration_seconds_bucket") and count
    ]
    assert buckets[0] == bound
    assert buckets[-1] == "+Inf"


@pytest.mark.parametrize(
    ("octets", "bound"),
    [(0, "0"), (1, "100"), (511, "511"), (512, "1023"), (64_000, "64000"), (65_535, "+Inf")],
)
def test_sizes_up_to_the_largest_message_have_corednss_buckets(octets: int, bound: str) -> None:
    found = lines(counted(octets=octets))

    series = "splitdns_dns_response_size_bytes_bucket"
    assert found[series + labels(**PATH, proto="udp", le=bound)] == 1


def test_counts_of_two_workers_add_up_and_travel_as_a_pickle() -> None:
    first, second = counted(), counted(view="internet")
    for worker in (first, second):
        worker.add(DROPS, "response", by=2)
        worker.set(CACHE_ENTRIES, 5, "success", "lan")
        worker.observe(PROXY_DURATION, 0.02, "forward", "192.0.2.1:53", "NOERROR")
    before = lines(first)

    whole = merged([pickle.loads(pickle.dumps(first)), pickle.loads(pickle.dumps(second)), counted()])

    assert lines(first) == before
    assert whole.value(DROPS, "response") == 4
    assert whole.value(CACHE_ENTRIES, "success", "lan") == 10
    found = lines(whole)
    assert found["splitdns_dns_request_duration_seconds_count" + labels(**PATH)] == 2
    upstream = labels(proxy_name="forward", to="192.0.2.1:53", rcode="NOERROR")
    assert found["splitdns_proxy_request_duration_seconds_count" + upstream] == 2


def test_a_process_that_is_gone_keeps_its_counters_and_loses_its_gauges() -> None:
    counts = counted()
    counts.add(DROPS, "short")
    counts.set(CACHE_ENTRIES, 5, "success", "lan")

    counts.retire()

    assert counts.value(DROPS, "short") == 1
    assert counts.value(CACHE_ENTRIES, "success", "lan") == 0
    assert len(counts.requests) == 1


def test_a_gauge_is_forgotten_with_all_its_labels() -> None:
    counts = Counts()
    counts.set(CACHE_ENTRIES, 5, "success", "lan")
    counts.add(RELOAD_FAILED)

    counts.forget(CACHE_ENTRIES)

    assert counts.value(CACHE_ENTRIES, "success", "lan") == 0
    assert counts.value(RELOAD_FAILED) == 1


def test_every_metric_without_labels_is_there_before_it_moves() -> None:
    found = lines(Counts())

    for metric in METRICS:
        if not metric.labels and metric.kind != "histogram":
            assert found[NAMESPACE + metric.name] == 0


def test_requests_that_are_counted_together_are_counted_like_each_for_itself() -> None:
    one_by_one, together = Counts(), Counts()
    for qtype in (1, 65_432):
        request = ("dns://:53", "example.org.", "lan", "udp", 2, qtype, True, 3, "zone", 40, 600)
        for _ in range(3):
            one_by_one.request(*request, 0.0001)
        together.repeated(3, *request)
        durations = together.durations("dns://:53", "example.org.", "lan", "udp")
        durations.slots[0] += 3
        durations.total += 3 * 0.0001
    assert lines(together) == pytest.approx(lines(one_by_one))

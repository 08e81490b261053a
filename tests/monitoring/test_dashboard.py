"""The dashboard: a server does everything that there is a panel for, and each panel's query finds it.

The queries are asked as Grafana asks them, over a range, of a real Prometheus that scraped a real server.
"""

from __future__ import annotations

import json
import math
import os
import re
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import dns.message
import pytest
import yaml

from splitdns.metrics import METRICS, NAMESPACE
from tests.daemon.server import Server, Site, zone
from tests.daemon.upstream import answering
from tests.meta.tree import ROOT
from tests.monitoring.gateway import WITHOUT_FORWARD, lay, put
from tests.monitoring.prometheus import Prometheus, eventually, running

GRAFANA = ROOT / "deploy" / "grafana"
DASHBOARD = json.loads((GRAFANA / "dashboards" / "splitdns.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
TARGETS = [(panel, target) for panel in PANELS for target in panel["targets"]]
# Whose line stays at zero in this test, for what they show would take minutes, an attack or a bug.
QUIET = {
    "Workers missing",
    "Workers that see one gateway only",
    "Cache (stale and prefetched)",
    "Questions that waited for an identical one",
    "Questions given up",
    "DNSSEC",
    "Query log and dnstap",
}

CONFIG = """\
listen: ["127.0.0.1:0"]
workers: 2
admin: {listen: "127.0.0.1:0"}
log: {format: json}
views:
  lan:      {clients: [127.0.0.1/32, 192.168.0.0/16], horizon: [inside], recursion: true}
  internet: {clients: [any], horizon: [outside]}
zones: [zones]
wan: {ipv4: {file: wan.address}}
forward:
  - {domains: [elsewhere.example], upstreams: ["127.0.0.1:1", "GOOD"]}
  - {domains: ["."], upstreams: ["BAD"]}
cache: {size_mib: 1}
limits: {responses_per_second: 50, ipv4_prefix: 32, exempt: []}
tcp: {idle_timeout: 1s}
blocklists: [{file: ads.txt}]
sources: {leases: [{server: dnsmasq, files: [dnsmasq.leases], zone: home.arpa}]}
"""
LEAKING = zone(1, "  nas: {A: [192.0.2.9, 192.168.0.9]}\n")
NAMES_TO_FILL_THE_CACHE = 2000  # each takes 640 octets and more, of a MiB

pytestmark = [
    pytest.mark.needs("prometheus"),
    pytest.mark.xdist_group("dashboard"),
    pytest.mark.timeout(600),
]


def burst(server: Server, source: str, wires: list[bytes], answers: int) -> None:
    """Send all from one socket, so to one worker, a few at a time, until so many are answered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind((source, 0))
        client.connect(("127.0.0.1", server.port))
        client.settimeout(60)
        for number, wire in enumerate(wires):
            client.send(wire)
            if number < answers:
                client.recv(4096)


def ask_for_everything(server: Server) -> None:
    """Each kind of query that has a line of its own."""
    for tcp in (False, True):
        for source in ("127.0.0.1", "127.0.0.2"):
            server.ask("www.example.org", tcp=tcp, source=source)
            server.ask("nowhere.example.org", tcp=tcp, source=source)
            server.ask("nas.example.org", tcp=tcp, source=source)
    for _ in range(2):
        server.ask("www.elsewhere.example")
    server.ask("ads.example")
    server.ask("router.rebinding.example")
    server.ask("www.broken.example")
    signed = dns.message.make_query("www.example.org", "A", want_dnssec=True)
    burst(server, "127.0.0.1", [signed.to_wire()], 1)
    burst(server, "127.0.0.1", [b"\0"], 0)
    burst(server, "127.0.0.3", [dns.message.make_query("www.example.org", "AAAA").to_wire()] * 300, 0)


def live(site: Site, server: Server, prometheus: Prometheus) -> None:
    """A life of a server in a few seconds, with all its troubles."""
    workers = server.workers()[:2]
    ask_for_everything(server)
    aaaa = 'sum(splitdns_dns_requests_total{type="AAAA"})'
    eventually("they are scraped", lambda: prometheus.value(aaaa) is not None)
    eventually("the check ran", lambda: prometheus.value("splitdns_exposure_consistent") == 1)
    put(site, WITHOUT_FORWARD)
    site.write("example.org.yaml", LEAKING)
    server.wait_for("generation.swapped")
    good = site.config.read_text()
    site.configure(good + "workres: 3\n")
    server.wait_for("reload.failed")
    eventually("seen", lambda: prometheus.value("splitdns_config_last_reload_successful") == 0)
    site.configure(good)
    server.wait_for("generation.swapped")
    os.kill(workers[1], signal.SIGKILL)
    server.wait_for("worker.died")
    site.write("broken.example.yaml", "zone: broken.example\nrecords: 7\n")
    server.wait_for("zone.broken")

    names = [f"host{number}.elsewhere.example" for number in range(NAMES_TO_FILL_THE_CACHE)]
    burst(server, "127.0.0.1", [dns.message.make_query(name, "A").to_wire() for name in names], len(names))
    with socket.create_connection(("127.0.0.1", server.port)):  # who says nothing
        for _ in range(10):
            ask_for_everything(server)
            time.sleep(0.3)
    eventually("the rule is missed", lambda: prometheus.value("splitdns_exposure_consistent") == 0)
    eventually("the zone is missed", lambda: prometheus.value("splitdns_zone_faults") == 1)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("dashboard")
    with ExitStack() as stack:
        good = stack.enter_context(answering())
        bad = stack.enter_context(answering(address="192.168.0.66"))
        site = Site(directory)
        (directory / "wan.address").write_text("203.0.113.7\n")
        (directory / "dnsmasq.leases").write_text("0 02:00:00:00:00:01 192.168.10.31 laptop *\n")
        (directory / "ads.txt").write_text("ads.example\n")
        site.configure(CONFIG.replace("GOOD", good.address).replace("BAD", bad.address))
        lay(site)
        server = stack.enter_context(Server(site))
        prometheus = stack.enter_context(running(directory / "prometheus", {"one": server.admin_port}))
        live(site, server, prometheus)
        yield prometheus


def asked(target: dict[str, Any]) -> str:
    """The query with Grafana's variables filled in, for a Prometheus that scrapes every second."""
    expression = target["expr"].replace("$__rate_interval", "5s").replace("$instance", ".*")
    assert "$" not in expression
    return str(expression)


def values(prometheus: Prometheus, target: dict[str, Any]) -> list[float]:
    """Every number that the panel has to draw, of the last minute."""
    if target.get("instant"):
        found = prometheus.query(asked(target))
        texts = [one["value"][1] for one in found]
    else:
        end_s = time.time()
        found = prometheus.get(
            "query_range", query=asked(target), start=str(end_s - 60), end=str(end_s), step="1"
        )["result"]
        texts = [value for one in found for _, value in one["values"]]
    return [number for number in map(float, texts) if math.isfinite(number)]


@pytest.mark.parametrize(
    ("panel", "target"), TARGETS, ids=[f"{panel['title']} {target['refId']}" for panel, target in TARGETS]
)
def test_every_query_of_every_panel_finds_data(
    prometheus: Prometheus, panel: dict[str, Any], target: dict[str, Any]
) -> None:
    assert values(prometheus, target), target["expr"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_moves_when_what_it_shows_happens(prometheus: Prometheus, panel: dict[str, Any]) -> None:
    moved = any(any(values(prometheus, target)) for target in panel["targets"])

    assert moved or panel["title"] in QUIET


def test_legends_use_labels_that_the_series_have(prometheus: Prometheus) -> None:
    for _, target in TARGETS:
        wanted = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
        found = prometheus.query(asked(target))
        had = {label for series in found for label in series["metric"]}
        assert wanted <= had or not any(series["metric"] for series in found), target["expr"]


# The file by itself


def test_every_panel_reads_from_the_chosen_data_source_and_says_what_it_is() -> None:
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert len({panel["title"] for panel in PANELS}) == len(PANELS)
    for panel, target in TARGETS:
        assert panel["datasource"] == target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert 'job="splitdns",instance=~"$instance"' in target["expr"]
        assert panel["type"] in {"stat", "timeseries", "table", "state-timeline"}


def test_panels_do_not_lie_on_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_every_metric_that_it_asks_for_is_one_of_ours() -> None:
    known = {NAMESPACE + metric.name for metric in METRICS}
    for _, target in TARGETS:
        for name in re.findall(r"splitdns_[a-z0-9_]+", target["expr"]):
            assert name.removesuffix("_bucket").removesuffix("_count") in known or name in known


def test_grafana_is_provisioned_with_the_source_and_the_folder_of_the_dashboard() -> None:
    provisioning = GRAFANA / "provisioning"
    sources = yaml.safe_load((provisioning / "datasources" / "splitdns.yaml").read_text())
    providers = yaml.safe_load((provisioning / "dashboards" / "splitdns.yaml").read_text())
    (source,), (provider,) = sources["datasources"], providers["providers"]

    assert (source["type"], source["url"]) == ("prometheus", "${PROMETHEUS_URL}")
    assert provider["type"] == "file"
    assert Path(provider["options"]["path"]).name == "dashboards"

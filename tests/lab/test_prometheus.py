"""What monitoring sees: a real Prometheus scrapes the real daemon, and promtool finds nothing to mend."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass

import dns.message
import dns.query
import pytest

from tests.lab import peers
from tests.lab.machine import Here, free_port

CONFIG = """\
listen: ["127.0.0.1:{port}"]
workers: 2
views:
  lan:      {clients: [127.0.0.1/32], horizon: [inside], recursion: true}
  internet: {clients: [any],          horizon: [outside]}
zones: [zones/]
wan: {ipv4: 203.0.113.7}
forward:
  - {domains: ["."], upstreams: ["127.0.0.1:1"]}
admin: {listen: "127.0.0.1:ADMIN"}
"""

ZONE = """\
zone: example.com
ns: [ns1]
records:
  ns1: {A: {inside: 127.0.0.1, outside: 203.0.113.53}}
  www: {A: {inside: 192.168.10.20, outside: $wan4}}
"""

QUESTIONS = 40

pytestmark = [pytest.mark.needs("prometheus", "promtool"), pytest.mark.xdist_group("prometheus")]


@dataclass(frozen=True)
class Monitored:
    """The daemon, where its metrics are, and the Prometheus that scrapes them."""

    port: int
    metrics: str
    prometheus: str

    def query(self, promql: str) -> float | None:
        """The one value of an instant query; None: no series yet."""
        url = f"{self.prometheus}/api/v1/query?{urllib.parse.urlencode({'query': promql})}"
        result = json.loads(_get(url))["data"]["result"]
        return float(result[0]["value"][1]) if result else None

    def eventually(self, promql: str, expected: float) -> None:
        """Wait until an instant query gives ``expected``: scrapes come when they come."""
        deadline_s = time.monotonic() + 60
        while (found := self.query(promql)) != expected:
            assert time.monotonic() < deadline_s, f"{promql} gives {found}, not {expected}"
            time.sleep(0.1)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as reply:
        text: str = reply.read().decode()
        return text


def _ask(port: int, source: str) -> None:
    query = dns.message.make_query("www.example.com.", "A")
    assert dns.query.udp(query, "127.0.0.1", port=port, source=source, timeout=60).answer


@pytest.fixture(scope="module")
def monitored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Monitored]:
    directory = tmp_path_factory.mktemp("monitored")
    (directory / "zones").mkdir()
    (directory / "zones" / "example.com.yaml").write_text(ZONE)
    admin, web = free_port(), free_port()
    config = directory / "prometheus.yml"
    config.write_text(f"""\
global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}
scrape_configs:
  - job_name: splitdns
    static_configs: [{{targets: ["127.0.0.1:{admin}"]}}]
""")
    machine = Here(directory)
    try:
        daemon = peers.splitdns(machine, CONFIG.replace("ADMIN", str(admin)), ("example.com.",))
        for _ in range(QUESTIONS):
            _ask(daemon.port, "127.0.0.2")  # the ready check came from 127.0.0.1
        machine.start(
            "prometheus",
            f"--config.file={config}",
            f"--storage.tsdb.path={directory}/tsdb",
            f"--web.listen-address=127.0.0.1:{web}",
        )
        prometheus = f"http://127.0.0.1:{web}"
        _wait_for(f"{prometheus}/-/ready")
        yield Monitored(daemon.port, f"http://127.0.0.1:{admin}/metrics", prometheus)
    finally:
        machine.stop()


def _wait_for(url: str) -> None:
    deadline_s = time.monotonic() + 60
    while True:
        try:
            _get(url)
        except OSError:
            assert time.monotonic() < deadline_s, f"{url} does not come up"
            time.sleep(0.1)
        else:
            return


def test_a_real_prometheus_scrapes_the_queries_of_all_workers(monitored: Monitored) -> None:
    monitored.eventually('up{job="splitdns"}', 1)
    monitored.eventually('sum(splitdns_dns_requests_total{view="internet"})', QUESTIONS)
    of_zone = 'sum(splitdns_dns_requests_total{view="internet",zone="example.com.",type="A"})'
    monitored.eventually(of_zone, QUESTIONS)
    monitored.eventually('sum(splitdns_dns_responses_total{view="internet",rcode="NOERROR"})', QUESTIONS)
    monitored.eventually('sum(splitdns_dns_request_duration_seconds_count{view="internet"})', QUESTIONS)


def test_promtool_finds_nothing_to_mend_in_the_metrics(monitored: Monitored) -> None:
    text = _get(monitored.metrics)
    assert "splitdns_dns_requests_total" in text
    checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")

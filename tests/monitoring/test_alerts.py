"""Something is killed or taken away, and a real Prometheus shows the alert that names it and no other.

Each fault has a server of its own, and one Prometheus scrapes them all, so nothing that a fault leaves behind
is mistaken for another's.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.daemon.server import Server, Site, zone
from tests.daemon.upstream import answering
from tests.monitoring.gateway import WHOLE, WITHOUT_FORWARD, lay, put
from tests.monitoring.prometheus import FOR_S, Prometheus, eventually, running

AFTERMATH_S = FOR_S + 2  # after the alert that is expected, for others that may follow

SERIAL = "soa: {serial: 1}\n"  # all servers of a job should agree; a serial is the file's time otherwise

pytestmark = [
    pytest.mark.needs("prometheus"),
    pytest.mark.xdist_group("alerts"),
    pytest.mark.timeout(600),
]

NAMES = ("worker", "upstream", "gateway", "zone", "leak", "gone")


class Watched:
    """Servers that are well, two upstreams of each, and the Prometheus that scrapes them."""

    def __init__(self, directory: Path, stack: ExitStack) -> None:
        self.sites: dict[str, Site] = {}
        self.servers: dict[str, Server] = {}
        self.first_upstreams: dict[str, str] = {}
        self._upstreams: dict[str, ExitStack] = {}
        for name in NAMES:
            first = self._upstreams[name] = stack.enter_context(ExitStack())
            self.first_upstreams[name] = first.enter_context(answering()).address
            both = f'{self.first_upstreams[name]}", "{stack.enter_context(answering()).address}'
            self.sites[name] = self._site(directory / name, both)
            self.servers[name] = stack.enter_context(Server(self.sites[name]))
        targets = {name: server.admin_port for name, server in self.servers.items()}
        self.prometheus: Prometheus = stack.enter_context(running(directory / "prometheus", targets))

    def _site(self, directory: Path, upstreams: str) -> Site:
        directory.mkdir()
        site = Site(directory, upstream=upstreams)
        site.write("example.org.yaml", zone(1, SERIAL))
        if directory.name == "gateway":
            settings = site.settings.replace("127.0.0.1/32]", "127.0.0.1/32, 192.168.0.0/16]")
            site.configure(settings + "wan: {ipv4: 203.0.113.7}\n")
            lay(site)
        return site

    def kill_first_upstream(self, name: str) -> None:
        self._upstreams[name].close()


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with ExitStack() as stack:
        yield Watched(tmp_path_factory.mktemp("watched"), stack)


@contextmanager
def asked(server: Server) -> Iterator[None]:
    """Names of ours and of others are asked all the time; to each its answer."""
    ending = threading.Event()
    failures: list[str] = []

    def ask() -> None:
        number = 0
        while not ending.wait(0.02):
            number += 1
            for name in ("www.example.org", f"host{number}.elsewhere.example"):
                if not server.ask(name).answer:
                    failures.append(name)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
    assert failures == []


def raises(
    watched: Watched, name: str, fault: Callable[[], None], expected: Mapping[str, str]
) -> None:
    """``fault``, at the server ``name``, raises the alert with these labels, and no other."""
    prometheus = watched.prometheus
    assert prometheus.firing(name) == []
    fault()

    def is_raised() -> bool:
        return any(expected.items() <= labels.items() for labels in prometheus.firing(name))

    eventually(f"{expected['alertname']} in {prometheus.get('alerts')}", is_raised)
    until_s = time.monotonic() + AFTERMATH_S
    while time.monotonic() < until_s:
        assert [labels for labels in prometheus.firing(name) if not expected.items() <= labels.items()] == []
        time.sleep(0.25)
    # A scrape that comes too late makes an alert end for a while.
    eventually("it fires, once", lambda: len(prometheus.firing(name)) == 1)


def test_a_worker_that_is_killed_is_named(watched: Watched) -> None:
    server = watched.servers["worker"]
    first, _ = server.workers()

    with asked(server):
        raises(
            watched,
            "worker",
            lambda: os.kill(first, signal.SIGKILL),
            {"alertname": "SplitdnsWorkerDied", "worker": "1"},
        )


def test_an_upstream_that_is_killed_is_named(watched: Watched) -> None:
    first = watched.first_upstreams["upstream"]

    with asked(watched.servers["upstream"]):
        raises(
            watched,
            "upstream",
            lambda: watched.kill_first_upstream("upstream"),
            {"alertname": "SplitdnsUpstreamDown", "to": first, "severity": "warning"},
        )


def test_a_rule_that_is_taken_from_the_gateway_is_named_until_it_is_back(watched: Watched) -> None:
    site = watched.sites["gateway"]

    with asked(watched.servers["gateway"]):
        raises(
            watched,
            "gateway",
            lambda: put(site, WITHOUT_FORWARD),
            {
                "alertname": "SplitdnsExposure",
                "code": "FWD-MISSING",
                "subject": "www.example.com. 443/tcp",
                "severity": "warning",
            },
        )
        put(site, WHOLE)
        eventually("it is well again", lambda: watched.prometheus.firing("gateway") == [])


def test_a_zone_whose_file_is_broken_is_named(watched: Watched) -> None:
    site = watched.sites["zone"]

    with asked(watched.servers["zone"]):
        raises(
            watched,
            "zone",
            lambda: site.write("example.org.yaml", zone(1, "  mail: {A: 300.1.2.3}\n" + SERIAL)),
            {"alertname": "SplitdnsZoneBroken", "zone": "example.org."},
        )


def test_a_view_that_was_kept_from_a_leak_is_named(watched: Watched) -> None:
    site, server = watched.sites["leak"], watched.servers["leak"]

    def leak() -> None:
        site.write("example.org.yaml", zone(1, "  nas: {A: [192.0.2.9, 192.168.0.9]}\n" + SERIAL))
        server.wait_for("generation.swapped")
        assert server.address("nas.example.org", source="127.0.0.2") == "192.0.2.9"

    with asked(server):
        raises(watched, "leak", leak, {"alertname": "SplitdnsLeakBlocked", "view": "internet"})


def test_a_server_that_is_gone_is_named(watched: Watched) -> None:
    raises(
        watched,
        "gone",
        lambda: watched.servers["gone"].signal(signal.SIGTERM),
        {"alertname": "SplitdnsDown", "instance": "gone"},
    )

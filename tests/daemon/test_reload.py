"""Changes are picked up by themselves; what is broken changes nothing but itself."""

from __future__ import annotations

import json
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.server import PATIENCE_S, Server, Site, zone


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    with Server(site) as running:
        yield running


def addresses(server: Server) -> set[str]:
    """What the workers answer: from as many ports as make it certain that each was asked."""
    return {server.address() for _ in range(24)}


def wait_until_all_answer(server: Server, address: str) -> None:
    """From some swap on; what is seen before it may be the former generation, but never for good."""
    server.wait_for("generation.swapped")
    while addresses(server) != {address}:
        server.wait_for("generation.swapped")


def test_a_changed_zone_is_served_by_all_workers(site: Site, server: Server) -> None:
    site.write("example.org.yaml", zone(2))

    swapped = server.wait_for("generation.swapped")

    assert (swapped["generation"], swapped["zones"]) == (2, 1)
    assert addresses(server) == {"192.168.0.2"}
    metrics = server.metrics()
    assert metrics["generation"] == 2
    assert metrics["reload_success_total"] == 1


def test_a_zone_comes_and_goes(site: Site, server: Server) -> None:
    site.write("example.com.yaml", "zone: example.com\nns: [ns1]\nrecords:\n  ns1: {A: 192.0.2.1}\n")
    server.wait_for("generation.swapped", zones=2)
    assert server.address("ns1.example.com", source="127.0.0.2") == "192.0.2.1"

    (site.zones / "example.com.yaml").unlink()
    server.wait_for("generation.swapped", zones=1)
    assert 'zone_serial{zone="example.com."}' not in server.metrics()


def test_sighup_reloads(server: Server) -> None:
    for generation in (2, 3):
        server.signal(signal.SIGHUP)
        server.wait_for("generation.swapped", generation=generation)

    assert addresses(server) == {"192.168.0.1"}


def test_a_swapped_configmap_is_served(tmp_path: Path) -> None:
    site = Site(tmp_path)

    def publish(host: int) -> None:
        version = site.zones / f"..{host}"
        version.mkdir()
        (version / "example.org.yaml").write_text(zone(host))
        (site.zones / "..new").symlink_to(version.name)
        (site.zones / "..new").rename(site.zones / "..data")

    publish(1)
    (site.zones / "example.org.yaml").unlink()
    (site.zones / "example.org.yaml").symlink_to("..data/example.org.yaml")
    with Server(site) as server:
        for host in (2, 3):
            publish(host)
            wait_until_all_answer(server, f"192.168.0.{host}")


def test_a_wrong_configuration_changes_nothing(site: Site, server: Server) -> None:
    site.write("example.org.yaml", zone(2))
    server.wait_for("generation.swapped")

    site.configure(site.settings + "workres: 3\nquerylog: maybe\n")

    places = {server.wait_for("config.broken")["where"] for _ in range(2)}
    assert places == {f"{site.config}:10:1", f"{site.config}:11:11"}
    server.wait_for("reload.failed", generation=2)
    assert addresses(server) == {"192.168.0.2"}
    metrics = server.metrics()
    assert metrics["reload_failed_total"] == 1
    assert metrics["config_last_reload_successful"] == 0
    assert metrics["generation"] == 2

    site.configure(site.settings)
    server.wait_for("generation.swapped", generation=3)
    assert server.metrics()["config_last_reload_successful"] == 1


def test_a_broken_zone_keeps_its_last_good_version_alone__semantics_9(site: Site, server: Server) -> None:
    site.write("example.org.yaml", zone(2, more="  bad: {A: 300.1.2.3}\n"))
    broken = server.wait_for("zone.broken")
    server.wait_for("generation.swapped")

    assert broken["zone"] == "example.org."
    assert broken["where"] == f"{site.zones}/example.org.yaml:5:12"
    assert addresses(server) == {"192.168.0.1"}
    metrics = server.metrics()
    assert metrics['zone_faults{zone="example.org."}'] == 1
    assert metrics["zone_load_failures_total"] == 1

    site.write("example.com.yaml", "zone: example.com\nns: [ns1]\nrecords:\n  ns1: {A: 192.0.2.1}\n")
    server.wait_for("generation.swapped", broken=1)
    assert server.address("ns1.example.com", source="127.0.0.2") == "192.0.2.1"
    assert server.metrics()["zone_load_failures_total"] == 1  # it is the same mistake as before

    site.write("example.org.yaml", zone(3))
    server.wait_for("zone.mended", zone="example.org.")
    server.wait_for("generation.swapped", broken=0)
    assert addresses(server) == {"192.168.0.3"}
    assert server.total("zone_faults") == 0


def test_strict_refuses_a_reload_with_a_broken_zone(site: Site) -> None:
    with Server(site, "--strict") as server:
        site.write("example.com.yaml", "zone: example.com\nns: [ns1]\nrecords:\n  ns1: {A: 192.0.2.1}\n")
        server.wait_for("generation.swapped")

        site.write("example.org.yaml", zone(2, more="  bad: {A: 300.1.2.3}\n"))

        assert server.wait_for("config.broken")["where"] == f"{site.zones}/example.org.yaml:5:12"
        server.wait_for("reload.failed")
        assert addresses(server) == {"192.168.0.1"}


def test_a_dead_worker_is_replaced_by_one_with_the_newest_generation(site: Site, server: Server) -> None:
    site.write("example.org.yaml", zone(2))
    server.wait_for("generation.swapped")
    for worker in server.workers():
        os.kill(worker, signal.SIGKILL)
        server.wait_for("worker.died")
    assert addresses(server) == {"192.168.0.2"}

    site.write("example.org.yaml", zone(3))
    wait_until_all_answer(server, "192.168.0.3")


def test_settings_that_need_a_restart_say_so(site: Site, server: Server) -> None:
    site.configure(site.settings.replace("workers: 2", "workers: 3"))

    needs = server.wait_for("config.needs_restart")

    assert (needs["setting"], needs["where"]) == ("workers", f"{site.config}:2:10")
    assert len(server.workers()) == 2


def test_the_query_log_is_switched_on_and_off_by_a_reload(site: Site, server: Server) -> None:
    server.ask("www.example.org")
    site.configure(site.settings + "querylog: true\n")
    server.wait_for("generation.swapped")
    server.ask("mail.example.org", "MX", tcp=True)

    line = json.loads(server.printed.get(timeout=PATIENCE_S))

    assert (line["event"], line["name"], line["type"]) == ("query", "mail.example.org.", "MX")
    assert (line["view"], line["prefix"], line["transport"]) == ("lan", "127.0.0.1/32", "tcp")
    assert (line["rcode"], line["from"]) == ("NXDOMAIN", "zone")

    site.configure(site.settings)
    server.wait_for("generation.swapped")
    server.ask("www.example.org")
    server.signal(signal.SIGTERM)
    assert server.ends() == 0
    assert server.printed.empty()


def test_a_changed_view_is_served(site: Site, server: Server) -> None:
    site.configure(site.settings.replace("127.0.0.1/32", "127.0.0.2/32"))

    server.wait_for("generation.swapped")

    assert addresses(server) == {"203.0.113.1"}
    assert server.address(source="127.0.0.2") == "192.168.0.1"


def test_without_descriptors_a_reload_fails_and_the_server_goes_on(site: Site, server: Server) -> None:
    server.metrics()  # all that is imported late is there
    limits = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (0, limits[1]))
    server.process.send_signal(signal.SIGHUP)
    server.wait_for("reload.failed")
    assert server.address("www.example.org") == "192.168.0.1"
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, limits)
    site.write("example.org.yaml", zone(2))
    server.wait_for("generation.swapped")
    assert server.address("www.example.org") == "192.168.0.2"


def test_without_descriptors_a_worker_goes_on_and_the_scrape_does_without_it(server: Server) -> None:
    limits = [resource.prlimit(worker, resource.RLIMIT_NOFILE) for worker in server.workers()]
    for worker in server.workers():
        resource.prlimit(worker, resource.RLIMIT_NOFILE, (0, limits[0][1]))
    server.metrics(silent=2)
    assert server.address("www.example.org") == "192.168.0.1"
    for worker, limit in zip(server.workers(), limits, strict=True):
        resource.prlimit(worker, resource.RLIMIT_NOFILE, limit)
    assert server.total("worker_restarts_total", silent=2) == 0

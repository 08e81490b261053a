"""Leases change while the server runs: every worker's answers follow, whatever else is broken."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.daemon.server import Server, Site

LEASE = "{} 02:00:00:00:00:01 192.168.0.{} {} *\n"
NAME = "laptop.home.arpa"
SOURCES = "control: null\nsources: {leases: [{server: dnsmasq, files: [a.leases], zone: home.arpa}]}\n"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.write("example.org.yaml", "zone: example.org\nns: [ns.example.net.]\n")
    site.configure(site.settings + SOURCES)
    return site


def lease(site: Site, *, host: int = 7, name: str = "laptop", ends_s: int = 0) -> None:
    (site.path / "a.leases").write_text(LEASE.format(ends_s, host, name))


def told(server: Server) -> set[str]:
    """By all workers, as many ports meet each of them."""
    return {server.address(NAME) for _ in range(24)}


def test_a_lease_is_answered_by_every_worker_and_so_is_its_change__semantics_31(site: Site) -> None:
    lease(site)
    with Server(site) as server:
        assert told(server) == {"192.168.0.7"}
        assert server.ask(NAME, source="127.0.0.2").rcode().name == "NXDOMAIN"

        lease(site, host=8)
        server.wait_for("source.changed")
        server.wait_for("generation.swapped")
        assert told(server) == {"192.168.0.8"}
        assert server.metrics()[f'source_records{{source="leases {site.path}/a.leases"}}'] == 1


def test_a_dhcp_server_that_starts_after_this_one_is_told_of_and_awaited__semantics_31(site: Site) -> None:
    with Server(site) as server:
        (failed,) = [line for line in server.text.splitlines() if "source.failed" in line]
        assert '"reason": "No such file or directory", "kept": 0' in failed
        assert server.ask(NAME).rcode().name == "SERVFAIL"  # and not denied, for as long as clients keep that
        assert server.ask("home.arpa", "SOA").rcode().name == "NOERROR"

        lease(site)
        server.wait_for("source.back")
        server.wait_for("generation.swapped")
        assert told(server) == {"192.168.0.7"}  # by each worker
        assert server.ask("printer.home.arpa").rcode().name == "NXDOMAIN"


def test_a_lease_that_ends_leaves_though_the_file_stays(site: Site) -> None:
    lease(site)
    with Server(site) as server:
        ends_s = int(time.time()) + 3
        lease(site, ends_s=ends_s)
        while server.ask(NAME).rcode().name != "NXDOMAIN":
            server.wait_for("generation.swapped")
        assert time.time() >= ends_s


def test_leases_follow_also_while_the_configuration_is_broken(site: Site) -> None:
    lease(site)
    with Server(site) as server:
        site.configure("nonsense: 1\n")
        server.wait_for("reload.failed")
        lease(site, host=9)
        server.wait_for("generation.swapped")
        assert told(server) == {"192.168.0.9"}


def test_a_file_that_goes_takes_no_name_away(site: Site) -> None:
    lease(site)
    with Server(site) as server:
        (site.path / "a.leases").unlink()
        assert server.wait_for("source.failed")["kept"] == 1
        assert told(server) == {"192.168.0.7"}
        assert server.metrics()[f'source_up{{source="leases {site.path}/a.leases"}}'] == 0

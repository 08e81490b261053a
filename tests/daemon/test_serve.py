"""The daemon from start to stop: answers, workers that die, and what its keepers can see."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest

from tests.daemon.server import PATIENCE_S, Server, Site, Systemd, zone

AT_ONCE_S = 4.0  # less than connections have to drain, and than a query has whose upstream is silent
TRIES = 5  # of which one is at once, though this machine may stand still now and then


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


@pytest.fixture
def server(site: Site) -> Iterator[Server]:
    with Server(site) as running:
        yield running


def test_each_client_gets_its_view_over_udp_and_tcp(server: Server) -> None:
    assert server.address() == "192.168.0.1"
    assert server.address(tcp=True) == "192.168.0.1"
    assert server.address(source="127.0.0.2") == "203.0.113.1"


def test_the_metrics_of_all_workers_add_up(server: Server) -> None:
    for _ in range(30):  # each from a port of its own, so that both workers get some
        server.ask("www.example.org")
        server.ask("www.example.org", tcp=True)
        server.ask("nothing.example.org", "MX", source="127.0.0.2")

    metrics = server.metrics()

    assert server.total("dns_requests_total") == 90
    assert server.total("dns_requests_total", 'proto="tcp"') == 30
    assert server.total("dns_requests_total", 'view="internet"') == 30
    assert server.total("dns_responses_total", 'rcode="NXDOMAIN"') == 30
    assert server.total("dns_request_duration_seconds_count") == 90
    assert metrics["workers"] == 2
    assert metrics["generation"] == 1
    assert metrics["config_last_reload_successful"] == 1
    assert metrics["tcp_accepted_total"] == 30
    assert 'zone_serial{zone="example.org."}' in metrics
    assert 'server="dns://127.0.0.1:' in "".join(metrics)


def test_health_and_ready_say_ok(server: Server) -> None:
    assert server.get("/health") == (200, "OK\n")
    assert server.get("/ready") == (200, "OK\n")
    assert server.get("/other")[0] == 404


def test_a_killed_worker_is_replaced_on_the_same_sockets_and_no_query_is_lost(server: Server) -> None:
    before = server.workers()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE_S)
        client.connect(("127.0.0.1", server.port))
        for worker in before:
            os.kill(worker, signal.SIGSTOP)
        client.send(dns.message.make_query("www.example.org", "A").to_wire())  # waits in a socket of theirs
        for worker in before:
            os.kill(worker, signal.SIGKILL)

        assert dns.message.from_wire(client.recv(4096)).rcode() == dns.rcode.NOERROR

    server.wait_for("worker.died", status="SIGKILL")
    server.wait_for("worker.died", status="SIGKILL")
    assert server.address(tcp=True) == "192.168.0.1"
    assert not {*server.workers()} & {*before}
    assert server.total("worker_restarts_total") == 2


def test_what_a_dead_worker_had_counted_stays(server: Server) -> None:
    for _ in range(20):
        server.ask("www.example.org")
    assert server.total("dns_requests_total") == 20

    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for("worker.died")

    assert server.total("dns_requests_total") == 20


def test_metrics_are_given_while_a_worker_hangs(server: Server) -> None:
    for _ in range(20):
        server.ask("www.example.org")
    assert server.total("dns_requests_total") == 20
    worker = server.workers()[0]
    os.kill(worker, signal.SIGSTOP)
    try:
        for _ in range(2):
            assert server.total("dns_requests_total", silent=1) == 20
    finally:
        os.kill(worker, signal.SIGCONT)
    assert server.total("dns_requests_total", silent=0) == 20


def test_workers_do_not_outlive_their_supervisor(server: Server) -> None:
    descriptors = [os.pidfd_open(worker) for worker in server.workers()]

    server.signal(signal.SIGKILL)

    for descriptor in descriptors:
        assert _ended(descriptor)
        os.close(descriptor)


def _ended(descriptor: int) -> bool:
    return bool(select.select([descriptor], [], [], PATIENCE_S)[0])


# --- Stop --------------------------------------------------------------------------------------------------


class SlowUpstream:
    """A resolver that answers when it is told to."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind(("127.0.0.1", 0))
        self._sock.settimeout(PATIENCE_S)
        self.address = f"127.0.0.1:{self._sock.getsockname()[1]}"

    def wait_for_query(self) -> tuple[dns.message.Message, object]:
        wire, client = self._sock.recvfrom(4096)
        return dns.message.from_wire(wire), client

    def answer(self, query: dns.message.Message, client: object) -> None:
        response = dns.message.make_response(query)
        response.flags |= dns.flags.RA
        response.answer.append(dns.rrset.from_text(query.question[0].name, 300, "IN", "A", "198.51.100.7"))
        self._sock.sendto(response.to_wire(), client)  # type: ignore[call-overload]

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def upstream() -> Iterator[SlowUpstream]:
    made = SlowUpstream()
    yield made
    made.close()


@pytest.mark.parametrize("tcp", [False, True])
def test_a_query_under_way_is_answered_before_the_server_stops(
    tmp_path: Path, upstream: SlowUpstream, tcp: bool
) -> None:
    site = Site(tmp_path, upstream=upstream.address)
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    query = dns.message.make_query("www.example.com", "A").to_wire()

    def stop() -> tuple[float, dns.message.Message]:
        with Server(site) as server, socket.socket(socket.AF_INET, kind) as client:
            client.settimeout(PATIENCE_S)
            client.connect(("127.0.0.1", server.port))
            started_s = time.monotonic()
            client.sendall(struct.pack("!H", len(query)) + query if tcp else query)
            asked, sender = upstream.wait_for_query()

            server.signal(signal.SIGTERM)
            server.wait_for("stopping")
            assert server.get("/ready") == (503, "stopping\n")
            upstream.answer(asked, sender)

            wire = client.recv(4096)
            took_s = time.monotonic() - started_s
            assert server.ends() == 0
        return took_s, dns.message.from_wire(wire[2:] if tcp else wire)

    for _ in range(TRIES):
        took_s, answer = stop()
        if took_s < AT_ONCE_S:
            break
    assert str(answer.answer[0][0]) == "198.51.100.7"


@pytest.mark.parametrize("tcp", [False, True])
def test_a_query_that_had_come_before_the_stop_is_answered(site: Site, tcp: bool) -> None:
    kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
    query = dns.message.make_query("www.example.org", "A").to_wire()
    with Server(site) as server, socket.socket(socket.AF_INET, kind) as client:
        client.settimeout(PATIENCE_S)
        client.connect(("127.0.0.1", server.port))
        workers = server.workers()
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)  # so that the query still waits when the word to stop comes
        client.sendall(struct.pack("!H", len(query)) + query if tcp else query)
        server.signal(signal.SIGTERM)
        server.wait_for("stopping")
        for worker in workers:
            os.kill(worker, signal.SIGCONT)

        assert client.recv(4096)
        assert server.ends() == 0


def test_an_idle_tcp_client_does_not_hold_up_the_stop(site: Site) -> None:
    def stop() -> float:
        with Server(site) as server, socket.create_connection(("127.0.0.1", server.port)) as client:
            client.settimeout(PATIENCE_S)
            server.ask("www.example.org", tcp=True)  # whoever accepted this has accepted that
            started_s = time.monotonic()

            server.signal(signal.SIGTERM)

            assert server.ends() == 0
            assert client.recv(1) == b""
            return time.monotonic() - started_s

    assert any(stop() < AT_ONCE_S for _ in range(TRIES))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_stops_at_once(
    tmp_path: Path, upstream: SlowUpstream, number: signal.Signals
) -> None:
    site = Site(tmp_path, upstream=upstream.address)

    def stop() -> float:
        with Server(site) as server, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.connect(("127.0.0.1", server.port))
            client.send(dns.message.make_query("www.example.com", "A").to_wire())
            upstream.wait_for_query()  # it never answers
            started_s = time.monotonic()

            server.signal(number)
            server.wait_for("stopping")
            server.signal(number)

            assert server.ends() == 0
            return time.monotonic() - started_s

    assert any(stop() < AT_ONCE_S for _ in range(TRIES))


# --- Start -------------------------------------------------------------------------------------------------


def test_systemd_hears_of_every_state(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path / "notify")
    try:
        site = Site(tmp_path)
        with Server(site, env={"NOTIFY_SOCKET": systemd.address}) as server:
            heard = systemd.heard()
            assert next(heard) == {"READY": "1", "STATUS": "generation 1: 1 zones"}
            server.signal(signal.SIGHUP)
            reloading = next(heard)
            assert reloading["RELOADING"] == "1"
            assert int(reloading["MONOTONIC_USEC"]) <= time.monotonic() * 1e6
            assert next(heard) == {"READY": "1", "STATUS": "generation 2: 1 zones"}
            server.signal(signal.SIGTERM)
            assert next(heard) == {"STOPPING": "1"}
    finally:
        systemd.close()


def test_systemds_watchdog_is_fed(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path / "notify")
    try:
        site = Site(tmp_path)
        with Server(site, env={"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "200000"}):
            heard = systemd.heard()
            while next(heard) != {"WATCHDOG": "1"}:
                pass
    finally:
        systemd.close()


def test_the_watchdog_starves_while_no_worker_answers(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path / "notify")
    try:
        site = Site(tmp_path)
        with Server(site, env={"NOTIFY_SOCKET": systemd.address, "WATCHDOG_USEC": "200000"}) as server:
            one, other = server.workers()
            os.kill(one, signal.SIGSTOP)
            heard = systemd.heard()
            for _ in range(3):  # more than can be on their way
                while next(heard) != {"WATCHDOG": "1"}:
                    pass

            os.kill(other, signal.SIGSTOP)
            assert systemd.falls_silent()

            os.kill(one, signal.SIGCONT)
            os.kill(other, signal.SIGCONT)
            assert next(heard) == {"WATCHDOG": "1"}
    finally:
        systemd.close()


def test_a_wrong_configuration_ends_the_start_with_all_mistakes(site: Site) -> None:
    site.configure(site.settings + "workres: 3\nquerylog: maybe\n")

    with pytest.raises(AssertionError, match="ended without serving"), Server(site) as server:
        pass

    server = Server(site)
    assert server.ends() == 2
    server.__exit__()
    assert "splitdns.yaml:10:1: " in server.text
    assert "splitdns.yaml:11:11: " in server.text


def test_a_broken_zone_is_reported_and_the_others_are_served(site: Site) -> None:
    site.write("example.com.yaml", "zone: example.com\nns: [ns1]\nrecords:\n  www: {A: 300.1.2.3}\n")

    with Server(site) as server:
        assert server.address() == "192.168.0.1"
        assert server.ask("www.example.com").rcode() == dns.rcode.SERVFAIL
        assert server.total("zone_faults") == 1
        broken = next(event for event in server.events if event["event"] == "zone.broken")
    assert broken["zone"] == "example.com."
    assert broken["where"].endswith("example.com.yaml:4:12")


def test_strict_refuses_to_start_with_a_broken_zone(site: Site) -> None:
    site.write("example.org.yaml", zone(1, more="  bad: {A: 300.1.2.3}\n"))

    server = Server(site, "--strict")
    assert server.ends() == 2
    server.__exit__()
    assert "example.org.yaml:5:12: " in server.text


def test_a_port_that_another_server_has_is_not_shared_with_it(site: Site) -> None:
    with Server(site) as first:
        site.configure(
            site.settings.replace('listen: ["127.0.0.1:0"]', f'listen: ["127.0.0.1:{first.port}"]')
        )
        second = Server(site)
        assert second.ends() == 2
        second.__exit__()
        assert f"splitdns.yaml:1:10: cannot listen on 127.0.0.1:{first.port}" in second.text
        assert f"(process {first.process.pid})" in second.text
        assert first.address() == "192.168.0.1"


def test_without_the_admin_endpoint_names_are_answered(tmp_path: Path) -> None:
    site = Site(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as other:
        busy = f'admin: {{listen: "127.0.0.1:{other.getsockname()[1]}"}}'
        site.configure(site.settings.replace('admin: {listen: "127.0.0.1:0"}', busy))
        server = Server(site)
        serving = server.wait_for("serving")
        assert serving["admin"] == "none"
        server.port = int(serving["listen"].rpartition(":")[2])
        assert server.address() == "192.168.0.1"
        server.__exit__()
        assert any(event["event"] == "admin.failed" for event in server.events)

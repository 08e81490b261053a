"""The public address changes while the server runs: every worker's answers follow, and nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.daemon.server import PATIENCE_S, Server, Site

ZONE = (
    "zone: example.org\nns: [ns.example.net.]\nrecords:\n"
    "  www: {A: {inside: 192.168.0.1, outside: $wan4}}\n"
)
OUTSIDE = "127.0.0.2"


@pytest.fixture
def site(tmp_path: Path) -> Site:
    site = Site(tmp_path)
    site.write("example.org.yaml", ZONE)
    site.write("example.com.yaml", ZONE.replace("example.org", "example.com").replace("$wan4", "203.0.113.1"))
    site.configure(site.settings + "control: control.sock\nwan: {ipv4: {file: wan}}\n")
    return site


def tell(site: Site, text: str) -> None:
    new = site.path / ".wan.new"
    new.write_text(text)
    new.rename(site.path / "wan")


def told(server: Server) -> set[str]:
    """By all workers, as many ports meet each of them."""
    answers = [server.ask("www.example.org", source=OUTSIDE).answer for _ in range(24)]
    return {str(answer[0][0]) if answer else "nothing" for answer in answers}


def until_told(server: Server, address: str) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while told(server) != {address}:
        assert time.monotonic() < until_s, server.text
        time.sleep(0.05)


def test_a_change_is_answered_by_every_worker_and_counted__semantics_12(site: Site) -> None:
    tell(site, "203.0.113.7\n")
    with Server(site) as server:
        assert told(server) == {"203.0.113.7"}

        tell(site, "203.0.113.9\n")
        changed = server.wait_for("wan.changed")
        server.wait_for("generation.swapped")

        assert (changed["address"], changed["former"]) == ("203.0.113.9", "203.0.113.7")
        assert told(server) == {"203.0.113.9"}
        assert server.address() == "192.168.0.1"
        metrics = server.metrics()
        assert metrics['wan_changes_total{family="4"}'] == 1
        assert metrics['wan_address_info{address="203.0.113.9",family="4",source="file wan"}'] == 1


def test_an_address_of_no_use_is_servfail_for_its_records_only__semantics_12(site: Site) -> None:
    tell(site, "203.0.113.7\n")
    with Server(site) as server:
        tell(site, "100.64.7.7\n")
        assert "carrier-grade NAT" in server.wait_for("wan.refused")["reason"]
        server.wait_for("generation.swapped")

        refused = server.ask("www.example.org", source=OUTSIDE)
        assert refused.rcode().name == "SERVFAIL"
        assert server.address() == "192.168.0.1"
        assert server.address("www.example.com", source=OUTSIDE) == "203.0.113.1"

        tell(site, "203.0.113.9\n")
        server.wait_for("generation.swapped")
        assert told(server) == {"203.0.113.9"}


@contextmanager
def published(directory: Path) -> Iterator[str]:
    """The directory on a web server; its URL."""

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(directory))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("source", ["{http: URL/wan, every: 1s}", "{command: [/bin/cat, wan], every: 1s}"])
def test_who_is_asked_again_and_again_is_followed(site: Site, source: str) -> None:
    tell(site, "203.0.113.7\n")
    with published(site.path) as url:
        site.configure(site.config.read_text().replace("{file: wan}", source.replace("URL", url)))
        with Server(site) as server:
            until_told(server, "203.0.113.7")  # it may have been known before the server said that it serves

            tell(site, "203.0.113.9\n")
            assert server.wait_for("wan.changed", former="203.0.113.7")["address"] == "203.0.113.9"
            until_told(server, "203.0.113.9")


def test_a_file_that_is_gone_takes_nothing_away(site: Site) -> None:
    tell(site, "203.0.113.7\n")
    with Server(site) as server:
        (site.path / "wan").unlink()
        assert server.wait_for("wan.failed")["kept"] == "203.0.113.7"

        assert told(server) == {"203.0.113.7"}


def test_a_configuration_that_is_wrong_on_disk_keeps_no_address_from_following(site: Site) -> None:
    tell(site, "203.0.113.7\n")
    with Server(site) as server:
        site.configure("listen: nowhere\n")
        server.wait_for("reload.failed")
        assert told(server) == {"203.0.113.7"}

        tell(site, "203.0.113.9\n")
        server.wait_for("generation.swapped")
        assert told(server) == {"203.0.113.9"}
        assert server.address() == "192.168.0.1"

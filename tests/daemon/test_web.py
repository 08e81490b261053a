"""The page of a server that runs: nothing of it before it is asked for, and queries as they are answered."""

from __future__ import annotations

import http.client
import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.daemon.server import PATIENCE_S, Server, Site
from tests.unit.cli import gateway


@contextmanager
def watching(server: Server) -> Iterator[Iterator[dict[str, Any]]]:
    """The queries that a browser is sent."""
    connection = http.client.HTTPConnection("127.0.0.1", server.admin_port, timeout=PATIENCE_S)
    try:
        connection.request("GET", "/queries/stream")
        response = connection.getresponse()
        assert response.getheader("content-type", "").startswith("text/event-stream")

        def queries() -> Iterator[dict[str, Any]]:
            while line := response.readline():
                if line.startswith(b"data: "):
                    yield from json.loads(line[6:])["queries"]

        assert response.readline().startswith(b"retry: ")
        yield queries()
    finally:
        connection.close()


def asked(server: Server, queries: Iterator[dict[str, Any]], name: str) -> dict[str, Any]:
    """The first that is seen of a name, which is asked for until then: workers hear late who watches."""
    seen = threading.Event()

    def ask() -> None:
        while not seen.wait(0.05):
            server.ask(name)

    with ThreadPoolExecutor(1) as asking:
        asking.submit(ask)
        try:
            return next(query for query in queries if query["name"] == f"{name}.")
        finally:
            seen.set()


def test_nothing_of_the_page_is_in_memory_before_it_is_asked_for(tmp_path: Path) -> None:
    with Server(Site(tmp_path)) as server:
        maps = Path(f"/proc/{server.process.pid}/maps")
        assert server.get("/metrics")[0] == server.get("/health")[0] == 200
        assert "markupsafe" not in maps.read_text()  # the part of the templates that is not Python

        status, page = server.get("/")

        assert status == 200
        assert "<h3>lan</h3>" in page
        assert "markupsafe" in maps.read_text()
        assert all("markupsafe" not in Path(f"/proc/{one}/maps").read_text() for one in server.workers())


def test_queries_are_sent_to_who_watches_also_by_a_worker_that_came_later(tmp_path: Path) -> None:
    with Server(Site(tmp_path, workers=1)) as server, watching(server) as queries:
        query = asked(server, queries, "www.example.org")
        assert (query["client"], query["view"], query["rcode"]) == ("127.0.0.1", "lan", "NOERROR")

        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("worker.died")
        assert asked(server, queries, "later.example.org")["rcode"] == "NXDOMAIN"


def test_a_browser_that_watches_does_not_hold_up_the_end(tmp_path: Path) -> None:
    with Server(Site(tmp_path)) as server, watching(server):
        started_s = time.monotonic()
        server.signal(signal.SIGTERM)
        assert server.ends() == 0
        assert time.monotonic() - started_s < 15


def test_clients_and_explanations_are_there_and_a_wrong_gateway_is_told(tmp_path: Path) -> None:
    site = Site(tmp_path)
    gateway.lay(tmp_path)
    (site.zones / "example.com.yaml").write_text(gateway.ZONE.replace("$wan4", "203.0.113.7"))
    with Server(site) as server:
        server.wait_for("exposure.checked")
        server.ask("www.example.org")
        assert "<code>127.0.0.1</code>" in server.get("/")[1]
        explained = "/answers?name=www.example.com&from=198.51.100.7&port=443/tcp"
        while "it took more than" in (page := server.get(explained)[1]):  # its process is of low priority
            pass
        assert "dnat to 192.168.10.20" in page
        assert "www.example.com. 443/tcp" in server.get("/exposure")[1]

        (tmp_path / "rules.v4").write_text("*nat\n-A PREROUTING --nonsense\n")
        server.wait_for("exposure.failed")
        assert "The check could not run" in server.get("/exposure")[1]


def test_at_any_other_address_there_are_numbers_only__semantics_30(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.configure(site.settings.replace('admin: {listen: "127.0.0.1:0"}', 'admin: {listen: "0.0.0.0:0"}'))
    with Server(site) as server:
        server.ask("www.example.org")
        status, page = server.get("/")
        assert (status, "example.org" in page, "127.0.0.1</code>" in page) == (200, False, False)
        for path in ("/answers", "/queries", "/queries/stream", "/exposure"):
            assert server.get(path)[0] == 403, path

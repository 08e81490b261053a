"""Containers come and go while the server runs, and so does their engine: names follow, in each view."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from splitdns.sources.docker.following import GRACE_S, LOOK_S
from tests.daemon.server import PATIENCE_S, Server, Site
from tests.engine import FakeEngine, container, endpoint, port
from tests.unit.cli import gateway

OUTSIDE = "127.0.0.2"
SOON_S = LOOK_S / 3  # from the start of a container to its name: nobody waits for the next look

CONFIG = """\
wan: {{ipv4: 203.0.113.7}}
sources:
  docker:
    - {{engine: "{engine}", zone: example.org, inside: [192.168.0.10]}}
    - {{engine: "{other}", zone: example.com, inside: [192.168.0.20]}}
"""
APP = {"splitdns.name": "app.example.org", "splitdns.expose": "443/tcp"}
PORTS = [port(443)]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    with FakeEngine(tmp_path / "docker.sock") as fake:
        yield fake


@pytest.fixture
def site(tmp_path: Path, engine: FakeEngine) -> Site:
    site = Site(tmp_path)
    site.configure(site.settings + CONFIG.format(engine=engine.url, other="http://127.0.0.1:9"))
    return site


def until(holds: Callable[[], bool]) -> float:
    """How long it took, in seconds."""
    since_s = time.monotonic()
    while not holds():
        assert time.monotonic() - since_s < PATIENCE_S
        time.sleep(0.02)
    return time.monotonic() - since_s


def told(server: Server, name: str = "app.example.org", source: str = "127.0.0.1") -> set[str]:
    """What all workers say: an address, or why there is none."""
    found = set()
    for _ in range(12):
        answer = server.ask(name, source=source)
        found.add(str(answer.answer[0][0]) if answer.answer else answer.rcode().name)
    return found


def is_followed(engine: FakeEngine) -> bool:
    """Whether the server listens to events, and has looked since."""
    listens = [number for number, path in enumerate(engine.asked) if "/events" in path]
    return bool(listens) and any("/containers/json" in path for path in engine.asked[listens[0] :])


def test_a_container_that_starts_has_its_name_in_each_view_until_it_stops(
    site: Site, engine: FakeEngine
) -> None:
    with Server(site) as server:
        took_s = []
        for name in ("app", "bpp", "cpp"):
            qname = f"{name}.example.org"
            assert told(server, qname) == {"NXDOMAIN"}

            engine.run(name, APP | {"splitdns.name": qname}, ports=PORTS)
            took_s.append(until(lambda: told(server, qname) == {"192.168.0.10"}))  # noqa: B023
            assert told(server, qname, OUTSIDE) == {"203.0.113.7"}

        assert min(took_s) < SOON_S
        assert server.address() == "192.168.0.1"  # the file's names are as before

        engine.stop("app")
        until(lambda: told(server) == {"NXDOMAIN"})
        until(lambda: told(server, source=OUTSIDE) == {"NXDOMAIN"})
        assert told(server, "bpp.example.org") == {"192.168.0.10"}


def test_a_container_that_is_started_anew_has_its_name_all_along(site: Site, engine: FakeEngine) -> None:
    engine.run("app", APP, ports=PORTS)
    with Server(site) as server:
        until(lambda: told(server) == {"192.168.0.10"})
        until(lambda: is_followed(engine))
        stopped_s = time.monotonic()

        def has_its_name(until_s: float) -> None:
            while time.monotonic() - stopped_s < until_s:
                found = told(server)
                # If this machine stands still for a while, the time for a new start is over.
                assert found == {"192.168.0.10"} or time.monotonic() - stopped_s > GRACE_S

        engine.stop("app")
        has_its_name(1.0)
        engine.run("app", APP, ports=PORTS)
        has_its_name(2.0)
        until(lambda: told(server) == {"192.168.0.10"})


def test_a_container_that_runs_already_is_there_from_the_first_answer(
    site: Site, engine: FakeEngine
) -> None:
    lan = {"lan": endpoint("e4c0a1d25b7f9e36", "192.168.0.50")}
    engine.run("app", {"splitdns.name": "app.example.org"}, networks=lan)
    for _ in range(5):
        with Server(site) as server:
            late = any("nothing within" in event.get("reason", "") for event in server.events)
            first = told(server), told(server, source=OUTSIDE)
        if not late:  # the machine did not stand still for as long as a start waits for an engine
            assert first == ({"192.168.0.50"}, {"NXDOMAIN"})  # it exposes nothing
            return
    pytest.fail("no start saw the engine in time")


def test_an_engine_that_dies_leaves_the_last_good_names_and_is_found_again(
    site: Site, engine: FakeEngine
) -> None:
    up = f'source_up{{source="docker {engine.path}"}}'
    engine.run("app", APP, ports=PORTS)
    with Server(site) as server:
        until(lambda: server.metrics()[up] == 1)

        engine.close()
        server.wait_for("source.failed", source=f"docker {engine.path}")

        assert server.metrics()[up] == 0
        assert told(server) == {"192.168.0.10"}
        assert server.metrics()['source_up{source="docker http://127.0.0.1:9"}'] == 0

        engine.containers = {"other": container("other", {"splitdns.name": "other.example.org"}, PORTS)}
        engine.open_again()
        until(lambda: told(server, "other.example.org") == {"192.168.0.10"})
        until(lambda: told(server) == {"NXDOMAIN"})
        assert server.metrics()[up] == 1


def test_what_is_wrong_with_labels_is_logged_and_counted(site: Site, engine: FakeEngine) -> None:
    labels = APP | {"splitdns.expose": "443/tcp, 80/tcp"}
    engine.run("app", labels, ports=PORTS)
    with Server(site) as server:
        until(lambda: told(server) == {"192.168.0.10"})
        (warning,) = [event for event in server.events if event["event"] == "zone.warning"]
        assert warning["where"] == "docker: container app, label splitdns.expose"
        assert "(443/tcp), found 80/tcp" in warning["reason"]
        assert server.metrics()[f'source_refused{{source="docker {engine.path}"}}'] == 1


def test_what_a_container_exposes_is_checked_against_the_gateway(site: Site, engine: FakeEngine) -> None:
    site.configure(site.config.read_text().replace("127.0.0.1/32]", "127.0.0.1/32, 192.168.0.0/16]"))
    gateway.lay(site.path)
    (site.zones / "example.com.yaml").unlink()
    labels = {"splitdns.name": "app.example.org", "splitdns.inside": "192.168.10.20"}
    with Server(site) as server:
        server.wait_for("exposure.checked")

        engine.run("app", labels | {"splitdns.expose": "8443/tcp"})  # the gateway forwards port 443
        found = server.wait_for("exposure.found", code="FWD-MISSING")
        assert found["subject"] == "app.example.org. 8443/tcp"
        assert found["where"] == "docker: container app, label splitdns.name"

        engine.stop("app")
        engine.run("app", labels | {"splitdns.expose": "443/tcp"})
        server.wait_for("exposure.gone", code="FWD-MISSING")
        until(lambda: server.metrics().get('exposure_consistent{service="app.example.org. 443/tcp"}') == 1)


def test_a_name_that_the_zone_s_file_has_stays_the_file_s(site: Site, engine: FakeEngine) -> None:
    engine.run("thief", {"splitdns.name": "www.example.org", "splitdns.inside": "192.168.0.99"})
    with Server(site) as server:
        until(lambda: any("the zone file has it" in line for line in server.lines))
        assert server.address() == "192.168.0.1"

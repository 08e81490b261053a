"""A server that starts again has what it had: from what was kept where that is right, else from the files."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.server import PATIENCE_S, Event, Server, Site

NAMES = 2_000
ASKED = ("example.net", "www.example.org", "host7.example.net", "no.example.net", "a.wild.example.net")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path, workers=1)
    made.configure(made.settings + "compiled: kept\n")
    made.write("example.net.yaml", zone())
    time.sleep(0.1)  # a file that changes as it is read is not kept
    return made


def zone(last: int = 9) -> str:
    hosts = "".join(
        f"  host{number}: {{A: {{inside: 10.0.{number >> 8}.{number & 255}, outside: 203.0.113.{last}}}}}\n"
        for number in range(NAMES)
    )
    return f"zone: example.net\nrecords:\n  '*.wild': {{TXT: {{insdie: a, inside: b}}}}\n{hosts}"


class Start:
    """What one start said and answered."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.warnings = [
            {key: value for key, value in event.items() if key != "time"}
            for event in server.events
            if event["event"] == "zone.warning"
        ]

    @property
    def answers(self) -> list[str]:
        asked = random.Random(0)
        names = [*ASKED, *(f"host{asked.randrange(NAMES)}.example.net" for _ in range(50))]
        found = []
        for name in names:
            for rdtype in ("A", "TXT", "SOA"):
                message = self.server.ask(name, rdtype)
                message.id = 0
                found.append(message.to_text())
        found.append(self.server.ask("7.0.0.10.in-addr.arpa", "PTR").to_text().partition("\n")[2])
        return found

    def events(self, name: str) -> list[Event]:
        return [event for event in self.server.events if event["event"] == name]


@contextmanager
def start(site: Site) -> Iterator[Start]:
    with Server(site) as server:
        yield Start(server)


def kept(site: Site) -> Path:
    """The one file that is kept, once it is there and was used or written since ``make_old``."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        found = [path for path in (site.path / "kept").glob("[!.]*") if not is_old(path)]
        if found:
            (path,) = found
            return path
        time.sleep(0.01)
    raise AssertionError("nothing is kept")


def make_old(path: Path) -> None:
    """Who uses it from now on gives it another time."""
    os.utime(path, (time.time() - 86_400,) * 2)


def is_old(path: Path) -> bool:
    return path.stat().st_mtime < time.time() - 3_600


def first_start(site: Site) -> tuple[Start, list[str], Path]:
    with start(site) as first:
        answers = first.answers
        path = kept(site)
    make_old(path)
    return first, answers, path


def test_the_second_start_answers_and_warns_as_the_first(site: Site) -> None:
    first, answers, path = first_start(site)
    with start(site) as second:
        assert not is_old(path)
        assert second.answers == answers
    assert any("is 'inside' meant" in warning["reason"] for warning in first.warnings)
    assert second.warnings == first.warnings
    assert not second.events("compiled.ignored")


def test_a_file_that_changed_meanwhile_is_read(site: Site) -> None:
    first_start(site)
    site.write("example.net.yaml", zone().replace("inside: 10.0.0.7,", "inside: 10.9.9.9,"))
    with start(site) as second:
        assert second.server.address("host7.example.net") == "10.9.9.9"
        kept(site)


def test_other_views_have_it_read(site: Site) -> None:
    _, _, path = first_start(site)
    settings = site.config.read_text()
    site.configure(settings.replace("horizon: [inside]", "horizon: [outside, inside]"))
    with start(site) as second:
        assert is_old(path)
        assert second.server.address("host7.example.net") == "203.0.113.9"


def test_a_reload_after_the_second_start_reads_only_what_changed(site: Site) -> None:
    first_start(site)
    with start(site) as second:
        site.write("example.org.yaml", "zone: example.org\nrecords: {www: {A: 192.0.2.77}}\n")
        second.server.wait_for("generation.swapped")
        assert second.server.address() == "192.0.2.77"
        assert second.server.address("host7.example.net") == "10.0.0.7"
        site.write("example.net.yaml", zone(8).replace("inside: 10.0.0.7,", "inside: 10.9.9.9,"))
        second.server.wait_for("generation.swapped")
        assert second.server.address("host7.example.net") == "10.9.9.9"


@pytest.mark.parametrize("damage", ["cut", "flip", "other"])
def test_what_is_not_to_be_believed_is_told_of_and_made_anew(site: Site, damage: str) -> None:
    _, answers, path = first_start(site)
    octets = path.read_bytes()
    middle = len(octets) // 2
    path.write_bytes(
        {
            "cut": octets[:middle],
            "flip": octets[:middle] + bytes([octets[middle] ^ 255]) + octets[middle + 1 :],
            "other": octets[:8] + bytes(32) + octets[40:],
        }[damage]
    )
    make_old(path)
    with start(site) as second:
        assert second.answers == answers
        (event,) = second.events("compiled.ignored")
        assert event["path"] == str(path)
        assert kept(site) == path
        assert path.read_bytes()[:40] == octets[:40]
    make_old(path)
    with start(site) as third:
        assert not is_old(path)
        assert third.answers == answers


def test_where_nothing_can_be_written_it_serves_all_the_same(site: Site) -> None:
    (site.path / "kept").touch()  # no directory can be made there
    with start(site) as first:
        failed = first.server.wait_for("compiled.failed")
        assert failed["level"] == "warning"
        assert first.server.address("host7.example.net") == "10.0.0.7"


@pytest.mark.root
def test_a_disk_that_is_full_is_told_of_and_nothing_else(site: Site) -> None:
    directory = site.path / "kept"
    directory.mkdir(0o700)
    os.system(f"mount -t tmpfs -o size=16k,mode=700 none {directory}")
    try:
        with start(site) as first:
            failed = first.server.wait_for("compiled.failed")
            assert failed["reason"] == "No space left on device"
            assert first.server.address("host7.example.net") == "10.0.0.7"
        assert [*directory.iterdir()] == []
    finally:
        os.system(f"umount {directory}")


def test_two_servers_keep_in_one_place(site: Site, tmp_path: Path) -> None:
    with start(site) as one, start(site) as other:
        answers = one.answers
        assert other.answers == answers
        path = kept(site)
    make_old(path)
    with start(site) as one, start(site) as other:
        assert not is_old(path)
        assert one.answers == other.answers == answers
        assert not one.events("compiled.ignored") + other.events("compiled.ignored")

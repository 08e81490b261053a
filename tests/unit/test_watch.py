import os
import queue
import shutil
from collections.abc import Iterator
from pathlib import Path
from time import time

import pytest

from splitdns.watch import Watcher, changed_since, matters, places

PATIENCE_S = 60.0  # for an event that must come


class Seen:
    """A watcher with short steps, and the changes that it reported."""

    def __init__(self) -> None:
        self.changes: queue.Queue[None] = queue.Queue()
        self.watcher = Watcher(lambda: self.changes.put(None), step_ms=30, debounce_ms=300)

    def watch(self, *paths: Path) -> None:
        """Watch, and wait until it does: a file from before must be reported once."""
        self.watcher.look_at(paths, since_s=0)
        self.wait()

    def wait(self) -> None:
        self.changes.get(timeout=PATIENCE_S)


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.watcher.close()


def test_a_file_that_is_written_is_a_change(seen: Seen, tmp_path: Path) -> None:
    zone = tmp_path / "example.org.yaml"
    zone.write_text("one")
    seen.watch(tmp_path)

    zone.write_text("two")

    seen.wait()


def test_a_file_that_is_replaced_is_a_change_each_time(seen: Seen, tmp_path: Path) -> None:
    config = tmp_path / "splitdns.yaml"
    config.write_text("one")
    seen.watch(config)

    for text in ("two", "three"):
        (tmp_path / "new").write_text(text)
        (tmp_path / "new").rename(config)
        seen.wait()


def test_a_swapped_configmap_is_a_change_each_time(seen: Seen, tmp_path: Path) -> None:
    def publish(text: str) -> None:
        version = tmp_path / f"..{text}"
        version.mkdir()
        (version / "example.org.yaml").write_text(text)
        (tmp_path / "..data_tmp").symlink_to(version.name)
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")

    publish("one")
    zone = tmp_path / "example.org.yaml"
    zone.symlink_to("..data/example.org.yaml")
    seen.watch(tmp_path)

    for text in ("two", "three"):
        publish(text)
        seen.wait()


def test_a_directory_behind_a_swapped_symlink_is_watched_where_it_leads_now(
    seen: Seen, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "example.org.yaml").write_text(name)
    (tmp_path / "zones").symlink_to("a")
    seen.watch(tmp_path / "zones")

    (tmp_path / "next").symlink_to("b")
    (tmp_path / "next").rename(tmp_path / "zones")
    seen.wait()
    (tmp_path / "b" / "example.org.yaml").write_text("changed")
    seen.wait()


def test_a_directory_that_is_missing_is_seen_when_it_comes_and_then_watched(
    seen: Seen, tmp_path: Path
) -> None:
    zones = tmp_path / "some" / "zones"
    config = tmp_path / "splitdns.yaml"
    config.write_text("here")
    seen.watch(zones, config)

    zones.mkdir(parents=True)
    seen.wait()
    (zones / "example.org.yaml").write_text("one")
    seen.wait()


def test_a_directory_that_goes_and_comes_back_is_watched_again(seen: Seen, tmp_path: Path) -> None:
    zones = tmp_path / "zones"
    zones.mkdir()
    seen.watch(zones)

    shutil.rmtree(zones)
    seen.wait()
    zones.mkdir()
    seen.wait()
    (zones / "example.org.yaml").write_text("one")
    seen.wait()


def test_what_changed_between_loading_and_watching_is_reported(seen: Seen, tmp_path: Path) -> None:
    zone = tmp_path / "example.org.yaml"
    zone.write_text("one")

    seen.watcher.look_at([tmp_path], since_s=zone.stat().st_ctime - 1)

    seen.wait()


def test_other_paths_can_be_watched_later(seen: Seen, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    seen.watch(first)
    seen.watch(first, second)

    (second / "example.org.yaml").write_text("one")

    seen.wait()


def test_a_watcher_that_never_watched_can_be_closed() -> None:
    Watcher(lambda: None).close()


def test_every_symlink_on_the_way_is_a_place(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    real = tmp_path / "releases" / "2"
    real.mkdir(parents=True)
    (real / "splitdns.yaml").write_text("")
    (tmp_path / "current").symlink_to("releases/2")
    (tmp_path / "etc").symlink_to(tmp_path / "current")

    found = places([tmp_path / "etc" / "splitdns.yaml"])

    assert found == {tmp_path: frozenset({"etc", "current"}), real: frozenset({"splitdns.yaml"})}


def test_a_symlink_in_a_watched_directory_is_followed(tmp_path: Path) -> None:
    tmp_path = tmp_path.resolve()
    zones, elsewhere = tmp_path / "zones", tmp_path / "elsewhere"
    zones.mkdir()
    elsewhere.mkdir()
    (zones / "a.yaml").symlink_to("../elsewhere/a.yaml")

    found = places([zones])

    assert found == {tmp_path: frozenset({"zones"}), zones: None, elsewhere: frozenset({"a.yaml"})}


def test_symlinks_that_lead_in_a_circle_are_left(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")

    assert places([tmp_path.resolve() / "a" / "x"]) == {tmp_path.resolve(): frozenset({"a", "b"})}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("example.org.yaml", True),
        ("..data", True),
        ("example.org.yaml~", False),
        (".example.org.yaml.swp", False),
        ("#example.org.yaml#", False),
        (".git", False),
        ("4913", False),
    ],
)
def test_what_editors_leave_behind_does_not_matter(name: str, expected: bool) -> None:
    assert matters({Path("/zones"): None}, Path("/zones") / name) is expected


def test_only_the_names_of_a_place_matter() -> None:
    where = {Path("/etc"): frozenset({"splitdns.yaml"})}

    assert matters(where, Path("/etc/splitdns.yaml"))
    assert matters(where, Path("/etc"))
    assert not matters(where, Path("/etc/passwd"))
    assert not matters(where, Path("/etc/other/splitdns.yaml"))


def test_nothing_has_changed_where_nothing_did(tmp_path: Path) -> None:
    (tmp_path / "example.org.yaml").write_text("one")
    (tmp_path / "here").write_text("one")
    where = {tmp_path: None, tmp_path.parent: frozenset({tmp_path.name, "missing"})}
    later_s = max(os.stat(path).st_ctime for path in (tmp_path, tmp_path / "here")) + 1

    assert not changed_since(where, later_s)
    assert changed_since(where, 0)
    assert changed_since({tmp_path / "gone": None}, time())


def test_once_the_watch_stands_a_change_is_reported_once(tmp_path: Path) -> None:
    said: queue.Queue[str] = queue.Queue()
    watcher = Watcher(lambda: said.put("changed"), lambda: said.put("standing"), step_ms=30, debounce_ms=300)
    zone = tmp_path / "example.org.yaml"
    zone.write_text("one")
    watcher.look_at([tmp_path], since_s=0)
    assert [said.get(timeout=PATIENCE_S) for _ in range(2)] == ["changed", "standing"]

    (tmp_path / ".two").write_text("two")
    (tmp_path / ".two").rename(zone)

    assert said.get(timeout=PATIENCE_S) == "changed"
    watcher.close()
    assert said.empty()

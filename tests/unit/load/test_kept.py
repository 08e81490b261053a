"""What is kept of zones holds for the same files, in the same surroundings, and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from splitdns.errors import Problems, Where
from splitdns.load import kept
from splitdns.load.kept import (
    AUTO,
    CLOCK_STEP_S,
    MAX_AGE_S,
    MIN_OCTETS,
    Kept,
    Recalling,
    is_worthwhile,
    place,
)
from splitdns.load.keptfile import KeptError
from splitdns.load.load import load
from splitdns.load.parts import Environment, Part, parts_of
from splitdns.load.supplies import Supplied, Supply
from splitdns.load.zonefiles import by_apex
from splitdns.names import ROOT, Qname, from_text
from splitdns.records import Type
from splitdns.zone import Node, Zone, pack
from tests.loading import HEAD, INTERNET, LAN, VIEWERS, WAN, records
from tests.unit.daemon.site import Site

ENVIRONMENT = Environment(VIEWERS, dict(WAN))
YAML = (
    "zone: a.test\nrecords:\n"
    "  www: {A: {inside: 192.168.1.1, outside: 203.0.113.7}, expose: [443/tcp]}\n"
    "  mail: {MX: 10 elsewhere.example.net., A: {insdie: 192.168.1.9, inside: 192.168.1.1}}\n"
    "  cdn: {A: 192.0.2.1, HTTPS: 1 . alpn=h2 ipv4hint=auto}\n"
    "  ~^n[0-9]+$: {A: 192.0.2.2}\n"
)
FILL = "".join(f"# {number:060}\n" for number in range(MIN_OCTETS // 60))
LATER_S = 10.0


class Desk:
    """A directory of zone files of one apex, one where they are kept, and one server after another."""

    def __init__(self, directory: Path) -> None:
        self.zones, self.kept = directory / "zones", directory / "kept"
        self.ignored: dict[Path, str] = {}
        self.zones.mkdir()

    def write(self, name: str, text: str) -> None:
        path = self.zones / name
        path.write_text(text + (FILL if name.endswith(".yaml") else FILL.replace("#", ";")))

    def start(
        self,
        environment: Environment = ENVIRONMENT,
        beneath: tuple[Qname, ...] = (),
        *,
        keeps: bool = True,
    ) -> tuple[Sequence[Part], bool]:
        """The parts, and whether they were recalled; they are kept for the next start."""
        now_s = time.time() + LATER_S  # whatever was written was written long ago
        paths = sorted(path for path in self.zones.iterdir() if path.suffix in (".yaml", ".zone"))
        ((_, files),) = by_apex(paths, Problems()).items()
        store = Kept(self.kept)
        read: list[int] = []
        parts = parts_of(files, replace(environment, recall=store.recall), beneath, (), read.append)
        assert read  # whoever waits is told that they are through
        recalled = any(part.recalled for part in parts)
        self.ignored = store.ignored
        if keeps and is_worthwhile(parts):
            store.keep([(parts, now_s)])
        return parts, recalled

    def files(self) -> list[Path]:
        return sorted(self.kept.iterdir()) if self.kept.exists() else []


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def told(parts: Sequence[Part]) -> list[str]:
    return [str(warning) for part in parts for warning in part.warnings]


def content(parts: Sequence[Part]) -> object:
    """Everything of the parts but the identity of their zones."""
    return [
        (
            replace(part, compiled=None, recalled=False),
            part.compiled
            and (
                {view: (bytes(zone.block), zone.regexps) for view, zone in part.compiled.zones.items()},
                replace(part.compiled, zones={}),
            ),
        )
        for part in parts
    ]


def test_the_second_start_has_what_the_first_had(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    first, was_recalled = desk.start()
    second, is_recalled = desk.start()

    assert (was_recalled, is_recalled) == (False, True)
    assert content(second) == content(first)
    assert any("'inside' meant?" in text for text in told(second))
    assert first[0].compiled
    assert second[0].compiled
    assert records(second[0].compiled.zones["lan"]) == records(first[0].compiled.zones["lan"])
    assert [id(zone) for zone in second[0].compiled.zones.values()] != [
        id(zone) for zone in first[0].compiled.zones.values()
    ]


def test_views_that_share_a_zone_share_it_again(desk: Desk) -> None:
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: 192.0.2.1}}\n")
    desk.start()
    (part,), recalled = desk.start()

    assert recalled
    assert part.compiled
    assert len({id(zone) for zone in part.compiled.zones.values()}) == 1


def test_a_file_for_each_horizon_is_kept_with_the_others(desk: Desk) -> None:
    for horizon in ("inside", "outside"):
        desk.write(f"example.org@{horizon}.zone", f"$ORIGIN example.org.\n{HEAD}")
    first, _ = desk.start()
    second, recalled = desk.start()

    assert recalled
    assert len(desk.files()) == 1
    assert content(second) == content(first)


def test_a_small_zone_is_read_again(desk: Desk) -> None:
    (desk.zones / "a.test.yaml").write_text(YAML)
    assert desk.start()[1] is desk.start()[1] is False
    assert desk.files() == []


def test_a_changed_file_is_read(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    desk.start()
    path = desk.zones / "a.test.yaml"
    before = path.stat()
    path.write_text(path.read_text().replace("203.0.113.7", "203.0.113.8"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))

    parts, recalled = desk.start()
    assert not recalled
    assert parts[0].compiled
    assert "60 A 203.0.113.8" in records(parts[0].compiled.zones["internet"])["www"]
    assert desk.start()[1]
    assert len(desk.files()) == 1


def test_a_file_of_another_time_is_read__semantics_10(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    desk.start()
    os.utime(desk.zones / "a.test.yaml", (1_700_000_000, 1_700_000_000))

    parts, recalled = desk.start()
    assert not recalled
    assert parts[0].compiled
    assert parts[0].compiled.serial == 1_700_000_000


def test_the_same_octets_in_another_inode_are_the_same(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    desk.start()
    path = desk.zones / "a.test.yaml"
    times = path.stat().st_atime_ns, path.stat().st_mtime_ns
    (desk.zones / "new").write_bytes(path.read_bytes())
    (desk.zones / "new").rename(path)
    os.utime(path, ns=times)

    (part,), recalled = desk.start()
    assert recalled
    assert part.key
    assert part.key.files[0].inode == path.stat().st_ino


def test_an_included_file_counts(desk: Desk) -> None:
    (desk.zones / "hosts").write_text("www A 192.0.2.1\n")
    desk.write("a.test.zone", HEAD + "$INCLUDE hosts\n")
    desk.start()
    (part,), recalled = desk.start()
    assert recalled
    assert part.key
    assert [Path(one.path).name for one in part.key.files] == ["a.test.zone", "hosts"]
    (desk.zones / "hosts").write_text("www A 192.0.2.2\n")
    assert not desk.start()[1]
    assert desk.start()[1]
    (desk.zones / "hosts").unlink()
    assert not desk.start()[1]


def test_other_surroundings_have_their_own(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    desk.start()
    others = [
        (Environment((LAN,), dict(WAN)), ()),
        (Environment((INTERNET, LAN), dict(WAN)), ()),
        (ENVIRONMENT, (from_text("sub.a.test."),)),
    ]
    for environment, beneath in others:
        assert not desk.start(environment, beneath)[1]
    for environment, beneath in [(ENVIRONMENT, ()), *others]:
        assert desk.start(environment, beneath)[1]
    assert len(desk.files()) == 4


def test_a_new_public_address_means_another_reading_where_it_is_used(desk: Desk) -> None:
    other = Environment(VIEWERS, {"$wan4": bytes([203, 0, 113, 9])})
    desk.write("a.test.yaml", YAML)
    desk.start()
    assert desk.start(other)[1]
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: $wan4}}\n")
    desk.start()
    parts, recalled = desk.start(other)
    assert not recalled
    assert parts[0].compiled
    assert "3600 A 203.0.113.9" in records(parts[0].compiled.zones["lan"])["www"]
    assert desk.start(other)[1]


def test_what_sources_have_a_say_in_is_not_kept(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    apex = from_text("a.test.")
    one = Supplied(from_text("new.a.test."), Type.A, bytes([192, 168, 1, 7]), 60, None, Where("leases", 1))
    environment = replace(ENVIRONMENT, supplies={apex: (Supply("leases", apex, (one,)),)})
    desk.start(environment)
    assert desk.files() == []
    desk.start()
    assert not desk.start(environment)[1]


def test_a_broken_zone_is_not_kept(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML.replace("192.0.2.2", "192.0.2.256"))
    parts, _ = desk.start()
    assert parts[0].errors
    assert desk.files() == []


def test_a_file_that_changes_while_it_is_read_is_not_kept(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    ((_, files),) = by_apex([desk.zones / "a.test.yaml"], Problems()).items()
    store = Kept(desk.kept)
    parts = parts_of(files, ENVIRONMENT, (), ())
    changed_s = (desk.zones / "a.test.yaml").stat().st_ctime

    store.keep([(parts, changed_s + CLOCK_STEP_S / 2)])
    assert desk.files() == []

    desk.write("a.test.yaml", YAML.replace("203.0.113.7", "203.0.113.8"))
    store.keep([(parts, time.time() + LATER_S)])
    assert desk.files() == []


@pytest.mark.parametrize("octets", [b"", b"splitdns", b"\0" * 10_000])
def test_a_file_that_is_not_to_be_believed_is_replaced(desk: Desk, octets: bytes) -> None:
    desk.write("a.test.yaml", YAML)
    desk.start()
    (path,) = desk.files()
    path.write_bytes(octets)

    assert not desk.start()[1]
    assert [*desk.ignored] == [path]
    assert desk.start()[1]
    assert not desk.ignored


def test_many_files_of_another_version_are_one_line(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = Site(tmp_path, "compiled: kept\n")
    for name in ("one.example", "two.example"):
        here.write(name, 1, FILL)
    first = here.load()
    Kept(tmp_path / "kept").keep((parts, time.time() + LATER_S) for parts in first.parts.values())

    for version, ignored in ((kept.program(), 0), (bytes(32), 2)):
        monkeypatch.setattr(kept, "program", lambda version=version: version)
        recalling = Recalling()
        loaded = load(here.config, generation=1, now_s=0.0, recalling=recalling)
        recalling.tell()
        assert [part.recalled for parts in loaded.parts.values() for part in parts] == [not ignored] * 2
        assert (loaded.warnings, loaded.faults) == (first.warnings, first.faults)
    (told,) = caplog.records
    assert (told.message, told.__dict__["files"]) == ("compiled.ignored", 2)
    assert told.__dict__["reason"] == "another version wrote it"


def test_the_digest_of_the_program_is_that_of_its_code() -> None:
    assert kept.program() == kept.program()
    assert len(kept.program()) == 32


def test_a_directory_that_others_can_write_to_is_of_no_use(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    parts, _ = desk.start()
    desk.kept.chmod(0o777)

    assert not desk.start(keeps=False)[1]
    assert [*desk.ignored.values()] == ["others can write to its directory"]
    with pytest.raises(KeptError):
        Kept(desk.kept).keep([(parts, time.time() + LATER_S)])


def test_what_nobody_uses_goes(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    desk.kept.mkdir(0o700)
    now_s = time.time()
    names = {
        "1" * 32 + ".compiled": now_s - MAX_AGE_S - 60,
        "2" * 32 + ".compiled": now_s - MAX_AGE_S + 60,
        "." + "3" * 32 + ".compiled.123.abcd": now_s - 2 * 3600,
        "." + "4" * 32 + ".compiled.123.abcd": now_s,
        "notes.compiled": 0.0,
    }
    for name, time_s in names.items():
        (desk.kept / name).write_bytes(b"")
        os.utime(desk.kept / name, (time_s, time_s))
    desk.start()

    left = {path.name for path in desk.files()} & names.keys()
    assert left == {name for name in names if name[0] == "2" or name[1] == "4" or name[0] == "n"}


def test_what_was_not_used_for_longest_goes_where_there_is_too_much(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.kept.mkdir(0o700)
    for at in range(5):
        path = desk.kept / f"{at:032}.compiled"
        path.write_bytes(bytes(1000))
        os.utime(path, (time.time() - 100 + at,) * 2)
    monkeypatch.setattr(kept, "MAX_OCTETS", 3500)
    Kept(desk.kept).keep([])

    assert [path.name[31] for path in desk.files()] == ["2", "3", "4"]


def test_what_is_recalled_counts_as_used(desk: Desk) -> None:
    desk.write("a.test.yaml", YAML)
    desk.start()
    (path,) = desk.files()
    os.utime(path, (0, 0))
    desk.start()
    assert time.time() - path.stat().st_mtime < 60


def test_pointers_are_kept_by_what_they_are_made_of(tmp_path: Path) -> None:
    store, digest, name = Kept(tmp_path / "kept"), bytes(range(32)), from_text("1.0.0.10.in-addr.arpa.")
    made = Zone(ROOT, pack([Node(name, name)]), overlay=True)
    assert store.pointers(digest) is None
    store.keep([], {digest: made})
    (path,) = (tmp_path / "kept").iterdir()
    os.utime(path, (time.time() - 3600,) * 2)

    found = Kept(tmp_path / "kept").pointers(digest)
    assert found is not None
    assert (found.apex, found.overlay, bytes(found.block)) == (ROOT, True, made.block)
    assert time.time() - path.stat().st_mtime < 60
    assert store.pointers(bytes(32)) is None
    path.write_bytes(path.read_bytes()[:-1])
    assert store.pointers(digest) is None
    assert store.ignored == {path: "its checksum is wrong"}


@pytest.mark.parametrize(
    ("setting", "environ", "expected"),
    [
        (None, {"HOME": "/ann"}, None),
        ("kept", {"HOME": "/ann"}, "/etc/splitdns/kept"),
        ("/srv/kept", {"CACHE_DIRECTORY": "/var/cache/splitdns"}, "/srv/kept"),
        (AUTO, {"CACHE_DIRECTORY": "/var/cache/splitdns", "HOME": "/ann"}, "/var/cache/splitdns"),
        (AUTO, {"CACHE_DIRECTORY": "/var/cache/splitdns:/var/cache/other"}, "/var/cache/splitdns"),
        (AUTO, {"XDG_CACHE_HOME": "/ann/caches", "HOME": "/ann"}, "/ann/caches/splitdns"),
        (AUTO, {"XDG_CACHE_HOME": "caches", "HOME": "/ann"}, None),
        (AUTO, {"HOME": "/ann"}, "/ann/.cache/splitdns"),
        (AUTO, {"HOME": "/"}, None),
        (AUTO, {}, None),
    ],
)
def test_the_place(setting: str | None, environ: dict[str, str], expected: str | None) -> None:
    found = place(setting, Path("/etc/splitdns"), environ)
    assert found == (Path(expected) if expected else None)

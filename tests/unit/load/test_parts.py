from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from splitdns.errors import Problems
from splitdns.load.parts import MAX_WARNINGS, Environment, Part, parts_of
from splitdns.load.share import Viewer
from splitdns.load.zonefiles import by_apex
from splitdns.names import Qname, from_text
from splitdns.records import soa_serial
from tests.loading import HEAD, INTERNET, LAN, SOA, VIEWERS, WAN

ENVIRONMENT = Environment(VIEWERS, dict(WAN))
TIME_S = 1_700_000_000


class Desk:
    """A directory of zone files of one apex, and the parts made of them, one after the other."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.parts: Sequence[Part] = ()
        self.read_octets = 0

    def write(self, name: str, text: str, time_s: int = TIME_S) -> None:
        path = self.directory / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        os.utime(path, (time_s, time_s))

    def read(self, environment: Environment = ENVIRONMENT, beneath: tuple[Qname, ...] = ()) -> Sequence[Part]:
        def advance(octets: int) -> None:
            self.read_octets += octets

        paths = sorted(path for path in self.directory.iterdir() if path.suffix in (".yaml", ".zone"))
        ((_, files),) = by_apex(paths, Problems()).items()
        self.read_octets = 0
        self.parts = parts_of(files, environment, beneath, self.parts, advance)
        return self.parts

    def one(self, environment: Environment = ENVIRONMENT) -> Part:
        (part,) = self.read(environment)
        return part


def serial(part: Part, view: str = "lan") -> int:
    assert part.compiled is not None
    soa = part.compiled.zones[view].soa
    assert soa is not None
    return soa_serial(soa)


def test_what_did_not_change_is_not_read_again__semantics_14(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: 192.0.2.1}}")
    first = desk.read()
    assert desk.read_octets > 0
    assert desk.read() is first
    assert desk.read_octets == 0


def test_a_file_that_still_says_the_same_keeps_its_zone_objects__semantics_14(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: 192.0.2.1}}")
    before = desk.one()
    desk.write("a.test.yaml", "# a comment\nzone: a.test\nrecords: {www: {A: 192.0.2.1}}", TIME_S + 9)
    after = desk.one()
    assert before.compiled
    assert after.compiled
    assert after is not before
    assert after.compiled.zones["lan"] is before.compiled.zones["lan"]


def test_the_serial_is_the_files_time_and_rises_with_each_change__semantics_10(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    text = "zone: a.test\nrecords: {www: {A: {inside: 192.168.1.%d, outside: 203.0.113.7}}}"
    desk.write("a.test.yaml", text % 1)
    assert serial(desk.one()) == TIME_S
    desk.write("a.test.yaml", text % 2, TIME_S)
    assert serial(desk.one()) == TIME_S + 1
    desk.write("a.test.yaml", text % 3, TIME_S - 1000)
    assert serial(desk.one()) == TIME_S + 2
    desk.write("a.test.yaml", text % 4, TIME_S + 1000)
    part = desk.one()
    assert serial(part) == serial(part, "internet") == TIME_S + 1000


def test_a_new_gateway_address_changes_the_zones_that_use_it__semantics_10_and_12(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: $wan4}}")
    assert serial(desk.one()) == TIME_S
    other = Environment(VIEWERS, {"$wan4": bytes([203, 0, 113, 9])})
    assert serial(desk.one(other)) == TIME_S + 1
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: 192.0.2.1}}")
    before = desk.read(other)
    assert desk.read() is before


def test_other_views_or_zones_beneath_mean_another_reading(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.zone", HEAD.replace("example.org", "a.test"))
    first = desk.read()
    second = desk.read(beneath=(from_text("sub.a.test."),))
    assert second is not first
    assert desk.read(Environment((LAN,), dict(WAN)), (from_text("sub.a.test."),)) is not second


def test_an_included_file_counts_as_part_of_the_zone_file(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "hosts").write_text("www A 192.0.2.1\n")
    desk.write("a.test.zone", HEAD + "$INCLUDE hosts\n")
    before = desk.one()
    assert desk.one() is before
    (tmp_path / "hosts").write_text("www A 192.0.2.2 ; changed\n")
    assert desk.one().compiled != before.compiled


# --- Broken files ------------------------------------------------------------------------------------------


def test_a_broken_file_keeps_its_last_good_version_until_it_is_mended__semantics_9(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: 192.0.2.1}}")
    good = desk.one()
    for text in ("zone: a.test\nrecords: {www: {A: 192.0.2.300}}", "records: [", "\x00", ""):
        desk.write("a.test.yaml", text)
        broken = desk.one()
        assert broken.compiled is good.compiled
        assert broken.errors
        assert desk.one() is broken
    desk.write("a.test.yaml", "zone: a.test\nrecords: {www: {A: 192.0.2.2}}")
    mended = desk.one()
    assert not mended.errors
    assert serial(mended) == TIME_S + 1


def test_a_file_that_was_never_good_has_nothing_to_serve(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.zone", "www A\n")
    part = desk.one()
    assert (part.compiled, part.views) == (None, ("lan", "vpn", "internet"))


def test_a_broken_file_keeps_the_limit_of_its_last_good_version(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.yaml", "zone: a.test\nviews: lan\nrecords: {www: {A: 192.0.2.1}}")
    assert desk.one().views == ("lan",)
    desk.write("a.test.yaml", "zone: a.test\nrecords: [")
    assert desk.one().views == ("lan",)


def test_one_file_of_a_zone_may_break_alone(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test@inside.zone", SOA + "ns1 A 192.168.1.53\nwww 60 A x\n")
    desk.write("a.test@outside.zone", SOA + "ns1 A 203.0.113.53\nwww A 203.0.113.7\n")
    inside, outside = desk.read()
    assert (bool(inside.errors), inside.compiled, inside.views) == (True, None, ("lan", "vpn"))
    assert not outside.errors
    assert outside.compiled
    node = outside.compiled.zones["internet"].node(from_text("www.a.test."))
    assert node is not None
    assert node.differs  # nobody knows


def test_a_file_that_no_view_takes_is_an_error(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test@insode.zone", HEAD)
    part = desk.one()
    assert part.views == ()
    message = "no view serves this zone: none takes the horizon 'insode'; is 'inside' meant?"
    assert message in str(part.errors[0])


def test_files_that_contradict_each_other_leave_all_as_it_was__semantics_9(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.zone", HEAD)
    good = desk.one()
    desk.write("a.test.yaml", "zone: a.test")
    broken = desk.one()
    assert broken.compiled is good.compiled
    assert "expected one file for this zone" in str(broken.errors[0])
    (tmp_path / "a.test.yaml").unlink()
    assert not desk.one().errors
    fresh = Desk(tmp_path)
    fresh.write("a.test.yaml", "zone: a.test")
    assert fresh.one().compiled is None


def test_a_file_that_cannot_be_decoded_is_an_error_at_its_place(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    (tmp_path / "a.test.yaml").write_bytes(b"zone: a.test\n# \xff\n")
    (error,) = desk.one().errors
    assert (error.where.line, error.where.column) == (2, 3)


def test_a_directory_instead_of_a_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.test.yaml").mkdir()
    (tmp_path / "b.test.zone").mkdir()
    for name in ("a.test.yaml", "b.test.zone"):
        ((_, files),) = by_apex([tmp_path / name], Problems()).items()
        (part,) = parts_of(files, ENVIRONMENT, (), ())
        assert "cannot read" in str(part.errors[0])


def test_the_newest_files_time_is_the_serial_and_warnings_are_not_doubled(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write("a.test.yaml", "zone: a.test\nns: ns.test.\nrecords: {www: {MX: 10 nowhere}}")
    assert len(desk.one().warnings) == 1
    desk.write("a.test.yaml", "zone: a.test\nns: ns.test.\nrecords: {www: {MX: 20 nowhere}}", TIME_S + 5)
    part = desk.one()
    assert (len(part.warnings), serial(part)) == (1, TIME_S + 5)
    assert Viewer("x", ("outside",)).outside
    assert INTERNET.outside


def test_a_file_with_mistakes_is_told_to_be_checked_further_once_they_are_mended(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    text = "zone: a.test\nns: ns1\nrecords: {ns1: {A: %s}, www: {CNAME: nowhere}}"
    desk.write("a.test.yaml", text % "192.168.1.300")
    part = desk.one()
    assert [error.where.line for error in part.errors] == [3]
    (warning,) = part.warnings
    assert warning.where.line == 0
    assert warning.message == "whether its records fit together is checked once its mistakes are mended"
    desk.write("a.test.yaml", text % "192.0.2.1")
    assert [warning.where.line for warning in desk.one().warnings] == [3]


@pytest.mark.parametrize("beyond", [0, 1, 5])
def test_so_many_warnings_of_a_file_are_told_one_by_one_and_the_others_counted(
    tmp_path: Path, beyond: int
) -> None:
    desk = Desk(tmp_path)
    dangling = "".join(f"mx{n} 60 IN MX 10 nowhere\n" for n in range(MAX_WARNINGS + beyond))
    desk.write("example.org.zone", HEAD + dangling)
    (part,) = desk.read()
    assert len(part.warnings) == MAX_WARNINGS + (beyond > 0)
    if beyond:
        assert str(part.warnings[-1]).endswith(
            f"example.org.zone: warning: {beyond} more warnings like these"
        )

import os
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from splitdns.daemon import generation
from splitdns.daemon.generation import COPY_OCTETS, PORTION_ZONES, Package, Refused, zones_of
from splitdns.daemon.memory import memory_file
from splitdns.errors import ConfigError, Where
from splitdns.load.load import Loaded
from splitdns.names import Qname, from_text
from splitdns.records import Type
from splitdns.snapshot import Snapshot
from splitdns.view import View
from splitdns.zone import Zone
from tests.unit.daemon.site import CONFIG, Site


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.write("one.example", 1)
    made.write("two.example", 2)
    return made


class Travelled(NamedTuple):
    package: Package
    portions: int
    octets: int


def travel(new: Loaded, former: Loaded | None) -> Travelled:
    """``new`` through a memory file."""
    fd = memory_file()
    with open(fd, "wb", closefd=False) as file:
        generation.write(file, new, former)
    octets = os.fstat(fd).st_size
    package = generation.read(fd)
    assert isinstance(package, Package)
    return Travelled(package, len([*package.portions()]), octets)


def address(snapshot: Snapshot, view: str, name: str) -> bytes:
    found = snapshot.view(view)
    assert found is not None
    qname = from_text(name)
    zone = found.zone_of(qname)
    assert zone is not None
    node = zone.node(qname)
    assert node is not None
    rrset = node.rrset(Type.A)
    assert rrset is not None
    return rrset.rdatas[0]


def zones(snapshot: Snapshot, view: str) -> dict[Qname, Zone]:
    found = snapshot.view(view)
    assert found is not None
    return dict(found.zones)


def same(one: Snapshot, other: Snapshot) -> bool:
    """Whether two generations would answer alike: everything but the identity of objects."""

    def of(snapshot: Snapshot) -> object:
        views = [_of_view(view) for view in snapshot.views]
        prefixes = [(prefix, view.name) for prefix, view in snapshot.prefixes]
        return views, prefixes, snapshot.any_view and snapshot.any_view.name, snapshot.manners

    return of(one) == of(other)


def _of_view(view: View) -> object:
    held = {apex: bytes(zone.block) for apex, zone in view.zones.items()}
    ptrs = bytes(view.ptrs.block) if view.ptrs else b""
    return view.name, view.horizon, view.recursion, held, ptrs, view.routes, view.hidden_addresses


def test_a_first_generation_arrives_whole(site: Site) -> None:
    loaded = site.load()

    package = travel(loaded, None).package

    assert same(package.snapshot(None), loaded.snapshot)
    assert package.snapshot(None).generation == 1
    assert package.loaded(None).serials == loaded.serials


def test_a_zone_that_did_not_change_is_the_same_object(site: Site) -> None:
    first = site.load()
    site.write("two.example", 22)
    second = site.load(first)

    arrived = travel(second, first).package.snapshot(first.snapshot)

    before, after = zones(first.snapshot, "lan"), zones(arrived, "lan")
    one, two = from_text("one.example."), from_text("two.example.")
    assert after[one] is before[one]
    assert after[two] is not before[two]
    assert address(arrived, "lan", "www.two.example.") == bytes([192, 168, 0, 22])
    assert address(arrived, "internet", "www.two.example.") == bytes([203, 0, 113, 22])
    assert same(arrived, second.snapshot)


def test_what_did_not_change_costs_nothing(site: Site) -> None:
    for number in range(200):
        site.write(f"zone{number}.example", number)
    first = site.load()
    site.write("two.example", 22)
    second = site.load(first)
    whole = travel(first, None)

    change = travel(second, first)

    assert change.portions == 1
    assert change.octets < whole.octets / 2


def test_a_zone_comes_and_a_zone_goes(site: Site) -> None:
    first = site.load()
    site.write("three.example", 3)
    (site.zones / "one.example.yaml").unlink()
    second = site.load(first)

    arrived = travel(second, first).package.snapshot(first.snapshot)

    assert from_text("one.example.") not in zones(arrived, "internet")
    assert address(arrived, "internet", "www.three.example.") == bytes([203, 0, 113, 3])
    assert same(arrived, second.snapshot)


def test_generations_follow_each_other_in_the_supervisor_and_in_a_worker(site: Site) -> None:
    supervisor = site.load()
    worker = supervisor.snapshot
    for number in range(10):
        site.write("two.example", 100 + number)
        site.write(f"new{number}.example", number)
        built = site.load(supervisor)
        fd = memory_file()
        with open(fd, "wb", closefd=False) as file:
            generation.write(file, built, supervisor)
        ours, theirs = generation.read(os.dup(fd)), generation.read(fd)
        assert isinstance(ours, Package)
        assert isinstance(theirs, Package)
        assert [*ours.portions()] == [*theirs.portions()]

        supervisor, worker = ours.loaded(supervisor), theirs.snapshot(worker)

        assert same(worker, built.snapshot)
        assert same(supervisor.snapshot, built.snapshot)
        assert [bytes(zone.block) for zone in zones_of(worker)] == [
            bytes(zone.block) for zone in zones_of(supervisor.snapshot)
        ]
    assert address(worker, "lan", "www.two.example.") == bytes([192, 168, 0, 109])


def test_the_loader_finds_again_what_it_kept(site: Site) -> None:
    first = site.load()
    site.write("two.example", 22)
    second = travel(site.load(first), first).package.loaded(first)

    third = site.load(second)

    assert [*zones(third.snapshot, "lan").values()] == [*zones(second.snapshot, "lan").values()]


def test_settings_and_mistakes_arrive_with_their_places(site: Site) -> None:
    first = site.load()
    site.write("two.example", 22, more="  bad: {A: 300.1.1.1}\n")
    second = site.load(first)

    arrived = travel(second, first).package.loaded(first)

    assert [str(error) for errors in arrived.faults.values() for error in errors] == [
        str(error) for errors in second.faults.values() for error in errors
    ]
    assert len(arrived.faults) == 1
    assert arrived.settings.where(("views",)) == second.settings.where(("views",))
    assert dict(arrived.settings) == dict(second.settings)
    assert arrived.watch == second.watch


def test_views_that_are_new_or_gone_arrive(site: Site) -> None:
    first = site.load()
    site.config.write_text(CONFIG.replace("lan:", "office:").replace("192.168.0.0/16", "10.0.0.0/8"))
    second = site.load(first)

    arrived = travel(second, first).package.snapshot(first.snapshot)

    assert [view.name for view in arrived.views] == ["office", "internet"]
    assert same(arrived, second.snapshot)


@pytest.mark.parametrize("size", [PORTION_ZONES, PORTION_ZONES + 1])
def test_new_zones_come_in_portions(site: Site, size: int) -> None:
    first = site.load()
    fresh = [Zone(zone.apex, bytes(zone.block)) for zone in zones_of(first.snapshot)[:1] for _ in range(size)]
    view = View("lan", ("inside",), zones={from_text(f"z{at}."): zone for at, zone in enumerate(fresh)})
    snapshot = Snapshot(1, (view,), ())

    travelled = travel(Loaded(snapshot, first.settings), None)

    assert travelled.portions == 1 + (size > PORTION_ZONES)
    assert len(zones_of(travelled.package.snapshot(None))) == size


@pytest.mark.parametrize(("octets", "shared"), [(COPY_OCTETS // 2, False), (COPY_OCTETS + 1, True)])
def test_large_files_are_mapped_and_small_ones_copied(site: Site, octets: int, shared: bool) -> None:
    first = site.load()
    fault = "x" * octets  # anything large
    zone = Zone(from_text("big."), bytes(zones_of(first.snapshot)[0].block), fault=fault)
    snapshot = Snapshot(1, (View("lan", ("inside",), zones={zone.apex: zone}),), ())
    before = len(generation._mappings)

    arrived = travel(Loaded(snapshot, first.settings), None).package.snapshot(None)

    (found,) = zones_of(arrived)
    assert isinstance(found.block, memoryview) is shared
    assert bytes(found.block) == zone.block
    assert len(generation._mappings) - before == shared


def test_a_file_that_nothing_needs_any_more_is_unmapped(site: Site) -> None:
    first = site.load()
    zone = Zone(from_text("big."), bytes(zones_of(first.snapshot)[0].block), fault="x" * COPY_OCTETS)
    before = len(generation._mappings)
    travel(Loaded(Snapshot(1, (View("lan", (), zones={zone.apex: zone}),), ()), first.settings), None)

    assert len(generation._mappings) == before


def test_a_zone_that_waits_no_longer_arrives_though_its_names_are_the_same(site: Site) -> None:
    first, apex = site.load(), from_text("one.example.")
    waiting = [
        replace(view, zones=view.zones | {apex: replace(view.zones[apex], waiting=True)})
        for view in first.snapshot.views
    ]
    second = replace(first, snapshot=Snapshot(2, tuple(waiting), ()))

    arrived = travel(second, first).package.snapshot(first.snapshot)
    assert zones(arrived, "lan")[apex].waiting

    third = replace(first, snapshot=Snapshot(3, first.snapshot.views, ()))
    assert not zones(travel(third, second).package.snapshot(second.snapshot), "lan")[apex].waiting


def test_a_generation_for_another_one_is_not_taken(site: Site) -> None:
    first = site.load()
    second = site.load(first)
    third = site.load(second)
    package = travel(third, second).package

    with pytest.raises(ValueError, match="follow generation 2"):
        package.snapshot(first.snapshot)
    with pytest.raises(ValueError, match="follow generation 2"):
        package.snapshot(None)


def test_a_refusal_arrives_with_every_error() -> None:
    errors = (
        ConfigError(Where("splitdns.yaml", 3, 1), "no"),
        ConfigError(Where("splitdns.yaml", 4), "nor this"),
    )
    fd = memory_file()
    with open(fd, "wb", closefd=False) as file:
        generation.write_refusal(file, Refused(errors))

    found = generation.read(fd)

    assert isinstance(found, Refused)
    assert [str(error) for error in found.errors] == ["splitdns.yaml:3:1: no", "splitdns.yaml:4: nor this"]

"""What sources say, on its way through the loader: into views, next to files, and out of the way of both."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from splitdns.errors import Where
from splitdns.load.load import Loaded, load
from splitdns.load.machine import Machine
from splitdns.load.settings import Settings
from splitdns.load.supplies import Lost, Supplied, Supply
from splitdns.names import from_text, reverse_name, to_text, wire_from_text
from splitdns.records import Type
from tests.loading import records

CONFIG = """
views:
  lan:      {clients: [192.168.0.0/16], horizon: [inside], recursion: true}
  internet: {clients: [any],            horizon: [outside]}
forward: [{domains: ["."], upstreams: [192.0.2.53]}]
"""
APEX = from_text("home.arpa.")


def supplied(name: str, address: str = "192.168.1.20", line: int = 1) -> Supplied:
    octets = bytes(map(int, address.split(".")))
    return Supplied(wire_from_text(name), Type.A, octets, 60, "inside", Where("dhcp.leases", line))


def leases(*given: Supplied, overlay: bool = False) -> Supply:
    return Supply("leases", APEX, given, overlay)


class Desk:
    """A configuration and its zones in a directory; each ``load`` builds on the one before."""

    def __init__(self, directory: Path) -> None:
        self.config = directory / "splitdns.yaml"
        self.config.write_text(CONFIG)
        self.zones = directory / "zones"
        self.zones.mkdir()
        self.previous: Loaded | None = None
        self.generation = 0

    def write(self, name: str, text: str) -> None:
        (self.zones / name).write_text(text)

    def load(self, *supplies: Supply, now_s: float = 1_000_000.0, strict: bool = False) -> Loaded:
        def supplying(_: Settings, __: Path) -> Sequence[Supply]:
            return supplies

        self.generation += 1
        self.previous = load(
            self.config,
            previous=self.previous,
            generation=self.generation,
            now_s=now_s,
            strict=strict,
            machine=Machine(),
            supplying=supplying,
        )
        return self.previous


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def names(loaded: Loaded, view: str) -> dict[str, list[str]]:
    """What exists in home.arpa in a view, but its apex."""
    found = loaded.snapshot.view(view)
    assert found is not None
    return {name: lines for name, lines in records(found.zones[APEX]).items() if name != "@"}


def reverse(loaded: Loaded, view: str, address: str) -> str | None:
    found = loaded.snapshot.view(view)
    assert found is not None
    node = found.ptrs.node(reverse_name(address)) if found.ptrs else None
    rrset = node.rrset(Type.PTR) if node else None
    return to_text(rrset.rdatas[0]) if rrset else None


def test_a_zone_that_no_file_declares_is_made_of_what_sources_say__semantics_31(desk: Desk) -> None:
    loaded = desk.load(leases(supplied("Laptop.home.arpa.")), strict=True)

    assert names(loaded, "lan") == {"Laptop": ["60 A 192.168.1.20"]}
    assert names(loaded, "internet") == {}
    assert reverse(loaded, "lan", "192.168.1.20") == "Laptop.home.arpa."
    assert reverse(loaded, "internet", "192.168.1.20") is None
    assert [str(warning) for warning in loaded.warnings if "home.arpa" in str(warning)] == []
    assert loaded.serials[APEX] == 1_000_000


@pytest.mark.parametrize("overlay", [False, True])
def test_a_made_zone_answers_for_all_its_names_or_for_those_that_it_has(desk: Desk, overlay: bool) -> None:
    loaded = desk.load(leases(supplied("laptop.home.arpa."), overlay=overlay))
    view = loaded.snapshot.view("lan")
    assert view is not None
    assert view.zones[APEX].overlay == overlay


def test_names_join_a_zone_file_and_leave_it_again(desk: Desk) -> None:
    desk.write("home.arpa.yaml", "zone: home.arpa\nns: ns\nrecords: {ns: {A: 192.168.1.1}}\n")
    both = names(desk.load(leases(supplied("laptop.home.arpa."))), "lan")

    assert both == {"ns": ["3600 A 192.168.1.1"], "laptop": ["60 A 192.168.1.20"]}
    assert names(desk.load(), "lan") == {"ns": ["3600 A 192.168.1.1"]}


def test_the_name_of_an_address_is_the_one_in_a_file__semantics_31(desk: Desk) -> None:
    desk.write("z.test.yaml", "zone: z.test\nrecords: {nas: {A: {inside: 192.168.1.20}}}\n")
    loaded = desk.load(leases(supplied("laptop.home.arpa."), supplied("tv.home.arpa.", "192.168.1.21")))
    assert reverse(loaded, "lan", "192.168.1.20") == "nas.z.test."
    assert reverse(loaded, "lan", "192.168.1.21") == "tv.home.arpa."


def test_a_zone_without_names_is_still_the_sources(desk: Desk) -> None:
    assert names(desk.load(leases()), "lan") == {}


def test_what_did_not_change_is_not_read_again_and_a_change_is_a_new_serial(desk: Desk) -> None:
    first = desk.load(leases(supplied("laptop.home.arpa.")))
    same = desk.load(leases(supplied("laptop.home.arpa.")), now_s=1_000_001.0)
    assert same.parts[APEX] is first.parts[APEX]
    other = desk.load(leases(supplied("phone.home.arpa.")), now_s=1_000_002.0)
    assert other.serials[APEX] == 1_000_002
    back = desk.load(leases(supplied("tablet.home.arpa.")), now_s=5.0)  # a clock that was set back
    assert back.serials[APEX] == 1_000_003


def test_a_broken_file_keeps_its_last_good_version_with_the_sources_names(desk: Desk) -> None:
    desk.write("home.arpa.yaml", "zone: home.arpa\nrecords: {nas: {A: 192.168.1.2}}\n")
    desk.load(leases(supplied("laptop.home.arpa.")))
    desk.write("home.arpa.yaml", "zone: home.arpa\nrecords: {nas: {A: nonsense}}\n")
    loaded = desk.load(leases(supplied("laptop.home.arpa.")))
    assert list(loaded.faults) == [APEX]
    assert set(names(loaded, "lan")) == {"nas", "laptop"}


def test_what_is_lost_is_told_with_its_place(desk: Desk) -> None:
    desk.write("home.arpa.yaml", "zone: home.arpa\nrecords:\n  nas: {A: 192.168.1.2}\n")
    loaded = desk.load(leases(supplied("NAS.home.arpa.", line=7)), strict=True)

    (lost,) = loaded.lost
    reason = f"the zone file has it ({desk.zones / 'home.arpa.yaml'}:3:3)"
    assert lost == Lost("leases", wire_from_text("NAS.home.arpa."), reason, Where("dhcp.leases", 7))
    assert lost.caution in loaded.warnings
    assert names(loaded, "lan") == {"nas": ["3600 A 192.168.1.2"]}


def test_a_source_never_makes_a_mistake_of_a_zone__semantics_31(desk: Desk) -> None:
    """More records at one name than a zone may have: the source's names go, the zone stays."""
    desk.write("home.arpa.yaml", "zone: home.arpa\nrecords: {nas: {A: 192.168.1.2}}\n")
    many = [supplied("laptop.home.arpa.", f"10.{i >> 16}.{i >> 8 & 255}.{i & 255}") for i in range(0x10000)]
    loaded = desk.load(leases(*many, supplied("phone.home.arpa.")), strict=True)

    assert set(names(loaded, "lan")) == {"nas"}
    assert [to_text(one.owner) for one in loaded.lost] == ["laptop.home.arpa.", "phone.home.arpa."]
    assert all("with it there is a mistake in the zone: " in one.reason for one in loaded.lost)


def waiting(loaded: Loaded) -> dict[str, bool]:
    """By view, whether home.arpa waits for somebody who knows more of its names."""
    return {view.name: view.zones[APEX].waiting for view in loaded.snapshot.views}


@pytest.mark.parametrize("text", ["", "zone: home.arpa\nns: ns\nrecords: {ns: {A: 192.168.1.1}}\n"])
def test_a_source_that_was_not_heard_yet_has_its_zone_from_the_start__semantics_31(
    desk: Desk, text: str
) -> None:
    if text:
        desk.write("home.arpa.yaml", text)
    unheard = Supply("leases", APEX, (), awaited=frozenset({"inside"}))
    loaded = desk.load(unheard)
    assert waiting(loaded) == {"lan": True, "internet": False}  # out there it has nothing to say anyway
    assert names(loaded, "lan") == ({"ns": ["3600 A 192.168.1.1"]} if text else {})
    assert waiting(desk.load(unheard)) == {"lan": True, "internet": False}

    assert waiting(desk.load(leases())) == {"lan": False, "internet": False}


def test_who_was_heard_has_names_while_another_is_awaited__semantics_31(desk: Desk) -> None:
    unheard = Supply("docker", APEX, (), trusted=True, awaited=frozenset({"inside", "outside"}))
    loaded = desk.load(unheard, leases(supplied("laptop.home.arpa.")))
    assert names(loaded, "lan") == {"laptop": ["60 A 192.168.1.20"]}
    assert waiting(loaded) == {"lan": True, "internet": True}

from __future__ import annotations

import os
import pickle
import shutil
from pathlib import Path

import pytest

from splitdns.errors import ConfigError, ZoneError
from splitdns.load.load import Loaded, check_files, load, settings_of
from splitdns.load.machine import Machine
from splitdns.names import ROOT, Qname, from_text, to_text
from splitdns.records import Type, target
from splitdns.zone import Zone
from tests.loading import HEAD, SOA

CONFIG = """
views:
  lan:      {clients: [192.168.0.0/16, "fd00::/8"], horizon: [inside],      recursion: true}
  vpn:      {clients: [10.8.0.0/24],                horizon: [vpn, inside], recursion: true}
  internet: {clients: [any],                        horizon: [outside]}
wan: {ipv4: 203.0.113.7}
forward: [{domains: ["."], upstreams: [192.0.2.53]}]
"""
A_ZONE = "zone: a.test\nns: ns.test.\nrecords: {www: {A: {inside: 192.168.1.1, outside: $wan4}}}\n"
APEX = from_text("a.test.")


class Desk:
    """A configuration and its zones in a directory; each ``load`` builds on the one before."""

    def __init__(self, directory: Path, config: str = CONFIG) -> None:
        self.config = directory / "splitdns.yaml"
        self.config.write_text(config)
        self.zones = directory / "zones"
        self.zones.mkdir()
        self.previous: Loaded | None = None
        self.generation = 0

    def write(self, name: str, text: str) -> None:
        (self.zones / name).write_text(text)

    def load(self, **options: bool) -> Loaded:
        self.generation += 1
        self.previous = load(
            self.config,
            previous=self.previous,
            generation=self.generation,
            now_s=0.0,
            machine=Machine(),
            **options,
        )
        return self.previous


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def zone(loaded: Loaded, view: str, apex: Qname = APEX) -> Zone:
    found = loaded.snapshot.view(view)
    assert found is not None
    return found.zones[apex]


def addresses(loaded: Loaded, view: str, name: str = "www.a.test.") -> list[str]:
    node = zone(loaded, view).node(from_text(name))
    rrset = node.rrset(Type.A) if node else None
    return [".".join(map(str, rdata)) for rdata in rrset.rdatas] if rrset else []


def test_a_snapshot_comes_from_a_configuration_and_its_zones(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.write("b.test.zone", HEAD)
    loaded = desk.load()
    assert loaded.warnings == ()
    assert loaded.faults == {}
    snapshot = loaded.snapshot
    assert snapshot.generation == 1
    assert [view.name for view in snapshot.views] == ["lan", "vpn", "internet"]
    for host, view in (("192.168.1.9", "lan"), ("10.8.0.9", "vpn"), ("198.51.100.1", "internet")):
        match = snapshot.match(host)
        assert match is not None
        assert match.view.name == view
    assert addresses(loaded, "lan") == ["192.168.1.1"]
    assert addresses(loaded, "internet") == ["203.0.113.7"]
    time_s = int((desk.zones / "a.test.yaml").stat().st_mtime)
    assert loaded.serials == {APEX: time_s, from_text("b.test."): 1}
    lan, _, internet = snapshot.views
    assert lan.routes[ROOT].upstreams[0].host == "192.0.2.53"
    assert internet.routes == {}


def test_a_recursing_view_has_the_built_in_zones_and_its_ptrs__semantics_13(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    lan, vpn, internet = desk.load().snapshot.views
    name = from_text("1.1.168.192.in-addr.arpa.")
    for view in (lan, vpn):
        assert from_text("168.192.in-addr.arpa.") in view.zones
        assert view.ptrs is not None
        node = view.ptrs.node(name)
        assert node is not None
        assert to_text(node.rrsets[0].rdatas[0]) == "www.a.test."
    assert set(internet.zones) == {APEX}
    assert internet.ptrs is None


def test_an_outside_view_knows_the_addresses_of_other_horizons__semantics_1(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.write("b.test@inside.zone", HEAD)
    lan, _, internet = desk.load().snapshot.views
    assert internet.hidden_addresses == {bytes([192, 0, 2, 53])}  # 192.168.1.1 is an inside one anyway
    assert lan.hidden_addresses == frozenset()


def test_a_zone_limited_to_some_views_is_not_in_the_others__semantics_9(desk: Desk) -> None:
    desk.write("a.test.yaml", "views: [vpn]\n" + A_ZONE)
    lan, vpn, internet = desk.load().snapshot.views
    assert [APEX in view.zones for view in (lan, vpn, internet)] == [False, True, False]


# --- Reload ------------------------------------------------------------------------------------------------


def test_unchanged_zones_are_the_same_objects_in_the_next_generation__semantics_14(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.write("b.test.zone", HEAD)
    desk.write("c.test.zone", "broken")
    first = desk.load()
    desk.write("b.test.zone", HEAD + "new A 192.0.2.1\n")
    second = desk.load()
    for before, after in zip(first.snapshot.views, second.snapshot.views, strict=True):
        assert before.zones.keys() == after.zones.keys()
        same = {to_text(apex) for apex in before.zones if before.zones[apex] is after.zones[apex]}
        assert before.zones.keys() - {from_text(apex) for apex in same} == {from_text("b.test.")}
    assert second.snapshot.generation == 2


def test_a_broken_zone_keeps_its_last_good_version_and_takes_no_other_down__semantics_9(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.load()
    desk.write("a.test.yaml", A_ZONE.replace("192.168.1.1", "192.168.1.300"))
    desk.write("b.test.zone", HEAD)
    loaded = desk.load()
    assert addresses(loaded, "lan") == ["192.168.1.1"]
    assert from_text("b.test.") in loaded.snapshot.views[0].zones
    (error,) = loaded.faults[APEX]
    assert str(error.where).endswith("a.test.yaml:3:29")
    assert error.message.startswith("expected A data such as 192.0.2.1, found '192.168.1.300'")
    desk.write("a.test.yaml", A_ZONE.replace("192.168.1.1", "192.168.1.2"))
    assert addresses(desk.load(), "lan") == ["192.168.1.2"]


def test_a_zone_that_was_never_good_fails_without_telling_its_path__semantics_9(desk: Desk) -> None:
    desk.write("a.test.yaml", "zone: b.test")
    loaded = desk.load()
    for view in loaded.snapshot.views:
        assert view.zones[APEX].fault == "the zone file has mistakes"
    assert loaded.serials == {}


def test_a_deleted_file_takes_its_zone_with_it(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.load()
    (desk.zones / "a.test.yaml").unlink()
    assert APEX not in desk.load().snapshot.views[0].zones


def test_a_config_map_that_swaps_its_links_is_seen(desk: Desk) -> None:
    for name, address in (("..1", "192.168.1.1"), ("..2", "192.168.1.2")):
        (desk.zones / name).mkdir()
        (desk.zones / name / "a.test.yaml").write_text(A_ZONE.replace("192.168.1.1", address))
    (desk.zones / "..data").symlink_to("..1")
    (desk.zones / "a.test.yaml").symlink_to("..data/a.test.yaml")
    assert addresses(desk.load(), "lan") == ["192.168.1.1"]
    (desk.zones / "..new").symlink_to("..2")
    (desk.zones / "..new").replace(desk.zones / "..data")
    shutil.rmtree(desk.zones / "..1")
    assert addresses(desk.load(), "lan") == ["192.168.1.2"]


def test_what_is_watched_are_all_files_and_the_directories_of_zones(desk: Desk) -> None:
    (desk.zones / "parts").mkdir()
    desk.write("parts/hosts", "www A 192.0.2.1\n")
    desk.write("a.test.zone", HEAD + "$INCLUDE parts/hosts\n")
    assert set(desk.load().watch) == {desk.config, desk.zones, desk.zones / "parts" / "hosts"}


@pytest.mark.parametrize(
    ("changed", "watched"),
    [
        ((), False),
        (('forward: [{domains: ["."], upstreams: [192.0.2.53]}]', ""), True),
        (('forward: [{domains: ["."], upstreams: [192.0.2.53]}]', "forward: []"), False),
    ],
)
def test_the_machines_resolvers_are_watched_where_they_are_asked__semantics_17(
    tmp_path: Path, changed: tuple[str, str], watched: bool
) -> None:
    watch = Desk(tmp_path, CONFIG.replace(*changed) if changed else CONFIG).load().watch
    resolv_conf = Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf")
    assert [path in watch for path in resolv_conf] == [watched, watched]


@pytest.mark.parametrize("content", [None, "no certificate\n"])
def test_a_file_of_certificates_that_is_none_is_an_error_at_its_place(
    desk: Desk, content: str | None
) -> None:
    upstream = '{url: "tls://192.0.2.53", ca: own.pem}'
    desk.config.write_text(CONFIG.replace("[192.0.2.53]", f"[{upstream}]"))
    if content:
        (desk.config.parent / "own.pem").write_text(content)
    with pytest.raises(ExceptionGroup) as caught:
        desk.load()
    (error,) = caught.value.exceptions
    assert "yaml:7:40: expected a file of certificates at" in str(error)


def test_trust_anchors_come_from_the_file_that_is_named_and_watched(desk: Desk) -> None:
    anchors = desk.config.parent / "root.key"
    views = CONFIG.replace("[inside],      recursion: true", "[inside], recursion: true, validate: true")
    desk.config.write_text(views + "trust_anchors: root.key\n")
    with pytest.raises(ExceptionGroup) as caught:
        desk.load()
    assert "root.key: expected a file of trust anchors: No such file" in str(caught.value.exceptions[0])
    anchors.write_text(". DS 1 13 2 " + 64 * "0" + "\n")
    loaded = desk.load()
    assert anchors in loaded.watch
    lan, vpn = (next(view for view in loaded.snapshot.views if view.name == name) for name in ("lan", "vpn"))
    validation = lan.routes[ROOT].validation
    assert validation is not None
    assert validation.anchors == ((ROOT, (b"\0\1\x0d\2" + bytes(32),)),)
    assert vpn.routes[ROOT].validation is None


def test_a_generation_can_be_sent_to_another_process_and_built_upon(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.write("b.test.zone", HEAD)
    loaded = desk.load()
    desk.previous = pickle.loads(pickle.dumps(loaded, protocol=5))
    assert desk.load().parts.keys() == loaded.parts.keys()
    assert desk.previous.serials == loaded.serials


# --- Zones together ----------------------------------------------------------------------------------------


def test_a_target_in_another_zone_that_other_views_have_is_a_warning__semantics_2(desk: Desk) -> None:
    records = "{www: {CNAME: nas.b.test.}, mx: {MX: 10 no.b.test.}}"
    desk.write("a.test.yaml", f"zone: a.test\nns: ns.test.\nrecords: {records}")
    desk.write("b.test.yaml", "zone: b.test\nns: ns.test.\nrecords: {nas: {A: {inside: 192.168.1.1}}}")
    messages = [warning.message for warning in desk.load().warnings]
    assert messages == [
        "in view internet: the CNAME record of www.a.test. is not given, as nas.b.test. exists only in views"
        " lan, vpn; give the record a horizon, such as CNAME: {inside: nas.b.test.}",
        "in views lan, vpn, internet: the MX record of mx.a.test. names no.b.test., which does not exist",
    ]


def test_a_name_server_in_another_zone_that_other_views_have_is_an_error__semantics_2(desk: Desk) -> None:
    good = "zone: a.test\nns: ns.b.test.\nrecords: {www: {A: 192.0.2.1}}"
    desk.write("a.test.yaml", good.replace("ns.b.test.", "ns.c.test."))
    desk.write("b.test.yaml", "zone: b.test\nrecords: {ns: {A: {inside: 192.168.1.53}}}")
    assert desk.load().faults == {}
    desk.write("a.test.yaml", good)
    for _ in range(2):  # also where nothing changes any more
        loaded = desk.load()
        assert {to_text(apex): len(errors) for apex, errors in loaded.faults.items()} == {"a.test.": 1}
        assert ": in view internet: " in str(loaded.faults[APEX][0])
        apex = zone(loaded, "lan").node(APEX)
        assert apex is not None
        hosts = [target(rrset.rdtype, rdata) for rrset in apex.rrsets for rdata in rrset.rdatas]
        assert hosts == [from_text("ns.c.test.")] * 2
    desk.write("b.test.yaml", "zone: b.test\nrecords: {ns: {A: 192.0.2.53}}")
    loaded = desk.load()
    assert loaded.faults == {}
    apex = zone(loaded, "lan").node(APEX)
    assert apex is not None
    hosts = [target(rrset.rdtype, rrset.rdatas[0]) for rrset in apex.rrsets]
    assert hosts == [from_text("ns.b.test.")] * 2


def test_a_child_zone_knows_its_own_names(desk: Desk) -> None:
    desk.write("a.test.zone", HEAD.replace("ns1 3600", "ns1 3600") + "www CNAME x.sub\nsub NS ns1\n")
    desk.write("sub.a.test.zone", SOA + "@ NS ns.example.net.\n")
    messages = [warning.message for warning in desk.load().warnings]
    assert messages == [
        "the SOA record of sub.a.test. names ns1.sub.a.test., which does not exist",
        "in views lan, vpn, internet: the CNAME record of www.a.test. names x.sub.a.test., which does not"
        " exist",
    ]


# --- What is wrong -----------------------------------------------------------------------------------------


def test_a_wrong_configuration_changes_nothing(desk: Desk) -> None:
    desk.config.write_text("views: {lan: {clients: [any]}}\nlisten: nowhere\n")
    with pytest.raises(ExceptionGroup) as caught:
        desk.load()
    assert len(caught.value.exceptions) >= 2
    assert all(isinstance(error, ConfigError) for error in caught.value.exceptions)


def test_a_configuration_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        load(tmp_path / "none.yaml", generation=1, now_s=0.0)
    assert "none.yaml: cannot read it: No such file" in str(caught.value.exceptions[0])


def test_a_slip_in_a_horizon_is_told_before_what_it_does_to_the_zones(desk: Desk) -> None:
    desk.config.write_text(CONFIG.replace("horizon: [inside]", "horizon: [insde]"))
    desk.write("a.test.yaml", "zone: a.test\nrecords: {nas: {A: {inside: 192.168.1.1, outside: 192.0.2.7}}}")
    first, *_ = desk.load().warnings
    assert first.where.file == str(desk.config)
    assert first.message.startswith("no zone has a value for the horizon 'insde'; known: inside, outside; is")
    (desk.config.parent / "zones" / "b.test.yaml").write_text("records: [")  # nobody knows what it has
    assert not any("no zone has a value" in warning.message for warning in desk.load().warnings)


def test_zones_that_are_not_where_the_configuration_says_are_an_error(desk: Desk) -> None:
    desk.config.write_text(CONFIG + "zones: [zones, nowhere]\n")
    with pytest.raises(ExceptionGroup) as caught:
        desk.load()
    (error,) = caught.value.exceptions
    assert isinstance(error, ConfigError)
    assert (error.where.line, error.where.column) == (8, 16)


def test_without_any_configuration_the_embedded_default_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    loaded = load(None, generation=1, now_s=0.0, machine=Machine())
    assert [view.name for view in loaded.snapshot.views] == ["inside", "outside"]
    assert [warning.message for warning in loaded.warnings] == [
        "view inside recurses, but there is no `forward`, nor a resolver on this machine: all other names are"
        " REFUSED",
        "no zones: there is no such directory",
    ]
    assert loaded.watch[-1] == Path("zones"), "beside the files that name resolvers"


def test_a_file_that_names_no_zone_is_reported_under_the_root(desk: Desk) -> None:
    desk.write("a..test.yaml", A_ZONE)
    desk.write("b.test.zone", HEAD)
    loaded = desk.load()
    assert loaded.faults.keys() == {ROOT}
    assert from_text("b.test.") in loaded.snapshot.views[0].zones


def test_strict_refuses_what_would_otherwise_stand_by_itself(desk: Desk) -> None:
    desk.write("a.test.yaml", "zone: b.test")
    desk.write("b.test.zone", "x")
    with pytest.raises(ExceptionGroup) as caught:
        desk.load(strict=True)
    assert [type(error) for error in caught.value.exceptions] == [ZoneError, ZoneError]


def test_zone_files_can_be_checked_by_themselves(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE + "ttl: x")
    desk.write("b.test.zone", HEAD + "@ 60 MX 10 nowhere\n")
    settings = settings_of(desk.config, Machine())
    problems = check_files([desk.zones, desk.zones / "none.zone"], settings)
    assert {Path(error.where.file).name for error in problems.errors} == {"a.test.yaml", "none.zone"}
    assert [warning.where.line for warning in problems.warnings] == [0, 4]


def test_progress_counts_the_octets_of_all_zone_files(desk: Desk) -> None:
    desk.write("a.test.yaml", A_ZONE)
    desk.write("b.test.zone", HEAD)
    told: list[tuple[int, int]] = []
    total = sum(os.path.getsize(path) for path in desk.zones.iterdir())
    previous = None
    for generation in (1, 2):  # what is not read again counts, too
        previous = load(
            desk.config,
            previous=previous,
            generation=generation,
            now_s=0.0,
            machine=Machine(),
            progress=lambda *pair: told.append(pair),
        )
        assert told[-1] == (total, total)


def test_thousands_of_small_zones_load_at_once(desk: Desk) -> None:
    for number in range(2_000):
        desk.write(f"z{number}.test.zone", HEAD)
    loaded = desk.load()
    assert len(loaded.serials) == 2_000
    first = loaded.snapshot.views[0].zones
    second = desk.load().snapshot.views[0].zones
    assert all(first[apex] is second[apex] for apex in first)


@pytest.mark.parametrize("kind", ["directory", "broken link", "pipe"])
def test_what_bears_a_zones_name_and_is_no_file_is_that_zone_broken__semantics_9(
    tmp_path: Path, kind: str
) -> None:
    (tmp_path / "zones").mkdir()
    for name in ("over.test.yaml", "master.test.zone"):
        path = tmp_path / "zones" / name
        match kind:
            case "directory":
                path.mkdir()
            case "broken link":
                path.symlink_to("nowhere")
            case _:
                os.mkfifo(path)
    config = tmp_path / "splitdns.yaml"
    config.write_text("views: {all: {clients: [any], horizon: [outside]}}\nzones: [zones]\n")
    loaded = load(config, generation=1, now_s=0.0)
    assert {to_text(apex) for apex in loaded.faults} == {"over.test.", "master.test."}
    assert all(zone.fault for zone in loaded.snapshot.views[0].zones.values() if zone.source)

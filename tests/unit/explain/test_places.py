"""Where things are written: prefixes, forward rules, records, in real files."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from splitdns.errors import Where
from splitdns.explain.places import FilePlaces
from splitdns.explain.source import find
from splitdns.explain.values import Place
from splitdns.load.load import Loaded, load
from splitdns.load.settings import EMBEDDED
from splitdns.load.supplies import Supplied, Supply
from splitdns.names import from_text
from splitdns.records import Type, type_from_text

CONFIG = """\
views:
  lan: {clients: [192.168.0.0/16, "fd00::/8"], horizon: [inside], recursion: true}
  vpn: {clients: [10.8.0.0/24], horizon: [vpn, inside], recursion: true}
  internet: {clients: [any], horizon: [outside]}
zones: [zones/]
wan: {ipv4: 203.0.113.7}
forward:
  - {domains: ["."], upstreams: [192.0.2.53]}
  - {domains: [corp.example, "."], upstreams: [10.8.0.53], views: [vpn]}
"""
ORG = """\
zone: example.org
ns: [ns1]
records:
  ns1: {A: 192.0.2.53}
  www:
    A: {vpn: 10.8.0.20, inside: 192.168.10.20, outside: $wan4}
    TXT: {ttl: 5m, value: "text"}
  "~^r[0-9]$":
    A: 192.0.2.9
"""
NET = """\
@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 300
@ IN NS ns1
ns1 300 IN A 192.0.2.53
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "example.org.yaml").write_text(ORG)
    (tmp_path / "zones" / "example.net.zone").write_text(NET)
    path = tmp_path / "splitdns.yaml"
    path.write_text(CONFIG)
    return path


def loaded_from(config: Path) -> Loaded:
    return load(config, generation=1, now_s=1_700_000_000.0, strict=True)


def at(config: Path, loaded: Loaded, view: str, name: str, rdtype: str) -> tuple[str, bool | None] | None:
    """Line and column of a record, relative to its zone file."""
    here = loaded.snapshot.view(view)
    assert here is not None
    qname = from_text(name)
    zone = here.zone_of(qname)
    assert zone is not None
    place = FilePlaces(loaded.settings).record(zone, here, find(zone, qname), type_from_text(rdtype))
    if place is None:
        return None
    return str(place.where).removeprefix(f"{config.parent / 'zones'}/"), place.own_ttl


@pytest.mark.parametrize(
    ("view", "name", "rdtype", "expected"),
    [
        ("vpn", "www.example.org.", "A", ("example.org.yaml:6:14", False)),
        ("lan", "www.example.org.", "A", ("example.org.yaml:6:33", False)),
        ("internet", "www.example.org.", "A", ("example.org.yaml:6:57", False)),
        ("internet", "www.example.org.", "TXT", ("example.org.yaml:7:27", True)),
        ("lan", "r7.example.org.", "A", ("example.org.yaml:9:8", False)),
        ("lan", "ns1.example.net.", "A", ("example.net.zone:3:1", True)),
        ("lan", "example.net.", "NS", ("example.net.zone:2:1", False)),
        ("lan", "example.org.", "SOA", None),  # made by itself
        ("lan", "www.example.org.", "MX", None),
        ("lan", "nothing.example.org.", "A", None),
    ],
)
def test_a_record_stands_where_the_view_takes_it_from(
    view: str, name: str, rdtype: str, expected: tuple[str, bool] | None, config: Path
) -> None:
    assert at(config, loaded_from(config), view, name, rdtype) == expected


def test_prefixes_and_any_stand_in_the_configuration(config: Path) -> None:
    places = FilePlaces(loaded_from(config).settings)
    assert str(places.client("lan", ip_network("fd00::/8"))) == f"{config}:2:35"
    assert str(places.client("internet", None)).startswith(f"{config}:4:")


def test_the_rule_that_names_the_view_holds(config: Path) -> None:
    places = FilePlaces(loaded_from(config).settings)
    root = from_text(".")
    assert str(places.rule("lan", root)) == f"{config}:8:5"
    assert str(places.rule("vpn", root)) == f"{config}:9:5"


def test_what_nobody_wrote_is_the_embedded_default(tmp_path: Path) -> None:
    config = tmp_path / "splitdns.yaml"
    config.write_text("listen: ['127.0.0.1:5353']\nzones: []\n")
    places = FilePlaces(loaded_from(config).settings)
    assert str(places.client("outside", None)) == EMBEDDED
    assert str(places.rule("inside", from_text("."))) == EMBEDDED


def test_a_file_that_is_gone_has_no_places(config: Path) -> None:
    loaded = loaded_from(config)
    (config.parent / "zones" / "example.org.yaml").unlink()
    assert at(config, loaded, "lan", "www.example.org.", "A") is None


def test_built_in_zones_have_no_file(config: Path) -> None:
    loaded = loaded_from(config)
    lan = loaded.snapshot.view("lan")
    assert lan is not None
    qname = from_text("10.in-addr.arpa.")
    zone = lan.zone_of(qname)
    assert zone is not None
    assert FilePlaces(loaded.settings).record(zone, lan, find(zone, qname), Type.SOA) is None


def test_reading_a_file_again_reports_how_far_it_is(config: Path) -> None:
    loaded = loaded_from(config)
    told: list[tuple[int, int]] = []
    places = FilePlaces(loaded.settings, lambda done, total: told.append((done, total)))
    lan = loaded.snapshot.view("lan")
    assert lan is not None
    zone = lan.zones[from_text("example.net.")]
    places.record(zone, lan, find(zone, zone.apex), Type.NS)
    places.record(zone, lan, find(zone, zone.apex), Type.SOA)
    assert told == [(len(NET), len(NET))]


def test_a_zone_of_sources_alone_has_their_places(tmp_path: Path) -> None:
    path = tmp_path / "splitdns.yaml"
    path.write_text("views: {lan: {clients: [any], horizon: [vpn, inside]}}\n")
    owner, apex = from_text("a.home.arpa."), from_text("home.arpa.")
    records = tuple(
        Supplied(owner, Type.A, bytes([192, 0, 2, line]), 60, horizon, Where("leases", line))
        for line, horizon in enumerate((None, "inside"), 1)
    )
    supplies = (Supply("leases", apex, records),)
    loaded = load(path, generation=1, now_s=0.0, supplying=lambda *_: supplies)
    (view,) = loaded.snapshot.views
    zone = view.zones[apex]
    places = FilePlaces(loaded.settings, supplies=loaded.supplies)
    assert places.record(zone, view, find(zone, owner), Type.A) == Place(Where("leases", 2), True)
    assert places.record(zone, view, find(zone, owner), Type.AAAA) is None
    assert places.record(zone, view, find(zone, apex), Type.SOA) is None

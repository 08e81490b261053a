from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from splitdns.errors import Problems
from splitdns.load.assemble import assemble
from splitdns.load.parts import Environment, Part, parts_of
from splitdns.load.reverse import Pointers
from splitdns.load.settings import read_settings
from splitdns.load.share import Viewer
from splitdns.load.zonefiles import by_apex
from splitdns.names import Qname, from_text
from tests.loading import HEAD

SETTINGS = read_settings(
    """
views:
  lan:      {clients: [192.168.0.0/16], horizon: [inside], recursion: true}
  guest:    {clients: [192.168.9.0/24], horizon: [outside], recursion: true}
  internet: {clients: [any], horizon: [outside]}
forward: [{domains: [10.in-addr.arpa], upstreams: [192.0.2.53]}]
""",
    "splitdns.yaml",
)


def parts(directory: Path, files: Mapping[str, str]) -> dict[Qname, Sequence[Part]]:
    for name, text in files.items():
        (directory / name).write_text(text)
    viewers = tuple(Viewer(name, tuple(view.horizon)) for name, view in SETTINGS.views.items())
    found = by_apex([directory / name for name in files], Problems())
    return {apex: parts_of(of_apex, Environment(viewers, {}), (), ()) for apex, of_apex in found.items()}


def test_views_hold_zones_routes_ptrs_and_what_they_must_not_tell(tmp_path: Path) -> None:
    text = "zone: a.test\nns: ns.test.\nrecords: {nas: {A: {inside: 192.168.1.1}}}"
    read = parts(tmp_path, {"a.test.yaml": text})
    served, (lan, guest, internet), found = assemble(SETTINGS, read, {}, Pointers())
    assert served is read
    assert (found.faults, found.warnings) == ({}, [])
    for view in (lan, guest):
        assert from_text("127.in-addr.arpa.") in view.zones
        assert from_text("10.in-addr.arpa.") not in view.zones  # a forward rule has it
        assert from_text("10.in-addr.arpa.") in view.routes
    assert (guest.outside, internet.outside, lan.outside) == (True, True, False)
    assert guest.hidden_addresses == internet.hidden_addresses == frozenset()  # it is an inside one anyway
    assert lan.ptrs is not None
    assert guest.ptrs is None


def test_ptrs_go_by_the_order_of_the_files__semantics_13(tmp_path: Path) -> None:
    text = "zone: %s.test\nrecords: {www: {A: {inside: 192.168.1.1}}}"
    read = parts(tmp_path, {f"{name}.test.yaml": text % name for name in ("b", "a")})
    _, (lan, _, _), _ = assemble(SETTINGS, read, {}, Pointers())
    assert lan.ptrs is not None
    node = lan.ptrs.node(from_text("1.1.168.192.in-addr.arpa."))
    assert node is not None
    assert node.rrsets[0].rdatas == (from_text("www.b.test."),)


def test_a_wrong_name_server_sends_its_file_back_to_the_version_before__semantics_2(tmp_path: Path) -> None:
    ours = "zone: b.test\nrecords: {ns: {A: {inside: 192.168.1.53}}}"
    files = {"a.test.zone": HEAD, "b.test.yaml": ours}
    before = parts(tmp_path, files)
    bad = {**files, "a.test.zone": HEAD + "sub NS ns.b.test.\n"}
    after = parts(tmp_path, bad)
    apex = from_text("a.test.")
    served, views, found = assemble(SETTINGS, after, before, Pointers())
    assert served[apex][0].compiled is before[apex][0].compiled
    assert served[apex][0].key is None  # read again the next time
    assert [error.where.line for error in found.faults[apex]] == [4]
    assert views[0].zones[apex].fault is None
    _, views, _ = assemble(SETTINGS, after, {}, Pointers())
    assert views[0].zones[apex].fault is not None


def test_what_came_with_another_file_leaves_this_one_as_it_is__semantics_2(tmp_path: Path) -> None:
    theirs = "zone: b.test\nrecords: {ns: {A: 192.0.2.1}}"
    before = parts(tmp_path, {"a.test.zone": HEAD + "sub NS ns.b.test.\n", "b.test.yaml": theirs})
    assert assemble(SETTINGS, before, {}, Pointers())[2].faults == {}
    theirs = "zone: b.test\nrecords: {ns: {A: {inside: 192.168.1.53}}}"
    now = {**before, **parts(tmp_path, {"b.test.yaml": theirs})}
    served, _, found = assemble(SETTINGS, now, before, Pointers())
    apex = from_text("a.test.")
    assert served[apex][0] is before[apex][0]
    assert found.faults.keys() == {apex}

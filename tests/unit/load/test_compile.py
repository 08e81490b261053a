from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.errors import Problems
from splitdns.load.compile import Source, compile_zone
from splitdns.load.share import Viewer
from splitdns.names import Qname, ancestors, from_text, is_under
from splitdns.records import Type
from splitdns.zone import Zone
from tests.loading import (
    HEAD,
    INTERNET,
    LAN,
    SOA,
    VIEWERS,
    compile_yaml,
    compiled,
    ghosts,
    messages,
    read_master,
    read_yaml,
    records,
)

SAMPLE = """
ttl: 1h
ns: [ns1]
records:
  "@":      {A: {inside: 192.168.10.20, outside: $wan4}, MX: 10 mail, TXT: "v=spf1 mx -all"}
  mail:     {A: {inside: 192.168.10.25, outside: $wan4}}
  ns1:      {A: {inside: 192.168.1.53, outside: $wan4}}
  www:
    A:      {vpn: 10.8.0.20, inside: 192.168.10.20, outside: $wan4}
    AAAA:   {inside: "fd00:10::20"}
    HTTPS:  1 . alpn=h2 ipv4hint=auto
  Nas:      {A: {inside: 192.168.10.30}}
  static:   {TXT: the same for all}
  "*.apps": {A: {inside: 192.168.10.21, outside: $wan4}}
  "~^db[0-9]+$": {A: {inside: 192.168.10.60}, ttl: 5m}
"""


def test_each_view_gets_its_own_zone_from_one_declaration__semantics_5_and_10_and_11() -> None:
    zones = compile_yaml(SAMPLE).zones
    assert records(zones["vpn"]) == {
        "@": [
            "3600 SOA ns1.example.org. hostmaster.example.org. 7 3600 900 604800 60",
            "60 A 192.168.10.20",
            "60 MX 10 mail.example.org.",
            '60 TXT "v=spf1 mx -all"',
            "60 NS ns1.example.org.",
        ],
        "mail": ["60 A 192.168.10.25"],
        "ns1": ["60 A 192.168.1.53"],
        "www": ["60 A 10.8.0.20", "60 AAAA fd00:10::20", '60 HTTPS 1 . alpn="h2" ipv4hint="10.8.0.20"'],
        "Nas": ["60 A 192.168.10.30"],
        "static": ['3600 TXT "the same for all"'],
        "*.apps": ["60 A 192.168.10.21"],
        "apps": [],
    }
    outside = records(zones["internet"])
    assert outside["www"] == ["60 A 203.0.113.7", '60 HTTPS 1 . alpn="h2" ipv4hint="203.0.113.7"']
    assert ghosts(zones["internet"]) == {"Nas"}
    assert ghosts(zones["lan"]) == set()


def test_views_that_see_the_same_share_one_zone_object() -> None:
    zones = compile_yaml("records: {www: {A: {inside: 192.168.1.1, outside: 203.0.113.7}}}").zones
    assert zones["lan"] is zones["vpn"]


def test_a_regexp_has_the_variant_of_the_view_or_none__semantics_8() -> None:
    zones = compile_yaml(SAMPLE).zones
    (inside,), (outside,) = zones["lan"].regexps, zones["internet"].regexps
    assert (inside.pattern, inside.node.exists, inside.node.differs) == ("^db[0-9]+$", True, True)
    (rrset,) = inside.node.rrsets
    assert (rrset.ttl_s, rrset.rdatas) == (300, (bytes([192, 168, 10, 60]),))
    assert (outside.node.exists, outside.node.differs, outside.node.rrsets) == (False, True, ())


@pytest.mark.parametrize(
    ("name", "ttl_s"),
    [
        ("a: {A: {inside: 192.168.1.1, outside: 203.0.113.7}}", 60),
        ("a: {A: {inside: 192.168.1.1, outside: 203.0.113.7}, ttl: 2h}", 7200),
        ("a: {A: {inside: 192.168.1.1, outside: 203.0.113.7, ttl: 10m}}", 600),
        ("a: {A: {inside: {value: 192.168.1.1, ttl: 10m}, outside: 203.0.113.7}}", 600),
        ("a: {A: 192.0.2.1}", 900),
        ("a: {A: {value: 192.0.2.1, ttl: 30}}", 30),
        ("a: {A: {inside: 192.168.1.1}}", 60),
        ("'*.a': {A: {inside: 192.168.1.1, outside: 203.0.113.7}}", 60),
    ],
)
def test_only_a_ttl_on_the_name_or_record_outlives_a_difference__semantics_11(name: str, ttl_s: int) -> None:
    zone = compile_yaml(f"ttl: 15m\nrecords: {{{name}}}").zones["lan"]
    owner = from_text("*.a.example.org." if "*" in name else "a.example.org.")
    node = zone.node(owner)
    assert node is not None
    assert [rrset.ttl_s for rrset in node.rrsets] == [ttl_s]


def test_every_owned_name_of_an_overlay_has_a_short_ttl__semantics_11() -> None:
    zone = compile_yaml("mode: overlay\nrecords: {a: {A: 192.0.2.1}}").zones["lan"]
    assert zone.overlay
    assert records(zone)["a"] == ["60 A 192.0.2.1"]
    assert records(zone)["@"] == ["3600 SOA example.org. hostmaster.example.org. 7 3600 900 604800 60"]


def test_the_soa_is_made_and_may_be_overridden__semantics_10() -> None:
    text = "ns: ns1.example.net.\nsoa: {mname: a, rname: b.c, refresh: 2h, serial: 9, ttl: 5, minimum: 1m}\n"
    (soa, *_) = records(compile_yaml(text).zones["lan"])["@"]
    assert soa == "5 SOA a.example.org. b.c.example.org. 9 7200 900 604800 60"
    assert compile_yaml(text).serial == 9


def test_an_unknown_gateway_address_makes_exactly_its_record_sets_unknown__semantics_12() -> None:
    text = "records: {a: {A: {inside: 192.168.1.1, outside: $wan4}, TXT: x}, b: {A: [$wan4, 192.0.2.1]}}"
    zone, problems = read_yaml(text, wan={"$wan4": None})
    zones = compiled(zone, problems).zones
    node = zones["internet"].node(from_text("a.example.org."))
    assert node is not None
    assert {rrset.rdtype: len(rrset.rdatas) for rrset in node.rrsets} == {Type.A: 0, Type.TXT: 1}
    b = zones["lan"].node(from_text("b.example.org."))
    assert b is not None
    assert b.rrsets[0].rdatas == ()


def test_a_public_record_set_says_so__semantics_1() -> None:
    zone = compile_yaml("records: {a: {A: {value: 192.168.1.1, public: true}, TXT: x}}").zones["internet"]
    node = zone.node(from_text("a.example.org."))
    assert node is not None
    assert [rrset.public for rrset in node.rrsets] == [True, False]


def test_a_delegation_is_a_cut_and_inherited_types_are_kept__semantics_6_and_7() -> None:
    zone = compile_yaml("ns: a\nrecords: {sub: {NS: ns.example.net.}, a: {A: 192.0.2.1, inherit: [TXT, MX]}}")
    nodes = {node.name: node for node in zone.zones["lan"].nodes()}
    assert nodes[from_text("sub.example.org.")].cut
    assert nodes[from_text("a.example.org.")].inherit == (Type.TXT, Type.MX)
    assert not nodes[from_text("example.org.")].cut


def test_a_master_file_serves_every_view_with_one_zone__semantics_9(tmp_path: Path) -> None:
    zones = compiled(*read_master(tmp_path, HEAD + "WWW A 192.0.2.1\na.b TXT x\n")).zones
    assert len({id(zone) for zone in zones.values()}) == 1
    assert records(zones["lan"])["WWW"] == ["3600 A 192.0.2.1"]
    assert records(zones["lan"])["b"] == []


# --- A file per horizon ------------------------------------------------------------------------------------


def pair(tmp_path: Path, inside: str, outside: str) -> tuple[dict[str, Zone], list[str]]:
    """Two master files of one apex: LAN takes ``inside``, INTERNET ``outside``."""
    sources = []
    for horizon, text, viewer in (("inside", inside, LAN), ("outside", outside, INTERNET)):
        zone, problems = read_master(tmp_path, SOA + text, horizon)
        assert not problems.errors
        sources.append(Source(zone, (viewer,), problems))
    results = compile_zone(sources)
    zones = {view: zone for result in results if result for view, zone in result.zones.items()}
    return zones, [message for source in sources for message in messages(source.problems)]


def test_files_of_one_apex_never_merge_but_know_each_others_names__semantics_3_and_9(tmp_path: Path) -> None:
    inside = "nas A 192.168.1.1\nwww A 192.168.1.2\nsame A 192.0.2.1\nns1 A 192.168.1.53\n"
    outside = "www A 203.0.113.7\nsame A 192.0.2.1\n* A 203.0.113.9\nns1 A 203.0.113.53\n"
    zones, errors = pair(tmp_path, inside, outside)
    assert errors == []
    assert records(zones["lan"])["www"] == ["60 A 192.168.1.2"]
    assert records(zones["internet"])["www"] == ["60 A 203.0.113.7"]
    assert records(zones["internet"])["same"] == ["3600 A 192.0.2.1"]
    assert ghosts(zones["internet"]) == {"nas"}
    assert ghosts(zones["lan"]) == {"*"}


def test_a_name_server_that_only_the_other_file_has_is_an_error__semantics_2(tmp_path: Path) -> None:
    zones, errors = pair(tmp_path, "ns1 A 192.168.1.53\n@ NS ns1\n", "@ NS ns.example.net.\n")
    assert errors == [
        "1:11: in view internet: the SOA record of example.org. names ns1.example.org., which exists only in"
        " view lan; it must exist here, too"
    ]
    assert zones.keys() == {"lan"}


# --- What other zones must know ----------------------------------------------------------------------------


def test_addresses_are_kept_by_the_horizon_that_declares_them__semantics_1(tmp_path: Path) -> None:
    text = """
records:
  a:  {A: {inside: 192.168.1.1, outside: 203.0.113.7}, AAAA: '2001:db8::1'}
  ~b: {A: 192.0.2.1}
"""
    v6 = bytes.fromhex("20010db8000000000000000000000001")
    assert compile_yaml(text).addresses == {
        "inside": (bytes([192, 168, 1, 1]), b""),
        "outside": (bytes([203, 0, 113, 7]), b""),
        None: (bytes([192, 0, 2, 1]), v6),
    }
    zone, problems = read_master(tmp_path, HEAD, "inside")
    assert compiled(zone, problems, [LAN]).addresses == {"inside": (bytes([192, 0, 2, 53]), b"")}


def test_addresses_of_exact_names_are_held_for_their_ptr__semantics_13() -> None:
    text = """
records:
  a: {A: {inside: 192.168.1.1, outside: 203.0.113.7}}
  b: {A: [192.168.1.1, 192.0.2.1], ttl: 5}
  c: {A: 192.0.2.2, ptr: true}
  d: {A: 192.168.1.2, ptr: false}
  "*.e": {A: 192.168.1.3}
  "~f": {A: 192.168.1.4}
"""
    held = compile_yaml(text).held["lan"]
    assert [(tuple(one.address), one.owner[1:2], one.ttl_s, one.preferred) for one in held] == [
        ((192, 168, 1, 1), b"a", 60, False),
        ((192, 168, 1, 1), b"b", 5, False),
        ((192, 0, 2, 2), b"c", 3600, True),
    ]


def test_hosts_outside_the_zone_are_kept_with_their_places() -> None:
    zone, problems = read_yaml("records: {www: {CNAME: www.example.net.}, mx: {MX: 10 a.sub}}\nns: ns.sub")
    beneath = (from_text("sub.example.org."),)
    (result,) = compile_zone([Source(zone, VIEWERS, problems)], beneath=beneath)
    assert result is not None
    assert [(one.link.rdtype, one.link.host, one.where.column, one.views) for one in result.named] == [
        (Type.NS, from_text("ns.sub.example.org."), 5, ("lan", "vpn", "internet")),
        (Type.CNAME, from_text("www.example.net."), 24, ("lan", "vpn", "internet")),
        (Type.MX, from_text("a.sub.example.org."), 52, ("lan", "vpn", "internet")),
    ]
    assert problems.warnings == []


def test_exposed_services_are_kept() -> None:
    expose = "[443/tcp, {public: 80/tcp, inside: 8080/tcp}]"
    result = compile_yaml(f"records: {{www: {{A: 192.0.2.1, expose: {expose}}}}}")
    (service,) = result.services
    assert [(str(one.public), str(one.inside), one.where.line) for one in service.exposed] == [
        ("443/tcp", "443/tcp", 2),
        ("80/tcp", "8080/tcp", 2),
    ]


# --- Properties --------------------------------------------------------------------------------------------

NAMES = st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=4).map(".".join)
VALUE = st.sampled_from(
    ["A: 192.0.2.1", "A: {inside: 192.168.1.1}", "A: {outside: 203.0.113.7, vpn: 10.8.0.1}", "inherit: TXT"]
)
HORIZONS = st.lists(st.sampled_from(["inside", "outside", "vpn"]), min_size=1, unique=True).map(tuple)


@given(st.dictionaries(NAMES, VALUE, min_size=1), st.lists(HORIZONS, min_size=1, max_size=3), st.booleans())
def test_every_node_of_a_compiled_zone_has_its_ancestors_up_to_the_apex(
    names: dict[str, str], horizons: list[tuple[str, ...]], overlay: bool
) -> None:
    mode = "mode: overlay\n" if overlay else ""
    text = mode + "records:\n" + "".join(f'  "{name}": {{{value}}}\n' for name, value in names.items())
    zone, problems = read_yaml(text)
    viewers = tuple(Viewer(f"v{at}", horizon) for at, horizon in enumerate(horizons))
    (result,) = compile_zone([Source(zone, viewers, problems)])
    if result is None:  # a name that exists in no view
        assert problems.errors
        return
    declared: set[Qname] = {from_text(name, zone.apex) for name in names}
    for packed in result.zones.values():
        assert packed.soa is not None
        for name in declared:
            assert packed.node(name) is not None
        for node in packed.nodes():
            for above in ancestors(node.name):
                if is_under(above, zone.apex):
                    found = packed.node(above)
                    assert found is not None
                    assert found.exists >= node.exists


def test_nothing_is_compiled_of_a_source_with_mistakes() -> None:
    problems = Problems()
    zone, _ = read_yaml("records: {a: {CNAME: b, A: 192.0.2.1}}")
    assert compile_zone([Source(zone, VIEWERS, problems)]) == [None]
    assert len(problems.errors) == 1

"""The configuration: the default, what is read, every mistake with its place, and the reference page."""

from __future__ import annotations

import doctest
import pickle
import re
import sys
from ipaddress import IPv4Address, IPv4Network, IPv6Address
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from splitdns.errors import ConfigError, Where
from splitdns.load import settings as settings_module
from splitdns.load.anchors import IANA, PRIVATE
from splitdns.load.configvalues import Listen
from splitdns.load.machine import Machine
from splitdns.load.sections import Section
from splitdns.load.settings import Settings, default_settings, read_settings
from splitdns.load.wansources import Static
from splitdns.names import ROOT, from_text
from splitdns.snapshot import Manners
from splitdns.view import Strategy, Upstream, UpstreamSet

DIRECTORY = Path(__file__).parents[3]
PAGE = DIRECTORY / "docs/configuration.md"

HOME = """\
listen: ["0.0.0.0:53", "[::]:53"]
workers: 2
views:
  lan:      {clients: [192.168.0.0/16, "fd00::/8"], horizon: [inside],      recursion: true}
  vpn:      {clients: [10.8.0.0/24],                horizon: [vpn, inside], recursion: true}
  internet: {clients: [any],                        horizon: [outside],     recursion: false}
zones: [zones/]
wan: {ipv4: 203.0.113.7, ipv6: "2001:db8::7"}
forward:
  - {domains: ["."], upstreams: [9.9.9.9, 149.112.112.112]}
  - {domains: [corp.example], upstreams: ["10.8.0.53:5353"], views: [vpn]}
gateway: {sources: [{dialect: nftables, file: rules.json}]}
admin: {listen: "127.0.0.1:9153"}
tcp: {connections: 500, connections_per_client: 5, idle_timeout: 30, message_timeout: 1m}
log: {format: json, level: debug}
querylog: true
identity: {version: true, id: ns1}
minimal_any: false
edns_payload: 1400
"""


def mistakes(text: str, machine: Machine | None = None) -> list[str]:
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(text, "f", machine)
    assert all(type(error) is ConfigError for error in caught.value.exceptions)
    return [str(error) for error in caught.value.exceptions]


# --- What is read -----------------------------------------------------------------------------------------


def test_a_full_configuration_is_read() -> None:
    settings = read_settings(HOME, "splitdns.yaml")
    assert settings.listen == (Listen("0.0.0.0", 53), Listen("::", 53))
    assert settings.workers == 2
    assert list(settings.views) == ["lan", "vpn", "internet"]
    assert settings.views["vpn"].prefixes == (IPv4Network("10.8.0.0/24"),)
    assert settings.views["vpn"].horizon == ("vpn", "inside")
    assert [view.recursion for view in settings.views.values()] == [True, True, False]
    assert [view.has_any for view in settings.views.values()] == [False, False, True]
    assert settings.zones == ("zones/",)
    assert settings.wan.ipv4 == Static(IPv4Address("203.0.113.7"))
    assert settings.wan.ipv6 == Static(IPv6Address("2001:db8::7"))
    assert settings.forward[1].resolvers == (Upstream("10.8.0.53", 5353),)
    assert settings.forward[1].views == ("vpn",)
    assert settings.gateway is not None
    assert [source.file for source in settings.gateway.sources] == ["rules.json"]
    assert settings.admin.listen == Listen("127.0.0.1", 9153)
    assert settings.tcp.connections == 500
    assert settings.tcp.connections_per_client == 5
    assert settings.tcp.idle_timeout == 30
    assert settings.tcp.message_timeout == 60
    assert (settings.log.format, settings.log.level) == ("json", "debug")
    assert settings.querylog
    assert settings.manners("host") == Manners(False, 1400, f"splitdns {settings_module.__version__}", "ns1")


def test_the_default_is_a_resolver_for_the_inside_on_the_loopback() -> None:
    settings = default_settings(Machine({"etc/resolv.conf": "nameserver 192.0.2.1\n"}))
    assert settings.listen == (Listen("127.0.0.1", 5353), Listen("::1", 5353))
    assert settings.workers is None
    inside, outside = settings.views["inside"], settings.views["outside"]
    assert {str(prefix) for prefix in inside.prefixes} == {
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    }
    assert (inside.horizon, inside.recursion, inside.has_any) == (("inside",), True, False)
    assert (outside.horizon, outside.recursion, outside.clients) == (("outside",), False, ("any",))
    assert settings.zones == ("zones/",)
    assert settings.routes("inside") == {ROOT: UpstreamSet((Upstream("192.0.2.1", 53),))}
    assert settings.routes("outside") == {}
    assert settings.admin.listen == Listen("127.0.0.1", 9153)
    assert settings.manners("host") == Manners()
    assert not settings.querylog
    assert settings.querylog_file is None
    assert settings.dnstap is None


CGNAT_UPLINK = (
    "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
    "eth0 00000000 01004064 0003 0 0 0 00000000 0 0 0\n"
)


@pytest.mark.skipif(sys.byteorder != "little", reason="the routes below are of a little-endian machine")
def test_cgnat_is_outside_by_default_where_the_uplink_is_in_it__semantics_20() -> None:
    prefixes = default_settings(Machine({"proc/net/route": CGNAT_UPLINK})).views["inside"].prefixes
    assert IPv4Network("100.64.0.0/10") not in prefixes
    assert len(prefixes) == 8


def test_an_empty_file_is_the_default() -> None:
    assert str(read_settings("# nothing yet\n", "f")) == str(default_settings())


def test_no_endpoint_for_the_admin_is_a_choice() -> None:
    assert read_settings("admin: {listen: null}", "f").admin.listen is None


def test_the_host_gives_its_name_where_asked() -> None:
    assert read_settings("identity: {id: true}", "f").manners("host").server_id == "host"


def test_a_place_is_known_for_later_stages() -> None:
    settings = read_settings(HOME, "splitdns.yaml")
    assert settings.where(("wan", "ipv4")) == Where("splitdns.yaml", 8, 13)
    assert settings.where_key(("views", "vpn")) == Where("splitdns.yaml", 5, 3)
    assert settings.where(("views", "vpn", "clients", 0)) == Where("splitdns.yaml", 5, 24)
    assert settings.is_written("wan")
    assert not read_settings("", "f").is_written("wan")
    assert default_settings().where(("zones",)).file == settings_module.EMBEDDED


def test_settings_are_frozen_and_can_be_handed_to_another_process() -> None:
    settings = read_settings(HOME, "splitdns.yaml")
    with pytest.raises(ValidationError):
        settings.querylog = False  # type: ignore[misc]
    again = pickle.loads(pickle.dumps(settings))
    assert str(again) == str(settings)
    assert again.where(("zones",)) == settings.where(("zones",))


# --- Forwarding -------------------------------------------------------------------------------------------

RESOLVER = Machine({"etc/resolv.conf": "nameserver 192.0.2.1\n"})


def test_without_rules_the_machines_resolvers_are_asked() -> None:
    settings = read_settings("listen: ['127.0.0.1:5300']", "f", RESOLVER)
    assert settings.routes("inside") == {ROOT: UpstreamSet((Upstream("192.0.2.1"),))}


@pytest.mark.parametrize("text", ["forward: []", "views: {all: {clients: [any], horizon: [inside]}}"])
def test_an_empty_list_of_rules_or_no_recursion_means_nobody_is_asked(text: str) -> None:
    settings = read_settings(text, "f", RESOLVER)
    assert settings.forward == ()


def test_the_servers_own_address_is_no_resolver() -> None:
    machine = Machine({"etc/resolv.conf": "nameserver 127.0.0.1\n"})
    assert read_settings("listen: ['0.0.0.0:53']", "f", machine).forward == ()


def test_a_rule_says_how_and_which_of_its_upstreams_are_asked() -> None:
    text = """
forward:
  - domains: ["."]
    strategy: fastest
    upstreams:
      - 192.0.2.53
      - {url: "tls://resolver.example", addresses: [192.0.2.54, "2001:db8::54"], ca: own.pem}
"""
    upstreams = read_settings(text, "etc/splitdns.yaml").routes("inside")[from_text(".")]
    assert upstreams.strategy is Strategy.FASTEST
    assert [str(one) for one in upstreams.upstreams] == [
        "192.0.2.53:53",
        "tls://192.0.2.54:853#resolver.example",
        "tls://[2001:db8::54]:853#resolver.example",
    ]
    assert {one.ca for one in upstreams.upstreams} == {None, "etc/own.pem"}


def test_a_rule_for_a_view_wins_over_one_for_all() -> None:
    text = """
forward:
  - {domains: [".", a.example], upstreams: [192.0.2.1]}
  - {domains: [".", b.example], upstreams: [192.0.2.2, 192.0.2.3], views: [vpn]}
views:
  lan: {clients: [10.1.0.0/16], horizon: [inside], recursion: true}
  vpn: {clients: [10.2.0.0/16], horizon: [inside], recursion: true}
  net: {clients: [any], horizon: [outside]}
"""
    settings = read_settings(text, "f")
    general = UpstreamSet((Upstream("192.0.2.1"),))
    own = UpstreamSet((Upstream("192.0.2.2"), Upstream("192.0.2.3")))
    a, b = from_text("a.example."), from_text("b.example.")
    assert settings.routes("lan") == {ROOT: general, a: general}
    assert settings.routes("vpn") == {ROOT: own, a: general, b: own}
    assert settings.routes("net") == {}


# --- Mistakes ---------------------------------------------------------------------------------------------


def test_all_mistakes_are_reported_at_once_those_between_settings_too() -> None:
    text = """\
listen: ["127.0.0.1:5353", nowhere]
querylog: on
views:
  lan:   {clients: [10.0.0.0/8, 10.1.2.3/8], horizon: [inside], recursion: true}
  vpn:   {clients: [10.8.0.0/24, any], horizon: [vpn], recursion: true}
  guest: {clients: [10.8.0.0/24, any], horizon: [outside]}
  vpn:   {clients: [10.9.0.0/24], horizon: [vpn]}
forward:
  - {domains: ["."], upstreams: [9.9.9.9], views: [wpn, lan]}
  - {domains: ["."], upstreams: [*quad9]}
wan: {ipv4: 10.0.0.1}
"""
    found = mistakes(text)
    assert [line.split(": ", 1)[0] for line in found] == [
        "f:1:28",
        "f:2:11",
        "f:4:33",
        "f:5:34",
        "f:6:21",
        "f:6:34",
        "f:7:3",
        "f:9:52",
        "f:10:34",
        "f:11:13",
    ]


@pytest.mark.parametrize("views", ["{}", "[{clients: [any], horizon: [inside]}]", "inside"])
def test_where_no_view_can_be_read_no_rule_is_blamed(views: str) -> None:
    rule = "{domains: [.], upstreams: [192.0.2.1], views: [lan]}"
    (found,) = mistakes(f"views: {views}\nforward: [{rule}]")
    assert found.startswith("f:1:8: expected ")


def test_a_rule_may_name_a_view_that_could_not_be_read() -> None:
    rule = "{domains: [.], upstreams: [192.0.2.1], views: [lan]}"
    assert mistakes(f"views: {{lan: {{clients: [any]}}}}\nforward: [{rule}]") == [
        "f:1:9: expected the setting 'horizon' here, found none"
    ]


def test_a_mistake_of_yaml_is_not_reported_twice() -> None:
    assert len(mistakes("edns_payload: *size")) == 1
    assert len(mistakes("edns_payload: !!int '1400'")) == 1


KEYS = st.sampled_from(
    [*Settings.model_fields, "lan", "clients", "horizon", "recursion", "domains", "upstreams", "ipv4", "x"]
)
SCALARS = st.none() | st.booleans() | st.integers(-1, 5000) | st.text(max_size=4)
LIKELY = st.sampled_from(["any", "10.0.0.0/8", "inside", ".", "9.9.9.9", "auto", "127.0.0.1:53", "lan"])
DATA: st.SearchStrategy[Any] = st.recursive(
    SCALARS | LIKELY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(KEYS, DATA, max_size=6))
def test_any_data_gives_settings_or_mistakes_in_our_words(data: dict[str, Any]) -> None:
    try:
        read_settings(repr_yaml(data), "f")
    except ExceptionGroup as group:
        errors = group.exceptions
    else:
        return
    for error in errors:
        assert isinstance(error, ConfigError)
        assert error.where.line
        assert re.match(r"expected |'.*' is not a setting here; known: ", error.message, re.DOTALL)
        assert "Input should" not in error.message
        assert "another value" not in error.message


def repr_yaml(value: Any) -> str:
    """Data as YAML in flow style."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {repr_yaml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(repr_yaml, value)) + "]"
    if isinstance(value, str):
        return '"' + "".join(f"\\U{ord(char):08x}" for char in value) + '"'
    return "null" if value is None else str(value).lower()


def test_the_modules_example_is_true() -> None:
    assert doctest.testmod(settings_module).failed == 0


# --- The reference page and the sample --------------------------------------------------------------------

BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
SECTIONS = [Settings, *(one for one in Section.__subclasses__() if one is not Settings)]


def test_every_setting_is_in_the_reference_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| \S", PAGE.read_text(), re.MULTILINE)
    page = {name: [text for key, text in rows if key == name] for name, _ in rows}
    tables = {"views", "forward"}  # they have a part of their own instead of a row
    for section in SECTIONS:
        for name, field in section.model_fields.items():
            if section is Settings and name in tables:
                assert f"`{name}` " in PAGE.read_text()
            elif field.is_required():
                assert "must be there" in page[name]
            elif isinstance(field.default, str | bool | int):
                written = str(field.default).lower() if isinstance(field.default, bool) else field.default
                assert f"`{written}`" in page[name], name
            else:
                assert page[name], name


def test_the_reference_has_no_setting_that_there_is_not() -> None:
    known = {name for section in SECTIONS for name in section.model_fields}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE.read_text(), re.MULTILINE)) <= known


@pytest.mark.parametrize("text", BLOCKS)
def test_the_references_examples_load(text: str) -> None:
    read_settings(text, "f")


def test_the_reference_shows_the_default_views() -> None:
    (shown,) = (text for text in BLOCKS if "outside:" in text)
    assert str(read_settings(shown, "f").views) == str(default_settings().views)


def test_the_sample_configuration_is_read() -> None:
    settings = read_settings((DIRECTORY / "splitdns.yaml").read_text(), "splitdns.yaml")
    assert list(settings.views) == ["lan", "vpn", "internet"]


# --- DNSSEC ------------------------------------------------------------------------------------------------


VALIDATING = """
views:
  lan: {clients: [10.0.0.0/8], horizon: [inside], recursion: true, validate: true, trust_ad: true}
  vpn: {clients: [10.8.0.0/16], horizon: [inside], recursion: true, trust_ad: true}
negative_trust_anchors: [broken.example]
forward:
  - {domains: ["."], upstreams: [9.9.9.9]}
  - {domains: [corp.example], upstreams: [10.0.0.1]}
  - {domains: [signed.example], upstreams: [10.0.0.1], validate: true}
"""


def test_a_view_validates_what_is_public__rfc7646_2() -> None:
    routes = read_settings(VALIDATING, "f").routes("lan")
    root, corp, signed = (routes[from_text(name)] for name in (".", "corp.example.", "signed.example."))
    assert root.validation is not None
    assert root.validation is signed.validation
    assert corp.validation is None
    assert (root.trust_ad, corp.trust_ad) == (False, True)
    assert root.validation.anchors == IANA
    expected = PRIVATE | {from_text("corp.example."), from_text("broken.example.")}
    assert root.validation.negative == expected


def test_a_view_that_does_not_validate_may_trust_others_to_do_so() -> None:
    for upstreams in read_settings(VALIDATING, "f").routes("vpn").values():
        assert upstreams.validation is None
        assert upstreams.trust_ad


def test_signatures_are_traced_back_to_the_given_keys() -> None:
    settings = read_settings(VALIDATING, "f")
    own = ((from_text("."), (b"own",)),)
    settings.believe(own)
    validation = settings.routes("lan")[from_text(".")].validation
    assert validation is not None
    assert validation.anchors == own


@pytest.mark.parametrize("setting", ["validate", "trust_ad"])
def test_only_a_view_that_recurses_has_something_to_validate(setting: str) -> None:
    text = f"views:\n  lan:\n    clients: [any]\n    horizon: [inside]\n    {setting}: true\n"
    with pytest.raises(ExceptionGroup) as caught:
        read_settings(text, "f")
    assert [str(error) for error in caught.value.exceptions] == [
        f"f:5:5: expected recursion: true beside {setting}, found none: this view asks nobody"
    ]

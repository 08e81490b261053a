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
from pydantic import BaseModel, ValidationError

from splitdns.errors import ConfigError, Where
from splitdns.load import settings as settings_module
from splitdns.load.configvalues import Listen
from splitdns.load.machine import Machine
from splitdns.load.settings import Section, Settings, default_settings, read_settings
from splitdns.names import ROOT, from_text
from splitdns.snapshot import Manners
from splitdns.view import Upstream, UpstreamSet

ROOT_DIRECTORY = Path(__file__).parents[3]
PAGE = ROOT_DIRECTORY / "docs/configuration.md"

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
gateway: {dialect: nftables, source: {file: rules.json}}
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


def views(**clients: str) -> str:
    """A configuration with these views; ``clients`` is YAML."""
    lines = [f"  {name}: {{clients: {text}, horizon: [inside]}}\n" for name, text in clients.items()]
    return "views:\n" + "".join(lines)


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
    assert settings.wan.ipv4 == IPv4Address("203.0.113.7")
    assert settings.wan.ipv6 == IPv6Address("2001:db8::7")
    assert settings.forward[1].upstreams == (Upstream("10.8.0.53", 5353),)
    assert settings.forward[1].views == ("vpn",)
    assert settings.gateway == {"dialect": "nftables", "source": {"file": "rules.json"}}
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


@pytest.mark.parametrize("text", ["forward: []", views(all="[any]")])
def test_an_empty_list_of_rules_or_no_recursion_means_nobody_is_asked(text: str) -> None:
    settings = read_settings(text, "f", RESOLVER)
    assert settings.forward == ()


def test_the_servers_own_address_is_no_resolver() -> None:
    machine = Machine({"etc/resolv.conf": "nameserver 127.0.0.1\n"})
    assert read_settings("listen: ['0.0.0.0:53']", "f", machine).forward == ()


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

KNOWN = ", ".join(Settings.model_fields)

MISTAKES = {
    "listn: []\n": [f"f:1:1: 'listn' is not a setting here; known: {KNOWN}; is 'listen' meant?"],
    "colour: red\n": [f"f:1:1: 'colour' is not a setting here; known: {KNOWN}"],
    "views:\n  lan:\n    client: [any]\n    clients: [any]\n    horizon: [inside]\n": [
        "f:3:5: 'client' is not a setting here; known: clients, horizon, recursion, open_resolver; "
        "is 'clients' meant?"
    ],
    "tcp: {timeout: 5s}": [
        "f:1:7: 'timeout' is not a setting here; known: connections, connections_per_client, idle_timeout, "
        "message_timeout; is 'idle_timeout' meant?"
    ],
    "forward:\n  - {domain: [.], domains: [.], upstreams: [192.0.2.1]}": [
        "f:2:6: 'domain' is not a setting here; known: domains, upstreams, views; is 'domains' meant?"
    ],
    "admin: {listen: '127.0.0.1:1', tls: true}": [
        "f:1:32: 'tls' is not a setting here; known: listen",
    ],
    "views:\n  lan: {clients: [any]}\n": ["f:2:3: expected the setting 'horizon' here, found none"],
    "forward:\n  - upstreams: [192.0.2.1]\n": ["f:2:5: expected the setting 'domains' here, found none"],
    "views: {}": ["f:1:8: expected at least 1, found an empty mapping"],
    "views:\n": ["f:1:7: expected a mapping, found nothing"],
    "views: [lan]": ["f:1:8: expected a mapping, found a list"],
    "views: {lan: inside}": ["f:1:14: expected a mapping, found 'inside'"],
    "views: {a b: {clients: [any], horizon: [inside]}}": [
        "f:1:9: expected the name of a view, of letters, digits, - and _, found 'a b'"
    ],
    "views: {lan: {clients: [], horizon: []}}": [
        "f:1:24: expected at least 1, found an empty list",
        "f:1:37: expected at least 1, found an empty list",
    ],
    "views: {lan: {clients: any, horizon: inside}}": [
        "f:1:24: expected a list, found 'any'; a list of it is [any]",
        "f:1:38: expected a list, found 'inside'; a list of it is [inside]",
    ],
    "querylog: yes": ["f:1:11: expected true or false, found 'yes'"],
    "querylog: 1": ["f:1:11: expected true or false, found 1"],
    "edns_payload: 0x500": ["f:1:15: expected a whole number, found '0x500'"],
    "edns_payload: 01232": ["f:1:15: expected a whole number, found '01232'"],
    "edns_payload: true": ["f:1:15: expected a whole number, found true"],
    "edns_payload: 511": ["f:1:15: expected at least 512, found 511"],
    "edns_payload: 4097": ["f:1:15: expected at most 4096, found 4097"],
    "log: {format: xml}": ["f:1:15: expected text or json, found 'xml'"],
    "log: {level: 3}": ["f:1:14: expected debug, info, warning or error, found 3"],
    "log:": ["f:1:5: expected a mapping, found nothing"],
    "admin: '127.0.0.1:9153'": ["f:1:8: expected a mapping, found '127.0.0.1:9153'"],
    "gateway: x": ["f:1:10: expected a mapping, found 'x'"],
    "tcp: {connections: 0}": ["f:1:20: expected at least 1, found 0"],
    "tcp: {idle_timeout: soon}": ["f:1:21: expected a duration like 10s, 5m or 1h30m, found 'soon'"],
    "listen: []": ["f:1:9: expected at least 1, found an empty list"],
    "listen: ['127.0.0.1:70000']": [
        "f:1:10: expected a port from 0 to 65535, found '70000' in '127.0.0.1:70000'"
    ],
    "- a": ["f:1:1: expected settings, like 'listen: …', found a list"],
    "hello": ["f:1:1: expected settings, like 'listen: …', found 'hello'"],
    "wan: {ipv4: 100.64.0.1}": [
        "f:1:13: expected a public IPv4 address, like 203.0.113.7, found 100.64.0.1: it belongs to the "
        "provider (carrier-grade NAT, RFC 6598), and cannot be reached from the internet"
    ],
}


@pytest.mark.parametrize("text", MISTAKES)
def test_a_mistake_says_where_and_what_was_expected_and_found(text: str) -> None:
    assert mistakes(text) == MISTAKES[text]


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


def test_a_mistake_of_yaml_is_not_reported_twice() -> None:
    assert len(mistakes("edns_payload: *size")) == 1
    assert len(mistakes("edns_payload: !!int '1400'")) == 1


# --- Views ------------------------------------------------------------------------------------------------


def test_a_prefix_in_two_views_is_an_error() -> None:
    text = views(lan="[10.0.0.0/8]", vpn="[10.0.0.0/8, 10.8.0.0/24]")
    assert mistakes(text) == [
        "f:3:19: expected each prefix once, found 10.0.0.0/8 again; the first is on line 2, in 'lan'"
    ]


def test_a_prefix_twice_in_one_view_is_an_error_also_in_disguise__rfc4291_2_5_5_2() -> None:
    text = views(lan='[10.0.0.0/8, "::ffff:10.0.0.0/104"]')
    assert mistakes(text) == [
        "f:2:31: expected each prefix once, found 10.0.0.0/8 again; the first is on line 2"
    ]


def test_any_in_two_views_is_an_error() -> None:
    assert mistakes(views(a="[any]", b="[10.0.0.0/8, any]")) == [
        "f:3:29: expected each prefix once, found any again; the first is on line 2, in 'a'"
    ]


UNREACHABLE = (
    "f:2:3: expected a view that some client can meet, found 'a', all of whose clients other views take"
)


@pytest.mark.parametrize(
    "text",
    [
        views(a="[10.0.0.0/8]", b="[10.0.0.0/9, 10.128.0.0/9]"),
        views(a="[10.0.0.0/8]", b="[10.0.0.0/9]", c="[10.128.0.0/10, 10.192.0.0/10, 10.192.0.0/11]"),
        views(a='["fd00::/8", 10.0.0.0/31]', b='["fd00::/9", "fd80::/9"]', c="[10.0.0.0, 10.0.0.1]"),
        views(a="[any]", b='[0.0.0.0/0, "::/0"]'),
    ],
)
def test_a_view_that_no_client_can_meet_is_an_error(text: str) -> None:
    assert mistakes(text) == [UNREACHABLE]


@pytest.mark.parametrize(
    "text",
    [
        views(a="[10.0.0.0/8]", b="[10.0.0.0/9, 10.128.0.0/10]"),
        views(a="[10.0.0.0/8, 10.128.0.0/9]", b="[10.0.0.0/9]"),
        views(a="[any]", b="[0.0.0.0/0]"),
        views(a="[any]", b='[0.0.0.0/1, 128.0.0.0/1, "::/0"]'),
        views(a="[0.0.0.0/0]", b='["::/0"]'),
    ],
)
def test_a_view_that_some_client_can_meet_is_none(text: str) -> None:
    read_settings(text, "f")


@given(st.data())
def test_reachability_is_what_longest_prefix_match_says(data: st.DataObject) -> None:
    prefix = st.builds(
        lambda bits, length: f"10.0.0.{bits >> (8 - length) << (8 - length)}/{24 + length}",
        st.integers(0, 255),
        st.integers(0, 8),
    )
    texts = data.draw(st.lists(prefix, min_size=1, max_size=12, unique=True))
    owners = {text: data.draw(st.sampled_from("abc")) for text in texts}
    by_view: dict[str, list[str]] = {}
    for client, view in owners.items():
        by_view.setdefault(view, []).append(client)
    networks = [(IPv4Network(text), view) for text, view in owners.items()]
    met = set()
    for last in range(256):
        address = IPv4Address(f"10.0.0.{last}")
        if matching := [one for one in networks if address in one[0]]:
            met.add(max(matching, key=lambda one: one[0].prefixlen)[1])
    text = views(**{view: f"[{', '.join(clients)}]" for view, clients in by_view.items()})
    if met == set(by_view):
        read_settings(text, "f")
    else:
        assert len(mistakes(text)) == len(set(by_view) - met)


@pytest.mark.parametrize("client", ["any", "0.0.0.0/0", "8.0.0.0/15", "'2001:d00::/31'", "'::/0'"])
def test_recursion_for_strangers_is_an_error_unless_it_is_meant__semantics_20(client: str) -> None:
    text = f"views: {{a: {{clients: [{client}], horizon: [inside], recursion: true"
    (found,) = mistakes(text + "}}")
    assert found.startswith("f:1:23: expected your own clients only in a view with recursion: true, found ")
    assert found.endswith("(if it is meant, say open_resolver: true)")
    assert read_settings(text + ", open_resolver: true}}", "f").views["a"].recursion


# --- Rules and listeners ------------------------------------------------------------------------------------

TWO_VIEWS = """\
views:
  lan: {clients: [10.0.0.0/8], horizon: [inside], recursion: true}
  net: {clients: [any], horizon: [outside]}
forward:
"""


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (
            "{domains: [.], upstreams: [192.0.2.1], views: [lam]}",
            "f:5:52: expected one of the views lan, net, found 'lam'; is 'lan' meant?",
        ),
        (
            "{domains: [.], upstreams: [192.0.2.1], views: [wifi]}",
            "f:5:52: expected one of the views lan, net, found 'wifi'",
        ),
        (
            "{domains: [.], upstreams: [192.0.2.1], views: [net]}",
            "f:5:52: expected a view with recursion: true, found 'net', which has none",
        ),
        ("{domains: [], upstreams: [192.0.2.1]}", "f:5:15: expected at least 1, found an empty list"),
        ("{domains: [.], upstreams: []}", "f:5:31: expected at least 1, found an empty list"),
        (
            "{domains: [a.example, A.example.], upstreams: [192.0.2.1]}",
            "f:5:27: expected each domain once, found a.example. again; the first is on line 5",
        ),
        (
            "{domains: [.], upstreams: [192.0.2.1, '127.0.0.1:5353']}",
            "f:5:43: expected another server, found 127.0.0.1:5353, where this one listens",
        ),
    ],
)
def test_a_rule_that_cannot_work_is_an_error(rule: str, found: str) -> None:
    assert mistakes(f"{TWO_VIEWS}  - {rule}\n") == [found]


def test_a_domain_in_two_rules_for_one_view_is_an_error() -> None:
    rule = "  - {domains: [.], upstreams: [192.0.2.1], views: [lan]}\n"
    assert mistakes(TWO_VIEWS + rule + rule) == [
        "f:6:16: expected each domain once for 'lan', found . again; the first is on line 5"
    ]


def test_a_rule_where_no_view_recurses_is_an_error() -> None:
    text = "forward:\n  - {domains: [.], upstreams: [192.0.2.1]}\n" + views(all="[any]")
    assert mistakes(text) == ["f:2:5: expected a view with recursion: true for this rule, found none"]


def test_an_address_to_listen_on_twice_is_an_error() -> None:
    assert mistakes("listen: ['127.0.0.1:53', '[::1]:53', '127.0.0.1']") == [
        "f:1:38: expected each address once, found 127.0.0.1:53 again"
    ]
    assert len(read_settings("listen: ['127.0.0.1:0', '127.0.0.1:0']", "f").listen) == 2


# --- Anything ---------------------------------------------------------------------------------------------

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


# --- The reference page and the samples ---------------------------------------------------------------------


def sections() -> list[type[BaseModel]]:
    return [Settings, *(one for one in Section.__subclasses__() if one is not Settings)]


def test_the_sample_configuration_is_read() -> None:
    settings = read_settings((ROOT_DIRECTORY / "splitdns.yaml").read_text(), "splitdns.yaml")
    assert list(settings.views) == ["lan", "vpn", "internet"]

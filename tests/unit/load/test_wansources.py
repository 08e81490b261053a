"""Sources of the network's public addresses, as they are written."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.load.settings import json_schema, read_settings
from splitdns.load.wansources import (
    KINDS,
    OfCommand,
    OfFile,
    OfHttp,
    OfInterface,
    OfPcp,
    OfUpnp,
    Source,
    Static,
    refusal,
    source4,
    source6,
)

HERE, THERE = "https://ip.example.net/", "https://address.example.org/v4"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("203.0.113.7", Static(IPv4Address("203.0.113.7"))),
        ({"static": "203.0.113.7"}, Static(IPv4Address("203.0.113.7"))),
        ({"interface": "wan0"}, OfInterface("wan0")),
        ({"file": "run/wan"}, OfFile("run/wan")),
        ({"command": ["/bin/wan", "-4"]}, OfCommand(("/bin/wan", "-4"), 60)),
        ({"command": ["/bin/wan"], "every": "10s"}, OfCommand(("/bin/wan",), 10)),
        ({"http": HERE}, OfHttp((HERE,), 1, 300)),
        ({"http": [HERE, THERE]}, OfHttp((HERE, THERE), 2, 300)),
        ({"http": [HERE, THERE], "quorum": 1, "every": "1m"}, OfHttp((HERE, THERE), 1, 60)),
        ({"http": HERE, "ca": "ca.pem"}, OfHttp((HERE,), 1, 300, "ca.pem")),
        ({"upnp": True}, OfUpnp()),
        ({"upnp": "http://192.168.1.1:5000/igd.xml"}, OfUpnp("http://192.168.1.1:5000/igd.xml")),
        ({"pcp": "gateway"}, OfPcp()),
        ({"pcp": "192.168.1.1", "every": "30s"}, OfPcp("192.168.1.1", 5351, 30)),
        ({"pcp": "192.168.1.1:5999"}, OfPcp("192.168.1.1", 5999)),
    ],
    ids=str,
)
def test_what_is_written_is_what_is_meant(written: object, meant: Source) -> None:
    assert source4(written) == meant


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        ({}, "expected one of static, interface, file, command, http, upnp, pcp, found"),
        ({"interface": "wan0", "file": "x"}, "expected one of static"),
        ({"interface": "wan0", "every": "5s"}, "'every' is not a setting of a source that is 'interface'"),
        ({"interface": "an interface"}, "expected the name of an interface"),
        ({"interface": ""}, "expected the name of an interface"),
        ({"interface": 4}, "expected the name of an interface"),
        ({"file": ""}, "expected a path"),
        ({"command": "wan --now"}, "expected a command as a list of words"),
        ({"command": []}, "expected a command as a list of words"),
        ({"command": [1]}, "expected a command as a list of words"),
        ({"command": ["wan"]}, "expected the whole path of a program, found 'wan'"),
        ({"command": ["/bin/wan"], "every": "soon"}, "expected a duration"),
        ({"http": []}, "expected 1 to 8 URLs, found 0"),
        ({"http": [HERE, HERE]}, "expected different URLs"),
        ({"http": "ftp://example.net/"}, "expected a URL like https://"),
        ({"http": "https://user:word@example.net/"}, "expected a URL like https://"),
        ({"http": "https://example.net:0/"}, "expected a URL like https://"),
        ({"http": "https://[::1/"}, "expected a URL like https://"),
        ({"http": "https://a b/"}, "expected a URL like https://"),
        ({"http": [HERE, THERE], "quorum": 3}, "expected a quorum from 1 to 2, found 3"),
        ({"http": HERE, "quorum": True}, "expected a quorum from 1 to 1"),
        ({"upnp": False}, "expected true, or the http:// URL"),
        ({"pcp": "router"}, "expected 'gateway', or the address of a router"),
        ({"pcp": "192.168.1.1:0"}, "expected a port"),
        ({"pcp": "192.168.1.1:http"}, "expected a port"),
        ({"static": "10.0.0.1"}, "it is private (RFC 1918)"),
        ("240.0.0.1", "it is reserved (RFC 1112)"),
        (7, "expected a public IPv4 address"),
    ],
    ids=str,
)
def test_what_is_wrong_is_said(written: object, complaint: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 (the text is what is asserted)
        source4(written)

    assert complaint in str(caught.value)


def test_a_nat_s_protocols_know_no_ipv6() -> None:
    assert source6({"interface": "wan0"}) == OfInterface("wan0")
    assert source6("2001:db8::7") == Static(IPv6Address("2001:db8::7"))
    for kind, value in (("upnp", True), ("pcp", "gateway")):
        with pytest.raises(ValueError, match="which knows IPv4 only"):
            source6({kind: value})


def test_a_mistake_in_a_source_has_its_place() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read_settings("wan:\n  ipv4: {interfaces: wan0}\n  max_age: soon\n", "splitdns.yaml")

    assert [str(one.where) for one in caught.value.exceptions] == ["splitdns.yaml:2:9", "splitdns.yaml:3:12"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        (IPv4Address("203.0.113.7"), ""),
        (IPv6Address("2001:db8::7"), ""),
        (IPv4Address("100.64.0.9"), "100.64.0.9: it belongs to the provider (carrier-grade NAT, RFC 6598)"),
        (IPv4Address("192.168.1.9"), "192.168.1.9: it is private (RFC 1918), and cannot be reached"),
        (IPv4Address("255.255.255.255"), "255.255.255.255: it is reserved (RFC 1112)"),
        (IPv6Address("4000::1"), "4000::1: it is no host's address"),
    ],
    ids=str,
)
def test_who_cannot_be_reached_is_refused_with_the_reason(
    address: IPv4Address | IPv6Address, reason: str
) -> None:
    found = refusal(address)

    assert found.startswith(reason)
    assert bool(found) == bool(reason)


WORDS, KEYS = [HERE, "gateway", "/a", "5m"], [*KINDS, "static", "every", "quorum", "ca", "other"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=300)
@given(JSON, st.sampled_from([source4, source6]))
def test_nothing_that_is_written_is_more_than_a_mistake(
    written: object, read: Callable[[object], Source]
) -> None:
    try:
        found = read(written)
    except ValueError:
        return
    assert str(found)


def test_the_schema_knows_every_kind() -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json_schema()
    right = [
        {"interface": "wan0"},
        {"http": [HERE], "quorum": 1, "every": "5m"},
        {"pcp": "gateway"},
        "203.0.113.7",
    ]
    for written in right:
        jsonschema.validate({"wan": {"ipv4": written}}, schema)
    for wrong in ({"interface": "wan0", "every": "5m"}, {"upnp": False}, {"fax": "1"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"wan": {"ipv4": wrong}}, schema)

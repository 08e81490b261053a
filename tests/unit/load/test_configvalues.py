"""Single values of the configuration: what is read, and how a mistake reads."""

from __future__ import annotations

import doctest
from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.load import configvalues as values
from splitdns.load.configvalues import Listen, client, duration_s, is_open, listen, upstream
from splitdns.names import ROOT, from_text
from splitdns.view import Upstream

READERS: list[Callable[[object], object]] = [
    values.listen,
    values.upstream,
    values.client,
    values.domain,
    values.whoami,
    values.duration_s,
    values.wan4,
    values.wan6,
    values.view_name,
    values.horizon,
    values.path,
    values.workers,
    values.identity,
]


def mistake(read: Callable[[object], object], value: object) -> str:
    with pytest.raises(ValueError, match=r"^expected ") as caught:
        read(value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.0.0.0:53", Listen("0.0.0.0", 53)),
        ("[::]:53", Listen("::", 53)),
        ("192.168.1.1:53", Listen("192.168.1.1", 53)),
        ("192.168.1.1", Listen("192.168.1.1", 53)),
        ("[2001:DB8::1]", Listen("2001:db8::1", 53)),
        ("[fe80::1%eth0]:5353", Listen("fe80::1%eth0", 5353)),
        ("127.0.0.1:0", Listen("127.0.0.1", 0)),
        ("127.0.0.1:65535", Listen("127.0.0.1", 65535)),
    ],
)
def test_an_own_address_is_read(text: str, value: Listen) -> None:
    assert listen(text) == value


@pytest.mark.parametrize(
    "text", ["0.0.0.0:53", "[::]:53", "127.0.0.1:65535", "[fe80::1%eth0]:5353", "[2001:db8::1]:1"]
)
def test_an_own_address_is_written_as_it_is_read(text: str) -> None:
    assert str(listen(text)) == text


def test_wildcards_are_known() -> None:
    assert [listen(text).is_wildcard for text in ("0.0.0.0:53", "[::]:53", "[::1]:53")] == [True, True, False]


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("127.0.0.1:65536", "expected a port from 0 to 65535, found '65536' in '127.0.0.1:65536'"),
        ("127.0.0.1:-1", "expected a port from 0 to 65535, found '-1' in '127.0.0.1:-1'"),
        ("127.0.0.1:", "expected a port from 0 to 65535, found '' in '127.0.0.1:'"),
        ("127.0.0.1:053", "expected a port from 0 to 65535, found '053' in '127.0.0.1:053'"),
        ("[::1]:٣", "expected a port from 0 to 65535, found '٣' in '[::1]:٣'"),
        (":53", "found ':53'"),
        ("*:53", "found '*:53'"),
        ("localhost:53", "found 'localhost:53'"),
        ("::1", "found '::1'; an IPv6 address needs brackets"),
        ("::1:53", "found '::1:53'; an IPv6 address needs brackets"),
        ("[::1", "found '[::1'"),
        ("[::1]53", "found '[::1]53'"),
        ("[::1]:", "found '[::1]:'"),
        ("[127.0.0.1]:53", "found '[127.0.0.1]:53'"),
        ("010.0.0.1:53", "found '010.0.0.1:53'"),
        (53, "found 53"),
        (None, "found nothing"),
        (True, "found true"),
        ({"a": 1}, "found a mapping"),
        ("x" * 100, f"found '{'x' * 57}…'"),
    ],
)
def test_what_is_no_own_address_is_a_mistake(value: object, found: str) -> None:
    assert mistake(listen, value).endswith(found)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9.9.9.9", Upstream("9.9.9.9", 53)),
        ("9.9.9.9:5353", Upstream("9.9.9.9", 5353)),
        ("2620:fe::fe", Upstream("2620:fe::fe", 53)),
        ("[2620:fe::fe]:5353", Upstream("2620:fe::fe", 5353)),
        ("fe80::1%eth0", Upstream("fe80::1%eth0", 53)),
    ],
)
def test_an_upstream_is_read(text: str, value: Upstream) -> None:
    assert upstream(text) == value


@pytest.mark.parametrize("value", ["dns.example", "9.9.9.9:0", "0.0.0.0", "::", "224.0.0.1", "9.9.9", 9])
def test_what_is_no_upstream_is_a_mistake(value: object) -> None:
    mistake(upstream, value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("any", "any"),
        ("192.168.0.0/16", IPv4Network("192.168.0.0/16")),
        ("10.0.0.1", IPv4Network("10.0.0.1/32")),
        ("fd00::/8", IPv6Network("fd00::/8")),
        ("fd00::1", IPv6Network("fd00::1/128")),
        ("0.0.0.0/0", IPv4Network("0.0.0.0/0")),
        ("::ffff:10.8.0.0/120", IPv4Network("10.8.0.0/24")),
        ("::ffff:0:0/96", IPv4Network("0.0.0.0/0")),
        ("::ffff:10.8.0.1", IPv4Network("10.8.0.1/32")),
        ("::/0", IPv6Network("::/0")),
    ],
)
def test_clients_are_prefixes_folded_from_mapped_ones__rfc4291_2_5_5_2(text: str, value: object) -> None:
    assert client(text) == value


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("10.1.2.3/8", "expected no host bits in a prefix, found '10.1.2.3/8'; is 10.0.0.0/8 meant?"),
        ("::ffff:10.8.0.1/120", f"is {IPv6Network('::ffff:10.8.0.0/120')} meant?"),
        ("10.0.0.0/33", "found '10.0.0.0/33'"),
        ("10.0.0.0/255.0.0.0", "found '10.0.0.0/255.0.0.0'"),
        ("10.0.0.0/", "found '10.0.0.0/'"),
        ("10.0.0.0/٨", "found '10.0.0.0/٨'"),
        ("fe80::1%eth0", "found 'fe80::1%eth0'"),
        ("Any", "found 'Any'"),
        ("lan", "found 'lan'"),
        (10, "found 10"),
        ([], "found an empty list"),
    ],
)
def test_what_is_no_client_is_a_mistake(value: object, found: str) -> None:
    assert mistake(client, value).endswith(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("any", True),
        ("0.0.0.0/0", True),
        ("::/0", True),
        ("0.0.0.0/1", True),
        ("8.0.0.0/15", True),
        ("8.8.0.0/16", False),
        ("2001:d00::/31", True),
        ("2001:db8::/32", False),
        ("10.0.0.0/8", False),
        ("100.64.0.0/10", False),
        ("100.0.0.0/8", True),  # more than CGNAT
        ("172.16.0.0/12", False),
        ("fc00::/7", False),
        ("fe80::/10", False),
    ],
)
def test_everybody_and_wide_public_prefixes_are_open__semantics_20(text: str, expected: bool) -> None:
    assert is_open(client(text)) is expected


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(60, 60), ("5m", 300), ("1h30m", 5400), ("1h30m5s", 5405), ("90s", 90), ("24h", 86_400)],
)
def test_a_duration_is_read_in_seconds(value: object, seconds: int) -> None:
    assert duration_s(value) == seconds


@pytest.mark.parametrize(
    "value", ["", "60", "m", "m5", "5m1h", "1.5h", "-5s", "5 m", "٥m", 0, -1, "25h", 86_401, True]
)
def test_what_is_no_duration_is_a_mistake(value: object) -> None:
    mistake(duration_s, value)


def test_a_whoami_name_is_one_that_browsers_take_with_a_label_beneath_it() -> None:
    assert values.whoami("Who.example.com") == from_text("who.example.com.")
    most = ".".join(["a" * 63, "b" * 63, "c" * 61])
    assert values.whoami(most)
    for wrong in (".", "", "who example.com", "who;example.com", "*.example.com", most + "d", 7, None):
        with pytest.raises(ValueError, match="expected a name "):
            values.whoami(wrong)


def test_a_domain_is_absolute_and_folded() -> None:
    assert values.domain("Corp.Example") == values.domain("corp.example.") == from_text("corp.example.")
    assert values.domain(".") == ROOT


@pytest.mark.parametrize("value", ["", "a..b", "x" * 64, "ex ample", "bücher.example", 10, None])
def test_what_is_no_domain_is_a_mistake(value: object) -> None:
    mistake(values.domain, value)


def test_a_public_address_of_the_network_is_taken() -> None:
    assert values.wan4("203.0.113.7") == IPv4Address("203.0.113.7")
    assert values.wan6("2001:db8::7") == IPv6Address("2001:db8::7")


@pytest.mark.parametrize(
    ("read", "value", "reason"),
    [
        (values.wan4, "192.168.1.1", "private (RFC 1918)"),
        (values.wan4, "10.0.0.1", "private (RFC 1918)"),
        (values.wan4, "100.64.1.1", "belongs to the provider (carrier-grade NAT, RFC 6598)"),
        (values.wan4, "169.254.0.1", "link-local (RFC 3927)"),
        (values.wan4, "127.0.0.1", "loopback"),
        (values.wan4, "0.0.0.0", "no host's address"),
        (values.wan4, "224.0.0.1", "no host's address"),
        (values.wan4, "255.255.255.255", "reserved (RFC 1112)"),
        (values.wan4, "192.0.0.2", "the provider's NAT of DS-Lite"),
        (values.wan4, "198.19.0.1", "benchmarks (RFC 2544)"),
        (values.wan6, "fd00::1", "private (RFC 4193)"),
        (values.wan6, "fe80::1", "link-local (RFC 4291)"),
        (values.wan6, "::1", "no host's address"),
        (values.wan6, "ff02::1", "no host's address"),
        (values.wan6, "::ffff:10.0.0.1", "no host's address"),
    ],
)
def test_an_address_that_the_internet_cannot_reach_is_refused_with_the_reason(
    read: Callable[[object], object], value: str, reason: str
) -> None:
    assert reason in mistake(read, value)


@pytest.mark.parametrize(
    ("read", "value"),
    [(values.wan4, "2001:db8::7"), (values.wan6, "203.0.113.7"), (values.wan4, 3_405_803_783)],
)
def test_an_address_of_the_other_family_or_none_is_a_mistake(
    read: Callable[[object], object], value: object
) -> None:
    mistake(read, value)


def test_names_of_views_and_horizons_are_labels() -> None:
    assert values.view_name("lan-2_b") == "lan-2_b"
    assert values.horizon("inside") == "inside"
    for value in ("", "a b", "-a", "é", "a" * 64, "a@b", 7, None):
        mistake(values.view_name, value)
        mistake(values.horizon, value)


@pytest.mark.parametrize("value", values.NO_HORIZONS)
def test_what_stands_beside_horizons_in_a_zone_is_none(value: str) -> None:
    assert "means something else in a zone" in mistake(values.horizon, value)


def test_the_number_of_workers_is_limited() -> None:
    assert values.workers("auto") is None
    assert values.workers(1) == 1
    assert values.workers(values.MAX_WORKERS) == values.MAX_WORKERS
    for value in (0, values.MAX_WORKERS + 1, True, "2", None):
        mistake(values.workers, value)


def test_an_identity_is_a_switch_or_a_text() -> None:
    for value in (True, False, "ns1", "é" * 127):
        assert values.identity(value) == value
    for value in ("", "é" * 128, 1, None):
        mistake(values.identity, value)


def test_a_path_is_any_text() -> None:
    assert values.path("zones/") == "zones/"
    for value in ("", "a\0b", 1, None):
        mistake(values.path, value)


ANYTHING: st.SearchStrategy[Any] = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=30)
    | st.text("0123456789abcdef.:/[]%hms", max_size=24)
    | st.lists(st.none(), max_size=1)
    | st.dictionaries(st.text(max_size=1), st.none(), max_size=1)
)


@given(st.sampled_from(READERS), ANYTHING)
def test_any_value_is_read_or_refused_in_our_words(read: Callable[[object], object], value: object) -> None:
    try:
        read(value)
    except ValueError as error:
        message = str(error)
    else:
        return
    assert message.startswith("expected ")


@given(st.ip_addresses(), st.integers(0, 65535))
def test_every_address_and_port_is_read_as_written(address: IPv4Address | IPv6Address, port: int) -> None:
    assert str(listen(str(Listen(str(address), port)))) == str(Listen(str(address), port))


def test_the_modules_example_is_true() -> None:
    assert doctest.testmod(values).failed == 0


def test_a_network_is_a_prefix_and_not_everybody() -> None:
    assert str(values.network("::ffff:10.8.0.0/120")) == "10.8.0.0/24"
    with pytest.raises(ValueError, match="found 'any'"):
        values.network("any")


@pytest.mark.parametrize(
    ("written", "kind", "addresses"),
    [("drop", "drop", 0), ("0.0.0.0", "address", 1), (["192.0.2.1", "2001:db8::1"], "address", 2)],
)
def test_what_becomes_of_a_lists_names(written: object, kind: str, addresses: int) -> None:
    found = values.blocking(written)
    assert (found.kind.value, len(found.addresses)) == (kind, addresses)


@pytest.mark.parametrize(
    "written", ["records", "tcp", "", [], ["drop"], 7, None, ["192.0.2.1", 7], "fe80::1%eth0"]
)
def test_what_cannot_become_of_a_lists_names(written: object) -> None:
    with pytest.raises(ValueError, match="expected nxdomain"):
        values.blocking(written)

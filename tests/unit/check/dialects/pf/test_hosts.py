"""Hosts, ports and targets as they are written."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf import hosts
from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.values import Filter, HostKind, On
from splitdns.errors import ConfigError


def cursor(text: str) -> Cursor:
    return Cursor(text, "pf.conf", {})


@pytest.mark.parametrize(
    ("text", "kind", "name"),
    [
        ("192.0.2.1", HostKind.PREFIX, "192.0.2.1"),
        ("192.0.2.1/24", HostKind.PREFIX, "192.0.2.0/24"),
        ("10/8", HostKind.PREFIX, "10.0.0.0/8"),
        ("172.16/12", HostKind.PREFIX, "172.16.0.0/12"),
        ("2001:db8::/32", HostKind.PREFIX, "2001:db8::/32"),
        ("fe80::1%em0", HostKind.PREFIX, "fe80::1"),
        ("192.0.2.1 - 192.0.2.9", HostKind.RANGE, "192.0.2.1 - 192.0.2.9"),
        ("192.0.2.1-192.0.2.9", HostKind.RANGE, "192.0.2.1 - 192.0.2.9"),
        ("<bad>", HostKind.TABLE, "bad"),
        ("em0", HostKind.INTERFACE, "em0"),
        ("(egress:network)", HostKind.INTERFACE, "egress"),
        ("self", HostKind.INTERFACE, "self"),
        ("www.example.org", HostKind.INTERFACE, "www.example.org"),
        ("any", HostKind.ANY, "any"),
        ("urpf-failed", HostKind.ASTRAY, "urpf-failed"),
        ("no-route", HostKind.UNKNOWN, "no-route"),
        ('route "vpn"', HostKind.UNKNOWN, "route vpn"),
    ],
)
def test_a_host(text: str, kind: HostKind, name: str) -> None:
    found, negated = hosts.host(cursor(text)), hosts.host(cursor(f"! {text}"))

    assert (found.kind, found.name, found.negated) == (kind, name, False)
    assert negated.negated


def test_an_interface_s_addresses_are_chosen() -> None:
    found = hosts.host(cursor("(em0:network:0)/28"))

    assert (found.modifiers, found.length, found.dynamic) == (("network", "0"), 28, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", [(80, 80)]),
        ("www", [(80, 80)]),
        ("= 80", [(80, 80)]),
        ("!= 80", [(0, 79), (81, 65535)]),
        ("< 1024", [(0, 1023)]),
        ("<= 1024", [(0, 1024)]),
        ("> 1024", [(1025, 65535)]),
        (">= 1024", [(1024, 65535)]),
        ("80:90", [(80, 90)]),
        ("www:https", [(80, 443)]),
        ("80 >< 90", [(81, 89)]),
        ("80 <> 90", [(0, 79), (91, 65535)]),
    ],
)
def test_ports(text: str, expected: list[tuple[int, int]]) -> None:
    assert hosts.ports(cursor(text)).ranges == tuple(expected)


def test_from_and_to_may_each_be_left_out() -> None:
    whole = hosts.from_to(cursor("from { 10/8, !10.0.0.1 } port 53 to em0 port { 80 443 }"), Filter())

    assert [len(whole.sources), len(whole.destinations)] == [2, 1]
    assert whole.source_ports is not None
    assert whole.destination_ports is not None
    assert hosts.from_to(cursor("all"), Filter()) == Filter()
    assert hosts.from_to(cursor("from any to any"), Filter()) == Filter()
    only = hosts.from_to(cursor("to port 80"), Filter())
    assert (only.destinations, only.sources, only.source_ports) == ((), (), None)


def test_a_target() -> None:
    found = hosts.target(cursor("{ 10.0.0.1 10.0.0.2 } port 8080:* round-robin sticky-address static-port"))

    assert [host.name for host in found.hosts] == ["10.0.0.1", "10.0.0.2"]
    assert (found.ports, found.counts, found.static, found.bitmask) == ((8080, 8080), True, True, False)
    assert hosts.target(cursor("em0 port 1000:2000 bitmask")).ports == (1000, 2000)


def test_interfaces() -> None:
    assert hosts.interfaces(cursor("{ em0, !em1 }")) == (On("em0"), On("em1", negated=True))
    assert hosts.interfaces(cursor("any")) == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("192.0.2.1/33", "the length of a prefix"),
        ("192.0.2.300", "expected an address or a name, found '192.0.2.300'"),
        ("192.0.2.9 - 192.0.2.1", "the last address of a range"),
        ("em0:elsewhere", "expected network, broadcast, peer, 0, found 'em0:elsewhere'"),
        ("", "an address, an interface, a table or any, found the end of the line"),
    ],
)
def test_a_wrong_host_is_told(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        hosts.host(cursor(text))


@pytest.mark.parametrize("text", ["70000", "nothing-known", "80:nothing-known", "{"])
def test_a_wrong_port_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="expected a port"):
        hosts.ports(cursor(text))


def test_a_wrong_protocol_is_told() -> None:
    assert hosts.protocol(cursor("tcp")) == hosts.protocol(cursor("6")) == 6
    with pytest.raises(ConfigError, match="expected a protocol"):
        hosts.protocol(cursor("300"))

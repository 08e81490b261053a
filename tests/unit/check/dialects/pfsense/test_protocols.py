"""Protocols and ICMP types by name."""

from __future__ import annotations

from splitdns.check.dialects.pfsense.protocols import families, icmp_types, protocols
from splitdns.check.sets import Numbers


def test_names_are_numbers() -> None:
    assert protocols("tcp/udp", 4) == Numbers.of((6, 6), (17, 17))
    assert protocols("TCP", 4) == protocols("6", 4) == Numbers.one(6)
    assert protocols("icmp", 6) == Numbers.one(58)
    assert protocols("", 4) == protocols("any", 4) == Numbers.of((0, 255))
    assert protocols("nonsense", 4) is None


def test_icmp_types_differ_by_family() -> None:
    assert icmp_types(["echoreq"], 4) == Numbers.one(8)
    assert icmp_types(["echoreq", "echorep"], 6) == Numbers.of((128, 129))
    assert icmp_types(["echoreq", "nonsense"], 4) is None


def test_ipv4_is_meant_where_nothing_is_said() -> None:
    assert [families(text) for text in ("", "inet", "inet6", "inet46")] == [(4,), (4,), (6,), (4, 6)]

from __future__ import annotations

from splitdns.check.mending.spelling import clients_of, ports_of, prefixes_of, ranges_of
from tests.check.gateways import addresses

CLIENTS = addresses("10.0.0.0/8", "192.0.2.1-192.0.2.3", "198.51.100.1")


def test_a_range_of_ports_has_what_the_dialect_puts_between_them() -> None:
    assert (ports_of((80, 80)), ports_of((80, 90)), ports_of((80, 90), ":")) == ("80", "80-90", "80:90")


def test_prefixes_are_as_few_as_there_can_be() -> None:
    assert prefixes_of(4, CLIENTS) == ["10.0.0.0/8", "192.0.2.1/32", "192.0.2.2/31", "198.51.100.1/32"]
    assert prefixes_of(6, addresses("2001:db8::/32")) == ["2001:db8::/32"]


def test_ranges_have_a_first_and_a_last() -> None:
    assert [*ranges_of(4, CLIENTS)] == ["10.0.0.0-10.255.255.255", "192.0.2.1-192.0.2.3", "198.51.100.1"]


def test_clients_are_prefixes_or_ranges() -> None:
    assert [*clients_of(4, CLIENTS)] == ["10.0.0.0/8", "192.0.2.1-192.0.2.3", "198.51.100.1"]

from __future__ import annotations

from collections.abc import Callable

import pytest

from splitdns.check.dialects.vyos import values
from splitdns.check.dialects.vyos.values import Wrong
from splitdns.check.model import Interfaces, Side
from splitdns.check.sets import PORTS, Numbers
from tests.check.gateways import addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", addresses("192.0.2.1")),
        ("192.0.2.9/24", addresses("192.0.2.0/24")),
        ("192.0.2.1-192.0.2.9", addresses("192.0.2.1-192.0.2.9")),
        ("!192.0.2.0/24", addresses("0.0.0.0/0") - addresses("192.0.2.0/24")),
    ],
)
def test_addresses(text: str, expected: Numbers) -> None:
    assert values.addresses(text, 4) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("80", Numbers.one(80)),
        ("80,443,8000-8010", Numbers.of((80, 80), (443, 443), (8000, 8010))),
        ("!22,ssh", PORTS - Numbers.one(22)),
        ("https", Numbers.one(443)),
        ("frobnicate", None),
    ],
)
def test_ports(text: str, expected: Numbers | None) -> None:
    assert values.ports(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tcp_udp", Numbers.of((6, 6), (17, 17))),
        ("!tcp", Numbers.of((0, 5), (7, 255))),
        ("47", Numbers.one(47)),
        ("GRE", Numbers.one(47)),
        ("all", Numbers.of((0, 255))),
        ("frobnicate", None),
    ],
)
def test_protocols(text: str, expected: Numbers | None) -> None:
    assert values.protocols(text) == expected


def test_interfaces() -> None:
    assert values.interfaces("any", Side.SOURCE) is None
    assert values.interfaces("eth+", Side.SOURCE) == Interfaces(Side.SOURCE, frozenset({"eth*"}))
    assert values.interfaces("!eth0", Side.SOURCE) == Interfaces(Side.SOURCE, frozenset({"eth0"}), True)


def test_types_of_icmp() -> None:
    assert values.icmp_type("echo-request", 4) == (8, None)
    assert values.icmp_type("echo-request", 6) == (128, None)
    assert values.icmp_type("3/4", 4) == (3, 4)
    assert values.icmp_type("frobnicate", 4) is None


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (lambda text: values.addresses(text, 4), "2001:db8::1"),
        (lambda text: values.addresses(text, 4), "192.0.2.9-192.0.2.1"),
        (lambda text: values.addresses(text, 4), "192.0.2.1-2001:db8::1"),
        (values.ports, "65536"),
        (values.ports, "90-80"),
        (values.ports, ""),
        (values.prefix, "192.0.2.0/33"),
        (values.address, "here"),
        (values.interface_address, "here/24"),
        (lambda text: values.icmp_type(text, 4), "256"),
        (lambda text: values.whole(text, 9, "a digit"), "10"),
    ],
)
def test_what_is_no_value_is_wrong(read: Callable[[str], object], text: str) -> None:
    with pytest.raises(Wrong):
        read(text)

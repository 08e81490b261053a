"""Values of properties: addresses, ranges, ports, protocols, times."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.routeros import values
from splitdns.check.dialects.routeros.config import Item
from splitdns.check.sets import PORTS, Numbers
from splitdns.errors import ConfigError
from tests.check.gateways import addresses
from tests.check.routeros import config


def item(words: str) -> Item:
    return config(f"/x\nadd {words}").items["x"][0]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("192.0.2.9/24", "192.0.2.0/24"),
        ("192.0.2.1-192.0.2.9", "192.0.2.1-192.0.2.9"),
    ],
)
def test_addresses_are_single_ones_prefixes_and_ranges(text: str, meant: str) -> None:
    assert values.address_range(text, 4) == addresses(meant)
    assert values.addresses(item(f"a=!{text}"), "a", 4) == addresses("0.0.0.0/0") - addresses(meant)


@pytest.mark.parametrize(
    "text", ["192.0.2.9-192.0.2.1", "192.0.2.1-2001:db8::1", "2001:db8::/32", "x", "1.2.3.4/33"]
)
def test_what_is_none_of_them_is_no_address_of_ipv4(text: str) -> None:
    assert values.address_range(text, 4) is None
    with pytest.raises(ConfigError, match=r"gateway\.rsc:2:5: expected an IPv4 address"):
        values.addresses(item(f"a={text}"), "a", 4)


def test_ports_are_lists_of_ranges() -> None:
    several = Numbers.of((80, 80), (443, 443), (8000, 8100))

    assert values.number_ranges(item("a=80,443,8000-8100"), "a", 65_535) == several
    assert values.number_ranges(item("a=!1-65535"), "a", 65_535) == PORTS - Numbers.of((1, 65_535))


@pytest.mark.parametrize("text", ["65536", "9-8", "x", "1,,2", "-1", "1-x", "٣"])
def test_what_is_no_list_of_ports_is_told(text: str) -> None:
    with pytest.raises(ConfigError, match="as a, found"):
        values.number_ranges(item(f'a="{text}"'), "a", 65_535)


def test_protocols_have_names_and_numbers() -> None:
    assert values.protocols(item("protocol=ipsec-esp")) == Numbers.one(50)
    assert 6 not in values.protocols(item("protocol=!6"))
    with pytest.raises(ConfigError, match="a protocol's name or number"):
        values.protocols(item("protocol=256"))


def test_an_interface_s_address_has_a_network() -> None:
    with_mask = values.interface_address(item("address=192.0.2.1 netmask=255.255.255.0"), 4)
    beside = values.interface_address(item("address=10.0.0.1 network=10.0.0.2"), 4)

    assert str(with_mask[1]) == "192.0.2.0/24"
    assert str(beside[1]) == "10.0.0.2/32"
    for words in ("address=x", "address=2001:db8::1/64", "address=192.0.2.1/24 network=y"):
        with pytest.raises(ConfigError, match="as address, found"):
            values.interface_address(item(words), 4)


def test_prefixes_and_single_addresses_are_told_apart() -> None:
    assert str(values.prefix(item("a=10.0.0.0/8"), "a", 4)) == "10.0.0.0/8"
    assert str(values.one_address(item("a=10.0.0.1"), "a")) == "10.0.0.1"
    with pytest.raises(ConfigError, match="expected an address as a"):
        values.one_address(item("a=10.0.0.0/8"), "a")
    with pytest.raises(ConfigError, match="an IPv6 prefix"):
        values.prefix(item("a=10.0.0.0/8"), "a", 6)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5m", 300),
        ("1d", 86_400),
        ("1d00:05:00", 86_700),
        ("1w2d3h4m5s", 788_645),
        ("300", 300),
        ("00:01:00", 60),
    ],
)
def test_times_count_seconds(text: str, meant: int) -> None:
    assert values.seconds(text) == meant


@pytest.mark.parametrize("text", ["", "x", "5y", "1:2:3:4"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert values.seconds(text) is None


def test_a_host_s_name_is_no_address() -> None:
    assert values.is_name("a1b2.sn.mynetname.net")
    assert not values.is_name("192.0.2.999")
    assert not values.is_name("a b")

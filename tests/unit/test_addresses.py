"""Which addresses are inside ones, in any of their disguises."""

import ipaddress

import pytest

from splitdns.addresses import is_inside


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255",
        "169.254.1.1", "127.0.0.1", "0.0.0.0", "::1", "::", "fc00::1", "fdff::1", "fe80::1", "febf::1",
        "::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b:1::10.0.0.1", "2002:0a00:0001::1",
    ],
)  # fmt: skip
def test_an_inside_address_is_seen(address: str) -> None:
    assert is_inside(ipaddress.ip_address(address).packed)


@pytest.mark.parametrize(
    "address",
    [
        "9.255.255.255", "11.0.0.0", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
        "100.63.255.255", "100.128.0.0", "169.253.255.255", "203.0.113.7", "2001:db8::1", "fec0::1",
        "fbff::1", "::ffff:203.0.113.7", "64:ff9b::203.0.113.7", "2002:cb00:7107::1",
    ],
)  # fmt: skip
def test_an_outside_address_is_let_be(address: str) -> None:
    assert not is_inside(ipaddress.ip_address(address).packed)

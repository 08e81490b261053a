"""Static leases are hosts."""

from __future__ import annotations

import pytest

from tests.check.gateways import own
from tests.check.openwrt.routers import DEFAULTS, ZONES, device, section

WEB = section("host", name="web", mac="02:00:00:00:00:01", ip="192.168.1.20")


def test_a_lease_is_a_host_of_its_network() -> None:
    ignored = section("host", name="off", ip="ignore")
    elsewhere = section("host", name="far", ip="172.16.0.1")
    again = section("host", name="web", ip="192.168.1.21")

    itself = section("host", name="router", ip="192.168.1.1")

    found = device(DEFAULTS, ZONES, dhcp=WEB + ignored + elsewhere + again + itself).hosts
    assert [(one.name, one.addresses) for one in found] == [
        ("web", (own("192.168.1.20/24"),)),
        ("192.168.1.21", (own("192.168.1.21/24"),)),
    ]
    assert str(found[0].where) == "dhcp:1:1"


def test_a_lease_of_no_address_is_told() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(DEFAULTS, ZONES, dhcp=section("host", ip="web"))

    assert str(caught.value.exceptions[0]) == "dhcp:2:12: expected an address as ip, found 'web'"

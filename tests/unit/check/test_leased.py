from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.leased import with_leased
from splitdns.check.model import Network, Route
from splitdns.load.wansources import Value
from tests.check.gateways import LAN, interface, own

BARE = interface("wan", uplink=True)
DEFAULT = Route(ip_network("0.0.0.0/0"), "wan")
NETWORK = Network((LAN, BARE), (DEFAULT,))
WAN = {4: Value(ip_address("203.0.113.7")), 6: Value(None, "not known")}


def test_an_uplink_without_an_address_has_the_one_that_the_configuration_knows() -> None:
    found = with_leased(NETWORK, WAN).interface("wan")

    assert found is not None
    assert found.addresses == (own("203.0.113.7/32", dynamic=True),)


@pytest.mark.parametrize(
    "network",
    [
        replace(NETWORK, interfaces=(LAN, interface("wan", "198.51.100.7/24", uplink=True))),
        replace(NETWORK, interfaces=(LAN, BARE, interface("other", uplink=True))),
        replace(NETWORK, interfaces=(interface("lan", "203.0.113.7/24"), BARE)),
        replace(NETWORK, interfaces=(LAN, replace(BARE, up=False))),
        replace(NETWORK, routes=()),
        replace(NETWORK, routes=(Route(ip_network("::/0"), "wan"),)),
    ],
    ids=["has one", "several uplinks", "elsewhere", "down", "no route", "route of IPv6"],
)
def test_an_address_is_not_guessed(network: Network) -> None:
    assert with_leased(network, WAN) == network


def test_a_link_s_own_address_is_none_to_send_with() -> None:
    routes = (Route(ip_network("::/0"), "wan"),)
    network = Network((LAN, interface("wan", "fe80::1/64", uplink=True)), routes)

    found = with_leased(network, {6: Value(ip_address("2001:db8::7"))}).interface("wan")

    assert found is not None
    assert [str(one.address) for one in found.addresses] == ["fe80::1", "2001:db8::7"]

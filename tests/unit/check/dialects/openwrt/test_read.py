"""The whole router, from several texts."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.openwrt.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Network, Support
from tests.check.openwrt.routers import DEFAULTS, NETWORK, ZONES, device, section, usual


def test_one_export_is_the_same_as_its_files() -> None:
    export = f"package network\n\n{NETWORK}\npackage firewall\n\n{DEFAULTS}{ZONES}"

    found, files = read([Printed(export, "router.uci")], Network()), usual()
    assert found.network == files.network
    assert [one.name for one in found.ruleset.chains] == [one.name for one in files.ruleset.chains]
    assert found.ruleset.rules == 3  # forwardings


def test_without_a_firewall_there_is_nothing_to_check() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        read([Printed(NETWORK, "network")], Network())

    assert str(caught.value.exceptions[0]) == (
        "network:1:1: expected the package firewall (/etc/config/firewall) among the texts, found network"
    )


def test_the_uplink_is_where_a_default_route_leads_or_what_masquerades() -> None:
    def uplinks(network: str) -> list[str]:
        return [one.name for one in device(DEFAULTS, ZONES, network=network).network.interfaces if one.uplink]

    assert uplinks(NETWORK) == ["eth0"]
    assert uplinks(NETWORK.replace("\toption gateway '203.0.113.1'\n", "")) == ["eth0"]
    wg = section("interface", "wg", proto="wireguard") + section("route", interface="wg", target="0.0.0.0/0")
    assert uplinks(NETWORK.replace("\toption gateway '203.0.113.1'\n", "") + wg) == ["wg"]


@pytest.mark.parametrize(
    ("text", "support", "name"),
    [
        ("config include\n\toption path '/etc/firewall.user'\n", Support.IGNORED, "include"),
        ("config include\n\toption path '/etc/my.sh'\n", Support.REFUSED, "include"),
        ("config include\n\toption path 'x'\n\toption enabled '0'\n", Support.IGNORED, "include"),
        ("config include\n\toption type 'nftables'\n\toption path 'x'\n", Support.REFUSED, "include"),
        ("config cow\n", Support.IGNORED, "config cow"),
        ("package upnpd\nconfig upnpd\n", Support.REFUSED, "package upnpd"),
        ("package system\nconfig system\n", Support.IGNORED, "package system"),
    ],
)
def test_what_is_not_read_is_noted(text: str, support: Support, name: str) -> None:
    found = device(DEFAULTS, ZONES, text).ruleset.notes

    assert (support, name) in {(one.support, one.name) for one in found}

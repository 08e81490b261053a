"""What the rules of a router tell of its zones and redirects."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.changes import Forward
from splitdns.check.mending.fw4 import Fw4
from tests.check.openwrt.routers import gateway, redirect, section

WAN, WEB = ip_address("203.0.113.2"), ip_address("192.168.1.20")
SERVICE = Forward(WAN, "tcp", (443, 443), WEB, (443, 443))


def fw4(*more: str) -> Fw4:
    return Fw4(gateway(*more))


def test_zones_have_their_devices() -> None:
    found = fw4()

    assert found.zones == {"lan": {"br-lan"}, "dmz": {"lan3"}, "guest": {"lan4"}, "wan": {"eth0"}}
    assert (found.outside, found.inside()) == ("wan", ["lan", "dmz", "guest"])
    assert found.zone_towards(ip_address("10.0.0.20")) == "dmz"
    assert found.zone_towards(ip_address("198.51.100.1")) == "wan"
    assert found.masquerades("wan", 4)
    assert not found.masquerades("wan", 6)
    assert not found.masquerades("lan", 4)


def test_an_address_is_a_zone_s_own_or_may_be() -> None:
    assert fw4().is_own("wan", WAN)
    assert not fw4().is_own("wan", ip_address("203.0.113.9"))
    assert fw4().is_own("wan", ip_address("2001:db8::1"))


def test_a_redirect_is_found_by_where_it_leads() -> None:
    named = redirect().replace("config redirect", "config redirect 'web'")

    found = fw4(named).redirect_to(SERVICE)
    assert found is not None
    assert (found.id, found.options["dest_ip"]) == ("firewall.web", "192.168.1.20")
    assert fw4(redirect("192.168.1.21"), named).redirect_to(SERVICE) is None
    assert fw4(redirect(src_dport="80")).redirect_to(SERVICE) is None
    assert fw4(redirect(dest_port="444")).redirect_to(SERVICE) is None


def test_one_without_a_name_is_counted_from_the_end() -> None:
    found = fw4(redirect(), redirect(src_dport="80"), redirect(enabled="0")).redirect_to(SERVICE)

    assert found is not None
    assert found.id == "firewall.@redirect[-3]"


@pytest.mark.parametrize(
    ("chain", "zones"),
    [
        ("forward", ["*"]),
        ("handle_reject", ["*"]),
        ("forward_guest", ["guest"]),
        ("accept_to_dmz", ["lan"]),
        ("drop_to_lan", ["wan"]),
        ("input", []),
    ],
)
def test_a_chain_is_reached_from_zones(chain: str, zones: list[str]) -> None:
    rule = section("rule", src="wan", dest="lan", proto="esp", target="DROP")

    assert fw4(rule).sources_of(chain) == zones

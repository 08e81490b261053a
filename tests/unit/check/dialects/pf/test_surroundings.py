"""What names mean in a network."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.dialects.pf import hosts
from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.surroundings import Surroundings
from splitdns.check.dialects.pf.values import Host, Table
from splitdns.check.model import Network, Route
from splitdns.check.sets import shown_addresses
from tests.check.gateways import interface
from tests.check.pf import NETWORK


def several(text: str) -> list[Host]:
    cursor = Cursor(text, "pf.conf", {})
    return cursor.several(lambda: hosts.host(cursor))


TABLES = {"t": Table(tuple(several("{ 10/8 !10.1/16 10.1.0.1 }"))), "open": Table((), "somebody fills it")}
AROUND = Surroundings(NETWORK, TABLES, ["bad"])


def meant(text: str, family: int = 4) -> str | None:
    found = AROUND.meant(several(text), family)
    return None if found is None else shown_addresses(family, found.numbers) + found.unknown


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("192.0.2.0/24", "192.0.2.0-192.0.2.255"),
        ("{ 192.0.2.1 192.0.2.2 }", "192.0.2.1-192.0.2.2"),
        ("192.0.2.1 - 192.0.2.5", "192.0.2.1-192.0.2.5"),
        ("em1", "192.168.1.1"),
        ("em1:network", "192.168.1.0-192.168.1.255"),
        ("em1:broadcast", "192.168.1.255"),
        ("(em1)/30", "192.168.1.0-192.168.1.3"),
        ("egress:0", "203.0.113.7"),
        ("inside", "192.168.1.1, 192.168.20.1"),
        ("em", "192.168.1.1, 192.168.20.1, 203.0.113.7"),
        ("self", "127.0.0.1, 192.168.1.1, 192.168.20.1, 203.0.113.7"),
        ("lo0", "127.0.0.1"),
        ("<t>", "10.0.0.0-10.0.255.255, 10.1.0.1, 10.2.0.0-10.255.255.255"),
        ("! 0.0.0.0/1", "128.0.0.0-255.255.255.255"),
        ("{ any }", "any address"),
        ("<bad>", ""),
    ],
)
def test_addresses(text: str, addresses: str) -> None:
    assert meant(text) == addresses


def test_a_list_may_have_nothing_of_a_family() -> None:
    assert meant("192.0.2.1", 6) is None
    assert meant("{ 192.0.2.1 2001:db8::1 }", 6) == "2001:db8::1"
    assert meant("em1:0", 6) == "2001:db8:1::1"


@pytest.mark.parametrize(
    "text", ["<open>", "<nobody-defined-it>", "www.example.org", "no-route", "em7", "em0:peer"]
)
def test_what_is_not_known_is_told_by_name(text: str) -> None:
    found = AROUND.meant(several(text), 4)

    assert found is not None
    assert found.unknown
    assert len(AROUND.told()) == 1
    assert AROUND.told() == []


def test_an_address_in_brackets_that_may_change_is_followed() -> None:
    leased = Network((interface("em0", "203.0.113.7/24", uplink=True),))
    assert AROUND.meant(several("(em0)"), 4) == AROUND.meant(several("em0"), 4)
    assert Surroundings(leased, {}, []).meant(several("(egress)"), 4) is not None


def test_names_of_interfaces() -> None:
    assert AROUND.names("em1") == (frozenset({"em1"}), "")
    assert AROUND.names("inside") == (frozenset({"em1", "em2"}), "")
    assert AROUND.names("em") == (frozenset({"em0", "em1", "em2"}), "")
    assert AROUND.names("egress") == (frozenset({"em0"}), "")
    assert AROUND.names("lo0") == AROUND.names("lo") == (frozenset({"lo", "lo0"}), "")
    assert AROUND.names("wg0") == (frozenset({"wg0"}), "")


def test_groups_are_not_known_where_no_source_tells_them() -> None:
    ungrouped = Surroundings(Network((interface("em0", "203.0.113.7/24"),)), {}, [])

    names, why = ungrouped.names("dmz")
    assert (names, why) == (frozenset({"dmz*"}), "no source tells the interfaces of the group dmz")


def test_what_has_no_route_is_nobody_where_a_default_route_leads_everywhere() -> None:
    routed = Network(NETWORK.interfaces, (Route(ip_network("0.0.0.0/0"), "em0"),))
    around = Surroundings(routed, {}, [])

    (v4, v6) = (around.meant(several("no-route"), family) for family in (4, 6))
    assert v4 is not None
    assert v6 is not None
    assert (v4.unknown, bool(v6.unknown)) == ("", True)

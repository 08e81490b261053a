"""Sources and destinations of rules as conditions."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.pfsense.aliases import Aliases
from splitdns.check.dialects.pfsense.config import Config, Flavour
from splitdns.check.dialects.pfsense.endpoints import LOOPED, PROXIED, Endpoints, Meant, Missing
from splitdns.check.dialects.pfsense.faces import faces_of
from splitdns.check.model import (
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Mark,
    Network,
    Ports,
    Side,
    Unknown,
)
from splitdns.check.sets import Numbers, shown_addresses
from splitdns.errors import Problems
from tests.check.pfsense.configs import LAN, LEASED_WAN, WAN, config

ALIASES = (
    "<aliases><alias><name>web</name><type>host</type><address>192.168.1.20</address></alias>"
    "<alias><name>list</name><type>urltable</type><address>x</address></alias>"
    "<alias><name>high</name><type>port</type><address>8000:8010</address></alias></aliases>"
)


def ends(interfaces: str = WAN + LAN) -> Endpoints:
    root = xml_places.read(config(interfaces=interfaces, more=ALIASES), "f")
    found = Config(root, Flavour.PFSENSE, Problems(), [])
    return Endpoints(found, faces_of(found, Network()), Aliases(found))


def where(text: str, of: Endpoints | None = None, family: int = 4) -> Meant:
    element = xml_places.read(f"<destination>{text}</destination>", "f")
    found = (of or ends()).addresses(element, Side.DESTINATION, family)
    assert isinstance(found, Meant)
    return found


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<any/>", "any address"),
        ("<network>lan</network>", "192.168.1.0-192.168.1.255"),
        ("<network>lanip</network>", "192.168.1.1"),
        ("<network>wanip</network>", "203.0.113.7"),
        ("<address>10.0.0.0/30</address>", "10.0.0.0-10.0.0.3"),
        ("<address>web</address>", "192.168.1.20"),
        ("<address>10.0.0.1,10.0.0.3</address>", "10.0.0.1, 10.0.0.3"),
    ],
)
def test_what_is_known_is_addresses(text: str, shown: str) -> None:
    found = where(text)

    assert (shown_addresses(4, found.numbers), found.maybe) == (shown, ())


def test_a_negated_one_is_all_others_of_its_family() -> None:
    found = where("<not/><address>10.0.0.1</address>")

    (condition,) = found.conditions(Side.DESTINATION, 4) or ()
    assert isinstance(condition, Addresses)
    assert condition.numbers.size == 2**32 - 1
    assert where("<address>10.0.0.1</address>", family=6).conditions(Side.DESTINATION, 6) is None


def test_the_gateway_itself_is_what_is_local() -> None:
    (condition,) = where("<network>(self)</network>").conditions(Side.DESTINATION, 4) or ()

    assert condition == AnyOf(((AddressTypes(Side.DESTINATION, frozenset({"local"})),),))


def test_a_leased_address_may_be_any_that_is_nobody_else_s() -> None:
    found = where("<network>wanip</network>", ends(LEASED_WAN + LAN))

    (kind, others), (_, _, unsure) = found.maybe
    assert kind == AddressTypes(Side.DESTINATION, frozenset({"local"}))
    assert isinstance(unsure, Unknown)
    assert isinstance(others, Addresses)
    assert int("c0a80101", 16) not in others.numbers
    assert where("<network>wan</network>", ends(LEASED_WAN + LAN)).maybe == (
        (Unknown("the network of wan is told by a lease"),),
    )


def test_a_list_that_is_fetched_may_hold_anybody() -> None:
    (condition,) = where("<not/><address>list</address>").conditions(Side.DESTINATION, 4) or ()

    assert isinstance(condition, AnyOf)
    assert condition.negated


def test_tables_of_the_device_may_hold_anybody() -> None:
    assert where("<network>bogons</network>").maybe == (
        (Unknown("what is in bogons is known to the device only"),),
    )
    assert where("<network>__lan_network</network>").numbers == where("<network>lan</network>").numbers


@pytest.mark.parametrize("text", ["<address>nobody</address>", "<network/>", "<network>opt9</network>"])
def test_a_name_of_nothing_is_missing(text: str) -> None:
    element = xml_places.read(f"<source>{text}</source>", "f")

    assert isinstance(ends().addresses(element, Side.SOURCE, 4), Missing)


def test_ports_are_numbers_names_and_ranges() -> None:
    found = ends()

    assert found.ports("high") == (Numbers.of((8000, 8010)), "")
    assert found.port_conditions("any", Side.SOURCE) == ()
    assert found.port_conditions("1-65535", Side.SOURCE) == ()
    assert found.port_conditions("80", Side.SOURCE) == (Ports(Side.SOURCE, Numbers.one(80)),)
    assert isinstance(found.port_conditions("nothing", Side.SOURCE), Missing)


def seen(text: str, port: str = "") -> list[list[Condition]]:
    found = ends()
    found.loops = True
    conditions = found.seen_by_filter(where(text, found), port, 4)
    assert isinstance(conditions, tuple)
    (condition,) = conditions
    assert isinstance(condition, AnyOf)
    return [list(one) for one in condition.alternatives]


def test_what_was_led_to_loopback_is_seen_there() -> None:
    marks = [[one.mask for one in way if isinstance(one, Mark)] for way in seen("<any/>")]

    assert marks == [[LOOPED | PROXIED], [LOOPED], [PROXIED]]
    assert len(seen("<network>lan</network>")) == 1
    assert len(seen("<network>(self)</network>")) == 3
    assert len(seen("<any/>", "53")) == 2  # the proxy is at another port
    assert len(seen("<not/><network>lan</network>")) == 3

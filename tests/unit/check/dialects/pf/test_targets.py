"""Where translations lead."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from splitdns.check.dialects.pf import hosts
from splitdns.check.dialects.pf.cursor import Cursor
from splitdns.check.dialects.pf.sifting import Changed
from splitdns.check.dialects.pf.surroundings import Surroundings
from splitdns.check.dialects.pf.targets import changed, translation
from splitdns.check.dialects.pf.values import Filter, On
from splitdns.check.model import (
    Action,
    Masquerade,
    Netmap,
    Opaque,
    Redirect,
    Side,
    Translate,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses
from tests.check.pf import NETWORK

AROUND = Surroundings(NETWORK, {}, [])
IN, OUT = Side.DESTINATION, Side.SOURCE
RANGE = Numbers.of((8000, 8009))


def target(text: str, side: Side, family: int = 4, when: Filter | None = None) -> Action | None:
    found = hosts.target(Cursor(text, "pf.conf", {}))
    return translation(found, side, family, (when or Filter(destination_ports=RANGE),), AROUND)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.5", Translate(IN, addresses("10.0.0.5"))),
        ("10.0.0.5 port 80", Translate(IN, addresses("10.0.0.5"), Numbers.one(80))),
        ("10.0.0.5 port 80:*", Translate(IN, addresses("10.0.0.5"), Numbers.of((80, 89)), 8000)),
        ("10.0.0.5 port 80:84", Translate(IN, addresses("10.0.0.5"), Numbers.of((80, 84)), 8000)),
        ("{ 10.0.0.5 10.0.0.7 }", Translate(IN, addresses("10.0.0.5", "10.0.0.7"))),
        ("127.0.0.1 port 8025", Redirect(Numbers.one(8025))),
        ("10.0.0.0/24 bitmask", Netmap(IN, ip_network("10.0.0.0/24"))),
    ],
)
def test_destinations(text: str, expected: Action) -> None:
    assert target(text, IN) == expected


def test_sources() -> None:
    assert target("(egress:0)", OUT) == Translate(OUT, addresses("203.0.113.7"))
    assert target("(egress)", OUT, 6) == Translate(OUT, Numbers.one(int(ip_network("2001:db8::7")[0])))
    assert target("192.0.2.1", OUT, 6) is None
    assert target("(em1)", OUT, 6) is not None


def test_an_interface_without_a_known_address_gives_its_own() -> None:
    assert target("(tun0)", OUT, when=Filter(on=(On("tun0"),))) == Masquerade()
    assert isinstance(target("(tun0)", OUT), Opaque)
    assert target("(tun0)", IN, when=Filter(on=(On("tun0"),))) == Redirect()


def test_what_later_rules_see() -> None:
    web = addresses("10.0.0.5")
    assert changed(Translate(IN, web, RANGE), IN) == Changed(IN, web, RANGE)
    assert changed(Translate(IN, None, RANGE, 80), IN).unknown
    assert changed(Masquerade(), OUT).unknown

from __future__ import annotations

from splitdns.check.boundaries import boundaries, internet
from splitdns.check.model import Accept, AnyOf, Hook
from splitdns.check.neighbours import Neighbours
from splitdns.check.terrain import Terrain
from tests.check.gateways import addresses, dnat, filtering, gateway, rule, source, to


def test_all_that_rules_and_routes_tell_apart() -> None:
    some = gateway(
        filtering(
            Hook.FORWARD,
            rule(Accept(), source("198.51.100.7")),
            rule(dnat("198.51.100.20")),
            rule(Accept(), AnyOf(((to("198.51.100.40"),),))),
        )
    )
    terrain = Terrain(some.network, 4)
    found = boundaries(some, terrain, Neighbours(some, terrain))
    by_rules = "198.51.100.7", "198.51.100.8", "198.51.100.20", "198.51.100.41"
    for text in (*by_rules, "192.168.1.0", "192.168.1.20"):
        assert addresses(text).first in found, text
    assert found == sorted(set(found))


def test_the_internet_is_what_is_not_inside() -> None:
    numbers = internet(Terrain(gateway().network, 4))
    assert addresses("198.51.100.9") <= numbers
    for text in ("192.168.7.7", "203.0.113.2", "224.0.0.1", "127.0.0.1"):
        assert not addresses(text) & numbers, text



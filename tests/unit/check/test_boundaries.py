from __future__ import annotations

from splitdns.check.boundaries import cuts, internet
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
    found = cuts(some, terrain, Neighbours(some, terrain))
    signs = {
        text: next(found.pieces(addresses(text)))[2]
        for text in (
            *("198.51.100.7", "198.51.100.20", "198.51.100.40", "198.51.100.50"),
            *("192.168.1.7", "192.168.1.20", "192.168.1.1", "10.0.0.7"),
        )
    }
    assert len(set(signs.values())) == len(signs)
    assert next(found.pieces(addresses("198.51.100.99")))[2] == signs["198.51.100.50"]


def test_the_internet_is_what_is_not_inside() -> None:
    numbers = internet(Terrain(gateway().network, 4))
    assert addresses("198.51.100.9") <= numbers
    for text in ("192.168.7.7", "203.0.113.2", "224.0.0.1", "127.0.0.1"):
        assert not addresses(text) & numbers, text



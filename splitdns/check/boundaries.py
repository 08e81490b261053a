"""Where a client's address begins to be treated differently: by a rule, a route, a host, a tunnel."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from splitdns.addresses import INSIDE_PREFIXES
from splitdns.check.cuts import Cuts
from splitdns.check.model import Gateway
from splitdns.check.neighbours import Neighbours
from splitdns.check.rules import Action, Addresses, AnyOf, Condition, Netmap, Original, Translate
from splitdns.check.sets import Numbers, Prefix, all_addresses, numbers_of
from splitdns.check.terrain import Terrain

_NO_HOSTS: dict[int, tuple[Prefix, ...]] = {4: (ip_network("224.0.0.0/3"),), 6: (ip_network("ff00::/8"),)}


def cuts(gateway: Gateway, terrain: Terrain, neighbours: Neighbours) -> Cuts:
    """Everything that tells one address of ``terrain``'s family from another."""
    sets = [*terrain.told_apart()]
    for chain in gateway.ruleset.chains:
        if terrain.family in chain.families:
            for rule in chain.rules:
                if terrain.family in rule.families:
                    sets += _asked(rule.conditions)
                    sets += _given(rule.action)
    return Cuts(sets, (*terrain.tables(), *neighbours.tables()))


def _asked(conditions: Iterable[Condition]) -> Iterator[Numbers]:
    for one in conditions:
        match one:
            case Addresses(_, numbers) | Original(_, Numbers() as numbers):
                yield numbers
            case AnyOf(alternatives):
                for clause in alternatives:
                    yield from _asked(clause)
            case _:
                pass


def _given(action: Action) -> Iterator[Numbers]:
    match action:
        case Translate(_, Numbers() as numbers):
            yield numbers
        case Netmap(_, prefix):
            yield numbers_of(prefix)
        case _:
            pass


def internet(terrain: Terrain) -> Numbers:
    """The addresses that are somebody's on the internet, none of the gateway's networks."""
    inside = (one for one in INSIDE_PREFIXES if one.version == terrain.family)
    ours = (
        own.prefix
        for face in terrain.interfaces.values()
        for own in face.addresses
        if own.address.version == terrain.family
    )
    nobodys = numbers_of(*inside, *ours, *_NO_HOSTS[terrain.family])
    return all_addresses(terrain.family) - nobodys

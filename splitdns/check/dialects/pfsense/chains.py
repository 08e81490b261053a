"""The chains that a configuration makes: translation, the filter of each interface, and the way out.

A packet meets the rules of the interface by which it came, after the translation of its destination, whether
it is for the gateway or beyond. Each interface has four chains, one leading to the next, so that a change
knows where it must stand: ``auto wan``, what the device itself puts first; ``floating wan``, the floating
rules that are quick; ``group wan``, those of its groups; ``wan``, its own, and what is asked last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import ip_network

from splitdns.check.dialects.pfsense.config import is_on
from splitdns.check.dialects.pfsense.endpoints import PASSED, PROXIED, Endpoints
from splitdns.check.dialects.pfsense.faces import Face
from splitdns.check.dialects.pfsense.filters import Filtered
from splitdns.check.dialects.pfsense.services import admin_ports
from splitdns.check.model import (
    ICMP6,
    TCP,
    Accept,
    Addresses,
    AddressTypes,
    Chain,
    Condition,
    Drop,
    Goto,
    Hook,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Origin,
    Ports,
    Priority,
    Protocols,
    Route,
    Rule,
    Side,
    State,
    States,
    TcpFlags,
    Unknown,
)
from splitdns.check.sets import Numbers, numbers_of

AFTER_NAT = 150  # of postrouting: pf's filter sees sources as they leave
_SYN, _SYN_ACK = 0x02, 0x12
_REPLIES = States(frozenset({State.ESTABLISHED, State.RELATED}))
_PRIVATE = {
    4: numbers_of(*map(ip_network, ("10.0.0.0/8", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"))),
    6: numbers_of(ip_network("fc00::/7")),
}
_LINK_LOCAL = numbers_of(ip_network("169.254.0.0/16"))
_NEEDED_ICMP6 = Numbers.of((1, 2), (135, 136))  # unreachable, too big, neighbours (RFC 4890 4.3.1)


def filter_chains(
    ends: Endpoints, filters: Sequence[Filtered], routes: Sequence[Route]
) -> Iterator[Chain]:
    """The base chains of input and forward, those of each interface, and that of the way out."""
    bypassed = tuple(_bypassed(ends, routes))
    table = f"{ends.config.flavour.value} filter"
    place = ends.config.root.child("filter") or ends.config.root
    made = Origin(place.where, made_by="default")
    for hook in (Hook.INPUT, Hook.FORWARD):
        rules = tuple(_first(ends, made, bypassed))
        yield Chain(table, hook.value, rules, hook, Priority.FILTER, accepts=False)
    for key, face in ends.faces.all.items():
        automatic = (*_automatic(ends, face, made), Rule((), Goto(f"floating {key}"), made))
        yield Chain(table, f"auto {key}", automatic)
        quick = [one for one in filters if one.inwards and one.quick and one.is_on(key)]
        before = [one.rule for one in quick if one.floating]
        yield Chain(table, f"floating {key}", (*before, Rule((), Goto(f"group {key}"), made)))
        groups = [one.rule for one in quick if one.of_group and not one.floating]
        yield Chain(table, f"group {key}", (*groups, Rule((), Goto(key), made)))
        own = [one.rule for one in quick if not one.floating and not one.of_group]
        last = [one.rule for one in filters if one.inwards and not one.quick and one.is_on(key)]
        yield Chain(table, key, (*own, *bypassed, *reversed(last), *_at_last(ends, made)))
    outwards = [one for one in filters if one.outwards]
    if outwards:
        yield _out(table, outwards, made)


def _named(made: Origin, words: str) -> Origin:
    return Origin(made.where, words, made.made_by)


def _first(ends: Endpoints, made: Origin, bypassed: Sequence[Rule]) -> Iterator[Rule]:
    """What has a state passes; TCP that begins no connection and has none does not, but between routers."""
    yield Rule((_REPLIES,), Accept(), _named(made, "keep state"))
    stray = (Protocols(Numbers.one(TCP)), TcpFlags(_SYN_ACK, _SYN, negated=True))
    for one in bypassed:
        yield Rule((*one.conditions, *stray), Accept(), one.origin, one.families)
    yield Rule(stray, Drop(), _named(made, "TCP without a state"))
    yield Rule((States(frozenset({State.INVALID})),), Drop(), _named(made, "nothing that it belongs to"))
    yield Rule((Mark(Of.PACKET, Numbers.one(PASSED), PASSED),), Accept(), _named(made, "rdr pass"))
    yield Rule((Interfaces(Side.SOURCE, frozenset({"lo"})),), Accept(), _named(made, "loopback"))
    for key, face in ends.faces.all.items():
        came = Interfaces(Side.SOURCE, frozenset({key}))
        members = [one for one in face.members if one in ends.faces.all]
        for member in members:
            unsure = (Unknown(f"by which of {key}'s members it comes"),) if member != members[-1] else ()
            yield Rule((came, *unsure), Goto(f"auto {member}"), made)
        if not members:
            yield Rule((came,), Goto(f"auto {key}"), made)


def _bypassed(ends: Endpoints, routes: Sequence[Route]) -> Iterator[Rule]:
    """Between an interface's network and those that routers in it have, where the rules are not to hold."""
    switch = ends.config.root.child("filter", "bypassstaticroutes")
    if switch is None or ends.config.is_opnsense:
        return
    origin = Origin(switch.where, "bypass for static routes", "default")
    for route in routes:
        face = ends.faces.all.get(route.interface or "")
        if face is None or route.via is None or not route.prefix.prefixlen:
            continue
        family = route.prefix.version
        near, far = face.networks(family), numbers_of(route.prefix)
        for source, destination in ((near, far), (far, near)):
            conditions = (
                Interfaces(Side.SOURCE, frozenset({face.key})),
                Addresses(Side.SOURCE, source),
                Addresses(Side.DESTINATION, destination),
            )
            yield Rule(conditions, Accept(), origin, frozenset({family}))


def _automatic(ends: Endpoints, face: Face, made: Origin) -> Iterator[Rule]:
    """What comes before the rules of a person."""
    config = ends.config
    if not config.is_opnsense and not config.is_on("system", "ipv6allow"):
        yield Rule((), Drop(), _named(made, "IPv6 is not allowed"), frozenset({6}))
    if not config.is_opnsense and not config.is_on("system", "no_apipa_block"):
        for side in Side:
            words = _named(made, "block link-local addresses")
            yield Rule((Addresses(side, _LINK_LOCAL),), Drop(), words, frozenset({4}))
    needed = (Protocols(Numbers.one(ICMP6)), IcmpTypes(_NEEDED_ICMP6))
    yield Rule(needed, Accept(), _named(made, "needed ICMPv6"), frozenset({6}))
    if face.blocks_private:
        place = config.root.child("interfaces", face.key, "blockpriv")
        where = place.where if place is not None else made.where
        for family, numbers in _PRIVATE.items():
            origin = Origin(where, "block private networks", "default")
            yield Rule((Addresses(Side.SOURCE, numbers),), Drop(), origin, frozenset({family}))
    if _has_anti_lockout(ends, face):
        conditions: tuple[Condition, ...] = (
            Protocols(Numbers.one(TCP)),
            AddressTypes(Side.DESTINATION, frozenset({"local"}), interface=True),
            Ports(Side.DESTINATION, admin_ports(config)),
        )
        yield Rule(conditions, Accept(), _named(made, "anti-lockout rule"))


def _has_anti_lockout(ends: Endpoints, face: Face) -> bool:
    if is_on(ends.config.root, "system", "webgui", "noantilockout"):
        return False
    return face.key == ("lan" if len(ends.faces.all) > 1 else "wan")


def _at_last(ends: Endpoints, made: Origin) -> Iterator[Rule]:
    if ends.loops:
        proxied = (Mark(Of.PACKET, Numbers.one(PROXIED), PROXIED),)
        yield Rule(proxied, Accept(), _named(made, "NAT reflection to the proxy"), frozenset({4}))
    yield Rule((), Drop(), _named(made, "default deny"))


def _out(table: str, outwards: Sequence[Filtered], made: Origin) -> Chain:
    """Of the way out: what no rule decides leaves, for everything has met an interface's rules before."""
    rules = [Rule((_REPLIES,), Accept(), _named(made, "keep state"))]
    quick = [one for one in outwards if one.quick]
    for one in (*quick, *reversed([one for one in outwards if not one.quick])):
        on = () if one.keys is None else (Interfaces(Side.DESTINATION, one.keys),)
        rule = one.rule
        rules.append(Rule((*on, *rule.conditions), rule.action, rule.origin, rule.families))
    return Chain(table, "out", tuple(rules), Hook.POSTROUTING, AFTER_NAT)

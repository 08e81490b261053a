"""The rules that an edge's words make, in the order in which an edge has them.

Destinations are translated as packets come in by the interface that a rule is applied on, sources as they
leave by it; the first rule that matches decides. The firewall stands between, and asks for the address and
port that the client wrote, unless a rule says *match translated*. It keeps state, and NAT works only while it
is on (NSX administration guide, "Managing Edge Firewall Rules").
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from splitdns.check.dialects.nsx.fields import Reader
from splitdns.check.dialects.nsx.values import Edge, FilterRule, Firewall, NatRule, Peers, Traffic
from splitdns.check.model import (
    Accept,
    Addresses,
    Chain,
    Condition,
    Drop,
    Hook,
    IcmpTypes,
    Interfaces,
    Opaque,
    Origin,
    Original,
    Ports,
    Priority,
    Protocols,
    Reject,
    Rule,
    Ruleset,
    Side,
    State,
    States,
    Support,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers, all_addresses
from splitdns.errors import Where

NAT, FILTER = "nsx nat", "nsx filter"

_BOTH = frozenset({4, 6})
_ONLY_4 = frozenset({4})
_REPLIES = States(frozenset({State.ESTABLISHED, State.RELATED}))
_INVALID = States(frozenset({State.INVALID}))
_HOOKS = {"forward": Hook.FORWARD, "input": Hook.INPUT, "output": Hook.OUTPUT}
_MAX_RULES = 200_000  # of one chain, where sources, destinations and services multiply; beyond: an error
NO_FIREWALL = "no text tells the edge's firewall"
NO_NAT = "no text tells the edge's NAT"


def rules_of(edge: Edge, reader: Reader, where: Where) -> Ruleset:
    """Translation, the filter, and, for load balancers, what may be anything; ``where`` stands the edge."""
    incoming, leaving = tuple(_destinations(edge, reader, where)), tuple(_sources(edge))
    chains = [
        Chain(NAT, "prerouting", incoming, Hook.PREROUTING, Priority.DSTNAT, is_nat=True),
        Chain(NAT, "postrouting", leaving, Hook.POSTROUTING, Priority.SRCNAT, is_nat=True),
    ]
    firewall = edge.firewall
    if firewall is None:
        reader.note(Support.UNKNOWN, "firewall", where, "", NO_FIREWALL)
        perhaps = Rule((Unknown(NO_FIREWALL),), Drop(), Origin(where))
        chains += [
            Chain(FILTER, name, (Rule((_REPLIES,), Accept(), Origin(where)), perhaps), hook)
            for name, hook in _HOOKS.items()
            if hook is not Hook.OUTPUT
        ]
    elif firewall.enabled:
        chains += [_filter(edge, firewall, name, hook, reader) for name, hook in _HOOKS.items()]
    told = len(edge.nat.rules if edge.nat else ()) + len(firewall.rules if firewall else ())
    return Ruleset(tuple(chains), tuple(reader.notes), told)


# --- Translation --------------------------------------------------------------------------------------------


def _nat_rules(edge: Edge) -> tuple[NatRule, ...]:
    """No rules while the firewall, or NAT itself, is off."""
    if edge.nat is None or not edge.nat.enabled or (edge.firewall and not edge.firewall.enabled):
        return ()
    return edge.nat.rules


def _destinations(edge: Edge, reader: Reader, where: Where) -> Iterator[Rule]:
    for one in edge.balanced:
        to = Addresses(Side.DESTINATION, one.address)
        ports = (Protocols(Numbers.one(one.protocol)), Ports(Side.DESTINATION, one.ports))
        yield Rule((to, *ports), Opaque("the edge's load balancer is not modelled"), one.origin, _ONLY_4)
    if edge.nat is None:
        reader.note(Support.UNKNOWN, "nat", where, "", NO_NAT)
        yield Rule((Unknown(NO_NAT),), Opaque(NO_NAT), Origin(where))
    elif edge.nat.rules and edge.firewall is not None and not edge.firewall.enabled:
        reason = "while the firewall is off, an edge translates nothing"
        reader.note(Support.IGNORED, "nat", edge.nat.origin.where, edge.nat.origin.text, reason)
    for rule in _nat_rules(edge):
        if rule.dnat:
            is_several = rule.translated.single is None
            if is_several:
                reason = "which of the addresses becomes which is not modelled"
                reader.note(Support.WIDENED, "translated range", rule.origin.where, rule.origin.text, reason)
            yield _translation(rule, Side.DESTINATION, Side.SOURCE)


def _sources(edge: Edge) -> Iterator[Rule]:
    for rule in _nat_rules(edge):
        if not rule.dnat:
            yield _translation(rule, Side.SOURCE, Side.DESTINATION)


def _translation(rule: NatRule, side: Side, other: Side) -> Rule:
    conditions: list[Condition] = []
    if rule.on is not None:
        conditions.append(Interfaces(other, rule.on))
    if rule.original is not None:
        conditions.append(Addresses(side, rule.original))
    if rule.matched is not None:
        conditions.append(Addresses(other, rule.matched))
    conditions += _of(rule.traffic, translated=True)
    conditions += [Unknown(reason) for reason in rule.unknown]
    ports = rule.translated_ports
    told = rule.traffic.ports if side is Side.DESTINATION else rule.traffic.source_ports
    if ports is not None and ports == told:
        ports = None
    is_shifted = ports is not None and told is not None and ports.size == told.size > 1
    base = told.first if is_shifted and told is not None else None
    return Rule(tuple(conditions), Translate(side, rule.translated, ports, base), rule.origin, _ONLY_4)


# --- The filter ---------------------------------------------------------------------------------------------


def _filter(edge: Edge, firewall: Firewall, name: str, hook: Hook, reader: Reader) -> Chain:
    """Rules of one chain. What the edge sends itself passes, unless a rule about it says otherwise."""
    rules = [Rule((_REPLIES,), Accept(), firewall.origin)]
    if firewall.drops_invalid:
        rules.append(Rule((_INVALID,), Drop(), firewall.origin))
    for rule in firewall.rules:
        if hook is Hook.OUTPUT and not rule.source.itself:
            continue
        rules += _filtered(rule, edge, hook)
        if len(rules) > _MAX_RULES:
            found = f"more than {_MAX_RULES:,}"
            reader.wrong(rule.origin.where, f"at most {_MAX_RULES:,} rules of sources × services", found)
            break
    if hook is not Hook.OUTPUT and isinstance(firewall.policy, Reject):
        rules.append(Rule((), firewall.policy, firewall.origin))
    accepts = hook is Hook.OUTPUT or isinstance(firewall.policy, Accept)
    return Chain(FILTER, name, tuple(rules), hook, Priority.FILTER, accepts=accepts)


def _filtered(rule: FilterRule, edge: Edge, hook: Hook) -> Iterator[Rule]:
    """One rule for each source, destination and service: together they are the one that stands there."""
    for families in ([_BOTH] if _is_of_both(rule) else [frozenset({4}), frozenset({6})]):
        (family, *_) = families
        sources = _alternatives(rule.source, Side.SOURCE, edge, hook, family, translated=True)
        destinations = _alternatives(
            rule.destination, Side.DESTINATION, edge, hook, family, translated=rule.translated
        )
        for source, destination, traffic in product(sources, destinations, rule.traffic):
            conditions = (
                *source,
                *destination,
                *_of(traffic, translated=rule.translated),
                *(Unknown(reason) for reason in rule.unknown),
            )
            yield Rule(conditions, rule.action, rule.origin, families)


def _is_of_both(rule: FilterRule) -> bool:
    return not (rule.source.addresses or rule.destination.addresses or rule.destination.interfaces)


def _alternatives(
    peers: Peers, side: Side, edge: Edge, hook: Hook, family: int, *, translated: bool
) -> list[tuple[Condition, ...]]:
    """Any of which must hold; none: the rule is not of this chain."""
    if peers.is_any:
        return [()]
    found: list[Condition] = []
    addresses = peers.addresses.get(family)
    if addresses:
        found.append(_at(side, addresses, translated))
    if peers.interfaces:
        found += _by(peers.interfaces, side, edge, hook, family)
    is_edge = (side, hook) in ((Side.SOURCE, Hook.OUTPUT), (Side.DESTINATION, Hook.INPUT))
    if peers.itself and is_edge:
        return [] if peers.excluded else [()]
    found += [Unknown(reason) for reason in peers.unknown]
    if not peers.excluded:
        return [(one,) for one in found]
    return [tuple(_opposite(one, family) for one in found)]


def _by(
    names: frozenset[str], side: Side, edge: Edge, hook: Hook, family: int
) -> Iterator[Condition]:
    """Of interfaces: by which a packet comes or leaves, or, for the edge itself, their own addresses."""
    if side is Side.SOURCE:
        if hook is not Hook.OUTPUT:
            yield Interfaces(side, names)
    elif hook is not Hook.INPUT:
        yield Interfaces(side, names)
    else:
        own = [
            (int(one.address), int(one.address))
            for vnic in edge.vnics
            if vnic.name in names
            for one in vnic.interface.addresses
            if one.address.version == family
        ]
        if own:
            yield Addresses(side, Numbers.of(*own))


def _at(side: Side, numbers: Numbers, translated: bool) -> Condition:
    return Addresses(side, numbers) if translated else Original(side, numbers)


def _opposite(condition: Condition, family: int) -> Condition:
    match condition:
        case Addresses(side, numbers):
            return Addresses(side, all_addresses(family) - numbers)
        case Original(side, addresses):
            return Original(side, all_addresses(family) - (addresses or Numbers()))
        case Interfaces(side, names):
            return Interfaces(side, names, negated=True)
        case _:
            return condition  # not known: the opposite is not known either


def _of(traffic: Traffic, *, translated: bool) -> Iterator[Condition]:
    if traffic.unknown:
        yield Unknown(traffic.unknown)
    if traffic.protocols is not None:
        yield Protocols(traffic.protocols)
    if traffic.ports is not None:
        side = Side.DESTINATION
        yield Ports(side, traffic.ports) if translated else Original(side, ports=traffic.ports)
    if traffic.source_ports is not None:
        yield Ports(Side.SOURCE, traffic.source_ports)
    if traffic.icmp_types is not None:
        yield IcmpTypes(traffic.icmp_types)

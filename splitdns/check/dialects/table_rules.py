"""The rules that a plain table's words make, in the order in which every gateway has them.

Destinations are translated before the filter looks, which sees the server's own address; sources last.
Replies pass always. A hairpin's packets are marked where their destination is translated, and get the gateway
for their source on their way out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.dialects.table_values import (
    Decision,
    Filter,
    FilterRule,
    Forward,
    Hairpin,
    Traffic,
    Written,
)
from splitdns.check.model import (
    TCP,
    UDP,
    Accept,
    Action,
    Addresses,
    AddressTypes,
    Chain,
    Condition,
    Drop,
    Hook,
    Interfaces,
    Mark,
    Masquerade,
    Of,
    Origin,
    Ports,
    Priority,
    Protocols,
    Reject,
    Rule,
    Ruleset,
    SetMark,
    Side,
    State,
    States,
    Translate,
    Translated,
)
from splitdns.check.sets import Address, Numbers, Prefix, numbers_of

NAT, FILTER = "table nat", "table filter"
HAIRPIN = 0x4000_0000  # the bit of a packet's mark, which nothing else here uses

_PROTOCOLS = {"tcp": TCP, "udp": UDP}
_ACTIONS: dict[Decision, Action] = {
    Decision.ALLOW: Accept(),
    Decision.DENY: Drop(),
    Decision.REJECT: Reject(),
}
_BOTH = frozenset({4, 6})
_REPLIES = States(frozenset({State.ESTABLISHED, State.RELATED}))
_FORWARDED = Translated(Side.DESTINATION)


def rules_of(written: Written) -> Ruleset:
    """Four chains: prerouting, postrouting, forward, input."""
    chains = (
        Chain(
            NAT,
            "prerouting",
            tuple(_prerouting(written)),
            Hook.PREROUTING,
            Priority.DSTNAT,
            is_nat=True,
        ),
        Chain(
            NAT,
            "postrouting",
            tuple(_postrouting(written)),
            Hook.POSTROUTING,
            Priority.SRCNAT,
            is_nat=True,
        ),
        _forward_chain(written),
        _input_chain(written),
    )
    return Ruleset(chains, rules=sum(len(chain.rules) for chain in chains))


# --- Translation --------------------------------------------------------------------------------------------


def _prerouting(written: Written) -> Iterator[Rule]:
    for forward in written.forwards:
        for traffic in forward.traffic:
            conditions = [*_destination(forward), *_of_traffic(traffic), *_from(forward.sources)]
            action = _translation(forward, traffic)
            family = forward.to.version
            yield from _translated(
                written, forward.on, forward.hairpin, conditions, action, forward.origin, family
            )
    for one in written.one_to_one:
        to = Translate(Side.DESTINATION, numbers_of(one.inside))
        public = [Addresses(Side.DESTINATION, numbers_of(one.public))]
        yield from _translated(
            written, one.on, one.hairpin, public, to, one.origin, one.public.version
        )


def _translated(
    written: Written,
    on: frozenset[str],
    hairpin: Hairpin,
    conditions: Sequence[Condition],
    action: Action,
    origin: Origin,
    family: int,
) -> Iterator[Rule]:
    families = frozenset({family})
    yield Rule((_in(on), *conditions), action, origin, families)
    if not hairpin.is_on:
        return
    networks = [one for one in hairpin.networks if one.version == family]
    if hairpin.networks and not networks:
        return
    inside = (Interfaces(Side.SOURCE, written.uplinks, negated=True), *_from(networks), *conditions)
    yield Rule(inside, SetMark(Of.PACKET, HAIRPIN, HAIRPIN), origin, families)
    yield Rule(inside, action, origin, families)


def _destination(forward: Forward) -> list[Condition]:
    if forward.address:
        return [Addresses(Side.DESTINATION, numbers_of(*forward.address))]
    return [AddressTypes(Side.DESTINATION, frozenset({"local"}))]


def _translation(forward: Forward, traffic: Traffic) -> Translate:
    server = numbers_of(forward.to)
    if traffic.port is None or forward.to_port is None:
        return Translate(Side.DESTINATION, server)
    first, last = traffic.port.first, traffic.port.last
    ports = Numbers.of((forward.to_port, forward.to_port + last - first))
    return Translate(Side.DESTINATION, server, ports, first if last > first else None)


def _postrouting(written: Written) -> Iterator[Rule]:
    if not written.keeps_source:
        marked = Mark(Of.PACKET, Numbers.one(HAIRPIN), HAIRPIN)
        first = next(_hairpins(written), None)
        if first is not None:
            yield Rule((marked,), Masquerade(), first, _BOTH)
    for pair in written.one_to_one:
        conditions = (_out(pair.on), Addresses(Side.SOURCE, numbers_of(pair.inside)))
        to = Translate(Side.SOURCE, numbers_of(pair.public))
        yield Rule(conditions, to, pair.origin, frozenset({pair.public.version}))
    for one in written.source_nat:
        for family in (4, 6):
            sources = [source for source in one.sources if source.version == family]
            if not _is_rewritten(one.address, one.sources, sources, family):
                continue
            action: Action = Masquerade()
            if one.address is not None:
                action = Translate(Side.SOURCE, numbers_of(one.address))
            yield Rule((_out(one.on), *_from(sources)), action, one.origin, frozenset({family}))


def _is_rewritten(address: Address | None, told: Sequence[Prefix], of_it: list[Prefix], family: int) -> bool:
    """IPv6 is translated only where somebody says so."""
    if address is not None and address.version != family:
        return False
    return bool(of_it) or (not told and (family == 4 or address is not None))


def _hairpins(written: Written) -> Iterator[Origin]:
    yield from (one.origin for one in written.forwards if one.hairpin.is_on)
    yield from (one.origin for one in written.one_to_one if one.hairpin.is_on)


# --- The filter ---------------------------------------------------------------------------------------------


def _forward_chain(written: Written) -> Chain:
    told = written.filter
    rules = [Rule((_REPLIES,), Accept(), told.origin)]
    if told.admits_forwards:
        rules.append(Rule((_FORWARDED,), Accept(), told.origin))
    rules += [made for rule in told.rules if not rule.to_gateway for made in _filtered(rule)]
    rules += _at_last(told, told.forward, written.uplinks)
    return Chain(
        FILTER,
        "forward",
        tuple(rules),
        Hook.FORWARD,
        Priority.FILTER,
        accepts=told.forward in (None, Decision.ALLOW),
    )


def _input_chain(written: Written) -> Chain:
    told = written.filter
    rules = [Rule((_REPLIES,), Accept(), told.origin)]
    rules += [made for rule in told.rules if rule.to_gateway for made in _filtered(rule)]
    rules += _at_last(told, told.gateway, written.uplinks)
    return Chain(
        FILTER,
        "input",
        tuple(rules),
        Hook.INPUT,
        Priority.FILTER,
        accepts=told.gateway in (None, Decision.ALLOW),
    )


def _at_last(told: Filter, decision: Decision | None, uplinks: frozenset[str]) -> list[Rule]:
    """What becomes of the rest, where a policy cannot say it."""
    if decision is None:
        return [Rule((_in(uplinks),), Drop(), told.origin)]
    return [Rule((), Reject(), told.origin)] if decision is Decision.REJECT else []


def _filtered(rule: FilterRule) -> Iterator[Rule]:
    families = [_BOTH]
    if rule.sources or rule.destinations:
        of_sources = {one.version for one in rule.sources} or _BOTH
        of_destinations = {one.version for one in rule.destinations} or _BOTH
        families = [frozenset({family}) for family in sorted(of_sources & of_destinations)]
    for family in families:
        sources = [one for one in rule.sources if one.version in family]
        destinations = [one for one in rule.destinations if one.version in family]
        for traffic in rule.traffic:
            conditions = [
                *([_in(rule.incoming)] if rule.incoming else []),
                *([_out(rule.outgoing)] if rule.outgoing else []),
                *_from(sources),
                *([Addresses(Side.DESTINATION, numbers_of(*destinations))] if destinations else []),
                *_of_traffic(traffic),
            ]
            yield Rule(tuple(conditions), _ACTIONS[rule.decision], rule.origin, family)


# --- Conditions ---------------------------------------------------------------------------------------------


def _of_traffic(traffic: Traffic) -> list[Condition]:
    if traffic.port is not None:
        protocol = Protocols(Numbers.one(_PROTOCOLS[traffic.port.protocol]))
        return [protocol, Ports(Side.DESTINATION, Numbers.of((traffic.port.first, traffic.port.last)))]
    return [] if traffic.protocol is None else [Protocols(Numbers.one(traffic.protocol))]


def _from(sources: Sequence[Prefix]) -> list[Condition]:
    return [Addresses(Side.SOURCE, numbers_of(*sources))] if sources else []


def _in(names: frozenset[str]) -> Condition:
    return Interfaces(Side.SOURCE, names)


def _out(names: frozenset[str]) -> Condition:
    return Interfaces(Side.DESTINATION, names)

"""Questions to the rules themselves, where the walk only met those that acted.

They only choose the words of a finding: that it is one, the walk has shown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from splitdns.check.model import (
    Accept,
    Addresses,
    Chain,
    Hook,
    Jump,
    Netmap,
    Ports,
    Protocols,
    Rule,
    Ruleset,
    Side,
    Translate,
)
from splitdns.check.sets import Address, all_addresses, numbers_of
from splitdns.check.verdict import Act, Packets


def later_rules(ruleset: Ruleset, act: Act) -> Iterator[Rule]:
    """The rules after the one that acted, in the same chain."""
    for chain in ruleset.chains:
        if (chain.table, chain.name) == (act.table, act.chain) and act.rule in chain.rules:
            yield from chain.rules[chain.rules.index(act.rule) + 1 :]


def leads_to(rule: Rule, targets: Collection[Address], packets: Packets) -> bool:
    """Whether ``rule`` would take some of ``packets`` to one of ``targets``."""
    meant = numbers_of(*(one for one in targets if one.version == packets.family))
    match rule.action:
        case Translate(side=Side.DESTINATION, addresses=addresses) if addresses is not None:
            return bool(addresses & meant) and may_match(rule, packets)
        case Netmap(side=Side.DESTINATION, prefix=prefix):
            return bool(numbers_of(prefix) & meant) and may_match(rule, packets)
    return False


def accepts_before_translation(ruleset: Ruleset, packets: Packets) -> bool:
    """Whether the forward filter accepts ``packets`` by an address as the client wrote it.

    It never sees that address, but a person may think so. Some accept in a chain that rules jump to.
    """
    accepting = {
        (chain.table, chain.name)
        for chain in ruleset.chains
        if any(isinstance(rule.action, Accept) for rule in chain.rules)
    }
    return any(
        (
            isinstance(rule.action, Accept)
            or (isinstance(rule.action, Jump) and (chain.table, rule.action.chain) in accepting)
        )
        and any(isinstance(one, Addresses) and one.side is Side.DESTINATION for one in rule.conditions)
        and may_match(rule, packets)
        for chain in _filtering(ruleset)
        for rule in chain.rules
    )


def names_destination(ruleset: Ruleset, address: Address) -> bool:
    """Whether a rule speaks of ``address`` as a destination, alone or with others, but not of all."""
    everything = all_addresses(address.version)
    return any(
        int(address) in condition.numbers and condition.numbers != everything
        for chain in ruleset.chains
        for rule in chain.rules
        if address.version in rule.families
        for condition in rule.conditions
        if isinstance(condition, Addresses) and condition.side is Side.DESTINATION
    )


def may_match(rule: Rule, packets: Packets) -> bool:
    """Whether the addresses, protocols and ports of ``rule``, and only they, leave some of ``packets``."""
    return packets.family in rule.families and all(_leaves(one, packets) for one in rule.conditions)


def _leaves(condition: object, packets: Packets) -> bool:
    match condition:
        case Addresses(side=Side.SOURCE, numbers=numbers):
            return bool(numbers & packets.source)
        case Addresses(numbers=numbers):
            return bool(numbers & packets.destination)
        case Ports(side=Side.SOURCE, numbers=numbers):
            return bool(numbers & packets.source_ports)
        case Ports(numbers=numbers):
            return bool(numbers & packets.destination_ports)
        case Protocols(numbers=numbers):
            return bool(numbers & packets.protocols)
    return True


def _filtering(ruleset: Ruleset) -> Iterator[Chain]:
    """Chains of the forward hook, and those without a hook, to which they may jump."""
    return (chain for chain in ruleset.chains if chain.hook in (Hook.FORWARD, None) and not chain.is_nat)

"""Changes that a gateway's rules may need, as values, and what each does to the rules of the model.

``mend`` chooses and proves them, ``mending`` writes them in the words of a dialect.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field, replace

from splitdns.check.around import PROTOCOLS
from splitdns.check.model import (
    Accept,
    Addresses,
    Chain,
    Hook,
    Interfaces,
    Masquerade,
    Origin,
    Ports,
    Priority,
    Protocols,
    Redirect,
    Rule,
    Ruleset,
    Side,
    State,
    States,
    Translate,
)
from splitdns.check.sets import Address, Numbers, all_addresses, numbers_of
from splitdns.check.traffic import DNS_PORT
from splitdns.errors import Where
from splitdns.value import value

OURS = "splitdns"  # the table of ours, where the dialect has tables
_ORIGIN = Origin(Where("splitdns rules"), made_by="splitdns")


@value(frozen=True, slots=True)
class Forward:
    """Lead what is sent to ``address`` and ``port`` to the service."""

    address: Address
    protocol: str
    port: tuple[int, int]
    to: Address
    to_port: tuple[int, int]


@value(frozen=True, slots=True)
class Hairpin:
    """Let ``clients``, on the server's own link, seem to be the gateway to the service.

    ``interface`` is by which they come, and all of this goes back; some dialects must name it.
    """

    clients: Numbers
    family: int
    to: Address
    protocol: str
    to_port: tuple[int, int]
    interface: str = field(default="", compare=False)


@value(frozen=True, slots=True)
class Admit:
    """Accept what is on its way to the service, in the chain that drops it.

    ``dropped_by`` is the rule that does so, where it is not the chain's policy; some dialects go before it.
    """

    table: str
    chain: str
    to: Address
    protocol: str
    to_port: tuple[int, int]
    dropped_by: Origin | None = field(default=None, compare=False)


@value(frozen=True, slots=True)
class AdmitReplies:
    """Accept what belongs to connections that were accepted, in the chain that drops it."""

    table: str
    chain: str
    family: int


@value(frozen=True, slots=True)
class RedirectDns:
    """Lead the DNS queries of ``clients`` to ``resolver``, whomever they ask; they come in by ``interface``.

    What asks the resolver already, and the resolver's own questions, are left alone. ``on_gateway``: it is
    the gateway's own address at that interface. One on the clients' own link needs a ``Hairpin`` beside this.
    """

    clients: Numbers
    interface: str
    resolver: Address
    protocol: str
    on_gateway: bool = False


@value(frozen=True, slots=True)
class SpareDns:
    """Leave the DNS queries that ``resolver`` itself sends alone, in the chain that leads them back to it."""

    table: str
    chain: str
    resolver: Address
    protocol: str


Change = Forward | Hairpin | Admit | AdmitReplies | RedirectDns | SpareDns


def with_changes(ruleset: Ruleset, changes: Sequence[Change]) -> Ruleset:
    """The rules with ``changes`` before all others."""
    for change in changes:
        ruleset = _with(ruleset, change)
    return ruleset


def _with(ruleset: Ruleset, change: Change) -> Ruleset:
    match change:
        case Forward():
            return _in_ours(ruleset, Hook.PREROUTING, Priority.DSTNAT - 1, forward_rule(change))
        case Hairpin():
            return _in_ours(ruleset, Hook.POSTROUTING, Priority.SRCNAT - 1, hairpin_rule(change))
        case Admit():
            return _inserted(ruleset, change.table, change.chain, admit_rule(change))
        case AdmitReplies():
            states = States(frozenset({State.ESTABLISHED, State.RELATED}))
            rule = Rule((states,), Accept(), _ORIGIN, frozenset({change.family}))
            return _inserted(ruleset, change.table, change.chain, rule)
        case RedirectDns():
            return _in_ours(ruleset, Hook.PREROUTING, Priority.DSTNAT - 1, redirect_rule(change))
        case SpareDns():
            return _inserted(ruleset, change.table, change.chain, spare_rule(change))


def _in_ours(ruleset: Ruleset, hook: Hook, priority: int, rule: Rule) -> Ruleset:
    name = hook.value
    if not any((chain.table, chain.name) == (OURS, name) for chain in ruleset.chains):
        chain = Chain(OURS, name, (), hook, priority, is_nat=True)
        ruleset = replace(ruleset, chains=(chain, *ruleset.chains))
    return _inserted(ruleset, OURS, name, rule)


def _inserted(ruleset: Ruleset, table: str, name: str, rule: Rule) -> Ruleset:
    """``rule`` before all others of a chain; iptables' tables of IPv4 and IPv6 may have the same names."""
    chains = tuple(
        replace(chain, rules=(rule, *chain.rules))
        if (chain.table, chain.name) == (table, name) and chain.families & rule.families
        else chain
        for chain in ruleset.chains
    )
    return replace(ruleset, chains=chains)


def forward_rule(change: Forward) -> Rule:
    base = change.port[0] if change.port[0] != change.port[1] else None
    conditions = (
        Addresses(Side.DESTINATION, numbers_of(change.address)),
        *_to_port(change.protocol, change.port),
    )
    to_port = Numbers.of(change.to_port) if change.to_port != change.port else None
    action = Translate(Side.DESTINATION, numbers_of(change.to), to_port, base if to_port else None)
    return Rule(conditions, action, _ORIGIN, frozenset({change.address.version}))


def hairpin_rule(change: Hairpin) -> Rule:
    conditions = (
        Addresses(Side.SOURCE, change.clients),
        Addresses(Side.DESTINATION, numbers_of(change.to)),
        *_to_port(change.protocol, change.to_port),
    )
    return Rule(conditions, Masquerade(), _ORIGIN, frozenset({change.family}))


def redirect_rule(change: RedirectDns) -> Rule:
    resolver = numbers_of(change.resolver)
    conditions = (
        Interfaces(Side.SOURCE, frozenset({change.interface})),
        Addresses(Side.SOURCE, change.clients - resolver),
        Addresses(Side.DESTINATION, all_addresses(change.resolver.version) - resolver),
        *_to_port(change.protocol, (DNS_PORT, DNS_PORT)),
    )
    action = Redirect() if change.on_gateway else Translate(Side.DESTINATION, resolver)
    return Rule(conditions, action, _ORIGIN, frozenset({change.resolver.version}))


def spare_rule(change: SpareDns) -> Rule:
    source = Addresses(Side.SOURCE, numbers_of(change.resolver))
    conditions = (source, *_to_port(change.protocol, (DNS_PORT, DNS_PORT)))
    return Rule(conditions, Accept(), _ORIGIN, frozenset({change.resolver.version}))


def admit_rule(change: Admit) -> Rule:
    to = Addresses(Side.DESTINATION, numbers_of(change.to))
    conditions = (to, *_to_port(change.protocol, change.to_port))
    return Rule(conditions, Accept(), _ORIGIN, frozenset({change.to.version}))


def _to_port(protocol: str, port: tuple[int, int]) -> tuple[Protocols, Ports]:
    return Protocols(Numbers.one(PROTOCOLS[protocol])), Ports(Side.DESTINATION, Numbers.of(port))

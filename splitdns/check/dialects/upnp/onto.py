"""A gateway with what devices asked for: forwards before its own, and accepted before anything drops them.

As miniupnpd does (netfilter_nft/nftnlrdr.c, netfilter/iptcrdr.c): what comes by an uplink, for the gateway
itself, is led inside; and the daemon's chain stands at the top of the filter. Where the gateway's rules show
its chains already, they say it better, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp import declared, leases, listing
from splitdns.check.dialects.upnp.values import Lease
from splitdns.check.model import (
    Accept,
    Addresses,
    AddressTypes,
    Chain,
    Condition,
    Gateway,
    Hook,
    Interfaces,
    Note,
    Origin,
    Ports,
    Priority,
    Protocols,
    Rule,
    Ruleset,
    Side,
    Support,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers, numbers_of
from splitdns.errors import ConfigError, Problems, Where

TABLE = "upnp nat"
_FORMS = (declared, listing, leases)  # newer ones of upnpc begin like a lease
_NO_UPLINK = "no source tells which interface is the uplink"
_ENDS = "as long as it is in the list, it is taken to hold"


def onto(texts: Sequence[Printed], gateway: Gateway) -> Gateway:
    """``gateway`` with the leases that ``texts`` list.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    problems = Problems()
    found = [lease for text in texts for lease in _read(text, problems)]
    problems.raise_errors("the lists of leases are wrong")
    if has_daemon(gateway.ruleset):
        return gateway
    uplinks = frozenset(one.name for one in gateway.network.interfaces if one.uplink)
    ruleset = gateway.ruleset
    notes = tuple(
        Note(Support.IGNORED, "end of a lease", Origin(Where(text.file, 1, 1), text.file), _ENDS)
        for text in texts
    )
    forwards = tuple(_forward(one, uplinks) for one in found if one.to.version == 4)
    chain = Chain(TABLE, "prerouting", forwards, Hook.PREROUTING, Priority.DSTNAT - 1, is_nat=True)
    accepts = tuple(_accept(one, uplinks) for one in found)
    chains = (chain, *(_admitting(one, accepts) for one in ruleset.chains))
    whole = Ruleset(chains, (*ruleset.notes, *notes), ruleset.rules + len(found))
    return replace(gateway, ruleset=whole)


def has_daemon(ruleset: Ruleset) -> bool:
    """Whether the rules show the daemon's own chains."""
    names = {chain.name.lower() for chain in ruleset.chains}
    return any("miniupnpd" in name or name == "upnp_forward" for name in names)


def _read(text: Printed, problems: Problems) -> list[Lease]:
    form = next((one for one in _FORMS if one.looks_so(text.text)), None)
    if form is not None:
        return list(form.read(text, problems))
    expected = "expected miniupnpd's lease file, what `upnpc -l` prints, or a list in JSON"
    first = text.text.strip().splitlines()[0]
    problems.error(ConfigError(Where(text.file, 1, 1), f"{expected}, found {first!r:.60}"))
    return []


def _admitting(chain: Chain, accepts: tuple[Rule, ...]) -> Chain:
    """A filter's base chain for what is forwarded lets leases through before all else."""
    if chain.hook is not Hook.FORWARD or chain.is_nat or chain.bridged or chain.priority < Priority.FILTER:
        return chain
    mine = tuple(rule for rule in accepts if rule.families & chain.families)
    return replace(chain, rules=(*mine, *chain.rules))


def _forward(lease: Lease, uplinks: frozenset[str]) -> Rule:
    conditions = (
        *_comes(lease, uplinks),
        AddressTypes(Side.DESTINATION, frozenset({"local"})),
        Protocols(Numbers.one(lease.protocol)),
        Ports(Side.DESTINATION, Numbers.one(lease.port)),
    )
    ports = None if lease.to_port == lease.port else Numbers.one(lease.to_port)
    action = Translate(Side.DESTINATION, numbers_of(lease.to), ports)
    return Rule(conditions, action, lease.origin, frozenset({4}))


def _accept(lease: Lease, uplinks: frozenset[str]) -> Rule:
    conditions = (
        *_comes(lease, uplinks),
        Addresses(Side.DESTINATION, numbers_of(lease.to)),
        Protocols(Numbers.one(lease.protocol)),
        Ports(Side.DESTINATION, Numbers.one(lease.to_port)),
    )
    return Rule(conditions, Accept(), lease.origin, frozenset({lease.to.version}))


def _comes(lease: Lease, uplinks: frozenset[str]) -> list[Condition]:
    found: list[Condition] = [
        Interfaces(Side.SOURCE, uplinks) if uplinks else Unknown(_NO_UPLINK),
    ]
    if lease.remote is not None:
        found.append(Addresses(Side.SOURCE, numbers_of(lease.remote)))
    if lease.remote_port is not None:
        found.append(Ports(Side.SOURCE, Numbers.one(lease.remote_port)))
    return found

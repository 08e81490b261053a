"""The rules that Docker makes for what it publishes, put where Docker puts them.

Docker inserts its jumps at the top of the host's own chains, which is why a host's FORWARD chain never sees
what is published. So its rules go into the tables of iptables that the host has, or make them. Where the
host's rules show Docker's chains already, they say it better, and nothing is added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network

from splitdns.check.dialects.docker_published import Bridge, Published, PublishedPort
from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    AddressTypes,
    Chain,
    Condition,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Masquerade,
    Origin,
    Ports,
    Priority,
    Protocols,
    Return,
    Rule,
    Ruleset,
    Side,
    State,
    States,
    Translate,
    Unknown,
)
from splitdns.check.sets import Address, Numbers, Prefix, all_addresses, numbers_of

MADE_BY = "Docker"
CHAIN = "DOCKER"

_LOOPBACK: dict[int, Prefix] = {4: IPv4Network("127.0.0.0/8"), 6: IPv6Network("::1/128")}
_TOOL = {4: "iptables", 6: "ip6tables"}
_BASES = {
    ("nat", "PREROUTING"): (Hook.PREROUTING, Priority.DSTNAT),
    ("nat", "OUTPUT"): (Hook.OUTPUT, Priority.DSTNAT),
    ("nat", "POSTROUTING"): (Hook.POSTROUTING, Priority.SRCNAT),
    ("filter", "FORWARD"): (Hook.FORWARD, Priority.FILTER),
    ("raw", "PREROUTING"): (Hook.PREROUTING, Priority.RAW),
}


def onto(several: Sequence[Published], ruleset: Ruleset, *, userland_proxy: bool = True) -> Ruleset:
    """``ruleset`` with what Docker makes of all that is published, unless it is there.

    ``userland_proxy``: Docker's usual one runs, so that containers meet it at the host's ports, and no rules.
    """
    published = Published(
        tuple(bridge for one in several for bridge in one.bridges),
        tuple(container for one in several for container in one.containers),
        tuple(port for one in several for port in one.ports),
    )
    notes = (*ruleset.notes, *(note for one in several for note in one.notes))
    if has_docker(ruleset):
        return replace(ruleset, notes=notes)
    chains, rules = list(ruleset.chains), ruleset.rules
    for family in (4, 6):
        made = _of_family(published, family, userland_proxy)
        rules += sum(map(len, made.rules.values()))
        for (table, name), new in made.rules.items():
            _insert(chains, f"{_TOOL[family]} {table}", table, name, new, family)
    return Ruleset(tuple(chains), notes, rules)


def has_docker(ruleset: Ruleset) -> bool:
    """Whether Docker's own chains are among them: of iptables, or of its nftables backend."""
    return any(chain.name == CHAIN or "docker-bridges" in chain.table for chain in ruleset.chains)


def _insert(
    chains: list[Chain], known_as: str, table: str, name: str, rules: list[Rule], family: int
) -> None:
    """Before the rules of the chain that is there; else in a new one."""
    for at, chain in enumerate(chains):
        if (chain.table, chain.name) == (known_as, name):
            chains[at] = replace(chain, rules=(*rules, *chain.rules))
            return
    hook, priority = _BASES.get((table, name), (None, 0))
    is_nat = table == "nat" and hook is not None
    families = frozenset({family})
    chains.append(Chain(known_as, name, tuple(rules), hook, priority, is_nat, families=families))


@dataclass(slots=True)
class _Made:
    """Rules by table and chain."""

    family: int
    rules: dict[tuple[str, str], list[Rule]] = field(default_factory=dict)

    def add(
        self, table: str, chain: str, conditions: Iterable[Condition], action: Action, origin: Origin
    ) -> None:
        made = Rule(
            tuple(conditions), action, replace(origin, made_by=MADE_BY), frozenset({self.family})
        )
        self.rules.setdefault((table, chain), []).append(made)


def _of_family(published: Published, family: int, userland_proxy: bool) -> _Made:
    made = _Made(family)
    ports = [port for port in published.ports if family in port.families]
    bridges = [
        (bridge, numbers_of(*prefixes))
        for bridge in published.bridges
        if (prefixes := [own.prefix for own in bridge.addresses if own.prefix.version == family])
    ]
    if ports:
        _jumps(made, family, ports[0].origin, userland_proxy)
    for bridge, _ in bridges:
        _isolated(made, bridge, frozenset(other.interface for other, _ in bridges if other is not bridge))
    for bridge, own in bridges:
        _bridge(made, bridge, own, userland_proxy)
    for port in ports:
        _port(made, port, userland_proxy)
    for bridge, _ in bridges:
        unpublished = (*_not_in(bridge.interface), _out(bridge.interface))
        made.add("filter", CHAIN, unpublished, Drop(), bridge.origin)
    return made


def _isolated(made: _Made, bridge: Bridge, others: frozenset[str]) -> None:
    if others:
        to_others = Interfaces(Side.DESTINATION, others)
        made.add("filter", "FORWARD", [_in(bridge.interface), to_others], Drop(), bridge.origin)


def _jumps(made: _Made, family: int, origin: Origin, userland_proxy: bool) -> None:
    local = AddressTypes(Side.DESTINATION, frozenset({"local"}))
    made.add("nat", "PREROUTING", [local], Jump(CHAIN), origin)
    not_loopback: list[Condition] = []
    if userland_proxy:  # which itself serves what goes to the loopback
        others = all_addresses(family) - numbers_of(_LOOPBACK[family])
        not_loopback = [Addresses(Side.DESTINATION, others)]
    made.add("nat", "OUTPUT", [*not_loopback, local], Jump(CHAIN), origin)


def _bridge(made: _Made, bridge: Bridge, own: Numbers, userland_proxy: bool) -> None:
    name, origin = bridge.interface, bridge.origin
    out = _out(name)
    if not bridge.publishes:
        others = all_addresses(made.family) - own
        made.add("filter", "FORWARD", [_in(name), Addresses(Side.DESTINATION, others)], Drop(), origin)
        made.add("filter", "FORWARD", [out, Addresses(Side.SOURCE, others)], Drop(), origin)
        return
    made.add("nat", "POSTROUTING", [Addresses(Side.SOURCE, own), _not_out(name)], Masquerade(), origin)
    if userland_proxy:
        made.add("nat", CHAIN, [_in(name)], Return(), origin)
    else:
        local = AddressTypes(Side.SOURCE, frozenset({"local"}))
        made.add("nat", "POSTROUTING", [local, out], Masquerade(), origin)
    replies = States(frozenset({State.RELATED, State.ESTABLISHED}))
    made.add("filter", "FORWARD", [out, replies], Accept(), origin)
    made.add("filter", "FORWARD", [out], Jump(CHAIN), origin)
    made.add("filter", "FORWARD", [_in(name), _not_out(name)], Accept(), origin)
    made.add("filter", "FORWARD", [_in(name), out], Accept(), origin)


def _port(made: _Made, port: PublishedPort, userland_proxy: bool) -> None:
    target = port.container.publishing[made.family]
    server, protocol = numbers_of(target), Protocols(Numbers.one(port.protocol))
    bridge = port.container.bridge
    entry: list[Condition] = [] if port.address is None else [_to(port.address)]
    entry += [protocol, Ports(Side.DESTINATION, port.ports)]
    if port.chosen:
        entry.append(Unknown("Docker chooses the port of the host when the container starts"))
    not_in = _not_in(bridge) if userland_proxy else ()
    is_shifted = port.to.single is None and not port.chosen
    to = Translate(Side.DESTINATION, server, port.to, port.ports.first if is_shifted else None)
    made.add("nat", CHAIN, [*not_in, *entry], to, port.origin)
    to_port: list[Condition] = [_to(target), protocol, Ports(Side.DESTINATION, port.to)]
    made.add("nat", "POSTROUTING", [Addresses(Side.SOURCE, server), *to_port], Masquerade(), port.origin)
    if bridge is not None:
        made.add("filter", CHAIN, [*_not_in(bridge), _out(bridge), *to_port], Accept(), port.origin)
        newer = Unknown("Docker Engine 28 and later drop what is sent to a container's own address")
        made.add("raw", "PREROUTING", [*_not_in(bridge), _to(target), newer], Drop(), port.origin)


def _to(address: Address) -> Condition:
    return Addresses(Side.DESTINATION, numbers_of(address))


def _in(name: str) -> Condition:
    return Interfaces(Side.SOURCE, frozenset({name}))


def _not_in(name: str | None) -> Sequence[Condition]:
    return () if name is None else (Interfaces(Side.SOURCE, frozenset({name}), negated=True),)


def _out(name: str) -> Condition:
    return Interfaces(Side.DESTINATION, frozenset({name}))


def _not_out(name: str) -> Condition:
    return Interfaces(Side.DESTINATION, frozenset({name}), negated=True)

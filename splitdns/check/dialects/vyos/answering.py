"""Whom services answer by themselves: at which addresses they listen, and to which clients.

The rules of the filter say nothing of it. It is modelled as one more chain behind them: what a service does
not listen for is rejected, as by a host on which nobody listens, and whom it does not answer is dropped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from splitdns.check.dialects.vyos.reading import Reading, origin
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, address, prefix, whole
from splitdns.check.model import (
    TCP,
    UDP,
    Action,
    Addresses,
    Chain,
    Drop,
    Hook,
    Ports,
    Priority,
    Protocols,
    Reject,
    Rule,
    Side,
)
from splitdns.check.sets import NONE, Numbers, all_addresses, numbers_of

_BOTH = Numbers.of((TCP, TCP), (UDP, UDP))
_PORTS = {"ssh": (Numbers.one(TCP), 22), "https": (Numbers.one(TCP), 443), "dns": (_BOTH, 53)}


def read_answering(reading: Reading) -> Iterator[Chain]:
    """A chain for what is for the gateway, if a service says whom it answers."""
    rules: list[Rule] = []
    for name, (protocols, usual) in _PORTS.items():
        path = ("service", name, "forwarding") if name == "dns" else ("service", name)
        node = reading.tree.at(*path)
        if node is not None:
            ports = Numbers.one(_port(node, usual))
            rules += _restricted(reading, node, protocols, ports)
    if rules:
        table = f"{reading.dialect} services"
        yield Chain(table, "listening", tuple(rules), Hook.INPUT, Priority.SECURITY)


def _port(node: Node, usual: int) -> int:
    leaf = node.leaf("port")
    try:
        return usual if leaf is None else whole(leaf.word, 65_535, "a port")
    except Wrong:
        return usual  # a mistake, which is told where ports are read


def _restricted(reading: Reading, node: Node, protocols: Numbers, ports: Numbers) -> Iterator[Rule]:
    listens = [*_listens(reading, node)]
    allowed = [*_prefixes(reading, node.beneath("allow-from"))]
    for family in (4, 6):
        of_family = [numbers for version, numbers in listens if version == family]
        if listens and (rest := all_addresses(family) - _together(of_family)):
            yield _rule(node, Addresses(Side.DESTINATION, rest), protocols, ports, Reject(), family)
        told = [numbers for version, numbers in allowed if version == family]
        if allowed and (rest := all_addresses(family) - _together(told)):
            yield _rule(node, Addresses(Side.SOURCE, rest), protocols, ports, Drop(), family)


def _listens(reading: Reading, node: Node) -> Iterator[tuple[int, Numbers]]:
    """Addresses, or those of interfaces; of one that is leased and not told, any."""
    for one in node.beneath("listen-address"):
        try:
            at = address(one.word)
        except Wrong as wrong:
            reading.wrong(one, str(wrong))
            continue
        yield at.version, all_addresses(at.version) if at.is_unspecified else numbers_of(at)
    for one in node.beneath("listen-on"):
        interface = reading.network.interface(one.word)
        known = interface.addresses if interface is not None else ()
        for own in known:
            yield own.address.version, numbers_of(own.address)
        if not known:
            yield from ((family, all_addresses(family)) for family in (4, 6))


def _prefixes(reading: Reading, nodes: Iterable[Node]) -> Iterator[tuple[int, Numbers]]:
    for one in nodes:
        try:
            network = prefix(one.word)
        except Wrong as wrong:
            reading.wrong(one, str(wrong))
            continue
        yield network.version, numbers_of(network)


def _together(parts: Iterable[Numbers]) -> Numbers:
    found = NONE
    for part in parts:
        found |= part
    return found


def _rule(
    node: Node, who: Addresses, protocols: Numbers, ports: Numbers, action: Action, family: int
) -> Rule:
    conditions = (Protocols(protocols), Ports(Side.DESTINATION, ports), who)
    return Rule(conditions, action, origin(node, " ".join(node.path)), frozenset({family}))

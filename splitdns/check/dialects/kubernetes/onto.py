"""A gateway with what a cluster opens: on itself, if it is a node, else at the nodes behind it.

It is a node unless the texts tell the nodes, and none of them has one of its addresses. As a node it has
kube-proxy's rules, and pods for hosts. Else nodes and the addresses of load balancers are hosts, which serve
the services' ports. Where the gateway's rules show kube-proxy's chains already, they say it better.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.dialects.kubernetes import objects, rules
from splitdns.check.dialects.kubernetes.manifests import objects as objects_in
from splitdns.check.dialects.kubernetes.values import Cluster, Endpoint, Node
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import (
    Chain,
    Gateway,
    Hook,
    Host,
    Interface,
    InterfaceAddress,
    Note,
    Priority,
    Rule,
    Ruleset,
    Support,
)
from splitdns.check.sets import Address, Numbers, Prefix
from splitdns.errors import Problems

_USUAL = {4: 24, 6: 64}  # length of the prefix of a node's pods, if no Node tells (kube-controller-manager)


def onto(texts: Sequence[Printed], gateway: Gateway) -> Gateway:
    """``gateway`` with what the manifests open.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    problems, cluster = Problems(), Cluster()
    for text in texts:
        for one in objects_in(text, problems):
            objects.add(cluster, one)
    problems.raise_errors("the cluster's manifests are wrong")
    own = {*gateway.network.addresses(4), *gateway.network.addresses(6)}
    node = next((one for one in cluster.nodes if own & set(one.addresses)), None)
    if node is None and cluster.nodes:
        return _behind(cluster, gateway)
    if has_proxy(gateway.ruleset):
        return gateway
    return _on(cluster, node, gateway)


def has_proxy(ruleset: Ruleset) -> bool:
    """Whether kube-proxy's own chains are among the rules: of iptables, or of nftables."""
    return any(chain.name == "KUBE-SERVICES" or "kube-proxy" in chain.table for chain in ruleset.chains)


# --- The gateway is a node ----------------------------------------------------------------------------------


def _on(cluster: Cluster, node: Node | None, gateway: Gateway) -> Gateway:
    own = {*gateway.network.addresses(4), *gateway.network.addresses(6)}
    here = [one for one in cluster.host_ports if not one.at or own & set(one.at)]
    cluster.host_ports = here
    made = rules.made_of(cluster, "" if node is None else node.name)
    origins = [*(one.origin for one in cluster.services), *(one.origin for one in here)]
    if not origins:
        return _noted(gateway, cluster.notes)
    origin = origins[0]
    ends = {end.address: end for end in _ends(cluster)}
    network, notes = gateway.network, list(cluster.notes)
    for prefix in _pods(ends.values(), cluster.nodes, gateway):
        reason = f"pods of {prefix} are taken to be behind an interface of their own, with {prefix[1]}"
        notes.append(Note(Support.WIDENED, "network of pods", origin, reason))
        way = Interface(f"pods-{prefix.network_address}", (InterfaceAddress(prefix[1], prefix),))
        network = replace(network, interfaces=(*network.interfaces, way))
    ruleset = gateway.ruleset
    chains = tuple(_admitting(chain, made.accepting) for chain in ruleset.chains)
    count = ruleset.rules + len(made.translating) + len(made.refusing)
    whole = Ruleset((*made.chains(origin), *chains), (*ruleset.notes, *notes), count)
    hosts = (
        Host(end.name, (InterfaceAddress(end.address, near),))
        for end in ends.values()
        if (near := _near(end.address, network.interfaces)) is not None
    )
    return replace(gateway, network=network, ruleset=whole, hosts=(*gateway.hosts, *hosts))


def _noted(gateway: Gateway, notes: Iterable[Note]) -> Gateway:
    ruleset = gateway.ruleset
    return replace(gateway, ruleset=replace(ruleset, notes=(*ruleset.notes, *notes)))


def _admitting(chain: Chain, accepting: Sequence[Rule]) -> Chain:
    """A filter's base chain for what is forwarded lets services through before all else."""
    if chain.hook is not Hook.FORWARD or chain.is_nat or chain.bridged or chain.priority < Priority.FILTER:
        return chain
    mine = (rule for rule in accepting if rule.families & chain.families)
    return replace(chain, rules=(*mine, *chain.rules))


def _ends(cluster: Cluster) -> Iterator[Endpoint]:
    for service in cluster.services:
        for one in cluster.endpoints.get(service.key, ()):
            yield from one.ready
    yield from (one.to for one in cluster.host_ports)


def _near(address: Address, interfaces: Iterable[Interface]) -> Prefix | None:
    """The network of the gateway's that an address is in."""
    return next(
        (
            own.prefix
            for one in interfaces
            for own in one.addresses
            if own.prefix.version == address.version and address in own.prefix
        ),
        None,
    )


def _pods(ends: Iterable[Endpoint], nodes: Sequence[Node], gateway: Gateway) -> Iterator[Prefix]:
    """Networks of pods to which no interface and no route of the gateway leads."""
    found: set[Prefix] = set()
    network = gateway.network
    routed = [route.prefix for route in network.routes if route.prefix.prefixlen]
    for end in ends:
        ways = (*routed, *found)
        if _near(end.address, network.interfaces) or any(end.address in way for way in ways):
            continue
        told = (one for node in nodes for one in node.pods if end.address in one)
        prefix = next(told, ip_network((end.address, _USUAL[end.address.version]), strict=False))
        found.add(prefix)
        yield prefix


# --- The nodes are behind it --------------------------------------------------------------------------------


def _behind(cluster: Cluster, gateway: Gateway) -> Gateway:
    """Nodes serve their ports of services, and load balancers' addresses the services themselves."""
    known = {own.address for host in gateway.hosts for own in host.addresses}
    served: dict[Address, tuple[str, dict[int, Numbers]]] = {}
    for node in cluster.nodes:
        for address in node.addresses:
            served[address] = (node.name, _node_ports(cluster, node))
    for service in cluster.services:
        for address in service.addresses:
            _, listens = served.setdefault(address, (f"service {'/'.join(service.key)}", {}))
            for port in service.ports:
                listens[port.protocol] = listens.get(port.protocol, Numbers()) | Numbers.one(port.port)
    hosts = tuple(
        Host(name, (InterfaceAddress(address, prefix),), listens=listens)
        for address, (name, listens) in served.items()
        if address not in known and (prefix := _near(address, gateway.network.interfaces)) is not None
    )
    return replace(_noted(gateway, cluster.notes), hosts=(*gateway.hosts, *hosts))


def _node_ports(cluster: Cluster, node: Node) -> dict[int, Numbers]:
    found: dict[int, Numbers] = {}
    for service in cluster.services:
        for port in service.ports:
            found[port.protocol] = found.get(port.protocol, Numbers()) | port.node_ports
    for one in cluster.host_ports:
        if set(one.at) & set(node.addresses) and one.only in (None, *node.addresses):
            found[one.protocol] = found.get(one.protocol, Numbers()) | Numbers.one(one.port)
    return found

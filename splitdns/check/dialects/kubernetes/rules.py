"""The rules that kube-proxy makes of services on a node (Kubernetes, "Virtual IPs and Service Proxies").

What is sent to a service's address, or to its port of the node, goes to *one of* its endpoints. Unless the
policy is ``Local``, it gets the node's address for its source, by a mark, and passes the filter by that mark.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from splitdns.check.dialects.kubernetes.values import (
    Cluster,
    Endpoint,
    HostPort,
    Service,
    ServicePort,
)
from splitdns.check.model import (
    Accept,
    Addresses,
    AddressTypes,
    Chain,
    Condition,
    Drop,
    Hook,
    Mark,
    Masquerade,
    Of,
    Opaque,
    Origin,
    Ports,
    Priority,
    Protocols,
    Reject,
    Rule,
    SetMark,
    Side,
    Translate,
    Translated,
    Unknown,
)
from splitdns.check.sets import Numbers, all_addresses, numbers_of

NAT, FILTER = "kubernetes nat", "kubernetes filter"
MASQUERADE = 0x4000  # kube-proxy's own bit (--iptables-masquerade-bit 14)

_LOCAL = AddressTypes(Side.DESTINATION, frozenset({"local"}))
_MARKED = Mark(Of.PACKET, Numbers.one(MASQUERADE), MASQUERADE)
_BY_PLUGIN = "whether the network plugin accepts what is sent to its pods"
_CHOSEN = "the cluster chooses the port of the node"


@dataclass(slots=True)
class Made:
    """Rules by where they stand; ``accepting`` go before those of the filter that is there."""

    translating: list[Rule] = field(default_factory=list)
    refusing: list[Rule] = field(default_factory=list)
    accepting: list[Rule] = field(default_factory=list)

    def chains(self, origin: Origin) -> tuple[Chain, ...]:
        hidden = Rule((_MARKED,), Masquerade(), origin)
        return (
            Chain(NAT, "prerouting", tuple(self.translating), Hook.PREROUTING, Priority.DSTNAT, is_nat=True),
            Chain(NAT, "postrouting", (hidden,), Hook.POSTROUTING, Priority.SRCNAT, is_nat=True),
            Chain(FILTER, "input", tuple(self.refusing), Hook.INPUT, Priority.FILTER - 1),
            Chain(FILTER, "forward", tuple(self.refusing), Hook.FORWARD, Priority.FILTER - 1),
        )


def made_of(cluster: Cluster, node: str) -> Made:
    """The rules of a node; ``node`` is its name (empty: not known)."""
    made = Made()
    origin = next((one.origin for one in cluster.services), None)
    if origin is not None:
        made.accepting.append(Rule((_MARKED,), Accept(), origin))
    for service in cluster.services:
        for port in service.ports:
            for family in (4, 6):
                _port(made, cluster, service, port, family, node)
    for host_port in cluster.host_ports:
        _host_port(made, host_port)
    return made


def _port(made: Made, cluster: Cluster, service: Service, port: ServicePort, family: int, node: str) -> None:
    for address in service.addresses:
        if address.version != family:
            continue
        at = [Addresses(Side.DESTINATION, numbers_of(address)), *_to(port.protocol, Numbers.one(port.port))]
        if service.sources and address in service.balanced:
            let_in = numbers_of(*(one for one in service.sources if one.version == family))
            others = Addresses(Side.SOURCE, all_addresses(family) - let_in)
            made.refusing.append(Rule((others, *at), Drop(), service.origin, frozenset({family})))
            at.insert(0, Addresses(Side.SOURCE, let_in))
        _led(made, cluster, service, port, at, family, node)
    if port.node_ports:
        at = [_LOCAL, *_to(port.protocol, port.node_ports)]
        if port.node_ports.single is None:
            at.append(Unknown(_CHOSEN))
        _led(made, cluster, service, port, at, family, node)


def _led(
    made: Made,
    cluster: Cluster,
    service: Service,
    port: ServicePort,
    at: Iterable[Condition],
    family: int,
    node: str,
) -> None:
    """What meets ``at`` goes to the endpoints; to nobody, where there are none."""
    families, conditions = frozenset({family}), tuple(at)
    told = cluster.endpoints.get(service.key)
    if told is None:
        reason = f"no text tells the endpoints of {'/'.join(service.key)}"
        made.translating.append(Rule(conditions, Opaque(reason), service.origin, families))
        return
    ends = [
        (end, number)
        for one in told
        for (name, protocol), number in one.ports.items()
        if number and protocol == port.protocol and name == port.name
        for end in one.ready
        if end.address.version == family
    ]
    mine = [one for one in ends if not service.local or one[0].node in ("", node) or not node]
    if not mine:
        action = Drop() if ends else Reject()  # of a policy that keeps to its own node, nothing is said
        made.refusing.append(Rule(conditions, action, service.origin, families))
        return
    unsure = service.local and not all(end.node and end.node == node for end, _ in mine)
    if unsure:
        conditions += (Unknown("which endpoints are on this node"),)
    if not service.local:
        mark = SetMark(Of.PACKET, MASQUERADE, MASQUERADE)
        made.translating.append(Rule(conditions, mark, service.origin, families))
    to = Translate(
        Side.DESTINATION,
        numbers_of(*(end.address for end, _ in mine)),
        Numbers.of(*((number, number) for _, number in mine)),
    )
    made.translating.append(Rule(conditions, to, service.origin, families))
    if service.local:
        made.accepting += _perhaps(mine, port.protocol, service.origin, family)


def _perhaps(
    ends: Iterable[tuple[Endpoint, int]], protocol: int, origin: Origin, family: int
) -> Iterator[Rule]:
    for end, number in ends:
        to = Addresses(Side.DESTINATION, numbers_of(end.address))
        led = Translated(Side.DESTINATION)
        conditions = (led, to, *_to(protocol, Numbers.one(number)), Unknown(_BY_PLUGIN))
        yield Rule(conditions, Accept(), origin, frozenset({family}))


def _host_port(made: Made, one: HostPort) -> None:
    """As the plugin portmap leads it."""
    families = frozenset({one.to.address.version})
    if one.only is not None and one.only.version != one.to.address.version:
        return
    at = _LOCAL if one.only is None else Addresses(Side.DESTINATION, numbers_of(one.only))
    to = Translate(Side.DESTINATION, numbers_of(one.to.address), Numbers.one(one.to_port))
    conditions = (at, *_to(one.protocol, Numbers.one(one.port)))
    made.translating.append(Rule(conditions, to, one.origin, families))
    made.accepting += _perhaps([(one.to, one.to_port)], one.protocol, one.origin, one.to.address.version)


def _to(protocol: int, ports: Numbers) -> tuple[Condition, Condition]:
    return Protocols(Numbers.one(protocol)), Ports(Side.DESTINATION, ports)

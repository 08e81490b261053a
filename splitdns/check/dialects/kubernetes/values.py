"""What a cluster's objects say, as values."""

from __future__ import annotations

from dataclasses import dataclass, field

from splitdns.check.model import SCTP, TCP, UDP, Note, Origin
from splitdns.check.sets import Address, Numbers, Prefix
from splitdns.value import value

PROTOCOLS = {"TCP": TCP, "UDP": UDP, "SCTP": SCTP}
NODE_PORTS = Numbers(((30_000, 32_767),))  # kube-apiserver --service-node-port-range
Key = tuple[str, str]  # namespace and name


@value(frozen=True, slots=True)
class ServicePort:
    """``node_ports``: of every node (empty: none); several: the cluster chooses one of them."""

    name: str
    protocol: int
    port: int
    node_ports: Numbers


@value(frozen=True, slots=True)
class Service:
    """``addresses`` are those of its load balancer and its external ones; ``sources`` are let in there only.

    ``local``: nodes lead only to their own endpoints, and keep the client's address.
    """

    key: Key
    ports: tuple[ServicePort, ...]
    addresses: tuple[Address, ...]
    balanced: frozenset[Address]
    sources: tuple[Prefix, ...]
    local: bool
    origin: Origin


@value(frozen=True, slots=True)
class Endpoint:
    """A pod that serves, and the node that it is on (empty: not told)."""

    address: Address
    node: str
    name: str


@value(frozen=True, slots=True)
class Endpoints:
    """``ports`` by name and protocol, the same at each of ``ready``."""

    ready: tuple[Endpoint, ...]
    ports: dict[tuple[str, int], int]


@value(frozen=True, slots=True)
class Node:
    name: str
    addresses: tuple[Address, ...]
    pods: tuple[Prefix, ...]
    origin: Origin


@value(frozen=True, slots=True)
class HostPort:
    """A port of a node that leads to a pod; ``at``: the node's address, or the only one that is meant."""

    protocol: int
    port: int
    at: tuple[Address, ...]
    only: Address | None
    to: Endpoint
    to_port: int
    origin: Origin


@dataclass(slots=True)
class Cluster:
    """Everything that the texts tell; ``endpoints`` of a service that no text tells are not there."""

    services: list[Service] = field(default_factory=list)
    endpoints: dict[Key, list[Endpoints]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)
    host_ports: list[HostPort] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

"""What a cluster's objects say that matters for who reaches what (Kubernetes API reference, v1).

Services, their endpoints, nodes, and pods with ports of their node. Ingresses and Gateways open nothing by
themselves: their controller is a service like any other; the names that they serve are noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.kubernetes.manifests import Part
from splitdns.check.dialects.kubernetes.values import (
    NODE_PORTS,
    PROTOCOLS,
    Cluster,
    Endpoint,
    Endpoints,
    HostPort,
    Key,
    Node,
    Service,
    ServicePort,
)
from splitdns.check.model import Note, Origin, Support
from splitdns.check.sets import Address, Numbers, Prefix

MADE_BY = "Kubernetes"
_OPENS = ("NodePort", "LoadBalancer")
_TEMPLATES = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job")
_OF_SERVICE = "kubernetes.io/service-name"


def add(cluster: Cluster, one: Part) -> None:
    """What an object says, added to the cluster."""
    kind = one.at("kind").text()
    match kind:
        case "Service":
            _service(cluster, one)
        case "Endpoints":
            cluster.endpoints.setdefault(_key(one), []).extend(_subsets(one))
        case "EndpointSlice":
            name = one.at("metadata", "labels", _OF_SERVICE).text()
            key = (_key(one)[0], name)
            cluster.endpoints.setdefault(key, []).append(_slice(one))
        case "Node":
            cluster.nodes.append(_node(one))
        case "Pod":
            _pod(cluster, one)
        case "Ingress" | "Gateway" | "HTTPRoute" | "TLSRoute" | "GRPCRoute":
            for host in _names(one, kind):
                reason = f"its controller serves {host}; a service of its own opens the ports"
                _note(cluster, Support.IGNORED, f"host of {kind}", one, reason)
        case _ if kind in _TEMPLATES:
            _template(cluster, one, kind)
        case _:
            _note(cluster, Support.IGNORED, kind, one, "it opens no port")


def _key(one: Part) -> Key:
    return one.at("metadata", "namespace").text("default"), one.at("metadata", "name").text()


def _origin(one: Part) -> Origin:
    namespace, name = _key(one)
    return Origin(one.where, f"{one.at('kind').text()} {namespace}/{name}", MADE_BY)


def _note(cluster: Cluster, support: Support, name: str, one: Part, reason: str) -> None:
    cluster.notes.append(Note(support, name, _origin(one), reason))


def _address(part: Part) -> Address | None:
    try:
        return ip_address(part.value if isinstance(part.value, str) else "")
    except ValueError:
        part.wrong("an address")
        return None


def _prefix(part: Part) -> Prefix | None:
    try:
        return ip_network(part.value if isinstance(part.value, str) else "", strict=False)
    except ValueError:
        part.wrong("a prefix")
        return None


def _protocol(part: Part) -> int:
    word = part.text("TCP")
    if word not in PROTOCOLS:
        part.wrong("TCP, UDP or SCTP")
    return PROTOCOLS.get(word, PROTOCOLS["TCP"])


# --- Services -----------------------------------------------------------------------------------------------


def _service(cluster: Cluster, one: Part) -> None:
    spec = one.at("spec")
    kind = spec.at("type").text("ClusterIP")
    external = [found for part in spec.at("externalIPs").items() if (found := _address(part))]
    if kind not in _OPENS and not external:
        reason = "pods and nodes reach it; who routes to a cluster's address is not modelled"
        _note(cluster, Support.IGNORED, f"type {kind}", one, reason)
        return
    balanced = list(_balanced(cluster, one)) if kind == "LoadBalancer" else []
    ports = tuple(_port(cluster, one, port, kind) for port in spec.at("ports").items())
    sources = (_prefix(part) for part in spec.at("loadBalancerSourceRanges").items())
    cluster.services.append(
        Service(
            _key(one),
            tuple(port for port in ports if port.port),
            tuple(dict.fromkeys((*balanced, *external))),
            frozenset(balanced),
            tuple(prefix for prefix in sources if prefix is not None),
            spec.at("externalTrafficPolicy").text("Cluster") == "Local",
            _origin(one),
        )
    )


def _balanced(cluster: Cluster, one: Part) -> Iterator[Address]:
    """The addresses that its load balancer has, or is to have."""
    told = False
    for ingress in one.at("status", "loadBalancer", "ingress").items():
        told = True
        if ingress.at("ip").value is not None and (found := _address(ingress.at("ip"))):
            yield found
        elif ingress.at("hostname").value is not None:
            reason = f"the address of {ingress.at('hostname').text()} is not told"
            _note(cluster, Support.WIDENED, "load balancer by name", one, reason)
    wanted = one.at("spec", "loadBalancerIP")
    if not told and wanted.value is not None:
        if found := _address(wanted):
            yield found
    elif not told:
        reason = "it has no address yet, or it stands in the `status` that kubectl prints"
        _note(cluster, Support.WIDENED, "load balancer without an address", one, reason)


def _port(cluster: Cluster, one: Part, port: Part, kind: str) -> ServicePort:
    node_ports = Numbers()
    if kind in _OPENS and one.at("spec", "allocateLoadBalancerNodePorts").truth(usual=True):
        if told := port.at("nodePort").port():
            node_ports = Numbers.one(told)
        elif port.at("nodePort").value is None:
            node_ports = NODE_PORTS
            _note(cluster, Support.WIDENED, "nodePort", one, "the cluster chooses it")
    number = port.at("port")
    if number.value is None:
        number.wrong("a port")
    return ServicePort(port.at("name").text(), _protocol(port.at("protocol")), number.port(), node_ports)


# --- Endpoints ----------------------------------------------------------------------------------------------


def _subsets(one: Part) -> Iterator[Endpoints]:
    for subset in one.at("subsets").items():
        ready = (
            Endpoint(address, part.at("nodeName").text(), part.at("targetRef", "name").text(str(address)))
            for part in subset.at("addresses").items()
            if (address := _address(part.at("ip")))
        )
        yield Endpoints(tuple(ready), _ports(subset))


def _slice(one: Part) -> Endpoints:
    ready = (
        Endpoint(address, part.at("nodeName").text(), part.at("targetRef", "name").text(str(address)))
        for part in one.at("endpoints").items()
        if part.at("conditions", "ready").truth(usual=True)
        for place in part.at("addresses").items()
        if (address := _address(place))
    )
    return Endpoints(tuple(ready), _ports(one))


def _ports(one: Part) -> dict[tuple[str, int], int]:
    return {
        (port.at("name").text(), _protocol(port.at("protocol"))): port.at("port").port()
        for port in one.at("ports").items()
    }


# --- Nodes and pods -----------------------------------------------------------------------------------------


def _node(one: Part) -> Node:
    addresses = (
        _address(part.at("address"))
        for part in one.at("status", "addresses").items()
        if part.at("type").text() in ("InternalIP", "ExternalIP")
    )
    spec = one.at("spec")
    told = list(spec.at("podCIDRs").items()) or [spec.at("podCIDR")]
    pods = (_prefix(part) for part in told if part.value is not None)
    return Node(
        one.at("metadata", "name").text(),
        tuple(address for address in addresses if address is not None),
        tuple(prefix for prefix in pods if prefix is not None),
        _origin(one),
    )


def _pod(cluster: Cluster, one: Part) -> None:
    spec, status = one.at("spec"), one.at("status")
    if spec.at("hostNetwork").truth(usual=False):
        reason = "its ports are the node's own: tell them as listens"
        _note(cluster, Support.WIDENED, "hostNetwork", one, reason)
        return
    told = [part.at("ip") for part in status.at("podIPs").items()] or [status.at("podIP")]
    pods = [address for part in told if part.value is not None and (address := _address(part))]
    at = [status.at("hostIP")] if status.at("hostIP").value is not None else []
    nodes = tuple(address for part in at if (address := _address(part)))
    for port in (port for inner in spec.at("containers").items() for port in inner.at("ports").items()):
        number = port.at("hostPort").port()
        if not number:
            continue
        if not pods:
            _note(cluster, Support.WIDENED, "hostPort", one, "the pod's address is not told")
        only = _address(port.at("hostIP")) if port.at("hostIP").value is not None else None
        only = None if only is None or only.is_unspecified else only
        for pod in pods:
            end = Endpoint(pod, spec.at("nodeName").text(), _key(one)[1])
            inside = port.at("containerPort").port() or number
            protocol = _protocol(port.at("protocol"))
            cluster.host_ports.append(HostPort(protocol, number, nodes, only, end, inside, _origin(one)))


def _template(cluster: Cluster, one: Part, kind: str) -> None:
    spec = one.at("spec", "template", "spec")
    ports = (port for inner in spec.at("containers").items() for port in inner.at("ports").items())
    if spec.at("hostNetwork").truth(usual=False) or any(port.at("hostPort").port() for port in ports):
        reason = "its pods open ports of their node: `kubectl get pods -o json` tells which"
        _note(cluster, Support.WIDENED, f"hostPort of {kind}", one, reason)
    else:
        _note(cluster, Support.IGNORED, kind, one, "it opens no port")


def _names(one: Part, kind: str) -> Iterator[str]:
    spec = one.at("spec")
    match kind:
        case "Ingress":
            places = [rule.at("host") for rule in spec.at("rules").items()]
        case "Gateway":
            places = [listener.at("hostname") for listener in spec.at("listeners").items()]
        case _:
            places = list(spec.at("hostnames").items())
    yield from dict.fromkeys(place.text("any name") for place in places)

"""Manifests for tests, in a few words."""

from __future__ import annotations

import json


def service(name: str, kind: str = "NodePort", ports: str = "80", status: str = "", **more: object) -> str:
    """``ports``: like ``443:30443/TCP``, the node's after the colon; ``status``: its balancer's addresses."""
    told = []
    for one in ports.split():
        numbers, _, protocol = one.partition("/")
        port, _, node_port = numbers.partition(":")
        entry: dict[str, object] = {"name": f"p{port}", "port": int(port), "protocol": protocol or "TCP"}
        if node_port:
            entry["nodePort"] = int(node_port)
        told.append(entry)
    spec: dict[str, object] = {"type": kind, "selector": {"app": name}, "ports": told, **more}
    whole: dict[str, object] = {"kind": "Service", "metadata": {"name": name}, "spec": spec}
    if status:
        whole["status"] = {"loadBalancer": {"ingress": [{"ip": one} for one in status.split()]}}
    return json.dumps(whole)


def endpoints(name: str, *addresses: str, ports: str = "80:8080", node: str = "") -> str:
    """``ports``: of the service, and after the colon the pods'."""
    ends = [{"ip": one, **({"nodeName": node} if node else {})} for one in addresses]
    told = []
    for one in ports.split():
        numbers, _, protocol = one.partition("/")
        port, _, inside = numbers.partition(":")
        told.append({"name": f"p{port}", "port": int(inside or port), "protocol": protocol or "TCP"})
    subset = {"addresses": ends, "ports": told} if ends else {"ports": told}
    whole = {"kind": "Endpoints", "metadata": {"name": name}, "subsets": [subset] if addresses else []}
    return json.dumps(whole)


def node(name: str, *addresses: str, pods: str = "") -> str:
    told = [{"type": "InternalIP", "address": one} for one in addresses]
    spec = {"podCIDR": pods} if pods else {}
    status = {"addresses": [*told, {"type": "Hostname", "address": name}]}
    return json.dumps({"kind": "Node", "metadata": {"name": name}, "spec": spec, "status": status})


def pod(name: str, address: str, host_port: int, port: int, at: str = "", **more: object) -> str:
    ports = [{"containerPort": port, "hostPort": host_port}]
    spec = {"containers": [{"name": "one", "ports": ports}], **more}
    status = {"podIP": address, **({"hostIP": at} if at else {})}
    return json.dumps({"kind": "Pod", "metadata": {"name": name}, "spec": spec, "status": status})


def together(*objects: str) -> str:
    return "\n---\n".join(objects)

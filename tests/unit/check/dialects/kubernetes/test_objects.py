"""What a cluster's objects say."""

from __future__ import annotations

import json

import pytest

from splitdns.check.dialects.kubernetes import objects
from splitdns.check.dialects.kubernetes.manifests import objects as objects_in
from splitdns.check.dialects.kubernetes.values import NODE_PORTS, Cluster
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Support
from splitdns.check.sets import Numbers
from splitdns.errors import Problems
from tests.check.kubernetes.manifests import endpoints, node, pod, service, together

NO_PORT = '{"kind": "Service", "spec": {"type": "NodePort", "ports": [{}]}}'


def cluster(*told: str) -> tuple[Cluster, list[str]]:
    found, problems = Cluster(), Problems()
    for one in objects_in(Printed(together(*told), "f"), problems):
        objects.add(found, one)
    return found, [str(error) for error in problems.errors]


def notes(*told: str) -> dict[str, Support]:
    return {note.name: note.support for note in cluster(*told)[0].notes}


def test_a_service_has_ports_of_its_own_and_of_the_nodes() -> None:
    told = service("web", "LoadBalancer", "80:30080 53:30053/UDP 443", "192.0.2.9 2001:db8::9")
    (one,) = cluster(told)[0].services
    assert [(port.port, port.protocol, port.node_ports) for port in one.ports] == [
        (80, 6, Numbers.one(30080)),
        (53, 17, Numbers.one(30053)),
        (443, 6, NODE_PORTS),
    ]
    assert [str(address) for address in one.addresses] == ["192.0.2.9", "2001:db8::9"]
    assert str(one.origin) == "f:1:1: Service default/web (Kubernetes)"


def test_a_load_balancer_s_address_is_the_one_it_has_else_the_one_it_is_to_have() -> None:
    wanted = service("web", "LoadBalancer", "80:30080", loadBalancerIP="192.0.2.9")
    both = service("web", "LoadBalancer", "80:30080", "192.0.2.10", loadBalancerIP="192.0.2.9")
    assert [str(one) for one in cluster(wanted)[0].services[0].addresses] == ["192.0.2.9"]
    assert [str(one) for one in cluster(both)[0].services[0].addresses] == ["192.0.2.10"]
    assert notes(service("web", "LoadBalancer", "80:30080")) == {
        "load balancer without an address": Support.WIDENED
    }
    named = json.loads(both) | {"status": {"loadBalancer": {"ingress": [{"hostname": "lb.example.net"}]}}}
    assert notes(json.dumps(named)) == {"load balancer by name": Support.WIDENED}


@pytest.mark.parametrize("kind", ["ClusterIP", "ExternalName"])
def test_a_service_of_the_cluster_alone_is_ignored(kind: str) -> None:
    found, errors = cluster(service("web", kind, "80"))
    assert (found.services, errors) == ([], [])
    assert notes(service("web", kind, "80")) == {f"type {kind}": Support.IGNORED}


def test_endpoints_and_slices_are_the_same() -> None:
    ready = [
        {"addresses": ["10.42.0.5"], "nodeName": "one", "conditions": {"ready": True}},
        {"addresses": ["10.42.0.6"], "conditions": {"ready": False}},
    ]
    labels = {"kubernetes.io/service-name": "web"}
    whole = {
        "kind": "EndpointSlice",
        "metadata": {"name": "web-x1", "labels": labels},
        "endpoints": ready,
        "ports": [{"name": "p80", "port": 8080}],
    }
    sliced = cluster(json.dumps(whole))[0].endpoints
    plain = cluster(endpoints("web", "10.42.0.5", node="one"))[0].endpoints
    assert sliced == plain
    ((one,),) = plain.values()
    assert one.ports == {("p80", 6): 8080}
    assert cluster(endpoints("web"))[0].endpoints == {("default", "web"): []}


def test_nodes_have_addresses_and_networks_of_pods() -> None:
    (one,) = cluster(node("one", "192.168.1.30", "2001:db8::30", pods="10.42.0.0/24"))[0].nodes
    assert [str(address) for address in one.addresses] == ["192.168.1.30", "2001:db8::30"]
    assert [str(prefix) for prefix in one.pods] == ["10.42.0.0/24"]


def test_pods_open_ports_of_their_node() -> None:
    (one,) = cluster(pod("dns", "10.42.0.7", 53, 5353, "192.168.1.30"))[0].host_ports
    assert (one.port, one.to_port) == (53, 5353)
    assert (str(one.to.address), str(one.at[0])) == ("10.42.0.7", "192.168.1.30")
    assert notes(pod("x", "10.42.0.7", 1, 1, hostNetwork=True)) == {"hostNetwork": Support.WIDENED}
    plain = '{"kind": "Pod", "spec": {"containers": [{"ports": [{"containerPort": 80}]}]}}'
    assert cluster(plain)[0].host_ports == []


def test_what_is_to_run_is_noted_if_it_will_open_ports() -> None:
    def template(**port: int) -> str:
        spec = {"template": {"spec": {"containers": [{"ports": [{"containerPort": 80, **port}]}]}}}
        return json.dumps({"kind": "DaemonSet", "metadata": {"name": "x"}, "spec": spec})

    assert notes(template(hostPort=80)) == {"hostPort of DaemonSet": Support.WIDENED}
    assert notes(template()) == {"DaemonSet": Support.IGNORED}


@pytest.mark.parametrize(
    ("kind", "spec", "names"),
    [
        ("Ingress", {"rules": [{"host": "www.example.com"}, {}]}, ["www.example.com", "any name"]),
        ("Gateway", {"listeners": [{"hostname": "*.example.com", "port": 443}]}, ["*.example.com"]),
        ("HTTPRoute", {"hostnames": ["a.example.com", "b.example.com"]}, ["a.example.com", "b.example.com"]),
    ],
)
def test_names_that_controllers_serve_are_noted(kind: str, spec: object, names: list[str]) -> None:
    found, _ = cluster(json.dumps({"kind": kind, "metadata": {"name": "x"}, "spec": spec}))
    assert [note.reason.partition("serves ")[2].partition(";")[0] for note in found.notes] == names


@pytest.mark.parametrize(
    ("told", "message"),
    [
        (service("web", "NodePort", "80:99999"), "expected a port, found 99999"),
        (service("web", "NodePort", "80:30080/HTTP"), "expected TCP, UDP or SCTP, found 'HTTP'"),
        (service("web", "LoadBalancer", "80:30080", "lb"), "expected an address, found 'lb'"),
        (service("web", "NodePort", "80:1", loadBalancerSourceRanges=["x"]), "expected a prefix, found 'x'"),
        (NO_PORT, "expected a port, found nothing"),
        ('{"kind": "Service", "spec": []}', "expected a mapping, found []"),
    ],
)
def test_what_is_wrong_is_told(told: str, message: str) -> None:
    _, errors = cluster(told)
    assert any(message in error for error in errors), errors

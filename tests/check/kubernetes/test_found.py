"""Clusters on a plain node, and behind a plain gateway: every finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.found import WWW, Case, found
from tests.check.kubernetes.manifests import endpoints, node, pod, service, together

AT = "203.0.113.7"
# The node, or the gateway: it drops what comes by its uplink.
PLAIN = "uplinks: wan0\ninterfaces: {wan0: 203.0.113.7/24, lan0: 192.168.1.1/24}\n"
LED = PLAIN + "forwards: [{port: 443/tcp, to: 192.168.1.80}]\n"
PODS = "{public: 443/tcp, inside: 8443/tcp}"
ON_NODE = WWW.replace("A: {inside: 192.168.1.20, outside: $wan4}", "A: $wan4").replace("443/tcp", PODS)
BALANCED = WWW.replace("192.168.1.20", "192.168.1.80")
WEB = endpoints("web", "10.42.0.5", ports="443:8443")
NO_PORTS = {"allocateLoadBalancerNodePorts": False}


def case(name: str, objects: str, *findings: str, gateway: str = PLAIN, zone: str = ON_NODE) -> Case:
    texts = (("table", gateway), ("kubernetes", objects))
    return Case(name=name, texts=texts, findings=findings, zone=zone)


BALANCER = service("web", "LoadBalancer", "443", AT, **NO_PORTS)
LOCAL = service("web", "LoadBalancer", "443", AT, externalTrafficPolicy="Local", **NO_PORTS)
SOME = service("web", "LoadBalancer", "443", AT, loadBalancerSourceRanges=["198.51.100.0/24"], **NO_PORTS)
TWO = endpoints("web", "10.42.0.5", "10.42.0.6", ports="443:8443")
OPEN = service("open", "NodePort", "80:30080")
OPEN_ENDS = endpoints("open", "10.42.0.9")
EXTERNAL = service("web", "ClusterIP", "443", externalIPs=[AT])
BEHIND = service("web", "LoadBalancer", "443", "192.168.1.80", **NO_PORTS)
NODE = node("one", "192.168.1.30")

CASES = (
    case(
        "a load balancer on the node's address",
        together(BALANCER, WEB),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24",
        "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
    ),
    case(
        "the same with two pods",
        together(BALANCER, TWO),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "info MODEL-UNKNOWN www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24, the internet",
    ),
    case(
        "the same, which keeps clients' addresses",
        together(node("one", AT), LOCAL, endpoints("web", "10.42.0.5", ports="443:8443", node="one")),
        "error HP-MISSING www.example.com. 443/tcp | pods-10.42.0.0 10.42.0.0/24",
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info HP-UNNEEDED www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
    ),
    case(
        "the same, with no pod on this node",
        together(node("one", AT), LOCAL, endpoints("web", "10.42.0.5", ports="443:8443", node="two")),
        "error FWD-MISSING www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24, the gateway, the internet",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
    ),
    case(
        "the same, for some of the internet",
        together(SOME, WEB),
        "error FWD-MISSING www.example.com. 443/tcp | the internet",
        "error HP-DNAT-WAN-ONLY www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24, the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
    ),
    case(
        "the same, without a pod",
        together(BALANCER, endpoints("web")),
        "error FWD-MISSING www.example.com. 443/tcp | lan0 192.168.1.0/24, the gateway, the internet",
    ),
    case(
        "the same, of which no text tells the pods",
        BALANCER,
        "error FWD-MISSING www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN www.example.com. 443/tcp | lan0 192.168.1.0/24, the internet",
    ),
    case(
        "an external address",
        together(EXTERNAL, WEB),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24",
        "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
    ),
    case(
        "a node port that nobody declared",
        together(BALANCER, WEB, OPEN, OPEN_ENDS),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24",
        "warning EXP-UNNAMED : 30080/tcp is open to the internet at 10.42.0.9, and no name"
        " declares it | the internet",
        "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
    ),
    case(
        "a node port that the cluster chooses",
        together(BALANCER, WEB, service("open", "NodePort", "80"), OPEN_ENDS),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "info MODEL-UNKNOWN : nodePort is widened: the cluster chooses it",
        "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24",
        "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
    ),
    case(
        "a port of a pod's own",
        together(BALANCER, WEB, pod("dns", "10.42.0.7", 5300, 53, AT)),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info MODEL-UNKNOWN : network of pods is widened: pods of 10.42.0.0/24 are taken to be"
        " behind an interface of their own, with 10.42.0.1",
        "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24, pods-10.42.0.0"
        " 10.42.0.0/24",
        "warning EXP-UNNAMED : 5300/tcp is open to the internet at 10.42.0.7, and no name declares"
        " it | the internet",
        "warning SRC-LOST-WAN www.example.com. 443/tcp | the internet",
    ),
    case(
        "nothing that opens a port",
        service("web", "ClusterIP", "443"),
        "error FWD-MISSING www.example.com. 443/tcp | lan0 192.168.1.0/24, the gateway, the internet",
    ),
    case(
        "a load balancer behind a gateway that is no node",
        together(NODE, BEHIND, WEB),
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        gateway=LED,
        zone=BALANCED,
    ),
    case(
        "the same, and the gateway forwards nothing",
        together(NODE, BEHIND, WEB),
        "error FWD-MISSING www.example.com. 443/tcp | the internet",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        zone=BALANCED,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_finding_is_the_one_expected(case: Case, tmp_path: Path) -> None:
    assert found(case, tmp_path) == sorted(case.findings)

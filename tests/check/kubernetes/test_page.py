"""The page about Kubernetes: what it shows is in the state that it says."""

from __future__ import annotations

import re

import pytest

from splitdns.check.dialects.kubernetes.onto import onto
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Support
from tests.check.gateways import LAN, PUBLIC, WAN, gateway, interface, network
from tests.check.kubernetes.manifests import endpoints, node, pod, service, together
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dialects" / "kubernetes.md"
ROWS = re.findall(r"^\| (.+?) \| (modelled|widened|ignored|a mistake) \|", PAGE.read_text(), re.MULTILINE)
AROUND = network(LAN, WAN, interface("cni0", "10.42.0.1/24"))
ENDS = endpoints("web", "10.42.0.5")
OPEN = service("web", "NodePort", "80:30080")
POLICIES = ("Cluster", "Local")
SOME = service("web", "LoadBalancer", "80:30080", PUBLIC, loadBalancerSourceRanges=["192.0.2.0/24"])
TEMPLATE = '{"kind": "DaemonSet", "spec": {"template": {"spec": {"hostNetwork": true}}}}'
SLICE = (
    '{"kind": "EndpointSlice", "metadata": {"labels": {"kubernetes.io/service-name": "web"}}, "endpoints": '
    '[{"addresses": ["10.42.0.5"]}], "ports": [{"name": "p80", "port": 80}]}'
)

# What shows each row of the table, in its order.
SHOWN = (
    [together(OPEN, ENDS)],
    [together(service("web"), ENDS)],
    [
        together(service("web", "LoadBalancer", "80:30080", PUBLIC), ENDS),
        together(service("web", "LoadBalancer", "80:30080", loadBalancerIP=PUBLIC), ENDS),
        together(service("web", "ClusterIP", externalIPs=[PUBLIC]), ENDS),
    ],
    [together(service("web", "LoadBalancer", "80:30080"), ENDS)],
    [together(SOME, ENDS)],
    [together(service("web", ports="80:30080", externalTrafficPolicy=one), ENDS) for one in POLICIES],
    [together(OPEN, ENDS), together(OPEN, SLICE)],
    [],  # an action, not a note: tests of the rules show it
    [service("web", "ClusterIP"), service("web", "ExternalName")],
    [pod("dns", "10.42.0.7", 53, 53, PUBLIC)],
    [TEMPLATE, pod("dns", "10.42.0.7", 53, 53, hostNetwork=True)],
    [node("one", PUBLIC, pods="10.42.0.0/24")],
    [together(OPEN, endpoints("web", "10.77.0.5"))],
    ['{"kind": "Ingress", "spec": {"rules": [{"host": "www.example.com"}]}}'],
    ['{"kind": "ConfigMap"}'],
    ["{{ .Values.web }}", "kind: &a X", "kind: !b X"],
)


@pytest.mark.parametrize("at", range(len(ROWS)), ids=[row for row, _ in ROWS])
def test_a_construct_is_in_the_state_that_the_page_says(at: int) -> None:
    _, state = ROWS[at]
    for text in SHOWN[at]:
        if state == "a mistake":
            with pytest.raises(ExceptionGroup):
                onto([Printed(text, "f")], gateway(network=AROUND))
            continue
        notes = {note.support for note in onto([Printed(text, "f")], gateway(network=AROUND)).ruleset.notes}
        assert notes == (set() if state == "modelled" else {Support(state)})


def test_every_row_is_shown() -> None:
    assert len(ROWS) == len(SHOWN)

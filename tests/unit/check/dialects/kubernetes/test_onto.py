"""A gateway that is a node of the cluster, and one that is none."""

from __future__ import annotations

from dataclasses import replace

from splitdns.check.dialects.kubernetes.onto import has_proxy, onto
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Chain, Gateway, Hook, Ruleset, Support
from splitdns.check.sets import Numbers
from tests.check.gateways import (
    ESTABLISHED,
    INTERNET,
    LAN_CLIENT,
    PUBLIC,
    asked,
    clients,
    ended,
    filtering,
    gateway,
)
from tests.check.kubernetes.manifests import endpoints, node, pod, service, together

CLOSED = filtering(Hook.FORWARD, ESTABLISHED, accepts=False)
WEB = service("web", "NodePort", "80:30080")
ENDS = endpoints("web", "10.42.0.5", "10.42.0.6")
ON_NODE = {"ports": 30080}


def clustered(*objects: str, to: Gateway | None = None) -> Gateway:
    return onto([Printed(together(*objects), "cluster.yaml")], to or gateway(CLOSED, hosts=()))


def test_a_node_port_leads_to_any_endpoint_with_the_node_s_address() -> None:
    result = asked(clustered(WEB, ENDS), INTERNET, **ON_NODE)
    assert {one.verdict.value for one in result.outcomes} == {"ok-hairpin"}
    for outcome in result.outcomes:
        assert outcome.endpoint is not None
        assert outcome.endpoint.ports.single == 8080
        assert 0x0A2A0001 in outcome.endpoint.seen_source  # 10.42.0.1
    assert ended(clustered(WEB, ENDS), INTERNET, ports=30081) == "router-self"
    assert ended(clustered(WEB, ENDS), INTERNET, protocol=17, **ON_NODE) == "router-self"


def test_clients_inside_meet_it_too() -> None:
    found = clustered(WEB, endpoints("web", "10.42.0.5"))
    assert ended(found, LAN_CLIENT, **ON_NODE) == "ok-hairpin 10.42.0.5"


def test_local_keeps_the_client_s_address_and_asks_the_network_plugin() -> None:
    local = service("web", "NodePort", "80:30080", externalTrafficPolicy="Local")
    here = (node("one", PUBLIC), local, endpoints("web", "10.42.0.5", node="one"))
    assert ended(clustered(*here), INTERNET, **ON_NODE) == "maybe"
    (outcome,) = asked(clustered(*here, to=gateway(hosts=())), INTERNET, **ON_NODE).outcomes
    assert outcome.endpoint is not None
    assert outcome.endpoint.seen_source == INTERNET.numbers


def test_local_without_an_endpoint_here_answers_nothing() -> None:
    local = service("web", "NodePort", "80:30080", externalTrafficPolicy="Local")
    there = (node("one", PUBLIC), local, endpoints("web", "10.42.9.5", node="two"))
    assert ended(clustered(*there), INTERNET, **ON_NODE) == "dropped"


def test_a_service_without_endpoints_is_refused_and_one_of_which_no_text_tells_is_a_maybe() -> None:
    assert ended(clustered(WEB, endpoints("web")), INTERNET, **ON_NODE) == "refused"
    assert ended(clustered(WEB), INTERNET, **ON_NODE) == "maybe"


def test_a_load_balancer_on_the_node_s_address_leads_inside_and_lets_in_whom_it_says() -> None:
    wanted = {"loadBalancerSourceRanges": ["198.51.100.0/24"], "allocateLoadBalancerNodePorts": False}
    some = service("web", "LoadBalancer", "80", PUBLIC, **wanted)
    other = replace(INTERNET, numbers=clients("x", INTERNET.kind, "wan", "192.0.2.1").numbers)
    found = clustered(some, endpoints("web", "10.42.0.5"))
    assert ended(found, INTERNET, ports=80) == "ok-hairpin 10.42.0.5"
    assert ended(found, other, ports=80) == "dropped"


def test_external_addresses_have_no_source_ranges() -> None:
    some = service("web", "ClusterIP", "80", externalIPs=[PUBLIC], loadBalancerSourceRanges=["192.0.2.0/24"])
    assert ended(clustered(some, endpoints("web", "10.42.0.5")), INTERNET, ports=80) == "ok-hairpin 10.42.0.5"


def test_a_port_that_the_cluster_chooses_is_a_maybe() -> None:
    chosen = service("web", "NodePort", "80")
    assert ended(clustered(chosen, ENDS), INTERNET, ports=30001) == "maybe"
    assert ended(clustered(chosen, ENDS), INTERNET, ports=80) == "router-self"


def test_a_host_port_leads_to_its_pod_on_this_node_only() -> None:
    here, there = pod("dns", "10.42.0.7", 5300, 53, PUBLIC), pod("dns", "10.42.1.7", 5300, 53, "203.0.113.77")
    assert ended(clustered(here, to=gateway(hosts=())), INTERNET, ports=5300) == "ok-dnat dns"
    assert ended(clustered(there), INTERNET, ports=5300) == "router-self"


def test_pods_behind_no_interface_get_one_that_is_noted() -> None:
    found = clustered(node("one", PUBLIC, pods="10.42.0.0/16"), WEB, ENDS)
    way = found.network.interfaces[-1]
    assert (way.name, str(way.addresses[0].address)) == ("pods-10.42.0.0", "10.42.0.1")
    assert "network of pods" in {note.name for note in found.ruleset.notes if note.support is Support.WIDENED}
    lan = clustered(WEB, endpoints("web", "192.168.1.77"))
    assert [one.name for one in lan.network.interfaces] == ["lan", "dmz", "wan"]


def test_the_proxy_s_own_chains_say_it_better() -> None:
    shown = Chain("iptables nat", "KUBE-SERVICES", ())
    assert has_proxy(Ruleset((shown,)))
    assert clustered(WEB, ENDS, to=gateway(shown)) == gateway(shown)


def test_behind_a_gateway_that_is_no_node_nodes_and_balancers_are_hosts() -> None:
    balanced = service("mail", "LoadBalancer", "25:30025", "192.168.1.80")
    far = service("far", "LoadBalancer", "25", "172.31.0.9")
    found = clustered(node("one", "192.168.1.30"), WEB, ENDS, balanced, far, to=gateway(hosts=()))
    assert found.ruleset.chains == ()
    one, mail = found.hosts
    assert (one.name, one.listens) == ("one", {6: Numbers.of((30025, 30025), (30080, 30080), (30000, 32767))})
    assert (mail.name, mail.listens) == ("service default/mail", {6: Numbers.one(25)})


def test_a_cluster_that_opens_nothing_changes_nothing_but_notes() -> None:
    found = clustered('{"kind": "Ingress", "metadata": {"name": "x"}, "spec": {"rules": [{"host": "www"}]}}')
    assert found.ruleset.chains == gateway(CLOSED).ruleset.chains
    (note,) = found.ruleset.notes
    assert (note.support, note.name) == (Support.IGNORED, "host of Ingress")
    assert "www" in note.reason

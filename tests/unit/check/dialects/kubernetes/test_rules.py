"""The rules that kube-proxy makes."""

from __future__ import annotations

from splitdns.check.dialects.kubernetes import objects
from splitdns.check.dialects.kubernetes.manifests import objects as objects_in
from splitdns.check.dialects.kubernetes.rules import made_of
from splitdns.check.dialects.kubernetes.values import Cluster
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Accept, Drop, Opaque, Reject, SetMark, Translate, Unknown
from splitdns.errors import Problems
from tests.check.kubernetes.manifests import endpoints, pod, service, together


def cluster(*told: str) -> Cluster:
    found = Cluster()
    for one in objects_in(Printed(together(*told), "f"), Problems()):
        objects.add(found, one)
    return found


def test_what_is_led_is_marked_first_and_passes_the_filter_by_the_mark() -> None:
    made = made_of(cluster(service("web", ports="80:30080"), endpoints("web", "10.42.0.5")), "")
    assert [type(rule.action) for rule in made.translating if 4 in rule.families] == [SetMark, Translate]
    assert [type(rule.action) for rule in made.accepting] == [Accept]


def test_of_a_family_without_endpoints_it_is_refused() -> None:
    made = made_of(cluster(service("web", ports="80:30080"), endpoints("web", "10.42.0.5")), "")
    assert [(type(rule.action), rule.families) for rule in made.refusing] == [(Reject, frozenset({6}))]


def test_only_endpoints_of_the_same_port_and_protocol_serve() -> None:
    told = cluster(service("web", ports="80:30080 53:30053/UDP"), endpoints("web", "10.42.0.5"))
    made = made_of(told, "")
    led = [rule.action for rule in made.translating if isinstance(rule.action, Translate)]
    assert [one.ports and one.ports.single for one in led] == [8080]


def test_local_is_not_marked_and_not_sure() -> None:
    local = service("web", ports="80:30080", externalTrafficPolicy="Local")
    made = made_of(cluster(local, endpoints("web", "10.42.0.5", node="one")), "one")
    (led,) = (rule for rule in made.translating if 4 in rule.families)
    assert isinstance(led.action, Translate)
    assert not any(isinstance(one, Unknown) for one in led.conditions)
    assert any(isinstance(one, Unknown) for one in made.accepting[-1].conditions)
    elsewhere = made_of(cluster(local, endpoints("web", "10.42.0.5", node="two")), "one")
    assert [type(rule.action) for rule in elsewhere.refusing if 4 in rule.families] == [Drop]
    blind = made_of(cluster(local, endpoints("web", "10.42.0.5", node="two")), "")
    assert any(isinstance(one, Unknown) for one in blind.translating[0].conditions)


def test_of_a_service_without_told_endpoints_anything_may_become() -> None:
    made = made_of(cluster(service("web", ports="80:30080")), "")
    assert {type(rule.action) for rule in made.translating} == {Opaque}


def test_a_host_port_of_one_address_is_of_its_family_only() -> None:
    six = '"hostPort": 53, "hostIP": "2001:db8::1"'
    told = pod("dns", "10.42.0.7", 53, 5353).replace('"hostPort": 53', six)
    assert made_of(cluster(told), "").translating == []
    assert len(made_of(cluster(pod("dns", "10.42.0.7", 53, 5353)), "").translating) == 1

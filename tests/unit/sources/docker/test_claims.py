"""Containers that want the same name."""

from __future__ import annotations

from ipaddress import ip_address

from splitdns.errors import Problems
from splitdns.names import from_text, to_text
from splitdns.sources.docker.claims import claims_in
from splitdns.sources.docker.container import containers_in, reachable_networks
from splitdns.sources.docker.following import Running
from splitdns.sources.docker.labels import Terms
from tests import engine

ZONE = from_text("example.com.")
TERMS = Terms(ZONE, (ZONE,), host=(ip_address("192.168.1.10"),))
LAN = [engine.network(engine.LAN_NET, "lan", "macvlan")]
WWW = {"splitdns.name": "www.example.com"}


def settled(*listed: dict[str, object]) -> tuple[dict[str, tuple[list[str], list[str]]], list[str]]:
    problems = Problems()
    running = Running(tuple(containers_in(list(listed))), reachable_networks(LAN))
    found = {
        to_text(one.owner): (list(map(str, one.inside)), [str(outer) for outer, _ in one.expose])
        for one in claims_in(running, TERMS, problems)
    }
    return found, [str(error) for error in problems.errors]


def on_lan(host: int) -> dict[str, object]:
    return {"lan": engine.endpoint(engine.LAN_NET, f"192.168.1.{host}")}


def test_who_was_there_first_keeps_a_name__semantics_32() -> None:
    old = engine.container("old", WWW, networks=on_lan(50), created=1)
    both = {"splitdns.name": "www.example.com,new.example.com"}
    new = engine.container("new", both, networks=on_lan(51), created=2)

    found, mistakes = settled(new, old)

    assert found == {
        "www.example.com.": (["192.168.1.50"], []),
        "new.example.com.": (["192.168.1.51"], []),
    }
    assert mistakes == [
        "docker: container new, label splitdns.name: expected a name that nobody else has, "
        "found www.example.com., which container old has"
    ]


def test_who_is_leaving_keeps_what_nobody_else_wants_and_says_nothing() -> None:
    both = {"splitdns.name": "www.example.com,old.example.com", "splitdns.ttl": "soon"}
    (old,) = containers_in([engine.container("old", both, networks=on_lan(50), created=1)])
    (new,) = containers_in([engine.container("new", WWW, networks=on_lan(51), created=2)])
    problems = Problems()

    claims = claims_in(Running((new,), reachable_networks(LAN), (old,)), TERMS, problems)

    assert {to_text(one.owner): one.container for one in claims} == {
        "www.example.com.": "new",
        "old.example.com.": "old",
    }
    assert problems.errors == []


def test_replicas_of_a_service_share_a_name() -> None:
    labels = WWW | {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    replicas = [engine.container(f"shop-web-{n}", labels, networks=on_lan(50 + n), created=n) for n in (1, 2)]

    found, mistakes = settled(*replicas)

    assert found == {"www.example.com.": (["192.168.1.51", "192.168.1.52"], [])}
    assert mistakes == []


def test_containers_that_lead_the_same_way_share_a_name_and_expose_together() -> None:
    rule = {"traefik.http.routers.x.rule": "Host(`www.example.com`)"}
    one = engine.container("one", rule, created=1)
    two = engine.container("two", rule | {"splitdns.expose": "443/tcp"}, created=2)

    found, mistakes = settled(one, two)

    assert found == {"www.example.com.": (["192.168.1.10"], ["443/tcp"])}
    assert mistakes == []


def test_a_thousand_containers_settle_at_once() -> None:
    many = [
        engine.container(f"c{n}", {"splitdns.name": f"c{n}.example.com"}, ports=[engine.port(1 + n)])
        for n in range(1000)
    ]

    found, mistakes = settled(*many)

    assert (len(found), mistakes) == (1000, [])

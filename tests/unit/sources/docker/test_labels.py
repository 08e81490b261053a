"""What labels declare, container by container, and every way to get one wrong."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest

from splitdns.errors import Problems
from splitdns.load import expose
from splitdns.names import from_text, to_text
from splitdns.sources.docker.container import containers_in, reachable_networks
from splitdns.sources.docker.labels import MAX_CHARACTERS, MAX_NAMES, Claim, Terms, claims_of
from tests import engine

ZONE = from_text("example.com.")
TERMS = Terms(ZONE, (ZONE,), host=(ip_address("192.168.1.10"),))
LAN = reachable_networks([engine.network(engine.LAN_NET, "lan", "macvlan")])
ON_LAN = {"lan": engine.endpoint(engine.LAN_NET, "192.168.1.50", "2001:db8::50")}
WEB = "docker: container web, label"
HTTPS = [engine.port(443), engine.port(8080, 80)]
ROUTER = "traefik.http.routers.web.rule"


def claimed(
    labels: dict[str, str], terms: Terms = TERMS, **more: Any
) -> tuple[list[Claim], list[str]]:
    (container,) = containers_in([engine.container("web", labels, **more)])
    problems = Problems()
    claims = claims_of(container, terms, LAN, problems)
    return claims, [str(error) for error in problems.errors]


def shown(labels: dict[str, str], terms: Terms = TERMS, **more: Any) -> list[str]:
    """Each name with its inside and outside addresses and exposures, then mistakes."""
    claims, mistakes = claimed(labels, terms, **more)
    return [_shown(claim) for claim in claims] + mistakes


def _shown(claim: Claim) -> str:
    name = f"~{claim.pattern}" if claim.pattern else to_text(claim.owner)
    ports = [str(outer) if outer == inner else f"{outer}={inner}" for outer, inner in claim.expose]
    parts = [map(str, claim.inside), map(str, claim.outside), ports]
    return f"{name} " + " | ".join(",".join(part) for part in parts)


def test_a_published_container_is_at_the_host_and_the_world_is_told_what_is_exposed() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "443/tcp"}

    assert shown(labels, ports=HTTPS) == ["www.example.com. 192.168.1.10 | $wan4 | 443/tcp"]


def test_what_is_not_exposed_is_not_told_to_the_world__semantics_32() -> None:
    assert shown({"splitdns.name": "www.example.com"}, ports=HTTPS) == ["www.example.com. 192.168.1.10 |  | "]


def test_a_container_without_labels_declares_nothing() -> None:
    assert shown({}) == shown({"org.opencontainers.image.title": "web"}, ports=HTTPS) == []


def test_several_names_are_separated_by_commas_or_blanks() -> None:
    labels = {"splitdns.name": "WWW.example.com,example.com.  *.apps.example.com, www.example.com"}

    claims, mistakes = claimed(labels, ports=HTTPS)

    names = [to_text(one.owner) for one in claims]
    assert names == ["www.example.com.", "example.com.", "*.apps.example.com."]
    assert mistakes == []


def test_a_container_on_the_lan_is_its_own_host() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "443/tcp 22/tcp"}

    (claim,), mistakes = claimed(labels, networks=ON_LAN, mode="lan")

    assert mistakes == []
    assert claim.is_own
    assert _shown(claim) == (
        "www.example.com. 192.168.1.50,2001:db8::50 | $wan4,2001:db8::50 | 443/tcp,22/tcp"
    )


def test_a_public_address_is_the_same_outside_and_a_private_ipv6_one_is_none__semantics_32() -> None:
    terms = Terms(ZONE, (ZONE,), host=(ip_address("203.0.113.10"), ip_address("fd00::10")))
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "443/tcp"}

    assert shown(labels, terms, ports=[engine.port(443), engine.port(443, ip="::")]) == [
        "www.example.com. 203.0.113.10,fd00::10 | 203.0.113.10 | 443/tcp"
    ]


@pytest.mark.parametrize(
    ("label", "outside"),
    [
        ("none", ""),
        ("$wan4", "$wan4"),
        ("$wan4, $wan6", "$wan4,$wan6"),
        ("203.0.113.9 2001:db8::9", "203.0.113.9,2001:db8::9"),
    ],
)
def test_a_label_says_what_the_world_is_told(label: str, outside: str) -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "443/tcp", "splitdns.outside": label}

    assert shown(labels, ports=HTTPS) == [f"www.example.com. 192.168.1.10 | {outside} | 443/tcp"]


@pytest.mark.parametrize("label", ["expose", "outside"])
def test_without_a_public_address_in_the_configuration_the_world_is_told_nothing(label: str) -> None:
    terms = Terms(ZONE, (ZONE,), host=TERMS.host, wan=frozenset())
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "443/tcp"}
    if label == "outside":
        labels |= {"splitdns.outside": "$wan4, 203.0.113.9", "splitdns.name": "www.example.com"}

    name, mistake = shown(labels, terms, ports=HTTPS)

    told = "203.0.113.9" if label == "outside" else ""
    assert name == f"www.example.com. 192.168.1.10 | {told} | 443/tcp"
    expected = "expected `wan:` in the configuration, for $wan4 outside, found none"
    assert mistake == f"{WEB} splitdns.{label}: {expected}"


def test_a_label_says_where_the_container_is_met_inside() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.inside": "192.168.1.77,fd00::77"}

    assert shown(labels) == ["www.example.com. 192.168.1.77,fd00::77 |  | "]


def test_a_public_port_may_lead_to_another_one_of_the_host_in_docker_s_order() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "80:8080/tcp"}

    assert shown(labels, ports=HTTPS) == ["www.example.com. 192.168.1.10 | $wan4 | 80/tcp=8080/tcp"]


def test_a_port_that_the_container_does_not_publish_is_a_mistake_and_the_rest_holds() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "443/tcp, 80/tcp"}

    assert shown(labels, ports=HTTPS) == [
        "www.example.com. 192.168.1.10 | $wan4 | 443/tcp",
        f"{WEB} splitdns.expose: expected a port that the container publishes "
        "(443/tcp, 8080/tcp), found 80/tcp",
    ]


def test_a_range_must_be_published_to_its_last_port() -> None:
    ports = [engine.port(number) for number in range(8000, 8010)]
    labels = {"splitdns.name": "www.example.com", "splitdns.expose": "8000-8010/tcp"}

    assert shown(labels, ports=ports)[-1].endswith(", found 8010/tcp")
    labels["splitdns.expose"] = "8000-8009/tcp"
    assert shown(labels, ports=ports) == ["www.example.com. 192.168.1.10 | $wan4 | 8000-8009/tcp"]


def test_a_container_that_is_switched_off_declares_nothing() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.enable": "False", "splitdns.odd": ""}

    assert shown(labels, ports=HTTPS) == []


def test_a_ttl_is_the_name_s_own() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.ttl": "5m"}

    assert claimed(labels, ports=HTTPS)[0][0].ttl_s == 300
    assert claimed({"splitdns.name": "www.example.com"}, ports=HTTPS)[0][0].ttl_s is None


@pytest.mark.parametrize(
    ("label", "value", "message"),
    [
        ("name", "www.example.org", "expected a name in example.com., found www.example.org."),
        ("name", "www", "expected a name in example.com., found www.; is www.example.com. meant?"),
        ("name", "a..example.com", "expected a label, found an empty one in 'a..example.com'"),
        ("name", "münchen.example.com", "expected an ASCII name"),
        ("name", " ", "expected a name such as www.example.com, found nothing"),
        ("name", "x" * (MAX_CHARACTERS + 1), "expected at most 4096 characters, found 4097"),
        ("expose", "443", "expected a port such as 443/tcp or 8000-8100/udp, found '443'"),
        ("expose", "443:70000/tcp", "expected ports from 1 to 65535"),
        ("inside", "host", "expected an address, found 'host'"),
        ("inside", "", "expected an address, found nothing"),
        ("outside", "wan", "expected an address, $wan4, $wan6, none, found 'wan'"),
        ("ttl", "soon", "expected a TTL such as 3600 or 1h, found 'soon'"),
        ("enable", "perhaps", "expected true or false, found 'perhaps'"),
    ],
)
def test_a_mistake_names_the_container_and_the_label(label: str, value: str, message: str) -> None:
    labels = {"splitdns.name": "www.example.com", f"splitdns.{label}": value}

    _, (mistake,) = claimed(labels, ports=HTTPS)

    assert mistake.startswith(f"{WEB} splitdns.{label}: {message}")


def test_a_label_that_is_unknown_is_a_mistake_with_what_may_be_meant() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.exposed": "443/tcp"}

    _, (mistake,) = claimed(labels, ports=HTTPS)

    assert mistake.startswith(f"{WEB} splitdns.exposed: expected one of splitdns.name, ")
    assert mistake.endswith("is splitdns.expose meant?")


def test_wrong_names_do_not_cost_the_right_ones__semantics_32() -> None:
    found = shown({"splitdns.name": "www.example.org, www.example.com"}, ports=HTTPS)

    assert found[0] == "www.example.com. 192.168.1.10 |  | "
    assert len(found) == 2


def test_a_wrong_address_costs_the_names_that_it_was_to_lead() -> None:
    labels = {"splitdns.name": "www.example.com", "splitdns.inside": "192.168.1"}

    assert claimed(labels, ports=HTTPS)[0] == []


def test_where_a_container_is_met_nowhere_it_is_said_what_would_help() -> None:
    claims, (mistake,) = claimed({"splitdns.name": "www.example.com"})

    assert claims == []
    assert mistake.startswith(f"{WEB} splitdns.name: expected a port published at the host")
    assert mistake.endswith("`splitdns.inside` can say where it is met")


def test_only_names_in_the_domains_of_the_source_may_be_claimed() -> None:
    terms = Terms(ZONE, (from_text("apps.example.com."),), host=TERMS.host)
    labels = {"splitdns.name": "www.example.com, a.apps.example.com", ROUTER: "Host(`mail.example.com`)"}

    assert shown(labels, terms, ports=HTTPS) == [
        "a.apps.example.com. 192.168.1.10 |  | ",
        f"{WEB} splitdns.name: expected a name in apps.example.com., found www.example.com.",
    ]


def test_a_container_has_at_most_so_many_names() -> None:
    names = [f"n{number}.example.com" for number in range(MAX_NAMES + 1)]

    claims, mistakes = claimed({"splitdns.name": ",".join(names[:-1])}, ports=HTTPS)
    assert (len(claims), mistakes) == (MAX_NAMES, [])
    claims, mistakes = claimed({"splitdns.name": ",".join(names)}, ports=HTTPS)
    assert len(claims) == MAX_NAMES
    assert mistakes == [f"{WEB} splitdns.name: expected at most 64 names, found 65"]


PROXY = Terms(
    ZONE,
    (ZONE,),
    host=TERMS.host,
    proxy=(ip_address("192.168.1.20"),),
    proxy_expose=(expose.translated("443/tcp", "443/tcp"),),
)


def test_a_host_of_traefik_leads_to_the_proxy_with_what_the_proxy_exposes() -> None:
    labels = {ROUTER: "Host(`www.example.com`) || HostRegexp(`^.+\\.apps\\.example\\.com$`)"}

    assert shown(labels, PROXY) == [
        "www.example.com. 192.168.1.20 | $wan4 | 443/tcp",
        "~^.+\\.apps$ 192.168.1.20 | $wan4 | 443/tcp",
    ]
    assert shown({"caddy": "www.example.com"}, PROXY) == ["www.example.com. 192.168.1.20 | $wan4 | 443/tcp"]


def test_without_a_proxy_in_the_configuration_it_is_at_the_host() -> None:
    assert shown({ROUTER: "Host(`www.example.com`)"}) == ["www.example.com. 192.168.1.10 |  | "]


def test_labels_of_our_own_say_more_of_a_name_that_a_proxy_serves() -> None:
    labels = {ROUTER: "Host(`www.example.com`)", "splitdns.expose": "none", "splitdns.inside": "192.168.1.30"}

    assert shown(labels, PROXY) == ["www.example.com. 192.168.1.30 |  | "]


def test_a_name_of_ours_that_nobody_publishes_leads_to_the_proxy_too() -> None:
    labels = {ROUTER: "Host(`www.example.com`)", "splitdns.name": "www.example.com, example.com"}

    assert shown(labels, PROXY) == [
        "www.example.com. 192.168.1.20 | $wan4 | 443/tcp",
        "example.com. 192.168.1.20 | $wan4 | 443/tcp",
    ]


def test_a_name_that_the_container_publishes_itself_does_not() -> None:
    labels = {
        ROUTER: "Host(`www.example.com`) || Host(`other.example.com`)",
        "splitdns.name": "www.example.com",
    }

    assert shown(labels, PROXY, ports=HTTPS) == [
        "www.example.com. 192.168.1.10 |  | ",
        "other.example.com. 192.168.1.20 | $wan4 | 443/tcp",
    ]


def test_hosts_of_other_zones_are_no_mistake_of_who_wrote_a_router() -> None:
    rule = "Host(`www.example.org`) || HostRegexp(`{host:.+}`)"

    assert shown({ROUTER: rule, "caddy": "www.example.org"}, PROXY) == []


@pytest.mark.parametrize("rule", ["Host(www)", "HostRegexp(`^.+.example.com$`)", "Host(`a..example.com`)"])
def test_a_rule_of_no_use_is_told_with_its_label(rule: str) -> None:
    (mistake,) = shown({ROUTER: rule}, PROXY)

    assert mistake.startswith(f"{WEB} {ROUTER}: expected")

"""Hosts in labels for Traefik and caddy-docker-proxy, and patterns relative to a zone."""

from __future__ import annotations

import pytest
import re2

from splitdns.names import from_text
from splitdns.sources.docker.proxies import hosts_of, relative

ZONE = from_text("example.com.")
ROUTER = "traefik.http.routers.web.rule"


def found(**labels: str) -> list[str]:
    wrong: list[str] = []
    hosts = [host.text for _, host in hosts_of(labels, lambda label, why: wrong.append(f"{label}: {why}"))]
    return hosts + wrong


def test_hosts_of_every_router_are_found_and_of_nothing_else() -> None:
    labels = {
        ROUTER: "Host(`a.example.com`)",
        "traefik.HTTP.Routers.other.Rule": "Host(`b.example.com`)",
        "traefik.tcp.routers.db.rule": "HostSNI(`db.example.com`)",
        "traefik.http.services.web.loadbalancer.server.port": "80",
        "traefik.http.routers.web.entrypoints": "Host(`no.example.com`)",
    }

    assert sorted(found(**labels)) == ["a.example.com", "b.example.com", "db.example.com"]


@pytest.mark.parametrize("no", ["false", "False", "0"])
def test_what_traefik_does_not_serve_does_not_count(no: str) -> None:
    assert found(**{ROUTER: "Host(`a.example.com`)", "traefik.enable": no}) == []
    assert found(**{ROUTER: "Host(`a.example.com`)", "traefik.enable": "true"}) == ["a.example.com"]


def test_a_wildcard_of_traefik_is_one_of_dns() -> None:
    assert found(**{ROUTER: "Host(`*.example.com`) || Host(`**.example.com`)"}) == ["*.example.com"] * 2


def test_a_rule_that_is_none_is_told_with_its_label() -> None:
    (told,) = found(**{ROUTER: "Host(a)"})

    assert told.startswith(f"{ROUTER}: expected")


@pytest.mark.parametrize(
    ("sites", "names"),
    [
        ("a.example.com", ["a.example.com"]),
        ("a.example.com, b.example.com", ["a.example.com", "b.example.com"]),
        ("https://a.example.com http://b.example.com:8080/path", ["a.example.com", "b.example.com"]),
        ("*.example.com:443", ["*.example.com"]),
        (":80", []),
        ("(snippet)", []),
        ("{$DOMAIN}", []),
        ("http://", []),
        ("192.168.1.10:80", []),
        ("localhost", []),
        ("", []),
    ],
)
def test_sites_of_caddy(sites: str, names: list[str]) -> None:
    assert found(caddy=sites) == names
    assert found(caddy_1=sites) == names
    assert found(**{"caddy.reverse_proxy": sites}) == []


@pytest.mark.parametrize(
    ("pattern", "wanted", "yes", "no"),
    [
        (r"^.+\.example\.com$", r"^.+$", "a.b", ""),
        (r"^(a|b)\.example\.com$", r"^(a|b)$", "b", "c"),
        (r"[a|b]\.EXAMPLE\.com$", r"[a|b]$", "xa", "xc"),
        (r"^[]|]\.example\.com$", r"^[]|]$", "|", "x"),
        (r"^[^]|]\.example\.com$", r"^[^]|]$", "x", "|"),
        (r"^.+\\\\.example\\\\.com$", None, "", ""),
        (r"^\(|\.example\.com$", None, "", ""),
        (r"^a\.example\.com$|^b\.example\.com$", None, "", ""),
        (r"^a\\.example\.com$", None, "", ""),
        (r"^a.example.com$", None, "", ""),
        (r"^.+\.badexample\.com$", None, "", ""),
        (r"^.+\.example\.com", None, "", ""),
        (r"^(.+\.example\.com$", None, "", ""),
    ],
)
def test_a_pattern_is_relative_to_the_zone_or_a_mistake(
    pattern: str, wanted: str | None, yes: str, no: str
) -> None:
    if wanted is None:
        with pytest.raises(ValueError, match="expected a regular expression"):
            relative(pattern, ZONE, [ZONE])
        return
    made = relative(pattern, ZONE, [ZONE])
    assert made == wanted
    for head, is_meant in ((yes, True), (no, False)):
        assert bool(re2.search(made, head)) is is_meant
        assert bool(re2.search(f"(?i:{pattern})", f"{head}.example.com")) is is_meant


@pytest.mark.parametrize("pattern", [".*", "^(?:.+)$", r"^.+\.example\.org$", r"^www\."])
def test_a_pattern_that_says_nothing_of_the_zone_is_no_mistake_of_who_wrote_it(pattern: str) -> None:
    assert relative(pattern, ZONE, [ZONE]) is None


def test_a_pattern_keeps_what_is_between_the_domain_and_the_zone() -> None:
    apps = from_text("apps.example.com.")

    assert relative(r"^.+\.apps\.example\.com$", ZONE, [apps]) == r"^.+\.apps$"
    with pytest.raises(ValueError, match=r"ends in \\.apps\\.example\\.com\$, found"):
        relative(r"^.+\.example\.com$", ZONE, [apps])

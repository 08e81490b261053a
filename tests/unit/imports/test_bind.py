"""Whom BIND's views serve, what they serve, and where they ask."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.bind import found_in
from splitdns.imports.entries import Found
from splitdns.imports.service import Service

ZONE = "@ SOA a b 1 2 3 4 5\n@ NS a\nsub NS b\n"
OPTIONS = "options { forwarders { 9.9.9.9; }; forward only; recursion yes; allow-recursion { any; }; };\n"


def found(text: str, beside: Path = Path(), options: str = OPTIONS) -> tuple[Found, Service]:
    made = found_in(Printed(options + text, "n.conf"), beside)
    assert made.service is not None
    return made, made.service


def test_views_are_by_their_order_and_a_zone_is_for_its_view(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(ZONE)
    (tmp_path / "b").write_text(ZONE + "x A 10.0.0.1\n")
    made, service = found(
        'view "in" { match-clients { 10/8; }; zone x { type master; file "a"; };'
        ' zone s { type primary; file "a"; }; };\n'
        'view "v.p" { match-clients { 10.8/16; 172.16/12; }; allow-recursion { 172.16.0.0/16; };'
        ' zone s { in-view "in"; }; };\n'
        'view "out" { match-clients { any; }; recursion no; zone x { type master; file "b"; };'
        ' zone s { in-view "in"; }; };\n',
        tmp_path,
    )

    assert {name: (view.clients, view.horizon, view.recursion) for name, view in service.views.items()} == {
        "in": (["10.0.0.0/8"], ("in",), True),
        "v-p": (["172.16.0.0/12"], ("v-p",), False),
        "v-p-recursing": (["172.16.0.0/16"], ("v-p",), True),
        "out": (["any"], ("outside",), False),
    }
    assert set(service.masters) == {"x@in.zone", "x@outside.zone", "s.zone"}
    assert [rule.views for rule in service.forward] == [("in",), ("v-p-recursing",)]
    told = "10.8.0.0/16 of view v.p is in a network of a view before it, which came first; so it does here"
    assert told in [one.message for one in made.left]


def test_who_may_not_ask_is_in_a_view_that_has_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(ZONE)
    options = "options { allow-query { !10.9/16; 10/8; }; forwarders { 9.9.9.9 port 54; }; };"
    _, service = found('zone x { type master; file "a"; };', tmp_path, options)

    assert {name: (one.clients, one.recursion) for name, one in service.views.items()} == {
        "inside": (["10.0.0.0/8"], True),
        "refused": (["10.9.0.0/16"], False),
    }
    assert set(service.masters) == {"x@inside.zone"}
    assert [rule.upstreams for rule in service.forward] == [("9.9.9.9:54",)]


def test_domains_are_asked_where_they_were(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(ZONE)
    made, service = found(
        "zone f.example { type forward; forward only; forwarders { 10.0.0.1; fd00::1 port 54; }; };\n"
        "zone s.example { type slave; masters { 10.0.0.2; }; };\n"
        "zone t.example { type stub; masters { 10.0.0.3; }; forwarders { }; };\n"
        "zone u.example { type stub; masters { 10.0.0.3; }; };\n"
        "zone sub.own { type forward; forwarders { 10.0.0.4; }; };\n"
        "zone dark.own { type forward; forwarders { 10.0.0.4; }; };\n"
        'zone own { type master; file "a"; };\n',
        tmp_path,
    )

    assert {rule.domain: rule.upstreams for rule in service.forward} == {
        "f.example": ("10.0.0.1", "[fd00::1]:54"),
        "s.example": ("10.0.0.2",),
        "t.example": ("10.0.0.3",),
        "sub.own": ("10.0.0.4",),
        ".": ("9.9.9.9",),
    }
    messages = [one.message for one in made.left]
    told = "left out: u.example was asked at the forwarders, which go before a stub zone's servers"
    assert told in messages
    assert "left out: dark.own is answered from the zone own, which has no NS records for it" in messages
    assert "where the servers for sub.own failed, BIND asked the root; this server does not" in messages


def test_a_policy_zone_is_a_list(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(ZONE)
    policy = 'response-policy { zone "rpz" policy nxdomain; };'
    options = f"options {{ forwarders {{ }}; {policy} }};"
    made, service = found('zone "rpz" { type master; file "a"; };', tmp_path, options)

    assert service.lists["rpz"].lines == ZONE.splitlines()
    assert {
        "BIND asked the root by itself; write whom to ask, a rule for `.` under `forward`",
        "policy nxdomain is left out: a policy zone says it by itself",
        "the zone rpz is a policy only: its own names are not answered",
    } == {one.message for one in made.left if one.where.line}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("zone . { type hint; file x; };", "left out: this server never asks the root"),
        ("zone x { type redirect; };", "left out: x is of type 'redirect', which is not known here"),
        ("zone x { in-view y; };", "left out: x, which the view y has not in a file"),
        ("zone x { type forward; forwarders { }; };", "left out: x was asked nowhere in particular"),
        ("zone x { type forward; forwarders { eth0; }; };",
         "left out: expected an address to ask, found 'eth0'"),
        ("options { blackhole { 10.9/16; }; };",
         "clients of `blackhole` are REFUSED, not left without an answer"),
        ("options { rate-limit { }; };",
         "rate-limit is left out: it is `responses_per_second` under `limits`"),
        ("options { listen-on port 5353 { any; }; };", "left out: port 5353; write it into `listen`"),
        ("options { forwarders { 9.9.9.9 tls x; }; };",
         "9.9.9.9 was asked over TLS: write tls://9.9.9.9# and its name"),
        ("view never { match-clients { none; }; };", "left out: the view never, as no client ever meets it"),
        ("logging { };", "logging is left out: it is about BIND itself, or not known here"),
    ],
)  # fmt: skip
def test_what_is_not_carried_over_is_told(text: str, message: str) -> None:
    made, _ = found(text)

    assert message in [one.message for one in made.left]


@pytest.mark.parametrize(
    "text",
    ["zone;", "zone a..b { };", "zone x { type master; };", "view { };", "acl x;", "x",
     "zone x { type forward; forwarders { 10.0.0.1 port y; }; };", "options { listen-on port y { ::1; }; };"],
)  # fmt: skip
def test_what_bind_refuses_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(text)

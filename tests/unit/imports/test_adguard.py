"""What AdGuardHome.yaml says around its rewrites; what these become, tests/imports tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.adguard import found_in
from splitdns.imports.entries import ASKED, Found
from splitdns.imports.service import Service


def found(text: str) -> tuple[Found, Service]:
    made = found_in(Printed(text, "a.yaml"), Path())
    assert made.service is not None
    return made, made.service


@pytest.mark.parametrize(
    ("rewrite", "said"),
    [
        ("{domain: A.example, answer: 10.0.0.1}", ("a.example", "A", "10.0.0.1", False)),
        ("{domain: '*.a.example', answer: fd00::1}", ("*.a.example", "AAAA", "fd00::1", True)),
        ("{domain: a.b.example, answer: c.example}", ("a.b.example", "CNAME", "c.example.", False)),
        ("{domain: a.example, answer: a.example}", ("a.example", ASKED, "", False)),
        ("{domain: a.example, answer: AAAA}", ("a.example", ASKED, "AAAA", False)),
    ],
)
def test_a_rewrite_is_a_record(rewrite: str, said: tuple[str, str, str, bool]) -> None:
    made, _ = found(f"filtering: {{rewrites: [{rewrite}]}}")

    (one,) = made.entries
    assert (one.name, one.rdtype, one.value, one.beneath) == said
    assert str(one.where) == "a.yaml:1:24"


def test_an_alias_of_what_may_be_a_zone_is_a_policy() -> None:
    _, service = found("dns: {rewrites: [{domain: a.example, answer: b.example}]}")

    assert service.lists["aliases"].lines[-1] == "a.example. CNAME b.example."


def test_upstreams_of_several_lines_are_one_rule() -> None:
    _, service = found("dns:\n  upstream_dns: ['[/x/]#', 9.9.9.9, 9.9.9.10]\n  all_servers: true\n")

    assert [(rule.domain, rule.upstreams, rule.strategy) for rule in service.forward] == [
        (".", ("9.9.9.9", "9.9.9.10"), "parallel"), ("x", ("9.9.9.9", "9.9.9.10"), "parallel"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http: {}", "http is left out: it is about AdGuard Home itself"),
        ("dns: {aaaa_disabled: true}", "dns.aaaa_disabled is left out: there is nothing like it here"),
        ("dns: {upstream_dns: ['[//]9.9.9.9']}",
         "left out: names without a dot are not treated by themselves here"),
        ("dns: {upstream_dns: [tls://dns.example]}",
         "left out: tls://dns.example has no address, or is asked in another way than here"),
        ("dns: {allowed_clients: [tv]}", "left out: the client tv, who is not known by address"),
        ("clients: {persistent: [{name: tv}]}",
         "left out: the client tv; give it a view, if it is to see something else"),
        ("clients: [{name: tv}]",
         "left out: the client tv; give it a view, if it is to see something else"),
        ("filters: [{enabled: true, url: 'https://x'}]",
         "https://x is not downloaded here: let a timer do so, and list the file as a blocklist"),
        ("filtering: {rewrites: [{domain: x, answer: 10.0.0.1, enabled: false}]}",
         "left out: the rewrite of x is off"),
    ],
)  # fmt: skip
def test_what_is_not_carried_over_is_told(text: str, message: str) -> None:
    made, _ = found(text)

    assert message in [one.message for one in made.left]


@pytest.mark.parametrize(
    "text",
    ["", "- x", "dns: {upstream_dns: x}", "dns: {bind_hosts: [x]}", "dns: {upstream_dns: ['[/x']}",
     "filtering: {rewrites: [x]}", "a: &b c", "dns: ["],
)  # fmt: skip
def test_what_is_no_such_file_is_a_mistake(text: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(text)

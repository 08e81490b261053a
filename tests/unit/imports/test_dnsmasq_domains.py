"""Whole domains: where they are asked, and what is answered instead."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.imports.dnsmasq import found_in
from splitdns.imports.dnsmasq_domains import reverse_domains
from splitdns.imports.entries import Found
from splitdns.imports.service import Service


def found(*lines: str) -> tuple[Found, Service]:
    made = found_in(Printed("\n".join(lines), "d.conf"), Path())
    assert made.service is not None
    return made, made.service


@pytest.mark.parametrize(
    ("line", "domain", "upstream"),
    [
        ("server=9.9.9.9", ".", "9.9.9.9"),
        ("server=/corp.example/10.0.0.1#5353", "corp.example", "10.0.0.1:5353"),
        ("server=/Corp.example./fd00::1#53", "corp.example", "fd00::1"),
        ("server=/corp.example/fd00::1#54", "corp.example", "[fd00::1]:54"),
        ("server=/#/9.9.9.9", ".", "9.9.9.9"),
        ("rev-server=10.1.0.0/16,10.0.0.1", "1.10.in-addr.arpa", "10.0.0.1"),
    ],
)
def test_a_domain_is_asked_where_it_was(line: str, domain: str, upstream: str) -> None:
    _, service = found(line)

    assert [(rule.domain, rule.upstreams) for rule in service.forward] == [(domain, (upstream,))]


def test_a_domain_may_be_asked_where_all_are() -> None:
    _, service = found("server=9.9.9.9", "server=/a.example/10.0.0.1", "server=/b.a.example/#")

    assert [rule.upstreams for rule in service.forward] == [("9.9.9.9",), ("10.0.0.1",), ("9.9.9.9",)]


def test_what_has_no_address_is_listed_and_what_is_asked_beneath_is_not() -> None:
    _, service = found("address=/ads.example/#", "address=/v4.example/0.0.0.0", "local=/gone.example/",
                       "server=/ok.ads.example/9.9.9.9")  # fmt: skip

    assert {name: (plan.lines, plan.action) for name, plan in service.lists.items()} == {
        "nothing": (["*.gone.example"], ()),
        "null": (["*.ads.example"], ("0.0.0.0", "::")),
        "null4": (["*.v4.example"], ("0.0.0.0",)),
        "asked": (["*.ok.ads.example"], ("allow",)),
    }


def test_a_domain_that_is_asked_nowhere_is_a_zone_where_it_has_names() -> None:
    made, service = found("local=/lan/", "local=/in.example/", "host-record=a.in.example,10.0.0.1",
                          "address=/both.example/10.0.0.2", "local=/both.example/",
                          "local=/10.in-addr.arpa/")  # fmt: skip

    assert set(made.closed) == {"lan", "in.example", "both.example"}
    assert service.lists == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("address=/#/10.0.0.1", "left out: all names had the address 10.0.0.1; no zone is so large"),
        ("server=//10.0.0.1", "left out: names without a dot are not treated by themselves here"),
        ("server=/*ads.example/10.0.0.1",
         "left out: *ads.example is part of a name; here, whole names are forwarded or answered"),
        ("server=10.0.0.1@eth0", "10.0.0.1 is no longer asked by way of eth0"),
        ("local=/#/", "left out: only names of its own existed; `forward: []` is the same"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_told(line: str, message: str) -> None:
    made, _ = found(line)

    assert message in [one.message for one in made.left]


@pytest.mark.parametrize(
    "line",
    ["server=x", "server=/a/1.2.3.4#x", "address=1.2.3.4", "address=/a/x", "rev-server=x,1.2.3.4",
     "server=/a..b/1.2.3.4"],
)  # fmt: skip
def test_what_dnsmasq_refuses_is_a_mistake(line: str) -> None:
    with pytest.raises(ExceptionGroup):
        found(line)


@pytest.mark.parametrize(
    ("prefix", "domains"),
    [
        ("10.0.0.0/8", ["10.in-addr.arpa"]),
        ("172.16.0.0/15", ["16.172.in-addr.arpa", "17.172.in-addr.arpa"]),
        ("fd00:1::/32", ["1.0.0.0.0.0.d.f.ip6.arpa"]),
    ],
)
def test_a_prefix_has_reverse_domains(prefix: str, domains: list[str]) -> None:
    assert reverse_domains(ip_network(prefix)) == domains

"""Corefiles: splitdns says what CoreDNS's documentation says of each question."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.imports.compared import Case
from tests.imports.expected import NO_NAME, NOTHING, Expected, forwarded, said, served

HOME, VIEWS, CLUSTER = (Case("corefile", name, "Corefile", [], []) for name in ("home", "views", "cluster"))
REFUSED = ("REFUSED", "")
LAN, VPN, GUEST, WORLD = "192.168.1.7", "10.8.0.7", "192.168.99.7", "198.51.100.7"
TABLE = [
    # hosts: a name that it has is its own for every type; with fallthrough, others are asked for.
    (HOME, Expected("nas.example.net A", ("NOERROR", "192.168.1.10"))),
    (HOME, Expected("nas.example.net AAAA", ("NOERROR", "fd00:1::10"))),
    (HOME, Expected("scanner.example.net AAAA", NOTHING)),
    (HOME, Expected("other.example.net A", forwarded(9))),
    (HOME, Expected("10.1.168.192.in-addr.arpa PTR", ("NOERROR", "nas.example.net."))),
    # template: all names of the zone, or those that match.
    (HOME, Expected("x.y.apps.example.net A", ("NOERROR", "192.168.1.20"))),
    (HOME, Expected("apps.example.net A", ("NOERROR", "192.168.1.20"))),
    (HOME, Expected("db7.example.net A", ("NOERROR", "192.168.1.60"))),
    (HOME, Expected("dbx.example.net A", forwarded(9))),
    (HOME, Expected("x.ads.example A", NO_NAME)),
    # rewrite: the answer of the other name.
    (HOME, Expected("old.example.net A", ("NOERROR", "192.168.1.10"))),
    # The most exact block answers.
    (HOME, Expected("www.home.example A", ("NOERROR", "192.168.1.30"))),
    (HOME, Expected("x.home.example A", NO_NAME)),
    (HOME, Expected("x.corp.example A", forwarded(53))),
    (HOME, Expected("example.org A", forwarded(9))),
    # The first block whose view has the client.
    (VIEWS, Expected("www.example.com A", ("NOERROR", "10.8.0.20"), VPN)),
    (VIEWS, Expected("www.example.com A", ("NOERROR", "10.8.0.20"), "fd00:8::7")),
    (VIEWS, Expected("nas.example.com A", NO_NAME, VPN)),
    (VIEWS, Expected("www.example.com A", ("NOERROR", "192.168.10.20"), LAN)),
    (VIEWS, Expected("nas.example.com A", ("NOERROR", "192.168.10.30"), LAN)),
    (VIEWS, Expected("www.example.com A", ("NOERROR", "203.0.113.7"), GUEST)),
    (VIEWS, Expected("www.example.com A", ("NOERROR", "203.0.113.7"), WORLD)),
    (VIEWS, Expected("nas.example.com A", NO_NAME, WORLD)),
    (VIEWS, Expected("example.org A", forwarded(9), VPN)),
    (VIEWS, Expected("example.org A", forwarded(9), GUEST)),
    (VIEWS, Expected("example.org A", REFUSED, WORLD)),
    # A block of a cluster.
    (CLUSTER, Expected("registry.lab.example A", NO_NAME)),
    (CLUSTER, Expected("gitlab.lab.example A", ("NOERROR", "10.5.0.10"))),
    (CLUSTER, Expected("x.lab.example A", NO_NAME)),
    (CLUSTER, Expected("registry A", ("NOERROR", "10.5.0.9"))),
    (CLUSTER, Expected("example.org A", forwarded(9))),
]


@pytest.mark.parametrize(
    ("case", "expected"), TABLE, ids=[f"{case.name} {one.asked} {one.client}" for case, one in TABLE]
)
def test_splitdns_answers_as_coredns_documents(case: Case, expected: Expected, tmp_path: Path) -> None:
    world = served(case, tmp_path)

    assert world.loaded.faults == {}
    assert said(world, expected) == expected.said

"""Why the guard keeps a record back."""

from __future__ import annotations

import pytest

from splitdns.explain.strip import DECLARED_ELSEWHERE, HINTS, INSIDE, hidden_target, stripped_from
from splitdns.names import from_text
from splitdns.records import Type, type_from_text
from tests.build import view, zone

ZONE = zone(
    """
inside 3600 IN A 192.168.10.20
inside 3600 IN A 192.0.2.1
other  3600 IN A 192.0.2.9
mx     3600 IN MX 10 nas
mx     3600 IN MX 20 other
svc    3600 IN HTTPS 1 . ipv4hint=10.0.0.1,192.0.2.1
must   3600 IN HTTPS 1 . mandatory=ipv4hint ipv4hint=10.0.0.1
text   3600 IN TXT "192.168.10.20"
""",
    elsewhere=["nas"],
)
OUTSIDE = view(ZONE, horizon=("outside",), hidden=["192.0.2.9"])
QUESTION = from_text("www.example.org.")


@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("inside", "A", [(INSIDE, False)]),
        ("other", "A", [(DECLARED_ELSEWHERE, False)]),
        ("mx", "MX", [(hidden_target(from_text("nas.example.org.")), False)]),
        ("svc", "HTTPS", [(HINTS, True)]),
        ("must", "HTTPS", [(HINTS, False)]),
        ("text", "TXT", []),
    ],
)
def test_the_reason_is_the_guard_s(name: str, rdtype: str, expected: list[tuple[str, bool]]) -> None:
    node = ZONE.node(from_text(name, ZONE.apex))
    assert node is not None
    rrset = node.rrset(type_from_text(rdtype))
    assert rrset is not None
    assert [(s.reason, s.shortened) for s in stripped_from(rrset, OUTSIDE, QUESTION)] == expected


def test_an_inside_view_keeps_its_addresses() -> None:
    node = ZONE.node(from_text("inside.example.org."))
    assert node is not None
    rrset = node.rrset(Type.A)
    assert rrset is not None
    assert [*stripped_from(rrset, view(ZONE), QUESTION)] == []

from __future__ import annotations

from dataclasses import replace

import pytest

from splitdns.answer.rebinding import is_trusted, protected
from splitdns.names import from_text, wire_from_text
from splitdns.records import RRset, Type
from splitdns.view import Policy, View
from tests.build import UPSTREAMS, view, zone

POLICY = Policy(rebinding=True, trusted=frozenset({from_text("plex.direct.")}))
ROUTES = {".": UPSTREAMS, "corp.example.": UPSTREAMS, "sub.evil.example.": UPSTREAMS}
LAN: View = replace(view(zone("www A 192.168.1.1\n"), recursion=True, routes=ROUTES), policy=POLICY)

PUBLIC4, PUBLIC6 = bytes((198, 51, 100, 1)), bytes.fromhex("20010db8000000000000000000000001")
INSIDE = {
    "private": bytes((192, 168, 1, 1)),
    "loopback": b"\x7f\0\0\1",
    "this network": bytes(4),
    "CGNAT": bytes((100, 64, 0, 1)),
    "ULA": bytes.fromhex("fd000000000000000000000000000001"),
    "link-local": bytes.fromhex("fe800000000000000000000000000001"),
    "mapped": bytes.fromhex("00000000000000000000ffffc0a80101"),
    "NAT64": bytes.fromhex("0064ff9b0000000000000000c0a80101"),
    "6to4": bytes.fromhex("2002c0a8010100000000000000000001"),
}


def left(rrset: RRset, where: View = LAN) -> tuple[tuple[bytes, ...], int]:
    (kept,), taken = protected((rrset,), where)
    return kept.rdatas, taken


@pytest.mark.parametrize("address", INSIDE.values(), ids=INSIDE)
def test_an_inside_address_of_a_strange_name_is_taken_out(address: bytes) -> None:
    rdtype, public = (Type.A, PUBLIC4) if len(address) == 4 else (Type.AAAA, PUBLIC6)
    name = wire_from_text("www.evil.example.")
    assert left(RRset(name, rdtype, 60, (address,))) == ((), 1)
    assert left(RRset(name, rdtype, 60, (public, address))) == ((public,), 1)
    assert left(RRset(name, rdtype, 60, (public,))) == ((public,), 0)


def test_hints_are_addresses_too__rfc9460_7_3() -> None:
    name = wire_from_text("evil.example.")
    hint = b"\0\4\0\4" + INSIDE["private"]
    alpn = b"\0\1\0\3\2h2"
    assert left(RRset(name, Type.HTTPS, 60, (b"\0\1\0" + alpn + hint,))) == ((b"\0\1\0" + alpn,), 1)


@pytest.mark.parametrize(
    ("name", "trusted"),
    [
        ("www.example.org.", True),  # ours
        ("undeclared.example.org.", True),
        ("host.corp.example.", True),  # a resolver of its own
        ("corp.example.", True),
        ("1-2-3-4.abc.plex.direct.", True),  # allowed
        ("printer.lan.", True),  # nobody can register it
        ("nas.home.arpa.", True),
        ("printer.", True),
        ("evil.example.", False),
        ("sub.evil.example.", True),
        ("lan.evil.example.", False),
        ("xplex.direct.", False),
        (".", False),
    ],
)
def test_who_may_have_inside_addresses(name: str, trusted: bool) -> None:
    assert is_trusted(from_text(name), LAN) is trusted
    owner = wire_from_text(name)
    assert left(RRset(owner, Type.A, 60, (INSIDE["private"],)))[1] == (not trusted)


def test_without_protection_nothing_is_taken() -> None:
    where = replace(LAN, policy=Policy())
    rrset = RRset(wire_from_text("evil.example."), Type.A, 60, (INSIDE["private"],))
    assert left(rrset, where) == (rrset.rdatas, 0)

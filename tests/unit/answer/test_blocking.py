"""How lists are asked, and what is said; ``tests/unit/load/test_blocklists`` tests what their files mean."""

from __future__ import annotations

import pytest

from splitdns.answer.blocking import TTL_S, Hit, answer, find
from splitdns.names import ROOT, from_text, wire_from_text
from splitdns.records import Ede, Rcode, RRset, Type
from splitdns.view import ListAction, NameList
from splitdns.wire.message import Transport
from splitdns.zone import Node, Zone, pack


def name_list(label: str, *names: str, action: ListAction = ListAction.NXDOMAIN) -> NameList:
    """``+`` before a name takes those beneath it along."""
    nodes = []
    for name in names:
        owner = from_text(f"{name.removeprefix('+')}.")
        nodes.append(Node(owner, owner, cut=name.startswith("+")))
    wildcards = any(name.startswith("*") for name in names)
    return NameList(label, Zone(ROOT, pack(nodes)), action, wildcards=wildcards)


def trigger(lists: list[NameList], name: str) -> tuple[str, str] | None:
    hit = find(lists, from_text(name))
    return None if hit is None else (hit.list, ".".join(part.decode() for part in _labels(hit.trigger)))


def _labels(name: bytes) -> list[bytes]:
    found, at = [], 0
    while name[at]:
        found.append(name[at + 1 : at + 1 + name[at]])
        at += 1 + name[at]
    return found


@pytest.mark.parametrize(
    ("name", "by"),
    [
        ("ads.example.", "ads.example"),
        ("x.ads.example.", None),
        ("all.example.", "all.example"),
        ("x.y.all.example.", "all.example"),
        ("x.wild.example.", "*.wild.example"),
        ("x.y.wild.example.", "*.wild.example"),
        ("wild.example.", None),
        ("own.all.example.", "own.all.example"),
        ("example.", None),
        (".", None),
    ],
)
def test_the_name_itself_comes_before_the_nearest_that_takes_it_along(name: str, by: str | None) -> None:
    lists = [name_list("l", "ads.example", "+all.example", "*.wild.example", "own.all.example")]
    assert trigger(lists, name) == (by and ("l", by))


def test_the_first_list_that_knows_a_name_decides() -> None:
    lists = [name_list("one", "+b.example"), name_list("two", "a.b.example", "c.example")]
    assert trigger(lists, "a.b.example.") == ("one", "b.example")
    assert trigger(lists, "c.example.") == ("two", "c.example")
    assert trigger([], "c.example.") is None


NAME = wire_from_text("X.ads.example.")
TRIGGER = from_text("ads.example.")


def test_a_negative_answer_has_a_soa_and_says_who_blocked__rfc8914_4_16() -> None:
    for action, rcode in ((ListAction.NXDOMAIN, Rcode.NXDOMAIN), (ListAction.NODATA, Rcode.NOERROR)):
        said = answer(Hit("ads", TRIGGER, action), NAME, Type.A)
        assert (said.rcode, said.answer, said.aa, said.ad) == (rcode, (), False, False)
        (soa,) = said.authority
        assert (soa.owner, soa.rdtype, soa.ttl_s) == (TRIGGER, Type.SOA, TTL_S)
        assert said.edes == ((Ede.BLOCKED, "by the list ads"),)


def test_the_soa_of_a_wildcard_is_that_of_its_parent() -> None:
    (soa,) = answer(Hit("ads", from_text("*.ads.example."), ListAction.NODATA), NAME, Type.A).authority
    assert soa.owner == TRIGGER


def test_addresses_are_answered_to_who_asks_for_their_family() -> None:
    hit = Hit("ads", TRIGGER, ListAction.ADDRESS, (b"\0\0\0\0", bytes(16)))
    for rdtype, rdata in ((Type.A, bytes(4)), (Type.AAAA, bytes(16))):
        assert answer(hit, NAME, rdtype).answer == (RRset(NAME, rdtype, TTL_S, (rdata,), public=True),)
    said = answer(hit, NAME, Type.HTTPS)
    assert (said.rcode, said.answer, len(said.authority)) == (Rcode.NOERROR, (), 1)


def test_the_lists_own_records_answer_under_the_asked_name() -> None:
    rrset = RRset(TRIGGER, Type.A, 7, (b"\xc0\0\2\1",))
    hit = Hit("ads", TRIGGER, ListAction.RECORDS, records=(rrset,))
    for rdtype in (Type.A, Type.ANY):
        assert answer(hit, NAME, rdtype).answer == (rrset.at(NAME),)
    assert answer(hit, NAME, Type.MX).rcode == Rcode.NOERROR


def test_the_other_actions() -> None:
    assert answer(Hit("l", TRIGGER, ListAction.REFUSED), NAME, Type.A).rcode == Rcode.REFUSED
    dropped = answer(Hit("l", TRIGGER, ListAction.DROP), NAME, Type.A)
    assert dropped.drop
    assert not dropped.remember
    assert answer(Hit("l", TRIGGER, ListAction.TCP), NAME, Type.A).truncated


def test_what_is_asked_all_the_same() -> None:
    assert Hit("l", TRIGGER, ListAction.ALLOW).lets_pass(Transport.UDP)
    assert Hit("l", TRIGGER, ListAction.TCP).lets_pass(Transport.TCP)
    assert not Hit("l", TRIGGER, ListAction.TCP).lets_pass(Transport.UDP)
    assert not Hit("l", TRIGGER, ListAction.NODATA).lets_pass(Transport.TCP)


def test_addresses_of_nobody_are_no_leak_and_those_of_a_host_may_be__semantics_1() -> None:
    for octets, public in (
        (bytes(4), True),
        (b"\x7f\0\0\1", True),
        (bytes(16), True),
        (bytes(15) + b"\1", True),
        (b"\xc0\xa8\1\1", False),
        (b"\0\0\0\2", False),
        (bytes(15) + b"\2", False),
    ):
        rdtype = Type.A if len(octets) == 4 else Type.AAAA
        (rrset,) = answer(Hit("l", TRIGGER, ListAction.ADDRESS, (octets,)), NAME, rdtype).answer
        assert rrset.public is public, octets

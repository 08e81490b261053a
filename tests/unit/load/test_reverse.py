from __future__ import annotations

import ipaddress

import pytest

from splitdns.load.holdings import Held, Holdings
from splitdns.load.reverse import (
    BUILT_IN,
    MIN_OCTETS,
    Pointers,
    automatic,
    built_in,
    declared_only_elsewhere,
    empty_zone,
)
from splitdns.names import ROOT, from_text, to_text
from splitdns.records import Type
from splitdns.zone import Zone
from tests.build import zone


def held(text: str) -> Holdings:
    """``address name [ttl] [!]`` a line; ``!`` is ``ptr: true``."""
    found = []
    for line in text.strip().splitlines():
        address, name, *rest = line.split()
        packed = ipaddress.ip_address(address).packed
        ttl_s = int(rest[0]) if rest and rest[0] != "!" else 60
        found.append(Held(packed, from_text(name), ttl_s, "!" in rest))
    return Holdings.of(found)


def ptrs(found: Zone | None) -> dict[str, str]:
    return {
        to_text(node.name): to_text(node.rrsets[0].rdatas[0]) for node in (found.nodes() if found else ())
    }


def test_an_inside_address_gets_the_first_name_that_has_it__semantics_13() -> None:
    text = "192.168.1.1 a.test.\n192.168.1.1 b.test.\nfd00::1 a.test. 300"
    made = automatic([held(text)], {}, frozenset(), False)
    assert ptrs(made) == {
        "1.1.168.192.in-addr.arpa.": "a.test.",
        "1." + "0." * 29 + "d.f.ip6.arpa.": "a.test.",
    }
    assert made is not None
    assert (made.apex, made.overlay) == (ROOT, True)
    node = made.node(from_text("1." + "0." * 29 + "d.f.ip6.arpa."))
    assert node is not None
    assert node.rrsets[0].ttl_s == 300


def test_ptr_true_comes_before_the_first_name_and_makes_one_for_any_address__semantics_13() -> None:
    text = """
192.168.1.1 a.test.
192.168.1.1 b.test. !
192.168.1.1 c.test. !
203.0.113.7 d.test. !
203.0.113.8 e.test.
"""
    assert ptrs(automatic([held(text)], {}, frozenset(), False)) == {
        "1.1.168.192.in-addr.arpa.": "b.test.",
        "7.113.0.203.in-addr.arpa.": "d.test.",
    }


def test_an_address_of_other_horizons_only_is_an_inside_one__semantics_1() -> None:
    inside = frozenset({bytes([198, 51, 100, 1])})
    assert ptrs(automatic([held("198.51.100.1 a.test.")], {}, inside, False))
    assert not ptrs(automatic([held("198.51.100.2 a.test.")], {}, inside, False))


def test_an_outside_view_gets_only_the_names_that_ask_for_it_and_no_inside_address__semantics_13() -> None:
    text = "192.168.1.1 a.test. !\n203.0.113.7 b.test. !\n203.0.113.8 c.test.\n198.51.100.1 d.test. !"
    inside = frozenset({bytes([198, 51, 100, 1])})
    assert ptrs(automatic([held(text)], {}, inside, True)) == {"7.113.0.203.in-addr.arpa.": "b.test."}


@pytest.mark.parametrize(
    ("text", "elsewhere", "made"),
    [
        ("1 PTR other.test.\n", [], False),
        ("", ["1"], False),
        ("x.1 PTR other.test.\n", [], True),
        ("2 PTR other.test.\n* PTR wild.test.\n", [], True),
    ],
)
def test_a_name_that_a_zone_declares_is_left_alone__semantics_13(
    text: str, elsewhere: list[str], made: bool
) -> None:
    declared = zone(text, "1.168.192.in-addr.arpa.", elsewhere=elsewhere)
    found = automatic([held("192.168.1.1 a.test.")], {declared.apex: declared}, frozenset(), False)
    assert bool(ptrs(found)) == made


def test_nothing_is_made_in_a_reverse_zone_that_did_not_load() -> None:
    declared = zone("", "1.168.192.in-addr.arpa.", fault="mistakes")
    assert automatic([held("192.168.1.1 a.test.")], {declared.apex: declared}, frozenset(), False) is None


def many(host: str = "host") -> Holdings:
    count = MIN_OCTETS // 16
    return Holdings.of(
        Held(bytes([10, 0, at >> 8, at & 255]), from_text(f"{host}{at}.a.test."), 60) for at in range(count)
    )


def test_pointers_are_made_once_for_a_generation_and_those_that_follow() -> None:
    asked: list[bytes] = []
    first = Pointers(None, asked.append)
    made = first.of([many()], {}, frozenset(), False)
    assert made is not None
    assert first.of([many()], {}, frozenset(), False) is made
    assert len(asked) == len(first.made) == 1

    later = Pointers(first.made, lambda digest: pytest.fail("nobody has to be asked"))
    assert later.of([many()], {}, frozenset(), False) is made
    assert later.made == first.made
    other = Pointers(None, lambda digest: made if digest == asked[0] else None)
    assert other.of([many()], {}, frozenset(), False) is made


def test_pointers_are_made_anew_where_anything_is_different__semantics_13() -> None:
    held_here, declared = [many()], zone("1 PTR other.test.\n", "0.0.10.in-addr.arpa.")
    faulty = zone("1 PTR other.test.\n", "0.0.10.in-addr.arpa.", fault="mistakes")
    elsewhere = zone("www A 192.0.2.1\n", "example.org.")
    pointers = Pointers()
    plain = pointers.of(held_here, {}, frozenset(), False)
    for arguments in (
        ([many("other")], {}, frozenset(), False),
        ([many(), many("other")], {}, frozenset(), False),
        (held_here, {declared.apex: declared}, frozenset(), False),
        (held_here, {faulty.apex: faulty}, frozenset(), False),
        (held_here, {}, frozenset({bytes([198, 51, 100, 1])}), False),
    ):
        found, expected = pointers.of(*arguments), automatic(*arguments)
        assert found is not plain
        assert ptrs(found) == ptrs(expected)
    assert pointers.of(held_here, {}, frozenset(), True) is None
    assert pointers.of(held_here, {elsewhere.apex: elsewhere}, frozenset(), False) is plain


def test_few_pointers_are_not_remembered() -> None:
    pointers = Pointers(None, lambda digest: pytest.fail("nobody has to be asked"))
    assert ptrs(pointers.of([held("192.168.1.1 a.test.")], {}, frozenset(), False))
    assert not pointers.made


def test_the_built_in_zones_are_empty__rfc6303_3() -> None:
    apexes = {to_text(apex) for apex in BUILT_IN}
    assert {"10.in-addr.arpa.", "31.172.in-addr.arpa.", "64.100.in-addr.arpa.", "d.f.ip6.arpa."} <= apexes
    assert not apexes & {"32.172.in-addr.arpa.", "128.100.in-addr.arpa.", "in-addr.arpa.", "ip6.arpa."}
    assert len(BUILT_IN) == 97
    for apex in BUILT_IN:
        (node,) = empty_zone(apex).nodes()
        assert [rrset.rdtype for rrset in node.rrsets] == [Type.SOA, Type.NS]
        assert empty_zone(apex) is empty_zone(apex)


def test_a_built_in_zone_loses_to_what_is_configured__semantics_13() -> None:
    mine = from_text("168.192.in-addr.arpa.")
    zones = {mine: zone("", "168.192.in-addr.arpa.")}
    made = built_in(zones, [ROOT, from_text("10.in-addr.arpa."), from_text("1.127.in-addr.arpa.")])
    assert mine not in made
    assert from_text("10.in-addr.arpa.") not in made
    assert from_text("127.in-addr.arpa.") in made
    assert not built_in({}, [from_text("arpa.")])


def test_addresses_that_only_other_horizons_declare__semantics_1() -> None:
    a, b, c = (bytes([192, 0, 2, last]) for last in (1, 2, 3))
    v6 = bytes.fromhex("20010db8000000000000000000000001")
    of_zones: list[dict[str | None, tuple[bytes, bytes]]] = [
        {"inside": (a + b, v6), "outside": (c, b"")},
        {None: (b, b""), "inside": (c, b"")},
    ]
    assert declared_only_elsewhere(of_zones, ["outside"]) == {a, v6}
    assert declared_only_elsewhere(of_zones, ["inside"]) == set()
    assert declared_only_elsewhere([], ["outside"]) == set()
    inside = bytes([192, 168, 1, 1]) + a + bytes([10, 0, 0, 1])
    assert declared_only_elsewhere([{"inside": (inside, b"")}], ["outside"]) == {a}  # the others are anyway

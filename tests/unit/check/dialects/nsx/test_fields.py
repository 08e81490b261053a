"""Words of an edge's XML, and what is wrong with them."""

from __future__ import annotations

import pytest

from splitdns.check.dialects import xml_places
from splitdns.check.dialects.nsx.fields import Reader, Words
from splitdns.check.dialects.nsx.values import Traffic
from splitdns.check.sets import Numbers
from splitdns.errors import Where
from tests.check.gateways import addresses

HERE = Where("edge.xml", 3, 5)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("192.0.2.1", addresses("192.0.2.1")),
        ("192.0.2.1/24", addresses("192.0.2.0/24")),
        ("192.0.2.1-192.0.2.9", addresses("192.0.2.1-192.0.2.9")),
        ("192.0.2.1, 192.0.2.8/30", addresses("192.0.2.1", "192.0.2.8/30")),
    ],
)
def test_addresses_are_read(word: str, expected: Numbers) -> None:
    assert Reader().addresses(word, HERE) == (4, expected)


def test_ports_are_read_and_any_is_none() -> None:
    reader = Reader()
    assert reader.ports("80, 8000-8010", HERE) == Numbers.of((80, 80), (8000, 8010))
    assert [reader.ports(word, HERE) for word in ("any", "Any", "-1", "")] == [None] * 4
    assert not reader.problems.errors


@pytest.mark.parametrize(
    ("field", "word", "message"),
    [
        ("addresses", "web", "expected an address, a prefix, a range like 192.0.2.1-192.0.2.9, or any"),
        ("addresses", "192.0.2.9-192.0.2.1", "expected an address"),
        ("addresses", "192.0.2.1,2001:db8::1", "expected an address"),
        ("ports", "80-", "expected a port, a range like 8000-8010, or any, found '80-'"),
        ("ports", "90-80", "expected a port"),
        ("ports", "65536", "expected a port"),
        ("address", "", "expected an address, found nothing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(field: str, word: str, message: str) -> None:
    reader = Reader()
    assert getattr(reader, field)(word, HERE) is None
    (error,) = reader.problems.errors
    assert str(error).startswith(f"edge.xml:3:5: {message}")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (Words("any"), Traffic()),
        (Words("tcp", "443"), Traffic(Numbers.one(6), Numbers.one(443))),
        (Words("tcpudp", "53"), Traffic(Numbers.of((6, 6), (17, 17)), Numbers.one(53))),
        (Words("udp", "any", "123"), Traffic(Numbers.one(17), None, Numbers.one(123))),
        (Words("47"), Traffic(Numbers.one(47))),
        (Words("icmp", "any", "any", "echo-request"), Traffic(Numbers.one(1), icmp_types=Numbers.one(8))),
        (Words("icmp", "any", "any", "any"), Traffic(Numbers.one(1))),
        (Words("tcp", "0-65535"), Traffic(Numbers.one(6))),
    ],
)
def test_traffic_is_read(words: Words, expected: Traffic) -> None:
    reader = Reader()
    assert reader.traffic(words, HERE, "rule") == expected
    assert not reader.notes


def test_ports_of_any_protocol_are_those_of_all_that_have_ports() -> None:
    protocols = Reader().traffic(Words("any", "53"), HERE, "rule").protocols
    assert protocols is not None
    assert (6 in protocols, 17 in protocols, 1 in protocols) == (True, True, False)


@pytest.mark.parametrize("words", [Words("sdrp"), Words("icmp", icmp_type="photuris")])
def test_what_is_not_known_may_be_anything_and_is_noted(words: Words) -> None:
    reader = Reader()
    traffic = reader.traffic(words, HERE, "rule 7")
    assert traffic.unknown
    assert [(note.origin.text, note.reason) for note in reader.notes] == [("rule 7", traffic.unknown)]


def test_true_and_false_in_whatever_case() -> None:
    root, reader = xml_places.read("<a><b>TRUE</b><c>maybe</c></a>", "f"), Reader()
    assert reader.truth(root, "b", usual=False)
    assert reader.truth(root, "d", usual=True)
    assert not reader.problems.errors
    assert not reader.truth(root, "c", usual=False)
    assert str(reader.problems.errors[0]) == "f:1:15: expected true or false, found 'maybe'"

from __future__ import annotations

from ipaddress import ip_address, ip_network

from splitdns.check.dialects.table_fields import Fields
from splitdns.check.dialects.table_values import Traffic
from splitdns.load import marked
from splitdns.load.declared import Port


def fields(text: str) -> Fields:
    return Fields(marked.read(text, "t.yaml"))


def told(found: Fields) -> list[str]:
    return [str(error) for error in found.problems.errors]


def test_one_thing_or_several_are_the_same() -> None:
    found = fields("a: x")

    assert [one for one, _ in found.several("x", ())] == ["x"]
    assert [one for one, _ in found.several(["x", "y"], ())] == ["x", "y"]
    assert list(found.several(None, ())) == []


def test_names_may_look_like_numbers() -> None:
    assert fields("a").names(["wan", 7], ()) == {"wan", "7"}


def test_addresses_and_prefixes() -> None:
    found = fields("a")

    assert found.addresses("192.0.2.1", ()) == (ip_address("192.0.2.1"),)
    assert found.prefixes(["192.0.2.0/24", "2001:db8::1"], ()) == (
        ip_network("192.0.2.0/24"),
        ip_network("2001:db8::1/128"),
    )
    assert told(found) == []


def test_traffic_is_ports_a_protocol_or_all() -> None:
    found = fields("a").traffic(["443/tcp", "udp", "icmpv6", "all"], ())

    assert found == (Traffic(Port("tcp", 443, 443)), Traffic(protocol=17), Traffic(protocol=58), Traffic())


def test_what_is_wrong_is_collected_with_its_place_and_read_as_nothing() -> None:
    found = fields("a: [x, true, null]\n")

    assert found.addresses(["x", True, None], ("a",)) == ()
    assert told(found) == [
        "t.yaml:1:5: expected an address, found 'x'",
        "t.yaml:1:8: expected an address, found true",
        "t.yaml:1:14: expected an address, found nothing",
    ]


def test_keys_that_are_not_known_are_told_where_they_stand() -> None:
    found = fields("a: {b: 1, c: 2}\n")

    assert found.mapping({"b": 1, "c": 2}, ("a",), ("b",)) == {"b": 1}
    assert told(found) == ["t.yaml:1:11: 'c' is not known here; known: b"]


def test_numbers_of_ports_end_somewhere() -> None:
    found = fields("a")

    assert [found.port_number(one, ()) for one in (None, 1, 65535)] == [None, 1, 65535]
    assert [found.port_number(one, ()) for one in (0, 65536, True, "80")] == [None] * 4
    assert len(told(found)) == 4

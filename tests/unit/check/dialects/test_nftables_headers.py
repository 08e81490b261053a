"""Fields of headers, and that a mask over TCP's flags is the model's own."""

from __future__ import annotations

from splitdns.check.dialects.json_places import Json
from splitdns.check.dialects.nftables_fields import field
from splitdns.check.dialects.nftables_headers import ether_type, header, protocol_field
from splitdns.check.dialects.nftables_terms import ALWAYS, Field, Terms
from splitdns.check.rules import AnyOf, Ports, Protocols, Side, TcpFlags, Unknown
from splitdns.check.sets import Numbers

SOME = Numbers.of((1, 5))
TCP = Protocols(Numbers.one(6))


def payload(protocol: str, name: str) -> Json:
    return {"payload": {"protocol": protocol, "field": name}}


def holds(expression: Json, numbers: Numbers = SOME) -> Terms:
    found = field(expression)
    assert isinstance(found, Field)
    return found.holds(numbers)


def test_ports_without_a_protocol_may_be_read_from_any_header() -> None:
    (condition,) = holds(payload("th", "dport")).conditions
    assert isinstance(condition, AnyOf)
    (protocols, ports), (others, accident) = condition.alternatives
    assert isinstance(protocols, Protocols)
    assert isinstance(others, Protocols)
    assert ports == Ports(Side.DESTINATION, SOME)
    assert not protocols.numbers & others.numbers
    assert isinstance(accident, Unknown)


def test_flags_of_tcp_are_compared_under_their_mask() -> None:
    syn_of_four = {"&": [payload("tcp", "flags"), ["fin", "syn", "rst", "ack"]]}
    assert holds(syn_of_four, Numbers.one(2)).conditions == (TCP, TcpFlags(0x17, 2))
    most = Numbers.of((0, 255)) - Numbers.one(2)
    assert holds(payload("tcp", "flags"), most).conditions == (TCP, TcpFlags(0xFF, 2, negated=True))


def test_one_field_has_several_names() -> None:
    assert header({"protocol": "ip", "field": "protocol"}) != header({"protocol": "ip6", "field": "nexthdr"})
    assert protocol_field("meta l4proto", ALWAYS).holds(SOME).conditions == (Protocols(SOME),)
    assert ether_type("vlan type").holds(Numbers.of((0, 0xFFFF))) == ALWAYS

"""What a rule looks at, and what nft leaves unsaid about it."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.json_places import Json, Misshapen
from splitdns.check.dialects.nftables_fields import (
    NEVER,
    Absent,
    Chance,
    Field,
    InterfaceName,
    PathBack,
    Status,
    Terms,
    Unmodelled,
    field,
    status_condition,
)
from splitdns.check.rules import (
    Addresses,
    AddressTypes,
    Condition,
    Direction,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Original,
    Ports,
    Protocols,
    Side,
    State,
    States,
    Translated,
    Unknown,
)
from splitdns.check.sets import Numbers

SOME = Numbers.of((1, 5))
TCP, UDP = Protocols(Numbers.one(6)), Protocols(Numbers.one(17))


def payload(protocol: str, name: str) -> Json:
    return {"payload": {"protocol": protocol, "field": name}}


def meta(key: str) -> Json:
    return {"meta": {"key": key}}


def ct(key: str, **more: Json) -> Json:
    return {"ct": {"key": key, **more}}


def fib(result: str, *flags: Json) -> Json:
    return {"fib": {"result": result, "flags": list(flags)}}


def holds(expression: Json, numbers: Numbers = SOME) -> Terms:
    found = field(expression)
    assert isinstance(found, Field)
    return found.holds(numbers)


@pytest.mark.parametrize(
    ("expression", "families", "conditions"),
    [
        (payload("ip", "saddr"), {4}, (Addresses(Side.SOURCE, SOME),)),
        (payload("ip6", "daddr"), {6}, (Addresses(Side.DESTINATION, SOME),)),
        (payload("ip", "protocol"), {4}, (Protocols(SOME),)),
        (payload("ip6", "nexthdr"), {6}, (Protocols(SOME),)),
        (meta("l4proto"), {4, 6}, (Protocols(SOME),)),
        (payload("tcp", "dport"), {4, 6}, (TCP, Ports(Side.DESTINATION, SOME))),
        (payload("udp", "sport"), {4, 6}, (UDP, Ports(Side.SOURCE, SOME))),
        (payload("icmp", "type"), {4, 6}, (Protocols(Numbers.one(1)), IcmpTypes(SOME))),
        (payload("icmpv6", "type"), {4, 6}, (Protocols(Numbers.one(58)), IcmpTypes(SOME))),
        (payload("ip", "version"), {4}, ()),
        (payload("ip6", "version"), {6}, (NEVER,)),
        (meta("mark"), {4, 6}, (Mark(Of.PACKET, SOME),)),
        (ct("mark"), {4, 6}, (Mark(Of.CONNECTION, SOME),)),
        ({"&": [meta("mark"), 0xF0]}, {4, 6}, (Mark(Of.PACKET, SOME, 0xF0),)),
        (ct("ip daddr", dir="original"), {4}, (Original(Side.DESTINATION, addresses=SOME),)),
        (ct("ip6 saddr", dir="original"), {6}, (Original(Side.SOURCE, addresses=SOME),)),
        (ct("proto-dst", dir="original"), {4, 6}, (Original(Side.DESTINATION, ports=SOME),)),
    ],
)
def test_a_field_says_what_it_presupposes_and_what_it_means(
    expression: Json, families: set[int], conditions: tuple[Condition, ...]
) -> None:
    numbers = Numbers.one(4) if payload("ip", "version") == expression else SOME
    terms = holds(expression, numbers)
    assert terms.families == families
    assert terms.conditions == conditions


@pytest.mark.parametrize(
    ("expression", "value", "families"),
    [
        (meta("nfproto"), "ipv4", {4}),
        (meta("nfproto"), "ipv6", {6}),
        (meta("protocol"), "ip", {4}),
        (meta("protocol"), "ip6", {6}),
        (meta("protocol"), "arp", set()),
        (meta("protocol"), 0x86DD, {6}),
        (payload("ether", "type"), "ip", {4}),
    ],
)
def test_some_fields_only_tell_the_family(expression: Json, value: Json, families: set[int]) -> None:
    found = field(expression)
    assert isinstance(found, Field)
    number = found.scalar(value)
    assert number is not None
    assert found.holds(Numbers.one(number)) == Terms(frozenset(families))


@pytest.mark.parametrize("key", ["iifname", "iif", "oifname", "oif"])
def test_interfaces_are_names(key: str) -> None:
    assert field(meta(key)) == InterfaceName(Side.SOURCE if key[0] == "i" else Side.DESTINATION)


def test_an_address_under_a_mask_is_a_set_of_addresses() -> None:
    odd = holds({"&": [payload("ip", "daddr"), "255.255.0.255"]}, Numbers.one(0x0A000001))
    (condition,) = odd.conditions
    assert isinstance(condition, Addresses)
    assert condition.numbers.size == 256
    assert 0x0A00_7701 in condition.numbers
    (condition,) = holds({"&": [payload("ip", "daddr"), "0.0.0.1"]}, Numbers.one(1)).conditions
    assert isinstance(condition, Unknown)


def test_packets_are_whole_and_without_options() -> None:
    offset = {"&": [payload("ip", "frag-off"), 0x1FFF]}
    assert holds(offset, Numbers.of((1, 0xFFFF))).conditions == (NEVER,)
    assert holds(offset, Numbers.one(0)).conditions == ()
    (dont_fragment,) = holds(payload("ip", "frag-off"), Numbers.one(0x4000)).conditions
    assert isinstance(dont_fragment, Unknown)
    assert field({"exthdr": {"name": "frag"}}) == Absent(Terms(frozenset({6})))
    assert field({"ip option": {"name": "rr"}}) == Absent(Terms(frozenset({4})))


def test_states_of_connections() -> None:
    found = field(ct("state"))
    assert isinstance(found, Field)
    number = found.scalar("new")
    assert number is not None
    assert found.holds(Numbers.one(number)).conditions == (States(frozenset({State.NEW})),)
    assert found.scalar("strange") is None
    everything = found.holds(found.all).conditions
    assert everything == (States(frozenset(State)),)


def test_a_connection_s_protocols_are_those_of_a_packet_that_has_one() -> None:
    tracked = States(frozenset({State.NEW, State.ESTABLISHED, State.RELATED}))
    assert holds(ct("l3proto"), Numbers.one(10)) == Terms(frozenset({6}), (tracked,))
    assert holds(ct("protocol"), SOME).conditions == (tracked, Protocols(SOME))


def test_the_direction_of_a_packet() -> None:
    assert holds(ct("direction"), Numbers.one(1)).conditions == (Direction(reply=True),)
    assert holds(ct("direction"), Numbers.of((0, 1))).conditions == ()
    assert holds(ct("direction"), Numbers.one(9)).conditions == (NEVER,)


def test_what_has_happened_to_a_connection_is_asked_bit_by_bit() -> None:
    assert field(ct("status")) == Status()
    assert field({"&": [ct("status"), "dnat"]}) == Status(32)
    assert status_condition(32) == (Translated(Side.DESTINATION),)
    assert status_condition(16) == (Translated(Side.SOURCE),)
    assert status_condition(4)[0] == States(frozenset({State.ESTABLISHED}))
    assert status_condition(32, expected=False) == (Translated(Side.DESTINATION, expected=False),)
    assert isinstance(status_condition(4, expected=False)[0], Unknown)
    assert isinstance(status_condition(8)[0], Unknown)
    assert isinstance(status_condition(1 << 20)[0], Unknown)


def test_the_kind_of_an_address() -> None:
    local = Numbers.one(2)
    (own,) = holds(fib("type", "daddr"), local).conditions
    assert own == AddressTypes(Side.DESTINATION, frozenset({"local"}))
    (here,) = holds(fib("type", "saddr", "iif"), Numbers.of((0, 255)) - local).conditions
    assert here == AddressTypes(Side.SOURCE, frozenset({"local"}), negated=True, interface=True)


def test_the_way_back_to_a_source() -> None:
    assert field(fib("oif", "saddr", "iif")) == PathBack(loose=False, marked=False)
    assert field(fib("oifname", "saddr", "mark")) == PathBack(loose=True, marked=True)


def test_how_the_link_delivered_a_packet() -> None:
    assert holds(meta("pkttype"), Numbers.one(1)).conditions == (
        AddressTypes(Side.DESTINATION, frozenset({"broadcast"})),
    )
    assert holds(meta("pkttype"), Numbers.one(0)).conditions == (
        AddressTypes(Side.DESTINATION, frozenset({"broadcast", "multicast"}), negated=True),
    )
    assert holds(meta("pkttype"), Numbers.one(7)).conditions == (NEVER,)


def test_owners_of_sockets_are_known_of_the_gateway_s_own_packets_only() -> None:
    found = field(meta("skuid"))
    assert isinstance(found, Unmodelled)
    assert found.basis.conditions == (Interfaces(Side.SOURCE, frozenset({"*"}), negated=True),)


def test_numbers_by_chance() -> None:
    assert field({"numgen": {"mode": "inc", "mod": 3, "offset": 5}}) == Chance("numgen mod 3", 5, 3)
    assert field({"jhash": {"mod": 2, "expr": meta("mark")}}) == Chance("jhash mod 2", 0, 2)


@pytest.mark.parametrize(
    ("expression", "known", "families"),
    [
        (payload("ip", "dscp"), True, {4}),
        (payload("ip6", "flowlabel"), True, {6}),
        (payload("ether", "saddr"), True, {4, 6}),
        (payload("tcp", "window"), True, {4, 6}),
        (payload("icmp", "code"), True, {4, 6}),
        (payload("vrrp", "x"), False, {4, 6}),
        ({"payload": {"base": "nh", "offset": 96, "len": 32}}, True, {4, 6}),
        ({"payload": {"tunnel": "vxlan", "protocol": "ip", "field": "saddr"}}, True, {4, 6}),
        (meta("hour"), True, {4, 6}),
        (meta("novelty"), False, {4, 6}),
        (ct("zone"), True, {4, 6}),
        (ct("ip saddr", dir="reply"), True, {4, 6}),
        (ct("novelty"), False, {4, 6}),
        (fib("oif", "daddr"), True, {4, 6}),
        ({"tcp option": {"name": "maxseg", "field": "size"}}, True, {4, 6}),
        ({"socket": {"key": "transparent"}}, True, {4, 6}),
        ({"rt": {"key": "nexthop"}}, True, {4, 6}),
        ({"osf": {"key": "name"}}, True, {4, 6}),
        ({">>": [meta("mark"), 8]}, True, {4, 6}),
        ({"&": [ct("state"), 6]}, True, {4, 6}),
        ({"novelty": {}}, False, {4, 6}),
    ],
)
def test_the_rest_is_named(expression: Json, known: bool, families: set[int]) -> None:
    found = field(expression)
    assert isinstance(found, Unmodelled)
    assert found.name
    assert found.known is known
    assert found.basis.families == families


@pytest.mark.parametrize(
    "expression",
    [5, {}, {"payload": 5}, {"meta": {}}, {"ct": {"key": 1}}, {"fib": {}}, {"&": [1]}, {"numgen": {}}],
)
def test_a_broken_shape_is_named(expression: Json) -> None:
    with pytest.raises(Misshapen):
        field(expression)

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.dialects.table import read
from splitdns.check.dialects.table_rules import HAIRPIN
from splitdns.check.model import (
    Accept,
    Action,
    Addresses,
    AddressTypes,
    Chain,
    Drop,
    Hook,
    Interfaces,
    Mark,
    Masquerade,
    Of,
    Ports,
    Protocols,
    Reject,
    Rule,
    SetMark,
    Side,
    State,
    States,
    Translate,
    Translated,
)
from splitdns.check.sets import Numbers, numbers_of

FROM, TO = Side.SOURCE, Side.DESTINATION
WAN_IN, WAN_OUT = Interfaces(FROM, frozenset({"wan"})), Interfaces(TO, frozenset({"wan"}))
INSIDE = Interfaces(FROM, frozenset({"wan"}), negated=True)
SERVER = numbers_of(ip_address("192.168.1.20"))
PUBLIC = Addresses(TO, numbers_of(ip_address("203.0.113.5")))
LAN = Addresses(FROM, numbers_of(ip_network("192.168.1.0/24")))
TCP, HTTPS = Protocols(Numbers.one(6)), Ports(TO, Numbers.one(443))


def chain(text: str, name: str) -> Chain:
    found = read(f"uplinks: wan\n{text}", "t.yaml").ruleset.chains
    return next(one for one in found if one.name == name)


def short(rules: tuple[Rule, ...]) -> list[tuple[object, Action]]:
    return [(rule.conditions, rule.action) for rule in rules]


def test_a_forward_without_an_address_is_for_any_of_the_gateway_s() -> None:
    found = chain("forwards: [{port: 443/tcp, to: 192.168.1.20}]", "prerouting")

    local = AddressTypes(TO, frozenset({"local"}))
    assert short(found.rules) == [((WAN_IN, local, TCP, HTTPS), Translate(TO, SERVER))]
    assert (found.hook, found.priority, found.is_nat) == (Hook.PREROUTING, -100, True)
    assert found.rules[0].families == {4}


def test_a_forward_takes_the_fixed_addresses_of_its_interface() -> None:
    network = "interfaces: {wan: 203.0.113.5/24}\n"
    forwards = "forwards: [{port: 443/tcp, to: 192.168.1.20}]"

    assert chain(network + forwards, "prerouting").rules[0].conditions[1] == PUBLIC
    leased = chain(f"dynamic: wan\n{network}{forwards}", "prerouting")
    assert isinstance(leased.rules[0].conditions[1], AddressTypes)


def test_a_forward_may_change_the_port() -> None:
    one = chain("forwards: [{port: 443/tcp, to: 192.168.1.20, to_port: 8443}]", "prerouting")
    several = chain("forwards: [{port: 80-90/tcp, to: 192.168.1.20, to_port: 8080}]", "prerouting")

    assert one.rules[0].action == Translate(TO, SERVER, Numbers.one(8443))
    assert several.rules[0].action == Translate(TO, SERVER, Numbers.of((8080, 8090)), base=80)


def test_a_forward_may_be_for_some_sources_and_for_everything() -> None:
    row = "{on: ppp0, address: 203.0.113.5, port: all, to: 192.168.1.20, from: 192.168.1.0/24}"

    (rule,) = chain(f"forwards: [{row}]", "prerouting").rules
    assert rule.conditions == (Interfaces(FROM, frozenset({"ppp0"})), PUBLIC, LAN)


HAIRPINNED = "forwards: [{address: 203.0.113.5, port: 443/tcp, to: 192.168.1.20}]\n"


@pytest.mark.parametrize(("hairpin", "more"), [("true", ()), ("192.168.1.0/24", (LAN,))])
def test_a_hairpin_translates_inside_clients_too_and_gives_them_the_gateway_s_source(
    hairpin: str, more: tuple[Addresses, ...]
) -> None:
    text = f"{HAIRPINNED}hairpin: {hairpin}\n"
    conditions = (INSIDE, *more, PUBLIC, TCP, HTTPS)

    assert short(chain(text, "prerouting").rules[1:]) == [
        (conditions, SetMark(Of.PACKET, HAIRPIN, HAIRPIN)),
        (conditions, Translate(TO, SERVER)),
    ]
    first = chain(text, "postrouting").rules[0]
    assert (first.conditions, first.action) == (
        (Mark(Of.PACKET, Numbers.one(HAIRPIN), HAIRPIN),),
        Masquerade(),
    )


def test_a_hairpin_may_keep_the_source() -> None:
    found = chain(f"{HAIRPINNED}hairpin: true\nhairpin_keeps_source: true\n", "postrouting")

    assert len(found.rules) == 1  # the uplink's


def test_a_hairpin_of_the_other_family_s_networks_is_none() -> None:
    assert len(chain(f"{HAIRPINNED}hairpin: '2001:db8::/32'\n", "prerouting").rules) == 1


def test_one_to_one_goes_both_ways() -> None:
    text = "one_to_one: {203.0.113.5: {to: 192.168.1.20, hairpin: true}}"

    before = chain(text, "prerouting").rules
    assert (before[0].conditions, before[0].action) == ((WAN_IN, PUBLIC), Translate(TO, SERVER))
    assert len(before) == 3
    _, out, usual = chain(text, "postrouting").rules
    assert out.conditions == (WAN_OUT, Addresses(FROM, SERVER))
    assert out.action == Translate(FROM, PUBLIC.numbers)
    assert usual.action == Masquerade()


MASQUERADES = [
    ("", [((WAN_OUT,), Masquerade(), 4)]),
    ("masquerade: true", [((WAN_OUT,), Masquerade(), 4)]),
    ("masquerade: false", []),
    ("masquerade: ppp0", [((Interfaces(TO, frozenset({"ppp0"})),), Masquerade(), 4)]),
    ("masquerade: {from: 192.168.1.0/24}", [((WAN_OUT, LAN), Masquerade(), 4)]),
    ("masquerade: {as: 203.0.113.5}", [((WAN_OUT,), Translate(FROM, PUBLIC.numbers), 4)]),
    ("masquerade: {as: '::1'}", [((WAN_OUT,), Translate(FROM, Numbers.one(1)), 6)]),
    ("masquerade: {from: '::1'}", [((WAN_OUT, Addresses(FROM, Numbers.one(1))), Masquerade(), 6)]),
]


@pytest.mark.parametrize(("text", "expected"), MASQUERADES)
def test_sources_are_translated_where_packets_leave(text: str, expected: list[object]) -> None:
    found = chain(text, "postrouting")

    assert [(rule.conditions, rule.action, *rule.families) for rule in found.rules] == expected
    assert (found.hook, found.priority) == (Hook.POSTROUTING, 100)


REPLIES = ((States(frozenset({State.ESTABLISHED, State.RELATED})),), Accept())
FORWARDED = ((Translated(TO),), Accept())


def test_left_alone_the_filter_lets_in_what_is_forwarded_and_everything_out() -> None:
    forward, to_gateway = chain("", "forward"), chain("", "input")

    assert short(forward.rules) == [REPLIES, FORWARDED, ((WAN_IN,), Drop())]
    assert short(to_gateway.rules) == [REPLIES, ((WAN_IN,), Drop())]
    assert (forward.accepts, to_gateway.accepts) == (True, True)


def test_a_filter_decides_by_its_rules_and_then_as_it_says() -> None:
    text = """\
filter:
  forward: deny
  gateway: reject
  forwards: by rules
  rules:
    - {allow: 443/tcp, in: wan, out: lan, from: 192.168.1.0/24, to: 192.168.1.20}
    - {reject: all, to: gateway}
"""
    forward, to_gateway = chain(text, "forward"), chain(text, "input")

    conditions = (WAN_IN, Interfaces(TO, frozenset({"lan"})), LAN, Addresses(TO, SERVER), TCP, HTTPS)
    assert short(forward.rules) == [REPLIES, (conditions, Accept())]
    assert short(to_gateway.rules) == [REPLIES, ((), Reject()), ((), Reject())]
    assert (forward.accepts, to_gateway.accepts) == (False, False)


def test_a_rule_of_one_family_s_addresses_is_for_that_family() -> None:
    text = "filter: {rules: [{deny: all, from: 192.168.1.0/24}, {deny: all, from: '::1', to: 192.168.1.20}]}"

    assert [rule.families for rule in chain(text, "forward").rules[2:-1]] == [{4}]


def test_whatever_is_allowed_needs_no_last_rule() -> None:
    found = chain("filter: {forward: allow}", "forward")

    assert (len(found.rules), found.accepts) == (2, True)

from __future__ import annotations

from ipaddress import ip_address

from splitdns.check.dialects import iptables
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.findings.rules import (
    accepts_before_translation,
    later_rules,
    leads_to,
    may_match,
    names_destination,
)
from splitdns.check.model import Hook, Ruleset
from splitdns.check.sets import PORTS, Numbers, numbers_of
from splitdns.check.verdict import Act, Packets
from tests.check.world import FORWARD, filtered, nat

PACKETS = Packets(
    4,
    numbers_of(ip_address("198.51.100.7")),
    numbers_of(ip_address("203.0.113.7")),
    Numbers.one(6),
    PORTS,
    Numbers.one(443),
)


def ruleset(text: str) -> Ruleset:
    return iptables.read(text, "rules", family=4, sets=IpSets())


def test_later_rules_are_those_of_the_same_chain() -> None:
    found = ruleset(nat(FORWARD, FORWARD.replace("443", "444"), FORWARD.replace("443", "445")))
    chain = next(one for one in found.chains if one.name == "PREROUTING")
    act = Act(Hook.PREROUTING, chain.table, chain.name, chain.rules[0], "dnat")

    assert list(later_rules(found, act)) == list(chain.rules[1:])


def test_a_rule_leads_to_a_target_only_for_packets_that_it_matches() -> None:
    found = ruleset(nat(FORWARD, FORWARD.replace("443", "444")))
    right, other_port = next(one for one in found.chains if one.name == "PREROUTING").rules

    assert leads_to(right, [ip_address("192.168.1.20")], PACKETS)
    assert not leads_to(right, [ip_address("192.168.1.21")], PACKETS)
    assert not leads_to(other_port, [ip_address("192.168.1.20")], PACKETS)
    assert may_match(right, PACKETS)
    assert not may_match(other_port, PACKETS)


def test_an_acceptance_of_the_address_before_translation_is_noticed() -> None:
    def accepts(rule: str) -> bool:
        return accepts_before_translation(ruleset(filtered(f"-A {rule} -j ACCEPT\n")), PACKETS)

    assert accepts("FORWARD -d 203.0.113.7/32")
    assert not accepts("FORWARD")
    assert not accepts("INPUT -d 203.0.113.7/32")


def test_an_acceptance_may_stand_in_a_chain_that_is_jumped_to() -> None:
    def accepts(verdict: str) -> bool:
        jump = "-A FORWARD -d 203.0.113.7/32 -j mine\n"
        text = filtered(jump, f"-A mine -j {verdict}\n").replace("*filter\n", "*filter\n:mine - [0:0]\n")
        return accepts_before_translation(ruleset(text), PACKETS)

    assert accepts("ACCEPT")
    assert not accepts("DROP")


def test_a_destination_is_named_alone_or_in_a_network_and_not_by_all() -> None:
    assert names_destination(ruleset(nat(FORWARD)), ip_address("203.0.113.7"))
    assert not names_destination(ruleset(nat(FORWARD)), ip_address("203.0.113.8"))
    assert not names_destination(ruleset(filtered("-A FORWARD -j ACCEPT\n")), ip_address("203.0.113.7"))

"""Changes as rules for an edge's API."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.changes import (
    Admit,
    AdmitReplies,
    Change,
    Forward,
    Hairpin,
    RedirectDns,
    SpareDns,
)
from splitdns.check.mending.nsx import written
from splitdns.check.model import Gateway, Network, Ruleset
from tests.check.gateways import addresses
from tests.check.nsx.edges import ANYTHING, PUBLIC, WEB, device, dnat, edge, snat, words

TO, AT = ip_address(WEB), ip_address(PUBLIC)
NUMBERED = snat("192.168.1.0/24", PUBLIC, ruleTag="196609") + dnat(PUBLIC, WEB, ruleTag="196610")
OWN = words("firewallRule", ruleTag="1", name="dns", ruleType="internal_high", action="accept")
USERS = words("firewallRule", ruleTag="131075", name="mine", ruleType="user", action="accept")
FORWARD = Forward(AT, "tcp", (443, 443), TO, (8443, 8443))
HAIRPIN = Hairpin(addresses("192.168.1.0/24"), 4, TO, "tcp", (443, 443))
ADMIT = Admit("nsx filter", "forward", TO, "tcp", (8000, 8010))
REDIRECT = RedirectDns(addresses("192.168.1.0/30"), "lan", ip_address("192.168.1.1"), "udp")


def gateway(text: str) -> Gateway:
    found = device(text)
    return Gateway(found.network, found.ruleset)


def lines(change: Change, text: str = "") -> tuple[list[str], list[str]]:
    return written([change], gateway(text or edge(NUMBERED, OWN + USERS)), [])


def test_a_rule_is_posted_above_the_first_of_its_kind_that_a_person_made() -> None:
    (forward,), _ = lines(FORWARD)
    (hairpin,), _ = lines(HAIRPIN)
    (admit,), _ = lines(ADMIT)

    head = "curl --config edge.curl -H 'Content-Type: application/xml' "
    assert forward.startswith(f'{head}"$EDGE/nat/config/rules?aboveRuleId=196610" -d \'<natRules><natRule>')
    assert hairpin.startswith(f'{head}"$EDGE/nat/config/rules?aboveRuleId=196609" -d ')
    assert admit.startswith(f'{head}"$EDGE/firewall/config/rules?aboveRuleId=131075" -d \'<firewallRules>')


def test_where_there_is_none_it_is_posted_as_it_is() -> None:
    (forward,), _ = lines(FORWARD, edge("", ANYTHING))
    assert '"$EDGE/nat/config/rules" -d' in forward


@pytest.mark.parametrize(
    ("change", "parts"),
    [
        (
            FORWARD,
            [
                "<action>dnat</action><originalAddress>203.0.113.2</originalAddress><protocol>tcp</protocol>",
                "<originalPort>443</originalPort><translatedPort>8443</translatedPort>",
                "<translatedAddress>192.168.1.20</translatedAddress>",
            ],
        ),
        (
            HAIRPIN,
            [
                "<translatedAddress>192.168.1.1</translatedAddress><action>snat</action>",
                "<originalAddress>192.168.1.0-192.168.1.255</originalAddress>",
                "<snatMatchDestinationAddress>192.168.1.20</snatMatchDestinationAddress>",
                "<snatMatchDestinationPort>443</snatMatchDestinationPort>",
            ],
        ),
        (
            ADMIT,
            [
                "<name>splitdns</name><matchTranslated>true</matchTranslated><action>accept</action>",
                "<service><protocol>tcp</protocol><port>8000-8010</port></service>",
            ],
        ),
    ],
)
def test_a_rule_says_what_the_change_says(change: Change, parts: list[str]) -> None:
    (line,), _ = lines(change)
    for part in parts:
        assert part in line


def test_clients_of_a_redirection_are_all_but_the_resolver() -> None:
    do, _ = lines(REDIRECT)
    asked = [line.partition("<dnatMatchSourceAddress>")[2].partition("<")[0] for line in do]
    assert asked == ["192.168.1.0", "192.168.1.2-192.168.1.3"]
    assert all("<originalAddress>any</originalAddress>" in line for line in do)


def test_rules_are_taken_back_by_name() -> None:
    _, undo = written([FORWARD, HAIRPIN, ADMIT], gateway(edge()), [])
    assert undo == [
        "# NAT: delete every rule whose description is splitdns, and publish the changes",
        "# Firewall: delete every rule whose name is splitdns, and publish the changes",
    ]


@pytest.mark.parametrize(
    "change",
    [
        Forward(ip_address("2001:db8::1"), "tcp", (443, 443), ip_address("2001:db8::2"), (443, 443)),
        Hairpin(addresses("2001:db8::/64"), 6, ip_address("2001:db8::2"), "tcp", (443, 443)),
        RedirectDns(addresses("2001:db8::/64"), "lan", ip_address("2001:db8::53"), "udp"),
        AdmitReplies("nsx filter", "forward", 4),
        SpareDns("nsx nat", "prerouting", ip_address("192.168.1.53"), "udp"),
    ],
)
def test_what_an_edge_cannot_do_is_a_step_with_the_reason(change: Change) -> None:
    do, undo = lines(change)
    assert [line[:10] for line in do] == ["# an edge "]
    assert undo == []


def test_an_edge_without_an_address_there_leaves_it_to_the_person() -> None:
    (line,), _ = written([HAIRPIN], Gateway(Network(), Ruleset()), [])
    assert "<translatedAddress>the edge's address there</translatedAddress>" in line

"""The order of an edge's rules: destinations, the firewall, sources."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.nsx import rules
from splitdns.check.model import Drop, Hook, Kind, Support, Translate
from splitdns.check.sets import Numbers
from tests.check.gateways import (
    DMZ_CLIENT,
    INTERNET,
    ITSELF,
    LAN_CLIENT,
    UDP,
    addresses,
    asked,
    clients,
    ended,
)
from tests.check.nsx.edges import (
    ANYTHING,
    PUBLIC,
    VNICS,
    WEB,
    allow,
    device,
    dnat,
    edge,
    gateway,
    snat,
    words,
)

TO_PUBLIC = f"<ipAddress>{PUBLIC}</ipAddress>"
TO_WEB = f"<ipAddress>{WEB}</ipAddress>"
GATEWAY = {"at": PUBLIC, "ports": 22}


def test_a_rule_is_applied_on_an_interface() -> None:
    on_uplink = gateway(edge(dnat(PUBLIC, WEB, vnic="0")))
    assert ended(on_uplink, INTERNET) == "ok-dnat web"
    assert ended(on_uplink, DMZ_CLIENT) == "router-self"
    on_dmz = gateway(edge(dnat(PUBLIC, WEB, vnic="2")))
    assert ended(on_dmz, INTERNET) == "router-self"
    assert ended(on_dmz, DMZ_CLIENT) == "ok-dnat web"


def test_the_first_rule_that_matches_translates() -> None:
    assert ended(gateway(edge(dnat(PUBLIC, "10.0.0.20") + dnat(PUBLIC, WEB))), INTERNET) == "ok-dnat dmz-web"


def test_sources_and_ports_are_asked_for() -> None:
    rule = dnat(PUBLIC, WEB, dnatMatchSourceAddress="198.51.100.0/24", dnatMatchSourcePort="any")
    some = gateway(edge(rule))
    other = clients("other", Kind.INTERNET, "wan", "192.0.2.1")
    assert ended(some, INTERNET) == "ok-dnat web"
    assert ended(some, other) == ended(some, INTERNET, ports=80) == "router-self"


def test_ports_are_kept_shifted_or_made_one() -> None:
    def seen(port: str, to: str) -> Numbers:
        rule = dnat(PUBLIC, WEB, originalPort=port, translatedPort=to)
        endpoint = asked(gateway(edge(rule)), INTERNET, ports=8003).outcomes[0].endpoint
        assert endpoint is not None
        return endpoint.ports

    assert seen("8000-8010", "8000-8010").single == seen("8000-8010", "any").single == 8003
    assert seen("8000-8010", "9000-9010").single == 9003
    assert seen("8000-8010", "443").single == 443


def test_a_range_of_addresses_becomes_any_of_them_and_is_noted() -> None:
    (note,) = device(edge(dnat("203.0.113.0/29", "192.168.1.16/29", "any"))).ruleset.notes
    assert (note.support, note.name) == (Support.WIDENED, "translated range")


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (allow(destination=TO_PUBLIC, service="tcp 443"), "ok-dnat web"),
        (allow(destination=TO_WEB, service="tcp 8443"), "dropped"),
        (allow(destination=TO_WEB, service="tcp 8443", matchTranslated="true"), "ok-dnat web"),
        (allow(destination=TO_PUBLIC, matchTranslated="true"), "dropped"),
        (allow("<vnicGroupId>external</vnicGroupId>", "<vnicGroupId>internal</vnicGroupId>"), "ok-dnat web"),
        (allow("<vnicGroupId>internal</vnicGroupId>"), "dropped"),
        (allow("<vnicGroupId>vnic-index-0</vnicGroupId>", TO_PUBLIC), "ok-dnat web"),
        (allow("<exclude>true</exclude><ipAddress>198.51.100.9</ipAddress>"), "dropped"),
        (allow("<exclude>true</exclude><ipAddress>192.0.2.1</ipAddress>"), "ok-dnat web"),
        (allow("", f"<exclude>true</exclude>{TO_PUBLIC}"), "dropped"),
        (allow("", f"<exclude>true</exclude>{TO_WEB}"), "ok-dnat web"),
        (allow("<exclude>true</exclude><vnicGroupId>external</vnicGroupId>"), "dropped"),
        (allow("<exclude>true</exclude><groupingObjectId>ipset-1</groupingObjectId>"), "maybe"),
        (allow(service="udp 443"), "dropped"),
        (allow(action="deny") + ANYTHING, "dropped"),
        (allow(action="reject") + ANYTHING, "refused"),
        (allow(direction="in"), "maybe"),
    ],
)
def test_the_firewall_sees_what_the_client_wrote_unless_told_otherwise(rules: str, verdict: str) -> None:
    found = gateway(edge(dnat(PUBLIC, WEB, translatedPort="8443"), rules))
    assert ended(found, INTERNET) == verdict


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        (allow(destination="<vnicGroupId>vse</vnicGroupId>"), "router-self"),
        (allow(destination="<vnicGroupId>external</vnicGroupId>"), "router-self"),
        (allow(destination="<vnicGroupId>internal</vnicGroupId>"), "dropped"),
        (allow(destination="<exclude>true</exclude><vnicGroupId>vse</vnicGroupId>"), "dropped"),
        (allow("<vnicGroupId>vse</vnicGroupId>"), "dropped"),
        (allow(destination=TO_PUBLIC, service="tcp 22"), "router-self"),
    ],
)
def test_the_edge_itself_is_vse(rules: str, verdict: str) -> None:
    assert ended(gateway(edge("", rules)), INTERNET, **GATEWAY) == verdict


def test_what_the_edge_sends_passes_unless_a_rule_is_about_it() -> None:
    denied = allow("<vnicGroupId>vse</vnicGroupId>", TO_WEB, action="deny")
    assert ended(gateway(edge("", "")), ITSELF, at=WEB) == "ok-routed web"
    assert ended(gateway(edge("", denied)), ITSELF, at=WEB) == "dropped"


def test_the_default_policy_is_for_what_no_rule_decides() -> None:
    assert ended(gateway(edge(dnat(PUBLIC, WEB), "", policy="accept")), INTERNET) == "ok-dnat web"
    assert ended(gateway(edge(dnat(PUBLIC, WEB), "", policy="reject")), INTERNET) == "refused"
    assert ended(gateway(edge(dnat(PUBLIC, WEB), "")), INTERNET) == "dropped"


def test_replies_of_what_was_accepted_pass() -> None:
    only = allow("<vnicGroupId>external</vnicGroupId>")
    assert ended(gateway(edge(dnat(PUBLIC, WEB), only)), INTERNET) == "ok-dnat web"


def test_what_belongs_to_no_connection_is_dropped_unless_the_edge_picks_it_up() -> None:
    def drops(settings: str) -> bool:
        text = edge().replace("<defaultPolicy>", f"<globalConfig>{settings}</globalConfig><defaultPolicy>", 1)
        (chain,) = (one for one in device(text).ruleset.chains if one.hook is Hook.FORWARD)
        return any(isinstance(rule.action, Drop) for rule in chain.rules)

    assert drops("")
    assert not drops("<dropInvalidTraffic>false</dropInvalidTraffic>")
    assert not drops("<tcpPickOngoingConnections>true</tcpPickOngoingConnections>")


def test_ipv6_is_filtered_and_never_translated() -> None:
    found = device(edge(dnat("any", WEB, protocol="any", originalPort="any", translatedPort="any")))
    nat, filters = found.ruleset.chains[0], found.ruleset.chains[2:]
    assert {rule.families for rule in nat.rules} == {frozenset({4})}
    assert all(chain.families == {4, 6} for chain in filters)


def test_nothing_is_translated_while_the_firewall_is_off() -> None:
    off = edge(dnat(PUBLIC, WEB)).replace("<enabled>true</enabled>", "<enabled>false</enabled>", 1)
    found = device(off)
    assert [(note.support, note.name) for note in found.ruleset.notes] == [(Support.IGNORED, "nat")]
    assert ended(gateway(off), INTERNET) == "router-self"
    assert not any(isinstance(rule.action, Translate) for one in found.ruleset.chains for rule in one.rules)


def test_what_is_not_told_makes_a_maybe() -> None:
    nat = f"<nat><natRules>{dnat(PUBLIC, WEB)}</natRules></nat>"
    interfaces = edge().partition("<features>")[0].partition("<edge>")[2]
    only_nat = gateway(interfaces, nat)
    assert [note.name for note in only_nat.ruleset.notes] == ["firewall"]
    assert ended(only_nat, INTERNET) == "maybe"
    only_firewall = gateway(interfaces, "<firewall/>")
    assert [note.name for note in only_firewall.ruleset.notes] == ["nat"]


def test_a_load_balancer_may_do_anything_at_its_own_port() -> None:
    server = words("virtualServer", name="web", ipAddress=PUBLIC, protocol="https", port="443")
    found = gateway(edge(more=f"<loadBalancer><enabled>true</enabled>{server}</loadBalancer>"))
    assert ended(found, INTERNET) == "maybe"
    assert ended(found, INTERNET, ports=80) == "router-self"
    assert ended(found, INTERNET, protocol=UDP) == "router-self"


def test_a_source_rule_hides_clients_and_picks_of_several_addresses() -> None:
    second = "<secondaryAddresses><ipAddress>203.0.113.3</ipAddress></secondaryAddresses>"
    vnics = VNICS.replace("</primaryAddress>", f"</primaryAddress>{second}", 1)
    out = snat("192.168.1.0/24", "203.0.113.2-203.0.113.3", vnic="0")
    outcome = asked(gateway(edge(out, vnics=vnics)), LAN_CLIENT, at="192.0.2.80").outcomes[0]
    assert outcome.endpoint is not None
    assert outcome.endpoint.seen_source == addresses("203.0.113.2-203.0.113.3")


def test_sources_times_services_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_MAX_RULES", 10)
    services = "".join(words("service", protocol="tcp", port=str(port)) for port in range(1, 9))
    assert device(edge("", allow(application=services))).ruleset.rules == 1
    with pytest.raises(ExceptionGroup, match="XML is wrong") as caught:
        device(edge("", allow(application=services + words("service", protocol="udp"))))
    assert "expected at most 10 rules of sources × services" in str(caught.value.exceptions[0])

"""Which words are found for what failed; that each code appears, ``tests/check/test_findings`` shows."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from splitdns.check.finding import Code, Severity
from splitdns.check.model import Network, Route
from splitdns.check.report.matrix import matrix
from tests.check.world import DMZ, FORWARD, HAIRPIN, NETWORK, PLAIN, World, filtered, nat


def test_one_finding_names_all_clients_for_whom_it_holds(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, zone=PLAIN, rules=nat()).findings(Code.FWD_MISSING)

    assert {"lan0 192.168.1.0/24", "wg0 10.8.0.0/24", "the internet"} <= set(finding.clients)
    assert finding.subject == "www.example.com. 443/tcp"
    assert finding.message.startswith("nothing leads 203.0.113.7 to it: ")
    assert str(finding.where).endswith("example.com.yaml:4:28")


def test_a_finding_shows_its_witness_and_the_rules(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, zone=PLAIN).findings(Code.HP_MISSING)

    assert finding.witness is not None
    assert finding.witness.clients == "lan0 192.168.1.0/24"
    assert [str(rule) for rule in finding.rules] == [f"rules.v4:6:1: {FORWARD.strip()}"]
    assert "inside address" in finding.remedy


def test_the_inside_address_is_no_remedy_where_the_port_is_translated(tmp_path: Path) -> None:
    """It is what ``DNS-PORT-TRANSLATED`` finds: one remedy must not be the other's cause."""
    zone = PLAIN.replace("[443/tcp]", "[{public: 8443/tcp, inside: 443/tcp}]")
    world = World(tmp_path, zone=zone, rules=nat(FORWARD.replace("--dport 443", "--dport 8443")))

    (finding,) = world.findings(Code.HP_MISSING)
    (split,) = world.but(zone=zone.replace("A: $wan4", "A: {inside: 192.168.1.20, outside: $wan4}")).findings(
        Code.DNS_PORT_TRANSLATED
    )

    assert finding.remedy == "masquerade these clients towards the server"
    assert split.remedy.endswith("an SRV record, or tell these clients the public address")


def test_the_gateway_s_own_connections_are_mentioned_and_not_failed(tmp_path: Path) -> None:
    (finding,) = World(tmp_path, zone=PLAIN, rules=nat(FORWARD, HAIRPIN)).findings(Code.HP_DNAT_WAN_ONLY)

    assert finding.clients == ("the gateway",)
    assert finding.severity is Severity.INFO


def test_the_gateway_s_own_connections_to_the_server_s_public_address_end_at_itself(tmp_path: Path) -> None:
    rules = ("-A INPUT -i lo -j ACCEPT\n", "-A INPUT -i lan0 -j ACCEPT\n")
    world = World(
        tmp_path,
        rules=nat(FORWARD, HAIRPIN) + filtered(*rules, forward="ACCEPT", input="DROP"),
        zone=PLAIN,
        gateway="{hosts: {web: {addresses: [192.168.1.20/24, 203.0.113.7/32]}}}",
    )

    assert not world.findings(Code.FWD_FILTERED)
    (finding,) = world.findings(Code.HP_DNAT_WAN_ONLY)
    assert (finding.clients, finding.severity) == (("the gateway",), Severity.INFO)


def test_what_only_literal_addresses_meet_is_no_failure(tmp_path: Path) -> None:
    assert World(tmp_path).findings(Code.HP_MISSING) == []


def test_what_is_not_translated_is_not_called_forwarded(tmp_path: Path) -> None:
    closed = filtered("-A FORWARD ! -i lan0 -j ACCEPT\n")

    found = World(tmp_path, zone=DMZ, rules=nat(FORWARD) + closed).findings(Code.FWD_FILTERED)

    assert any(
        one.message.startswith("a filter rule or policy keeps lan0 192.168.1.0/24")
        and one.message.endswith("away from 192.168.20.20")
        for one in found
    )


def test_a_host_that_does_not_listen_is_not_called_filtered(tmp_path: Path) -> None:
    hosts = '{hosts: {web: {addresses: ["192.168.20.20/24"], listens: [80/tcp]}}}'
    accepting = filtered("-A FORWARD -j ACCEPT\n")
    world = World(tmp_path, zone=DMZ, rules=nat(FORWARD) + accepting, gateway=hosts)

    assert world.findings(Code.FWD_FILTERED) == []
    assert "192.168.20.20 port 443 at 192.168.20.20" in world.findings(Code.FWD_WRONG_PORT)[0].message


def test_a_service_of_the_gateway_s_own_is_not_missing_but_may_be_closed(tmp_path: Path) -> None:
    world = World(tmp_path, zone=PLAIN, rules="", gateway="{listens: [443/tcp]}")

    assert world.findings(Code.FWD_MISSING) == []
    (finding,) = world.but(rules=filtered("-A INPUT ! -i wan0 -j ACCEPT\n", input="DROP")).findings(
        Code.FWD_FILTERED
    )
    assert "the internet away from 203.0.113.7" in finding.message
    assert "gateway.listens" in world.but(gateway="").findings(Code.FWD_MISSING)[0].remedy


def test_answers_without_a_route_are_not_told_as_a_forward_to_nobody(tmp_path: Path) -> None:
    routes = (*NETWORK.routes, Route(ip_network("198.51.100.0/24"), None, kind="unreachable"))
    interfaces = tuple(replace(one, rp_filter=0) for one in NETWORK.interfaces)
    world = World(tmp_path, network=Network(interfaces, routes))

    found = world.findings(Code.ASYM_GATEWAY)

    assert world.findings(Code.NAT_DEAD_TARGET) == []
    assert [one.message for one in found] == ["no route leads the server's answers back to the internet"]


def test_a_list_that_keeps_part_of_the_internet_away_is_no_failure(tmp_path: Path) -> None:
    listed = filtered("-A FORWARD -s 5.6.0.0/16 -j DROP\n", "-A FORWARD -j ACCEPT\n")
    checked = World(tmp_path, rules=nat(FORWARD) + listed).checked()

    (finding,) = [one for one in checked.findings if one.code is Code.FWD_FILTERED]

    assert finding.severity is Severity.INFO
    assert "part of the internet" in finding.message
    headers, (row,) = matrix(checked.judgement)
    assert dict(zip(headers, row, strict=True))["the internet"] == "partly"

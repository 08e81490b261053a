from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from splitdns.check.finding import Code, Severity
from splitdns.check.judge import Cell, Judgement, judge
from splitdns.check.model import Gateway, Kind, Network, Route, Ruleset
from splitdns.check.sets import NONE, Numbers
from splitdns.check.verdict import Verdict
from tests.check.world import (
    FORWARD,
    MASQUERADE,
    NETWORK,
    PLAIN,
    SPLIT,
    World,
    filtered,
    interface,
    loaded,
    nat,
    settings_of,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def cells(judgement: Judgement) -> dict[tuple[str, str, bool], Verdict]:
    return {(one.seen.clients.name, str(one.address), one.told): one.verdict for one in judgement.cells}


def test_everybody_is_judged_at_what_he_is_told_and_at_what_anybody_may_know(world: World) -> None:
    found = cells(world.checked().judgement)

    assert found["lan0 192.168.1.0/24", "192.168.1.20", True] is Verdict.OK_DIRECT
    assert found["dmz0 192.168.20.0/24", "192.168.1.20", True] is Verdict.OK_ROUTED
    assert found["192.168.1.20", "192.168.1.20", True].works
    assert found["the internet", "203.0.113.7", True] is Verdict.OK_DNAT
    assert found["lan0 192.168.1.0/24", "203.0.113.7", False] is Verdict.ASYM_REPLY
    assert not [key for key in found if key[0] == "the internet" and key[1] == "192.168.1.20"]


def test_what_works_with_another_host_or_port_than_is_meant_is_wrong(world: World) -> None:
    other = world.but(rules=nat(FORWARD.replace("192.168.1.20:443", "192.168.1.21:443")))
    assert cells(other.checked().judgement)["the internet", "203.0.113.7", True] is Verdict.WRONG_HOST

    nobody_said = other.but(zone=PLAIN)  # the zones do not say who serves
    assert cells(nobody_said.checked().judgement)["the internet", "203.0.113.7", True] is Verdict.OK_DNAT

    port = world.but(zone=SPLIT.replace("443/tcp", "{public: 443/tcp, inside: 8443/tcp}"))
    assert cells(port.checked().judgement)["the internet", "203.0.113.7", True] is Verdict.REFUSED


def test_ranges_are_translated_port_by_port(world: World) -> None:
    ranged = "-A PREROUTING -d 203.0.113.7/32 -p tcp -m tcp --dport 8000:8009 -j DNAT --to-destination "
    zone = SPLIT.replace("443/tcp", "{public: 8000-8009/tcp, inside: 9000-9009/tcp}")

    right = world.but(zone=zone, rules=nat(ranged + "192.168.1.20:9000-9009/8000\n"))
    wrong = world.but(zone=zone, rules=nat(ranged + "192.168.1.20:9001-9010/8000\n"))

    assert {cell.verdict for cell in _outside(right)} == {Verdict.OK_DNAT}
    assert Verdict.OK_DNAT not in {cell.verdict for cell in _outside(wrong)}


def test_what_the_gateway_says_it_serves_holds_beside_what_the_configuration_says(world: World) -> None:
    def listens(gateway: str) -> dict[int, Numbers] | None:
        found = loaded(world.directory, gateway=gateway)
        told = Gateway(NETWORK, Ruleset(), listens={6: Numbers.one(8291), 17: NONE})
        return judge(told, settings_of(found), found).gateway.listens

    assert listens("{}") == {6: Numbers.one(8291), 17: NONE}
    assert listens("{listens: [22/tcp]}") == {6: Numbers.of((22, 22), (8291, 8291)), 17: NONE}


def _outside(world: World) -> list[Cell]:
    return [cell for cell in world.checked().judgement.cells if cell.seen.clients.kind is Kind.INTERNET]


def test_a_service_of_the_gateway_works_where_the_gateway_is_met(world: World) -> None:
    zone = SPLIT.replace("192.168.1.20", "192.168.1.1")

    judged = world.but(zone=zone, rules=nat(MASQUERADE)).checked().judgement

    assert all(cell.works for cell in judged.cells if cell.told)
    assert {cell.verdict for cell in _outside(world.but(zone=zone, rules=nat()))} == {Verdict.ROUTER_SELF}


def test_another_nat_before_the_gateway_is_taken_to_forward(world: World) -> None:
    uplink = interface("wan0", "100.64.3.9/10", uplink=True)
    network = replace(NETWORK, interfaces=(uplink, *NETWORK.interfaces[2:]))
    rules = nat(FORWARD.replace("203.0.113.7", "100.64.3.9"))

    verdicts = {cell.verdict for cell in _outside(world.but(network=network, rules=rules)) if cell.told}

    assert verdicts == {Verdict.OK_DNAT}


def test_the_internet_comes_by_the_uplink_that_has_the_address(world: World) -> None:
    other = interface("wan1", "198.51.100.2/24", uplink=True)
    network = replace(NETWORK, interfaces=(*NETWORK.interfaces, other))
    rules = nat(FORWARD.replace("PREROUTING", "PREROUTING -i wan0"))

    found = list(_outside(world.but(network=network, rules=rules)))

    assert {one.seen.clients.interface for one in found} == {"wan0"}
    assert Verdict.OK_DNAT in {one.verdict for one in found}


def test_a_host_is_a_client_of_its_own_services(world: World) -> None:
    zone = SPLIT + "  other: {A: {inside: 192.168.1.21, outside: $wan4}, expose: [444/tcp]}\n"

    own = {
        (cell.seen.clients.name, cell.service.name)
        for cell in world.but(zone=zone).checked().judgement.cells
        if cell.seen.clients.kind is Kind.HOST
    }

    assert own == {("192.168.1.20", "www.example.com."), ("192.168.1.21", "other.example.com.")}


def test_neighbours_before_another_nat_are_told_nothing_that_is_promised_here(tmp_path: Path) -> None:
    wan = interface("wan0", "192.168.178.2/24", uplink=True, rp_filter=0)
    rules = nat(FORWARD.replace("203.0.113.7", "192.168.178.2"), MASQUERADE) + filtered(
        "-A FORWARD -m conntrack --ctstate DNAT,ESTABLISHED -j ACCEPT\n",
        "-A FORWARD -i lan0 -j ACCEPT\n",
        "-A INPUT ! -i wan0 -j ACCEPT\n",
        input="DROP",
    )
    network = replace(NETWORK, interfaces=(NETWORK.interfaces[0], wan, NETWORK.interfaces[2]))
    world = World(tmp_path, rules=rules, network=network, gateway="{resolver: [192.168.1.53]}")

    checked = world.checked()

    assert [one.code for one in checked.findings if one.severity > Severity.INFO] == [Code.WAN_CGNAT]
    assert not [cell for cell in checked.judgement.cells if cell.told and "178" in cell.seen.clients.name]


def test_the_internet_is_told_its_view_though_its_queries_do_not_arrive(tmp_path: Path) -> None:
    network = Network(
        (interface("wan0", "2001:db8:ffff::2/64", uplink=True), interface("lan0", "2001:db8:1::1/64")),
        (Route(ip_network("::/0"), "wan0"),),
    )
    zone = PLAIN.replace("A: $wan4", 'AAAA: "2001:db8:1::20"')
    closed = filtered("-A FORWARD -p tcp --dport 443 -j ACCEPT\n")
    gateway = '{resolver: ["2001:db8:1::53"]}'
    world = World(tmp_path, zone=zone, rules="", rules6=closed, network=network, gateway=gateway)

    found = cells(world.checked().judgement)

    assert ("the internet", "2001:db8:1::20", True) in found

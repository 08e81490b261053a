from __future__ import annotations

from ipaddress import ip_address, ip_network
from pathlib import Path

from splitdns.check.findings.evidence import destination_act, last_act, named, origins, source_act, witness
from splitdns.check.judge import Cell
from splitdns.check.model import Hook, Network, Route
from tests.check.world import FORWARD, HAIRPIN, PLAIN, World, filtered, interface, nat


def cell(world: World, clients: str) -> Cell:
    return next(one for one in world.checked().judgement.cells if one.seen.clients.name == clients)


def test_the_rules_that_acted_are_known_by_what_they_did(tmp_path: Path) -> None:
    world = World(tmp_path, zone=PLAIN, rules=nat(FORWARD, HAIRPIN))
    outcome = cell(world, "lan0 192.168.1.0/24").result.outcomes[0]

    there, back = destination_act(outcome), source_act(outcome)

    assert there is not None
    assert there.rule is not None
    assert (there.hook, there.chain) == (Hook.PREROUTING, "PREROUTING")
    assert back is not None
    assert back.hook is Hook.POSTROUTING
    assert [str(one.where) for one in origins([outcome, outcome])] == ["rules.v4:6:1", "rules.v4:7:1"]


def test_the_last_act_at_a_hook_may_be_a_policy(tmp_path: Path) -> None:
    world = World(tmp_path, rules=nat(FORWARD) + filtered())

    act = last_act(cell(world, "the internet").result.outcomes[0], Hook.FORWARD)

    assert act is not None
    assert (act.chain, act.rule) == ("FORWARD", None)


def test_a_witness_is_one_packet_of_a_client_that_people_can_picture(tmp_path: Path) -> None:
    found = witness(cell(World(tmp_path), "the internet").result)

    assert found.packets.source.single == int(ip_address("198.51.100.7"))
    assert found.packets.destination.single == int(ip_address("203.0.113.7"))
    assert found.packets.destination_ports.single == 443
    assert found.packets.source_ports.single == 49152
    assert found.outcome is not None


def test_a_witness_of_ipv6_has_an_address_that_people_know(tmp_path: Path) -> None:
    network = Network(
        (interface("wan0", "2001:db8:ffff::2/64", uplink=True), interface("lan0", "2001:db8:1::1/64")),
        (Route(ip_network("::/0"), "wan0"),),
    )
    zone = PLAIN.replace("A: $wan4", 'AAAA: "2001:db8:1::20"')

    found = witness(cell(World(tmp_path, zone=zone, rules="", network=network), "the internet").result)

    assert found.packets.source.single == int(ip_address("2001:db8::99"))


def test_clients_are_named_a_few_at_a_time() -> None:
    assert named(["a", "b", "a"]) == "a, b"
    assert named("abcd") == "a, b, c, d"
    assert named("abcde") == "a, b, c and 2 more"

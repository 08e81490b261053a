from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

from splitdns.check.model import Kind
from splitdns.check.sets import Numbers, numbers_of
from splitdns.check.verdict import Verdict
from tests.check.world import CONFIG, FORWARD, MASQUERADE, NETWORK, World, interface, nat


def test_all_that_the_internet_may_send_here_is_walked(tmp_path: Path) -> None:
    results = World(tmp_path).checked().judgement.admitted

    assert {result.clients.kind for result in results} == {Kind.INTERNET}
    assert {result.packets.destination for result in results} == {numbers_of(NETWORK.addresses(4)[0])}
    tcp = [result for result in results if 6 in result.packets.protocols]
    ports = sum(result.packets.destination_ports.size for result in tcp)
    assert ports == 65_536  # each once
    assert {result.verdict for result in tcp} == {Verdict.OK_DNAT, Verdict.ROUTER_SELF}


def test_public_networks_behind_the_gateway_are_destinations_too(tmp_path: Path) -> None:
    routed = replace(
        NETWORK, interfaces=(*NETWORK.interfaces, interface("pub0", "198.51.100.129/25"))
    )

    results = World(tmp_path, network=routed).checked().judgement.admitted

    reached = Numbers()
    for result in results:
        reached |= result.packets.destination
    assert numbers_of(ip_network("198.51.100.128/25")) <= reached


def test_what_goes_out_is_walked_for_everybody_inside(tmp_path: Path) -> None:
    results = World(tmp_path, rules=nat(FORWARD, MASQUERADE)).checked().judgement.outbound

    assert {result.clients.name for result in results} == {
        "lan0 192.168.1.0/24",
        "dmz0 192.168.20.0/24",
        "wg0 10.8.0.0/24",
        "the gateway",
    }
    assert all(result.verdict.works for result in results)


def test_the_source_that_arrives_chooses_the_view__semantics_24(tmp_path: Path) -> None:
    masqueraded = nat(FORWARD, "-A POSTROUTING -s 10.8.0.0/24 -o lan0 -j MASQUERADE\n")
    world = World(tmp_path, gateway="{resolver: [192.168.1.53]}", rules=masqueraded)

    met = {(one.seen.clients.name, one.met) for one in world.checked().judgement.asked}

    assert ("wg0 10.8.0.0/24", "lan") in met  # with the gateway's address
    assert ("lan0 192.168.1.0/24", "lan") in met


def test_where_clients_ask_is_configured_or_what_the_server_listens_on(tmp_path: Path) -> None:
    def asked(config: str, gateway: str = "") -> set[str]:
        judged = World(tmp_path, config=config, gateway=gateway).checked().judgement
        return {str(one.address) for one in judged.asked}

    assert asked(CONFIG) == set()
    listening = CONFIG.replace('"0.0.0.0:53"', '"192.168.1.53:53", "127.0.0.1:53", "192.168.1.53:5353"')
    assert asked(listening) == {"192.168.1.53"}
    assert asked(CONFIG, "{resolver: [192.168.20.53]}") == {"192.168.20.53"}


def test_what_is_sent_to_the_gateway_from_inside_is_walked(tmp_path: Path) -> None:
    results = World(tmp_path).checked().judgement.inward

    inside = [own.address for one in NETWORK.interfaces if not one.uplink for own in one.addresses]
    four = [result for result in results if result.packets.family == 4]
    reached = Numbers()
    for result in four:
        reached |= result.packets.destination
    assert reached == numbers_of(*(one for one in inside if one.version == 4 and not one.is_loopback))
    assert {result.clients.kind for result in four} <= {Kind.NETWORK, Kind.ROUTED}

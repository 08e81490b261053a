"""What is offered for DNS that goes elsewhere, or is led here by halves; each tried on the model."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from splitdns.check.changes import Hairpin, RedirectDns, SpareDns
from splitdns.check.finding import Code
from splitdns.check.mend import Cure, cures, redirections
from splitdns.check.model import Route
from splitdns.check.redirecting import Redirection
from splitdns.check.sets import numbers_of
from tests.check.test_findings import DNS, DNS_HAIRPIN, NOT_THE_RESOLVER, PAIRS, dns
from tests.check.world import CONFIG, FORWARD, NETWORK, World, filtered, interface, nat

RESOLVER, LAN = ip_address("192.168.1.53"), numbers_of(ip_network("192.168.1.0/24"))
ON_GATEWAY = "{resolver: [192.168.1.1]}"
OF_DNS = [Code.RED53_PARTIAL, Code.RED53_ASYM, Code.RED53_LOOP]


def cure_of(world: World) -> Cure:
    (cure,) = (one for one in cures(world.checked()) if {found.code for found in one.findings} & set(OF_DNS))
    return cure


def offered(world: World) -> dict[str, tuple[Redirection, Cure]]:
    return {found[0].clients[0]: found for found in redirections(world.checked())}


# --- What is there ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", OF_DNS, ids=lambda code: code.value)
def test_a_redirection_by_halves_is_mended_and_proven(code: Code, tmp_path: Path) -> None:
    cure = cure_of(PAIRS[code](World(tmp_path))[0])

    assert code in {one.code for one in cure.findings}
    assert cure.changes
    assert not cure.left


def test_the_other_protocol_goes_where_the_one_goes(tmp_path: Path) -> None:
    rules = nat(FORWARD, dns("udp", exempt=NOT_THE_RESOLVER), DNS_HAIRPIN)

    cure = cure_of(World(tmp_path, gateway=DNS, rules=rules))

    assert cure.changes == (RedirectDns(LAN, "lan0", RESOLVER, "tcp"),)


def test_a_reply_past_the_gateway_takes_a_masquerade(tmp_path: Path) -> None:
    rules = nat(FORWARD, dns("udp", "tcp", exempt=NOT_THE_RESOLVER))

    cure = cure_of(World(tmp_path, gateway=DNS, rules=rules))

    assert set(cure.changes) == {Hairpin(LAN, 4, RESOLVER, one, (53, 53)) for one in ("udp", "tcp")}


def test_the_resolver_is_spared_in_the_chain_that_leads_it_back(tmp_path: Path) -> None:
    cure = cure_of(World(tmp_path, gateway=DNS, rules=nat(FORWARD, dns("udp", "tcp"), DNS_HAIRPIN)))

    assert set(cure.changes) == {
        SpareDns("iptables nat", "PREROUTING", RESOLVER, one) for one in ("udp", "tcp")
    }


def test_halves_of_several_kinds_are_mended_at_once(tmp_path: Path) -> None:
    cure = cure_of(World(tmp_path, gateway=DNS, rules=nat(FORWARD, dns("udp"))))

    assert {type(one) for one in cure.changes} == {SpareDns, Hairpin, RedirectDns}
    assert not cure.left


def test_no_rule_is_offered_beside_one_that_leads_to_another_port(tmp_path: Path) -> None:
    odd = dns("udp", exempt=NOT_THE_RESOLVER).replace("192.168.1.53\n", "192.168.1.53:5353\n")

    cure = cure_of(World(tmp_path, gateway=DNS, rules=nat(FORWARD, odd, DNS_HAIRPIN)))

    assert cure.changes == ()
    assert "port 53" in cure.left


# --- What is not there yet ----------------------------------------------------------------------------------


def test_each_network_that_may_recurse_is_led_here(tmp_path: Path) -> None:
    found = offered(World(tmp_path, gateway=ON_GATEWAY))

    assert set(found) == {"lan0 192.168.1.0/24", "dmz0 192.168.20.0/24", "wg0 10.8.0.0/24"}
    assert not any(cure.left for _, cure in found.values())
    _, lan = found["lan0 192.168.1.0/24"]
    here = ip_address("192.168.1.1")
    assert set(lan.changes) == {RedirectDns(LAN, "lan0", here, one, True) for one in ("udp", "tcp")}
    _, dmz = found["dmz0 192.168.20.0/24"]
    assert not any(one.on_gateway for one in dmz.changes if isinstance(one, RedirectDns))


def test_a_resolver_on_the_clients_link_takes_a_masquerade_and_is_spared(tmp_path: Path) -> None:
    found = offered(World(tmp_path, gateway=DNS))

    _, lan = found["lan0 192.168.1.0/24"]
    assert not lan.left
    assert {type(one) for one in lan.changes} == {RedirectDns, Hairpin}
    _, dmz = found["dmz0 192.168.20.0/24"]
    assert {type(one) for one in dmz.changes} == {RedirectDns}


def test_no_network_is_led_to_a_view_that_refuses_it(tmp_path: Path) -> None:
    config = CONFIG.replace("[vpn, inside], recursion: true", "[vpn, inside]")
    assert config != CONFIG

    found = offered(World(tmp_path, gateway=ON_GATEWAY, config=config))

    assert set(found) == {"lan0 192.168.1.0/24", "dmz0 192.168.20.0/24"}


def test_a_network_that_is_led_already_is_left_alone(tmp_path: Path) -> None:
    rules = nat(FORWARD, dns("udp", "tcp", exempt=NOT_THE_RESOLVER), DNS_HAIRPIN)

    assert "lan0 192.168.1.0/24" not in offered(World(tmp_path, gateway=DNS, rules=rules))


def test_who_does_not_reach_the_resolver_is_told_so(tmp_path: Path) -> None:
    closed = filtered(forward="ACCEPT", input="DROP")

    found = offered(World(tmp_path, gateway=ON_GATEWAY, rules=nat(FORWARD) + closed))

    assert {cure.left for _, cure in found.values()} == {"they reach no resolver of ours over IPv4"}
    assert not any(cure.changes for _, cure in found.values())


def test_a_filter_that_knows_only_some_addresses_of_the_gateway_does_no_harm(tmp_path: Path) -> None:
    """What reaches the resolver by its own address also does when it is led there."""
    some = filtered("-A INPUT -d 192.168.1.1/32 -j ACCEPT\n", forward="ACCEPT", input="DROP")

    found = offered(World(tmp_path, gateway=ON_GATEWAY, rules=nat(FORWARD) + some))

    assert not any(cure.left for _, cure in found.values())


def test_a_masquerade_that_hides_other_views_is_not_offered(tmp_path: Path) -> None:
    """A resolver on the LAN would take VPN clients for the gateway, where the rules masquerade them."""
    rules = nat(FORWARD, "-A POSTROUTING -s 10.8.0.0/24 -o lan0 -j MASQUERADE\n")

    found = offered(World(tmp_path, gateway=DNS, rules=rules))

    _, vpn = found["wg0 10.8.0.0/24"]
    assert vpn.left == "they reach no resolver of ours over IPv4"
    assert not found["dmz0 192.168.20.0/24"][1].left


def test_both_families_are_led(tmp_path: Path) -> None:
    network = replace(
        NETWORK,
        interfaces=(
            interface("wan0", "203.0.113.7/24", "2001:db8:ffff::7/64", uplink=True),
            interface("lan0", "192.168.1.1/24", "fd00:1::1/64"),
        ),
        routes=(*NETWORK.routes, Route(ip_network("::/0"), "wan0", ip_address("2001:db8:ffff::1"))),
    )
    world = World(tmp_path, gateway='{resolver: [192.168.1.1, "fd00:1::1"]}', network=network)

    changes = {one for _, cure in redirections(world.checked()) for one in cure.changes if not cure.left}

    led = {(one.resolver.version, one.protocol) for one in changes if isinstance(one, RedirectDns)}
    assert led == {(family, protocol) for family in (4, 6) for protocol in ("udp", "tcp")}


def test_of_a_network_of_several_views_only_those_are_led_who_may_recurse(tmp_path: Path) -> None:
    view = "  guests: {clients: [192.168.1.128/25], horizon: [inside]}\n"
    config = CONFIG.replace("zones: [zones]", f"{view}zones: [zones]")

    found = offered(World(tmp_path, gateway=ON_GATEWAY, config=config))

    (lan,) = (cure for name, (_, cure) in found.items() if "lan0" in name)
    led = [one.clients for one in lan.changes if isinstance(one, RedirectDns)]
    assert led
    assert not any(one & numbers_of(ip_network("192.168.1.128/25")) for one in led)
    assert not lan.left


def test_no_resolver_of_ours_is_led_to_another(tmp_path: Path) -> None:
    world = World(tmp_path, gateway="{resolver: [192.168.1.53, 192.168.1.54]}")

    _, lan = offered(world)["lan0 192.168.1.0/24"]

    other = numbers_of(ip_address("192.168.1.54"))
    led = [one for one in lan.changes if isinstance(one, RedirectDns)]
    assert {one.resolver for one in led} == {RESOLVER}
    assert not any(one.clients & other for one in led)
    assert not lan.left


def test_a_gateway_leads_to_its_first_address_by_itself_and_to_others_by_name(tmp_path: Path) -> None:
    lan0 = interface("lan0", "192.168.1.2/24", "192.168.1.1/24")
    two = replace(NETWORK, interfaces=(*NETWORK.interfaces[:2], lan0))

    _, lan = offered(World(tmp_path, gateway=ON_GATEWAY, network=two))["lan0 192.168.1.0/24"]

    assert [one.on_gateway for one in lan.changes if isinstance(one, RedirectDns)] == [False, False]


def test_what_is_dropped_before_it_can_be_led_is_not_offered(tmp_path: Path) -> None:
    drop = "-A PREROUTING ! -d 192.168.1.1/32 -i lan0 -p {0} -m {0} --dport 53 -j DROP\n"
    early = f"*raw\n:PREROUTING ACCEPT [0:0]\n{drop.format('udp')}{drop.format('tcp')}COMMIT\n"

    found = offered(World(tmp_path, gateway=ON_GATEWAY, rules=early + nat(FORWARD)))

    _, lan = found["lan0 192.168.1.0/24"]
    assert lan.left == "the queries of lan0 192.168.1.0/24 would end otherwise: dropped"
    assert not found["dmz0 192.168.20.0/24"][1].left

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from splitdns.check.model import (
    Accept,
    Clients,
    Drop,
    Hook,
    HostRoute,
    Kind,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.check.walk import walk
from tests.check.gateways import (
    DMZ_CLIENT,
    DMZ_HOST,
    FORWARD_443,
    HAIRPIN,
    INTERNET,
    ITSELF,
    LAN_CLIENT,
    PUBLIC,
    SERVER,
    TCP,
    WEB,
    WEB_HOST,
    addresses,
    asked,
    came,
    clients,
    dnat,
    ended,
    filtering,
    gateway,
    host,
    outcomes,
    port,
    postrouting,
    prerouting,
    proto,
    question,
    rule,
    to,
    wheres,
)

DNAT_ONLY = gateway(FORWARD_443)
WITH_HAIRPIN = gateway(FORWARD_443, postrouting(HAIRPIN))


@pytest.mark.parametrize(
    ("who", "without", "with_hairpin"),
    [
        (INTERNET, "ok-dnat web", "ok-dnat web"),
        (DMZ_CLIENT, "ok-dnat web", "ok-dnat web"),
        (LAN_CLIENT, "asym-reply", "ok-hairpin web"),
        (SERVER, "self-loop", "ok-hairpin web"),
        (ITSELF, "router-self", "router-self"),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_a_port_forward_from_every_side(who: Clients, without: str, with_hairpin: str) -> None:
    assert ended(DNAT_ONLY, who) == without
    assert ended(WITH_HAIRPIN, who) == with_hairpin


def test_the_inside_address_is_met_past_the_gateway_from_its_own_network() -> None:
    assert ended(DNAT_ONLY, LAN_CLIENT, at=WEB) == "ok-direct web"
    assert ended(DNAT_ONLY, DMZ_CLIENT, at=WEB) == "ok-routed web"


def test_an_address_that_nobody_is_known_to_have_is_assumed_to_answer() -> None:
    result = asked(DNAT_ONLY, DMZ_CLIENT, at="192.168.1.99")
    assert result.verdict.value == "ok-routed"
    assert result.outcomes[0].endpoint is not None
    assert result.outcomes[0].endpoint.host is None


def test_a_host_route_leads_past_the_gateway() -> None:
    served = host("web", f"{WEB}/24", f"{PUBLIC}/32")
    route = HostRoute(ip_network(f"{PUBLIC}/32"), ip_address(WEB))
    who = clients("lan", Kind.NETWORK, "lan", "192.168.1.50", near="192.168.1.0/24", routes=(route,))
    assert ended(gateway(hosts=[served]), who) == "ok-direct web"


def test_what_another_router_does_is_not_known() -> None:
    other = ip_address("192.168.1.254")
    who = clients("lan", Kind.NETWORK, "lan", "192.168.1.50", near="192.168.1.0/24", default_via=other)
    assert asked(DNAT_ONLY, who).verdict.value == "maybe"


def test_only_tunnelled_destinations_come_by_the_tunnel() -> None:
    tunnelled = addresses("192.168.0.0/16")
    who = clients("vpn", Kind.ROUTED, "dmz", "10.8.0.9", tunnelled=tunnelled)
    by_tunnel = filtering(Hook.FORWARD, rule(Drop(), came("dmz"), port(443)))
    assert ended(gateway(FORWARD_443, by_tunnel), who, at=WEB) == "dropped"
    assert ended(gateway(FORWARD_443, by_tunnel), who, at=PUBLIC) == "ok-dnat web"


# --- What is not known --------------------------------------------------------------------------------------


def test_an_unknown_condition_goes_both_ways_and_says_why() -> None:
    lucky = filtering(Hook.FORWARD, rule(Drop(), Unknown("the moon is full")))
    result = asked(gateway(FORWARD_443, lucky), INTERNET)
    assert outcomes(result) == ["dropped", "ok-dnat"]
    assert result.reasons == ("the moon is full",)


def test_what_is_unknown_of_other_packets_makes_no_maybe() -> None:
    lucky = filtering(Hook.FORWARD, rule(Drop(), port(25), Unknown("the moon is full")))
    assert ended(gateway(FORWARD_443, lucky), INTERNET) == "ok-dnat web"
    indifferent = filtering(Hook.FORWARD, rule(Accept(), Unknown("the moon is full")))
    result = asked(gateway(FORWARD_443, indifferent), INTERNET)
    assert (result.verdict.value, result.reasons) == ("ok-dnat", ())


# --- Stages -------------------------------------------------------------------------------------------------


def test_the_stages_name_what_acted_and_show_the_packets() -> None:
    outcome = asked(WITH_HAIRPIN, LAN_CLIENT).outcomes[0]
    assert wheres(outcome) == [
        *("client", "prerouting", "forward", "postrouting", "server"),
        *("reply", "prerouting", "forward", "postrouting", "client again"),
        *("prerouting", "forward", "postrouting"),
    ]
    after_dnat, after_snat = outcome.stages[1], outcome.stages[3]
    assert [act.what for act in after_dnat.acts] == [f"dnat to {WEB}"]
    assert after_dnat.packets.destination == addresses(WEB)
    assert [act.what for act in after_snat.acts] == ["masquerade"]
    assert after_snat.packets.source == addresses("192.168.1.1")
    answer = outcome.stages[5].packets
    assert (answer.source, answer.destination) == (addresses(WEB), addresses("192.168.1.1"))
    last = outcome.stages[9].packets
    assert (last.source, last.destination) == (addresses(PUBLIC), addresses("192.168.1.50"))


def test_many_clients_walk_at_once() -> None:
    found = walk(DNAT_ONLY, question(INTERNET, LAN_CLIENT, DMZ_CLIENT, SERVER, ITSELF))
    assert {one.clients.name: one.verdict.value for one in found} == {
        "internet": "ok-dnat",
        "lan": "asym-reply",
        "dmz": "ok-dnat",
        "server": "self-loop",
        "gateway": "router-self",
    }


def test_a_translated_port_reaches_another_port() -> None:
    moved = prerouting(rule(dnat(WEB, 8443), to(PUBLIC), proto(TCP), port(443)))
    endpoint = asked(gateway(moved), INTERNET).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.ports == Numbers.one(8443)
    assert endpoint.seen_source == addresses("198.51.100.9")


def test_hosts_in_the_dmz_need_no_hairpin() -> None:
    there = gateway(prerouting(rule(dnat("10.0.0.20"), to(PUBLIC))), hosts=[WEB_HOST, DMZ_HOST])
    assert ended(there, LAN_CLIENT) == "ok-dnat dmz-web"
    assert ended(there, DMZ_CLIENT) == "asym-reply"

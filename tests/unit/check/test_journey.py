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
    Masquerade,
    Reject,
    State,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers
from splitdns.check.walk import walk
from tests.check.gateways import (
    DMZ_CLIENT,
    DMZ_HOST,
    DROP_INVALID,
    ESTABLISHED,
    FORWARD_443,
    HAIRPIN,
    ICMP,
    INTERNET,
    ITSELF,
    LAN_CLIENT,
    PUBLIC,
    SERVER,
    TCP,
    UDP,
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
    leaves,
    outcomes,
    port,
    postrouting,
    prerouting,
    proto,
    question,
    rule,
    source,
    state,
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


def test_a_closed_port_is_refused_where_the_refusal_comes_back() -> None:
    closed = gateway(FORWARD_443, hosts=[host("web", f"{WEB}/24", listens={TCP: Numbers.one(80)})])
    assert ended(closed, INTERNET) == "refused"
    assert ended(closed, LAN_CLIENT) == "asym-reply"


@pytest.mark.parametrize("protocol", [TCP, UDP])
def test_the_gateway_itself_listens_or_refuses(protocol: int) -> None:
    listening = {TCP: Numbers.one(53), UDP: Numbers.one(53)}
    assert ended(gateway(listens=listening), INTERNET, protocol=protocol, ports=53) == "router-self"
    assert ended(gateway(listens=listening), INTERNET, protocol=protocol, ports=54) == "refused"


def test_an_echo_is_always_answered() -> None:
    nothing = gateway(listens={}, hosts=[host("web", f"{WEB}/24", listens={})])
    assert ended(nothing, INTERNET, protocol=ICMP, ports=8) == "router-self"
    assert ended(nothing, INTERNET, at=WEB, protocol=ICMP, ports=8) == "ok-routed web"


def test_a_rule_that_rejects_says_so_unless_the_rule_set_swallows_that_too() -> None:
    reject = filtering(Hook.FORWARD, rule(Reject(), to(WEB)))
    mute = filtering(Hook.OUTPUT, rule(Drop(), state(State.RELATED)))
    assert ended(gateway(FORWARD_443, reject), INTERNET) == "refused"
    assert ended(gateway(FORWARD_443, reject, mute), INTERNET) == "dropped"


def test_a_server_with_another_router_answers_past_the_gateway() -> None:
    elsewhere = {4: ip_address("192.168.1.254")}
    other = gateway(FORWARD_443, hosts=[host("web", f"{WEB}/24", default_via=elsewhere)])
    assert ended(other, INTERNET) == "asym-reply"
    untranslated = asked(other, DMZ_CLIENT, at=WEB)
    assert outcomes(untranslated) == ["no-route", "ok-routed"]
    assert untranslated.reasons


def test_a_server_without_a_route_back_does_not_answer() -> None:
    lost = gateway(FORWARD_443, hosts=[host("web", f"{WEB}/24", default_via={4: None})])
    assert ended(lost, INTERNET) == "no-route"


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


# --- Half of a connection -----------------------------------------------------------------------------------

NARROW = clients("narrow", Kind.NETWORK, "lan", "192.168.1.50", near="192.168.1.48/28")
"""A client that believes that the server is not on its link, which the server knows better."""
MISLED = host("web", f"{WEB}/28")
"""A server that believes that clients are not on its link, who know better."""


def test_of_half_a_tcp_connection_what_the_client_goes_on_with_is_invalid() -> None:
    guard = filtering(Hook.FORWARD, DROP_INVALID)
    assert ended(gateway(), NARROW, at=WEB) == "ok-routed web"
    assert ended(gateway(guard), NARROW, at=WEB) == "dropped"
    assert ended(gateway(guard), NARROW, at=WEB, protocol=UDP) == "ok-routed web"


def test_of_half_a_tcp_connection_the_answer_is_invalid_and_what_follows_new() -> None:
    half = [MISLED]
    assert ended(gateway(hosts=half), LAN_CLIENT, at=WEB) == "ok-direct web"
    assert ended(gateway(filtering(Hook.FORWARD, DROP_INVALID), hosts=half), LAN_CLIENT, at=WEB) == "dropped"
    masked = postrouting(rule(Masquerade(), source("192.168.1.0/24"), to("192.168.1.0/24")))
    assert ended(gateway(masked, hosts=half), LAN_CLIENT, at=WEB) == "asym-reply"
    assert ended(gateway(masked, hosts=half), LAN_CLIENT, at=WEB, protocol=UDP) == "asym-reply"
    assert ended(gateway(masked, hosts=half), LAN_CLIENT, at=WEB, protocol=ICMP, ports=8) == "ok-direct web"


def test_the_rest_of_the_handshake_has_to_pass_too() -> None:
    only_new_from_outside = filtering(
        Hook.FORWARD,
        rule(Accept(), came("wan"), state(State.NEW)),
        rule(Accept(), leaves("wan"), state(State.ESTABLISHED)),
        accepts=False,
    )
    both = gateway(FORWARD_443, only_new_from_outside)
    assert ended(both, INTERNET) == "dropped"
    assert ended(both, INTERNET, at=WEB, protocol=UDP) == "ok-routed web"


def test_untracked_packets_are_not_translated_and_their_replies_are_no_answers() -> None:
    raw = filtering(Hook.PREROUTING, rule(Untrack(), to(PUBLIC)), priority=-300)
    assert ended(gateway(FORWARD_443, raw), INTERNET) == "router-self"
    one_way = filtering(Hook.PREROUTING, rule(Untrack(), to(WEB)), priority=-300)
    guarded = filtering(Hook.FORWARD, rule(Accept(), state(State.UNTRACKED)), ESTABLISHED, accepts=False)
    assert ended(gateway(one_way, guarded), INTERNET, at=WEB) == "dropped"


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

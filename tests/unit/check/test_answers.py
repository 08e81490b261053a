from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.model import (
    Accept,
    Drop,
    Hook,
    Kind,
    Masquerade,
    Reject,
    State,
    Untrack,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import (
    DMZ_CLIENT,
    DROP_INVALID,
    ESTABLISHED,
    FORWARD_443,
    ICMP,
    INTERNET,
    LAN_CLIENT,
    PUBLIC,
    TCP,
    UDP,
    WEB,
    asked,
    came,
    clients,
    ended,
    filtering,
    gateway,
    host,
    leaves,
    outcomes,
    postrouting,
    rule,
    source,
    state,
    to,
)


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

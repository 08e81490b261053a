"""The facts of Linux that the walk keeps, each by its name."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest

from splitdns.check.model import (
    Accept,
    AddressTypes,
    Drop,
    Hook,
    Masquerade,
    Netmap,
    Of,
    PolicyRule,
    Redirect,
    Reject,
    Route,
    SetMark,
    Side,
    State,
    Untrack,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import (
    DMZ,
    DMZ_CLIENT,
    ESTABLISHED,
    FORWARD_443,
    INTERNET,
    ITSELF,
    LAN,
    LAN_CLIENT,
    PUBLIC,
    TCP,
    UDP,
    WAN,
    WEB,
    Chain,
    addresses,
    asked,
    came,
    dnat,
    ended,
    filtering,
    gateway,
    host,
    interface,
    leaves,
    network,
    port,
    postrouting,
    prerouting,
    proto,
    rule,
    snat,
    source,
    state,
    to,
)


def allow(*rules: object) -> Chain:
    """Forwards what the rules accept, and replies."""
    return filtering(Hook.FORWARD, ESTABLISHED, *rules, accepts=False)  # type: ignore[arg-type]


def test_the_filter_sees_the_destination_and_port_after_dnat() -> None:
    moved = prerouting(rule(dnat(WEB, 8443), to(PUBLIC), proto(TCP), port(443)))
    after = rule(Accept(), to(WEB), proto(TCP), port(8443))
    assert ended(gateway(moved, allow(after)), INTERNET) == "ok-dnat web"
    assert ended(gateway(moved, allow(rule(Accept(), to(PUBLIC)))), INTERNET) == "dropped"
    assert ended(gateway(moved, allow(rule(Accept(), proto(TCP), port(443)))), INTERNET) == "dropped"


def test_raw_and_mangle_in_prerouting_see_it_before() -> None:
    for priority in (-300, -150):
        guard = filtering(Hook.PREROUTING, rule(Drop(), to(WEB)), priority=priority)
        assert ended(gateway(FORWARD_443, guard), INTERNET) == "ok-dnat web"
        guard = filtering(Hook.PREROUTING, rule(Drop(), to(PUBLIC)), priority=priority)
        assert ended(gateway(FORWARD_443, guard), INTERNET) == "dropped"
    late = filtering(Hook.PREROUTING, rule(Drop(), to(WEB)), priority=-50)
    assert ended(gateway(FORWARD_443, late), INTERNET) == "dropped"


def test_postrouting_sees_the_new_destination_and_the_old_source() -> None:
    hairpin = postrouting(rule(Masquerade(), source("192.168.1.0/24"), to(WEB)))
    assert ended(gateway(FORWARD_443, hairpin), LAN_CLIENT) == "ok-hairpin web"
    before = postrouting(rule(Masquerade(), source("192.168.1.0/24"), to(PUBLIC)))
    assert ended(gateway(FORWARD_443, before), LAN_CLIENT) == "asym-reply"
    guard = filtering(Hook.POSTROUTING, rule(Drop(), source("192.168.1.1"), to(WEB)), priority=0)
    assert ended(gateway(FORWARD_443, hairpin, guard), LAN_CLIENT) == "ok-hairpin web"


def test_only_the_first_packet_of_a_connection_meets_nat_chains() -> None:
    blocking = postrouting(rule(Drop(), source(WEB)))
    assert ended(gateway(FORWARD_443, blocking), INTERNET) == "ok-dnat web"


def test_replies_meet_filters_as_established_with_the_addresses_turned() -> None:
    guard = filtering(Hook.FORWARD, rule(Drop(), source(WEB), state(State.ESTABLISHED)))
    assert ended(gateway(FORWARD_443, guard), INTERNET) == "dropped"
    guard = filtering(Hook.FORWARD, rule(Drop(), source(PUBLIC)))
    assert ended(gateway(FORWARD_443, guard), INTERNET) == "ok-dnat web"
    closed = filtering(Hook.FORWARD, rule(Accept(), state(State.NEW)), accepts=False)
    assert ended(gateway(FORWARD_443, closed), INTERNET) == "dropped"


def test_a_reply_is_untranslated_in_raw_and_its_destination_restored_before_routing() -> None:
    hairpin = postrouting(rule(Masquerade(), source("192.168.1.0/24"), to(WEB)))
    raw = filtering(Hook.PREROUTING, rule(Drop(), source(WEB), to("192.168.1.1")), priority=-300)
    assert ended(gateway(FORWARD_443, hairpin, raw), LAN_CLIENT) == "dropped"
    forward = filtering(Hook.FORWARD, rule(Drop(), source(WEB), to("192.168.1.50")))
    assert ended(gateway(FORWARD_443, hairpin, forward), LAN_CLIENT) == "dropped"
    forward = filtering(Hook.FORWARD, rule(Drop(), source(WEB), to("192.168.1.1")))
    assert ended(gateway(FORWARD_443, hairpin, forward), LAN_CLIENT) == "ok-hairpin web"


def test_an_accept_does_not_protect_from_another_table_s_dnat() -> None:
    accepting = prerouting(rule(Accept()), table="first", priority=-110)
    assert ended(gateway(accepting, FORWARD_443), INTERNET) == "ok-dnat web"
    within = prerouting(rule(Accept(), source("198.51.100.0/24")), *FORWARD_443.rules)
    assert ended(gateway(within), INTERNET) == "router-self"


def test_the_first_nat_chain_that_binds_wins() -> None:
    elsewhere = prerouting(rule(dnat("10.0.0.20"), to(PUBLIC)), table="other", priority=-101)
    assert ended(gateway(FORWARD_443, elsewhere), INTERNET) == "ok-dnat dmz-web"
    late = replace(elsewhere, priority=-99)
    assert ended(gateway(FORWARD_443, late), INTERNET) == "ok-dnat web"


def test_of_equal_priorities_the_chain_that_was_made_last_is_first() -> None:
    elsewhere = prerouting(rule(dnat("10.0.0.20"), to(PUBLIC)), table="other")
    assert ended(gateway(FORWARD_443, elsewhere), INTERNET) == "ok-dnat dmz-web"
    assert ended(gateway(elsewhere, FORWARD_443), INTERNET) == "ok-dnat web"


def test_nat_chains_are_asked_at_one_priority_whatever_theirs_is() -> None:
    early = prerouting(rule(dnat(WEB), to(PUBLIC)), priority=-250)
    guard = filtering(Hook.PREROUTING, rule(Drop(), to(PUBLIC)), priority=-150)
    assert ended(gateway(early, guard), INTERNET) == "dropped"


def test_a_later_base_chain_s_drop_still_drops() -> None:
    accepting = filtering(Hook.FORWARD, rule(Accept()), table="first")
    dropping = filtering(Hook.FORWARD, rule(Drop()), table="second", priority=10)
    assert ended(gateway(FORWARD_443, accepting, dropping), INTERNET) == "dropped"
    assert ended(gateway(FORWARD_443, replace(accepting, priority=20), dropping), INTERNET) == "dropped"


def test_a_policy_decides_what_no_rule_did() -> None:
    assert ended(gateway(FORWARD_443, filtering(Hook.FORWARD, accepts=False)), INTERNET) == "dropped"
    assert ended(gateway(filtering(Hook.INPUT, accepts=False)), INTERNET) == "dropped"
    assert ended(gateway(FORWARD_443, filtering(Hook.INPUT, accepts=False)), INTERNET) == "ok-dnat web"


def test_redirect_goes_to_the_address_of_the_incoming_interface() -> None:
    hijack = prerouting(rule(Redirect(), proto(UDP), port(53)))
    endpoint = asked(gateway(hijack), LAN_CLIENT, at="8.8.8.8", protocol=UDP, ports=53).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.addresses == addresses("192.168.1.1")
    moved = prerouting(rule(Redirect(Numbers.one(5353)), proto(UDP), port(53)))
    for listens, end in ((5353, "router-self"), (53, "refused")):
        there = gateway(moved, listens={UDP: Numbers.one(listens)})
        assert ended(there, LAN_CLIENT, at="8.8.8.8", protocol=UDP, ports=53) == end


def test_the_gateway_s_own_traffic_uses_output_and_not_prerouting() -> None:
    assert ended(gateway(FORWARD_443), ITSELF) == "router-self"
    output = Chain("nat", "output", FORWARD_443.rules, Hook.OUTPUT, -100, is_nat=True)
    assert ended(gateway(output), ITSELF) == "ok-dnat web"
    assert ended(gateway(output, postrouting(rule(snat(PUBLIC)))), ITSELF) == "ok-hairpin web"
    blocked = filtering(Hook.OUTPUT, rule(Drop(), to(WEB)))
    assert ended(gateway(output, blocked), ITSELF) == "dropped"
    assert ended(gateway(output, filtering(Hook.FORWARD, accepts=False)), ITSELF) == "ok-dnat web"
    redirect = Chain("nat", "output", (rule(Redirect(), port(443)),), Hook.OUTPUT, -100, is_nat=True)
    endpoint = asked(gateway(redirect), ITSELF, at="198.51.100.9").outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.addresses == addresses("127.0.0.1")


def test_dnat_in_output_leads_to_another_route() -> None:
    output = Chain("nat", "output", (rule(dnat(WEB), to("10.0.0.99")),), Hook.OUTPUT, -100, is_nat=True)
    guard = filtering(Hook.POSTROUTING, rule(Drop(), leaves("dmz")), priority=0)
    assert ended(gateway(output, guard), ITSELF, at="10.0.0.99") == "ok-dnat web"


@pytest.mark.parametrize("who", [INTERNET, LAN_CLIENT, DMZ_CLIENT], ids=lambda one: one.name)
def test_any_of_the_gateway_s_addresses_is_local_on_every_interface(who: object) -> None:
    for address in (PUBLIC, "192.168.1.1", "10.0.0.1"):
        assert ended(gateway(), who, at=address) == "router-self"  # type: ignore[arg-type]


def test_a_gateway_that_does_not_forward() -> None:
    assert ended(gateway(network=network(forwards={4: False, 6: False})), INTERNET, at=WEB) == "no-route"
    unknown = asked(gateway(network=network(forwards={4: None, 6: None})), INTERNET, at=WEB)
    assert unknown.verdict.value == "maybe"


def test_a_strict_reverse_path_filter_drops_what_comes_by_another_interface() -> None:
    strict = network(replace(LAN, rp_filter=1), DMZ, replace(WAN, rp_filter=1))
    stranger = replace(INTERNET, numbers=addresses("10.0.0.77"))
    assert ended(gateway(FORWARD_443, network=strict), stranger) == "dropped"
    assert ended(gateway(FORWARD_443, network=strict), INTERNET) == "ok-dnat web"


def test_masquerade_takes_the_address_towards_the_next_hop() -> None:
    two = interface("lan", "192.168.7.1/24", "192.168.1.1/24")
    masked = postrouting(rule(Masquerade()))
    endpoint = asked(gateway(masked, network=network(two, DMZ, WAN)), DMZ_CLIENT, at=WEB).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.seen_source == addresses("192.168.1.1")


def test_untracked_packets_are_not_translated() -> None:
    raw = filtering(Hook.PREROUTING, rule(Untrack(), port(443)), priority=-300)
    assert ended(gateway(FORWARD_443, raw), INTERNET) == "router-self"
    too_late = filtering(Hook.PREROUTING, rule(Untrack(), port(443)), priority=-150)
    assert ended(gateway(FORWARD_443, too_late), INTERNET) == "ok-dnat web"


def test_a_netmap_keeps_the_host_part() -> None:
    mapped = prerouting(rule(Netmap(Side.DESTINATION, ip_network("192.168.1.0/24")), to("198.51.100.0/24")))
    assert ended(gateway(mapped), DMZ_CLIENT, at="198.51.100.20") == "ok-dnat web"


def test_marks_choose_routes() -> None:
    marking = filtering(Hook.PREROUTING, rule(SetMark(Of.PACKET, 1), came("dmz")), priority=-150)
    around = network(
        routes=(
            Route(ip_network("192.168.1.0/24"), "lan"),
            Route(ip_network("10.0.0.0/24"), "dmz"),
            Route(ip_network("0.0.0.0/0"), kind="blackhole", table="100"),
        ),
        policy=(PolicyRule(10, "100", mark=(1, 1)), PolicyRule(32_766, "main")),
    )
    assert ended(gateway(network=around), DMZ_CLIENT, at=WEB) == "ok-routed web"
    assert ended(gateway(marking, network=around), DMZ_CLIENT, at=WEB) == "no-route"


def test_local_is_a_kind_of_address() -> None:
    everywhere = prerouting(rule(dnat(WEB), AddressTypes(Side.DESTINATION, frozenset({"local"})), port(443)))
    assert ended(gateway(everywhere), INTERNET) == "ok-dnat web"
    assert ended(gateway(everywhere), DMZ_CLIENT, at="10.0.0.1") == "ok-dnat web"
    assert ended(gateway(everywhere), DMZ_CLIENT, at=WEB) == "ok-routed web"


def test_a_translation_to_what_it_is_already_is_none() -> None:
    same = prerouting(rule(dnat(WEB), to(WEB)))
    assert ended(gateway(same), DMZ_CLIENT, at=WEB) == "ok-routed web"


def test_a_reset_by_a_rule_comes_back_translated() -> None:
    reject = filtering(Hook.FORWARD, rule(Reject(reset=True), to(WEB)))
    seen = filtering(Hook.OUTPUT, rule(Drop(), source(WEB)))
    assert ended(gateway(FORWARD_443, reject), INTERNET) == "refused"
    assert ended(gateway(FORWARD_443, reject, seen), INTERNET) == "dropped"


def test_loopback_is_not_for_packets_from_outside() -> None:
    assert ended(gateway(prerouting(rule(dnat("127.0.0.1")))), INTERNET) == "dropped"


def test_hosts_that_listen_elsewhere_refuse() -> None:
    closed = [host("web", f"{WEB}/24", listens={TCP: Numbers.one(80)})]
    assert ended(gateway(FORWARD_443, hosts=closed), INTERNET) == "refused"

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.model import (
    Accept,
    Chain,
    Clients,
    Drop,
    Gateway,
    Hook,
    IcmpTypes,
    Jump,
    Kind,
    Masquerade,
    Netmap,
    Opaque,
    Redirect,
    Side,
)
from splitdns.check.sets import ADDRESSES4, PORTS, PROTOCOLS, Numbers
from splitdns.check.verdict import EPHEMERAL, Question
from splitdns.check.walk import Limits, Walker, walk
from tests.check.gateways import (
    DMZ_CLIENT,
    FORWARD_443,
    INTERNET,
    ITSELF,
    LAN_CLIENT,
    PUBLIC,
    SERVER,
    TCP,
    WEB,
    addresses,
    asked,
    dnat,
    ended,
    filtering,
    gateway,
    host,
    interface,
    network,
    outcomes,
    port,
    postrouting,
    prerouting,
    proto,
    question,
    rule,
    source,
    to,
)

EVERYONE = (INTERNET, LAN_CLIENT, DMZ_CLIENT, ITSELF, SERVER)


def test_every_packet_of_a_question_is_in_exactly_one_result() -> None:
    everything = Question(EVERYONE, 4, ADDRESSES4, PROTOCOLS, PORTS)
    found = walk(gateway(FORWARD_443), everything)
    for clients in EVERYONE:
        boxes = [one.packets for one in found if one.clients is clients]
        size = sum(
            one.source.size
            * one.destination.size
            * one.protocols.size
            * one.source_ports.size
            * one.destination_ports.size
            for one in boxes
        )
        assert size == clients.numbers.size * 2**32 * 2**8 * EPHEMERAL.size * 2**16
        for at, one in enumerate(boxes):
            for other in boxes[:at]:
                assert not (
                    one.source & other.source
                    and one.destination & other.destination
                    and one.protocols & other.protocols
                    and one.source_ports & other.source_ports
                    and one.destination_ports & other.destination_ports
                )


def test_one_walker_answers_many_questions() -> None:
    walker = Walker(gateway(FORWARD_443))
    assert [one.verdict.value for one in walker.walk(question(INTERNET))] == ["ok-dnat"]
    assert [one.verdict.value for one in walker.walk(question(INTERNET, ports=80))] == ["router-self"]


def test_clients_of_another_family_are_not_asked() -> None:
    assert walk(gateway(), Question(EVERYONE, 6, Numbers.one(1), Numbers.one(TCP), Numbers.one(443))) == []


def test_a_limit_that_is_hit_makes_a_maybe_with_the_reason() -> None:
    many = gateway(filtering(Hook.FORWARD, *(rule(Drop(), port(at)) for at in range(50))))
    (one,) = walk(many, question(INTERNET, at=WEB, ports=Numbers.of((0, 100))), Limits(clauses=0))
    assert (one.truncated, one.verdict.value) == (True, "maybe")
    assert one.reasons
    assert ended(many, INTERNET, at=WEB) == "ok-routed web"


def test_jumps_in_a_circle_end() -> None:
    forward = filtering(Hook.FORWARD, rule(Jump("forward0")), rule(Jump("forward0")))
    found = asked(gateway(forward), INTERNET, at=WEB)
    assert found.truncated


def test_what_is_opaque_is_a_maybe() -> None:
    queue = filtering(Hook.FORWARD, rule(Opaque("a program decides"), to(WEB)))
    found = asked(gateway(queue), INTERNET, at=WEB)
    assert outcomes(found) == ["dropped", "ok-routed", "router-self"]
    assert found.reasons == ("a program decides",)


def test_the_same_question_has_the_same_answer() -> None:
    some = gateway(FORWARD_443)
    everything = question(*EVERYONE, ports=PORTS)
    shown = [(one.clients.name, one.packets, one.verdict) for one in walk(some, everything)]
    assert [(one.clients.name, one.packets, one.verdict) for one in walk(some, everything)] == shown
    assert addresses(PUBLIC) == shown[0][1].destination


def test_clients_are_told_apart_when_a_rule_does() -> None:
    masked = postrouting(rule(Netmap(Side.SOURCE, ip_network("10.0.9.4/30"))))
    some = replace(LAN_CLIENT, numbers=addresses("192.168.1.50-192.168.1.60"))
    found = walk(gateway(masked), question(some, at="10.0.0.20"))
    seen = [one.outcomes[0].endpoint.seen_source for one in found if one.outcomes[0].endpoint]
    assert sorted(one.ranges for one in seen) == sorted(
        one.ranges
        for one in (
            addresses("10.0.9.6-10.0.9.7"),
            addresses("10.0.9.4-10.0.9.7"),
            addresses("10.0.9.4-10.0.9.7"),
            addresses("10.0.9.4"),
        )
    )


# --- IPv6 ---------------------------------------------------------------------------------------------------

LAN6 = interface("lan", "192.168.1.1/24", "fe80::1/64", "2001:db8:1::1/64", rp_filter=1)
WAN6 = interface("wan", "2001:db8:ffff::2/64", uplink=True, rp_filter=1)
WEB6 = host("web", "2001:db8:1::20/64")


def _clients6(name: str, kind: Kind, where: str, text: str, near: str = "") -> Clients:
    return Clients(name, kind, 6, addresses(text), where, addresses(near) if near else None)


INTERNET6 = _clients6("internet", Kind.INTERNET, "wan", "2001:db8:9::9")
LAN_CLIENT6 = _clients6("lan", Kind.NETWORK, "lan", "2001:db8:1::50", "2001:db8:1::/64")
STRANGER6 = _clients6("stranger", Kind.ROUTED, "lan", "2001:db8:9::7")


def _gateway6(*chains: Chain) -> Gateway:
    return gateway(*chains, hosts=[WEB6], network=network(LAN6, WAN6))


def test_ipv6_is_routed_past_rules_of_ipv4() -> None:
    closed = filtering(Hook.FORWARD, accepts=False)
    assert ended(_gateway6(closed), INTERNET6, at="2001:db8:1::20") == "dropped"
    only4 = replace(closed, families=frozenset({4}))
    assert ended(_gateway6(only4), INTERNET6, at="2001:db8:1::20") == "ok-routed web"
    assert ended(_gateway6(closed), LAN_CLIENT6, at="2001:db8:1::20") == "ok-direct web"


def test_an_echo_of_ipv6_is_answered_by_its_own_type() -> None:
    only_echo = filtering(
        Hook.FORWARD,
        rule(Accept(), proto(58), IcmpTypes(Numbers.of((128, 129)))),
        accepts=False,
    )
    there = {"at": "2001:db8:1::20", "protocol": 58}
    assert ended(_gateway6(only_echo), INTERNET6, ports=128, **there) == "ok-routed web"
    assert ended(_gateway6(only_echo), INTERNET6, ports=1, **there) == "dropped"


def test_ipv6_has_no_reverse_path_filter() -> None:
    assert ended(_gateway6(), STRANGER6, at="2001:db8:1::20") == "no-route"
    lan_only = gateway(hosts=[WEB6], network=network(LAN6))
    assert ended(lan_only, STRANGER6, at="2001:db8:1::1") == "no-route"


def test_a_redirect_of_ipv6_goes_to_a_global_address() -> None:
    hijack = prerouting(rule(Redirect(), port(53)))
    endpoint = asked(_gateway6(hijack), LAN_CLIENT6, at="2001:db8:9::9", ports=53).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.addresses == addresses("2001:db8:1::1")


def test_a_hairpin_of_ipv6_fails_the_same_way() -> None:
    forward = prerouting(rule(dnat("2001:db8:1::20"), to("2001:db8:ffff::2"), port(443)))
    at = "2001:db8:ffff::2"
    assert ended(_gateway6(forward), INTERNET6, at=at) == "ok-dnat web"
    assert ended(_gateway6(forward), LAN_CLIENT6, at=at) == "asym-reply"
    hairpin = postrouting(rule(Masquerade(), to("2001:db8:1::20"), source("2001:db8:1::/64")))
    assert ended(_gateway6(forward, hairpin), LAN_CLIENT6, at=at) == "ok-hairpin web"

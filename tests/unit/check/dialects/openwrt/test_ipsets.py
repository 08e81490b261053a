"""Sets that the file has whole are known; others may hold anything."""

from __future__ import annotations

import pytest

from splitdns.check.model import Addresses, AnyOf, Ports, Protocols, Side, Unknown
from splitdns.check.sets import Numbers, all_addresses
from tests.check.gateways import addresses
from tests.check.openwrt.routers import notes, rules, section

NETS = section("ipset", name="black", match="src_net", entry=["192.0.2.0/24", "198.51.100.7"])
PAIRS = section("ipset", name="pairs", match=["dest_ip", "dest_port"], entry=["10.0.0.20 443"])


def drop(said: str, **more: str) -> str:
    return section("rule", src="wan", dest="dmz", proto="tcp", ipset=said, target="DROP", **more)


def test_a_set_of_networks_is_addresses() -> None:
    black = addresses("192.0.2.0/24", "198.51.100.7")

    (rule,) = rules("forward_wan", NETS, drop("black"))
    assert Addresses(Side.SOURCE, black) in rule.conditions
    assert rule.families == {4}
    (rule,) = rules("forward_wan", NETS, drop("!black dest"))
    assert Addresses(Side.DESTINATION, all_addresses(4) - black) in rule.conditions


def test_a_set_of_pairs_is_each_of_them() -> None:
    (rule,) = rules("forward_wan", PAIRS, drop("pairs"))

    pair = (
        Addresses(Side.DESTINATION, addresses("10.0.0.20")),
        Protocols(Numbers.one(6)),
        Ports(Side.DESTINATION, Numbers.one(443)),
    )
    assert AnyOf((pair,)) in rule.conditions


def test_a_set_with_ports_is_for_tcp_and_udp() -> None:
    def asked(proto: str) -> list[list[object]]:
        text = section("rule", src="wan", dest="dmz", proto=proto, ipset="pairs", target="DROP")
        found = rules("forward_wan", PAIRS, text)
        return [[one for one in rule.conditions if isinstance(one, Protocols)] for rule in found]

    assert asked("all") == [[Protocols(Numbers.one(6))], [Protocols(Numbers.one(17))]]
    assert asked("icmp") == []
    both = section("rule", src="wan", dest="dmz", proto="tcp icmp", ipset="pairs", target="DROP")
    tcp, icmp = rules("forward_wan", PAIRS, both)
    assert any(isinstance(one, AnyOf) for one in tcp.conditions)
    assert not any(isinstance(one, AnyOf) for one in icmp.conditions)  # fw4 leaves the set out there


@pytest.mark.parametrize(
    "text",
    [
        section("ipset", name="black", match="src_net", loadfile="/etc/black"),
        section("ipset", name="black", match="src_ip", entry="192.0.2.1", timeout="60"),
        section("ipset", name="black", match="src_mac"),
    ],
)
def test_what_is_not_in_the_file_is_not_known(text: str) -> None:
    (rule,) = rules("forward_wan", text, drop("black"))

    assert Unknown("what is in the set black") in rule.conditions
    assert "widened" in {one.support.value for one in notes(text)}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (section("ipset", match="src_ip"), "option name is missing"),
        (section("ipset", name="x"), "option match is missing"),
        (section("ipset", name="x", match="up_ip"), "option match: expected src_ or dest_ before"),
        (section("ipset", name="x", match="src_ip", family="any"), "expected ipv4 or ipv6"),
        (section("ipset", name="x", match="src_ip", entry=["a b"]), "expected 1 words, found 'a b'"),
        (drop("nothing"), "option ipset: expected a set of this file, found 'nothing'"),
    ],
)
def test_what_fw4_does_not_take_is_refused(text: str, reason: str) -> None:
    assert reason in " ".join(one.reason for one in notes(text) if one.support.value == "refused")

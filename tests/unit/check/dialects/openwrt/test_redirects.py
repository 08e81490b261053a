"""Redirects, their reflections, and nat sections."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.openwrt.redirects import REFLECTION
from splitdns.check.model import (
    Accept,
    Addresses,
    AddressTypes,
    AnyOf,
    Interfaces,
    Masquerade,
    Ports,
    Redirect,
    Rule,
    Side,
    Translate,
    Unknown,
)
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses
from tests.check.openwrt.routers import (
    DEFAULTS,
    NETWORK,
    ZONES,
    chain,
    device,
    notes,
    redirect,
    rules,
    section,
    usual,
)

LEASED = NETWORK.replace(
    "option proto 'static'\n\tlist ipaddr '203.0.113.2/24'\n\toption gateway '203.0.113.1'",
    "option proto 'dhcp'",
)


def where(*more: str, network: str = NETWORK) -> dict[str, list[Rule]]:
    """The translations by chain, without what is there anyway."""
    found = usual(*more, network=network)
    return {
        one.name: its
        for one in found.ruleset.chains
        if (its := [rule for rule in one.rules if isinstance(rule.action, Translate | Redirect)])
    }


def test_a_redirect_is_reflected_in_the_zone_of_its_server() -> None:
    found = where(redirect())

    assert list(found) == ["dstnat_lan", "srcnat_lan", "dstnat_wan"]
    (public,), (back,), (own,) = found.values()
    to_web = Translate(Side.DESTINATION, addresses("192.168.1.20"), Numbers.one(443))
    assert public.action == own.action == to_web
    assert Addresses(Side.SOURCE, addresses("192.168.1.0/24")) in public.conditions
    assert Addresses(Side.DESTINATION, addresses("203.0.113.2")) in public.conditions
    assert back.action == Translate(Side.SOURCE, addresses("192.168.1.1"))
    assert Addresses(Side.DESTINATION, addresses("192.168.1.20")) in back.conditions
    assert not any(isinstance(one, Addresses) for one in own.conditions)
    assert (public.origin.made_by, back.origin.made_by, own.origin.made_by) == (REFLECTION, REFLECTION, "")


def test_reflection_reaches_the_zones_that_it_names_and_no_others() -> None:
    assert "dstnat_lan" not in where(redirect("10.0.0.20", "dmz"))
    assert list(where(redirect("10.0.0.20", "dmz", reflection_zone=["lan", "guest"]))) == [
        "dstnat_lan", "srcnat_lan", "dstnat_guest", "srcnat_guest", "dstnat_wan",
    ]  # fmt: skip
    assert list(where(redirect(reflection="0"))) == ["dstnat_wan"]


def test_without_a_zone_of_the_server_it_is_the_first_that_has_its_network() -> None:
    text = redirect("10.0.0.20").replace("\toption dest 'lan'\n", "")

    assert list(where(text)) == ["dstnat_dmz", "srcnat_dmz", "dstnat_wan"]


def test_the_source_may_be_the_public_address() -> None:
    found = where(redirect(reflection_src="external"))

    assert found["srcnat_lan"][0].action == Translate(Side.SOURCE, addresses("203.0.113.2"))


def test_the_source_is_the_address_in_the_server_s_own_network() -> None:
    two = NETWORK + section("interface", "office", proto="static", device="lan9", ipaddr=["192.168.7.1/24"])
    zones = ZONES.replace("list network 'lan'", "list network 'office'\n\tlist network 'lan'")

    for server, seen in (("192.168.1.20", "192.168.1.1"), ("192.168.7.20", "192.168.7.1")):
        found = chain(device(DEFAULTS, zones, redirect(server), network=two), "srcnat_lan").rules
        assert found[0].action == Translate(Side.SOURCE, addresses(seen))


def test_a_zone_that_does_not_masquerade_is_not_reflected() -> None:
    found = device(DEFAULTS, ZONES.replace("\toption masq '1'\n", ""), redirect())

    assert chain(found, "dstnat_lan").rules == ()


def test_a_leased_address_is_not_known() -> None:
    found = where(redirect(), network=LEASED)

    (at,) = (one for one in found["dstnat_lan"][0].conditions if isinstance(one, AnyOf))
    (mine, maybe) = at.alternatives
    assert mine[0] == AddressTypes(Side.DESTINATION, frozenset({"local"}))
    assert isinstance(mine[1], Addresses)
    assert not mine[1].numbers & addresses("192.168.1.1")
    assert mine[1].numbers & addresses("192.168.1.2")
    assert isinstance(maybe[1], Addresses)
    assert not maybe[1].numbers & addresses("192.168.1.0/24")
    assert maybe[2] == Unknown("whether it is the address of wan, which is leased")


def test_a_leased_source_may_be_any_but_those_inside() -> None:
    found = where(redirect(reflection_src="external"), network=LEASED)

    action = found["srcnat_lan"][0].action
    assert isinstance(action, Translate)
    assert action.addresses is not None
    assert action.addresses & addresses("203.0.113.0/24") == addresses("203.0.113.0/24")
    assert not action.addresses & addresses("192.168.1.0/24", "127.0.0.0/8")


def test_an_address_that_is_named_is_that_of_its_reflection() -> None:
    found = where(redirect(src_dip="203.0.113.5"), network=LEASED)

    for name in ("dstnat_lan", "dstnat_wan"):
        assert Addresses(Side.DESTINATION, addresses("203.0.113.5")) in found[name][0].conditions


def test_ports_are_of_tcp_and_udp_only() -> None:
    web = where(redirect(proto="tcp udp", src_dport="8000-8010", dest_port="9000-9010"))["dstnat_wan"]
    every = where(redirect(proto="all"))["dstnat_wan"]

    assert [rule.action for rule in web] == [
        Translate(Side.DESTINATION, addresses("192.168.1.20")),  # what is in the range is kept
        Translate(Side.DESTINATION, addresses("192.168.1.20"), Numbers.one(9000)),
    ] * 2
    assert Ports(Side.DESTINATION, Numbers.of((9000, 9010))) in web[0].conditions
    assert Ports(Side.DESTINATION, Numbers.of((8000, 8010))) in web[0].conditions
    assert every[0].conditions == ()
    assert every[0].action == Translate(Side.DESTINATION, addresses("192.168.1.20"))


def test_without_a_server_it_is_the_gateway_itself() -> None:
    hijack = section("redirect", src="lan", src_dport="53", dest_port="5353", target="DNAT")

    found = where(hijack)["dstnat_lan"]
    assert [rule.action for rule in found] == [Redirect(Numbers.one(5353))] * 2
    assert [rule.families for rule in found] == [{4}, {4}]
    both = where(hijack.rstrip() + "\n\toption family 'any'\n")["dstnat_lan"]
    assert [rule.families for rule in both] == [{4, 6}] * 2


def test_a_source_redirect_stands_in_the_zone_of_its_destination() -> None:
    options = {"src_ip": "192.168.1.0/24", "src_dip": "10.0.0.1", "dest_port": "443", "target": "SNAT"}
    text = section("redirect", src="lan", dest="dmz", proto="tcp", **options)

    (rule,) = rules("srcnat_dmz", text)
    assert rule.action == Translate(Side.SOURCE, addresses("10.0.0.1"))
    assert Ports(Side.DESTINATION, Numbers.one(443)) in rule.conditions


@pytest.mark.parametrize(
    ("options", "name", "action"),
    [
        ({"src": "lan", "target": "MASQUERADE"}, "srcnat_lan", Masquerade()),
        ({"src": "lan", "target": "ACCEPT"}, "srcnat_lan", Accept()),
        ({"target": "SNAT", "snat_ip": "10.0.0.1"}, "srcnat", Translate(Side.SOURCE, addresses("10.0.0.1"))),
        (
            {"target": "SNAT", "proto": "tcp", "snat_port": "9"},
            "srcnat",
            Translate(Side.SOURCE, None, Numbers.one(9)),
        ),
    ],
)
def test_a_nat_section_stands_in_its_zone_or_before_all(
    options: dict[str, str], name: str, action: object
) -> None:
    (rule, *_) = chain(usual(section("nat", src_ip="192.168.9.0/24", **options)), name).rules

    assert rule.action == action
    assert Addresses(Side.SOURCE, addresses("192.168.9.0/24")) in rule.conditions
    assert rule.families == {4}


def test_a_nat_section_may_name_a_device_and_ports_of_any_protocol() -> None:
    found = rules("srcnat", section("nat", device="eth0", dest_port="80", target="MASQUERADE"))

    leaves = Interfaces(Side.DESTINATION, frozenset({"eth0"}))
    assert [leaves in one.conditions for one in found[:2]] == [True, True]


def test_a_nat_section_holds_whatever_set_it_names() -> None:
    web = section("ipset", name="web", match=["src_ip"], entry=["192.168.1.3"])
    named = section("nat", dest_port="80", ipset="web", target="MASQUERADE")
    plain = section("nat", dest_port="80", target="MASQUERADE")

    assert [one.conditions for one in rules("srcnat", web, named)] == [
        one.conditions for one in rules("srcnat", web, plain)
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (redirect(enabled="0"), "it is disabled"),
        (redirect(src="*"), "option src: expected a zone, found *"),
        (redirect().replace("\toption src 'wan'\n", ""), "option src: expected a zone, found none"),
        (redirect("!10.0.0.1"), "option dest_ip: expected an address"),
        (redirect(reflection_zone=["*"]), "option reflection_zone: expected zones, found *"),
        (redirect(target="ACCEPT"), "fw4 takes it for DNAT"),
        (redirect(limit="5/sec"), "which packets it meets is not known"),
        (redirect(target="SNAT"), "option src_dip: expected the new source's address"),
        (section("redirect", target="SNAT"), "option dest: expected a zone, found none"),
        (section("nat", target="SNAT"), "target SNAT needs snat_ip or snat_port"),
        (section("nat", snat_ip="10.0.0.1"), "snat_ip and snat_port are for target SNAT"),
        (section("nat", proto="icmp", dest_port="80"), "it tells ports, and neither TCP nor UDP"),
        (section("nat", enabled="0"), "it is disabled"),
    ],
)
def test_what_is_left_out_or_not_known_is_noted(text: str, said: str) -> None:
    assert said in " ".join(one.reason for one in notes(text))


def test_a_reflection_without_addresses_is_noted() -> None:
    silent = NETWORK.replace("\tlist ipaddr '203.0.113.2/24'\n\toption gateway '203.0.113.1'\n", "")

    found = usual(redirect(), network=silent)
    assert "fw4 adds none for lan over IPv4: it finds no external address" in {
        one.reason for one in found.ruleset.notes
    }

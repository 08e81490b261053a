"""Port forwards, and how they are reflected inside."""

from __future__ import annotations

import pytest

from splitdns.check.model import Side, Support, Translate
from splitdns.check.sets import Numbers
from tests.check.gateways import addresses, asked, ended
from tests.check.pfsense.configs import (
    ALLOW_LAN,
    DMZ,
    HELPER,
    IN_DMZ,
    IN_LAN,
    INTERNET,
    LAN,
    LEASED_WAN,
    NO_REFLECTION,
    PUBLIC,
    PURE,
    WAN,
    WEB,
    admitted,
    config,
    device,
    forward,
    gateway,
    rule,
)

FILTERS = admitted() + ALLOW_LAN + rule("opt1")


def everywhere(text: str, **more: object) -> list[str]:
    found = gateway(text)
    return [ended(found, who, at=PUBLIC, **more) for who in (INTERNET, IN_LAN, IN_DMZ)]


@pytest.mark.parametrize(
    ("system", "pfsense", "opnsense"),
    [
        (NO_REFLECTION, ["router-self", "router-self"], ["router-self", "router-self"]),
        (PURE, ["asym-reply", "ok-dnat web"], ["asym-reply", "ok-dnat web"]),
        (PURE + HELPER, ["ok-hairpin web", "ok-dnat web"], ["ok-hairpin web", "ok-dnat web"]),
        ("", ["ok-hairpin web", "ok-hairpin web"], ["asym-reply", "ok-dnat web"]),
    ],
)
def test_the_mode_of_the_system_decides_for_inside_clients(
    system: str, pfsense: list[str], opnsense: list[str]
) -> None:
    for root, inside in (("pfsense", pfsense), ("opnsense", opnsense)):
        found = everywhere(config(forward(), FILTERS, system=system, root=root))
        assert found == ["ok-dnat web", *inside], root


@pytest.mark.parametrize(
    ("told", "lan"), [("disable", "router-self"), ("purenat", "asym-reply"), ("enable", "ok-hairpin web")]
)
def test_a_rule_s_own_mode_goes_first(told: str, lan: str) -> None:
    more = f"<natreflection>{told}</natreflection>"

    assert everywhere(config(forward(more=more), FILTERS, system="")) [1] == lan


def test_interfaces_with_a_gateway_are_not_reflected() -> None:
    other = DMZ.replace("</opt1>", "<gateway>OTHER</gateway></opt1>")
    text = config(forward(), FILTERS, system=PURE, interfaces=WAN + LAN + other)

    assert everywhere(text) == ["ok-dnat web", "asym-reply", "router-self"]


def test_opnsense_reflects_where_it_has_an_address() -> None:
    bare = "<opt2><enable>1</enable><if>igb3</if></opt2>"
    told = []
    for root in ("pfsense", "opnsense"):
        text = config(forward(), system=PURE, interfaces=WAN + LAN + bare, root=root)
        told.append([chain.name for chain in device(text).ruleset.chains if chain.name.startswith("rdr ")])

    assert told == [["rdr wan", "rdr lan", "rdr opt2"], ["rdr wan", "rdr lan"]]


def test_the_server_sees_the_gateway_as_the_proxy_s_client() -> None:
    found = asked(gateway(config(forward(), FILTERS, system="")), IN_DMZ, at=PUBLIC)

    endpoint = found.outcomes[0].endpoint
    assert endpoint is not None
    assert int("c0a80101", 16) in endpoint.seen_source  # 192.168.1.1


def test_the_proxy_is_met_as_loopback_by_the_filter() -> None:
    guests = rule("opt1", "<any/>", "<network>(self)</network>", kind="block") + rule("opt1")
    lan_only = rule("opt1", "<any/>", "<network>lan</network>", kind="block") + rule("opt1")

    assert everywhere(config(forward(), admitted() + guests, system=""))[2] == "dropped"
    assert everywhere(config(forward(), admitted() + lan_only, system=""))[2] == "ok-hairpin web"


def test_too_many_ports_are_not_proxied() -> None:
    text = config(forward("8000-8600"), system="")
    notes = device(text).ruleset.notes

    assert "NAT + proxy" in [note.name for note in notes if note.support is Support.IGNORED]
    assert everywhere(text, ports=8001)[1] == "router-self"


def test_ports_are_shifted() -> None:
    found = gateway(config(forward("8000-8010", local=9000), admitted("9000-9010")))

    endpoint = asked(found, INTERNET, at=PUBLIC, ports=8003).outcomes[0].endpoint
    assert endpoint is not None
    assert endpoint.ports.single == 9003
    (rules,) = (chain.rules for chain in found.ruleset.chains if chain.name == "rdr wan")
    assert rules[0].action == Translate(Side.DESTINATION, addresses(WEB), Numbers.of((9000, 9010)), 8000)


def test_the_first_forward_decides_and_one_may_except() -> None:
    other = forward(target="192.168.1.99")
    excepted = forward(more="<nordr/>", source="<address>198.51.100.0/24</address>")

    assert everywhere(config(forward() + other, FILTERS))[0] == "ok-dnat web"
    assert everywhere(config(excepted + forward(), FILTERS))[0] == "dropped"


def test_a_forward_that_passes_needs_no_rule() -> None:
    passing = forward(more="<associated-rule-id>pass</associated-rule-id>")

    assert everywhere(config(passing, ""))[0] == "ok-dnat web"
    assert everywhere(config(forward(), ""))[0] == "dropped"


def test_a_forward_for_any_destination_is_reflected_for_its_own_network_only() -> None:
    found = gateway(config(forward(at="<any/>"), FILTERS, system=PURE + HELPER))

    assert ended(found, IN_LAN, at=PUBLIC) == "ok-hairpin web"
    assert ended(found, IN_LAN, at="198.51.100.9") == "ok-routed"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (forward(more="<disabled/>"), "it is disabled"),
        (forward(target="nobody"), "left out: nobody is no alias and no interface"),
        (forward(interface="opt9"), "left out: its interface opt9 is not enabled"),
        (forward(target=""), "left out: it has no target"),
        (forward("nothing"), "left out: nothing is no port and no alias"),
        (forward(target="fd00::1"), "left out: its target is not of IPv4"),
        (forward(at="<network/>"), "left out: its address is empty"),
    ],
)
def test_what_the_device_leaves_out_is_noted(text: str, reason: str) -> None:
    notes = device(config(text)).ruleset.notes

    assert [note.reason for note in notes if note.name == "nat rule"] == [reason]


def test_a_target_or_protocol_that_is_not_known_makes_a_maybe() -> None:
    nas = "<alias><name>nas</name><type>host</type><address>nas.example.net</address></alias>"
    to_name = config(forward(target="nas"), FILTERS, more=f"<aliases>{nas}</aliases>")
    by_protocol = config(forward(protocol="nonsense"), FILTERS)

    for text, told in ((to_name, ("target", Support.WIDENED)), (by_protocol, ("protocol", Support.UNKNOWN))):
        assert ended(gateway(text), INTERNET, at=PUBLIC) == "maybe"
        assert told in [(note.name, note.support) for note in device(text).ruleset.notes]


def test_without_room_for_the_ports_it_is_an_error() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(config(forward("8000-8010", local=65530)))
    assert "room for 11 ports" in str(caught.value.exceptions[0])


def test_dns_is_led_to_the_gateway_by_its_loopback() -> None:
    text = forward(53, "127.0.0.1", interface="lan", at="<not/><network>lanip</network>", protocol="tcp/udp")
    only = rule("lan", "<any/>", "<address>127.0.0.1</address><port>53</port>", protocol="tcp/udp")

    for filters, verdict in ((ALLOW_LAN, "router-self"), (only, "router-self"), ("", "dropped")):
        found = gateway(config(text, filters))
        assert ended(found, IN_LAN, at="198.51.100.9", ports=53, protocol=17) == verdict


def test_at_a_leased_address_that_nothing_tells_it_is_a_maybe() -> None:
    text = config(forward(), FILTERS, interfaces=LEASED_WAN + LAN + DMZ, gateways="")

    assert ended(gateway(text), INTERNET, at=PUBLIC) == "maybe"
    assert ended(gateway(text.replace(NO_REFLECTION, PURE)), IN_LAN, at=PUBLIC) == "maybe"

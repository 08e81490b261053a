"""Source NAT: by hand, automatic, and reflection's."""

from __future__ import annotations

import pytest

from splitdns.check.model import Kind
from tests.check.gateways import addresses, asked, clients, ended
from tests.check.pfsense.configs import (
    ALLOW_LAN,
    HELPER,
    IN_LAN,
    LAN,
    PUBLIC,
    PURE,
    WAN,
    admitted,
    config,
    device,
    forward,
    gateway,
    hidden,
    outbound,
)


def source(text: str, who: object = IN_LAN, at: str = "198.51.100.9") -> str:
    """As whom somebody on the internet sees a client."""
    (outcome,) = asked(gateway(text), who, at=at).outcomes  # type: ignore[arg-type]
    assert outcome.endpoint is not None
    seen = outcome.endpoint.seen_source
    known = {addresses(PUBLIC): "gateway", addresses("192.168.1.50"): "itself"}
    return known.get(seen, str(seen))


@pytest.mark.parametrize(
    ("nat", "seen"),
    [
        ("", "gateway"),
        (outbound("automatic"), "gateway"),
        (outbound("disabled"), "itself"),
        (outbound("advanced"), "itself"),
        (outbound("advanced", hidden("wan", "192.168.1.0/24")), "gateway"),
        (outbound("advanced", hidden("wan", "lan")), "gateway"),
        (outbound("hybrid", hidden("wan", "10.0.0.0/8")), "gateway"),
        (outbound("hybrid", hidden("wan", "lan", more="<nonat/>")), "itself"),
        (outbound("automatic", hidden("wan", "lan", more="<nonat/>")), "gateway"),
        (outbound("advanced", hidden("wan", "lan", "<not/><address>198.51.100.0/24</address>")), "itself"),
    ],
)
def test_the_mode_decides_who_asks(nat: str, seen: str) -> None:
    assert source(config(nat)) == seen


def test_it_may_be_another_address_than_the_interface_s() -> None:
    other = hidden("wan", "lan", more="<target>203.0.113.9</target>")
    pool = hidden("wan", "lan", more="<target>other-subnet</target><targetip>203.0.113.9</targetip>")

    for one in (other, pool):
        (outcome,) = asked(gateway(config(outbound("advanced", one))), IN_LAN, at="198.51.100.9").outcomes
        assert outcome.endpoint is not None
        assert outcome.endpoint.seen_source == addresses("203.0.113.9")


def test_networks_behind_inside_routers_are_hidden_too() -> None:
    more = (
        "<staticroutes><route><network>10.5.0.0/16</network><gateway>INNER</gateway></route></staticroutes>"
        "<gateways><gateway_item><interface>lan</interface><gateway>192.168.1.2</gateway><name>INNER</name>"
        "</gateway_item></gateways>"
    )
    text = config(filters=ALLOW_LAN.replace("<network>lan</network>", "<any/>"), more=more)
    inner = clients("inner", Kind.ROUTED, "lan", "10.5.0.9")

    assert source(text, inner) == "gateway"


@pytest.mark.parametrize("root", ["pfsense", "opnsense"])
def test_of_tunnels_those_of_openvpn_and_assigned_ones_are_hidden(root: str) -> None:
    wireguard = (
        "<wireguard><server><servers><server><enabled>1</enabled><instance>0</instance><tunneladdress>10.9.0.1/24"
        "</tunneladdress></server></servers></server></wireguard>"
    )
    told = {
        "opnsense": f"<OPNsense>{wireguard}</OPNsense>",
        "pfsense": "<installedpackages><wireguard><tunnels><item><name>wg0</name><enabled>yes</enabled>"
        "<addresses><row><address>10.9.0.1</address><mask>24</mask></row></addresses></item></tunnels></wireguard>"
        "</installedpackages>",
    }
    server = "<openvpn-server><vpnid>1</vpnid><tunnel_network>10.8.0.0/24</tunnel_network></openvpn-server>"
    more = f"<openvpn>{server}</openvpn>{told[root]}"
    assigned = "<opt2><enable>1</enable><if>wg0</if></opt2>"

    def hidden_networks(interfaces: str) -> set[str]:
        chains = device(config(interfaces=interfaces, more=more, root=root)).ruleset.chains
        (rules,) = (chain.rules for chain in chains if chain.name == "nat")
        numbers = rules[-1].conditions[1].numbers  # type: ignore[union-attr]
        return {one for one in ("10.8.0.0/24", "10.9.0.0/24") if addresses(one) <= numbers}

    assert hidden_networks(WAN + LAN) == {"10.8.0.0/24"}
    assert hidden_networks(WAN + LAN + assigned) == {"10.8.0.0/24", "10.9.0.0/24"}


def test_clients_behind_a_router_in_the_server_s_network_are_helped_too() -> None:
    more = (
        "<staticroutes><route><network>10.5.0.0/16</network><gateway>INNER</gateway></route></staticroutes>"
        "<gateways><gateway_item><interface>lan</interface><gateway>192.168.1.2</gateway><name>INNER</name>"
        "</gateway_item></gateways>"
    )
    filters = admitted() + ALLOW_LAN.replace("<network>lan</network>", "<any/>")
    text = config(forward(), filters, system=PURE + HELPER, more=more)
    inner = clients("inner", Kind.ROUTED, "lan", "10.5.0.9")

    assert ended(gateway(text), inner, at=PUBLIC) == "ok-hairpin web"


def test_a_forward_for_the_lan_s_own_address_does_not_come_back() -> None:
    text = config(forward(at="<network>lanip</network>", interface="lan"), ALLOW_LAN)

    assert ended(gateway(text), IN_LAN, at="192.168.1.1", ports=443) == "asym-reply"


def test_a_forward_for_anybody_on_the_lan_comes_back_to_it() -> None:
    text = config(forward(at="<any/>", interface="lan"), admitted())

    assert ended(gateway(text), IN_LAN, at="198.51.100.9", ports=443) == "dropped"
    text = config(forward(at="<any/>", interface="lan"), ALLOW_LAN)
    assert ended(gateway(text), IN_LAN, at="198.51.100.9", ports=443) == "ok-hairpin web"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (outbound("automatic", hidden("wan", "lan")), "outbound NAT is automatic, and does not ask it"),
        (outbound("hybrid", hidden("wan", "lan", more="<disabled/>")), "it is disabled"),
        (outbound("hybrid", hidden("opt9", "lan")), "left out: its interface opt9 is not enabled"),
        (outbound("hybrid", hidden("wan", "x")), "left out: x is no alias and no interface"),
        (
            outbound("hybrid", hidden("wan", "lan", more="<target>x</target>")),
            "left out: x is no alias and no interface",
        ),
    ],
)
def test_what_the_device_leaves_out_is_noted(text: str, reason: str) -> None:
    notes = device(config(text)).ruleset.notes

    assert [note.reason for note in notes if note.name == "outbound rule"] == [reason]


def test_a_target_that_is_not_known_makes_a_maybe() -> None:
    names = "<aliases><alias><name>pool</name><type>urltable</type><address>x</address></alias></aliases>"
    text = config(outbound("advanced", hidden("wan", "lan", more="<target>pool</target>")), more=names)

    assert ended(gateway(text), IN_LAN, at="198.51.100.9") == "maybe"


def test_an_unknown_mode_is_an_error() -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(config(outbound("sometimes")))
    assert "expected one of automatic, hybrid, advanced, disabled" in str(caught.value.exceptions[0])

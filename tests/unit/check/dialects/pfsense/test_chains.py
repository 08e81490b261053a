"""What the device puts before and behind the rules of a person."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from splitdns.check.model import Clients, Host, Kind
from splitdns.check.walk import walk
from tests.check.gateways import addresses, clients, ended, host, question
from tests.check.pfsense.configs import (
    DMZ,
    DMZ_WEB,
    IN_DMZ,
    IN_LAN,
    INTERNET,
    LAN,
    PUBLIC,
    WAN,
    WEB,
    admitted,
    config,
    forward,
    gateway,
    rule,
)


def test_nothing_passes_by_itself() -> None:
    found = gateway(config(filters=""))

    assert ended(found, INTERNET, at=PUBLIC, ports=22) == "dropped"
    assert ended(found, IN_LAN, at=DMZ_WEB) == "dropped"


def test_the_lan_is_not_locked_out_unless_told_so() -> None:
    assert ended(gateway(config(filters="")), IN_LAN, at="192.168.1.1") == "router-self"
    assert ended(gateway(config(filters="")), IN_LAN, at="192.168.1.1", ports=22) == "dropped"
    assert ended(gateway(config(filters="")), IN_DMZ, at="192.168.20.1") == "dropped"
    off = "<webgui><noantilockout/></webgui>"
    assert ended(gateway(config(filters="", system=off)), IN_LAN, at="192.168.1.1") == "dropped"


def test_the_gateway_meets_itself() -> None:
    itself = clients("gateway", Kind.GATEWAY, None, PUBLIC)

    assert ended(gateway(config(filters="")), itself, at=PUBLIC, ports=22) == "router-self"


def test_private_sources_are_kept_away_from_the_uplink() -> None:
    neighbour = clients("neighbour", Kind.NETWORK, "wan", "10.1.2.3")
    open_wan = rule("wan")

    assert ended(gateway(config(filters=open_wan)), neighbour, at=PUBLIC) == "dropped"
    without = config(filters=open_wan, interfaces=WAN.replace("blockpriv", "x") + LAN + DMZ)
    assert ended(gateway(without), neighbour, at=PUBLIC) != "dropped"


def test_ipv6_passes_only_where_it_is_allowed() -> None:
    six = LAN.replace("</lan>", "<ipaddrv6>fd00::1</ipaddrv6><subnetv6>64</subnetv6></lan>")
    far = DMZ.replace("</opt1>", "<ipaddrv6>fd00:1::1</ipaddrv6><subnetv6>64</subnetv6></opt1>")
    text = config(filters=rule("lan", family="inet46"), interfaces=WAN + six + far)
    who = Clients("lan6", Kind.NETWORK, 6, addresses("fd00::50"), "lan", addresses("fd00::/64"))
    hosts = (host("six", "fd00:1::20/64"),)

    assert _ended(text, hosts, who) == "ok-routed six"
    without = text.replace("<ipv6allow/>", "")
    assert _ended(without, hosts, who) == "dropped"
    assert _ended(without.replace("pfsense", "opnsense"), hosts, who) == "ok-routed six"


def _ended(text: str, hosts: tuple[Host, ...], who: Clients) -> str:
    (result,) = walk(gateway(text, hosts), question(who, at="fd00:1::20"))
    endpoint = result.outcomes[0].endpoint
    name = "" if endpoint is None or not result.verdict.works else f" {endpoint.host}"
    return f"{result.verdict.value}{name}"


def test_the_filter_sees_the_server_s_own_address() -> None:
    assert ended(gateway(config(forward(), admitted())), INTERNET, at=PUBLIC) == "ok-dnat web"
    assert ended(gateway(config(forward(), admitted(target=PUBLIC))), INTERNET, at=PUBLIC) == "dropped"


def test_behind_a_bridge_the_rules_of_its_members_hold() -> None:
    bridge = "<opt3><enable/><if>bridge0</if><ipaddr>10.1.0.1</ipaddr><subnet>24</subnet></opt3>"
    members = "<bridges><bridged><members>opt4,opt5</members><bridgeif>bridge0</bridgeif></bridged></bridges>"
    faces = "<opt4><enable/><if>a</if></opt4><opt5><enable/><if>b</if></opt5>"
    who = clients("bridged", Kind.NETWORK, "opt3", "10.1.0.50", near="10.1.0.0/24")

    def through(filters: str) -> str:
        text = config(filters=filters, interfaces=WAN + LAN + bridge + faces, more=members)
        return ended(gateway(text), who, at=WEB)

    assert through(rule("opt4") + rule("opt5")) == "ok-routed web"
    assert through(rule("opt4")) == "maybe"
    assert through(rule("opt3")) == "dropped"


ROUTED = (
    "<staticroutes><route><network>10.5.0.0/16</network><gateway>INNER</gateway></route></staticroutes>"
    "<gateways><gateway_item><interface>lan</interface><gateway>192.168.1.2</gateway><name>INNER</name>"
    "</gateway_item></gateways>"
)


def test_between_routers_the_rules_may_be_passed_over() -> None:
    inner = host("inner", "10.5.0.9/16", default_via={4: ip_address("192.168.1.2")})

    def through(switch: str, filters: str = "") -> str:
        text = config(filters=switch + filters, more=ROUTED)
        return ended(gateway(text, (inner,)), IN_LAN, at="10.5.0.9")

    assert through("<bypassstaticroutes>yes</bypassstaticroutes>") != "dropped"
    assert through("<bypassstaticroutes>yes</bypassstaticroutes>", rule(kind="block")) == "dropped"
    assert through("") == "dropped"


def test_with_pf_off_nothing_is_filtered() -> None:
    found = gateway(config(forward(), "", system="<disablefilter>enabled</disablefilter>"))

    assert ended(found, INTERNET, at=PUBLIC) == "router-self"
    assert ended(found, IN_LAN, at=DMZ_WEB) == "ok-routed dmz-web"
    assert [note.name for note in found.ruleset.notes if "pf is off" in note.reason] == ["disablefilter"]


@pytest.mark.parametrize("root", ["pfsense", "opnsense"])
def test_each_interface_has_its_chains(root: str) -> None:
    names = [chain.name for chain in gateway(config(root=root)).ruleset.chains if chain.name.endswith("lan")]

    assert names == ["auto lan", "floating lan", "group lan", "lan"]

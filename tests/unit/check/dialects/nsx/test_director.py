"""vCloud Director's older form of the same edge."""

from __future__ import annotations

import pytest

from splitdns.check.model import Support
from tests.check.gateways import INTERNET, LAN_CLIENT, ended
from tests.check.nsx.director import NAMELESS, ON_WAN, RANGE, allow, edge, interface, rule
from tests.check.nsx.edges import PUBLIC, WEB, device, gateway, words


def test_interfaces_have_the_edge_s_own_addresses_and_the_default_route() -> None:
    found = device(edge()).network
    shown = {one.name: [str(own.address) for own in one.addresses] for one in found.interfaces}
    assert shown == {"wan": [PUBLIC, "203.0.113.8", "203.0.113.9"], "lan": ["192.168.1.1"]}
    assert [one.name for one in found.interfaces if one.uplink] == ["wan"]
    assert [(str(one.via), one.interface) for one in found.routes] == [("203.0.113.1", "wan")]


def test_a_large_range_is_cut_and_noted() -> None:
    many = RANGE.replace("203.0.113.9", "203.0.120.9")
    found = device(edge(interfaces=interface("wan", "uplink", "203.0.113.1", PUBLIC, many)))
    assert len(found.network.interfaces[0].addresses) == 1 + 1024
    assert [(note.support, note.name) for note in found.ruleset.notes] == [(Support.WIDENED, "IpRange")]


@pytest.mark.parametrize("on", [ON_WAN, 'name="wan-net"', 'href="https://vcloud/wan"', 'href="x" name="wan"'])
def test_a_rule_is_applied_on_an_interface_by_its_network(on: str) -> None:
    found = gateway(edge(rule("DNAT", on, PUBLIC, WEB, "443"), allow()))
    assert ended(found, INTERNET) == "ok-dnat web"
    assert ended(found, LAN_CLIENT) == "router-self"


@pytest.mark.parametrize(
    ("rules", "verdict"),
    [
        ("", "dropped"),
        (allow(DestinationIp=PUBLIC), "ok-dnat web"),
        (allow(DestinationIp=WEB), "dropped"),
        (allow(DestinationIp=WEB, MatchOnTranslate="true"), "ok-dnat web"),
        (allow("<Tcp>true</Tcp><Udp>true</Udp>", "443"), "ok-dnat web"),
        (allow("<Tcp>false</Tcp><Udp>true</Udp>", "443"), "dropped"),
        (allow("<Other>gre</Other>"), "dropped"),
        (allow("<Tcp>true</Tcp>", "80-90"), "dropped"),
        (allow(port="", Port="443"), "ok-dnat web"),
        (allow(SourceIp="external", DestinationIp="internal"), "ok-dnat web"),
        (allow(SourceIp="internal"), "dropped"),
        (allow(SourceIp="198.51.100.0/24", SourcePort="-1", SourcePortRange="Any"), "ok-dnat web"),
        (allow(SourceVm="<Id>vm-1</Id>"), "maybe"),
        (allow(Direction="in"), "maybe"),
        (allow(Policy="drop") + allow(), "dropped"),
    ],
)
def test_the_firewall_is_the_same_in_other_words(rules: str, verdict: str) -> None:
    assert ended(gateway(edge(rules=rules)), INTERNET) == verdict


def test_a_hairpin_is_a_source_rule_on_the_inside() -> None:
    inside = 'name="lan-net"'
    both = rule("DNAT", inside, PUBLIC, WEB, "443") + rule("SNAT", inside, "192.168.1.0/24", "192.168.1.1")
    assert ended(gateway(edge(both, allow())), LAN_CLIENT) == "ok-hairpin web"


def test_services_that_are_off_do_nothing() -> None:
    off = "<IsEnabled>false</IsEnabled>"
    assert ended(gateway(edge().replace("<IsEnabled>true</IsEnabled>", off, 1)), INTERNET) == "router-self"
    without_nat = edge(rules=allow()).replace("<NatService><IsEnabled>true", "<NatService><IsEnabled>false")
    assert ended(gateway(without_nat), INTERNET) == "router-self"


def test_static_routes_load_balancers_and_tunnels() -> None:
    more = (
        "<StaticRoutingService><IsEnabled>true</IsEnabled><StaticRoute><Network>10.9.0.0/16</Network>"
        "<NextHopIp>192.168.1.2</NextHopIp></StaticRoute></StaticRoutingService>"
        "<LoadBalancerService><IsEnabled>true</IsEnabled><VirtualServer><Name>web</Name>"
        f"<IpAddress>{PUBLIC}</IpAddress><ServiceProfile><IsEnabled>true</IsEnabled><Protocol>HTTP</Protocol>"
        "<Port>80</Port></ServiceProfile></VirtualServer></LoadBalancerService>"
        "<GatewayIpsecVpnService><IsEnabled>true</IsEnabled></GatewayIpsecVpnService>"
        "<GatewayDhcpService><IsEnabled>true</IsEnabled></GatewayDhcpService><New/>"
    )
    found = device(edge(more=more))
    assert [(str(one.prefix), one.interface) for one in found.network.routes][1:] == [("10.9.0.0/16", "lan")]
    assert ended(gateway(edge(more=more)), INTERNET, ports=80) == "maybe"
    assert {note.name: note.support for note in found.ruleset.notes} == {
        "VirtualServer": Support.WIDENED,
        "GatewayIpsecVpnService": Support.REFUSED,
        "GatewayDhcpService": Support.IGNORED,
        "New": Support.UNKNOWN,
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (edge("<NatRule><RuleType>PAT</RuleType></NatRule>"), "expected DNAT or SNAT as the RuleType"),
        (edge(rule("DNAT", 'name="far"', PUBLIC, WEB)), "expected an interface of the edge, by the name"),
        (edge(rule("DNAT", ON_WAN, PUBLIC, "")), "expected an address as the TranslatedIp, found nothing"),
        (edge(rule("SNAT", ON_WAN, "internal", PUBLIC)), "expected an address, a prefix"),
        (edge(rules=words("FirewallRule", Policy="accept")), "expected allow or drop as the Policy"),
        (edge(interfaces=NAMELESS), "expected the name of an interface, found nothing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ExceptionGroup) as caught:
        device(text)
    assert any(message in str(one) for one in caught.value.exceptions)

"""The page about edges: each construct that it names is in the state that it says."""

from __future__ import annotations

import re

import pytest

from splitdns.check.model import Support
from tests.check.nsx import director
from tests.check.nsx.edges import PUBLIC, VNICS, WEB, allow, device, dnat, edge, snat, vnic, words
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dialects" / "nsx.md"
TABLES = PAGE.read_text().partition("## Understood")[2].partition("## Mending")[0]
ROWS = [
    (row, state)
    for row, state in re.findall(r"^\| (.+?) \| (\w+) \|", TABLES, re.MULTILINE)
    if state in ("modelled", *Support)
]

IPSET = "<list><ipset><objectId>ipset-1</objectId><value>192.0.2.0/24</value></ipset></list>"
APPLICATION = (
    "<list><application><objectId>application-57</objectId><element><applicationProtocol>TCP"
    "</applicationProtocol><value>80</value></element></application></list>"
)
A_SET = "<groupingObjectId>ipset-1</groupingObjectId>"
AN_APPLICATION = "<applicationId>application-57</applicationId>"
BY_NUMBER = edge(rules=allow(A_SET, application=AN_APPLICATION))


def on(feature: str, inner: str = "") -> str:
    return edge(more=f"<{feature}><enabled>true</enabled>{inner}</{feature}>")


SERVER = words("virtualServer", ipAddress=PUBLIC, protocol="tcp", port="443")
SUB = vnic(10, "guests", "internal", "10.9.0.1/24").replace("vnic>", "subInterface>")
SECOND = "<secondaryAddresses><ipAddress>203.0.113.3</ipAddress></secondaryAddresses>"
STATE = words("dropInvalidTraffic") + words("tcpPickOngoingConnections")
SSH = "<cliSettings><remoteAccess>true</remoteAccess></cliSettings>"
DEFAULT = words("staticRouting", defaultRoute="<gatewayAddress>203.0.113.1</gatewayAddress>")
ROUTE = "<StaticRoute><Network>10.9.0.0/16</Network><NextHopIp>192.168.1.2</NextHopIp></StaticRoute>"
ROUTES = f"<StaticRoutingService>{ROUTE}</StaticRoutingService>"
ADMITTED = director.allow(
    "<Tcp>true</Tcp>", "443", SourceIp="external", DestinationIp=WEB, MatchOnTranslate="true"
)
BALANCED = f"<VirtualServer><IpAddress>{PUBLIC}</IpAddress></VirtualServer>"

# What shows each row of the tables, by its first cell: one or several edges, each of one or several texts.
SHOWN: dict[str, list[list[str]]] = {
    "`<vnic>` of a rule, *applied on*": [[edge(dnat(PUBLIC, WEB, vnic="0"))]],
    "`<originalAddress>` `<translatedAddress>`": [
        [edge(dnat("203.0.113.0/24", WEB) + dnat("any", WEB) + dnat("203.0.113.2-203.0.113.4", WEB))]
    ],
    "`<originalPort>` `<translatedPort>`": [[edge(dnat(PUBLIC, WEB, "80-90", translatedPort="any"))]],
    "`<protocol>` `<icmpType>`": [[edge(dnat(PUBLIC, WEB, "any", protocol="icmp", icmpType="echo-request"))]],
    "`<dnatMatchSourceAddress>` `<dnatMatchSourcePort>`": [
        [edge(dnat(PUBLIC, WEB, dnatMatchSourceAddress="192.0.2.1", dnatMatchSourcePort="any"))]
    ],
    "`<snatMatchDestinationAddress>` `<snatMatchDestinationPort>`": [
        [edge(snat("any", PUBLIC, snatMatchDestinationAddress=WEB, snatMatchDestinationPort="443"))]
    ],
    "`<translatedAddress>` of several addresses, DNAT": [[edge(dnat(PUBLIC, "192.168.1.20-192.168.1.21"))]],
    "`<ipAddress>` `<vnicGroupId>` `<exclude>`": [
        [edge(rules=allow("<exclude>true</exclude><ipAddress>192.0.2.1</ipAddress>"))],
        [edge(rules=allow("<vnicGroupId>external</vnicGroupId>", "<vnicGroupId>vse</vnicGroupId>"))],
    ],
    "`<groupingObjectId>` `<applicationId>`": [[BY_NUMBER, IPSET, APPLICATION]],
    "`<groupingObjectId>` `<applicationId>`, not told": [[BY_NUMBER], [BY_NUMBER, IPSET]],
    "`<service>`": [[edge(rules=allow(service="tcp 80-90"))]],
    "`<matchTranslated>`": [[edge(rules=allow(matchTranslated="true"))]],
    "`<direction>`": [[edge(rules=allow(direction="in"))]],
    "`<ruleType>`": [[edge(rules=allow(ruleType="internal_high"))]],
    "`<enabled>` `<loggingEnabled>` `<description>` `<statistics>`": [
        [edge(rules=allow(enabled="false", loggingEnabled="true", description="x", statistics="<a/>"))]
    ],
    "`<defaultPolicy>`": [[edge(policy="reject")]],
    "`<dropInvalidTraffic>` `<tcpPickOngoingConnections>`": [
        [edge().replace("<defaultPolicy>", f"<globalConfig>{STATE}</globalConfig><defaultPolicy>")]
    ],
    "`<addressGroups>` `<subInterfaces>` `<isConnected>`": [
        [edge(vnics=VNICS + f"<vnic><index>4</index><subInterfaces>{SUB}</subInterfaces></vnic>")],
        [edge(vnics=VNICS.replace("</primaryAddress>", f"</primaryAddress>{SECOND}", 1))],
    ],
    "`<staticRouting>`": [
        [on("routing", DEFAULT)]
    ],
    "`<ospf>` `<bgp>`": [[on("routing", words(one, enabled="true"))] for one in ("ospf", "bgp")],
    "`<staticBindings>` of DHCP": [
        [on("dhcp", words("staticBindings", staticBinding="<ipAddress>192.168.1.20</ipAddress>"))]
    ],
    "`<dns>` `<dhcp>` `<remoteAccess>`": [
        [on("dns")],
        [on("dhcp")],
        [edge().replace("<features>", f"{SSH}<features>")],
    ],
    "`<ipsec>` `<sslvpnConfig>`": [[on("ipsec")], [on("sslvpnConfig")]],
    "`<virtualServer>` of a load balancer": [[on("loadBalancer", SERVER)]],
    "`<nat64Rules>`": [[edge().replace("<natRules>", "<nat64Rules><nat64Rule/></nat64Rules><natRules>")]],
    "`<syslog>` `<highAvailability>` `<featureConfig>`": [
        [on(one)] for one in ("syslog", "highAvailability", "featureConfig")
    ],
    "a service that is on and not known here": [[on("newest")]],
    "a field of a rule that is not known here": [[edge(dnat(PUBLIC, WEB, newest="1"))]],
    "`<GatewayInterface>` with `<SubnetParticipation>` and `<IpRanges>`": [[director.edge()]],
    "`<UseForDefaultRoute>` `<StaticRoute>`": [[director.edge(more=ROUTES)]],
    "`<GatewayNatRule>` with `<Interface>`": [[director.edge(director.FORWARD)]],
    "`<FirewallRule>` with `<Protocols>`, `<SourceIp>`, `<DestinationIp>`, `<MatchOnTranslate>`": [
        [director.edge(rules=ADMITTED)]
    ],
    "`<SourceVm>` `<DestinationVm>` `<Direction>`": [
        [director.edge(rules=director.allow(SourceVm="<Id>1</Id>"))],
        [director.edge(rules=director.allow(DestinationVm="<Id>1</Id>"))],
        [director.edge(rules=director.allow(Direction="in"))],
    ],
    "`<VirtualServer>`": [[director.edge(more=f"<LoadBalancerService>{BALANCED}</LoadBalancerService>")]],
    "`<GatewayIpsecVpnService>`": [[director.edge(more="<GatewayIpsecVpnService/>")]],
    "`<GatewayDhcpService>`": [[director.edge(more="<GatewayDhcpService/>")]],
}


@pytest.mark.parametrize(("row", "state"), ROWS, ids=[row for row, _ in ROWS])
def test_a_construct_is_in_the_state_that_the_page_says(row: str, state: str) -> None:
    for texts in SHOWN[row]:
        shown = re.findall(r"`<(\w+)>`", row)
        assert not shown or any(f"<{tag}" in text for tag in shown for text in texts), texts
        notes = {note.support.value for note in device(*texts).ruleset.notes}
        assert notes == (set() if state == "modelled" else {state})


def test_every_row_is_shown_and_every_tag_of_it_somewhere() -> None:
    assert [row for row, _ in ROWS] == list(SHOWN)
    for row, texts in SHOWN.items():
        together = "".join(text for edge_texts in texts for text in edge_texts)
        assert [tag for tag in re.findall(r"`<(\w+)>`", row) if f"<{tag}" not in together] == []

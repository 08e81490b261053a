"""The pages about pfSense and OPNsense: each construct that they name is in the state that they say."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from splitdns.check.model import Support
from tests.check.pfsense.configs import (
    ALLOW_LAN,
    DMZ,
    LAN,
    LEASED_WAN,
    PURE,
    WAN,
    config,
    device,
    forward,
    hidden,
    outbound,
    rule,
    to,
)
from tests.meta.tree import ROOT

ROWS = [
    (name, row, state)
    for name in ("pfsense", "opnsense")
    for row, state in re.findall(
        r"^\| (.+?) \| (\w+) \|",
        (ROOT / "docs" / "dialects" / f"{name}.md").read_text().partition("## Understood")[2],
        re.MULTILINE,
    )
    if state in ("modelled", *Support)
]


def ruled(more: str = "", **fields: str) -> str:
    return config(filters=rule("lan", more=more, **fields))  # type: ignore[arg-type]


def newer(rules: str, tag: str = "rules") -> str:
    return config(more=f"<OPNsense><Firewall><Filter><{tag}>{rules}</{tag}></Filter></Firewall></OPNsense>")


def one(more: str = "") -> str:
    fields = "<action>pass</action><interface>lan</interface><ipprotocol>inet</ipprotocol>"
    return f"<rule><enabled>1</enabled>{fields}<source_net>any</source_net>{more}</rule>"


def alias(kind: str, address: str, name: str = "servers") -> str:
    inner = f"<alias><name>{name}</name><type>{kind}</type><address>{address}</address></alias>"
    return f"<aliases>{inner}</aliases>"


ROUTE = "<staticroutes><route><network>{}</network><gateway>WANGW</gateway></route></staticroutes>"
CARP = "<vip><mode>carp</mode><interface>wan</interface><subnet>203.0.113.8/24</subnet></vip>"
VIP = f"<virtualip>{CARP}</virtualip>"
BRIDGES = "<bridges><bridged><members>lan</members><bridgeif>bridge0</bridgeif></bridged></bridges>"
INSIDE = "<ifgroupentry><ifname>inside</ifname><members>lan opt1</members></ifgroupentry>"
GROUP = f"<ifgroups>{INSIDE}</ifgroups>"
SERVER = "<openvpn-server><vpnid>1</vpnid><tunnel_network>10.8.0.0/24</tunnel_network></openvpn-server>"
VPN = f"<openvpn>{SERVER}</openvpn>"
SIX = "<ipaddrv6>fd00::1</ipaddrv6><subnetv6>64</subnetv6>"
BOGONS = LAN.replace("lan>", "opt2>").replace("<descr>", "<blockbogons>1</blockbogons><descr>")
UPNP = "<miniupnpd><config><enable>on</enable></config></miniupnpd>"
PAIR = (
    "<onetoone><external>203.0.113.8</external><source><address>192.168.1.20</address></source>"
    "<destination><any/></destination><interface>wan</interface></onetoone>"
    "<npt><interface>wan</interface><source><address>fd00::/64</address></source>"
    "<destination><address>2001:db8::/64</address></destination></npt>"
)
FIXED = "<staticmap><ipaddr>192.168.1.20</ipaddr><hostname>web</hostname></staticmap>"
LEASE = f"<dhcpd><lan>{FIXED}</lan></dhcpd>"
WIREGUARD = (
    "<wireguard><server><servers><server><enabled>1</enabled><instance>0</instance><tunneladdress>10.8.0.1/24"
    "</tunneladdress></server></servers></server></wireguard>"
)
GATEWAY = (
    "<Gateways><gateway_item><interface>wan</interface><gateway>203.0.113.1</gateway><name>GW</name>"
    "</gateway_item></Gateways>"
)
INSTANCE = (
    "<OpenVPN><Instances><Instance><enabled>1</enabled><vpnid>1</vpnid><server>10.8.0.0/24</server></Instance>"
    "</Instances></OpenVPN>"
)
KEA = (
    "<Kea><dhcp4><reservations><reservation><hostname>web</hostname><ip_address>192.168.1.20</ip_address>"
    "</reservation></reservations></dhcp4></Kea>"
)
NEW_ALIAS = (
    "<Firewall><Alias><aliases><alias><enabled>1</enabled><name>servers</name><type>host</type>"
    "<content>192.168.1.20</content></alias></aliases></Alias></Firewall>"
)
FLOATING = "<floating>yes</floating><quick>yes</quick><direction>out</direction>"


def opn(inner: str, filters: str = ALLOW_LAN) -> str:
    return config(filters=filters, more=f"<OPNsense>{inner}</OPNsense>")


# What shows each row of the tables, by its first cell; what is left of "filters" and "more" is usual.
SHOWN: dict[str, tuple[str, ...]] = {
    "`<interfaces>` with `<ipaddr>` `<subnet>` `<ipaddrv6>` `<subnetv6>`": (
        config(interfaces=WAN + LAN.replace("</lan>", f"{SIX}</lan>")),
    ),
    "`<ipaddr>` `dhcp`, `pppoe`": (
        config(interfaces=LEASED_WAN + LAN),
        config(interfaces=LEASED_WAN.replace(">dhcp<", ">pppoe<") + LAN),
    ),
    "`<blockpriv>`": (config(),),
    "`<blockbogons>`": (config(interfaces=WAN + LAN + DMZ + BOGONS),),
    "an interface without `<enable>`": (
        config(interfaces=WAN + LAN + DMZ.replace("<enable>1</enable>", "")),
    ),
    "`<gateways>` `<staticroutes>`": (
        config(more=ROUTE.format("10.5.0.0/16")),
        config(more=ROUTE.format("10.5.0.0/16").replace("WANGW", "Null4")),
        config(more=ROUTE.format("servers") + alias("network", "10.5.0.0/16")),
    ),
    "`<route>` to an alias that is fetched": (config(more=ROUTE.format("servers") + alias("urltable", "x")),),
    "`<virtualip>` `carp`, `ipalias`": (
        config(more=VIP),
        config(more=VIP.replace("carp", "ipalias")),
    ),
    "`<virtualip>` `proxyarp`, `other`": (
        config(more=VIP.replace("carp", "proxyarp")),
        config(more=VIP.replace("carp", "other")),
    ),
    "`<bridges>`": (
        config(interfaces=WAN + LAN + DMZ.replace("igb2", "bridge0"), more=BRIDGES),
    ),
    "`<ifgroups>`": (config(filters=rule("inside"), more=GROUP),),
    "`<openvpn>`, WireGuard": (config(filters=rule("openvpn"), more=VPN),),
    "`<ipsec>`": (config(more="<ipsec><phase2><mode>tunnel</mode></phase2></ipsec>"),),
    "`<aliases>` host, network, port, nested": (
        config(filters=rule(destination=to("servers")), more=alias("host", "10.0.0.1")),
        config(filters=rule(destination=to("servers")), more=alias("network", "10.0.0.0/8")),
        config(filters=rule(destination="<any/><port>servers</port>"), more=alias("port", "80:90")),
    ),
    "`<aliases>` of names, URL tables, GeoIP": tuple(
        config(filters=rule(destination=to("servers")), more=alias(*told))
        for told in (("host", "www.example.net"), ("urltable", "https://example.net"), ("geoip", "XX"))
    ),
    "a target that is a name, or fetched": (
        config(forward(target="servers"), more=alias("host", "www.example.net")),
        config(
            outbound("hybrid", hidden("wan", "lan", more="<target>servers</target>")),
            more=alias("url", "x"),
        ),
    ),
    "`<protocol>` that is not known here": (ruled(protocol="nonsense"), config(forward(protocol="nonsense"))),
    "`<nat><rule>`": (
        config(forward("8000-8010", local=9000, source="<not/><address>192.0.2.1</address>")),
        config(forward(more="<nordr/>")),
    ),
    "`<associated-rule-id>`": tuple(
        config(forward(more=f"<associated-rule-id>{told}</associated-rule-id>"))
        for told in ("pass", "nat_5e03")
    ),
    "`<natreflection>` and the system's reflection modes": tuple(
        config(forward(more=f"<natreflection>{told}</natreflection>"), system=system)
        for told in ("enable", "purenat", "disable", "")
        for system in (PURE, "")
    ),
    "NAT + proxy, over UDP": (config(forward(protocol="udp"), system=""),),
    "NAT + proxy, of more than 500 ports": (config(forward("8000-8600"), system=""),),
    "`<outbound>` automatic, hybrid, advanced, disabled": (
        config(outbound("automatic")),
        config(outbound("hybrid", hidden("wan", "lan", more="<nonat/>"))),
        config(outbound("advanced", hidden("wan", "lan", more="<target>203.0.113.9</target>"))),
        config(outbound("disabled")),
    ),
    "`<staticnatport>`": (config(outbound("hybrid", hidden("wan", "lan", more="<staticnatport/>"))),),
    "an outbound rule that the mode does not ask": (config(outbound("automatic", hidden("wan", "lan"))),),
    "`<onetoone>` `<npt>`": (config(PAIR),),
    "`<filter><rule>` pass, block, reject": (
        *(config(filters=rule(kind=kind)) for kind in ("pass", "block", "reject")),
        config(filters=rule(destination="<not/><address>10.0.0.1</address><port>80</port>", protocol="tcp")),
        ruled("<icmptype>echoreq</icmptype>", protocol="icmp"),
    ),
    "`<floating>` with `<quick>` and `<direction>`": (ruled(FLOATING),),
    "`<type>` match": (ruled(kind="match"),),
    "`<disabled>`": (ruled("<disabled/>"),),
    "a rule with an alias or an interface that is not there": (
        config(filters=rule(destination=to("nobody"))), config(filters=rule("opt9")),
    ),
    "`<gateway>` of a rule": (ruled("<gateway>WANGW</gateway>"),),
    "`<os>` `<sched>` `<dscp>` `<vlanprio>` `<tagged>`": tuple(
        ruled(f"<{tag}>x</{tag}>") for tag in ("os", "sched", "dscp", "vlanprio", "tagged")
    ),
    "`<tcpflags1>` `<tcpflags2>` `<tcpflags_any>`": (
        ruled("<tcpflags1>syn</tcpflags1><tcpflags2>syn,ack</tcpflags2>"), ruled("<tcpflags_any/>"),
    ),
    "`<statetype>` none": (ruled("<statetype>none</statetype>"),),
    "another field of a rule": (ruled("<phaseofthemoon>full</phaseofthemoon>"),),
    "another `<type>` of a rule": (ruled(kind="shrug"),),
    "`<dhcpd>` with fixed addresses": (config(more=LEASE),),
    "`<unbound>` `<dnsmasq>` `<webgui>` `<ssh>`": (
        config(system="<webgui/><ssh><enable/></ssh>", more="<unbound><enable/></unbound>"),
        config(more="<dnsmasq><enable/></dnsmasq>"),
    ),
    "`<miniupnpd>`": (
        config(more=f"<installedpackages>{UPNP}</installedpackages>"),
    ),
    "`<captiveportal>`": (config(more="<captiveportal><zone>x</zone></captiveportal>"),),
    "`<disablefilter>`": (config(system="<disablefilter>enabled</disablefilter>"),),
    "`<bypassstaticroutes>`": (
        config(filters="<bypassstaticroutes/>" + ALLOW_LAN, more=ROUTE.format("10.5.0.0/16")),
    ),
    "reply-to": (config(system=""),),
    "a document type, or XML that is none": (f"<!DOCTYPE x>{config()[21:]}", "<pfsense>"),
    "`<natreflection>` `purenat`, `enable`, `disable`": tuple(
        config(forward(more=f"<natreflection>{told}</natreflection>"))
        for told in ("enable", "purenat", "disable")
    ),
    "`<pass>` of a port forward": tuple(
        config(forward(more=f"<pass>{told}</pass>")) for told in ("pass", "rule")
    ),
    "`<sequence>` of a port forward": (config(forward(more="<sequence>2</sequence>")),),
    "`<quick>` 0 of a rule": (ruled("<quick>0</quick>"),),
    "`<interfacenot>`": (ruled("<interfacenot>1</interfacenot>"),),
    "`<Firewall><Filter><rules>`": (newer(one("<destination_net>opt1</destination_net><quick>1</quick>")),),
    "`<tag>`, `<categories>`, states, shapers of newer rules": (
        newer(one("<tag>x</tag><categories>x</categories><max>5</max><shaper1>x</shaper1>")),
    ),
    "`<tagged>` `<sched>` `<tos>` `<prio>` of newer rules": tuple(
        newer(one(f"<{tag}>x</{tag}>")) for tag in ("tagged", "sched", "tos", "prio")
    ),
    "`<divert-to>`": (newer(one("<divert-to>8000</divert-to>")),),
    "a newer rule with `<enabled>` 0": (newer(one().replace(">1</enabled>", ">0</enabled>")),),
    "`<Filter><snatrules>` `<onetoone>` `<npt>`": (
        newer("<rule><interface>wan</interface><source_net>lan</source_net></rule>", "snatrules"),
        newer(
            "<rule><enabled>1</enabled><interface>wan</interface><source_net>192.168.1.20</source_net>"
            "<external>203.0.113.8</external></rule>",
            "onetoone",
        ),
        newer(
            "<rule><enabled>1</enabled><interface>wan</interface><source_net>fd00::/64</source_net>"
            "<destination_net>2001:db8::/64</destination_net></rule>",
            "npt",
        ),
    ),
    "`<Firewall><Alias>`": (opn(NEW_ALIAS, rule(destination=to("servers"))),),
    "`<Gateways>` of the newer pages": (opn(GATEWAY),),
    "`<OpenVPN><Instances>` `<wireguard>`": (
        opn(INSTANCE, rule("openvpn")), opn(WIREGUARD, rule("wireguard")),
    ),
    "`<Kea>` reservations": (opn(KEA),),
    "`<unboundplus>`": (opn("<unboundplus><general><enabled>1</enabled></general></unboundplus>"),),
    "plugins": (config(system="<firmware><plugins>os-haproxy</plugins></firmware>"),),
}  # fmt: skip


def states(text: str) -> set[str]:
    """What became of the construct that ``text`` has beside what is usual."""
    try:
        notes = device(text).ruleset.notes
    except ExceptionGroup:
        return {"refused"}
    usual = Counter(note.name for note in device(config()).ruleset.notes)
    found = Counter((note.name, note.support) for note in notes)
    return {str(support) for (name, support), count in found.items() if count > usual[name]} or {"modelled"}


@pytest.mark.parametrize(("name", "row", "state"), ROWS, ids=[f"{name} {row}" for name, row, _ in ROWS])
def test_a_construct_is_in_the_state_that_the_page_says(name: str, row: str, state: str) -> None:
    for text in SHOWN[row]:
        shown = text.replace("pfsense>", "opnsense>") if name == "opnsense" else text
        if row == "reply-to":
            notes = device(shown).ruleset.notes
            assert [note.support for note in notes if note.name == "reply-to"] == [Support.IGNORED]
        else:
            assert state in states(shown), text
            assert states(shown) <= {state, *(["ignored"] if state == "widened" else [])}, text


def test_every_row_is_shown() -> None:
    assert {row for _, row, _ in ROWS} == set(SHOWN)

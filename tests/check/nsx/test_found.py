"""Edges of all kinds: every finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.found import PLAIN, SPLIT, WWW, Case, found
from tests.check.nsx.edges import allow, dnat, edge, snat, vnic, words

AT, WEB, DMZ_WEB, RESOLVER = "203.0.113.7", "192.168.1.20", "192.168.20.20", "192.168.1.53"
SECOND = "<secondaryAddresses><ipAddress>203.0.113.8</ipAddress></secondaryAddresses>"
VNICS = vnic(0, "wan0", "uplink", f"{AT}/24", SECOND) + vnic(1, "lan0", "internal", "192.168.1.1/24")
INSIDE = VNICS + vnic(2, "dmz0", "internal", "192.168.20.1/24") + vnic(3, "vpn0", "internal", "10.8.0.1/24")
OUT = snat("192.168.0.0/16", AT, vnic="0")
FROM_INSIDE = allow("<vnicGroupId>internal</vnicGroupId>")
FROM_OUTSIDE = "<vnicGroupId>external</vnicGroupId>"


def to(address: str, service: str = "tcp 443", **more: str) -> str:
    return allow(FROM_OUTSIDE, f"<ipAddress>{address}</ipAddress>", service, **more)


def case(
    name: str,
    nat: str,
    rules: str,
    *findings: str,
    config: str = SPLIT,
    zone: str = WWW,
    vnics: str = VNICS,
    resolver: str = RESOLVER,
    more: str = "",
    groups: str = "",
) -> Case:
    text = edge(nat + OUT, FROM_INSIDE + rules, more, vnics)
    texts = (("nsx", text), *((("nsx", groups),) if groups else ()))
    return Case(name=name, texts=texts, findings=findings, config=config, zone=zone, resolver=resolver)


MAIL = WWW + "  mail: {A: {inside: 192.168.1.25, outside: 203.0.113.8}, expose: [25/tcp, 993/tcp]}\n"
IPSET = "<groupingObjectId>ipset-1</groupingObjectId>"
SOME = "<list><ipset><objectId>ipset-1</objectId><value>198.51.100.0/24</value></ipset></list>"
FORWARD = dnat(AT, WEB, vnic="0")
HAIRPIN = snat("192.168.1.0/24", "192.168.1.1", vnic="1", snatMatchDestinationAddress=WEB)
ONE_TO_ONE = dnat("203.0.113.8", "192.168.1.25", "any", protocol="any", vnic="0") + snat(
    "192.168.1.25", "203.0.113.8", vnic="0"
)
OTHERS = "192.168.1.54-192.168.1.255"
LED = dnat("any", RESOLVER, "53", protocol="udp", vnic="1", dnatMatchSourceAddress=OTHERS)
SIX = (
    VNICS
    + vnic(4, "six", "internal", "2001:db8:1::1/64")
    + vnic(5, "six-out", "uplink", "2001:db8::7/64")
)
BALANCED = words("virtualServer", ipAddress=AT, protocol="tcp", port="443")

CASES = (
    case(
        "a hairpin on the inside interface",
        FORWARD + dnat(AT, WEB, vnic="1") + HAIRPIN,
        to(AT),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info SRC-LOST-HAIRPIN www.example.com. 443/tcp | lan0 192.168.1.0/24",
        config=PLAIN,
    ),
    case(
        "half a hairpin: DNAT inside, and no SNAT",
        FORWARD + dnat(AT, WEB, vnic="1"),
        to(AT),
        "error HP-MISSING www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "error HP-SELF www.example.com. 443/tcp | 192.168.1.20",
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        config=PLAIN,
    ),
    case(
        "a rule for the server's own address, before translation",
        FORWARD,
        to(WEB),
        "error FWD-FILTERED www.example.com. 443/tcp | the internet",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
    ),
    case(
        "the same, matching what is translated",
        FORWARD,
        to(WEB, matchTranslated="true"),
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
    ),
    case(
        "a disabled forward",
        dnat(AT, WEB, vnic="0", enabled="false"),
        to(AT),
        "error FWD-MISSING www.example.com. 443/tcp | the internet",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
    ),
    case(
        "a forward applied on the wrong interface",
        dnat(AT, WEB, vnic="1"),
        to(AT),
        "error FWD-MISSING www.example.com. 443/tcp | the internet",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
    ),
    case(
        "one to one",
        ONE_TO_ONE + FORWARD,
        to(AT) + allow(FROM_OUTSIDE, "<ipAddress>203.0.113.8</ipAddress>"),
        "info HP-ONLY-FALLBACK mail.example.com. 25/tcp | lan0 192.168.1.0/24",
        "info HP-ONLY-FALLBACK mail.example.com. 993/tcp | lan0 192.168.1.0/24",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "warning EXP-WIDE-RANGE : 0-24,26-992,994-65535/tcp is led to 192.168.1.25: 65534 ports,"
        " and no name declares them | the internet",
        "warning EXP-WIDE-RANGE : every port/udp is led to 192.168.1.25: 65536 ports, and no name"
        " declares them | the internet",
        zone=MAIL,
    ),
    case(
        "one to one, and only what is named is let in",
        ONE_TO_ONE + FORWARD,
        to(AT) + to("203.0.113.8","tcp 25,993"),
        "info HP-ONLY-FALLBACK mail.example.com. 25/tcp | lan0 192.168.1.0/24",
        "info HP-ONLY-FALLBACK mail.example.com. 993/tcp | lan0 192.168.1.0/24",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        zone=MAIL,
    ),
    case(
        "addresses that no text tells",
        FORWARD,
        allow(IPSET, f"<ipAddress>{AT}</ipAddress>"),
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "info MODEL-UNKNOWN : groupingObjectId is widened: no text tells what 'ipset-1' is; its"
        " list can be read as another source of this dialect",
        "info MODEL-UNKNOWN www.example.com. 443/tcp | the internet",
    ),
    case(
        "the same, told",
        FORWARD,
        allow(IPSET, f"<ipAddress>{AT}</ipAddress>","tcp 443"),
        "info FWD-FILTERED www.example.com. 443/tcp | the internet",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        groups=SOME,
    ),
    case(
        "a DMZ behind the edge",
        dnat(AT, DMZ_WEB),
        to(AT),
        "info HP-DNAT-WAN-ONLY www.example.com. 443/tcp | the gateway",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | dmz0 192.168.20.0/24",
        "info HP-UNNEEDED www.example.com. 443/tcp | lan0 192.168.1.0/24, vpn0 10.8.0.0/24",
        vnics=INSIDE,
        config=PLAIN,
        zone=WWW.replace(WEB, DMZ_WEB),
    ),
    case(
        "the edge's own SSH and SSL VPN",
        FORWARD,
        to(AT) + allow(FROM_OUTSIDE, "<vnicGroupId>vse</vnicGroupId>"),
        "critical EXP-ADMIN : the internet may reach the gateway's own 22/tcp at 203.0.113.7 | the"
        " internet",
        "critical EXP-ADMIN : the internet may reach the gateway's own 22/tcp at 203.0.113.8 | the"
        " internet",
        "critical EXP-OPEN-RESOLVER : the gateway's own resolver answers the internet: 53/tcp at"
        " 203.0.113.7 | the internet",
        "critical EXP-OPEN-RESOLVER : the gateway's own resolver answers the internet: 53/tcp at"
        " 203.0.113.8 | the internet",
        "critical EXP-OPEN-RESOLVER : the gateway's own resolver answers the internet: 53/udp at"
        " 203.0.113.7 | the internet",
        "critical EXP-OPEN-RESOLVER : the gateway's own resolver answers the internet: 53/udp at"
        " 203.0.113.8 | the internet",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
    ),
    case(
        "a load balancer for the service",
        "",
        to(AT),
        "info MODEL-UNKNOWN : virtualServer is widened: the load balancer's choice and its pools"
        " are not modelled",
        "info MODEL-UNKNOWN www.example.com. 443/tcp | the internet",
        more=f"<loadBalancer><enabled>true</enabled>{BALANCED}</loadBalancer>",
    ),
    case(
        "DNS is led to the resolver",
        FORWARD + LED,
        to(AT),
        "error RED53-ASYM : redirected queries of lan0 192.168.1.0/24 are answered past the"
        " gateway | lan0 192.168.1.0/24",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "warning RED53-PARTIAL : only udp port 53 of lan0 192.168.1.0/24 is redirected | lan0"
        " 192.168.1.0/24",
    ),
    case(
        "an open resolver",
        FORWARD + dnat(AT, RESOLVER, "53", protocol="tcpudp", vnic="0"),
        to(AT) + to(AT, "udp 53") + to(AT, "tcp 53"),
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "warning EXP-UNNAMED : 53/tcp is open to the internet at 192.168.1.53, and no name"
        " declares it | the internet",
        "warning EXP-UNNAMED : 53/udp is open to the internet at 192.168.1.53, and no name"
        " declares it | the internet",
        resolver=f"{RESOLVER}, {AT}",
    ),
    case(
        "IPv6 that the firewall lets in",
        FORWARD,
        to(AT) + allow(FROM_OUTSIDE, service="tcp 22"),
        "critical EXP-ADMIN : the internet may reach the gateway's own 22/tcp at 2001:db8::7,"
        " 2001:db8:1::1 | the internet at six-out",
        "critical EXP-ADMIN : the internet may reach the gateway's own 22/tcp at 203.0.113.7 | the"
        " internet at wan0",
        "critical EXP-ADMIN : the internet may reach the gateway's own 22/tcp at 203.0.113.8 | the"
        " internet at wan0",
        "critical EXP-V6-OPEN : the internet may reach 2001:db8:1::,"
        " 2001:db8:1::2-2001:db8:1:0:ffff:ffff:ffff:ffff at 22/tcp over IPv6, and no name"
        " declares it | the internet at six-out",
        "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24",
        "info MODEL-UNKNOWN www.example.com. 443/tcp | the internet at wan0",
        vnics=SIX,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_finding_is_the_one_expected(case: Case, tmp_path: Path) -> None:
    assert found(case, tmp_path) == sorted(case.findings)

"""Every finding appears where it should, and disappears when what it speaks of is mended: a pair a code."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from splitdns.check.finding import Code
from splitdns.check.model import Network, Route
from tests.check.world import (
    CONFIG,
    DMZ,
    FORWARD,
    HAIRPIN,
    MASQUERADE,
    NETWORK,
    PLAIN,
    SPLIT,
    World,
    filtered,
    interface,
    nat,
)

Pair = Callable[[World], tuple[World, World]]

CLOSED = filtered(
    "-A INPUT -i wan0 -m conntrack --ctstate NEW -j DROP\n",
    "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n",
    "-A FORWARD -d 192.168.1.20/32 -p tcp -m tcp --dport 443 -j ACCEPT\n",
    "-A FORWARD ! -i wan0 -j ACCEPT\n",
)
HOST = "{hosts: {web: {addresses: [192.168.1.20/24]}}}"
DNS = "{resolver: [192.168.1.53]}"
SIX = replace(
    NETWORK,
    interfaces=(
        interface("wan0", "203.0.113.7/24", "2001:db8:ffff::7/64", uplink=True),
        interface("lan0", "192.168.1.1/24", "2001:db8:1::1/64"),
    ),
    routes=(*NETWORK.routes, Route(ip_network("::/0"), "wan0", ip_address("2001:db8:ffff::1"))),
)


def to_web(match: str, to: str = "192.168.1.20:443") -> str:
    return f"-A PREROUTING {match} -j DNAT --to-destination {to}\n"


def dns(*protocols: str, exempt: str = "") -> str:
    """LAN clients' DNS, led to the resolver."""
    return "".join(
        to_web(f"{exempt} -i lan0 ! -d 192.168.1.53/32 -p {one} -m {one} --dport 53", "192.168.1.53")
        for one in protocols
    )


DNS_HAIRPIN = "-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.53/32 -j MASQUERADE\n"
NOT_THE_RESOLVER = "! -s 192.168.1.53/32"
HTTPS = "-p tcp -m tcp --dport 443"
AT_WAN = f"-d 203.0.113.7/32 {HTTPS}"


def jumping(chain: str, match: str, rule: str) -> str:
    """The nat table with a chain as another program keeps it."""
    head = f"*nat\n:PREROUTING ACCEPT [0:0]\n:{chain} - [0:0]\n"
    return f"{head}{FORWARD}-A PREROUTING {match} -j {chain}\n-A {chain} {rule}\nCOMMIT\n"


def uplink(*addresses: str, dynamic: bool = False) -> Network:
    return replace(
        NETWORK,
        interfaces=(interface("wan0", *addresses, uplink=True, dynamic=dynamic), *NETWORK.interfaces[2:]),
    )


PAIRS: dict[Code, Pair] = {
    Code.DNS_VIEW_LOST: lambda w: (
        w.but(gateway=DNS, rules=nat(FORWARD, "-A POSTROUTING -s 10.8.0.0/24 -j MASQUERADE\n")),
        w.but(gateway=DNS),
    ),
    Code.EXP_OPEN_RESOLVER: lambda w: (
        w.but(gateway="{resolver: [203.0.113.7, 192.168.1.1]}", config=OPEN_TO_NEIGHBOURS),
        w.but(gateway="{resolver: [203.0.113.7, 192.168.1.1]}"),
    ),
    Code.EXP_ADMIN: lambda w: (w, w.but(rules=w.rules + CLOSED)),
    Code.EXP_V6_OPEN: lambda w: (
        w.but(network=SIX),
        w.but(network=SIX, rules6=filtered("-A FORWARD -i lan0 -j ACCEPT\n")),
    ),
    Code.NAT_HIJACK_OUT: lambda w: (w.but(rules=nat(to_web(HTTPS), MASQUERADE)), w),
    Code.FWD_OFF: lambda w: (w.but(network=replace(NETWORK, forwards={4: False, 6: True})), w),
    Code.FWD_MISSING: lambda w: (w.but(rules=nat(MASQUERADE)), w),
    Code.FWD_WRONG_HOST: lambda w: (w.but(rules=nat(to_web(AT_WAN, "192.168.1.21:443"))), w),
    Code.FWD_WRONG_PORT: lambda w: (w.but(rules=nat(to_web(AT_WAN, "192.168.1.20:8443"))), w),
    Code.FWD_SHADOWED: lambda w: (
        w.but(rules=nat(to_web(AT_WAN, "192.168.1.21:443"), FORWARD)),
        w.but(rules=nat(FORWARD, to_web(AT_WAN, "192.168.1.21:443"))),
    ),
    Code.FWD_FILTERED: lambda w: (
        w.but(rules=w.rules + filtered("-A FORWARD -i lan0 -j ACCEPT\n")),
        w.but(rules=w.rules + CLOSED),
    ),
    Code.FWD_PRENAT_MATCH: lambda w: (
        w.but(rules=w.rules + filtered(f"-A FORWARD {AT_WAN} -j ACCEPT\n")),
        w.but(rules=w.rules + CLOSED),
    ),
    Code.HP_MISSING: lambda w: (w.but(zone=PLAIN), w.but(zone=PLAIN, rules=nat(FORWARD, HAIRPIN))),
    Code.HP_DNAT_WAN_ONLY: lambda w: (
        w.but(zone=PLAIN, rules=nat(to_web(f"-i wan0 {HTTPS}"))),
        w.but(rules=nat(to_web(f"-i wan0 {HTTPS}"))),
    ),
    Code.HP_FILTERED: lambda w: (
        w.but(zone=PLAIN, rules=nat(FORWARD, HAIRPIN) + filtered("-A FORWARD -i wan0 -j ACCEPT\n")),
        w.but(zone=PLAIN, rules=nat(FORWARD, HAIRPIN) + CLOSED),
    ),
    Code.HP_SELF: lambda w: (
        w.but(zone=PLAIN_BUT_FOR_THE_HOST, gateway=HOST),
        w.but(zone=PLAIN_BUT_FOR_THE_HOST, gateway=HOST, rules=nat(FORWARD, HAIRPIN)),
    ),
    Code.HP_BRIDGE_NF: lambda w: (
        w.but(zone=PLAIN, network=bridged(None), rules=nat(FORWARD), gateway=ON_PORTS),
        w.but(zone=PLAIN, network=bridged(True), rules=nat(FORWARD), gateway=ON_PORTS),
    ),
    Code.HP_ZONE_UNCOVERED: lambda w: (
        w.but(zone=PLAIN, network=TWO_LANS, rules=nat(FORWARD, HAIRPIN)),
        w.but(zone=PLAIN, network=TWO_LANS, rules=nat(FORWARD, HAIRPIN, HAIRPIN.replace("1.0/24", "1.0/23"))),
    ),
    Code.DNS_PORT_TRANSLATED: lambda w: (
        w.but(zone=TRANSLATED, rules=nat(to_web("-d 203.0.113.7/32 -p tcp --dport 8443"))),
        w,
    ),
    Code.DNS_WAN_STALE: lambda w: (w.but(network=uplink("203.0.113.8/24")), w),
    Code.DNS_PRIVATE_PUBLIC: lambda w: (
        w.but(zone=SPLIT + "  nas: {A: 192.168.1.30}\n"),
        w.but(zone=SPLIT + "  nas: {A: {inside: 192.168.1.30}}\n"),
    ),
    Code.DNS_V6_SPLIT_LEAK: lambda w: (
        w.but(zone=SPLIT.replace("expose", 'AAAA: "2001:db8:9::1", expose')),
        w.but(zone=SPLIT.replace("expose", 'AAAA: {outside: "2001:db8:9::1"}, expose')),
    ),
    Code.RED53_ASYM: lambda w: (
        w.but(gateway=DNS, rules=nat(dns("udp", "tcp", exempt=NOT_THE_RESOLVER))),
        w.but(gateway=DNS, rules=nat(dns("udp", "tcp", exempt=NOT_THE_RESOLVER), DNS_HAIRPIN)),
    ),
    Code.RED53_LOOP: lambda w: (
        w.but(gateway=DNS, rules=nat(dns("udp", "tcp"), DNS_HAIRPIN)),
        w.but(gateway=DNS, rules=nat(dns("udp", "tcp", exempt=NOT_THE_RESOLVER), DNS_HAIRPIN)),
    ),
    Code.RED53_PARTIAL: lambda w: (
        w.but(gateway=DNS, rules=nat(dns("udp", exempt=NOT_THE_RESOLVER), DNS_HAIRPIN)),
        w.but(gateway=DNS, rules=nat(dns("udp", "tcp", exempt=NOT_THE_RESOLVER), DNS_HAIRPIN)),
    ),
    Code.ROUTE_HOST_BYPASS: lambda w: (
        w.but(
            zone=PLAIN.replace("443/tcp", "{public: 8443/tcp, inside: 443/tcp}"),
            gateway=SECOND_ADDRESS,
            rules=nat(to_web("-d 203.0.113.7/32 -p tcp --dport 8443")),
        ),
        w.but(zone=PLAIN, gateway=SECOND_ADDRESS),
    ),
    Code.ASYM_GATEWAY: lambda w: (
        w.but(zone=DMZ, rules=nat(to_web(AT_WAN, "192.168.20.20:443")), gateway=OTHER_GATEWAY),
        w.but(zone=DMZ, rules=nat(to_web(AT_WAN, "192.168.20.20:443"))),
    ),
    Code.EXP_UNNAMED: lambda w: (
        w.but(rules=nat(FORWARD, to_web("-d 203.0.113.7/32 -p tcp -m tcp --dport 8080", "192.168.1.21:80"))),
        w,
    ),
    Code.EXP_DYNAMIC: lambda w: (
        w.but(
            rules=jumping(
                "MINIUPNPD",
                "-i wan0",
                "-p tcp -m tcp --dport 6881 -j DNAT --to-destination 192.168.1.77:6881",
            )
        ),
        w,
    ),
    Code.EXP_DOCKER_BYPASS: lambda w: (
        w.but(
            rules=jumping(
                "DOCKER",
                "-m addrtype --dst-type LOCAL",
                "! -i docker0 -p tcp -m tcp --dport 5432 -j DNAT --to-destination 172.17.0.2:5432",
            ),
            network=DOCKER,
        ),
        w.but(network=DOCKER),
    ),
    Code.EXP_WIDE_RANGE: lambda w: (
        w.but(rules=nat(FORWARD, to_web("-d 203.0.113.7/32 -p udp --dport 10000:20000", "192.168.1.21"))),
        w,
    ),
    Code.SRC_LOST_WAN: lambda w: (w.but(rules=nat(FORWARD, "-A POSTROUTING -j MASQUERADE\n")), w),
    Code.NAT_CAPTURES_ROUTER: lambda w: (
        w.but(rules=nat(FORWARD, f"-A OUTPUT {HTTPS} -j DNAT --to-destination 192.168.1.20:443\n")),
        w.but(rules=nat(FORWARD, f"-A OUTPUT {AT_WAN} -j DNAT --to-destination 192.168.1.20:443\n")),
    ),
    Code.NAT_DEAD_TARGET: lambda w: (
        w.but(rules=nat(FORWARD, to_web("-d 203.0.113.7/32 -p tcp -m tcp --dport 25", "172.31.9.9:25"))),
        w,
    ),
    Code.TGT_DHCP: lambda w: (
        w.but(gateway="{hosts: {web: {addresses: [192.168.1.20/24], dhcp: true}}}"),
        w.but(gateway=HOST),
    ),
    Code.WAN_DYNAMIC_LITERAL: lambda w: (
        w.but(network=uplink("203.0.113.7/24", dynamic=True)),
        w.but(
            network=uplink("203.0.113.7/24", dynamic=True),
            rules=nat(to_web(f"-m addrtype --dst-type LOCAL {HTTPS}")),
        ),
    ),
    Code.WAN_CGNAT: lambda w: (w.but(network=uplink("100.64.3.9/10")), w),
    Code.DNS_NAME_NO_SERVICE: lambda w: (
        w.but(zone=SPLIT + "  old: {A: $wan4}\n"),
        w.but(zone=SPLIT + "  old: {A: $wan4, expose: [443/tcp]}\n"),
    ),
    Code.RULE_CONFLICT_TABLES: lambda w: (
        w.but(rules=w.rules + CLOSED + CLOSED.replace("*filter", "*security").replace("443", "444")),
        w.but(rules=w.rules + CLOSED),
    ),
    Code.ACCEPT_STALE: lambda w: (
        w.but(gateway=ACCEPTED),
        w.but(gateway=ACCEPTED, rules=nat(MASQUERADE)),
    ),
    Code.HP_UNNEEDED: lambda w: (
        w.but(zone=DMZ, rules=nat(to_web(AT_WAN, "192.168.20.20:443"))),
        w.but(network=replace(NETWORK, interfaces=NETWORK.interfaces[1:3])),
    ),
    Code.HP_ONLY_FALLBACK: lambda w: (w, w.but(rules=nat(FORWARD, HAIRPIN))),
    Code.SRC_LOST_HAIRPIN: lambda w: (w.but(rules=nat(FORWARD, HAIRPIN)), w),
    Code.MODEL_UNKNOWN: lambda w: (
        w.but(rules=nat(to_web(f"-m time --timestart 08:00:00 {AT_WAN}"))),
        w,
    ),
}

ACCEPTED = '{accept: [{code: FWD-MISSING, subject: "www.example.com. 443/tcp", reason: not yet}]}'
OPEN_TO_NEIGHBOURS = CONFIG.replace("10.8.0.0/24]", "10.8.0.0/24, 203.0.113.0/24]")
PLAIN_BUT_FOR_THE_HOST = PLAIN
TRANSLATED = SPLIT.replace("443/tcp", "{public: 8443/tcp, inside: 443/tcp}")
TWO_LANS = replace(
    NETWORK, interfaces=(*NETWORK.interfaces[:2], interface("lan0", "192.168.1.1/24", "192.168.0.1/24"))
)
ON_PORTS = """
  hosts: {web: {addresses: [192.168.1.20/24], port: eth1}}
  clients: {pc: {prefixes: [192.168.1.128/25], interface: br0, on_link: true, port: eth2}}
"""
SECOND_ADDRESS = """
  hosts: {web: {addresses: [192.168.1.20/24, 203.0.113.7/32]}}
  clients:
    pc:
      prefixes: [192.168.1.128/25]
      interface: lan0
      on_link: true
      routes: {203.0.113.7/32: 192.168.1.20}
"""
OTHER_GATEWAY = "{hosts: {web: {addresses: [192.168.20.20/24], gateway: [192.168.20.254]}}}"
DOCKER = replace(NETWORK, interfaces=(*NETWORK.interfaces, interface("docker0", "172.17.0.1/16")))


def bridged(bridge_nf: bool | None) -> Network:
    ports = (
        interface("br0", "192.168.1.1/24"),
        replace(interface("eth1"), bridge="br0"),
        replace(interface("eth2"), bridge="br0"),
    )
    return replace(
        NETWORK, interfaces=(NETWORK.interfaces[1], *ports), bridge_nf={4: bridge_nf, 6: bridge_nf}
    )


@pytest.mark.parametrize("code", Code, ids=lambda code: code.value)
def test_a_finding_appears_and_its_twin_has_none(code: Code, tmp_path: Path) -> None:
    (tmp_path / "appears").mkdir()
    (tmp_path / "twin").mkdir()
    appears, twin = PAIRS[code](World(tmp_path))

    found = appears.but(directory=tmp_path / "appears").findings(code)
    gone = twin.but(directory=tmp_path / "twin").findings(code)

    assert found, f"{code} does not appear: {appears.codes()}"
    assert not gone, f"{code} appears in the twin: {[one.message for one in gone]}"

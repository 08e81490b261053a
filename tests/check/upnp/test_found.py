"""Lists of leases beside a plain gateway: every finding."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.found import WWW, Case, found

# Forwards 443/tcp at its address to the web server, and drops all else that comes by its uplink.
GATEWAY = """\
uplinks: wan0
interfaces: {wan0: [203.0.113.7/24, "2001:db8::7/64"], lan0: [192.168.1.1/24, "2001:db8:1::1/64"]}
forwards: [{port: 443/tcp, to: 192.168.1.20}]
"""
# The same, where a forward needs a rule of the filter as well.
STRICT = GATEWAY + "filter: {forwards: by rules, rules: [{allow: 443/tcp, to: 192.168.1.20}]}\n"
GAME = WWW + "  game: {A: {inside: 192.168.1.21, outside: $wan4}, expose: [27015/udp]}\n"
HEAD = " i protocol exPort->inAddr:inPort description remoteHost leaseTime\n"
UPNPC = f"upnpc : miniupnpc library test client\n{HEAD}"
END = "SpecifiedArrayIndexInvalid"
WEB = "info HP-ONLY-FALLBACK www.example.com. 443/tcp | lan0 192.168.1.0/24"
GAME_INSIDE = "info HP-ONLY-FALLBACK game.example.com. 27015/udp | lan0 192.168.1.0/24"


def case(name: str, leases: str, *findings: str, gateway: str = GATEWAY, zone: str = WWW) -> Case:
    texts = (("table", gateway), ("upnp", leases))
    return Case(name=name, texts=texts, findings=findings, zone=zone)


def dynamic(port: str, to: str = "192.168.1.30") -> str:
    return f"warning EXP-DYNAMIC : {port} is led to {to} by a lease that a device asked for | the internet"


CASES = (
    case("nothing is leased", "", WEB),
    case("nothing is listed", f"{UPNPC}GetGenericPortMappingEntry() returned 713 ({END})\n", WEB),
    case("a port that nobody declared", "TCP:25565:192.168.1.30:25565:0:cubes\n", WEB, dynamic("25565/tcp")),
    case(
        "the same, as upnpc lists it",
        f"{UPNPC} 0 TCP 25565->192.168.1.30:25565 'cubes' '' 3600\n",
        WEB,
        dynamic("25565/tcp"),
    ),
    case(
        "the same, in JSON",
        '[{"protocol": "tcp", "port": 25565, "to": "192.168.1.30"}]',
        WEB,
        dynamic("25565/tcp"),
    ),
    case(
        "a lease past a strict filter",
        "TCP:25565:192.168.1.30:25565:0:cubes\n",
        WEB,
        dynamic("25565/tcp"),
        gateway=STRICT,
    ),
    case(
        "a declared service that nobody leased",
        "",
        "error FWD-MISSING game.example.com. 27015/udp | the internet",
        WEB,
        GAME_INSIDE,
        zone=GAME,
    ),
    case("the same, leased", "UDP:27015:192.168.1.21:27015:0:game\n", WEB, GAME_INSIDE, zone=GAME),
    case(
        "the same, leased by another host",
        "UDP:27015:192.168.1.30:27015:0:game\n",
        "error FWD-WRONG-HOST game.example.com. 27015/udp | the internet",
        WEB,
        GAME_INSIDE,
        zone=GAME,
    ),
    case(
        "a lease before the gateway's own forward",
        "TCP:443:192.168.1.30:443:0:camera\n",
        "error FWD-WRONG-HOST www.example.com. 443/tcp | the internet",
        WEB,
    ),
    case("a lease to another port", "TCP:8080:192.168.1.30:80:0:camera\n", WEB, dynamic("8080/tcp")),
    case(
        "a lease for one client only",
        f"{UPNPC} 0 TCP 25565->192.168.1.30:25565 'cubes' '198.51.100.9' 0\n",
        WEB,
        dynamic("25565/tcp"),
    ),
    case(
        "both protocols of one port",
        "TCP:51413:192.168.1.30:51413:0:files\nUDP:51413:192.168.1.30:51413:0:files\n",
        WEB,
        dynamic("51413/tcp"),
        dynamic("51413/udp"),
    ),
    case("a lease of DNS", "UDP:53:192.168.1.53:53:0:dns\n", WEB, dynamic("53/udp", "192.168.1.53")),
    case(
        "a pinhole of IPv6",
        "TCP;2001:db8:1::30;22;;0;1;0;ssh\n",
        "critical EXP-V6-OPEN : the internet may reach 2001:db8:1::30 at 22/tcp over IPv6, and no name"
        " declares it | the internet",
        WEB,
    ),
)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_finding_is_the_one_expected(case: Case, tmp_path: Path) -> None:
    assert found(case, tmp_path) == sorted(case.findings)

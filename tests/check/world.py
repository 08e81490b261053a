"""A network behind NAT to check, in a few lines: zones, rules, and the gateway between them.

The gateway has an uplink, a LAN, a DMZ and a VPN; the web server is on the LAN, another in the DMZ.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_interface, ip_network
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.check.dialects import iptables
from splitdns.check.dialects.ipset import IpSets
from splitdns.check.finding import Code, Finding
from splitdns.check.model import Gateway, Interface, InterfaceAddress, Network, Route, Ruleset
from splitdns.load.gateway import GatewaySettings
from splitdns.load.load import Known, Loaded, load, written

if TYPE_CHECKING:
    from splitdns.check.check import Checked

CONFIG = """\
listen: ["0.0.0.0:53"]
views:
  lan:      {clients: [192.168.0.0/16, "fd00::/8"], horizon: [inside],      recursion: true}
  vpn:      {clients: [10.8.0.0/24],                horizon: [vpn, inside], recursion: true}
  internet: {clients: [any],                        horizon: [outside]}
zones: [zones]
wan: {ipv4: 203.0.113.7}
forward: []
"""
# What everybody is told; `split` is the same with the inside address for those inside.
PLAIN = "zone: example.com\nns: [ns.example.net.]\nrecords:\n  www: {A: $wan4, expose: [443/tcp]}\n"
SPLIT = PLAIN.replace("A: $wan4", "A: {inside: 192.168.1.20, outside: $wan4}")
DMZ = PLAIN.replace("A: $wan4", "A: {inside: 192.168.20.20, outside: $wan4}")

_TO_WEB = "-j DNAT --to-destination 192.168.1.20:443"
FORWARD = f"-A PREROUTING -d 203.0.113.7/32 -p tcp -m tcp --dport 443 {_TO_WEB}\n"
HAIRPIN = "-A POSTROUTING -s 192.168.1.0/24 -d 192.168.1.20/32 -p tcp -m tcp --dport 443 -j MASQUERADE\n"
MASQUERADE = "-A POSTROUTING -o wan0 -j MASQUERADE\n"


def interface(
    name: str, *addresses: str, uplink: bool = False, dynamic: bool = False, **more: bool
) -> Interface:
    own = (ip_interface(address) for address in addresses)
    return Interface(
        name, tuple(InterfaceAddress(one.ip, one.network, dynamic) for one in own), uplink=uplink, **more
    )


NETWORK = Network(
    (
        interface("lo", "127.0.0.1/8"),
        interface("wan0", "203.0.113.7/24", uplink=True),
        interface("lan0", "192.168.1.1/24"),
        interface("dmz0", "192.168.20.1/24"),
        interface("wg0", "10.8.0.1/24", point_to_point=True),
    ),
    (Route(ip_network("0.0.0.0/0"), "wan0", ip_interface("203.0.113.1/24").ip),),
)


def nat(*rules: str) -> str:
    """The nat table with these rules, as iptables-save prints it."""
    chains = "".join(f":{name} ACCEPT [0:0]\n" for name in ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"))
    return f"*nat\n{chains}{''.join(rules)}COMMIT\n"


def filtered(*rules: str, forward: str = "DROP", input: str = "ACCEPT") -> str:  # noqa: A002 (the chain's name)
    """The filter table with these rules."""
    chains = f":INPUT {input} [0:0]\n:FORWARD {forward} [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    return f"*filter\n{chains}{''.join(rules)}COMMIT\n"


def loaded(
    directory: Path,
    *,
    gateway: str = "",
    zones: Mapping[str, str] | None = None,
    config: str = CONFIG,
    known: Known = written,
) -> Loaded:
    """The configuration with a ``gateway`` section (what is under it, indented or in braces), and zones."""
    path = directory / "splitdns.yaml"
    path.write_text(f"{config}gateway: {gateway or '{}'}\n")
    (directory / "zones").mkdir(exist_ok=True)
    for name, text in ({"example.com.yaml": SPLIT} if zones is None else zones).items():
        (directory / "zones" / name).write_text(text)
    return load(path, generation=1, now_s=0.0, known=known)


def settings_of(found: Loaded) -> GatewaySettings:
    assert found.settings.gateway is not None
    return found.settings.gateway


@dataclass(frozen=True)
class World:
    """Everything that decides; ``checked`` is what the check says to it."""

    directory: Path
    rules: str = nat(FORWARD, MASQUERADE)
    rules6: str = ""
    zone: str = SPLIT
    gateway: str = ""
    network: Network = NETWORK
    config: str = CONFIG
    file: str = "example.com.yaml"
    known: Known = written

    def but(self, **changes: object) -> World:
        return replace(self, **changes)  # type: ignore[arg-type]

    def checked(self) -> Checked:
        from splitdns.check.check import check

        zones = {self.file: self.zone}
        found = loaded(
            self.directory, gateway=self.gateway, zones=zones, config=self.config, known=self.known
        )
        assert not found.faults, found.faults
        ruleset = Ruleset()
        for family, text in ((4, self.rules), (6, self.rules6)):
            if text:
                ruleset = ruleset.with_(iptables.read(text, f"rules.v{family}", family=family, sets=IpSets()))
        return check(Gateway(self.network, ruleset), settings_of(found), found)

    def findings(self, code: Code) -> list[Finding]:
        return [one for one in self.checked().findings if one.code is code]

    def codes(self) -> set[str]:
        return {one.code.value for one in self.checked().findings}

"""A gateway's own files for the desk: addresses, routes and rules, as its tools print them."""

from __future__ import annotations

import json
from pathlib import Path

from tests.check.world import FORWARD, MASQUERADE, nat

SOURCES = """\
gateway:
  sources:
    - {dialect: iptables, file: rules.v4}
    - {dialect: ip-address, file: addresses.json}
    - {dialect: ip-route, file: routes.json}
    - {dialect: sysctl, file: sysctl.txt}
  resolver: [192.168.10.53]
  listens: [22/tcp]
"""
ONLY_443 = "  hosts: {web: {addresses: [192.168.10.20/24], listens: [443/tcp]}}\n"
ZONE = """\
zone: example.com
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.10.20, outside: $wan4}, expose: [443/tcp]}
  old: {A: $wan4, expose: [444/tcp]}
"""
RULES = nat(FORWARD.replace("192.168.1.", "192.168.10."), MASQUERADE)


def link(number: int, name: str, address: str, length: int) -> dict[str, object]:
    return {
        "ifindex": number,
        "ifname": name,
        "flags": ["BROADCAST", "MULTICAST", "UP", "LOWER_UP"],
        "operstate": "UP",
        "link_type": "ether",
        "addr_info": [{"family": "inet", "local": address, "prefixlen": length, "scope": "global"}],
    }


def lay(directory: Path, rules: str = RULES) -> None:
    """Add the gateway to the configuration in ``directory``."""
    config = directory / "splitdns.yaml"
    config.write_text(config.read_text() + SOURCES)
    (directory / "zones" / "example.com.yaml").write_text(ZONE)
    (directory / "rules.v4").write_text(rules)
    links = [link(2, "wan0", "203.0.113.7", 24), link(3, "lan0", "192.168.10.1", 24)]
    (directory / "addresses.json").write_text(json.dumps(links))
    routes = [{"dst": "default", "gateway": "203.0.113.1", "dev": "wan0", "flags": []}]
    (directory / "routes.json").write_text(json.dumps(routes))
    switches = ("net.ipv4.ip_forward = 1", "net.ipv4.conf.all.rp_filter = 0")
    (directory / "sysctl.txt").write_text("\n".join(switches) + "\n")

"""Routers for tests, in UCI: the usual one has a LAN, a DMZ, guests, and an uplink with a fixed address."""

from __future__ import annotations

from dataclasses import replace

from splitdns.check.dialects.openwrt.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Chain, Device, Gateway, Host, Network, Note, Rule
from splitdns.check.network import Kind
from tests.check.gateways import INTERNET as ANYBODY
from tests.check.gateways import clients, host

NETWORK = """\
config interface 'loopback'
	option device 'lo'
	option proto 'static'
	list ipaddr '127.0.0.1/8'

config device
	option name 'br-lan'
	option type 'bridge'
	list ports 'lan1'
	list ports 'lan2'

config interface 'lan'
	option device 'br-lan'
	option proto 'static'
	option ipaddr '192.168.1.1'
	option netmask '255.255.255.0'

config interface 'dmz'
	option device 'lan3'
	option proto 'static'
	list ipaddr '10.0.0.1/24'

config interface 'guest'
	option device 'lan4'
	option proto 'static'
	list ipaddr '192.168.9.1/24'

config interface 'wan'
	option device 'eth0'
	option proto 'static'
	list ipaddr '203.0.113.2/24'
	option gateway '203.0.113.1'
"""
DEFAULTS = """\
config defaults
	option input 'REJECT'
	option output 'ACCEPT'
	option forward 'REJECT'
"""


def zone(name: str, *networks: str, masq: bool = False, **more: str) -> str:
    """A zone that accepts, or, where it masquerades, rejects."""
    policy = "REJECT" if masq else "ACCEPT"
    usual = {"input": policy, "output": "ACCEPT", "forward": policy}
    options = {**usual, **({"masq": "1"} if masq else {}), **more}
    return section("zone", name=name, network=list(networks or (name,)), **options)


def section(kind: str, called: str = "", /, **options: str | list[str]) -> str:
    """As a file has it; lists are lists."""
    lines = [f"config {kind}" + (f" '{called}'" if called else "")]
    for name, value in options.items():
        name = name.rstrip("_")
        if isinstance(value, list):
            lines += [f"\tlist {name} '{one}'" for one in value]
        else:
            lines.append(f"\toption {name} '{value}'")
    return "\n".join(lines) + "\n\n"


_CLOSED = {"input": "REJECT", "forward": "REJECT"}
ZONES = (
    zone("lan") + zone("dmz", **_CLOSED) + zone("guest", **_CLOSED) + zone("wan", masq=True)
    + "".join(section("forwarding", src=one, dest="wan") for one in ("lan", "guest"))
    + section("forwarding", src="lan", dest="dmz")
)  # fmt: skip
WEB = "192.168.1.20"
DMZ_WEB = "10.0.0.20"


def redirect(to: str = WEB, dest: str = "lan", **more: str | list[str]) -> str:
    options: dict[str, str | list[str]] = {
        "src": "wan", "src_dport": "443", "dest": dest, "dest_ip": to, "proto": "tcp", "target": "DNAT"
    }  # fmt: skip
    return section("redirect", **{**options, **more})


def device(*firewall: str, network: str = NETWORK, dhcp: str = "", around: Network | None = None) -> Device:
    texts = [Printed(network, "network"), Printed("".join(firewall), "firewall")]
    if dhcp:
        texts.append(Printed(dhcp, "dhcp"))
    return read(texts, around or Network())


def usual(*more: str, network: str = NETWORK) -> Device:
    return device(DEFAULTS, ZONES, *more, network=network)


def gateway(*more: str, hosts: tuple[Host, ...] = (), network: str = NETWORK) -> Gateway:
    found = usual(*more, network=network)
    return Gateway(
        found.network,
        found.ruleset,
        hosts or (host("web", f"{WEB}/24"), host("dmz-web", f"{DMZ_WEB}/24")),
    )


def chain(of: Device, name: str) -> Chain:
    return next(one for one in of.ruleset.chains if one.name == name)


def rules(name: str, *more: str) -> tuple[Rule, ...]:
    """Of one chain of the usual router with ``more``, without those that it has anyway."""
    found = chain(usual(*more), name).rules
    before = len(chain(usual(), name).rules)
    return found[: len(found) - before]


def notes(*more: str) -> list[Note]:
    """Of what ``more`` brings."""
    return [one for one in usual(*more).ruleset.notes if one not in usual().ruleset.notes]


INTERNET = replace(ANYBODY, interface="eth0")
LAN_CLIENT = clients("lan", Kind.NETWORK, "br-lan", "192.168.1.50", near="192.168.1.0/24")
DMZ_CLIENT = clients("dmz", Kind.NETWORK, "lan3", "10.0.0.50", near="10.0.0.0/24")
GUEST = clients("guest", Kind.NETWORK, "lan4", "192.168.9.50", near="192.168.9.0/24")

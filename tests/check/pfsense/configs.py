"""Pieces of a ``config.xml``, as the web interfaces of pfSense and OPNsense write them.

The usual gateway has 203.0.113.7 on its WAN, a LAN with 192.168.1.1/24, a DMZ (opt1) with 192.168.20.1/24.
"""

from __future__ import annotations

from splitdns.check.dialects.opnsense import read as opnsense
from splitdns.check.dialects.pfsense import read as pfsense
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Gateway, Host, Kind, Network
from tests.check.gateways import clients, host

PUBLIC, WEB, DMZ_WEB = "203.0.113.7", "192.168.1.20", "192.168.20.20"
PURE = "<enablenatreflectionpurenat>yes</enablenatreflectionpurenat>"
NO_REFLECTION = "<disablenatreflection>yes</disablenatreflection>"
HELPER = "<enablenatreflectionhelper>yes</enablenatreflectionhelper>"

WAN = """\
    <wan>
      <enable>1</enable>
      <if>igb0</if>
      <descr>WAN</descr>
      <ipaddr>203.0.113.7</ipaddr>
      <subnet>24</subnet>
      <gateway>WANGW</gateway>
      <blockpriv>1</blockpriv>
      <blockbogons>1</blockbogons>
    </wan>
"""
LEASED_WAN = """\
    <wan>
      <enable>1</enable>
      <if>igb0</if>
      <descr>WAN</descr>
      <ipaddr>dhcp</ipaddr>
      <ipaddrv6>dhcp6</ipaddrv6>
    </wan>
"""
LAN = """\
    <lan>
      <enable>1</enable>
      <if>igb1</if>
      <descr>LAN</descr>
      <ipaddr>192.168.1.1</ipaddr>
      <subnet>24</subnet>
    </lan>
"""
DMZ = """\
    <opt1>
      <enable>1</enable>
      <if>igb2</if>
      <descr>DMZ</descr>
      <ipaddr>192.168.20.1</ipaddr>
      <subnet>24</subnet>
    </opt1>
"""
GATEWAYS = """\
  <gateways>
    <defaultgw4>WANGW</defaultgw4>
    <gateway_item>
      <interface>wan</interface>
      <gateway>203.0.113.1</gateway>
      <name>WANGW</name>
      <ipprotocol>inet</ipprotocol>
      <defaultgw>1</defaultgw>
    </gateway_item>
  </gateways>
"""


def rule(
    interface: str = "lan",
    source: str = "<any/>",
    destination: str = "<any/>",
    *,
    kind: str = "pass",
    protocol: str = "",
    more: str = "",
    family: str = "inet",
) -> str:
    """Of ``<filter>``; ``source`` and ``destination`` are what stands in those elements."""
    of_protocol = f"<protocol>{protocol}</protocol>" if protocol else ""
    return (
        f"    <rule><type>{kind}</type><interface>{interface}</interface><ipprotocol>{family}</ipprotocol>"
        f"{of_protocol}<source>{source}</source><destination>{destination}</destination>{more}</rule>\n"
    )


ALLOW_LAN = rule("lan", "<network>lan</network>")


def to(address: str, port: str | int = "") -> str:
    """What stands in a destination."""
    return f"<address>{address}</address>" + (f"<port>{port}</port>" if port else "")


def forward(
    port: str | int = 443,
    target: str = WEB,
    local: str | int = "",
    *,
    interface: str = "wan",
    at: str = "<network>wanip</network>",
    protocol: str = "tcp",
    source: str = "<any/>",
    more: str = "",
) -> str:
    """A port forward, of ``<nat>``."""
    return (
        f"    <rule><source>{source}</source><destination>{at}<port>{port}</port></destination>"
        f"<ipprotocol>inet</ipprotocol><protocol>{protocol}</protocol><target>{target}</target>"
        f"<local-port>{local or port}</local-port><interface>{interface}</interface>{more}</rule>\n"
    )


def admitted(port: str | int = 443, target: str = WEB, interface: str = "wan", protocol: str = "tcp") -> str:
    """The filter rule that goes with a port forward."""
    return rule(interface, "<any/>", to(target, port), protocol=protocol)


def outbound(mode: str, *rules: str) -> str:
    return f"    <outbound><mode>{mode}</mode>{''.join(rules)}</outbound>\n"


def hidden(interface: str, source: str, destination: str = "<any/>", more: str = "") -> str:
    """An outbound rule: to the interface's own address, unless ``more`` says otherwise."""
    return (
        f"<rule><interface>{interface}</interface><source><network>{source}</network></source>"
        f"<destination>{destination}</destination>{more}</rule>"
    )


def config(
    nat: str = "",
    filters: str = ALLOW_LAN,
    *,
    system: str = NO_REFLECTION,
    interfaces: str = WAN + LAN + DMZ,
    gateways: str = GATEWAYS,
    more: str = "",
    root: str = "pfsense",
) -> str:
    """A whole file."""
    return (
        f'<?xml version="1.0"?>\n<{root}>\n  <system>{system}<ipv6allow/></system>\n'
        f"  <interfaces>\n{interfaces}  </interfaces>\n{gateways}{more}"
        f"  <nat>\n{nat}  </nat>\n  <filter>\n{filters}  </filter>\n</{root}>\n"
    )


def device(text: str) -> Device:
    """What the dialect that the file's outermost element names says of it."""
    read = opnsense.read if "<opnsense>" in text else pfsense.read
    return read([Printed(text, "config.xml")], Network())


HOSTS = (host("web", f"{WEB}/24"), host("dmz-web", f"{DMZ_WEB}/24"))


def gateway(text: str, hosts: tuple[Host, ...] = HOSTS) -> Gateway:
    found = device(text)
    return Gateway(found.network, found.ruleset, hosts, None)


INTERNET = clients("internet", Kind.INTERNET, "wan", "198.51.100.9")
IN_LAN = clients("lan", Kind.NETWORK, "lan", "192.168.1.50", near="192.168.1.0/24")
IN_DMZ = clients("dmz", Kind.NETWORK, "opt1", "192.168.20.50", near="192.168.20.0/24")

"""Gateways of OpenBSD and FreeBSD: a network, and what a pf.conf makes of packets in it."""

from __future__ import annotations

from splitdns.check.dialects.ifconfig import read as ifconfig
from splitdns.check.dialects.pf import read as pf
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Gateway, Host, Kind, Network
from splitdns.check.network import Clients
from splitdns.check.verdict import Result
from tests.check import gateways
from tests.check.gateways import clients, host

IFCONFIG = """\
lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 32768
	inet 127.0.0.1 netmask 0xff000000
em0: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500
	groups: egress
	inet 203.0.113.7 netmask 0xffffff00 broadcast 203.0.113.255
	inet6 2001:db8::7 prefixlen 64
em1: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500
	groups: inside
	inet 192.168.1.1 netmask 0xffffff00 broadcast 192.168.1.255
	inet6 fe80::1%em1 prefixlen 64 scopeid 0x2
	inet6 2001:db8:1::1 prefixlen 64
em2: flags=8843<UP,BROADCAST,RUNNING,SIMPLEX,MULTICAST> mtu 1500
	groups: inside
	inet 192.168.20.1 netmask 0xffffff00 broadcast 192.168.20.255
"""
NETWORK = ifconfig.read([Printed(IFCONFIG, "ifconfig")])
PUBLIC = "203.0.113.7"
WEB = host("web", "192.168.1.20/24", "2001:db8:1::20/64")
DMZ = host("dmz", "192.168.20.20/24")

INTERNET = clients("internet", Kind.INTERNET, "em0", "198.51.100.9")
LAN = clients("lan", Kind.NETWORK, "em1", "192.168.1.50", near="192.168.1.0/24")
DMZ_CLIENT = clients("dmz client", Kind.NETWORK, "em2", "192.168.20.50", near="192.168.20.0/24")
ITSELF = clients("gateway", Kind.GATEWAY, None, "192.168.1.1")


def read(text: str, *others: tuple[str, str], network: Network = NETWORK) -> Device:
    texts = [Printed(text, "pf.conf"), *(Printed(one, name) for name, one in others)]
    return pf.read(texts, network)


def gateway(text: str, *others: tuple[str, str], hosts: tuple[Host, ...] = (WEB, DMZ)) -> Gateway:
    return Gateway(NETWORK, read(text, *others).ruleset, hosts)


def asked(to: Gateway, who: Clients, **more: object) -> Result:
    """By default, of 443/tcp at the gateway's public address."""
    return gateways.asked(to, who, **{"at": PUBLIC, **more})


def ended(to: Gateway, who: Clients, **more: object) -> str:
    return gateways.ended(to, who, **{"at": PUBLIC, **more})

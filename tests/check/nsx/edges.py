"""Edges for tests, in a few words: an uplink, workstations, a DMZ, and what is asked of them."""

from __future__ import annotations

from splitdns.check.dialects.nsx.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Gateway, Network
from tests.check.gateways import DMZ_HOST, WEB_HOST

PUBLIC, WEB = "203.0.113.2", "192.168.1.20"


def vnic(index: int, name: str, kind: str, address: str, more: str = "") -> str:
    host, length = address.split("/")
    return (
        f"<vnic><label>vNic_{index}</label><name>{name}</name><addressGroups><addressGroup>"
        f"<primaryAddress>{host}</primaryAddress>{more}<subnetPrefixLength>{length}</subnetPrefixLength>"
        f"</addressGroup></addressGroups><type>{kind}</type><isConnected>true</isConnected>"
        f"<index>{index}</index></vnic>\n"
    )


VNICS = (
    vnic(0, "wan", "uplink", "203.0.113.2/24")
    + vnic(1, "lan", "internal", "192.168.1.1/24")
    + vnic(2, "dmz", "internal", "10.0.0.1/24")
)


def words(tag: str, **fields: str) -> str:
    """An element with elements in it, one for each field."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<{tag}>{inner}</{tag}>\n"


def dnat(original: str, translated: str, port: str = "443", **more: str) -> str:
    usual = {"protocol": "tcp", "originalPort": port, "translatedPort": port}
    fields = {"action": "dnat", "originalAddress": original, "translatedAddress": translated}
    return words("natRule", **{**fields, **usual, **more})


def snat(original: str, translated: str, **more: str) -> str:
    return words("natRule", action="snat", originalAddress=original, translatedAddress=translated, **more)


def allow(source: str = "", destination: str = "", service: str = "", **more: str) -> str:
    """An accepting rule; ``source`` and ``destination`` are elements, ``service`` like ``tcp 443``."""
    fields = {"name": "rule", "action": "accept", "source": source, "destination": destination}
    if service:
        protocol, _, port = service.partition(" ")
        fields["application"] = words("service", protocol=protocol, port=port or "any")
    return words("firewallRule", **{name: value for name, value in {**fields, **more}.items() if value})


ANYTHING = allow()


def edge(
    nat: str = "", rules: str = ANYTHING, more: str = "", vnics: str = VNICS, policy: str = "deny"
) -> str:
    return (
        f"<edge>\n<vnics>\n{vnics}</vnics>\n<features>\n<firewall><enabled>true</enabled>"
        f"<defaultPolicy><action>{policy}</action></defaultPolicy><firewallRules>\n{rules}</firewallRules>"
        f"</firewall>\n<nat><enabled>true</enabled><natRules>\n{nat}</natRules></nat>\n{more}"
        "</features>\n</edge>"
    )


def device(*texts: str, around: Network | None = None) -> Device:
    printed = [Printed(text, "edge.xml") for text in texts]
    return read(printed, around or Network())


def gateway(*texts: str) -> Gateway:
    """What it answers itself is left open, so that the firewall alone decides."""
    found = device(*texts)
    return Gateway(found.network, found.ruleset, (WEB_HOST, DMZ_HOST, *found.hosts))

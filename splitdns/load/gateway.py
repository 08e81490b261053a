"""``gateway:`` in ``splitdns.yaml``: what the exposure check is to know, and where it finds it.

The rules themselves are never written here: they are read from what the gateway says of itself, in its own
dialect, from a file, a command or over ssh. Beside them stands what no rule tells: the hosts that serve, the
clients that are behind other routers, and the address under which clients meet this server.
"""

from __future__ import annotations

import ipaddress
import re
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Annotated

from pydantic import PlainValidator, WithJsonSchema, model_validator

from splitdns.load import expose
from splitdns.load.configvalues import shown
from splitdns.load.declared import Port
from splitdns.load.sections import Path, Section, Several, Some, ViewName, default

ON_LINK = "on-link"

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network


class Dialect(StrEnum):
    """What a source is written in; ``ip-…`` are JSON of iproute2's commands."""

    NFTABLES = "nftables"
    IPTABLES = "iptables"
    IP6TABLES = "ip6tables"
    IPSET = "ipset"
    DOCKER = "docker"
    COMPOSE = "compose"
    TABLE = "table"
    PFSENSE = "pfsense"
    OPNSENSE = "opnsense"
    ROUTEROS = "routeros"
    OPENWRT = "openwrt"
    NSX = "nsx"
    UPNP = "upnp"
    KUBERNETES = "kubernetes"
    VYOS = "vyos"
    EDGEOS = "edgeos"
    UNIFI = "unifi"
    IP_ADDRESS = "ip-address"
    IP_ROUTE = "ip-route"
    IP_RULE = "ip-rule"
    SYSCTL = "sysctl"
    BRIDGE = "bridge"
    PF = "pf"
    IFCONFIG = "ifconfig"
    NETSTAT = "netstat"


# What prints each of them on the gateway; the usual command of `ssh:`.
COMMANDS: dict[Dialect, tuple[str, ...]] = {
    Dialect.NFTABLES: ("nft", "-j", "-a", "list", "ruleset"),
    Dialect.IPTABLES: ("iptables-save",),
    Dialect.IP6TABLES: ("ip6tables-save",),
    Dialect.IPSET: ("ipset", "save"),
    Dialect.OPENWRT: (
        "sh",
        "-c",
        "for one in network firewall dhcp; do uci export $one; done; ubus call network.interface dump",
    ),
    Dialect.KUBERNETES: ("kubectl", "get", "services,endpoints,nodes,pods,ingresses", "-A", "-o", "json"),
    Dialect.UPNP: ("cat", "/var/lib/misc/upnp.leases"),
    Dialect.DOCKER: ("sh", "-c", "docker inspect $(docker ps -q)"),
    Dialect.ROUTEROS: (
        '/export terse; :put "/ip address"; /ip address print terse where dynamic; '
        ':put "/ip firewall address-list"; /ip firewall address-list print terse where dynamic; '
        ':put "/ip firewall nat"; /ip firewall nat print terse where dynamic',
    ),
    Dialect.VYOS: ("cat", "/config/config.boot"),
    Dialect.EDGEOS: ("cat", "/config/config.boot"),
    Dialect.UNIFI: ("mca-ctrl", "-t", "dump-cfg"),  # of a USG
    Dialect.IP_ADDRESS: ("ip", "-j", "-d", "address"),
    Dialect.IP_ROUTE: ("sh", "-c", "ip -j -4 route show table all; ip -j -6 route show table all"),
    Dialect.IP_RULE: ("sh", "-c", "ip -j -4 rule; ip -j -6 rule"),
    Dialect.SYSCTL: ("sysctl", "-a"),
    Dialect.BRIDGE: ("bridge", "-j", "-d", "link"),
    Dialect.PF: ("cat", "/etc/pf.conf"),
    Dialect.IFCONFIG: ("ifconfig", "-a"),
    Dialect.NETSTAT: ("netstat", "-rn"),
}


def _interface(value: object) -> IPv4Interface | IPv6Interface:
    expected = "expected an address with the length of its network's prefix, like 192.168.10.20/24"
    if not isinstance(value, str) or "/" not in value:
        raise ValueError(f"{expected}, found {shown(value)}")
    try:
        return ipaddress.ip_interface(value)
    except ValueError:
        raise ValueError(f"{expected}, found {shown(value)}") from None


def _address(value: object) -> Address:
    expected = "expected an address, like 192.168.10.1"
    try:
        if isinstance(value, str) and "%" not in value:
            return ipaddress.ip_address(value)
    except ValueError:
        pass
    raise ValueError(f"{expected}, found {shown(value)}")


def _prefix(value: object) -> Prefix:
    expected = "expected a prefix, like 10.8.0.0/24"
    if not isinstance(value, str):
        raise ValueError(f"{expected}, found {shown(value)}")  # noqa: TRY004 — pydantic collects ValueErrors
    try:
        return ipaddress.ip_network(value)
    except ValueError:
        raise ValueError(f"{expected}, found {shown(value)}") from None


def _via(value: object) -> Address | None:
    return None if value == ON_LINK else _address(value)


def _word(value: object) -> str:
    if not isinstance(value, str) or not value or value != value.strip() or "\0" in value:
        raise ValueError(f"expected a name, found {shown(value)}")
    return value


def _dialect(value: object) -> Dialect:
    try:
        return Dialect(str(value))
    except ValueError:
        raise ValueError(f"expected {', '.join(Dialect)}, found {shown(value)}") from None


def _code(value: object) -> str:
    if not isinstance(value, str) or not _CODE.match(value):
        raise ValueError(f"expected a finding's code, like DNS-PORT-TRANSLATED, found {shown(value)}")
    return value


_CODE = re.compile("^[A-Z0-9]+(-[A-Z0-9]+)+$")
_ANY_TEXT = WithJsonSchema({"type": "string", "minLength": 1})
_AN_ADDRESS = WithJsonSchema({"type": "string", "pattern": r"^[0-9A-Fa-f.:]+$", "examples": ["192.168.10.1"]})
_A_ROUTER = WithJsonSchema({"type": "string", "examples": ["192.168.10.2", ON_LINK]})
_A_PORT = WithJsonSchema({"type": "string", "examples": ["443/tcp", "8000-8100/udp"]})
_A_PREFIX = WithJsonSchema({"type": "string", "examples": ["10.8.0.0/24"]})

HostAddress = Annotated[
    IPv4Interface | IPv6Interface,
    PlainValidator(_interface),
    WithJsonSchema({"type": "string", "pattern": "/[0-9]+$", "examples": ["192.168.10.20/24"]}),
]
AnAddress = Annotated[Address, PlainValidator(_address), _AN_ADDRESS]
APrefix = Annotated[Prefix, PlainValidator(_prefix), _A_PREFIX]
Via = Annotated[Address | None, PlainValidator(_via), _A_ROUTER]
Word = Annotated[str, PlainValidator(_word), _ANY_TEXT]
Listening = Annotated[Port, PlainValidator(expose.port), _A_PORT]
InCode = Annotated[
    str,
    PlainValidator(_code),
    WithJsonSchema({"type": "string", "pattern": _CODE.pattern, "examples": ["DNS-PORT-TRANSLATED"]}),
]
InDialect = Annotated[Dialect, PlainValidator(_dialect), WithJsonSchema({"enum": [*map(str, Dialect)]})]


class SourceSettings(Section):
    """Where a piece of the gateway's own configuration is read: exactly one of `file`, `command`, `ssh`."""

    dialect: InDialect
    """What it is written in."""

    file: Path | None = None
    """A file that holds it. Paths are relative to this configuration."""

    command: Some[Word] | None = None
    """A command to run here, as a list of words; no shell reads it. For the command line only."""

    ssh: Word | None = None
    """A host, as ssh(1) takes it, to run the usual command of this dialect on. For the command line only."""

    @model_validator(mode="after")
    def _one_place(self) -> SourceSettings:
        places = [name for name in ("file", "command", "ssh") if getattr(self, name) is not None]
        if len(places) != 1:
            found = " and ".join(places) or "none"
            raise ValueError(f"expected one of file, command or ssh, found {found}")
        if self.ssh is not None and self.dialect not in COMMANDS:
            raise ValueError(f"expected a file: {self.dialect} has no usual command")
        return self


class HostSettings(Section):
    """A machine behind the gateway that serves."""

    addresses: Some[HostAddress]
    """Its addresses, each with the length of its network's prefix: what is in that network, it answers
    directly."""

    gateway: Several[AnAddress] = ()
    """Its default routers, at most one of each family, where they are not the gateway."""

    routes: dict[APrefix, Via] = default({})
    """Further routes of its own: prefix to router, or `on-link`."""

    listens: Several[Listening] | None = None
    """All ports on which it answers. Left out: those that zones expose at its addresses."""

    port: Word | None = None
    """The port of the gateway's bridge behind which it is, such as `eth2`."""

    dhcp: bool = False
    """Whether its address is leased, and may change."""


class ClientSettings(Section):
    """Clients that the gateway's own networks do not tell: behind another router, in a tunnel, or special."""

    prefixes: Some[APrefix]
    """Their addresses."""

    interface: Word
    """The gateway's interface by which their packets come in."""

    on_link: bool = False
    """Whether they are on the link of that interface, and reach each other without the gateway."""

    router: Several[AnAddress] = ()
    """Their default routers, at most one of each family, where they are not the gateway."""

    routes: dict[APrefix, Via] = default({})
    """Further routes of their own (DHCP option 121): prefix to router, or `on-link`."""

    tunnelled: Some[APrefix] | None = None
    """For a VPN: the destinations that they send through it (AllowedIPs). Left out: all."""

    port: Word | None = None
    """The port of the gateway's bridge behind which they are."""


class AcceptSettings(Section):
    """A finding of the check that may stay. It is shown, and fails nothing."""

    code: InCode
    """Its code, such as `DNS-PORT-TRANSLATED`."""

    subject: Word
    """The service, as the check prints it: `game.example.com. 25565/tcp`. Of a finding that is about no
    service, the text behind its code."""

    reason: Word
    """Why it may stay."""


class GatewaySettings(Section):
    """The gateway, for the exposure check."""

    sources: Several[SourceSettings] = ()
    """What the gateway says of itself: its rules, its addresses, its routes."""

    uplinks: Some[Word] | None = None
    """Its interfaces towards the internet. Left out: those of its default routes."""

    resolver: Several[AnAddress] = ()
    """The addresses of this server that clients are told (by DHCP). Left out: those of `listen`, where they
    are no wildcards."""

    hosts: dict[ViewName, HostSettings] = default({})
    """The machines that serve, by names of your choice. Addresses that zones expose and that are not here
    are taken for hosts of their own, with the gateway as their default router."""

    clients: dict[ViewName, ClientSettings] = default({})
    """Clients beside those of the gateway's own networks, by names of your choice."""

    listens: Several[Listening] | None = None
    """Ports on which the gateway itself answers, beside those that its sources tell."""

    accept: Several[AcceptSettings] = ()
    """Findings that may stay, each with the reason."""

"""In what the networks are written: for each dialect its files, its names of interfaces, and what it forces.

A dialect is added by its files and one entry here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Differs:
    """What a dialect cannot help, and why: findings beside the network's, and some that are not there."""

    because: str
    more: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()


@dataclass(frozen=True)
class Written:
    """``sources``: the dialect of each file, as in ``gateway.sources``, and its path here.

    In a path, ``{n}`` is the network's number and ``{shape}`` its shape. ``names``: the network's interfaces
    (wan0, lan0, dmz0, vpn0) by what they are called there. ``cannot``: networks that this dialect's gateways
    cannot be, by number, and why.
    """

    sources: tuple[tuple[str, str], ...]
    names: Mapping[str, str] = field(default_factory=dict)
    differs: Mapping[int, Differs] = field(default_factory=dict)
    cannot: Mapping[int, str] = field(default_factory=dict)


IPROUTE = (
    ("ip-address", "iproute/{shape}-address.json"),
    ("ip-route", "iproute/route.json"),
    ("sysctl", "iproute/sysctl.txt"),
)

BSD = (("ifconfig", "ifconfig/{shape}.txt"), ("netstat", "ifconfig/netstat.txt"))
_BSD_NAMES = {"wan0": "em0", "lan0": "em1", "dmz0": "em2", "vpn0": "wg0"}

DIALECTS: dict[str, Written] = {
    "table": Written((("table", "table/{n}.yaml"),)),
    "pfsense": Written(
        (("pfsense", "pfsense/{n}.xml"),), {"wan0": "wan", "lan0": "lan", "dmz0": "opt1", "vpn0": "opt2"}
    ),
    "opnsense": Written(
        (("opnsense", "opnsense/{n}.xml"),), {"wan0": "wan", "lan0": "lan", "dmz0": "opt1", "vpn0": "opt2"}
    ),
    "routeros": Written((("routeros", "routeros/{n}.rsc"),)),
    "openwrt": Written(
        (("openwrt", "openwrt/{n}.uci"),),
        {"wan0": "wan", "lan0": "br-lan", "dmz0": "lan4", "vpn0": "vpn"},
    ),
    "iptables": Written((("iptables", "iptables/{n}.rules"), *IPROUTE)),
    "nftables": Written((("nftables", "nftables/{n}.json"), *IPROUTE)),
    "nsx": Written(
        (("nsx", "nsx/{n}.xml"),),
        {"wan0": "uplink", "lan0": "workstations", "dmz0": "dmz", "vpn0": "tunnel"},
    ),
    "vyos": Written(
        (("vyos", "vyos/{n}.txt"),), {"wan0": "eth0", "lan0": "eth1", "dmz0": "eth2", "vpn0": "wg0"}
    ),
    "edgeos": Written(
        (("edgeos", "edgeos/{n}.boot"),), {"wan0": "eth0", "lan0": "eth1", "dmz0": "eth2", "vpn0": "wg0"}
    ),
    "pf-openbsd": Written((("pf", "pf-openbsd/{n}.conf"), *BSD), _BSD_NAMES),
    "pf-freebsd": Written((("pf", "pf-freebsd/{n}.conf"), *BSD), _BSD_NAMES),
    "unifi": Written(
        (("unifi", "unifi/{n}.json"),), {"wan0": "eth0", "lan0": "eth1", "dmz0": "eth2", "vpn0": "wg0"}
    ),
}

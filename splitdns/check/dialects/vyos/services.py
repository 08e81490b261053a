"""What the gateway itself listens on, and the machines that its DHCP server knows by name.

The ports are told only where every service of the configuration is known; else any may be open.
"""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from splitdns.check.dialects.vyos.reading import Reading
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, address, ports, prefix
from splitdns.check.model import TCP, UDP, Host, InterfaceAddress, Support
from splitdns.check.sets import NONE, Address, Numbers

# Services with the ports that they have where the configuration names none, and the word that names one.
_SERVICES: dict[str, tuple[str, dict[int, tuple[int, ...]]]] = {
    "bfd": ("", {UDP: (3784,)}),
    "broadcast-relay": ("", {}),
    "conntrack-sync": ("", {UDP: (3780,)}),
    "dhcp-relay": ("", {UDP: (67,)}),
    "dhcp-server": ("", {UDP: (67,)}),
    "dhcpv6-relay": ("", {UDP: (547,)}),
    "dhcpv6-server": ("", {UDP: (547,)}),
    "event-handler": ("", {}),
    "gui": ("", {}),  # see _of_gui
    "https": ("port", {TCP: (443,)}),
    "lldp": ("", {}),
    "mdns": ("", {UDP: (5353,)}),
    "nat": ("", {}),
    "ntp": ("", {UDP: (123,)}),
    "pppoe-server": ("", {}),
    "router-advert": ("", {}),
    "sla": ("", {}),
    "snmp": ("", {UDP: (161,)}),
    "ssh": ("port", {TCP: (22,)}),
    "telnet": ("port", {TCP: (23,)}),
    "tftp-server": ("port", {UDP: (69,)}),
    "ubnt-discover": ("", {UDP: (10001,)}),
    "ubnt-discover-server": ("", {UDP: (10001,)}),
    "unms": ("", {}),
    "upnp2": ("", {}),
    "upnp": ("", {}),
    "webproxy": ("default-port", {TCP: (3128,)}),
}
_VPN: dict[str, dict[int, tuple[int, ...]]] = {
    "ipsec": {UDP: (500, 4500)},
    "l2tp": {UDP: (1701,)},
    "openconnect": {TCP: (443,), UDP: (443,)},
    "pptp": {TCP: (1723,)},
    "rsa-keys": {},
    "sstp": {TCP: (443,)},
}
_DYNAMIC = "what programs have asked for stands in no configuration: add a source of its list of mappings"


def read_listens(reading: Reading) -> dict[int, Numbers] | None:
    """Ports by protocol; None: there is a service that is not known here."""
    found: dict[int, Numbers] = {TCP: NONE, UDP: NONE}
    known = True
    for node in reading.tree.beneath("service"):
        if node.word == "dns":
            for kind in node.children.values():
                _of_dns(reading, kind, found)
        elif node.word not in _SERVICES:
            reading.note(Support.UNKNOWN, node, "which ports it opens is not known")
            known = False
        else:
            _of_service(reading, node, found)
    _of_tunnels(reading, found)
    for kind in reading.tree.beneath("vpn"):
        if kind.word not in _VPN:
            reading.note(Support.UNKNOWN, kind, "which ports it opens is not known")
            known = False
        elif "site-to-site" in kind.children:
            reading.note(Support.IGNORED, kind, "what its policies take into a tunnel is not asked about")
        for protocol, numbers in _VPN.get(kind.word, {}).items():
            found[protocol] |= Numbers.of(*((one, one) for one in numbers))
    if reading.tree.at("protocols", "bgp") is not None:
        found[TCP] |= Numbers.one(179)
    return found if known else None


def _of_service(reading: Reading, node: Node, found: dict[int, Numbers]) -> None:
    word, usual = _SERVICES[node.word]
    if node.word in ("upnp", "upnp2"):
        reading.note(Support.REFUSED, node, _DYNAMIC)
    if "disable" in node.children or node.value("disabled") == "true":
        return
    told = node.beneath(word) if word else ()
    for protocol, numbers in usual.items():
        if told:
            for one in told:
                found[protocol] |= _port(reading, one)
        else:
            found[protocol] |= Numbers.of(*((one, one) for one in numbers))
    if node.word == "gui":
        for name, port in (("http-port", 80), ("https-port", 443)):
            leaf = node.leaf(name)
            found[TCP] |= Numbers.one(port) if leaf is None else _port(reading, leaf)


def _of_dns(reading: Reading, node: Node, found: dict[int, Numbers]) -> None:
    """The forwarder; where it listens, and whom it answers, ``answering`` says."""
    if node.word != "forwarding":
        return
    port = node.leaf("port")
    numbers = Numbers.one(53) if port is None else _port(reading, port)
    for protocol in (TCP, UDP):
        found[protocol] |= numbers


def _of_tunnels(reading: Reading, found: dict[int, Numbers]) -> None:
    for node in reading.tree.beneath("interfaces", "wireguard"):
        leaf = node.leaf("port") or node.leaf("listen-port")
        found[UDP] |= NONE if leaf is None else _port(reading, leaf)
    for node in reading.tree.beneath("interfaces", "openvpn"):
        leaf = node.leaf("local-port")
        protocol = TCP if (node.value("protocol") or "").startswith("tcp") else UDP
        if node.value("mode") == "server" or leaf is not None:
            found[protocol] |= Numbers.one(1194) if leaf is None else _port(reading, leaf)


def _port(reading: Reading, leaf: Node) -> Numbers:
    try:
        return ports(leaf.word) or NONE
    except Wrong as wrong:
        reading.wrong(leaf, str(wrong))
        return NONE


# --- Hosts --------------------------------------------------------------------------------------------------


def read_hosts(reading: Reading) -> Iterator[Host]:
    """The static mappings of the DHCP server, each a machine with its reserved address."""
    taken: set[Address] = set()
    for shared in reading.tree.beneath("service", "dhcp-server", "shared-network-name"):
        for subnet in shared.beneath("subnet"):
            try:
                network = prefix(subnet.word)
            except Wrong as wrong:
                reading.wrong(subnet, str(wrong))
                continue
            router = subnet.leaf("default-router") or subnet.leaf("option", "default-router")
            for node in subnet.beneath("static-mapping"):
                leaf = node.leaf("ip-address")
                if leaf is None or "disable" in node.children:
                    continue
                try:
                    own = address(leaf.word)
                except Wrong as wrong:
                    reading.wrong(leaf, str(wrong))
                    continue
                if own in taken or own not in network:
                    continue
                taken.add(own)
                via = _router(reading, router)
                is_here = via is None or via in reading.network.addresses(via.version)
                default: dict[int, Address | None] = {} if is_here else {own.version: via}
                yield Host(node.word, (InterfaceAddress(own, network),), default, where=node.where)


def _router(reading: Reading, leaf: Node | None) -> Address | None:
    if leaf is None:
        return None
    try:
        return ip_address(leaf.word)
    except ValueError:
        reading.wrong(leaf, "an address")
        return None

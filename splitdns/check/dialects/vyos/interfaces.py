"""The gateway's interfaces by the names that rules give them: ``vif 10`` of ``eth0`` is ``eth0.10``.

What is leased (DHCP, PPPoE, router advertisements) has no address in the file, and makes its interface an
uplink. The switch of EdgeOS switches by itself: its ports are no ports of a bridge whose frames rules meet.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from splitdns.check.dialects.vyos.reading import Reading
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, interface_address, prefix
from splitdns.check.model import Interface, InterfaceAddress

_POINT_TO_POINT = frozenset(
    {
        "l2tp-client", "l2tpv3", "openvpn", "pppoe", "sstpc", "tunnel", "vti", "wireguard", "wirelessmodem",
        "wwan",
    }
)  # fmt: skip
_LEASED = frozenset({"dhcp"})
# Nothing of these changes where a packet goes.
_IGNORED = frozenset(
    {
        "access-concentrator", "aging", "authentication", "bandwidth", "bond-group", "cert-file", "channel",
        "client", "connect-on-demand", "country-code", "default-route-distance", "device-type",
        "dhcpv6-options", "dhcpv6-pd", "disable-flow-control", "disable-link-detect", "duplex", "eapol",
        "egress-qos", "enable-multicast", "enable-proxy-arp", "enable-vlan", "encapsulation", "encryption",
        "evpn", "forwarding-delay", "fwmark", "hash", "hash-policy", "hello-time", "holdoff", "host-name",
        "hw-id", "idle-timeout", "ingress-qos", "ip", "ipv6", "keep-alive", "keepalive", "key", "lacp-rate",
        "link-detect", "listen-port", "local-address", "local-ip", "local-port", "mac", "mac-address",
        "max-age", "min-links", "mirror", "mode", "mru", "mss-clamp", "mtu", "multicast",
        "name-server", "no-peer-dns", "offload", "offload-options", "openvpn-option", "parameters",
        "password", "peer", "per-client-thread", "persistent-keepalive", "persistent-tunnel",
        "physical-device", "poe", "port", "primary", "priority", "private-key", "promiscuous", "protocol",
        "public-key", "qos", "redirect", "remote", "remote-address", "remote-host", "remote-ip",
        "remote-port", "replace-default-route", "ring-buffer", "route-allowed-ips", "security",
        "service-name", "shared-secret-key-file", "smp-affinity", "source-address",
        "speed", "ssid", "stp", "switch-port", "tls", "tos", "traffic-policy", "trunk", "ttl", "type",
        "use-lzo-compression", "user-id", "vrf", "wpa",
    }
)  # fmt: skip
_READ = frozenset(
    {
        "address", "bridge-group", "default-route", "dhcp-options", "disable", "firewall", "member", "policy",
        "pppoe", "server", "source-interface", "traffic-policy", "vif", "vif-c", "vif-s", "vrrp",
    }
)  # fmt: skip
_OF_INTERFACE = ("vif", "vif-s", "vif-c", "pppoe")


def read_interfaces(reading: Reading) -> None:
    """Fill in ``reading.interfaces`` and ``reading.network``, without the routes."""
    found: list[Interface] = []
    for kind in reading.tree.beneath("interfaces"):
        for node in kind.children.values():
            found += _interface(reading, kind.word, node.word, node)
    found = _with_ports(reading, found)
    found = _with_virtual(reading, found)
    known = {one.name for one in reading.around.interfaces}
    interfaces = (*reading.around.interfaces, *(one for one in found if one.name not in known))
    bridge_nf: dict[int, bool | None] = {4: None, 6: None}
    if reading.dialect == "vyos":  # which sees frames that are only bridged if it is told to
        applied = reading.tree.at("firewall", "global-options", "apply-to-bridged-traffic")
        bridge_nf = {4: _has(applied, "ipv4"), 6: _has(applied, "ipv6")}
    reading.network = replace(reading.network, interfaces=interfaces, bridge_nf=bridge_nf)


def _has(node: Node | None, word: str) -> bool:
    return node is not None and word in node.children


def _interface(
    reading: Reading, kind: str, name: str, node: Node, disabled: bool = False
) -> Iterator[Interface]:
    disabled = disabled or "disable" in node.children
    reading.interfaces[name] = node
    addresses: list[InterfaceAddress] = []
    leased = kind in ("pppoe", "l2tp-client", "sstpc", "wwan")
    for one in node.beneath("address"):
        if one.word in _LEASED:
            leased = True
        elif one.word not in ("dhcpv6", "autoconf", "no-default-link-local"):
            try:
                addresses.append(InterfaceAddress(*interface_address(one.word)))
            except Wrong as wrong:
                reading.wrong(one, str(wrong))
    if leased:
        reading.leased.add(name)
    told = {own.address for own in addresses}
    addresses += [own for own in reading.shown.get(name, ()) if own.address not in told]
    if kind == "openvpn":
        addresses += _of_openvpn(reading, node)
    yield Interface(
        name,
        tuple(addresses),
        bridge=node.value("bridge-group", "bridge"),
        uplink=leased and _takes_routes(node),
        up=not disabled,
        point_to_point=kind in _POINT_TO_POINT,
    )
    reading.rest(node, _READ, _IGNORED)
    for inner in _OF_INTERFACE:
        for child in node.beneath(inner):
            inner_name = f"pppoe{child.word}" if inner == "pppoe" else f"{name}.{child.word}"
            yield from _interface(reading, inner, inner_name, child, disabled)


def _takes_routes(node: Node) -> bool:
    """Whether a lease also gives the default route."""
    if node.value("default-route") == "none" or "no-default-route" in node.children:
        return False
    options = node.at("dhcp-options")
    return options is None or (
        "no-default-route" not in options.children and options.value("default-route") != "no-update"
    )


def _of_openvpn(reading: Reading, node: Node) -> Iterator[InterfaceAddress]:
    """A server has the first address of the network that it gives to its clients."""
    for one in node.beneath("server", "subnet"):
        try:
            network = prefix(one.word)
        except Wrong as wrong:
            reading.wrong(one, str(wrong))
            continue
        if network.num_addresses > 2:
            yield InterfaceAddress(network[1], network)


def _with_ports(reading: Reading, found: list[Interface]) -> list[Interface]:
    """Which interfaces are ports of a bridge, as the bridge itself says (VyOS since 1.3)."""
    bridges = {
        member.word: bridge.word
        for bridge in reading.tree.beneath("interfaces", "bridge")
        for member in bridge.beneath("member", "interface")
    }
    return [replace(one, bridge=bridges.get(one.name, one.bridge)) for one in found]


def _with_virtual(reading: Reading, found: list[Interface]) -> list[Interface]:
    """Addresses of VRRP: this gateway is taken for the one that has them at the moment."""
    virtual: dict[str, list[Node]] = {}
    for group in reading.tree.beneath("high-availability", "vrrp", "group"):
        if (name := group.value("interface")) is not None and "disable" not in group.children:
            virtual.setdefault(name, []).extend(
                (*group.beneath("address"), *group.beneath("virtual-address"))
            )
    for name, node in reading.interfaces.items():
        for group in node.beneath("vrrp", "vrrp-group"):
            virtual.setdefault(name, []).extend(group.beneath("virtual-address"))
    by_name = {one.name: one for one in found}
    for name, nodes in virtual.items():
        for node in nodes:
            try:
                own = InterfaceAddress(*interface_address(node.word))
            except Wrong as wrong:
                reading.wrong(node, str(wrong))
                continue
            held = by_name.get(name, Interface(name))
            by_name[name] = replace(held, addresses=(*held.addresses, own))
    return list(by_name.values())


"""What an edge does beside NAT and filtering: routes, static leases, what it answers, load balancing."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from splitdns.check.dialects.nsx.edge import gateway_of
from splitdns.check.dialects.nsx.fields import Reader
from splitdns.check.dialects.nsx.values import Balanced, Edge
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import TCP, UDP, Host, InterfaceAddress, Origin, Route, Support
from splitdns.check.sets import Numbers, Prefix

_DEFAULTS: dict[int, Prefix] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
_SSH, _DNS, _DHCP, _IKE, _HTTPS = 22, 53, 67, (500, 4500), 443
# Parts of <features>: those that change nothing about where packets go.
IGNORED = frozenset({"featureConfig", "syslog", "highAvailability", "snmp", "bridges", "monitoring", "gslb"})
READ = frozenset({"nat", "firewall", "routing", "dhcp", "dns", "ipsec", "sslvpnConfig", "loadBalancer"})


def routes(routing: Element, edge: Edge, reader: Reader) -> Iterator[Route]:
    """The static ones; those that a protocol learns do not stand in the file."""
    for protocol in ("ospf", "bgp", "isis"):
        found = routing.child(protocol)
        if found is not None and reader.truth(found, "enabled", usual=True) and found.children:
            reason = "routes that the edge learns are not in its configuration"
            reader.note(Support.WIDENED, protocol, found.where, protocol, reason)
    static = routing.child("staticRouting")
    if static is None:
        return
    for default in static.each("defaultRoute"):
        yield from _route(default, default.value("gatewayAddress"), "", edge, reader)
    for group in static.each("staticRoutes"):
        for one in group.each("route"):
            yield from _route(one, one.value("nextHop"), one.value("network"), edge, reader)


def _route(element: Element, via: str, network: str, edge: Edge, reader: Reader) -> Iterator[Route]:
    """Of ``network``, the default where it is empty."""
    router = reader.address(via, element.where)
    if router is None:
        return
    prefix = _DEFAULTS[router.version]
    if network:
        try:
            prefix = ip_network(network, strict=False)
        except ValueError:
            reader.wrong(element.where, "a prefix as the network", network)
            return
    told = edge.named(element.value("vnic")) if element.value("vnic") else None
    name = told.name if told is not None else gateway_of(router, edge)
    if name is None:
        reader.wrong(element.where, "a router in the network of an interface", via)
        return
    yield Route(prefix, name, router)


def hosts(dhcp: Element, edge: Edge, reader: Reader) -> Iterator[Host]:
    """Machines with a static lease."""
    if not reader.truth(dhcp, "enabled", usual=True):
        return
    for group in dhcp.each("staticBindings"):
        for one in group.each("staticBinding"):
            address = reader.address(one.value("ipAddress"), one.where)
            if address is None:
                continue
            prefix = next(
                (
                    own.prefix
                    for vnic in edge.vnics
                    for own in vnic.interface.addresses
                    if address.version == own.prefix.version and address in own.prefix
                ),
                None,
            )
            if prefix is None:
                reason = f"{address} is in no network of the edge"
                reader.note(Support.IGNORED, "staticBinding", one.where, one.value("hostname"), reason)
                continue
            name = one.value("hostname", usual=str(address))
            yield Host(name, (InterfaceAddress(address, prefix),), where=one.where)


def listens(root: Element, reader: Reader) -> dict[int, Numbers]:
    """The ports on which the edge answers itself, by the services that it says it runs."""
    tcp: list[int] = []
    udp: list[int] = []
    features = root.child("features") or root
    settings = root.child("cliSettings")
    if settings is not None and reader.truth(settings, "remoteAccess", usual=False):
        tcp.append(_SSH)
    if _is_on(features.child("dns"), reader):
        tcp.append(_DNS)
        udp.append(_DNS)
    if _is_on(features.child("dhcp"), reader):
        udp.append(_DHCP)
    if _is_on(features.child("ipsec"), reader):
        udp += _IKE
    vpn = features.child("sslvpnConfig")
    if vpn is not None and _is_on(vpn, reader):
        port = reader.ports(vpn.value("serverSettings", "port", usual=str(_HTTPS)), vpn.where)
        tcp.append(port.first if port else _HTTPS)
    return {number: Numbers.of(*((port, port) for port in told)) for number, told in ((TCP, tcp), (UDP, udp))}


def _is_on(service: Element | None, reader: Reader) -> bool:
    return service is not None and reader.truth(service, "enabled", usual=False)


def balanced(balancer: Element, reader: Reader) -> Iterator[Balanced]:
    """The virtual servers of a load balancer that is on."""
    if not _is_on(balancer, reader):
        return
    for server in balancer.each("virtualServer"):
        if not reader.truth(server, "enabled", usual=True):
            continue
        name = server.value("name", usual=server.value("virtualServerId"))
        text = f"virtual server {name!r}"
        address = reader.addresses(server.value("ipAddress"), server.where)
        ports = reader.ports(server.value("port"), server.where) or Numbers.of((0, 65_535))
        reason = "the load balancer's choice and its pools are not modelled"
        reader.note(Support.WIDENED, "virtualServer", server.where, text, reason)
        if address is not None and address[0] == 4:
            protocol = UDP if server.value("protocol").lower() == "udp" else TCP
            yield Balanced(address[1], protocol, ports, Origin(server.where, text))


def others(root: Element, reader: Reader) -> None:
    """Notes what else the edge does: known and left out, or never seen."""
    for one in (root.child("features") or root).children:
        enabled = reader.truth(one, "enabled", usual=False)
        if one.tag == "ipsec" and enabled:
            reason = "networks behind a tunnel do not stand among routes: tell them as clients"
            reader.note(Support.REFUSED, "ipsec", one.where, "IPsec", reason)
        elif one.tag == "sslvpnConfig" and enabled:
            reason = "addresses that the VPN gives out: tell them as clients"
            reader.note(Support.REFUSED, "sslvpnConfig", one.where, "SSL VPN", reason)
        elif one.tag in IGNORED:
            reader.note(Support.IGNORED, one.tag, one.where, one.tag, "no packet is led elsewhere by it")
        elif one.tag not in READ and enabled:
            reader.note(Support.UNKNOWN, one.tag, one.where, one.tag, "a service that is not known here")


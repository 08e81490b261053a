"""Who is around a gateway: every client that differs from others, and every host that serves.

Clients are the networks at the gateway's interfaces, what is routed to others behind them, the internet, the
gateway itself and each host; split where their view changes, so that all of one ``Clients`` are told the
same. Hosts are those of the configuration, and every address behind the gateway that a zone tells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from ipaddress import ip_network

from splitdns.addresses import INSIDE_PREFIXES, is_inside
from splitdns.check.model import (
    Clients,
    Host,
    HostRoute,
    Interface,
    InterfaceAddress,
    Kind,
    Network,
)
from splitdns.check.sets import (
    NONE,
    Address,
    Numbers,
    Prefix,
    all_addresses,
    numbers_of,
    shown_addresses,
)
from splitdns.load.declared import Port
from splitdns.load.gateway import ClientSettings, GatewaySettings, HostSettings
from splitdns.snapshot import Snapshot
from splitdns.value import value

MAX_SHOWN = 2  # ranges of addresses in the name of a part of some clients
PROTOCOLS = {"tcp": 6, "udp": 17}
_MULTICAST = {4: numbers_of(ip_network("224.0.0.0/3")), 6: numbers_of(ip_network("ff00::/8"))}


@value(frozen=True, slots=True)
class Seen:
    """Clients and the view that their own address meets (None: they are refused)."""

    clients: Clients
    view: str | None


# --- Hosts --------------------------------------------------------------------------------------------------


def hosts_of(
    settings: GatewaySettings, network: Network, told: Iterable[Address], found: Sequence[Host] = ()
) -> tuple[Host, ...]:
    """The configured hosts, those that sources ``found``, and one for each other address behind the gateway.

    Of ``told``, addresses of nobody behind the gateway are nobody's here.
    """
    hosts = [_host(name, one) for name, one in settings.hosts.items()]
    configured = {own.address for host in hosts for own in host.addresses}
    hosts += [one for one in found if not configured & {own.address for own in one.addresses}]
    known = {own.address for host in hosts for own in host.addresses}
    others = sorted(set(told) - known, key=lambda one: (one.version, int(one)))
    return (
        *hosts,
        *(
            Host(str(address), (InterfaceAddress(address, network_of(network, address)),))
            for address in others
            if is_behind(network, address)
        ),
    )


def is_behind(network: Network, address: Address) -> bool:
    """Whether ``address`` can be a host's behind the gateway: not the gateway's own, and inside."""
    if address in network.addresses(address.version):
        return False
    inside = (own.prefix for one in network.interfaces if not one.uplink for own in one.addresses)
    return is_inside(address.packed) or any(address in prefix for prefix in inside)


def network_of(network: Network, address: Address) -> Prefix:
    """The network on a link of the gateway that holds ``address``; else the address alone."""
    prefixes = [own.prefix for one in network.interfaces for own in one.addresses if address in own.prefix]
    return max(prefixes, key=lambda prefix: prefix.prefixlen, default=ip_network(address))


def listening(ports: Iterable[Port]) -> dict[int, Numbers]:
    """By protocol number; both protocols are there, if only to say that there is nothing."""
    found = dict.fromkeys(PROTOCOLS.values(), NONE)
    for port in ports:
        number = PROTOCOLS[port.protocol]
        found[number] |= Numbers.of((port.first, port.last))
    return found


def listening_too(
    one: dict[int, Numbers] | None, other: dict[int, Numbers] | None
) -> dict[int, Numbers] | None:
    """What either tells; None: neither tells anything."""
    if one is None or other is None:
        return other if one is None else one
    return {protocol: one.get(protocol, NONE) | other.get(protocol, NONE) for protocol in {*one, *other}}


def _host(name: str, settings: HostSettings) -> Host:
    return Host(
        name,
        tuple(InterfaceAddress(one.ip, one.network, settings.dhcp) for one in settings.addresses),
        {via.version: via for via in settings.gateway},
        tuple(HostRoute(prefix, via) for prefix, via in settings.routes.items()),
        None if settings.listens is None else listening(settings.listens),
        settings.port,
    )


# --- Clients ------------------------------------------------------------------------------------------------


def clients_of(
    settings: GatewaySettings, network: Network, hosts: Sequence[Host], snapshot: Snapshot
) -> tuple[Seen, ...]:
    """Everybody who may ask, each of one view."""
    found: list[Clients] = []
    for family in (4, 6):
        found += _of_family(family, settings, network, hosts)
    return tuple(seen for clients in found for seen in _by_view(clients, snapshot))


def _of_family(
    family: int, settings: GatewaySettings, network: Network, hosts: Sequence[Host]
) -> Iterator[Clients]:
    own = numbers_of(*network.addresses(family))
    serving = NONE
    for host in hosts:
        addresses = [one for one in host.addresses if one.address.version == family]
        if addresses:
            serving |= numbers_of(*(one.address for one in addresses))
            yield from _as_client(family, host, addresses, network)
    taken = own | serving
    for name, one in settings.clients.items():
        numbers = numbers_of(*(prefix for prefix in one.prefixes if prefix.version == family)) - taken
        if numbers:
            taken |= numbers
            yield _configured(name, one, family, numbers)
    for interface in network.interfaces:
        if not interface.up or interface.uplink:
            continue
        own_prefixes = {one.prefix for one in interface.addresses if not _is_local(one.address)}
        for prefix in sorted((one for one in own_prefixes if one.version == family), key=str):
            if numbers := _usable(prefix) - taken:
                yield _on_link(interface, family, prefix, numbers)
            taken |= numbers_of(prefix)
    for route in network.routes:
        at = network.interface(route.interface or "")
        if at is None or at.uplink or route.kind != "unicast" or route.prefix.prefixlen == 0:
            continue
        if route.prefix.version == family and (numbers := numbers_of(route.prefix) - taken):
            taken |= numbers
            yield Clients(str(route.prefix), Kind.ROUTED, family, numbers, at.name)
    yield from _internet(family, network, taken)
    if own:
        yield Clients("the gateway", Kind.GATEWAY, family, Numbers.one(_preferred(network, family)), None)


def _is_local(address: Address) -> bool:
    """Whether nobody beyond its own link, or host, can have business with it."""
    return address.is_link_local or address.is_loopback


def _usable(prefix: Prefix) -> Numbers:
    """The addresses that hosts of a network can have.

    Not its own, which in IPv6 is the anycast address of its routers (RFC 4291 2.6.1), nor its broadcast
    address.
    """
    numbers = numbers_of(prefix)
    if prefix.max_prefixlen - prefix.prefixlen < 2:
        return numbers
    if prefix.version == 6:
        return numbers - numbers_of(prefix[0])
    return numbers - Numbers.of(*((int(one), int(one)) for one in (prefix[0], prefix[-1])))


def _on_link(interface: Interface, family: int, prefix: Prefix, numbers: Numbers) -> Clients:
    name = f"{interface.name} {prefix}"
    if interface.point_to_point:  # a tunnel's clients meet each other through the gateway only
        return Clients(name, Kind.ROUTED, family, numbers, interface.name)
    return Clients(name, Kind.NETWORK, family, numbers, interface.name, numbers_of(prefix))


def _as_client(
    family: int, host: Host, addresses: Sequence[InterfaceAddress], network: Network
) -> Iterator[Clients]:
    """A host that asks: from its first address, in the first network that a link of the gateway has."""
    for own in addresses:
        at = next(
            (one for one in network.interfaces if any(own.address in a.prefix for a in one.addresses)), None
        )
        if at is None:
            continue
        on_link = numbers_of(*(one.prefix for one in addresses))
        via = host.default_via.get(family)
        numbers = numbers_of(own.address)
        yield Clients(
            host.name,
            Kind.HOST,
            family,
            numbers,
            at.name,
            on_link,
            via,
            host.routes,
            port=host.port,
            host=host.name,
        )
        return


def _configured(name: str, settings: ClientSettings, family: int, numbers: Numbers) -> Clients:
    tunnelled = None
    if settings.tunnelled is not None:
        tunnelled = numbers_of(*(prefix for prefix in settings.tunnelled if prefix.version == family))
    return Clients(
        name,
        Kind.NETWORK if settings.on_link else Kind.ROUTED,
        family,
        numbers,
        settings.interface,
        numbers if settings.on_link else None,
        next((via for via in settings.router if via.version == family), None),
        tuple(HostRoute(prefix, via) for prefix, via in settings.routes.items() if prefix.version == family),
        tunnelled,
        settings.port,
    )


def _internet(family: int, network: Network, taken: Numbers) -> Iterator[Clients]:
    """All that is left, at each uplink; private addresses only where they are the uplink's own network."""
    public = public_addresses(family) - taken
    if family == 6:  # what is left of a delegated prefix is nobody's: its router refuses it (RFC 7084 WPD-5)
        public -= numbers_of(*_refused(network))
    uplinks = [one for one in network.interfaces if one.uplink and one.up]
    reserved = NONE  # at whichever uplink
    for prefix in (own.prefix for one in uplinks for own in one.addresses if own.prefix.version == family):
        reserved |= numbers_of(prefix) - _usable(prefix)
    for uplink in uplinks:
        near = [
            own.prefix
            for own in uplink.addresses
            if own.prefix.version == family and not _is_local(own.address)
        ]
        numbers = (public | numbers_of(*near) - taken) - reserved
        is_default = any(
            route.prefix.prefixlen == 0 and route.prefix.version == family and route.interface == uplink.name
            for route in network.routes
        )
        if near or is_default:
            name = "the internet" if len(uplinks) == 1 else f"the internet at {uplink.name}"
            yield Clients(name, Kind.INTERNET, family, numbers, uplink.name)


def _refused(network: Network) -> Iterator[Prefix]:
    for route in network.routes:
        if route.kind != "unicast" and route.prefix.version == 6 and route.prefix.prefixlen > 0:
            yield route.prefix


def public_addresses(family: int) -> Numbers:
    """Every address that a host on the internet may have."""
    private = numbers_of(*(prefix for prefix in INSIDE_PREFIXES if prefix.version == family))
    return all_addresses(family) - private - _MULTICAST[family]


def _preferred(network: Network, family: int) -> int:
    """The gateway's address that its own traffic towards the inside bears: the first that is no uplink's."""
    inside = [
        own.address
        for uplink in (False, True)
        for one in network.interfaces
        if one.uplink is uplink
        for own in one.addresses
        if own.address.version == family and not _is_local(own.address)
    ]
    return int(inside[0] if inside else network.addresses(family)[0])


def _by_view(clients: Clients, snapshot: Snapshot) -> Iterator[Seen]:
    """The longest prefix wins, as for the server; what is left meets the view that has ``any``."""
    parts: dict[str | None, Numbers] = {}
    left = clients.numbers
    for prefix, view in sorted(snapshot.prefixes, key=lambda pair: -pair[0].prefixlen):
        if prefix.version == clients.family and (part := left & numbers_of(prefix)):
            parts[view.name] = parts.get(view.name, NONE) | part
            left -= part
    rest = snapshot.any_view.name if snapshot.any_view is not None else None
    if left:
        parts[rest] = parts.get(rest, NONE) | left
    for view_name, numbers in parts.items():
        named = clients
        is_rest = view_name == rest and clients.kind is Kind.INTERNET
        if len(parts) > 1 and not is_rest:
            part_of = shown_addresses(clients.family, numbers)
            if len(numbers.ranges) > MAX_SHOWN:  # a prefix of views around networks of the gateway's own
                part_of = f"as far as in {view_name}"
            named = replace(clients, name=f"{clients.name}, {part_of}")
        yield Seen(replace(named, numbers=numbers), view_name)

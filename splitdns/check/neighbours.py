"""Who is around the gateway, as packets meet them: which way each client and each host sends, and to whom.

Hosts have routing tables of their own. What is in their network they reach without the gateway, and this is
what breaks hairpins: nothing here knows of hairpins.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from splitdns.check.cuts import Table
from splitdns.check.flows import Flow
from splitdns.check.model import Gateway
from splitdns.check.network import Clients, Host, HostRoute, Kind
from splitdns.check.prefixes import Prefixes
from splitdns.check.sets import Address, Numbers, Prefix, Range, all_addresses, numbers_of
from splitdns.check.terrain import Terrain
from splitdns.value import value

GATEWAY = ""  # its name as a server


class To(Enum):
    """Whom a neighbour hands a packet."""

    LINK = "link"  # the destination itself
    GATEWAY = "gateway"
    ROUTER = "router"  # another one
    ITSELF = "itself"
    ELSEWHERE = "elsewhere"  # out into the internet, past the tunnel
    NOBODY = "nobody"


class Way(NamedTuple):
    """``interface``: the gateway's on that link (None: the one by which the neighbour is reached)."""

    to: To
    interface: str | None = None
    router: int | None = None


@value(frozen=True, slots=True)
class Server:
    """Who gets a packet: ``name`` None is somebody unknown, ``GATEWAY`` the gateway."""

    name: str | None
    interface: str
    ways: Prefixes[Way]
    listens: dict[int, Numbers] | None = None
    port: str | None = None


class Neighbours:
    """The hosts of a gateway, and the ways of its clients."""

    def __init__(self, gateway: Gateway, terrain: Terrain) -> None:
        self._terrain = terrain
        self._family = terrain.family
        self._hosts = {one.name: one for one in gateway.hosts}
        self._gateway = Server(GATEWAY, "", Prefixes([], Way(To.NOBODY)), gateway.listens)
        self._owners: Prefixes[str | None] = Prefixes(
            [((int(own), int(own)), host.name) for host in gateway.hosts for own in _own(host, self._family)],
            None,
        )
        self._links = {
            host.name: frozenset(
                name for own in _near(host, self._family) if (name := terrain.links.at(int(own))) is not None
            )
            for host in gateway.hosts
        }
        self._servers: dict[tuple[str | None, str, bool], Server] = {}
        self._client_ways: dict[Clients, Prefixes[Way]] = {}

    @property
    def gateway(self) -> Server:
        return self._gateway

    def tables(self) -> Iterator[Table]:
        """What says whose addresses are whose, and who is near whom."""
        yield self._owners.table
        yield from (self._host_ways(host, "").table for host in self._hosts.values())

    def servers(self, flow: Flow, interface: str, via: int | None) -> Iterator[tuple[Flow, Server | None]]:
        """Who gets what is sent out by ``interface``; None: nobody who would answer."""
        for part, host in self.owners(flow):
            yield part, self._server(host, interface, via)

    def owners(self, flow: Flow) -> Iterator[tuple[Flow, Host | None]]:
        """``flow`` in parts, each with the host whose address is the destination."""
        for part, name in self._owners.split(flow, flow.header.destination):
            yield part, None if name is None else self._hosts[name]

    def _server(self, host: Host | None, interface: str, via: int | None) -> Server | None:
        # A router that is not known may know a way to the host; those of the internet know none.
        is_near = via is None or interface in self._terrain.uplinks
        links = self._links[host.name] if host is not None and is_near else ()
        if links and interface not in links:
            return None  # nobody on that link has the address
        key = (None if host is None else host.name, interface, via is None)
        known = self._servers.get(key)
        if known is None:
            if host is None:
                known = Server(None, interface, self._unknown_ways(interface, via is None))
            else:
                ways = self._host_ways(host, interface)
                known = Server(host.name, interface, ways, host.listens, host.port)
            self._servers[key] = known
        return known

    def _unknown_ways(self, interface: str, is_near: bool) -> Prefixes[Way]:
        """Of somebody on a link of the gateway who is like every other host there, or of somebody behind."""
        face = self._terrain.interfaces.get(interface)
        if not is_near or face is None or face.point_to_point:
            return Prefixes([], Way(To.GATEWAY))
        networks = [own.prefix for own in face.addresses if own.address.version == self._family]
        return Prefixes([(_range(one), Way(To.LINK)) for one in networks], Way(To.GATEWAY))

    def _host_ways(self, host: Host, interface: str) -> Prefixes[Way]:
        family = self._family
        ranges = [((int(own), int(own)), Way(To.ITSELF)) for own in _own(host, family)]
        routes = sorted(
            (one for one in host.routes if one.prefix.version == family), key=lambda one: one.via is None
        )
        ranges += [(_range(one.prefix), self._route_way(one)) for one in routes]
        for own in host.addresses:
            if own.address.version == family:
                name = self._terrain.links.at(int(own.address))
                face = self._terrain.interfaces.get(name or interface)
                apart = face is not None and face.point_to_point
                ranges.append((_range(own.prefix), Way(To.GATEWAY if apart else To.LINK, name)))
        default = host.default_via.get(family, Way(To.GATEWAY))
        if default is None:
            return Prefixes(ranges, Way(To.NOBODY))
        return Prefixes(ranges, default if isinstance(default, Way) else self._router(default))

    def client_ways(self, clients: Clients) -> Prefixes[Way]:
        """Which way ``clients`` send."""
        known = self._client_ways.get(clients)
        if known is None:
            known = self._client_ways[clients] = self._ways_of(clients)
        return known

    def _ways_of(self, clients: Clients) -> Prefixes[Way]:
        if clients.kind is Kind.HOST and clients.host in self._hosts:
            return self._host_ways(self._hosts[clients.host], clients.interface or "")
        everything = all_addresses(self._family)
        ranges: list[tuple[Range, Way]] = []
        if clients.tunnelled is not None:
            ranges += [(one, Way(To.ELSEWHERE)) for one in (everything - clients.tunnelled).ranges]
        routes = [one for one in clients.routes if one.prefix.version == self._family]
        ranges += [(_range(one.prefix), self._route_way(one)) for one in routes]
        if clients.network is not None:
            ranges += [(one, Way(To.LINK)) for one in clients.network.ranges]
        default = clients.default_via
        return Prefixes(ranges, Way(To.GATEWAY) if default is None else self._router(default))

    def _route_way(self, route: HostRoute) -> Way:
        return Way(To.LINK) if route.via is None else self._router(route.via)

    def _router(self, address: Address) -> Way:
        if int(address) in self._terrain.own:
            names = [
                name
                for name, face in self._terrain.interfaces.items()
                if any(own.address == address for own in face.addresses)
            ]
            return Way(To.GATEWAY, names[0])
        return Way(To.ROUTER, None, int(address))

    def router(self, way: Way) -> Host | None:
        """The host that is the router of ``way``, where one of them is."""
        name = None if way.router is None else self._owners.at(way.router)
        return None if name is None else self._hosts[name]


def _own(host: Host, family: int) -> Iterable[Address]:
    return [own.address for own in host.addresses if own.address.version == family]


def _near(host: Host, family: int) -> Iterable[Address]:
    """The addresses that tell on which link a host is: those with a network, where it has such."""
    own = [one for one in host.addresses if one.address.version == family]
    return [one.address for one in own if one.prefix.num_addresses > 1] or [one.address for one in own]


def _range(prefix: Prefix) -> Range:
    return numbers_of(prefix).ranges[0]


def by_way(
    ways: Sequence[tuple[int, Prefixes[Way]]], destination: Numbers
) -> Iterator[tuple[Way, Numbers, int]]:
    """For clients with masks: who sends which of the destinations which way."""
    found: dict[tuple[Way, Numbers], int] = {}
    for mask, its in ways:
        for way, numbers in its.over(destination):
            found[way, numbers] = found.get((way, numbers), 0) | mask
    for (way, numbers), mask in found.items():
        yield way, numbers, mask

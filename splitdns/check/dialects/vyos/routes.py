"""Routes that the configuration sets, and those that come with a lease.

Routes that a protocol learns are in no file; where one runs, that is noted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.dialects.vyos.reading import Reading
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, address, prefix, whole
from splitdns.check.model import Interface, Route, Support
from splitdns.check.sets import Address, Prefix

_ROUTES = ("route", "route6", "interface-route", "interface-route6")
LEARNS = frozenset({"bgp", "ospf", "ospfv3", "rip", "ripng", "isis", "eigrp", "babel", "nhrp", "openfabric"})
_ANY = ip_network("0.0.0.0/0")
_LEASED_METRIC = 210  # the distance of a default route by DHCP
_KINDS = {"blackhole": "blackhole", "reject": "unreachable"}


def read_routes(reading: Reading) -> None:
    """Put the routes into ``reading.network``, and mark the interfaces behind which the internet is."""
    found = list(_static(reading, reading.tree.at("protocols", "static"), "main"))
    for table in reading.tree.beneath("protocols", "static", "table"):
        found += _static(reading, table, table.word)
    for gateway in reading.tree.beneath("system", "gateway-address"):
        found += _by(reading, gateway, _ANY, "main", 0)
    found += _of_peers(reading)
    leased = (one for one in reading.network.interfaces if one.uplink and one.name in reading.leased)
    found += [Route(_ANY, one.name, metric=_LEASED_METRIC) for one in leased]
    for protocol in reading.tree.beneath("protocols"):
        if protocol.word in LEARNS:
            reading.note(Support.WIDENED, protocol, "routes that it learns are in no file")
    uplinks = {one.interface for one in found if one.prefix.prefixlen == 0 and one.table == "main"}
    if not uplinks - {None}:  # the wizard's own word for it, where nothing else tells
        uplinks = {one.word for one in reading.tree.beneath("port-forward", "wan-interface")}
    reading.network = replace(
        reading.network,
        interfaces=tuple(
            replace(one, uplink=True) if one.name in uplinks else one for one in reading.network.interfaces
        ),
        routes=tuple(found),
    )


def _static(reading: Reading, static: Node | None, table: str) -> Iterator[Route]:
    if static is None:
        return
    for kind in _ROUTES:
        for node in static.beneath(kind):
            try:
                to = prefix(node.word)
            except Wrong as wrong:
                reading.wrong(node, str(wrong))
                continue
            yield from _route(reading, node, to, table)
    reading.rest(static, (*_ROUTES, "table", "arp", "neighbor-proxy"), ("description",))


def _route(reading: Reading, node: Node, to: Prefix, table: str) -> Iterator[Route]:
    for child in node.children.values():
        match child.word:
            case "next-hop":
                for one in child.children.values():
                    if "disable" not in one.children:
                        yield from _by(reading, one, to, table, _distance(reading, one))
            case "interface" | "next-hop-interface" | "dhcp-interface":
                for one in child.children.values():
                    if "disable" not in one.children:
                        yield Route(to, one.word, None, _distance(reading, one), table)
            case word if word in _KINDS:
                yield Route(to, None, None, _distance(reading, child), table, _KINDS[word])
            case _:
                reading.note(Support.UNKNOWN, child)


def _by(reading: Reading, node: Node, to: Prefix, table: str, distance: int) -> Iterator[Route]:
    """A route by the next router; its interface is the one in whose network that is."""
    try:
        via = address(node.word)
    except Wrong as wrong:
        reading.wrong(node, str(wrong))
        return
    name = node.value("interface") or _toward(reading, via)
    if name is None:
        reading.note(Support.WIDENED, node, "no interface has the router in its network")
    yield Route(to, name, via, distance, table)


def _toward(reading: Reading, via: Address) -> str | None:
    def has(one: Interface) -> bool:
        return any(via in own.prefix for own in one.addresses)

    return next((one.name for one in reading.network.interfaces if has(one)), None)


def _distance(reading: Reading, node: Node) -> int:
    told = node.leaf("distance")
    if told is None:
        return 0
    try:
        return whole(told.word, 255, "a distance")
    except Wrong as wrong:
        reading.wrong(told, str(wrong))
        return 0


def _of_peers(reading: Reading) -> Iterator[Route]:
    """EdgeOS routes what a WireGuard peer is allowed to send to that peer, unless it is told not to."""
    if reading.dialect == "vyos":
        return
    for node in reading.tree.beneath("interfaces", "wireguard"):
        if node.value("route-allowed-ips") == "false":
            continue
        for one in (each for peer in node.beneath("peer") for each in peer.beneath("allowed-ips")):
            for text in one.word.split(","):
                try:
                    yield Route(prefix(text.strip()), node.word)
                except Wrong as wrong:
                    reading.wrong(one, str(wrong))

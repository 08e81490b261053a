"""An uplink's leased address, where none of the gateway's sources tells it.

What a gateway exports of itself often lacks what its provider leased to it. The configuration knows that
address too, as `wan:`: it is what zones tell the internet. So it is taken for the uplink's, if there is only
one that it can be; else rules for whatever address is the gateway's own would seem to hold for none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from ipaddress import ip_network

from splitdns.check.model import Interface, InterfaceAddress, Network
from splitdns.load.wansources import Value


def with_leased(network: Network, wan: Mapping[int, Value]) -> Network:
    """``network`` with ``wan``'s addresses, by family, at the uplink whose default route has no address."""
    for family, value in wan.items():
        if value.address is None or value.address in network.addresses(family):
            continue
        uplinks = [one for one in network.interfaces if one.uplink and one.up]
        if len(uplinks) != 1 or not _lacks(network, uplinks[0], family):
            continue
        leased = InterfaceAddress(value.address, ip_network(value.address), dynamic=True)
        told = replace(uplinks[0], addresses=(*uplinks[0].addresses, leased))
        faces = (told if one is uplinks[0] else one for one in network.interfaces)
        network = replace(network, interfaces=tuple(faces))
    return network


def _lacks(network: Network, uplink: Interface, family: int) -> bool:
    """Whether a default route of ``family`` leads there, and there is no address to send with."""
    routed = any(
        route.prefix.prefixlen == 0 and route.prefix.version == family and route.interface == uplink.name
        for route in network.routes
    )
    own = [one.address for one in uplink.addresses if one.address.version == family]
    return routed and all(one.is_link_local for one in own)

"""Where a client of the LAN meets a container: at its own address there, or where the host publishes it.

A container on a bridge has an address that exists on the host only; who is told it waits for nothing. So the
answer is the address at which Docker listens for it. With macvlan, ipvlan and routed bridges the container is
a host of the network by itself, and with host networking it is the host.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from splitdns.load.declared import Port
from splitdns.sources.docker.container import HOST, Address, Container, Published
from splitdns.value import value

Ports = frozenset[tuple[str, int]]


@value(frozen=True, slots=True)
class Met:
    """``addresses``: one of each family at most, but for a container in several networks of the LAN.

    ``is_own``: nobody else is met there. ``ports`` is what is published there; None: whatever it listens on.
    """

    addresses: tuple[Address, ...]
    is_own: bool = False
    ports: Ports | None = None


def where_met(
    container: Container,
    host: Sequence[Address],
    reachable: Collection[tuple[str, int]],
    wanted: Sequence[Port] = (),
) -> Met:
    """Where ``container`` is met: at ``host``'s addresses, or its own in the ``reachable`` networks.

    ``wanted`` are the host's ports that matter; none: all of them.

    Raises:
        ValueError: nowhere, or it cannot be told where; what was expected, what was found.
    """
    own = tuple(
        address
        for network, addresses in container.addresses.items()
        for address in addresses
        if (network, address.version) in reachable
    )
    if own:
        return Met(own, is_own=True)
    if container.mode == HOST:
        if not host:
            raise ValueError("expected `inside` of the source to be the host's address, found none")
        return Met(tuple(host))
    return _published(container, host, wanted)


def _published(container: Container, host: Sequence[Address], wanted: Sequence[Port]) -> Met:
    ports = [one for one in container.ports if not one.at.is_loopback]
    if not ports:
        what = "ports at the loopback address only" if container.ports else "no published port"
        expected = "expected a port published at the host, host networking, or a macvlan or ipvlan network"
        raise ValueError(f"{expected}, found {what}")
    relevant = [one for one in ports if any(_is_in(one, port) for port in wanted)] or ports
    found: list[Address] = []
    for family in (4, 6):
        at: set[Address] = set()
        for one in relevant:
            if one.at.version == family:
                at |= {mine for mine in host if mine.version == family} if one.at.is_unspecified else {one.at}
        if len(at) > 1:
            shown = ", ".join(map(str, sorted(at, key=int)))
            raise ValueError(f"expected ports published at one address of the host, found {shown}")
        found += at
    if not found:
        raise ValueError("expected `inside` of the source to be the host's address, found none")
    return Met(tuple(found), ports=frozenset((one.protocol, one.port) for one in ports))


def _is_in(one: Published, of: Port) -> bool:
    return one.protocol == of.protocol and of.first <= one.port <= of.last

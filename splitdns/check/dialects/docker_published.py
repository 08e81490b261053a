"""What Docker publishes, however it was learnt: containers, their networks, and ports of the host."""

from __future__ import annotations

import re

from splitdns.check.model import (
    SCTP,
    TCP,
    UDP,
    Host,
    Interface,
    InterfaceAddress,
    Note,
    Origin,
)
from splitdns.check.sets import NONE, Address, Numbers
from splitdns.errors import ConfigError, Where
from splitdns.value import value

BRIDGE_NAME = "com.docker.network.bridge.name"  # the option of a network
PROTOCOLS = {"tcp": TCP, "udp": UDP, "sctp": SCTP}
EPHEMERAL = Numbers(((32_768, 60_999),))  # what Docker chooses from (net.ipv4.ip_local_port_range)


@value(frozen=True, slots=True)
class Bridge:
    """A network of Docker's: an interface of the host, which is the containers' router.

    ``publishes``: ports of its containers can be the host's (not so of an internal network).
    """

    name: str
    interface: str
    addresses: tuple[InterfaceAddress, ...]
    origin: Origin
    publishes: bool = True


@value(frozen=True, slots=True)
class Container:
    """``addresses`` with the network of each; ``publishing`` are those to which published ports lead.

    ``exposed``: ports that it says it serves, protocol by protocol, published or not.
    """

    name: str
    addresses: tuple[InterfaceAddress, ...]
    publishing: dict[int, Address]  # by family
    bridge: str | None  # the interface of the bridge of ``publishing``
    origin: Origin
    exposed: tuple[tuple[int, Numbers], ...] = ()


@value(frozen=True, slots=True)
class PublishedPort:
    """Ports of the host that lead to ports of a container, one to one.

    ``address``: only this address of the host (None: any of it). ``chosen``: not one to one; Docker chooses
    among ``ports`` when the container starts.
    """

    container: Container
    protocol: int
    ports: Numbers
    to: Numbers
    address: Address | None
    families: frozenset[int]
    origin: Origin
    chosen: bool = False


@value(frozen=True, slots=True)
class Published:
    """What one file tells."""

    bridges: tuple[Bridge, ...] = ()
    containers: tuple[Container, ...] = ()
    ports: tuple[PublishedPort, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def hosts(self) -> tuple[Host, ...]:
        """The containers as hosts, which serve what they expose or publish."""
        return tuple(
            Host(one.name, one.addresses, listens=self._listens(one), where=one.origin.where)
            for one in self.containers
            if one.addresses
        )

    def _listens(self, container: Container) -> dict[int, Numbers]:
        found = dict.fromkeys(PROTOCOLS.values(), NONE)
        published = ((port.protocol, port.to) for port in self.ports if port.container is container)
        for protocol, ports in (*container.exposed, *published):
            found[protocol] |= ports
        return found

    @property
    def interfaces(self) -> tuple[Interface, ...]:
        """The bridges as interfaces of the gateway."""
        return tuple(Interface(one.interface, one.addresses) for one in self.bridges)


_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")


def port_range(text: str, where: Where, whole: str) -> Numbers:
    """``80`` or ``8000-8010``.

    Raises:
        ConfigError: it is neither; ``whole`` is shown.
    """
    found = _RANGE.fullmatch(text)
    low = int(found[1]) if found else 0
    high = int(found[2]) if found and found[2] else low
    if not 1 <= low <= high <= 65_535:
        raise ConfigError(where, f"expected a port, or a range like 8000-8010, found {whole!r}")
    return Numbers.of((low, high))


def protocol_number(name: str, where: Where) -> int:
    """Of ``tcp``, ``udp`` or ``sctp``.

    Raises:
        ConfigError: it is none of them.
    """
    if name.lower() not in PROTOCOLS:
        raise ConfigError(where, f"expected tcp, udp or sctp, found {name!r}")
    return PROTOCOLS[name.lower()]


def families_of(address: Address | None, container: Container) -> frozenset[int]:
    """Of which families the port is translated: those in which the container has an address."""
    wanted = {4, 6} if address is None else {address.version}
    return frozenset(wanted & set(container.publishing))



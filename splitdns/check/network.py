"""What is around the rules: the gateway as a router, the hosts behind it, and the clients on every side."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum

from splitdns.check.rules import Origin
from splitdns.check.sets import Address, Numbers, Prefix
from splitdns.errors import Where
from splitdns.value import value


@value(frozen=True, slots=True)
class InterfaceAddress:
    """An address of the gateway and the network it is in; ``dynamic``: leased (DHCP, RA, PPP)."""

    address: Address
    prefix: Prefix
    dynamic: bool = False


@value(frozen=True, slots=True)
class Interface:
    """``bridge`` is the bridge that it is a port of, ``uplink`` whether the internet is behind it.

    ``point_to_point``: a tunnel, or another link whose hosts do not reach each other directly.
    """

    name: str
    addresses: tuple[InterfaceAddress, ...] = ()
    bridge: str | None = None
    uplink: bool = False
    up: bool = True
    point_to_point: bool = False
    hairpin: bool = False  # as a bridge port: frames may leave by the port by which they came
    rp_filter: int | None = None  # 0 off, 1 strict, 2 loose (RFC 3704); None: not known
    groups: frozenset[str] = frozenset()  # by which rules of a BSD name it (ifconfig(8))


@value(frozen=True, slots=True)
class Route:
    """``via`` is the next router (None: on-link), ``kind`` unicast, local, blackhole, unreachable, …"""

    prefix: Prefix
    interface: str | None = None
    via: Address | None = None
    metric: int = 0
    table: str = "main"
    kind: str = "unicast"


@value(frozen=True, slots=True)
class PolicyRule:
    """Which routing table a packet is looked up in, lowest ``priority`` first (ip-rule(8))."""

    priority: int
    table: str
    source: Prefix | None = None
    destination: Prefix | None = None
    incoming: str | None = None
    mark: tuple[int, int] | None = None  # (value, mask)
    unknown: str = ""  # a selector that is not modelled


@value(frozen=True, slots=True)
class Network:
    """The gateway as a router.

    ``routes`` may leave out those that come with an address: where none of the connected networks is among
    them, all are meant, and a default route by the uplink, where there is no other.

    ``bridge_nf`` is net.bridge.bridge-nf-call-iptables (ip6tables) by family: whether frames that are only
    bridged meet the rules too (None: not known). ``forwards``: whether it routes at all; where it does not,
    ``not_forwarding`` may tell what says so.
    """

    interfaces: tuple[Interface, ...] = ()
    routes: tuple[Route, ...] = ()
    policy: tuple[PolicyRule, ...] = ()
    bridge_nf: dict[int, bool | None] = field(default_factory=lambda: {4: None, 6: None})
    forwards: dict[int, bool | None] = field(default_factory=lambda: {4: True, 6: True})
    not_forwarding: dict[int, Origin] = field(default_factory=dict)

    def interface(self, name: str) -> Interface | None:
        return next((one for one in self.interfaces if one.name == name), None)

    def addresses(self, family: int) -> tuple[Address, ...]:
        """All that the gateway itself answers to, loopback aside."""
        return tuple(
            own.address
            for one in self.interfaces
            for own in one.addresses
            if own.address.version == family and not own.address.is_loopback
        )


@value(frozen=True, slots=True)
class HostRoute:
    """A route of a host other than the gateway; ``via`` None: on-link."""

    prefix: Prefix
    via: Address | None


@value(frozen=True, slots=True)
class Host:
    """A machine that serves, or one that asks.

    ``addresses`` are its own with their networks (what is in them, it reaches without the gateway).
    ``default_via`` is its default router by family: missing means the gateway (its address in the host's
    network), None means that it has none. ``listens``: ports by protocol (None: not known, so that every
    declared port is assumed). ``port``: the bridge port of the gateway behind which it is (None: not known).
    """

    name: str
    addresses: tuple[InterfaceAddress, ...]
    default_via: dict[int, Address | None] = field(default_factory=dict)
    routes: tuple[HostRoute, ...] = ()
    listens: dict[int, Numbers] | None = None
    port: str | None = None
    where: Where | None = None


class Kind(StrEnum):
    """Of clients."""

    NETWORK = "network"  # on-link at an interface of the gateway
    ROUTED = "routed"  # behind another router inside, or in a tunnel
    INTERNET = "internet"
    GATEWAY = "gateway"  # the gateway itself
    HOST = "host"  # one of the hosts that serve


@value(frozen=True, slots=True)
class Clients:
    """Clients that differ in nothing but their address.

    ``numbers`` are their addresses (of ``family``); ``interface`` is where their packets come in (None: they
    are the gateway's own). ``network`` is what they reach without a router (None: nothing). ``default_via``:
    their default router, None for the gateway. ``tunnelled``: the destinations that they send to the
    gateway at all (a VPN's AllowedIPs; None: all); others they send as clients of the internet.
    """

    name: str
    kind: Kind
    family: int
    numbers: Numbers
    interface: str | None
    network: Numbers | None = None
    default_via: Address | None = None
    routes: tuple[HostRoute, ...] = ()
    tunnelled: Numbers | None = None
    port: str | None = None
    host: str | None = None  # of kind HOST: which

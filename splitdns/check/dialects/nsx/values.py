"""What an edge's XML says, as values: the same for NSX's own form and for vCloud Director's.

``None`` for addresses and ports is *any* of them, as the word is in both.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from splitdns.check.model import Action, Interface, Origin
from splitdns.check.sets import Numbers
from splitdns.value import value


@value(frozen=True, slots=True)
class Traffic:
    """Of a rule: protocols (empty: any), ports of the destination and of the source, types of ICMP."""

    protocols: Numbers | None = None
    ports: Numbers | None = None
    source_ports: Numbers | None = None
    icmp_types: Numbers | None = None
    unknown: str = ""  # why it may be other traffic


@value(frozen=True, slots=True)
class Vnic:
    """An interface of the edge, by the words with which rules refer to it."""

    interface: Interface
    called: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.interface.name


@value(frozen=True, slots=True)
class NatRule:
    """``dnat`` is the destination's, else the source's; ``original`` is that side, ``matched`` the other one.

    ``on``: interfaces by which packets come (DNAT) or leave (SNAT); None: any.
    """

    dnat: bool
    on: frozenset[str] | None
    original: Numbers | None
    traffic: Traffic
    matched: Numbers | None
    translated: Numbers
    translated_ports: Numbers | None
    origin: Origin
    unknown: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Peers:
    """One side of a firewall rule: any of these, or, ``excluded``, none of them.

    ``addresses`` by family; ``interfaces`` are the edge's, ``itself`` is the edge; ``unknown`` says why it
    may be anybody.
    """

    addresses: dict[int, Numbers] = field(default_factory=dict)
    interfaces: frozenset[str] = frozenset()
    itself: bool = False
    unknown: tuple[str, ...] = ()
    excluded: bool = False

    @property
    def is_any(self) -> bool:
        return not (self.addresses or self.interfaces or self.itself or self.unknown)


@value(frozen=True, slots=True)
class FilterRule:
    """``translated``: it sees addresses and ports as NAT has made them, and not as the client wrote them."""

    action: Action
    source: Peers
    destination: Peers
    traffic: tuple[Traffic, ...]
    translated: bool
    origin: Origin
    unknown: tuple[str, ...] = ()


@value(frozen=True, slots=True)
class Firewall:
    enabled: bool
    rules: tuple[FilterRule, ...]
    policy: Action
    drops_invalid: bool
    origin: Origin


@value(frozen=True, slots=True)
class Nat:
    enabled: bool
    rules: tuple[NatRule, ...]
    origin: Origin


@value(frozen=True, slots=True)
class Balanced:
    """An address and port of the edge behind which a load balancer is."""

    address: Numbers
    protocol: int
    ports: Numbers
    origin: Origin


@dataclass(slots=True)
class Edge:
    """All that the texts say; None: they do not."""

    vnics: list[Vnic] = field(default_factory=list)
    firewall: Firewall | None = None
    nat: Nat | None = None
    balanced: list[Balanced] = field(default_factory=list)

    def named(self, word: str) -> Vnic | None:
        """The interface that a rule calls so."""
        return next((one for one in self.vnics if word in one.called), None)

    @property
    def inside(self) -> frozenset[str]:
        return frozenset(one.name for one in self.vnics if not one.interface.uplink)

    @property
    def outside(self) -> frozenset[str]:
        return frozenset(one.name for one in self.vnics if one.interface.uplink)


def numbers_by_family(parts: Sequence[tuple[int, Numbers]]) -> dict[int, Numbers]:
    """Each family's addresses together."""
    found: dict[int, Numbers] = {}
    for family, numbers in parts:
        found[family] = found.get(family, Numbers()) | numbers
    return found

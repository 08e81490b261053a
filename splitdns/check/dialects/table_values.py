"""A gateway in a person's words: what a table says, as values."""

from __future__ import annotations

from enum import StrEnum

from splitdns.check.model import Interface, Origin, Route
from splitdns.check.sets import Address, Prefix
from splitdns.load.declared import Port
from splitdns.value import value


class Decision(StrEnum):
    """What becomes of packets that no rule admits or all rules leave over."""

    ALLOW = "allow"
    DENY = "deny"
    REJECT = "reject"


@value(frozen=True, slots=True)
class Traffic:
    """Ports of a protocol, all of a protocol, or, with neither, everything."""

    port: Port | None = None
    protocol: int | None = None


@value(frozen=True, slots=True)
class Hairpin:
    """Whether inside clients are translated too; where ``networks`` are told, only theirs."""

    is_on: bool = False
    networks: tuple[Prefix, ...] = ()


@value(frozen=True, slots=True)
class Forward:
    """What is sent to ``address`` (empty: any of the gateway's on the interface) goes to ``to``."""

    on: frozenset[str]
    address: tuple[Address, ...]
    traffic: tuple[Traffic, ...]
    to: Address
    to_port: int | None
    sources: tuple[Prefix, ...]
    hairpin: Hairpin
    origin: Origin


@value(frozen=True, slots=True)
class OneToOne:
    """``public`` outside is ``inside``, in both directions and for everything."""

    on: frozenset[str]
    public: Address
    inside: Address
    hairpin: Hairpin
    origin: Origin


@value(frozen=True, slots=True)
class SourceNat:
    """What leaves by ``on`` gets its address, or ``address``."""

    on: frozenset[str]
    sources: tuple[Prefix, ...]
    address: Address | None
    origin: Origin


@value(frozen=True, slots=True)
class FilterRule:
    """``incoming`` and ``outgoing`` are interfaces; empty sets and tuples are any."""

    decision: Decision
    traffic: tuple[Traffic, ...]
    incoming: frozenset[str]
    outgoing: frozenset[str]
    sources: tuple[Prefix, ...]
    destinations: tuple[Prefix, ...]
    to_gateway: bool
    origin: Origin


@value(frozen=True, slots=True)
class Filter:
    """``forward`` and ``gateway`` are for what no rule decides; None: denied if it comes by an uplink.

    ``admits_forwards``: what a forward translates needs no rule.
    """

    rules: tuple[FilterRule, ...]
    forward: Decision | None
    gateway: Decision | None
    admits_forwards: bool
    origin: Origin


@value(frozen=True, slots=True)
class Written:
    """All that a table says."""

    uplinks: frozenset[str]
    interfaces: tuple[Interface, ...]
    routes: tuple[Route, ...]
    forwards: tuple[Forward, ...]
    one_to_one: tuple[OneToOne, ...]
    source_nat: tuple[SourceNat, ...]
    keeps_source: bool  # of hairpins: the server sees the client's own address
    filter: Filter

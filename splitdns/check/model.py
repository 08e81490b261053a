"""A gateway in nobody's dialect: its rules, its network, and who is around it.

What dialects write and the walk reads; the parts stand in ``rules`` and ``network``.
"""

from __future__ import annotations

from dataclasses import field

from splitdns.check.network import (
    Clients,
    Host,
    HostRoute,
    Interface,
    InterfaceAddress,
    Kind,
    Network,
    PolicyRule,
    Route,
)
from splitdns.check.rules import (
    DCCP,
    ICMP,
    ICMP6,
    SCTP,
    TCP,
    UDP,
    UDPLITE,
    WITH_PORTS,
    Accept,
    Action,
    Addresses,
    AddressTypes,
    AnyOf,
    Chain,
    Condition,
    Direction,
    Drop,
    Goto,
    Hook,
    IcmpTypes,
    Interfaces,
    Jump,
    Mark,
    Masquerade,
    Netmap,
    Note,
    Of,
    Opaque,
    Origin,
    Original,
    Pass,
    Ports,
    Priority,
    Protocols,
    Redirect,
    Reject,
    Return,
    ReversePath,
    Rule,
    Ruleset,
    SetMark,
    Side,
    State,
    States,
    Support,
    TcpFlags,
    Translate,
    Translated,
    Unknown,
    Untrack,
)
from splitdns.check.sets import Numbers
from splitdns.value import value

__all__ = [
    "DCCP",
    "ICMP",
    "ICMP6",
    "SCTP",
    "TCP",
    "UDP",
    "UDPLITE",
    "WITH_PORTS",
    "Accept",
    "Action",
    "AddressTypes",
    "Addresses",
    "AnyOf",
    "Chain",
    "Clients",
    "Condition",
    "Device",
    "Direction",
    "Drop",
    "Gateway",
    "Goto",
    "Hook",
    "Host",
    "HostRoute",
    "IcmpTypes",
    "Interface",
    "InterfaceAddress",
    "Interfaces",
    "Jump",
    "Kind",
    "Mark",
    "Masquerade",
    "Netmap",
    "Network",
    "Note",
    "Of",
    "Opaque",
    "Origin",
    "Original",
    "Pass",
    "PolicyRule",
    "Ports",
    "Priority",
    "Protocols",
    "Redirect",
    "Reject",
    "Return",
    "ReversePath",
    "Route",
    "Rule",
    "Ruleset",
    "SetMark",
    "Side",
    "State",
    "States",
    "Support",
    "TcpFlags",
    "Translate",
    "Translated",
    "Unknown",
    "Untrack",
]


@value(frozen=True, slots=True)
class Gateway:
    """Everything that decides about a packet."""

    network: Network
    ruleset: Ruleset
    hosts: tuple[Host, ...] = ()
    listens: dict[int, Numbers] | None = None  # of the gateway itself, like a host's


@value(frozen=True, slots=True)
class Device:
    """What the texts of a whole gateway tell in its own dialect; what they do not tell is left empty.

    ``renamed``: the interfaces that other sources tell by other names, and that are among its own.
    """

    ruleset: Ruleset
    network: Network = field(default_factory=Network)
    hosts: tuple[Host, ...] = ()
    listens: dict[int, Numbers] | None = None
    renamed: frozenset[str] = frozenset()

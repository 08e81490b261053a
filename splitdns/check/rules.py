"""A gateway's rules in nobody's dialect: conditions, actions, chains.

Dialects write them, the walk reads them. What a dialect cannot say exactly it says as ``Unknown`` (a
condition that may hold or not) or ``Opaque`` (an action that may do anything), with the reason; the walk then
follows both ways. Nothing is left out in silence: what has no meaning here at all stands in ``notes``.

The hooks, their order and what each sees are netfilter's (nft(8), "ADDRESS FAMILIES" and "CHAINS"), because
every other packet filter's are a part of them.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

from splitdns.check.sets import Numbers, Prefix
from splitdns.errors import Where
from splitdns.value import value

TCP, UDP, ICMP, ICMP6, SCTP, DCCP, UDPLITE = 6, 17, 1, 58, 132, 33, 136
WITH_PORTS = (TCP, UDP, SCTP, DCCP, UDPLITE)


@value(frozen=True, slots=True)
class Origin:
    """Where a rule comes from: its place, its own words, and what made it (Docker, a port-forward option).

    ``handle`` is nft's, by which a rule is deleted.
    """

    where: Where
    text: str = ""
    made_by: str = ""
    handle: int | None = None

    def __str__(self) -> str:
        made_by = f" ({self.made_by})" if self.made_by else ""
        return f"{self.where}: {self.text}{made_by}" if self.text else f"{self.where}{made_by}"


# --- Conditions: a rule matches a packet for which all of its conditions hold -------------------------------


class Side(StrEnum):
    """Of a packet, or of a connection."""

    SOURCE = "source"
    DESTINATION = "destination"


@value(frozen=True, slots=True)
class Addresses:
    """The source or destination address, as it is at this hook, is one of ``numbers``."""

    side: Side
    numbers: Numbers


@value(frozen=True, slots=True)
class Protocols:
    """The IP protocol; an IPv6 packet's is that of its payload."""

    numbers: Numbers


@value(frozen=True, slots=True)
class Ports:
    """The source or destination port; a dialect also says of which protocols (``Protocols``)."""

    side: Side
    numbers: Numbers


@value(frozen=True, slots=True)
class IcmpTypes:
    """The type of an ICMP or ICMPv6 message (``Protocols`` says which)."""

    numbers: Numbers


@value(frozen=True, slots=True)
class TcpFlags:
    """``flags & mask == value``, or not, if ``negated``; a dialect also says that it is TCP (``Protocols``).

    The bits are the header's (RFC 9293 3.1): FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. A
    connection opens with SYN alone, and SYN with ACK answers it.
    """

    mask: int
    value: int
    negated: bool = False


@value(frozen=True, slots=True)
class Interfaces:
    """The interface by which the packet came in (SOURCE) or goes out (DESTINATION).

    Each of ``names`` may end with ``*``: any that begins so. A hook without that interface (``out`` in
    prerouting, ``in`` in output) never matches, or, ``negated``, always does.
    """

    side: Side
    names: frozenset[str]
    negated: bool = False


@value(frozen=True, slots=True)
class AddressTypes:
    """The kind of an address (nft ``fib … type``, iptables ``addrtype``): ``local`` is the gateway's own.

    ``types``: local, unicast, broadcast, multicast, anycast, blackhole, unreachable, prohibit. ``interface``:
    only what is local on the interface by which the packet came (nft ``fib daddr . iif type``).
    """

    side: Side
    types: frozenset[str]
    negated: bool = False
    interface: bool = False


class State(StrEnum):
    """Of a packet's connection (conntrack)."""

    NEW = "new"
    ESTABLISHED = "established"
    RELATED = "related"
    INVALID = "invalid"
    UNTRACKED = "untracked"


@value(frozen=True, slots=True)
class States:
    states: frozenset[State]


@value(frozen=True, slots=True)
class Translated:
    """Whether the connection's destination (``ct status dnat``) or source (``snat``) has been rewritten."""

    side: Side
    expected: bool = True


@value(frozen=True, slots=True)
class Original:
    """The connection's address or port before any rewriting (``ct original daddr``, ``--ctorigdst``)."""

    side: Side
    addresses: Numbers | None = None
    ports: Numbers | None = None


@value(frozen=True, slots=True)
class Direction:
    """Which way of its connection a packet goes (``ct direction``, ``--ctdir``)."""

    reply: bool


@value(frozen=True, slots=True)
class ReversePath:
    """Whether packets to its source would leave by the interface by which it came (RFC 3704, strict).

    ``loose``: by any; ``marked``: as packets with its mark. nft ``fib saddr . iif oif``, iptables rpfilter.
    """

    expected: bool = True
    loose: bool = False
    marked: bool = False


class Of(StrEnum):
    """Whose mark."""

    PACKET = "packet"
    CONNECTION = "connection"


@value(frozen=True, slots=True)
class Mark:
    """``mark & mask`` is one of ``numbers``."""

    of: Of
    numbers: Numbers
    mask: int = 0xFFFF_FFFF


@value(frozen=True, slots=True)
class AnyOf:
    """One of several conjunctions holds; ``negated``: none does. For sets of tuples (nft concatenations)."""

    alternatives: tuple[tuple[Condition, ...], ...]
    negated: bool = False


@value(frozen=True, slots=True)
class Unknown:
    """May hold or not; ``reason`` says what is not modelled, in a person's words."""

    reason: str


Condition = (
    Addresses
    | Protocols
    | Ports
    | IcmpTypes
    | TcpFlags
    | Interfaces
    | AddressTypes
    | States
    | Translated
    | Original
    | Direction
    | ReversePath
    | Mark
    | AnyOf
    | Unknown
)

# --- Actions ------------------------------------------------------------------------------------------------


@value(frozen=True, slots=True)
class Accept:
    """Ends this base chain; chains of later priority still see the packet."""


@value(frozen=True, slots=True)
class Drop:
    pass


@value(frozen=True, slots=True)
class Reject:
    """The client is told: by a TCP reset, or by an ICMP error."""

    reset: bool = False


@value(frozen=True, slots=True)
class Return:
    """Back to the chain that jumped here; in a base chain, its policy."""


@value(frozen=True, slots=True)
class Jump:
    chain: str  # of the same table


@value(frozen=True, slots=True)
class Goto:
    chain: str  # of the same table; no return to the rule after this one


@value(frozen=True, slots=True)
class Pass:
    """The next rule: counters, logs, and what else changes nothing here."""


@value(frozen=True, slots=True)
class Translate:
    """Rewrite one side of the connection, if nothing has yet (dnat, snat). Ends the chain.

    ``addresses``: one of these, which one is not known (None: unchanged); ``ports`` likewise. ``base``: the
    ports are shifted, so that port ``base`` becomes the first of ``ports``.
    """

    side: Side
    addresses: Numbers | None = None
    ports: Numbers | None = None
    base: int | None = None


@value(frozen=True, slots=True)
class Masquerade:
    """Source becomes the address of the interface by which the packet goes out."""

    ports: Numbers | None = None


@value(frozen=True, slots=True)
class Redirect:
    """Destination becomes the gateway: the incoming interface's address, for its own traffic loopback."""

    ports: Numbers | None = None
    base: int | None = None


@value(frozen=True, slots=True)
class Netmap:
    """One side's address keeps its host part and gets another network part."""

    side: Side
    prefix: Prefix


@value(frozen=True, slots=True)
class SetMark:
    """``mark = (mark & ~mask) ^ value``; with ``copy_from``, the value is the other mark ``& mask``."""

    of: Of
    value: int = 0
    mask: int = 0xFFFF_FFFF
    copy_from: Of | None = None


@value(frozen=True, slots=True)
class Untrack:
    """The packet is not part of any connection, and so is never translated (notrack, CT --notrack)."""


@value(frozen=True, slots=True)
class Opaque:
    """May do anything to the packet (tproxy, queue to a program, an unknown target)."""

    reason: str


Action = (
    Accept
    | Drop
    | Reject
    | Return
    | Jump
    | Goto
    | Pass
    | Translate
    | Masquerade
    | Redirect
    | Netmap
    | SetMark
    | Untrack
    | Opaque
)

# --- Rules and chains ---------------------------------------------------------------------------------------


class Hook(StrEnum):
    """Where a base chain stands on a packet's way."""

    INGRESS = "ingress"
    PREROUTING = "prerouting"
    INPUT = "input"
    FORWARD = "forward"
    OUTPUT = "output"
    POSTROUTING = "postrouting"


class Priority(IntEnum):
    """Of base chains at one hook, lowest first (linux/netfilter_ipv4.h)."""

    RAW = -300
    CONNTRACK = -200
    MANGLE = -150
    DSTNAT = -100
    FILTER = 0
    SECURITY = 50
    SRCNAT = 100


@value(frozen=True, slots=True)
class Rule:
    """If all ``conditions`` hold for a packet of one of ``families``, ``action`` is done."""

    conditions: tuple[Condition, ...]
    action: Action
    origin: Origin
    families: frozenset[int] = frozenset({4, 6})


@value(frozen=True, slots=True)
class Chain:
    """Rules in order. A base chain has a ``hook``; ``is_nat``: only a connection's first packet meets it.

    ``accepts`` is the policy: what happens to a packet that no rule decided. ``table`` is where the names of
    ``Jump`` and ``Goto`` are looked up; two dialects' tables have different names (``nft inet fw``,
    ``iptables nat``).
    """

    table: str
    name: str
    rules: tuple[Rule, ...]
    hook: Hook | None = None
    priority: int = 0
    is_nat: bool = False
    accepts: bool = True
    families: frozenset[int] = frozenset({4, 6})
    bridged: bool = False  # of nft's bridge family, or ebtables: it sees frames, not what is routed


class Support(StrEnum):
    """What became of a construct that is not modelled as it stands."""

    IGNORED = "ignored"  # on purpose: it cannot change where a packet goes
    WIDENED = "widened"  # to Unknown or Opaque
    REFUSED = "refused"  # known, and not to be had here: the reason says what to do instead
    UNKNOWN = "unknown"  # never seen before; widened too


@value(frozen=True, slots=True)
class Note:
    """A construct that is not modelled, by ``name``, and why."""

    support: Support
    name: str
    origin: Origin
    reason: str = ""


@value(frozen=True, slots=True)
class Ruleset:
    """All chains of a gateway. ``rules`` counts what was read, modelled or not."""

    chains: tuple[Chain, ...] = ()
    notes: tuple[Note, ...] = ()
    rules: int = 0

    def with_(self, other: Ruleset) -> Ruleset:
        """Both together; in each, base chains of one hook and priority keep their order."""
        return Ruleset(self.chains + other.chains, self.notes + other.notes, self.rules + other.rules)

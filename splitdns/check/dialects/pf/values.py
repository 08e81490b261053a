"""What a pf.conf says, as values: nothing is looked up yet, and no rule has met another."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from splitdns.check.model import Note, Origin
from splitdns.check.sets import Address, Numbers, Prefix
from splitdns.value import value


class HostKind(StrEnum):
    ANY = "any"
    PREFIX = "prefix"
    RANGE = "range"
    TABLE = "table"
    INTERFACE = "interface"  # or a group of them, or self
    ASTRAY = "urpf-failed"
    UNKNOWN = "unknown"  # a name of a host, a route's label


@value(frozen=True, slots=True)
class Host:
    """One entry of ``from`` or ``to``; ``modifiers`` of an interface: network, broadcast, peer, 0.

    ``dynamic``: in parentheses, and so looked up again whenever the interface's address changes.
    """

    kind: HostKind
    name: str
    negated: bool = False
    prefix: Prefix | None = None
    until: Address | None = None  # the last of a range, whose first is ``prefix``
    modifiers: tuple[str, ...] = ()
    length: int | None = None  # of the prefix around an interface's address
    dynamic: bool = False


@value(frozen=True, slots=True)
class On:
    """An interface, or a group of them."""

    name: str
    negated: bool = False


@value(frozen=True, slots=True)
class Target:
    """Where a translation leads. ``ports``: first and last, None for the one and ``*``.

    ``static``: the source's port is kept. ``bitmask``: the host part of the address is.
    """

    hosts: tuple[Host, ...]
    ports: tuple[int, int] | None = None
    counts: bool = False  # ``port 1000:*``: ports are shifted by the same distance
    static: bool = False
    bitmask: bool = False


@value(frozen=True, slots=True)
class Filter:
    """For which packets a rule holds; empty tuples and None are any."""

    on: tuple[On, ...] = ()
    family: int | None = None
    protocols: Numbers | None = None
    sources: tuple[Host, ...] = ()
    source_ports: Numbers | None = None
    destinations: tuple[Host, ...] = ()
    destination_ports: Numbers | None = None
    icmp: dict[int, Numbers] = field(default_factory=dict)  # by protocol
    flags: tuple[int, int] | None = None  # value, mask
    tagged: On | None = None
    received_on: tuple[On, ...] = ()
    unknown: tuple[str, ...] = ()  # what is not modelled, and may hold or not
    never: bool = False


class Does(StrEnum):
    PASS = "pass"  # noqa: S105 — pf's word
    BLOCK = "block"
    MATCH = "match"


@value(frozen=True, slots=True)
class Rule:
    """A filter rule; ``answer``: how a block tells the client (drop, return, return-rst, return-icmp)."""

    does: Does
    direction: str  # in, out, or both, empty
    quick: bool
    when: Filter
    origin: Origin
    answer: str = ""
    stateful: bool = True
    tag: str = ""
    rdr: Target | None = None
    nat: Target | None = None
    opaque: str = ""


@value(frozen=True, slots=True)
class Anchor:
    """Rules in braces, met only by what ``when`` holds for."""

    name: str
    direction: str
    quick: bool
    when: Filter
    rules: tuple[Rule | Anchor, ...]


@value(frozen=True, slots=True)
class Translation:
    """FreeBSD's ``nat``, ``rdr``, ``binat``; without a target: ``no``."""

    kind: str
    when: Filter
    target: Target | None
    passes: bool
    origin: Origin
    tag: str = ""


@value(frozen=True, slots=True)
class Table:
    """``hosts`` are what the file says; ``filled``: others may be in it, for ``why``."""

    hosts: tuple[Host, ...] = ()
    why: str = ""


@dataclass(slots=True)
class Written:
    """All of a pf.conf."""

    rules: list[Rule | Anchor] = field(default_factory=list)
    translations: list[Translation] = field(default_factory=list)
    tables: dict[str, Table] = field(default_factory=dict)
    skips: list[tuple[On, Origin]] = field(default_factory=list)
    answer: str = "drop"
    notes: list[Note] = field(default_factory=list)
    first_old: Origin | None = None  # the first statement that only FreeBSD has
    overloaded: set[str] = field(default_factory=set)  # tables of sources that misbehave

"""Which client meets which view, and what a view is.

The longest matching prefix wins, over IPv4 and IPv6. An IPv4-mapped address is folded to IPv4 here, and
only here, for every transport (RFC 4291 2.5.5.2). A view owns the answers that were encoded for it.
"""

from __future__ import annotations

import functools
import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from math import inf
from socket import AF_INET, inet_pton
from typing import Any, Protocol, cast
from weakref import WeakValueDictionary

from splitdns.names import Qname, ancestors
from splitdns.value import value
from splitdns.zone import Zone

Address = IPv4Address | IPv6Address
Prefix = IPv4Network | IPv6Network

MAX_REMEMBERED_CLIENTS = 65_536  # beyond: forgotten all at once, and looked up anew; nobody notices
MAX_CARRIED_CLIENTS = 2_048  # to the next generation; more would keep those waiting who ask just then

OUTSIDE = "outside"
USUAL_HORIZONS = frozenset({"inside", OUTSIDE})  # nobody comes to write these by a slip


def fold_address(host: str) -> Address:
    """A socket's host as an address: the scope id is dropped, IPv4-mapped becomes IPv4.

    Raises:
        ValueError: it is not an address.
    """
    address = ipaddress.ip_address(host.partition("%")[0])
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


@functools.lru_cache(maxsize=4096)  # the key of each question that is forwarded, and parsing it costs 5 µs
def client_key(host: str) -> bytes:
    """What counts as one client: an IPv4 address, or an IPv6 /64, of which everybody has more than enough."""
    address = fold_address(host)
    return address.packed if address.version == 4 else address.packed[:8]


class Carrier(StrEnum):
    """What carries questions to an upstream; the value is the scheme in its URL."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"
    HTTPS = "https"


class _Interned(type):
    """Those that are equal are one object: as a key of tables, it is known by where it is.

    Of each question that is forwarded, an upstream and its set are looked up in a dozen tables.
    """

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        made = super().__call__(*args, **kwargs)
        return _INTERNED.setdefault(made.__reduce__(), made)


_INTERNED: WeakValueDictionary[tuple[Any, ...], Any] = WeakValueDictionary()


@dataclass(frozen=True, slots=True, order=True, weakref_slot=True)
class Upstream(metaclass=_Interned):
    """A resolver to ask: an address literal and a port; over UDP, TCP is the fall-back.

    ``name`` is who it must prove to be where the carrier is encrypted (empty: its address), ``path`` where
    it answers over HTTPS, and ``ca`` a file of certificates that are trusted for it instead of the system's.
    """

    host: str
    port: int = 53
    carrier: Carrier = Carrier.UDP
    name: str = ""
    path: str = ""
    ca: str | None = None
    _text: str = field(init=False, repr=False, compare=False)

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __post_init__(self) -> None:
        object.__setattr__(self, "_text", self._to_text())

    def __reduce__(self) -> tuple[Any, ...]:
        return Upstream, (self.host, self.port, self.carrier, self.name, self.path, self.ca)

    def __str__(self) -> str:  # a label of what is counted for each question
        return self._text

    def _to_text(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        if self.carrier is Carrier.UDP:
            return f"{host}:{self.port}"
        return f"{self.carrier}://{host}:{self.port}{self.path}" + (f"#{self.name}" if self.name else "")

    @property
    def is_encrypted(self) -> bool:
        return self.carrier in (Carrier.TLS, Carrier.HTTPS)

    @property
    def identity(self) -> str:
        """The name, or else the address, that its certificate must bear."""
        return self.name or self.host


class Strategy(StrEnum):
    """Which of several upstreams is asked; the value is what a configuration says."""

    IN_ORDER = "in-order"
    FASTEST = "fastest"
    PARALLEL = "parallel"


@value(frozen=True, slots=True)
class Validation:
    """Whose signatures are believed (RFC 4035 4.4): ``anchors`` are zones and the DS records of their keys.

    What lies at or beneath a name in ``negative`` is as good as unsigned (RFC 7646).
    """

    anchors: tuple[tuple[Qname, tuple[bytes, ...]], ...]
    negative: frozenset[Qname] = frozenset()

    def anchor(self, name: Qname) -> tuple[Qname, tuple[bytes, ...]] | None:
        """The closest anchor at or above ``name``; None: there is none, or a negative one is as close."""
        for ancestor in ancestors(name):
            if ancestor in self.negative:
                return None
            for zone, delegations in self.anchors:
                if zone == ancestor:
                    return zone, delegations
        return None


@dataclass(frozen=True, slots=True, weakref_slot=True)
class UpstreamSet(metaclass=_Interned):
    """Resolvers that stand for each other, in order of preference; also a cache's identity.

    ``validation`` says that what they give is validated here, and by what; ``trust_ad`` that their own word
    on it is taken (RFC 4035 4.9.3).
    """

    upstreams: tuple[Upstream, ...]
    timeout_s: float = 2.0
    strategy: Strategy = Strategy.IN_ORDER
    validation: Validation | None = None
    trust_ad: bool = False

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def __reduce__(self) -> tuple[Any, ...]:
        return UpstreamSet, (
            self.upstreams,
            self.timeout_s,
            self.strategy,
            self.validation,
            self.trust_ad,
        )

    @property
    def is_asked_for_proof(self) -> bool:
        """Whether questions have DO by themselves, not only where a client wants signatures."""
        return self.trust_ad or self.validation is not None


class Copy(Protocol):
    """Octets that are given again and again before ``until_s``, without a look at what they were made of."""

    until_s: float

    def settle(self) -> None:
        """Tell ``Kept.count`` of what was not told yet."""


class Kept(Protocol):
    """A reply in the forwarder's cache, for whoever remembers an answer that was made of it.

    It can be ``over`` at any moment: dropped, flushed, or there is a newer one. Copies are over with it.
    """

    over: bool

    def age(self, now_s: float) -> tuple[int, float] | None:
        """How many whole seconds ago it came, and until when that holds; None: only the cache can tell."""

    def count(self, times: int) -> None:
        """It was used so often, beside what the cache knows of."""

    def join(self, copy: Copy) -> None:
        """``copy`` was made of it, and is to be over when it is."""

    def leave(self, copy: Copy) -> None:
        """``copy`` is of no use any more."""


@value(frozen=True, slots=True)
class Ageing:
    """How an encoded answer gets older: as ``kept`` does, of which it was made.

    ``ttls`` are pairs, one after the other: where a TTL stands, and how many seconds it was at first.
    """

    kept: Kept
    ttls: tuple[int, ...]


@value(frozen=True, slots=True)
class Remembered:
    """An encoded answer, and by what it is counted: the zone as text, and what gave the answer.

    It holds before ``until_s``; then it has to be made older. What is all ours does not age.
    """

    encoded: bytes
    zone: str = "."
    plugin: str = ""
    until_s: float = inf
    ageing: Ageing | None = None


@dataclass(slots=True)
class Answers:
    """Encoded answers by question key; ``answer/cache`` keeps them, the view only owns them."""

    entries: OrderedDict[bytes, Remembered] = field(default_factory=OrderedDict)
    octets: int = 0


class ListAction(StrEnum):
    """What becomes of a name that a list knows."""

    NXDOMAIN = "nxdomain"
    NODATA = "nodata"
    REFUSED = "refused"
    DROP = "drop"
    ALLOW = "allow"  # no list has a say any more
    ADDRESS = "address"
    TCP = "tcp"  # over UDP, only that TCP is to be used
    RECORDS = "records"  # those that the list has for it


@dataclass(frozen=True, slots=True, eq=False)
class NameList:
    """Names from a file, packed like a zone: ``answer/blocking`` knows what they mean.

    A node without records means ``action``, and one that is a cut takes the names beneath it along.
    ``wildcards`` says that there are some. ``addresses`` are packed, of either family.
    """

    name: str
    names: Zone
    action: ListAction
    addresses: tuple[bytes, ...] = ()
    wildcards: bool = False


@value(frozen=True, slots=True)
class Policy:
    """What a view does with names that are not ours.

    ``built_in`` are the apexes of the zones that no file declares: special-use names. ``rebinding`` says that
    upstreams may not name inside addresses, but beneath the domains in ``trusted``. ``lists`` block names.
    ``dns64`` is the prefix into which IPv4 addresses are put (RFC 6147). ``whoami`` is the name at and
    beneath which clients are told who they are to us.
    """

    built_in: frozenset[Qname] = frozenset()
    rebinding: bool = False
    trusted: frozenset[Qname] = frozenset()
    lists: tuple[NameList, ...] = ()
    dns64: IPv6Network | None = None
    whoami: Qname | None = None


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """What one group of clients sees.

    ``zones`` and ``routes`` are by apex or domain; ``zones`` includes the built-in reverse zones where the
    view recurses. ``ptrs`` holds the PTR records that were made by themselves; they come before all else.
    ``hidden_addresses`` are packed addresses that our zones declare under other horizons only, but for those
    that are inside ones anyway; ``elsewhere`` are the zones of files that only other views have, which the
    snapshot fills in. ``outside`` says that no inside address may leave for this view (semantics: outside
    view).
    """

    name: str
    horizon: tuple[str, ...]
    recursion: bool = False
    zones: Mapping[Qname, Zone] = field(default_factory=dict)
    routes: Mapping[Qname, UpstreamSet] = field(default_factory=dict)
    ptrs: Zone | None = None
    hidden_addresses: frozenset[bytes] = frozenset()
    elsewhere: dict[Qname, list[Zone]] = field(default_factory=dict, repr=False)
    policy: Policy = field(default=Policy(), repr=False)
    answers: Answers = field(default_factory=Answers, repr=False)
    outside: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        outside = all(horizon == OUTSIDE for horizon in self.horizon)
        object.__setattr__(self, "outside", outside)

    def authority(self, name: Qname) -> Zone | UpstreamSet | None:
        """What decides ``name``: the longest matching zone or forward rule; at a tie, the zone."""
        zones, routes = self.zones, self.routes if self.recursion else {}
        at = 0
        while True:  # ``ancestors``, written out: each name that is not known passes here twice
            ancestor = cast("Qname", name[at:])
            if zone := zones.get(ancestor):
                return zone
            if route := routes.get(ancestor):
                return route
            if not name[at]:
                return None
            at += 1 + name[at]

    def route(self, name: Qname) -> UpstreamSet | None:
        """The longest matching forward rule, whatever the zones say."""
        return next((self.routes[ancestor] for ancestor in ancestors(name) if ancestor in self.routes), None)

    def zone_of(self, name: Qname) -> Zone | None:
        """The zone that decides ``name``, if one does."""
        found = self.authority(name)
        return found if isinstance(found, Zone) else None


@value(frozen=True, slots=True)
class Match:
    """A client's view, and the prefix that chose it (None: ``any``)."""

    view: View
    prefix: Prefix | None


class ViewTable:
    """Longest-prefix match of addresses to views."""

    __slots__ = ("_any", "_by_length", "_former", "_remembered")

    def __init__(self, prefixes: Iterable[tuple[Prefix, View]], any_view: View | None = None) -> None:
        tables: dict[tuple[int, int], dict[int, Match]] = {}
        for prefix, view in prefixes:
            network = int(prefix.network_address)
            tables.setdefault((prefix.version, prefix.prefixlen), {})[network] = Match(view, prefix)
        # Per family, the longest prefixes first: (how far to shift the address, what the rest selects).
        self._by_length: dict[int, list[tuple[int, dict[int, Match]]]] = {4: [], 6: []}
        for (version, length), table in sorted(tables.items(), key=lambda item: -item[0][1]):
            shift = (32 if version == 4 else 128) - length
            shifted = {network >> shift: match for network, match in table.items()}
            self._by_length[version].append((shift, shifted))
        self._any = Match(any_view, None) if any_view else None
        self._remembered: dict[str, Match | None] = {}
        self._former: dict[str, Match | None] = {}

    def match(self, host: str) -> Match | None:
        """The view of a socket's host; None where no prefix matches and no view has ``any``."""
        remembered = self._remembered
        try:
            return remembered[host]
        except KeyError:
            if len(remembered) >= MAX_REMEMBERED_CLIENTS:
                remembered = self._remembered = {}
            found = remembered[host] = self._search(host)
            return found

    @property
    def era(self) -> object:
        """Another object whenever hosts were forgotten: who remembers matches forgets them then, too."""
        return self._remembered

    def _search(self, host: str) -> Match | None:
        try:  # what most clients have; ``fold_address`` takes four times as long
            bits, version = int.from_bytes(inet_pton(AF_INET, host), "big"), 4
        except OSError:
            address = fold_address(host)
            bits, version = int(address), address.version
        for shift, table in self._by_length[version]:
            if found := table.get(bits >> shift):
                return found
        return self._any

    def clients(self) -> dict[str, int]:
        """How many of the remembered addresses meet each view, by its name."""
        remembered = self._former | self._remembered
        return Counter(match.view.name for match in remembered.values() if match is not None)

    def seen(self, most: int) -> dict[str, list[str]]:
        """Remembered addresses by the view that they meet, up to so many of each, those of late first."""
        found: dict[str, list[str]] = {}
        for remembered in (self._remembered, self._former):
            for host, match in remembered.items():
                if match is not None and len(hosts := found.setdefault(match.view.name, [])) < most:
                    hosts.append(host)
        return {name: list(dict.fromkeys(hosts)) for name, hosts in found.items()}

    def renew(self) -> tuple[str, ...]:
        """The hosts that were matched since the last time; those from before it are forgotten."""
        self._former, self._remembered = self._remembered, {}
        return tuple(self._former)

    def succeed(self, table: ViewTable) -> None:
        """Remember the hosts that ``table`` did, for as long; which view each meets is looked up here."""
        self._remembered = self._anew(table._remembered)
        self._former = self._anew(table._former)

    def _anew(self, hosts: Iterable[str]) -> dict[str, Match | None]:
        latest = list(hosts)[-MAX_CARRIED_CLIENTS:]
        return {host: self._search(host) for host in latest}

"""Names that mean something of their own, and are never asked of an upstream (RFC 6761).

Who asks an upstream for ``printer.local`` tells it about the network, and learns that there is no such name.
So views that recurse answer for these names themselves, as their RFCs want it, unless the configuration has a
zone or a forward rule for them. Canaries are names by which programs ask a network whether they may go past
its resolver: an answer without addresses says no.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

from splitdns.load.reverse import empty_zone, uncovered
from splitdns.names import Qname, ancestors, from_text, wildcard
from splitdns.records import RRset, Type
from splitdns.zone import Node, Zone, pack

LOCALHOST = from_text("localhost.")  # RFC 6761 6.3
RESOLVER = from_text("resolver.arpa.")  # RFC 9462 4
IPV4ONLY = from_text("ipv4only.arpa.")  # RFC 8880 7.2
_EMPTY = tuple(
    from_text(name)
    for name in (
        "test.",  # RFC 6761 6.2
        "invalid.",  # 6.4
        "local.",  # RFC 6762 22.1: multicast DNS
        "onion.",  # RFC 7686 2
        "home.arpa.",  # RFC 8375 4
        "alt.",  # RFC 9476 2
    )
)
SPECIAL = (LOCALHOST, RESOLVER, IPV4ONLY, *_EMPTY)

# Firefox does not switch to a resolver of its maker's by itself where this name has no addresses.
DOH_CANARIES = (from_text("use-application-dns.net."),)
# Apple's devices say that private relay is off in this network where these have none.
RELAY_CANARIES = (from_text("mask.icloud.com."), from_text("mask-h2.icloud.com."))

_TTL_S = 10_800
_LOOPBACK = ((Type.A, b"\x7f\0\0\1"), (Type.AAAA, bytes(15) + b"\1"))
_WELL_KNOWN = (b"\xc0\0\0\xaa", b"\xc0\0\0\xab")  # 192.0.0.170 and .171 (RFC 7050 2.2)


def special(
    zones: Mapping[Qname, Zone], domains: Iterable[Qname], *, names: bool, doh: bool, relay: bool
) -> dict[Qname, Zone]:
    """The special zones of a recursing view that no zone and no forward rule (``domains``) covers or equals.

    ``names`` are the special-use ones, ``doh`` and ``relay`` the two kinds of canaries.
    """
    apexes = SPECIAL * names + DOH_CANARIES * doh + RELAY_CANARIES * relay
    return {apex: _zone(apex) for apex in uncovered(apexes, zones, domains)}


def whoami(name: Qname, zones: Mapping[Qname, Zone], *, recursion: bool) -> dict[Qname, Zone]:
    """The zone in which each client is told who it is, where the view has none of that name.

    A view that does not recurse has it only beneath a zone of its own: other names are not for it to answer.
    """
    if name in zones or not (recursion or any(ancestor in zones for ancestor in ancestors(name))):
        return {}
    return {name: _whoami(name)}


@functools.cache
def _whoami(apex: Qname) -> Zone:
    """Every name in it exists; what stands there, ``answer/whoami`` writes. Nobody is to keep any of it."""
    (top,) = empty_zone(apex).nodes()
    soa = top.rrset(Type.SOA)
    assert soa is not None
    # The minimum: how long a "no" is kept (RFC 2308 5).
    brief = soa.with_rdatas((soa.rdatas[0][:-4] + bytes(4),))
    rrsets = tuple(rrset.with_ttl(0) for rrset in (brief, *(one for one in top.rrsets if one is not soa)))
    every = wildcard(apex)
    return Zone(apex, pack([Node(apex, apex, rrsets), Node(every, every)]))


@functools.cache
def _zone(apex: Qname) -> Zone:
    if apex == LOCALHOST:  # and every name beneath it
        return _with(apex, *(_node(name, _LOOPBACK) for name in (apex, wildcard(apex))))
    if apex == RESOLVER:  # every name exists, and has nothing: we have no encrypted resolver to tell of
        return _with(apex, _node(wildcard(apex), ()))
    if apex == IPV4ONLY:
        return _with(apex, _node(apex, tuple((Type.A, address) for address in _WELL_KNOWN)))
    return empty_zone(apex)


def _node(name: Qname, records: Iterable[tuple[int, bytes]]) -> Node:
    by_type: dict[int, tuple[bytes, ...]] = {}
    for rdtype, rdata in records:
        by_type[rdtype] = (*by_type.get(rdtype, ()), rdata)
    # Loopback is what everybody may know of: hence ``public``, or the guard would take it for a leak.
    rrsets = tuple(RRset(name, rdtype, _TTL_S, rdatas, public=True) for rdtype, rdatas in by_type.items())
    return Node(name, name, rrsets)


def _with(apex: Qname, *nodes: Node) -> Zone:
    """The empty zone of ``apex`` with these nodes in it."""
    (top,) = empty_zone(apex).nodes()
    found = {top.name: top}
    for node in nodes:
        former = found.get(node.name)
        rrsets = (*former.rrsets, *node.rrsets) if former else node.rrsets
        found[node.name] = Node(node.name, node.owner, rrsets)
    return Zone(apex, pack(found.values()))

"""Zones and views for tests of the core, from master-file text, without the loader.

dnspython reads the text, so that what the core is given does not come from the code that is tested.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dns.zone

from splitdns.names import Qname, ancestors, fold, from_text, is_under
from splitdns.records import RRset, Type, type_from_text
from splitdns.snapshot import Manners
from splitdns.view import Upstream, UpstreamSet, View
from splitdns.wire.message import Answer, Query
from splitdns.zone import Node, Regexp, Zone, pack

SOA = "@ 3600 IN SOA ns1 hostmaster 1 3600 900 604800 300\n"
UPSTREAMS = UpstreamSet((Upstream("192.0.2.53"),))


def zone(
    text: str,
    apex: str = "example.org.",
    *,
    overlay: bool = False,
    elsewhere: Iterable[str] = (),
    differs: Iterable[str] = (),
    public: Iterable[str] = (),
    inherit: Mapping[str, Iterable[str]] | None = None,
    regexps: Iterable[tuple[str, str]] = (),
    fault: str | None = None,
) -> Zone:
    """A zone of ``text``; a SOA is put before it unless it has one.

    ``elsewhere`` names exist in other views only, ``differs`` names differ between the views, ``public``
    names may hold inside addresses, ``inherit`` maps names to types, ``regexps`` are (pattern, A address).
    """
    top = from_text(apex)
    text = text if " SOA " in text else SOA + text
    parsed = dns.zone.from_text(text, origin=apex, relativize=False, check_origin=False)
    allowed = {from_text(name, top) for name in public}
    owners: dict[Qname, bytes] = {}
    rrsets: dict[Qname, list[RRset]] = {}
    for name, rdataset in parsed.iterate_rdatasets():
        owner = name.to_wire()
        assert owner is not None
        qname = fold(owner)
        owners[qname] = owner
        rdatas = tuple(rdata.to_wire() or b"" for rdata in rdataset)
        rrset = RRset(owner, int(rdataset.rdtype), rdataset.ttl, rdatas, public=qname in allowed)
        rrsets.setdefault(qname, []).append(rrset)
    inherited = {
        from_text(name, top): tuple(type_from_text(rdtype) for rdtype in types)
        for name, types in (inherit or {}).items()
    }
    differing = {from_text(name, top) for name in differs}
    nodes: dict[Qname, Node] = {}
    for qname in [*rrsets, *inherited, top]:
        own = tuple(rrsets.get(qname, ()))
        cut = qname != top and any(rrset.rdtype == Type.NS for rrset in own)
        owner = owners.get(qname, qname)
        types = inherited.get(qname, ())
        nodes[qname] = Node(qname, owner, own, cut=cut, differs=qname in differing, inherit=types)
        for above in ancestors(qname):
            if is_under(above, top):
                nodes.setdefault(above, Node(above, owners.get(above, above)))
    for ghost in elsewhere:
        name = from_text(ghost, top)
        for above in ancestors(name):
            if is_under(above, top):
                nodes.setdefault(above, Node(above, above, exists=False, differs=above == name))
    patterns = tuple(
        Regexp(pattern, Node(top, top, (RRset(top, Type.A, 300, (address(text),)),)))
        if text
        else Regexp(pattern, Node(top, top, exists=False, differs=True))
        for pattern, text in regexps
    )
    return Zone(top, pack(nodes.values()), overlay, patterns, fault)


def address(text: str) -> bytes:
    """A packed IPv4 address."""
    return bytes(int(octet) for octet in text.split("."))


def view(
    *zones: Zone,
    horizon: tuple[str, ...] = ("inside",),
    recursion: bool = False,
    routes: Mapping[str, UpstreamSet] | None = None,
    ptrs: Zone | None = None,
    hidden: Iterable[str] = (),
) -> View:
    """A view of these zones; a recursing one forwards all else to ``UPSTREAMS`` unless ``routes`` differ."""
    if routes is None and recursion:
        routes = {".": UPSTREAMS}
    return View(
        "test",
        horizon,
        recursion,
        {zone.apex: zone for zone in zones},
        {from_text(domain): upstreams for domain, upstreams in (routes or {}).items()},
        ptrs,
        frozenset(address(text) for text in hidden),
    )


def query(name: str, rdtype: str = "A", *, rd: bool = False) -> Query:
    wire = bytes(from_text(name))
    return Query(wire, fold(wire), type_from_text(rdtype), rd=rd)


MANNERS = Manners()


def addresses(answer: Answer) -> list[str]:
    """The IPv4 addresses in the answer section, in order."""
    return [
        ".".join(str(octet) for octet in rdata)
        for rrset in answer.answer
        if rrset.rdtype == Type.A
        for rdata in rrset.rdatas
    ]

"""Sections: what goes beside the records that were asked for.

Referrals, the SOA of a negative answer, and the additional section, each from the client's own view.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from splitdns.answer.lookup import Delegated, Found, lookup
from splitdns.names import fold, is_under
from splitdns.records import SHORT_TTL_S, RRset, Type, soa_minimum_s, target
from splitdns.view import View
from splitdns.wire.message import Answer
from splitdns.zone import Zone

# Types whose targets' addresses go into the additional section (RFC 1035 3.3, 2782, 2230, 9460 4.1).
_WITH_ADDRESSES = frozenset({Type.NS, Type.MX, Type.SRV, Type.AFSDB, Type.RT, Type.KX, Type.SVCB, Type.HTTPS})
_ADDRESSES = (Type.A, Type.AAAA)


def negative_soa(zone: Zone, differs: bool) -> tuple[RRset, ...]:
    """The SOA of a negative answer, with its TTL (RFC 2308 3 and 5); shorter where the views differ."""
    soa = zone.soa
    if soa is None:
        return ()
    ttl_s = min(soa.ttl_s, soa_minimum_s(soa))
    return (soa.with_ttl(min(ttl_s, SHORT_TTL_S) if differs else ttl_s),)


def additional(rrsets: Iterable[RRset], view: View) -> tuple[RRset, ...]:
    """Addresses of the hosts that ``rrsets`` name, where the view's own zones have them."""
    listed = tuple(rrsets)
    present = {(rrset.name, rrset.rdtype) for rrset in listed}
    found: list[RRset] = []
    for rrset in listed:
        if rrset.rdtype not in _WITH_ADDRESSES:
            continue
        for rdata in rrset.rdatas:
            host = _host(rrset, rdata)
            for address in _addresses(host, view):
                if (key := (address.name, address.rdtype)) not in present:
                    present.add(key)
                    found.append(address)
    return tuple(found)


def _host(rrset: RRset, rdata: bytes) -> bytes:
    name = target(rrset.rdtype, rdata)
    assert name is not None
    if name == b"\0" and rrset.rdtype in (Type.SVCB, Type.HTTPS) and rdata[:2] != b"\0\0":
        return rrset.owner  # "." in ServiceMode is the owner itself (RFC 9460 2.5.2)
    return name


def _addresses(host: bytes, view: View) -> Iterator[RRset]:
    qname = fold(host)
    zone = view.zone_of(qname)
    if zone is None:
        return
    for rdtype in _ADDRESSES:
        outcome = lookup(zone, qname, rdtype)
        if isinstance(outcome, Found):
            yield from (rrset.at(host) for rrset in outcome.rrsets)


def referral(outcome: Delegated) -> Answer:
    """The NS records of the cut with their glue (RFC 1034 4.3.2 step 3b, RFC 9471).

    Glue beneath the cut itself is needed, and truncates where it does not fit; addresses of sibling name
    servers from the same zone are a help.
    """
    zone, cut = outcome.zone, outcome.cut
    servers = cut.rrset(Type.NS)
    assert servers is not None
    needed: list[RRset] = []
    helpful: list[RRset] = []
    for rdata in servers.rdatas:
        host = fold(rdata)
        if (node := zone.node(host)) is None:
            continue
        glue = [rrset for rrset in node.rrsets if rrset.rdtype in _ADDRESSES and rrset.rdatas]
        (needed if is_under(host, cut.name) else helpful).extend(glue)
    return Answer(authority=(servers,), glue=tuple(needed), additional=tuple(helpful))

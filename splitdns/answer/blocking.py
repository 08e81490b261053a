"""Names that a list has an opinion about, and what becomes of them.

Lists are asked only about names that would be forwarded, each hop of an alias too: a name of ours is never
blocked. The first list that knows the name decides, those that allow coming before all others; within a list,
the name itself comes before the nearest ancestor that takes it along.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from splitdns.names import ROOT, Qname, ancestors, from_text, wildcard
from splitdns.records import Ede, Rcode, RRset, Type
from splitdns.value import value
from splitdns.view import ListAction, NameList
from splitdns.wire.message import Answer, Transport
from splitdns.zone import Node

TTL_S = 60  # of answers that are made: lists change daily, and an exception should work soon

# What a CNAME in a response policy zone means instead of an alias (draft-vixie-dnsop-dns-rpz 3).
_MEANINGS = {
    ROOT: ListAction.NXDOMAIN,
    wildcard(ROOT): ListAction.NODATA,
    from_text("rpz-passthru."): ListAction.ALLOW,
    from_text("rpz-drop."): ListAction.DROP,
    from_text("rpz-tcp-only."): ListAction.TCP,
}
_WIDTHS: dict[int, int] = {Type.A: 4, Type.AAAA: 16}
_NOBODY = from_text("nobody.invalid.")


@value(frozen=True, slots=True)
class Hit:
    """What a list says about a name: ``trigger`` is its entry; records only with ``ListAction.RECORDS``."""

    list: str
    trigger: Qname
    action: ListAction
    addresses: tuple[bytes, ...] = ()
    records: tuple[RRset, ...] = ()

    def lets_pass(self, transport: Transport) -> bool:
        """Whether the name is asked upstream all the same."""
        to_tcp = self.action is ListAction.TCP and transport is Transport.TCP
        return to_tcp or self.action is ListAction.ALLOW

    def alias(self, qname: Qname) -> bytes | None:
        """The name that this one is an alias of, by the list's own records."""
        target = next((rrset.rdatas[0] for rrset in self.records if rrset.rdtype == Type.CNAME), None)
        if target is not None and target.startswith(b"\1*"):
            return qname[:-1] + target[2:]
        return target


def find(lists: Sequence[NameList], qname: Qname) -> Hit | None:
    """What the lists say about a name; None: nothing."""
    above = tuple(islice(ancestors(qname), 1, None))
    for one in lists:
        if (node := _entry(one, qname, above)) is not None:
            return _hit(one, node)
    return None


def _entry(one: NameList, qname: Qname, above: Sequence[Qname]) -> Node | None:
    names = one.names
    if (node := names.node(qname)) is not None:
        return node
    for ancestor in above:
        if (node := names.node(ancestor)) is not None and node.cut:
            return node
        if one.wildcards and (node := names.node(wildcard(ancestor))) is not None:
            return node
    return None


def _hit(one: NameList, node: Node) -> Hit:
    if not node.rrsets:
        return Hit(one.name, node.name, one.action, one.addresses)
    cname = node.rrset(Type.CNAME)
    if cname is not None and (action := _MEANINGS.get(Qname(cname.rdatas[0]))) is not None:
        return Hit(one.name, node.name, action)
    return Hit(one.name, node.name, ListAction.RECORDS, records=node.rrsets)


def answer(hit: Hit, name: bytes, qtype: int) -> Answer:
    """What is said of ``name``, which is blocked; what lets it pass, and an alias, is not for here."""
    edes = ((int(Ede.BLOCKED), f"by the list {hit.list}"),)
    records: tuple[RRset, ...] = ()
    match hit.action:
        case ListAction.DROP:
            return Answer(drop=True, remember=False)
        case ListAction.REFUSED:
            return Answer(Rcode.REFUSED, edes=edes)
        case ListAction.TCP:
            return Answer(truncated=True, edes=edes)
        case ListAction.ADDRESS:
            rdatas = tuple(address for address in hit.addresses if len(address) == _WIDTHS.get(qtype))
            if rdatas:
                records = (_said(RRset(name, qtype, TTL_S, rdatas)),)
        case ListAction.RECORDS:
            found = (rrset for rrset in hit.records if qtype in (rrset.rdtype, Type.ANY))
            records = tuple(_said(rrset.at(name)) for rrset in found)
    if records:
        return Answer(answer=records, edes=edes)
    rcode = Rcode.NXDOMAIN if hit.action is ListAction.NXDOMAIN else Rcode.NOERROR
    return Answer(rcode, authority=(_soa(hit.trigger),), edes=edes)


def _said(rrset: RRset) -> RRset:
    """``rrset``; the leak guard lets it pass where its addresses are nobody's."""
    return replace(rrset, public=rrset.rdtype in _WIDTHS and all(map(is_nobody, rrset.rdatas)))


def is_nobody(address: bytes) -> bool:
    """Whether a packed address is unspecified, or loopback: what lists put in the place of a host."""
    return (not any(address[:-1]) and address[-1:] <= b"\1") or (len(address) == 4 and address[0] == 127)


def _soa(trigger: Qname) -> RRset:
    """Whoever remembers negative answers needs one (RFC 2308 3); it says that nobody is to be asked."""
    owner = Qname(trigger[2:]) if trigger.startswith(b"\1*") else trigger
    numbers = (1, 3600, 1200, 604_800, TTL_S)
    rdata = owner + _NOBODY + b"".join(number.to_bytes(4, "big") for number in numbers)
    return RRset(owner, Type.SOA, TTL_S, (rdata,))

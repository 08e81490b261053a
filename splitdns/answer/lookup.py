"""One name in one zone: RFC 1034 4.3.2 step 3, each of its ends a type of its own.

The walk goes down from the apex, one label at a time, because a delegation or a DNAME above the name decides
before the name itself does. Every existing ancestor has a node, so the walk ends at the closest encloser
(RFC 4592 3.3.1), and there the wildcard and then the regexps have their say.
"""

from __future__ import annotations

from splitdns.names import Qname, between, is_wildcard, relative_text, wildcard
from splitdns.records import Ede, RRset, Type
from splitdns.value import value
from splitdns.zone import Node, Zone


@value(frozen=True, slots=True)
class Found:
    """The records asked for; for ANY every RRset of the name."""

    zone: Zone
    node: Node
    rrsets: tuple[RRset, ...]


@value(frozen=True, slots=True)
class NoData:
    """The name exists, without the type (RFC 2308 2.2). ``differs``: its negative TTL is short."""

    zone: Zone
    differs: bool


@value(frozen=True, slots=True)
class NoName:
    """The name does not exist here (RFC 2308 2.1). ``differs``: another view has it."""

    zone: Zone
    differs: bool


@value(frozen=True, slots=True)
class Redirected:
    """A CNAME at the name or, with ``dname``, a DNAME above it, stands for it (RFC 1034 3.6.2, RFC 6672).

    ``rrset`` is that record set, as written; its owner is the name's own for a CNAME.
    """

    zone: Zone
    rrset: RRset
    dname: bool = False


@value(frozen=True, slots=True)
class Delegated:
    """The name lies at or beneath a zone cut; ``cut`` holds the NS records."""

    zone: Zone
    cut: Node


@value(frozen=True, slots=True)
class Inherited:
    """The name is ours, the type is not: it is forwarded (semantics: inherit)."""

    zone: Zone
    differs: bool


@value(frozen=True, slots=True)
class NotOurs:
    """An overlay does not declare the name; ``empty_non_terminal``: but a name beneath it."""

    zone: Zone
    empty_non_terminal: bool = False


@value(frozen=True, slots=True)
class Failed:
    """The answer is declared, and cannot be given now: SERVFAIL with this extended error."""

    zone: Zone
    ede: int
    reason: str


_OF_ZONES = (Type.SOA, Type.NS)  # at an apex: of the zone, not of a host of that name

Outcome = Found | NoData | NoName | Redirected | Delegated | Inherited | NotOurs | Failed


def lookup(zone: Zone, qname: Qname, qtype: int) -> Outcome:
    """Find ``qname``, at or under the apex, in ``zone`` (RFC 1034 4.3.2 step 3, RFC 4592, RFC 6672)."""
    if zone.fault is not None:
        return Failed(zone, Ede.INVALID_DATA, zone.fault)
    node = zone.node(zone.apex)
    assert node is not None, "a zone has its apex"
    encloser, elsewhere = zone.apex, False
    for name in between(qname, zone.apex):
        if dname := node.rrset(Type.DNAME):
            return Redirected(zone, dname, dname=True)
        below = zone.node(name)
        if below is None or not below.exists:
            # Names of other views may lie beneath; the asked one must not be answered for if it is declared.
            elsewhere = below is not None
            own = zone.node(qname) if elsewhere else None
            if own is not None and own.is_ghost and not zone.overlay:
                return NoName(zone, differs=True)
            break
        if below.cut and not (name == qname and qtype == Type.DS):  # DS is the parent's: RFC 4035 3.1.4.1
            return Delegated(zone, below)
        node, encloser = below, name
    else:
        return _at_node(zone, node, qname, qtype)
    return _beneath(zone, encloser, qname, qtype, elsewhere)


def _beneath(zone: Zone, encloser: Qname, qname: Qname, qtype: int, elsewhere: bool) -> Outcome:
    """The name has no node here: the wildcard at the closest encloser, then regexps, then nothing."""
    source = zone.node(wildcard(encloser))
    if source is not None:
        if source.exists and (not source.cut or qtype == Type.DS):  # DS, here too, is the parent's
            return _at_node(zone, source, qname, qtype)
        if source.cut:  # what a wildcard NS means is undefined (RFC 4592 4.2); NSD and Knot refer
            return Delegated(zone, source)
        elsewhere = True
    if zone.regexps:
        relative = relative_text(qname, zone.apex)
        for regexp in zone.regexps:
            if regexp.matches(relative):
                if regexp.node.exists:
                    return _at_node(zone, regexp.node, qname, qtype)
                elsewhere = True
                if not zone.overlay:  # the first in file order wins, here as in the view that has it
                    break
    if zone.waiting:
        return _not_heard_yet(zone)
    return NotOurs(zone) if zone.overlay else NoName(zone, differs=elsewhere)


def _at_node(zone: Zone, node: Node, qname: Qname, qtype: int) -> Outcome:
    """The node answers for ``qname``: by its own name, as a wildcard's source, or as a regexp's."""
    if qtype == Type.ANY:
        known = tuple(rrset for rrset in node.rrsets if rrset.rdatas)
        if known:
            return Found(zone, node, known)
        if node.rrsets:
            return _not_known_yet(zone)
    elif (rrset := node.rrset(qtype)) is not None:
        return Found(zone, node, (rrset,)) if rrset.rdatas else _not_known_yet(zone)
    elif (cname := node.rrset(Type.CNAME)) is not None:
        return Redirected(zone, cname)
    if qtype in node.inherit:
        return Inherited(zone, node.differs)
    if zone.waiting and not node.inherit and all(one.rdtype in _OF_ZONES for one in node.rrsets):
        return _not_heard_yet(zone)
    if zone.overlay:
        if qname == zone.apex:
            return Inherited(zone, differs=True)
        if not node.rrsets and not node.inherit:
            return NotOurs(zone, empty_non_terminal=not is_wildcard(node.name))
    return NoData(zone, node.differs)


def _not_known_yet(zone: Zone) -> Failed:
    return Failed(zone, Ede.NOT_READY, "the address is not known yet")


def _not_heard_yet(zone: Zone) -> Failed:
    return Failed(zone, Ede.NOT_READY, "who knows this zone's names has not said them yet")

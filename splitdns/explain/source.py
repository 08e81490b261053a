"""What of a zone answers for a name: the name's own node, a wildcard, or a regexp.

``lookup`` finds the same and gives the records; here is kept by what way, for a person to read.
"""

from __future__ import annotations

from splitdns.explain.values import How
from splitdns.names import Qname, ancestors, relative_text, to_text, wildcard
from splitdns.value import value
from splitdns.zone import Node, Zone


@value(frozen=True, slots=True)
class Source:
    """``matched`` is the wildcard's name or the regexp's pattern; ``node`` holds the records."""

    how: How
    matched: str = ""
    node: Node | None = None


def find(zone: Zone, qname: Qname) -> Source:
    """What answers for ``qname``, at or under the apex, in ``zone``; cuts and DNAMEs above it aside."""
    if zone.fault is not None:
        return Source(How.BROKEN)
    node = zone.node(qname)
    if node is not None and node.exists:
        empty = not node.rrsets and not node.inherit and qname != zone.apex
        return Source(How.EMPTY if empty else How.EXACT, node=node)
    if node is not None and node.is_ghost and not zone.overlay:
        return Source(How.ELSEWHERE, node=node)
    star = zone.node(wildcard(_encloser(zone, qname)))
    if star is not None and star.exists:
        return Source(How.WILDCARD, to_text(star.owner), star)
    relative = relative_text(qname, zone.apex)
    for regexp in zone.regexps:
        if regexp.matches(relative):
            if regexp.node.exists:
                return Source(How.REGEXP, regexp.pattern, regexp.node)
            if not zone.overlay:
                break
    return Source(How.ABSENT if node is None else How.ELSEWHERE, node=node)


def _encloser(zone: Zone, qname: Qname) -> Qname:
    """The longest ancestor that exists (RFC 4592 3.3.1); the apex always does."""
    for ancestor in ancestors(qname):
        node = zone.node(ancestor)
        if ancestor == zone.apex or (node is not None and node.exists):
            return ancestor
    raise AssertionError("the name is under the apex")

"""Whether the hosts that records name exist where the record is given.

A name may exist in one view and not in another, and then a record that names it is only good where it does.
The record is kept back in the other views; here the person is told, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum, auto

from splitdns.load.checks import Findings, listed
from splitdns.load.declared import DeclaredSet, is_doubled
from splitdns.load.share import Share, Viewer
from splitdns.names import ROOT, Qname, between, fold, is_under, relative_text, to_text, wildcard
from splitdns.records import ADDRESS_TYPES, Type, target, type_to_text
from splitdns.value import value
from splitdns.zone import Node, Regexp

# Types whose target is a host; DNAME's is a subtree, and a wrong NAPTR's harms nobody.
_TO_HOSTS = frozenset(
    {Type.NS, Type.SOA, Type.CNAME, Type.PTR, Type.MX, Type.SRV, Type.HTTPS, Type.SVCB, Type.AFSDB, Type.KX}
)
_NO_ALIAS = frozenset({Type.NS, Type.MX, Type.SRV})  # RFC 2181 10.3, RFC 2782
_SERVERS = frozenset({Type.NS, Type.SOA})  # no zone without them: they cannot be kept back


class Standing(Enum):
    """Whether a name exists where it should."""

    HERE = auto()
    ELSEWHERE = auto()  # in other views only
    NOWHERE = auto()
    UNKNOWN = auto()  # beneath a delegation or a DNAME, or a name that an overlay forwards


def standing(
    look: Callable[[Qname], Node | None],
    apex: Qname,
    name: Qname,
    overlay: bool = False,
    regexps: Sequence[Regexp] = (),
) -> Standing:
    """How ``name``, at or under ``apex``, stands in a zone whose nodes ``look`` finds."""
    node, encloser, elsewhere = look(apex), apex, False
    for step in between(name, apex):
        if node is not None and node.rrset(Type.DNAME):
            return Standing.UNKNOWN
        node = look(step)
        if node is None or not node.exists:
            elsewhere = node is not None
            own = look(name) if elsewhere else None
            if own is not None and own.is_ghost and not overlay:
                return Standing.ELSEWHERE
            break
        if node.cut:
            return Standing.UNKNOWN
        encloser = step
    else:
        return Standing.HERE
    source = look(wildcard(encloser))
    if source is not None:
        if source.exists:
            return Standing.HERE
        elsewhere = True
    for regexp in regexps:
        if regexp.matches(relative_text(name, apex)):
            if regexp.node.exists:
                return Standing.HERE
            elsewhere = True
            if not overlay:  # the first in file order wins, here as in the view that has it
                break
    if overlay:
        return Standing.UNKNOWN
    return Standing.ELSEWHERE if elsewhere else Standing.NOWHERE


@value(frozen=True, slots=True)
class Link:
    """A record of ``owner``, in the zone ``apex``, that names ``host``.

    ``horizon`` is the one that the record is declared for; ``is_yaml``: its file can hold several.
    """

    rdtype: int
    owner: bytes
    host: Qname
    apex: Qname
    horizon: str | None
    is_yaml: bool

    def is_error(self, stands: Standing) -> bool:
        """Whether the zone cannot be served so (semantics 2)."""
        return stands is Standing.ELSEWHERE and self.rdtype in _SERVERS


@value(frozen=True, slots=True)
class Outward:
    """A link out of the zone; another zone of ours may have to know the host."""

    link: Link
    at: int
    views: tuple[str, ...]


Having = Callable[[Qname], Sequence[Viewer]]
"""The views in which a host exists."""


def having_among(shares: Sequence[Share]) -> Having:
    """Finds the views in which a host of these shares' zone exists."""
    looks = [(share, share.regexp_nodes()) for share in shares]

    def having(host: Qname) -> list[Viewer]:
        return [
            viewer
            for share, regexps in looks
            if standing(share.node, share.zone.apex, host, share.zone.overlay, regexps) is Standing.HERE
            for viewer in share.viewers
        ]

    return having


def check_targets(share: Share, findings: Findings, having: Having) -> Iterator[Outward]:
    """Check the hosts that records name inside the zone; yield those outside."""
    regexps = share.regexp_nodes()
    views = tuple(viewer.name for viewer in share.viewers)
    zone = share.zone
    for name in share.notable:
        owner = zone.name(name).owner
        servers = [one for one in share.chosen[name] if one.rdtype == Type.NS]
        for one in share.chosen[name]:
            if one.rdtype not in _TO_HOSTS:
                continue
            if one.rdtype == Type.SOA and zone.soa is not None and _is_one_of(zone.soa.mname, servers):
                continue  # it was made of the NS record, which is checked itself
            for rdata in one.rdatas:
                wire = target(one.rdtype, rdata)
                if wire is None or wire == ROOT:
                    continue
                host = fold(wire)
                link = Link(one.rdtype, owner, host, zone.apex, one.horizon, zone.is_yaml)
                if not share.is_ours(host):
                    yield Outward(link, one.at, views)
                    continue
                stands = standing(share.node, zone.apex, host, zone.overlay, regexps)
                if message := complaint(link, stands, having, share.viewers[0]):
                    (findings.error if link.is_error(stands) else findings.warn)(share, one.at, message)
                elif one.rdtype in _NO_ALIAS:
                    _check_host(share, name, one, host, stands, findings)


def _is_one_of(mname: bytes, servers: Sequence[DeclaredSet]) -> bool:
    return any(fold(mname) == fold(rdata) for one in servers for rdata in one.rdatas)


def complaint(link: Link, stands: Standing, having: Having, viewer: Viewer) -> str | None:
    """What is wrong with a record for ``viewer`` whose host stands so, or None."""
    record, host = f"the {type_to_text(link.rdtype)} record of {to_text(link.owner)}", to_text(link.host)
    if stands is Standing.ELSEWHERE:
        elsewhere = having(link.host)
        names = [one.name for one in elsewhere]
        only = f"exists only in {listed(names)}" if names else "exists in no view"  # that works, at least
        if link.rdtype in _SERVERS:
            return f"{record} names {host}, which {only}; it must exist here, too"
        return f"{record} is not given, as {host} {only}" + _cure(link, elsewhere, viewer)
    if stands is Standing.NOWHERE:
        if link.rdtype == Type.NS:
            message = f"missing glue: {host}, a name server of {to_text(link.owner)}, does not exist"
        else:
            message = f"{record} names {host}, which does not exist"
        hint = "; a name that is complete ends in a dot" if is_doubled(link.host, link.apex) else ""
        return message + hint
    return None


def _cure(link: Link, elsewhere: Sequence[Viewer], viewer: Viewer) -> str:
    """What to write where the host exists for the views ``elsewhere`` only, and not for ``viewer``."""
    if not link.is_yaml or not elsewhere:
        return ""
    if link.horizon is not None:
        return f"; name another host for {link.horizon!r}"
    common = [
        horizon
        for horizon in elsewhere[0].horizon
        if horizon not in viewer.horizon and all(horizon in one.horizon for one in elsewhere)
    ]
    if not common:
        return "; give the record a horizon"
    host = relative_text(link.host, link.apex) if is_under(link.host, link.apex) else to_text(link.host)
    value = host if link.rdtype in (Type.CNAME, Type.PTR) else "…"
    return f"; give the record a horizon, such as {type_to_text(link.rdtype)}: {{{common[0]}: {value}}}"


def _check_host(
    share: Share, name: Qname, one: DeclaredSet, host: Qname, stands: Standing, findings: Findings
) -> None:
    """A host must have addresses of its own where a server's name is asked for."""
    node = share.node(host)
    types = {rrset.rdtype for rrset in node.rrsets} if node else set()
    kind = type_to_text(one.rdtype)
    if Type.CNAME in types:
        message = f"the {kind} record of {to_text(name)} names an alias, {to_text(host)} (RFC 2181 10.3)"
        findings.warn(share, one.at, message)
    elif one.rdtype == Type.NS and not types & ADDRESS_TYPES:
        needed = (stands is Standing.HERE and node is not None) or is_under(host, name)
        if needed and not share.zone.overlay:
            message = f"missing glue: {to_text(host)}, a name server of {to_text(name)}, has no address"
            findings.warn(share, one.at, message)

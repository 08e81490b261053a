"""What is wrong with one view's share of a zone.

What NSD or Knot refuses to load is an error, what either loads with a warning is a warning; what only views
can get wrong comes on top. Each finding names the views that it is about.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from splitdns.addresses import is_inside
from splitdns.errors import Problems, ZoneError
from splitdns.load.declared import DeclaredSet, DeclaredZone
from splitdns.load.share import Share
from splitdns.names import (
    ROOT,
    Qname,
    ancestors,
    between,
    fold,
    is_under,
    parent,
    relative_text,
    to_text,
    wildcard,
)
from splitdns.records import Type, target, type_to_text
from splitdns.zone import Node, Regexp

MAX_RDATAS = 0xFFFF  # in a record set; beyond: an error (a message cannot hold half as many)

_BESIDE_CNAME = frozenset({Type.CNAME, Type.RRSIG, Type.NSEC})  # RFC 4034 3 and 4
# Types whose target is a host; DNAME's is a subtree, and a wrong NAPTR's harms nobody.
_TO_HOSTS = frozenset(
    {Type.NS, Type.SOA, Type.CNAME, Type.PTR, Type.MX, Type.SRV, Type.HTTPS, Type.SVCB, Type.AFSDB, Type.KX}
)
_NO_ALIAS = frozenset({Type.NS, Type.MX, Type.SRV})  # RFC 2181 10.3, RFC 2782


@dataclass(slots=True)
class Findings:
    """Findings of the shares of one zone file, those of several views put together."""

    zone: DeclaredZone
    name_views: bool
    found: dict[tuple[int, str, bool], list[str]] = field(default_factory=dict)

    def error(self, share: Share, at: int, message: str) -> None:
        self._add(share, at, message, True)

    def warn(self, share: Share, at: int, message: str) -> None:
        self._add(share, at, message, False)

    def _add(self, share: Share, at: int, message: str, is_error: bool) -> None:
        self.found.setdefault((at, message, is_error), []).extend(viewer.name for viewer in share.viewers)

    def into(self, problems: Problems) -> None:
        for (at, message, is_error), views in self.found.items():
            if self.name_views:
                message += f" (in view {views[0]})" if len(views) == 1 else f" (in views {', '.join(views)})"
            where = self.zone.where(at)
            if is_error:
                problems.error(ZoneError(where, message))
            else:
                problems.warn(where, message)


def check(share: Share, findings: Findings) -> None:
    """Everything that this share alone shows, but for its targets."""
    dnames: set[Qname] = set()
    outside = any(viewer.outside for viewer in share.viewers)
    if outside:
        for name, sets in share.chosen.items():
            _check_inside_addresses(share, name, sets, findings)
    for name in share.notable:
        sets = share.chosen[name]
        _check_name(share, to_text(name), name == share.zone.apex, sets, findings)
        if any(one.rdtype == Type.DNAME for one in sets):
            dnames.add(name)
    for at, sets in enumerate(share.regexps):
        _check_name(share, f"~{share.zone.regexps[at].pattern}", False, sets, findings)
        if outside:
            _check_inside_addresses(share, f"~{share.zone.regexps[at].pattern}", sets, findings)
    apex = share.chosen[share.zone.apex]
    if not any(one.rdtype == Type.SOA for one in apex):
        findings.error(share, 0, f"expected a SOA record at {to_text(share.zone.apex)}, found none")
    elif share.zone.soa is None and not any(one.rdtype == Type.NS for one in apex):
        findings.warn(share, 0, f"no NS records at {to_text(share.zone.apex)}")
    if dnames:
        _check_beneath_dnames(share, dnames, findings)


def _check_name(
    share: Share, shown: str, is_apex: bool, sets: Sequence[DeclaredSet], findings: Findings
) -> None:
    by_type = {one.rdtype: one for one in sets}
    for one in sets:
        if len(one.rdatas) > MAX_RDATAS:
            message = f"expected at most {MAX_RDATAS:,} {type_to_text(one.rdtype)} records at {shown}"
            findings.error(share, one.at, f"{message}, found {len(one.rdatas):,}")
    if cname := by_type.get(Type.CNAME):
        others = ", ".join(type_to_text(rdtype) for rdtype in by_type if rdtype not in _BESIDE_CNAME)
        if others:
            findings.error(share, cname.at, f"CNAME beside other data at {shown}: {others} (RFC 1034 3.6.2)")
        if len(cname.rdatas) > 1:
            message = f"expected one CNAME at {shown}, found {len(cname.rdatas)} (RFC 2181 10.1)"
            findings.error(share, cname.at, message)
    if dname := by_type.get(Type.DNAME):
        if len(dname.rdatas) > 1:
            message = f"expected one DNAME at {shown}, found {len(dname.rdatas)} (RFC 6672 2.4)"
            findings.error(share, dname.at, message)
        if Type.NS in by_type and not is_apex:
            findings.error(share, dname.at, f"DNAME beside NS at {shown} (RFC 6672 2.3)")


def _check_beneath_dnames(share: Share, dnames: set[Qname], findings: Findings) -> None:
    for name, sets in share.chosen.items():
        if name == share.zone.apex:
            continue
        for above in ancestors(parent(name)):
            if above in dnames:
                at = sets[0].at if sets else share.zone.name(name).at
                message = f"{to_text(name)} is beneath the DNAME at {to_text(above)} (RFC 6672 2.4)"
                findings.error(share, at, message)
            if above == share.zone.apex:
                break


def _check_inside_addresses(
    share: Share, name: Qname | str, sets: Sequence[DeclaredSet], findings: Findings
) -> None:
    for one in sets:
        if one.rdtype not in (Type.A, Type.AAAA) or one.public:
            continue
        for rdata in one.rdatas:
            if is_inside(rdata):
                shown = name if isinstance(name, str) else to_text(name)
                message = f"inside address {ipaddress.ip_address(rdata)} of {shown} is not given to clients"
                message += " outside; give it a horizon, or say `public: true`"
                findings.warn(share, one.at, message)


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


@dataclass(frozen=True, slots=True)
class Outward:
    """A target outside the zone; another zone of ours may have to know it."""

    rdtype: int
    owner: bytes
    host: Qname
    at: int
    views: tuple[str, ...]


def check_targets(share: Share, findings: Findings) -> Iterator[Outward]:
    """Check the hosts that records name inside the zone; yield those outside."""
    regexps = share.regexp_nodes()
    views = tuple(viewer.name for viewer in share.viewers)
    apex = share.zone.apex
    for name in share.notable:
        for one in share.chosen[name]:
            if one.rdtype not in _TO_HOSTS:
                continue
            for rdata in one.rdatas:
                wire = target(one.rdtype, rdata)
                if wire is None or wire == ROOT:
                    continue
                host = fold(wire)
                owner = share.zone.name(name).owner
                if not share.is_ours(host):
                    yield Outward(one.rdtype, owner, host, one.at, views)
                    continue
                stands = standing(share.node, apex, host, share.zone.overlay, regexps)
                if message := complaint(one.rdtype, owner, host, stands):
                    is_error = stands is Standing.ELSEWHERE and one.rdtype in (Type.NS, Type.SOA)
                    (findings.error if is_error else findings.warn)(share, one.at, message)
                elif one.rdtype in _NO_ALIAS:
                    _check_host(share, name, one, host, stands, findings)


def complaint(rdtype: int, owner: bytes, host: bytes, stands: Standing) -> str | None:
    """What is wrong with a record of ``owner`` whose target stands so, or None."""
    record = f"the {type_to_text(rdtype)} record of {to_text(owner)}"
    if stands is Standing.ELSEWHERE:
        if rdtype in (Type.NS, Type.SOA):
            return f"{record} names {to_text(host)}, which exists in other views only"
        return f"{record} is not given here: {to_text(host)} exists in other views only"
    if stands is Standing.NOWHERE:
        if rdtype == Type.NS:
            return f"missing glue: {to_text(host)}, a name server of {to_text(owner)}, does not exist"
        return f"{record} names {to_text(host)}, which does not exist"
    return None


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
    elif one.rdtype == Type.NS and not types & {Type.A, Type.AAAA}:
        needed = (stands is Standing.HERE and node is not None) or is_under(host, name)
        if needed and not share.zone.overlay:
            message = f"missing glue: {to_text(host)}, a name server of {to_text(name)}, has no address"
            findings.warn(share, one.at, message)

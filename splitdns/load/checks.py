"""What is wrong with one view's share of a zone.

What NSD or Knot refuses to load is an error, what either loads with a warning is a warning; what only views
can get wrong comes on top. Each finding names the views that it is about.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass, field

from splitdns.addresses import is_inside
from splitdns.errors import Problems, ZoneError
from splitdns.load.declared import DeclaredSet, DeclaredZone
from splitdns.load.share import Share
from splitdns.names import Qname, ancestors, parent, to_text
from splitdns.records import ADDRESS_TYPES, Type, type_to_text

MAX_RDATAS = 0xFFFF  # in a record set; beyond: an error (a message cannot hold half as many)

_BESIDE_CNAME = frozenset({Type.CNAME, Type.RRSIG, Type.NSEC})  # RFC 4034 3 and 4


def listed(views: Sequence[str]) -> str:
    """``view lan``, or ``views lan, vpn``."""
    return f"view{'s' * (len(views) > 1)} {', '.join(views)}"


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
                message = f"in {listed(views)}: {message}"
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
    elif not share.zone.overlay and not share.zone.made and not any(one.rdtype == Type.NS for one in apex):
        at = share.zone.at or share.zone.name(share.zone.apex).at
        cure = "; say `ns:`" if share.zone.is_yaml else ""
        findings.warn(share, at, f"no NS records at {to_text(share.zone.apex)}{cure}")
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
        if one.rdtype not in ADDRESS_TYPES or one.public:
            continue
        for rdata in one.rdatas:
            if is_inside(rdata):
                shown = name if isinstance(name, str) else to_text(name)
                message = f"the inside address {ipaddress.ip_address(rdata)} of {shown} is not given out"
                findings.warn(share, one.at, f"{message}; {_cure(share, one)}")


def _cure(share: Share, one: DeclaredSet) -> str:
    """What to do about an inside address in an outside view."""
    if not share.zone.is_yaml:
        other = "another address" if share.zone.horizon else "a file for each horizon"
        return f"this takes {other}, or `public: true` in a YAML zone"
    if one.horizon is not None:
        return f"give {one.horizon!r} another address, or say `public: true`"
    return "give it a horizon that only inside views have, or say `public: true`"

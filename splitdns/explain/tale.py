"""The way of one decision, told name by name.

The decision is made; here each name on its way is looked up once more, and this time the circumstances are
kept: what zone or rule, by what way, from which file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol, assert_never

from splitdns.answer import dns64
from splitdns.answer.blocking import TTL_S, Hit
from splitdns.answer.blocking import answer as answer_listed
from splitdns.answer.blocking import find as find_listed
from splitdns.answer.decide import MAX_CNAME_HOPS, Forward, Reply, is_challenge, why_refused
from splitdns.answer.guard import is_hidden
from splitdns.answer.lookup import (
    Delegated,
    Failed,
    Found,
    Inherited,
    NoData,
    NoName,
    NotOurs,
    Redirected,
    lookup,
)
from splitdns.answer.respond import additional, negative_soa, referral
from splitdns.errors import Where
from splitdns.explain.source import Source, find
from splitdns.explain.strip import hidden_target, rebound_from, stripped_from
from splitdns.explain.values import (
    Forwarding,
    Hop,
    How,
    Origin,
    Place,
    Record,
    Result,
    Stripped,
    ZonePart,
)
from splitdns.names import MAX_NAME_OCTETS, ROOT, Qname, ancestors, fold, from_text, is_under, parent, to_text
from splitdns.records import META_TYPES, SHORT_TTL_S, Rcode, RRset, Type
from splitdns.snapshot import Manners
from splitdns.view import Prefix, UpstreamSet, View
from splitdns.wire.message import Answer, Query
from splitdns.zone import Node, Zone

Exchange = tuple[Forward, Reply | None]


class Places(Protocol):
    """Where things are written; a snapshot itself does not remember lines."""

    def client(self, view: str, prefix: Prefix | None) -> Where: ...

    def rule(self, view: str, domain: Qname) -> Where: ...

    def record(self, zone: Zone, view: View, source: Source, rdtype: int) -> Place | None: ...


SHORT = "short: the name is not the same in all views"
SHORT_IN_OVERLAY = "short: a name of an overlay is not the same everywhere"

_IPV4_REVERSE = from_text("in-addr.arpa.")
_NEGATIVE: dict[int, Result] = {Rcode.NOERROR: Result.NODATA, Rcode.NXDOMAIN: Result.NXDOMAIN}


class Tale:
    """Walks the names that ``decide`` walked, and keeps the circumstances."""

    def __init__(
        self,
        view: View,
        query: Query,
        manners: Manners,
        decided: Answer | Forward,
        exchanges: list[Exchange],
        places: Places | None,
    ) -> None:
        self.hops: list[Hop] = []
        self.stripped: list[Stripped] = []
        self._allowed = False
        self._view = view
        self._query = query
        self._manners = manners
        self._decided = decided
        self._exchanges = exchanges
        self._places = places

    def tell(self) -> None:
        name: bytes | None = self._query.question
        seen: set[Qname] = set()
        while name is not None:
            if fold(name) in seen or len(seen) > MAX_CNAME_HOPS:
                circle = "it leads in a circle, or through too many names"
                self.hops[-1] = replace(self.hops[-1], reason=circle)
                return
            seen.add(fold(name))
            hop, name = self._hop(name)
            self.hops.append(hop)
            for record in (*hop.records, *hop.beside):
                if record.origin is Origin.UPSTREAM:
                    self.stripped += rebound_from(record.rrset, self._view)
                self.stripped += stripped_from(record.rrset, self._view, self._query.name)
        self._tell_dns64()

    def _tell_dns64(self) -> None:
        """Where the walk found no IPv6 address, and the answer has one all the same."""
        prefix, decided = self._view.policy.dns64, self._decided
        if prefix is None or self._query.qtype != Type.AAAA or self.hops[-1].result is Result.RECORDS:
            return
        if isinstance(decided, Answer) and any(rrset.rdtype == Type.AAAA for rrset in decided.answer):
            reason = f"DNS64 makes an address of the IPv4 one, in {prefix}"
            self.hops[-1] = replace(self.hops[-1], reason=reason)

    def _hop(self, name: bytes) -> tuple[Hop, bytes | None]:
        """The hop of ``name``, and the name that it leads to."""
        view, qname, qtype = self._view, fold(name), self._query.qtype
        if (target := dns64.reverse_target(qname, view.policy.dns64)) is not None:
            alias = Record(RRset(name, Type.CNAME, dns64.TTL_S, (target,)), Origin.SYNTHESIZED)
            return Hop(name, How.DNS64, Result.ALIAS, records=(alias,)), target
        if view.ptrs is not None and (node := view.ptrs.node(qname)) is not None:
            return self._automatic(name, node), None
        authority = view.authority(qname)
        if qtype == Type.DS and isinstance(authority, Zone) and qname == authority.apex != ROOT:
            above = view.authority(parent(qname))
            authority = above if isinstance(above, Zone) else authority
        if not isinstance(authority, Zone):
            return self._leave(Hop(name, How.RULE if authority else How.NOBODY, Result.REFUSED))
        zone = authority
        source = find(zone, qname)
        hop = Hop(name, source.how, Result.RECORDS, _part(zone), source.matched)
        outcome = lookup(zone, qname, qtype)
        challenge = view.recursion and is_challenge(zone, qname)
        if challenge and qtype in (Type.TXT, Type.CNAME):
            hop = replace(hop, reason="_acme-challenge beneath a name of ours inherits TXT and CNAME")
            return self._inherit(hop, zone, differs=False)
        match outcome:
            case Found(rrsets=rrsets):
                return self._found(hop, rrsets), None
            case Redirected(rrset=rrset, dname=is_dname):
                return self._alias(hop, rrset, is_dname)
            case Delegated(cut=cut):
                hop = replace(hop, how=How.CUT, matched=to_text(cut.owner))
                if self._route(qname) is not None:
                    return self._leave(hop)
                answer = referral(outcome)
                beside = self._records((*answer.authority, *answer.glue, *answer.additional), zone)
                return replace(hop, result=Result.REFERRAL, beside=beside), None
            case Inherited(differs=differs):
                hop = replace(hop, reason="the name is ours, and this type of it is inherited")
                return self._inherit(hop, zone, differs)
            case NotOurs():
                hop = replace(hop, reason="the zone is an overlay, and does not declare the name")
                return self._leave(hop)
            case NoData(differs=differs):
                return self._negative(hop, zone, Result.NODATA, differs), None
            case NoName(differs=differs) if challenge:
                return self._negative(hop, zone, Result.NODATA, differs), None
            case NoName(differs=differs):
                if differs and hop.how is How.ABSENT:
                    hop = replace(hop, reason="another view has a wildcard or a regexp for it")
                return self._negative(hop, zone, Result.NXDOMAIN, differs), None
            case Failed(reason=reason):
                how = How.BROKEN if zone.fault is not None else hop.how
                return replace(hop, how=how, result=Result.SERVFAIL, reason=reason), None
            case _:
                assert_never(outcome)

    def _automatic(self, name: bytes, node: Node) -> Hop:
        hop = Hop(name, How.AUTOMATIC, Result.NODATA)
        ptr = node.rrset(Type.PTR)
        if ptr is None or self._query.qtype not in (Type.PTR, Type.ANY):
            return hop
        record = Record(ptr.at(name), Origin.AUTOMATIC, self._place_of_address(name, ptr.rdatas[0]))
        return replace(hop, result=Result.RECORDS, records=(record,))

    def _place_of_address(self, name: bytes, host: bytes) -> Place | None:
        """Where the address stands that the reverse ``name`` was made of."""
        qname = fold(host)
        zone = self._view.zone_of(qname)
        if zone is None or self._places is None:
            return None
        rdtype = Type.A if is_under(fold(name), _IPV4_REVERSE) else Type.AAAA
        return self._places.record(zone, self._view, find(zone, qname), rdtype)

    def _found(self, hop: Hop, rrsets: tuple[RRset, ...]) -> Hop:
        if self._query.qtype == Type.ANY and self._manners.minimal_any:
            rrsets = (min(rrsets, key=lambda rrset: rrset.rdtype),)
            hop = replace(hop, reason="ANY gets one record set (RFC 8482)")
        answer = tuple(rrset.at(hop.name) for rrset in rrsets)
        assert hop.zone is not None
        zone = self._view.zones[hop.zone.apex]
        beside = self._records(additional(answer, self._view))
        return replace(hop, records=self._records(answer, zone), beside=beside)

    def _alias(self, hop: Hop, rrset: RRset, is_dname: bool) -> tuple[Hop, bytes | None]:
        assert hop.zone is not None
        zone = self._view.zones[hop.zone.apex]
        if is_dname:
            hop = replace(hop, how=How.DNAME, matched=to_text(rrset.owner))
            target = hop.name[: len(hop.name) - len(rrset.owner)] + rrset.rdatas[0]
            if len(target) > MAX_NAME_OCTETS:
                return replace(hop, result=Result.YXDOMAIN, records=self._records((rrset,), zone)), None
            made = RRset(hop.name, Type.CNAME, rrset.ttl_s, (target,))
            records = (*self._records((rrset,), zone), Record(made, Origin.SYNTHESIZED))
        else:
            target = rrset.rdatas[0]
            records = self._records((rrset.at(hop.name),), zone)
        if is_hidden(target, self._view):
            self.stripped.append(Stripped(hop.name, rrset.rdtype, rrset.rdatas[0], hidden_target(target)))
            hop = replace(hop, reason=f"an alias, but {hidden_target(target)}")
            return self._negative(hop, zone, Result.NODATA, differs=True), None
        if is_dname and self._query.qtype == Type.CNAME:
            return replace(hop, records=records), None
        return replace(hop, result=Result.ALIAS, records=records), target

    def _negative(self, hop: Hop, zone: Zone, result: Result, differs: bool) -> Hop:
        soa = negative_soa(zone, differs)
        reason = _short(zone) if differs else "the SOA's TTL or its minimum, the smaller one"
        records = tuple(replace(record, ttl_reason=reason) for record in self._records(soa, zone))
        return replace(hop, result=result, beside=records)

    def _inherit(self, hop: Hop, zone: Zone, differs: bool) -> tuple[Hop, bytes | None]:
        hop, _ = self._leave(hop)
        if hop.forwarding is None:  # RD=0, or a view that does not recurse
            return self._negative(hop, zone, Result.NODATA, differs), None
        hop = replace(hop, forwarding=replace(hop.forwarding, inherited=True))
        if isinstance(self._decided, Forward):
            return replace(hop, result=Result.FORWARD, records=()), None
        if self._decided.rcode:
            return replace(hop, result=Result.SERVFAIL, records=()), None
        if rrset := self._end(hop.name, self._decided.answer):
            record = Record(rrset, Origin.UPSTREAM)
            return replace(hop, result=Result.RECORDS, records=(record,)), None
        return self._negative(replace(hop, records=()), zone, Result.NODATA, differs), None

    def _end(self, name: bytes, answer: tuple[RRset, ...]) -> RRset | None:
        """The end of an upstream's chain under ``name``, as it was before the guard."""
        rrsets = [rrset for reply in self._replies() for rrset in reply.answer]
        said = [rrset for rrset in rrsets if rrset.rdtype == self._query.qtype]
        if not said:
            return answer[-1] if answer else None
        end = said[-1].at(name)
        return end.with_ttl(answer[-1].ttl_s) if answer else end

    def _replies(self) -> list[Reply]:
        return [reply for _, reply in self._exchanges if reply is not None]

    def _leave(self, hop: Hop) -> tuple[Hop, bytes | None]:
        """The name is an upstream's to answer, or nobody's."""
        qname = fold(hop.name)
        route = self._route(qname)
        if route is None:
            if self.hops:
                return replace(hop, result=Result.OPEN), None
            reason = why_refused(self._view, self._query, qname)
            return replace(hop, result=Result.REFUSED, reason=reason), None
        if not self._allowed and (hit := find_listed(self._view.policy.lists, qname)) is not None:
            self._allowed = hit.lets_pass(self._query.transport)
            if not self._allowed:
                return self._listed(hop, hit)
        domain = next(ancestor for ancestor in ancestors(qname) if ancestor in self._view.routes)
        forward = self._forward_of(qname)
        exchange = next((pair for pair in self._exchanges if fold(pair[0].name) == qname), None)
        forwarding = Forwarding(
            domain,
            route,
            no_nxdomain=forward is not None and forward.no_nxdomain,
            asked=bool(self._exchanges),
            reply=exchange[1] if exchange else None,
            where=self._places.rule(self._view.name, domain) if self._places else None,
        )
        hop = replace(hop, result=Result.FORWARD, forwarding=forwarding)
        return self._replied(hop) if self._exchanges else (hop, None)

    def _listed(self, hop: Hop, hit: Hit) -> tuple[Hop, bytes | None]:
        hop = replace(hop, how=How.LISTED, matched=f"{to_text(hit.trigger)} in the list {hit.list}")
        if (target := hit.alias(fold(hop.name))) is not None:
            if is_hidden(target, self._view):
                why = hidden_target(target)
                self.stripped.append(Stripped(hop.name, Type.CNAME, target, why))
                return replace(hop, result=Result.NODATA, reason=f"an alias, but {why}"), None
            record = Record(RRset(hop.name, Type.CNAME, TTL_S, (target,)), Origin.LIST)
            ends = self._query.qtype in (Type.CNAME, Type.ANY)
            result = Result.RECORDS if ends else Result.ALIAS
            return replace(hop, result=result, records=(record,)), None if ends else target
        given = answer_listed(hit, hop.name, self._query.qtype)
        if given.drop or given.truncated:
            return replace(hop, result=Result.REFUSED, reason="no answer over UDP"), None
        records = tuple(Record(rrset, Origin.LIST) for rrset in given.answer)
        beside = tuple(Record(rrset, Origin.LIST) for rrset in given.authority)
        result = Result.RECORDS if records else _NEGATIVE.get(given.rcode, Result.REFUSED)
        return replace(hop, result=result, records=records, beside=beside), None

    def _replied(self, hop: Hop) -> tuple[Hop, bytes | None]:
        """The upstreams were asked: what they said about this name."""
        qname, qtype = fold(hop.name), self._query.qtype
        said = [rrset for reply in self._replies() for rrset in reply.answer if rrset.name == qname]
        aliases = [rrset for rrset in said if rrset.rdtype == Type.CNAME]
        if aliases and qtype not in (Type.CNAME, Type.ANY):
            alias = aliases[-1]
            record = Record(alias.at(hop.name), Origin.UPSTREAM)
            return replace(hop, result=Result.ALIAS, records=(record,)), alias.rdatas[0]
        wanted = [rrset for rrset in said if qtype in (rrset.rdtype, Type.ANY)]
        if wanted:
            records = tuple(Record(rrset.at(hop.name), Origin.UPSTREAM) for rrset in wanted)
            return replace(hop, result=Result.RECORDS, records=records), None
        rcode = self._decided.rcode if isinstance(self._decided, Answer) else Rcode.SERVFAIL
        return replace(hop, result=_NEGATIVE.get(rcode, Result.SERVFAIL)), None

    def _route(self, qname: Qname) -> UpstreamSet | None:
        """Who may be asked for a name, its zone aside; None for what never goes upstream."""
        query = self._query
        is_data = query.qtype not in META_TYPES or query.qtype == Type.ANY
        return self._view.route(qname) if self._view.recursion and query.rd and is_data else None

    def _forward_of(self, qname: Qname) -> Forward | None:
        """The question that was, or would be, asked of an upstream for this name."""
        asked = [forward for forward, _ in self._exchanges]
        if isinstance(self._decided, Forward):
            asked.append(self._decided)
        return next((forward for forward in asked if fold(forward.name) == qname), None)

    def _records(self, rrsets: Iterable[RRset], zone: Zone | None = None) -> tuple[Record, ...]:
        return tuple(self._record(rrset, zone) for rrset in rrsets)

    def _record(self, rrset: RRset, zone: Zone | None) -> Record:
        """``rrset`` as it is served, with its place in ``zone`` (None: the view's own for that name)."""
        zone = zone or self._view.zone_of(rrset.name)
        if zone is None:
            return Record(rrset, Origin.SERVER)
        source = find(zone, rrset.name)
        place = self._places.record(zone, self._view, source, rrset.rdtype) if self._places else None
        return Record(rrset, Origin.ZONE, place, _ttl_reason(rrset, zone, source, place))


def _short(zone: Zone) -> str:
    return SHORT_IN_OVERLAY if zone.overlay else SHORT


def _ttl_reason(rrset: RRset, zone: Zone, source: Source, place: Place | None) -> str:
    if place is not None and place.own_ttl:
        return "declared at the record or its name"
    if source.node is not None and source.node.differs and rrset.ttl_s == SHORT_TTL_S:
        return _short(zone)
    return ""


def _part(zone: Zone) -> ZonePart:
    return ZonePart(zone.apex, zone.source, zone.overlay, zone.fault)

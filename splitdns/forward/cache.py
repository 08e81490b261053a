"""What upstreams said, until it is too old (RFC 1035 7.4, RFC 2308).

One cache belongs to a worker and outlives its snapshots. A view's name and the upstream set are part of every
key: what one view learnt from its resolvers is no news to another. Kept is the whole reply to a question, its
aliases included, for as long as the shortest TTL in it; each alias is decided anew in the client's view when
the reply is read, so a name that has become local since then wins over what is kept here.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from splitdns.answer.decide import Reply
from splitdns.metrics import CACHE_ENTRIES, CACHE_EVICTIONS, CACHE_OCTETS, Counts
from splitdns.names import Qname
from splitdns.records import Rcode, RRset, Type
from splitdns.view import UpstreamSet

MAX_OCTETS = 64 * 1024 * 1024  # per worker; beyond, the least recently used replies are evicted
TTL_FLOOR_S = 0  # upstreams' short TTLs make fail-over work: they are kept to
TTL_CEILING_S = 86_400  # Unbound's, too; RFC 8767 4 suggests to stay below a week
NEGATIVE_TTL_CEILING_S = 10_800  # RFC 2308 5: one to three hours work well

# What objects cost beside the octets in them, as CPython 3.11 lays them out (a test measures it).
_ENTRY_OCTETS = 400
_RRSET_OCTETS = 90
_RDATA_OCTETS = 45

_Key = tuple[str, UpstreamSet, Qname, int | None]


@dataclass(frozen=True, slots=True)
class _Entry:
    reply: Reply
    stored_s: float
    expires_s: float
    octets: int


class Cache:
    """Replies by view name, upstream set, name and type; times are seconds of one steady clock."""

    def __init__(self, counts: Counts, max_octets: int = MAX_OCTETS) -> None:
        self._counts = counts
        self._max_octets = max_octets
        self._octets = 0
        self._entries: dict[_Key, _Entry] = {}  # the least recently used first

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, view: str, upstreams: UpstreamSet, name: Qname, qtype: int, now_s: float) -> Reply | None:
        """The reply, its TTLs less the whole seconds that it has been here; None: none, or too old."""
        # A name that does not exist has no type at all (RFC 2308 5).
        for key in ((view, upstreams, name, qtype), (view, upstreams, name, None)):
            entry = self._entries.get(key)
            if entry is None:
                continue
            del self._entries[key]
            if entry.expires_s > now_s:
                self._entries[key] = entry  # now the most recently used
                return _aged(entry.reply, int(now_s - entry.stored_s))
            self._count(key, entry, -1)
        return None

    def remember(
        self, view: str, upstreams: UpstreamSet, name: Qname, qtype: int, reply: Reply, now_s: float
    ) -> Reply:
        """Keep ``reply`` if it may be kept, and give it back with TTLs within the bounds.

        Kept are records and negative answers with a SOA (RFC 2308 5). A failure is not, nor a chain without
        its end, nor anything with a TTL of 0, which is for the one who asked only (RFC 1035 3.2.1).
        """
        reply = _bounded(reply)
        ttl_s = _lifetime_s(reply, qtype)
        if ttl_s <= 0:
            return reply
        no_name = reply.rcode == Rcode.NXDOMAIN and not reply.answer
        key: _Key = (view, upstreams, name, None if no_name else qtype)
        entry = _Entry(reply, now_s, now_s + ttl_s, _cost(reply, name))
        if former := self._entries.pop(key, None):
            self._count(key, former, -1)
        self._entries[key] = entry
        self._count(key, entry, 1)
        while self._octets > self._max_octets:
            oldest = next(iter(self._entries))
            evicted = self._entries.pop(oldest)
            self._count(oldest, evicted, -1)
            self._counts.add(CACHE_EVICTIONS, kind(evicted.reply), oldest[0])
        return reply

    def _count(self, key: _Key, entry: _Entry, by: int) -> None:
        self._octets += by * entry.octets
        self._counts.add(CACHE_OCTETS, key[0], by=by * entry.octets)
        self._counts.add(CACHE_ENTRIES, kind(entry.reply), key[0], by=by)


def kind(reply: Reply) -> str:
    """CoreDNS's label: a denial says that there is no such name, or no record of the type."""
    return "denial" if reply.rcode == Rcode.NXDOMAIN or reply.soa is not None else "success"


def _bounded(reply: Reply) -> Reply:
    answer = tuple(
        rrset.with_ttl(max(TTL_FLOOR_S, min(rrset.ttl_s, TTL_CEILING_S))) for rrset in reply.answer
    )
    soa = reply.soa and reply.soa.with_ttl(max(TTL_FLOOR_S, min(reply.soa.ttl_s, NEGATIVE_TTL_CEILING_S)))
    return replace(reply, answer=answer, soa=soa)


def _lifetime_s(reply: Reply, qtype: int) -> int:
    """How long the reply may be used again; 0: not at all."""
    if reply.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return 0
    ttls_s = [rrset.ttl_s for rrset in reply.answer]
    if reply.soa is not None:
        ttls_s.append(reply.soa.ttl_s)
    elif not reply.answer or qtype not in (reply.answer[-1].rdtype, Type.ANY):
        return 0
    return min(ttls_s)


def _aged(reply: Reply, age_s: int) -> Reply:
    if not age_s:
        return reply
    soa = reply.soa
    if soa is not None:
        soa = _older(soa, age_s)
    return Reply(reply.rcode, tuple([_older(rrset, age_s) for rrset in reply.answer]), soa, reply.edes)


def _older(rrset: RRset, age_s: int) -> RRset:
    # Written out: ``with_ttl`` takes three times as long, and this is on the way of most queries.
    return RRset(rrset.owner, rrset.rdtype, rrset.ttl_s - age_s, rrset.rdatas)


def _cost(reply: Reply, name: Qname) -> int:
    rrsets = reply.answer if reply.soa is None else (*reply.answer, reply.soa)
    octets = _ENTRY_OCTETS + len(name) + sum(len(text) for _, text in reply.edes)
    for rrset in rrsets:
        octets += _RRSET_OCTETS + len(rrset.owner)
        octets += sum(_RDATA_OCTETS + len(rdata) for rdata in rrset.rdatas)
    return octets

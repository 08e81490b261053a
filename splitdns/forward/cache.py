"""What upstreams said, until it is too old (RFC 1035 7.4, RFC 2308, RFC 8767).

One cache belongs to a worker and outlives its snapshots. A view's name and the upstream set are part of every
key: what one view learnt from its resolvers is no news to another. Kept is the whole reply to a question, its
aliases included, for as long as the shortest TTL in it; each alias is decided anew in the client's view when
the reply is read, so a name that has become local since then wins over what is kept here. All types of a
name stand together, for whether it exists is one thing: the newest word on it holds for all of them
(RFC 8020 2).
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.metrics import (
    CACHE_ENTRIES,
    CACHE_EVICTIONS,
    CACHE_HITS,
    CACHE_OCTETS,
    CACHE_REQUESTS,
    Counts,
    series_of,
)
from splitdns.names import Qname
from splitdns.records import Rcode, RRset, Type
from splitdns.tallies import Cell
from splitdns.value import value
from splitdns.view import Copy, UpstreamSet

POPULAR_HITS = 2  # from here on, a reply is asked for anew before it is too old
MAX_SPARED = 64  # names for the sake of a new one; beyond: the oldest goes, for somebody waits for this
RIPE = 0.9  # of its lifetime; who asks after that has it renewed (Unbound's prefetch, too)
_ROUNDED_S = 1e-6  # a sum of times is not exact: who asks that close to the next second looks again

# What objects cost beside the octets in them, as CPython 3.11 lays them out (a test measures it).
_NAME_OCTETS = 450
_ENTRY_OCTETS = 250
_RRSET_OCTETS = 90
_RDATA_OCTETS = 45

_NXDOMAIN, _ANY = int(Rcode.NXDOMAIN), int(Type.ANY)
_ALL_TYPES = 0  # none of which exists then (RFC 2308 5); no type has this number
_UNCHECKED = 1 << 16  # beside a type: asked for with CD, and perhaps not what validation would let pass

Shelf = tuple[str, UpstreamSet]  # a view's name, and the set that it asks
_Place = tuple[str, UpstreamSet, Qname]


class Key(NamedTuple):
    """What makes two questions one: who may share the answer, who is asked, and for what.

    ``do`` wants signatures (RFC 4035 3.2.1), ``cd`` also what fails validation (3.2.2).
    """

    view: str
    upstreams: UpstreamSet
    name: Qname
    qtype: int
    do: bool = False
    cd: bool = False


@value(frozen=True, slots=True)
class CacheLimits:
    """How much is kept, in octets of one worker, and for how long, in seconds; settings say why."""

    octets: int = 64 * 1024 * 1024
    min_ttl_s: int = 0
    max_ttl_s: int = 86_400
    max_negative_ttl_s: int = 10_800
    max_stale_s: int = 86_400
    prefetch: bool = True


@dataclass(slots=True, eq=False)
class Entry:
    """A reply that is kept."""

    reply: Reply
    stored_s: float
    expires_s: float
    octets: int
    hits: int = 0
    renewed: bool = False  # it has been asked for anew, at most once
    used: bool = False  # since it was last looked at for eviction
    source: Source | None = None  # there is one when it was used

    @property
    def ripe_s(self) -> float:
        """When it should be asked for anew; never, once it was."""
        return inf if self.renewed else self.stored_s + RIPE * (self.expires_s - self.stored_s)

    def is_fresh(self, now_s: float) -> bool:
        return self.expires_s > now_s

    def is_ripe(self, now_s: float) -> bool:
        """Whether it should be asked for anew: it is often asked for, and soon too old."""
        return self.hits >= POPULAR_HITS and now_s >= self.ripe_s

    def aged(self, now_s: float) -> Reply:
        """The reply, its TTLs less the whole seconds that it has been here."""
        return _aged(self.reply, int(now_s - self.stored_s), self.source)


class Source:
    """What answers that were made of an entry know of it, and what it knows of them (``view.Kept``).

    Whoever remembers them may do so for longer than the entry is there. So this is small, and lets go of it.
    """

    __slots__ = ("_cache", "_copies", "_entry", "_view", "over")

    def __init__(self, cache: Cache, entry: Entry, view: str) -> None:
        self._cache = cache
        self._entry: Entry | None = entry
        self._view = view
        self._copies: tuple[Copy, ...] = ()  # one for each socket and spelling, hardly ever more than two
        self.over = False

    def age(self, now_s: float) -> tuple[int, float] | None:
        entry = self._entry
        if entry is None or not entry.is_fresh(now_s):
            return None
        age_s = int(now_s - entry.stored_s)
        until_s = min(entry.stored_s + (age_s + 1) - _ROUNDED_S, entry.expires_s)
        if self._cache.limits.prefetch:
            ripe_s = entry.ripe_s
            if now_s >= ripe_s:
                self.settle()
                return None
            until_s = min(until_s, ripe_s)
        return age_s, until_s

    def count(self, times: int) -> None:
        assert self._entry is not None
        self._cache.count(self._entry, self._view, times)

    def join(self, copy: Copy) -> None:
        self._copies += (copy,)

    def leave(self, copy: Copy) -> None:
        self._copies = tuple([other for other in self._copies if other is not copy])

    def settle(self) -> None:
        """Have copies tell how often they were used."""
        for copy in self._copies:
            copy.settle()

    def end(self) -> None:
        """The entry is dropped."""
        self.settle()
        for copy in self._copies:
            copy.until_s = -inf
        self._copies = ()
        self._entry = None
        self.over = True


class _Held(NamedTuple):
    """Where it is counted what is kept for one view."""

    octets: Cell
    successes: Cell


class Cache:
    """Replies by view name, upstream set, name and type; times are seconds of one steady clock."""

    def __init__(self, counts: Counts, limits: CacheLimits = CacheLimits()) -> None:  # noqa: B008 (frozen)
        self.limits = limits
        self.counts = counts
        self.octets = 0
        self._held: dict[str, _Held] = {}
        # Of each name by type. The first is the next to be evicted, unless it was used since it came or was
        # spared: moving a name on each use would cost more than finding it. A plain dict would look for its
        # first among all that were before it: fifty microseconds, where names come and go.
        self.names: OrderedDict[_Place, dict[int, Entry]] = OrderedDict()

    def __len__(self) -> int:
        return sum(map(len, self.names.values()))

    def get(self, key: Key, now_s: float) -> Entry | None:
        """What is kept, fresh or stale; None: nothing, or too old even for those who have nothing else."""
        place = (key.view, key.upstreams, key.name)
        entries = self.names.get(place)
        if entries is None:
            return None
        slot = key.qtype | _UNCHECKED if key.cd else key.qtype
        if slot not in entries:
            slot &= _UNCHECKED
        entry = entries.get(slot)
        if entry is None:
            return None
        if entry.expires_s + self.limits.max_stale_s <= now_s:
            self._drop(place, slot)
            return None
        if key.do and entry.reply.proof is None:  # it was asked for without
            return None
        entry.used = True
        return entry

    def take(self, entry: Entry, view: str, now_s: float) -> Reply:
        """What ``get`` found fresh, for a client: as old as it is, and counted."""
        if entry.source is None:
            entry.source = Source(self, entry, view)
        self.count(entry, view, 1)
        return entry.aged(now_s)

    def count(self, entry: Entry, view: str, times: int) -> None:
        """An entry was used so often."""
        entry.hits += times
        entry.used = True
        self.counts.add(CACHE_REQUESTS, view, by=times)
        self.counts.add(CACHE_HITS, kind(entry.reply), view, by=times)

    def remember(self, key: Key, reply: Reply, now_s: float, *, keep: bool = True) -> Reply:
        """Keep ``reply`` if it may be kept, and give it back with TTLs within the bounds.

        Kept are records and negative answers with a SOA (RFC 2308 5). A failure is not, nor a chain without
        its end, nor anything with a TTL of 0, which is for those who wait for it (RFC 1035 3.2.1). Whatever
        was kept about the question goes: this is newer. Without ``keep``, only that.
        """
        view, upstreams, name, qtype, _, cd = key
        place = (view, upstreams, name)
        rcode, limits = reply.rcode, self.limits
        rrset = _only(reply) if keep and not limits.min_ttl_s and place not in self.names else None
        if rrset is not None and rrset.rdtype == qtype and 0 < rrset.ttl_s <= limits.max_ttl_s:
            octets = _ENTRY_OCTETS + _cost_of(rrset)  # the usual, without all the steps beneath
            entry = Entry(reply, now_s, now_s + rrset.ttl_s, octets)
            self.names[place] = {qtype | _UNCHECKED if cd else qtype: entry}
            held = self._held.get(view) or self._held_by(view)
            held.successes.count += 1
            octets += _NAME_OCTETS + len(name)
            held.octets.count += octets
            self.octets += octets
            if self.octets > limits.octets:
                self.make_room()
            return reply
        reply = _bounded(reply, limits)
        if rcode and rcode != _NXDOMAIN:
            return reply
        slot = _ALL_TYPES if rcode and not reply.answer else qtype
        if cd:
            slot |= _UNCHECKED
        if place in self.names:
            self._supersede(place, slot)
        if keep and (ttl_s := _lifetime_s(reply, qtype)) > 0:
            self._put(place, slot, Entry(reply, now_s, now_s + ttl_s, _cost(reply)))
            self.make_room()
        return reply

    def make_room(self) -> None:
        """Evict until what is kept is within the bounds."""
        spared = 0
        while self.octets > self.limits.octets:
            place = next(iter(self.names))
            if spared < MAX_SPARED and self._spare(place):
                spared += 1
            else:
                self._evict(place)

    def forget(self, is_meant: Callable[[str, UpstreamSet, Qname], bool]) -> int:
        """Drop what is kept of the names that ``is_meant`` says; how many replies that were."""
        octets: Counter[str] = Counter()
        kinds: Counter[tuple[str, str]] = Counter()
        for place in [place for place in self.names if is_meant(*place)]:
            view, _, name = place
            entries = self.names.pop(place).values()
            octets[view] += _NAME_OCTETS + len(name) + sum([entry.octets for entry in entries])
            for entry in entries:
                kinds[kind(entry.reply), view] += 1
                if entry.source is not None:
                    entry.source.end()
        # Counted at the end: of a hundred thousand, each by itself, the clients would have to wait for.
        for view, by in octets.items():
            self.octets -= by
            self.counts.add(CACHE_OCTETS, view, by=-by)
        for labels, by in kinds.items():
            self.counts.add(CACHE_ENTRIES, *labels, by=-by)
        return kinds.total()

    def _supersede(self, place: _Place, slot: int) -> None:
        """A new word about a name: what contradicts it is no longer true."""
        all_types = slot & _UNCHECKED
        for former in tuple(self.names[place]):
            if former & _UNCHECKED == all_types and (former in (slot, all_types) or slot == all_types):
                self._drop(place, former)

    def _put(self, place: _Place, slot: int, entry: Entry) -> None:
        octets = entry.octets
        entries = self.names.get(place)
        if entries is None:
            self.names[place] = {slot: entry}
            octets += _NAME_OCTETS + len(place[2])
        else:
            self.names.move_to_end(place)
            entries[slot] = entry
        self._weigh(place, octets)
        self.counts.move(series_of(CACHE_ENTRIES, kind(entry.reply), place[0]), 1)

    def _drop(self, place: _Place, slot: int) -> None:
        entries = self.names[place]
        entry = entries.pop(slot)
        self._weigh(place, -entry.octets)
        self.counts.add(CACHE_ENTRIES, kind(entry.reply), place[0], by=-1)
        if entry.source is not None:
            entry.source.end()
        if not entries:
            del self.names[place]
            self._weigh(place, -_NAME_OCTETS - len(place[2]))

    def _spare(self, place: _Place) -> bool:
        """Let the oldest name be the youngest if it was used since it came, or was spared."""
        entries = self.names[place]
        for entry in entries.values():
            if entry.source is not None:
                entry.source.settle()
        if not any(entry.used for entry in entries.values()):
            return False
        for entry in entries.values():
            entry.used = False
        self.names.move_to_end(place)
        return True

    def _evict(self, place: _Place) -> None:
        for slot, entry in tuple(self.names[place].items()):
            self.counts.add(CACHE_EVICTIONS, kind(entry.reply), place[0])
            self._drop(place, slot)

    def _held_by(self, view: str) -> _Held:
        cell = self.counts.tallies.cell
        held = self._held[view] = _Held(cell(CACHE_OCTETS, view), cell(CACHE_ENTRIES, "success", view))
        return held

    def _weigh(self, place: _Place, by: int) -> None:
        self.octets += by
        self.counts.move(series_of(CACHE_OCTETS, place[0]), by)


def kind(reply: Reply) -> str:
    """CoreDNS's label: a denial says that there is no such name, or no record of the type."""
    return "denial" if reply.soa is not None or reply.rcode == _NXDOMAIN else "success"


def _bounded(reply: Reply, limits: CacheLimits) -> Reply:
    low_s, high_s = limits.min_ttl_s, limits.max_ttl_s
    if reply.proof is not None and reply.proof.security is Security.SECURE:
        low_s = 0  # its signatures say how long it holds (RFC 4035 5.3.3)
    answer, soa = reply.answer, reply.soa
    for rrset in answer:
        if not low_s <= rrset.ttl_s <= high_s:
            answer = tuple([_within(rrset, low_s, high_s) for rrset in answer])
            break
    if soa is not None:
        soa = _within(soa, low_s, limits.max_negative_ttl_s)
    if answer is reply.answer and soa is reply.soa:
        return reply
    return replace(reply, answer=answer, soa=soa)


def _within(rrset: RRset, low_s: int, high_s: int) -> RRset:
    """The records with a TTL within the bounds; 0 stays 0, whose sender wants to be asked each time."""
    ttl_s = rrset.ttl_s and min(max(rrset.ttl_s, low_s), high_s)
    return rrset if ttl_s == rrset.ttl_s else rrset.with_ttl(ttl_s)


def _lifetime_s(reply: Reply, qtype: int) -> int:
    """How long the reply may be used again; 0: not at all."""
    answer, soa = reply.answer, reply.soa
    if soa is None and (not answer or (answer[-1].rdtype != qtype != _ANY)):
        return 0
    if soa is None and len(answer) == 1:
        return answer[0].ttl_s
    ttls_s = [rrset.ttl_s for rrset in answer]
    if soa is not None:
        ttls_s.append(soa.ttl_s)
    return min(ttls_s)


def _aged(reply: Reply, age_s: int, source: Source | None) -> Reply:
    if not age_s:
        return Reply(reply.rcode, reply.answer, reply.soa, reply.edes, reply.proof, source)
    soa, proof = reply.soa, reply.proof
    if soa is not None:
        soa = _older(soa, age_s)
    if proof is not None:
        signatures = tuple([_older(rrset, age_s) for rrset in proof.signatures])
        proof = Proof(signatures, tuple([_older(rrset, age_s) for rrset in proof.denial]), proof.security)
    answer = tuple([_older(rrset, age_s) for rrset in reply.answer])
    return Reply(reply.rcode, answer, soa, reply.edes, proof, source, age_s)


def _older(rrset: RRset, age_s: int) -> RRset:
    # Written out: ``with_ttl`` takes three times as long, and this is on the way of most queries.
    return RRset(rrset.owner, rrset.rdtype, max(rrset.ttl_s - age_s, 0), rrset.rdatas)


def _cost(reply: Reply) -> int:
    rrsets = reply.answer if reply.soa is None else (*reply.answer, reply.soa)
    if reply.proof is not None:
        rrsets += reply.proof.signatures + reply.proof.denial
    octets = _ENTRY_OCTETS
    for _, text in reply.edes:
        octets += len(text)
    for rrset in rrsets:
        octets += _cost_of(rrset)
    return octets


def _cost_of(rrset: RRset) -> int:
    rdatas = rrset.rdatas
    octets = len(rdatas[0]) if len(rdatas) == 1 else sum(map(len, rdatas))
    return _RRSET_OCTETS + len(rrset.owner) + _RDATA_OCTETS * len(rdatas) + octets


def _only(reply: Reply) -> RRset | None:
    """The RRset of an answer that is all there is in a reply."""
    proof = reply.proof
    if reply.rcode or reply.soa is not None or len(reply.answer) != 1 or reply.edes:
        return None
    return reply.answer[0] if proof is None or not (proof.signatures or proof.denial) else None

"""The chain of trust: from an anchor down to the zone that a name is in (RFC 4035 5).

The walk goes down label by label. At each, the DS record's presence or its proven absence says what there is:
a signed zone, an unsigned one, or no delegation at all. What was found is kept, so that a zone costs its
questions once; walks that meet at the same place share one step. Signatures over DS and DNSKEY are judged
while the upstreams are still being asked, so that another one is asked where one lies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from splitdns.answer.decide import Reply
from splitdns.errors import UpstreamError
from splitdns.forward.dnssec.denial import MAX_ITERATIONS, Cut, of_zone
from splitdns.forward.dnssec.signatures import (
    BogusError,
    Budget,
    BudgetError,
    Delegation,
    Key,
    Verified,
    verify,
)
from splitdns.names import Qname, between, fold, is_under, to_text
from splitdns.records import Ede, RRset, Type, covered_type
from splitdns.value import value
from splitdns.view import UpstreamSet, Validation

MAX_STEPS = 5_000  # kept by one worker; beyond: the one that was used least recently is forgotten
MAX_FETCHES = 48  # DS and DNSKEY questions for one answer; beyond: indeterminate
MAX_TTL_S = 86_400.0
BOGUS_TTL_S = 30.0  # until a chain that is broken is looked at again (RFC 4035 4.7)

Look = Callable[[Reply], None]
"""Looks at a reply while there are other upstreams to ask; raises ``BogusError``."""

Fetch = Callable[[UpstreamSet, Qname, int, Look], Awaitable[Reply]]
"""Asks the set for a name and a type, with DO and CD, and raises ``UpstreamError``; see ``Look``."""


@value(frozen=True, slots=True)
class Signed:
    """A zone whose keys are known to be its own."""

    zone: Qname
    keys: tuple[Key, ...]


@value(frozen=True, slots=True)
class Unsigned:
    """Nothing at or beneath this name can be validated; ``edes`` say why where it is no plain delegation."""

    name: Qname
    edes: tuple[tuple[int, str], ...] = ()


@value(frozen=True, slots=True)
class _Broken:
    """The chain does not hold here."""

    ede: Ede
    reason: str


_Found = Signed | Unsigned | Cut | _Broken


class _Kept(NamedTuple):
    found: _Found
    until_s: float


_Key = tuple[str, UpstreamSet, Qname]


@dataclass(slots=True)
class Walk:
    """Whose answer the chain is walked for, and what it may still cost."""

    view: str
    upstreams: UpstreamSet
    validation: Validation
    budget: Budget
    fetches: int = MAX_FETCHES


class Trust:
    """What is known of zones, by view and upstream set; belongs to a worker."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._wall_clock = wall_clock
        self._steps: dict[_Key, _Kept] = {}  # the least recently used first
        self._under_way: dict[_Key, asyncio.Event] = {}

    async def zone_of(self, name: Qname, walk: Walk) -> Signed | Unsigned:
        """The zone that ``name`` is in, or at whose apex it is.

        Raises:
            BogusError: the chain of trust does not hold on the way there.
            UpstreamError: it could not be fetched.
        """
        anchor = walk.validation.anchor(name)
        if anchor is None:
            return Unsigned(name)
        top, delegations = anchor
        found = await self._step(walk, top, None, delegations)
        for below in between(name, top):
            if not isinstance(found, Signed):
                break
            match await self._step(walk, below, found):
                case Cut.NO_NAME:
                    break
                case Signed() | Unsigned() as next_found:
                    found = next_found
                case _:
                    pass
        assert isinstance(found, Signed | Unsigned)
        return found

    async def _step(
        self, walk: Walk, name: Qname, above: Signed | None, anchors: tuple[bytes, ...] = ()
    ) -> Signed | Unsigned | Cut:
        """What there is at ``name``: ``above`` is the zone around it, or ``anchors`` are its DS records."""
        key = (walk.view, walk.upstreams, name)
        while (kept := self._kept(key)) is None:
            if (event := self._under_way.get(key)) is not None:
                await event.wait()
                continue
            event = self._under_way[key] = asyncio.Event()
            try:
                kept = await self._find(walk, name, above, anchors)
                self._keep(key, kept)
                break
            finally:  # who waits goes on by itself where this came to nothing
                del self._under_way[key]
                event.set()
        if isinstance(kept.found, _Broken):
            raise BogusError(kept.found.ede, kept.found.reason)
        return kept.found

    def _kept(self, key: _Key) -> _Kept | None:
        kept = self._steps.pop(key, None)
        if kept is None or kept.until_s <= self._clock():
            return None
        self._steps[key] = kept
        return kept

    def _keep(self, key: _Key, kept: _Kept) -> None:
        self._steps[key] = kept
        if len(self._steps) > MAX_STEPS:
            del self._steps[next(iter(self._steps))]

    async def _find(self, walk: Walk, name: Qname, above: Signed | None, anchors: tuple[bytes, ...]) -> _Kept:
        try:
            if above is None:
                found, ttl_s = await self._signed(walk, name, anchors, MAX_TTL_S)
            else:
                found, ttl_s = await self._below(walk, name, above)
        except BudgetError:
            raise
        except BogusError as error:
            found, ttl_s = _Broken(error.ede, str(error)), BOGUS_TTL_S
        return _Kept(found, self._clock() + min(ttl_s, MAX_TTL_S))

    async def _below(self, walk: Walk, name: Qname, above: Signed) -> tuple[_Found, float]:
        judged: list[tuple[tuple[bytes, ...] | Cut | Unsigned, float]] = []

        def look(reply: Reply) -> None:
            judged[:] = [self._delegations(reply, name, above, walk.budget)]

        await self._ask(walk, name, Type.DS, look)
        found, ttl_s = judged[0]
        if isinstance(found, tuple):
            return await self._signed(walk, name, found, ttl_s)
        return Unsigned(name) if found is Cut.UNSIGNED else found, ttl_s

    def _delegations(
        self, reply: Reply, name: Qname, above: Signed, budget: Budget
    ) -> tuple[tuple[bytes, ...] | Cut | Unsigned, float]:
        """The DS records of ``name``, or what their absence says."""
        if reply.answer:  # the records, or an alias, which nothing is delegated at
            rrset = reply.answer[0]
            verified = self._verified(rrset, reply, above, budget)
            if rrset.rdtype == Type.DS:
                return rrset.rdatas, float(verified.ttl_s)
            is_there = rrset.name == name and not verified.signature.expands(name)
            return Cut.NONE if is_there else Cut.NO_NAME, float(verified.ttl_s)
        denials, ttl_s = self.verified_denial(reply, above, budget)
        denial = of_zone(above.zone, denials)
        cut = denial.no_ds(name)
        if cut is None and denial.too_many_iterations:
            reason = f"more than {MAX_ITERATIONS} NSEC3 iterations"
            return Unsigned(name, ((Ede.NSEC3_ITERATIONS, reason),)), ttl_s
        if cut is None:
            raise BogusError(Ede.NSEC_MISSING, f"no proof that {to_text(name)} has no DS record")
        return cut, ttl_s

    async def _signed(
        self, walk: Walk, zone: Qname, rdatas: tuple[bytes, ...], ttl_s: float
    ) -> tuple[_Found, float]:
        """The keys of ``zone``, of which at least one is what its DS records say."""
        delegations = [Delegation.read(rdata) for rdata in rdatas]
        supported = [delegation for delegation in delegations if delegation.is_supported]
        if not supported:
            return _unsupported(zone, delegations), ttl_s
        judged: list[tuple[Signed, Verified]] = []

        def look(reply: Reply) -> None:
            judged[:] = [self._keys(reply, zone, supported, walk.budget)]

        await self._ask(walk, zone, Type.DNSKEY, look)
        signed, verified = judged[0]
        return signed, min(ttl_s, verified.ttl_s)

    def _keys(
        self, reply: Reply, zone: Qname, delegations: list[Delegation], budget: Budget
    ) -> tuple[Signed, Verified]:
        rrset = reply.answer[0] if reply.answer else None
        if rrset is None or (rrset.name, rrset.rdtype) != (zone, Type.DNSKEY):
            raise BogusError(Ede.DNSKEY_MISSING, f"{to_text(zone)} has no keys")
        keys = tuple(filter(None, map(Key.read, rrset.rdatas)))
        if not keys:
            raise BogusError(Ede.NO_ZONE_KEY, f"{to_text(zone)} has no key that may sign it")
        entries = [key for key in keys if any(each.matches(zone, key) for each in delegations)]
        if not entries:
            raise BogusError(Ede.DNSKEY_MISSING, f"no key of {to_text(zone)} is one that its parent names")
        verified = verify(rrset, signatures_of(reply, rrset), zone, entries, self._wall_clock(), budget)
        return Signed(zone, keys), verified

    def _verified(self, rrset: RRset, reply: Reply, by: Signed, budget: Budget) -> Verified:
        return verify(rrset, signatures_of(reply, rrset), by.zone, by.keys, self._wall_clock(), budget)

    def verified_denial(self, reply: Reply, by: Signed, budget: Budget) -> tuple[list[RRset], float]:
        """What ``by`` denies, and for how many seconds that may be kept; what it did not sign is left out.

        Raises:
            BogusError: it has signed something, and the signature does not hold.
        """
        assert reply.proof is not None
        ttl_s, found = MAX_TTL_S, []
        for rrset in reply.proof.denial:
            if rrset.rdtype == Type.RRSIG or not is_under(rrset.name, by.zone):
                continue
            signatures = signatures_of(reply, rrset)
            if not any(is_signed_by(rdata, by.zone) for rdata in signatures):
                continue
            verified = verify(rrset, signatures, by.zone, by.keys, self._wall_clock(), budget)
            if not verified.signature.expands(rrset.name):  # it would deny what is elsewhere
                found.append(rrset)
                ttl_s = min(ttl_s, verified.ttl_s)
        return found, ttl_s

    async def _ask(self, walk: Walk, name: Qname, qtype: int, look: Look) -> None:
        if not walk.fetches:
            raise UpstreamError("too many delegations on the way")
        walk.fetches -= 1
        await self._fetch(walk.upstreams, name, qtype, look)


def signatures_of(reply: Reply, rrset: RRset) -> tuple[bytes, ...]:
    """The RRSIG rdata in ``reply`` that are over ``rrset``."""
    assert reply.proof is not None
    for each in (*reply.proof.signatures, *reply.proof.denial):
        if each.rdtype == Type.RRSIG and each.name == rrset.name and covered_type(each) == rrset.rdtype:
            return each.rdatas
    return ()


def is_signed_by(rdata: bytes, zone: Qname) -> bool:
    """Whether an RRSIG names ``zone`` as its signer."""
    return fold(rdata[18 : 18 + len(zone)]) == zone


def _unsupported(zone: Qname, delegations: list[Delegation]) -> Unsigned:
    """RFC 4035 5.2: a zone with none but unknown algorithms is as good as unsigned."""
    known_digest = any(each.digest_type in (2, 4) for each in delegations)
    if known_digest:
        algorithms = sorted({each.algorithm for each in delegations})
        note = (int(Ede.UNSUPPORTED_ALGORITHM), f"{to_text(zone)} is signed with {algorithms} only")
    else:
        note = (int(Ede.UNSUPPORTED_DIGEST), f"{to_text(zone)} has DS records of unsupported digests only")
    return Unsigned(zone, (note,))

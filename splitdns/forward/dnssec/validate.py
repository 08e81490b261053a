"""One reply: secure, insecure or bogus (RFC 4035 4.3 and 5).

Every hop of the answer's chain is judged by the zone that it is in, and so is its end, records or denial. The
worst of them is the verdict. A bogus reply becomes SERVFAIL with the reason as an extended error; nothing of
its content goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

from splitdns.answer.decide import Proof, Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.dnssec.denial import MAX_ITERATIONS, Denial, Proven, of_zone
from splitdns.forward.dnssec.signatures import BogusError, Budget, Verified, verify
from splitdns.forward.dnssec.trust import Fetch, Signed, Trust, Unsigned, Walk, signatures_of
from splitdns.names import ROOT, Qname, fold, is_under, parent, to_text
from splitdns.records import Ede, Rcode, RRset, Type, signer, type_to_text
from splitdns.view import UpstreamSet

Edes = tuple[tuple[int, str], ...]


class _Verdict:
    """What is known so far: the worst of it, the reasons, and for how long it may be kept."""

    def __init__(self) -> None:
        self.security = Security.SECURE
        self.edes: Edes = ()
        self.ttls_s: dict[tuple[Qname, int], int] = {}
        self.denied_s = float("inf")

    def insecure(self, edes: Edes = ()) -> None:
        self.security = Security.INSECURE
        self.edes += tuple(ede for ede in edes if ede not in self.edes)

    def verified(self, rrset: RRset, verified: Verified) -> None:
        self.ttls_s[rrset.name, rrset.rdtype] = verified.ttl_s


class Validator:
    """Validates replies; belongs to a worker, and remembers chains of trust, not replies."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float], wall_clock: Callable[[], float]) -> None:
        self._trust = Trust(fetch, clock, wall_clock)
        self._wall_clock = wall_clock

    async def validate(
        self, reply: Reply, view: str, upstreams: UpstreamSet, name: Qname, qtype: int, patience_s: float
    ) -> Reply:
        """``reply`` with its verdict; SERVFAIL where it is bogus, or where that could not be found out.

        The chain of trust is waited for as long as ``patience_s``.
        """
        assert upstreams.validation is not None
        assert reply.proof is not None
        verdict = _Verdict()
        walk = Walk(view, upstreams, upstreams.validation, Budget())
        try:
            async with asyncio.timeout(patience_s):
                await self._judge(reply, name, qtype, walk, verdict)
        except TimeoutError:
            return _failure(Ede.INDETERMINATE, "no chain of trust in time", Security.UNCHECKED)
        except BogusError as error:
            return _failure(error.ede, str(error), Security.BOGUS)
        except UpstreamError as error:
            return _failure(Ede.INDETERMINATE, f"no chain of trust: {error}", Security.UNCHECKED)
        return _judged(reply, verdict)

    async def _judge(self, reply: Reply, name: Qname, qtype: int, walk: Walk, verdict: _Verdict) -> None:
        dname: RRset | None = None
        end = name
        for rrset in reply.answer:
            if rrset.rdtype == Type.RRSIG:  # there are no signatures over signatures (RFC 4035 2.2)
                if qtype == Type.RRSIG:
                    verdict.insecure()
                continue
            if rrset.rdtype == Type.CNAME:
                end = fold(rrset.rdatas[0])
            if dname is None or rrset.rdtype != Type.CNAME:  # else ``chain`` made it of the one before
                await self._judge_records(rrset, reply, walk, verdict)
            dname = rrset if rrset.rdtype == Type.DNAME else None
        is_alias = bool(reply.answer) and reply.answer[-1].rdtype == Type.CNAME != qtype
        if not reply.answer or (is_alias and (reply.soa is not None or reply.rcode == Rcode.NXDOMAIN)):
            await self._judge_denial(reply, end, qtype, walk, verdict)

    async def _judge_records(self, rrset: RRset, reply: Reply, walk: Walk, verdict: _Verdict) -> None:
        signatures = signatures_of(reply, rrset)
        place = parent(rrset.name) if rrset.rdtype == Type.DS and rrset.name != ROOT else rrset.name
        zone = await self._zone(place, signatures, walk)
        if isinstance(zone, Unsigned):
            verdict.insecure(zone.edes)
            return
        verified = verify(rrset, signatures, zone.zone, zone.keys, self._wall_clock(), walk.budget)
        verdict.verified(rrset, verified)
        if not verified.signature.expands(rrset.name):
            return
        denial = self._denial(reply, zone, walk, verdict)
        proven = denial.no_closer_match(rrset.name, verified.signature.source(rrset.name))
        if proven is None and not denial.too_many_iterations:
            text = f"no proof that {to_text(rrset.name)} is a wildcard's to answer"
            raise BogusError(Ede.NSEC_MISSING, text)
        if proven is not Proven.SECURE:
            verdict.insecure(_iterations(denial.too_many_iterations))

    async def _judge_denial(
        self, reply: Reply, name: Qname, qtype: int, walk: Walk, verdict: _Verdict
    ) -> None:
        assert reply.proof is not None
        signatures = tuple(
            rdata for rrset in reply.proof.denial if rrset.rdtype == Type.RRSIG for rdata in rrset.rdatas
        )
        place = parent(name) if qtype == Type.DS and name != ROOT else name
        zone = await self._zone(place, signatures, walk)
        if isinstance(zone, Unsigned):
            verdict.insecure(zone.edes)
            return
        if reply.soa is not None:
            over_soa = signatures_of(reply, reply.soa)
            verified = verify(reply.soa, over_soa, zone.zone, zone.keys, self._wall_clock(), walk.budget)
            verdict.verified(reply.soa, verified)
        denial = self._denial(reply, zone, walk, verdict)
        is_no_name = reply.rcode == Rcode.NXDOMAIN
        proven = denial.no_name(name) if is_no_name else denial.no_data(name, qtype)
        if proven is None and not denial.too_many_iterations:
            what = to_text(name) if is_no_name else f"{to_text(name)} {type_to_text(qtype)}"
            raise BogusError(Ede.NSEC_MISSING, f"no proof that there is no {what}")
        if proven is not Proven.SECURE:
            verdict.insecure(_iterations(denial.too_many_iterations))

    def _denial(self, reply: Reply, zone: Signed, walk: Walk, verdict: _Verdict) -> Denial:
        denials, ttl_s = self._trust.verified_denial(reply, zone, walk.budget)
        verdict.denied_s = min(verdict.denied_s, ttl_s)
        return of_zone(zone.zone, denials)

    async def _zone(self, name: Qname, signatures: tuple[bytes, ...], walk: Walk) -> Signed | Unsigned:
        """The zone whose word on ``name`` counts: that of a signer at or above it, else the one it is in.

        Raises:
            BogusError: there is no signature, and should be.
        """
        signers = {zone for rdata in signatures if is_under(name, zone := fold(signer(rdata)))}
        for zone in sorted(signers, key=len, reverse=True):
            found = await self._trust.zone_of(zone, walk)
            if isinstance(found, Signed) and found.zone == zone:
                return found
        found = await self._trust.zone_of(name, walk)
        if isinstance(found, Signed) and not signatures:
            raise BogusError(Ede.RRSIGS_MISSING, f"{to_text(found.zone)} is signed, and this is not")
        return found


def _judged(reply: Reply, verdict: _Verdict) -> Reply:
    """The reply with its verdict, and no TTL longer than what shows it to be true (RFC 4035 5.3.3)."""
    assert reply.proof is not None

    def bounded(rrset: RRset) -> RRset:
        ttl_s = verdict.ttls_s.get((rrset.name, rrset.rdtype), rrset.ttl_s)
        return rrset.with_ttl(int(min(rrset.ttl_s, ttl_s, verdict.denied_s)))

    return Reply(
        reply.rcode,
        tuple(bounded(rrset) for rrset in reply.answer),
        reply.soa and bounded(reply.soa),
        reply.edes + verdict.edes,
        replace(reply.proof, security=verdict.security),
    )


def _failure(ede: Ede, reason: str, security: Security) -> Reply:
    return Reply(Rcode.SERVFAIL, edes=((int(ede), reason),), proof=Proof(security=security))


def _iterations(too_many: bool) -> Edes:
    text = f"more than {MAX_ITERATIONS} NSEC3 iterations"
    return ((int(Ede.NSEC3_ITERATIONS), text),) if too_many else ()

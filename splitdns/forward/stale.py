"""Old answers instead of none, while upstreams fail (RFC 8767).

An address of yesterday is mostly right still, and no address never is. What is stale is given only where
there is nothing fresh: at once while the upstreams are known to fail, else after a client has waited as long
as it is going to. It says that it is stale, and is to be forgotten soon.
"""

from __future__ import annotations

from dataclasses import replace

from splitdns.answer.decide import Reply, Security
from splitdns.records import Ede, Rcode, RRset

TTL_S = 30  # of stale records (RFC 8767 5)
CLIENT_PATIENCE_S = 1.8  # until a client gets what is stale, while the upstreams are still being asked (5)
RECHECK_S = 30.0  # after a failure, until the upstreams are asked again where there is a stale answer (5)


def stale(reply: Reply) -> Reply:
    """``reply`` as one that is too old: short-lived, and with an extended error that says so (RFC 8914)."""
    if reply.rcode == Rcode.NXDOMAIN:
        note = (int(Ede.STALE_NXDOMAIN_ANSWER), "the upstreams fail")
    else:
        note = (int(Ede.STALE_ANSWER), "the upstreams fail")
    proof = reply.proof
    if proof is not None:  # it is passed on; but signatures may be too old by now, too
        signatures, denial = _short(proof.signatures), _short(proof.denial)
        proof = replace(proof, signatures=signatures, denial=denial, security=Security.UNCHECKED)
    soa = reply.soa and reply.soa.with_ttl(TTL_S)
    return Reply(reply.rcode, _short(reply.answer), soa, (*reply.edes, note), proof)


def _short(rrsets: tuple[RRset, ...]) -> tuple[RRset, ...]:
    return tuple([RRset(rrset.owner, rrset.rdtype, TTL_S, rrset.rdatas) for rrset in rrsets])

"""From a response to what answers the question, and nothing else.

The chain of aliases is rebuilt from the asked name, hop by hop, rather than trusted: a record that no hop
leads to is not looked at, wherever it stands (RFC 2181 5.4.1, RFC 5452 6). What remains may be cached under
the question.
"""

from __future__ import annotations

from splitdns.answer.decide import MAX_CNAME_HOPS, Proof, Reply, Security
from splitdns.errors import UpstreamError
from splitdns.forward.response import Response
from splitdns.names import MAX_NAME_OCTETS, Qname, fold, is_under
from splitdns.records import Rcode, RRset, Type, soa_minimum_s


def reduce(response: Response, name: Qname, qtype: int, do: bool = False) -> Reply:
    """What ``response`` says about ``name`` and ``qtype``, and with ``do`` what shows it to be true.

    The answer is the CNAMEs, with the DNAMEs that they were made from, in the order of the hops, then the
    records asked for. A chain whose end the upstream did not give has neither these nor a SOA.

    Raises:
        UpstreamError: the response contradicts itself, leads in a circle, or only refers to other servers.
    """
    if response.rcode not in (Rcode.NOERROR, Rcode.NXDOMAIN):
        return Reply(response.rcode, edes=response.edes)
    if response.is_referral:
        raise UpstreamError("a referral: the upstream does not recurse")
    chain: list[RRset] = []
    end, records = name, _records(response, name, qtype)
    seen = {name}
    while not records and (hop := _hop(response, end)):
        chain += hop
        end = fold(hop[-1].rdatas[0])
        if qtype in (Type.CNAME, Type.ANY):  # a CNAME made from a DNAME is what was asked for
            records = (chain.pop(),)
            break
        if end in seen or len(seen) > MAX_CNAME_HOPS:
            raise UpstreamError("aliases that lead in a circle, or through too many names")
        seen.add(end)
        records = _records(response, end, qtype)
    if records and response.rcode == Rcode.NXDOMAIN:
        raise UpstreamError("records of a name that is said not to exist")
    soa = None if records else _negative_soa(response, end)
    answer = (*chain, *records)
    return Reply(response.rcode, answer, soa, response.edes, _proof(response, answer, seen) if do else None)


def _proof(response: Response, answer: tuple[RRset, ...], names: set[Qname]) -> Proof:
    """The signatures over ``answer``, and what zones of its ``names`` say that there is not."""
    signatures = (response.signatures(rrset.name, rrset.rdtype) for rrset in answer)
    denial = response.denial(lambda zone: any(is_under(name, zone) for name in names))
    security = Security.CLAIMED if response.is_ad else Security.UNCHECKED
    return Proof(tuple(filter(None, signatures)), denial, security)


def _records(response: Response, name: Qname, qtype: int) -> tuple[RRset, ...]:
    if qtype in (Type.CNAME, Type.ANY) and response.dname_above(name):
        return ()  # the CNAME there is one that the DNAME makes
    if qtype == Type.ANY:
        return response.rrsets(name)
    rrset = response.rrset(name, qtype)
    return () if rrset is None else (rrset,)


def _hop(response: Response, name: Qname) -> tuple[RRset, ...]:
    """The alias at ``name``: its CNAME, after the DNAME that it is made from, if any; else nothing."""
    if dname := response.dname_above(name):
        target = name[: len(name) - len(dname.owner)] + dname.rdatas[0]
        if len(target) > MAX_NAME_OCTETS:
            raise UpstreamError("a DNAME that makes the name too long")  # RFC 6672 2.2: it owes us YXDOMAIN
        return dname.with_rdatas(dname.rdatas[:1]), RRset(name, Type.CNAME, dname.ttl_s, (target,))
    if cname := response.rrset(name, Type.CNAME):
        return (cname.with_rdatas(cname.rdatas[:1]),)  # RFC 2181 10.1: there is only one
    return ()


def _negative_soa(response: Response, name: Qname) -> RRset | None:
    """The SOA that says how long a negative answer holds, its TTL set to that (RFC 2308 3 and 5)."""
    soa = response.soa_of(name)
    return soa and soa.with_ttl(min(soa.ttl_s, soa_minimum_s(soa)))

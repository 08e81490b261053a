"""The leak guard: the last stage before an answer is encoded (semantics 1 and 2).

Whatever the zone files, an upstream or a bug put into an answer, an inside address does not leave for an
outside view, and no answer names a host that exists in other views only. What is taken out is counted; an
answer that is left empty becomes NODATA by itself, because its rcode stays NOERROR.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from splitdns.addresses import is_inside
from splitdns.answer.lookup import NoName, Redirected, lookup
from splitdns.names import Qname, fold, name_end
from splitdns.records import RRset, Type, target
from splitdns.view import View
from splitdns.wire.message import Answer

# Types whose rdata holds another host's name, which a client would go on to ask for.
_NAMING = frozenset(
    {
        Type.NS,
        Type.CNAME,
        Type.DNAME,
        Type.PTR,
        Type.SOA,
        Type.MX,
        Type.AFSDB,
        Type.RT,
        Type.KX,
        Type.SVCB,
        Type.HTTPS,
        Type.SRV,
        Type.NAPTR,
    }
)

_MANDATORY = 0  # RFC 9460 8: the keys without which the record must not be used
_SVCB_KEYS = {4: 4, 6: 16}  # ipv4hint, ipv6hint: octets of an address (RFC 9460 7.3)


def guard(answer: Answer, view: View, question: Qname) -> Answer:
    """``answer`` without what ``view`` must not learn; ``stripped`` counts the records that lost something.

    ``question`` is the asked name: an answer may repeat it, also where it exists in other views only.
    """
    stripped = leaks = 0

    def clean(rrsets: tuple[RRset, ...]) -> tuple[RRset, ...]:
        nonlocal stripped, leaks
        kept = []
        for rrset in rrsets:
            named = _without_hidden_names(rrset, view, question)
            cleaned = _without_inside_addresses(named, view)
            lost = _lost(named, cleaned)
            leaks += lost
            stripped += lost + _lost(rrset, named)
            if cleaned.rdatas:
                kept.append(cleaned)
        return tuple(kept)

    cleaned = replace(
        answer,
        answer=clean(answer.answer),
        authority=clean(answer.authority),
        glue=clean(answer.glue),
        additional=clean(answer.additional),
    )
    if not stripped:
        return answer
    return replace(cleaned, stripped=answer.stripped + stripped, leaks=answer.leaks + leaks)


def _lost(before: RRset, after: RRset) -> int:
    """How many records are not there any more as they were."""
    if after is before:
        return 0
    kept = set(after.rdatas)
    return sum(rdata not in kept for rdata in before.rdatas)


def _without_hidden_names(rrset: RRset, view: View, question: Qname) -> RRset:
    if rrset.rdtype not in _NAMING:
        return rrset
    seen = (rdata for rdata in rrset.rdatas if not _names_hidden(rrset.rdtype, rdata, view, question))
    return rrset.with_rdatas(tuple(seen))


def _without_inside_addresses(rrset: RRset, view: View) -> RRset:
    if not view.outside or rrset.public:
        return rrset
    return rrset.with_rdatas(tuple(_without_inside(rrset.rdtype, rrset.rdatas, view.hidden_addresses)))


def _names_hidden(rdtype: int, rdata: bytes, view: View, question: Qname) -> bool:
    name = target(rdtype, rdata)
    return name is not None and fold(name) != question and is_hidden(name, view)


def is_hidden(name: bytes, view: View) -> bool:
    """Whether ``name`` lies in our zones and exists in other views only."""
    qname = fold(name)
    zone = view.zone_of(qname)
    if zone is None or zone.fault is not None:
        return False
    outcome = lookup(zone, qname, Type.ANY)
    if isinstance(outcome, Redirected) and outcome.dname:
        return False
    return isinstance(outcome, NoName) and outcome.differs


def _without_inside(rdtype: int, rdatas: tuple[bytes, ...], hidden: frozenset[bytes]) -> Iterator[bytes]:
    def leaks(address: bytes) -> bool:
        return address in hidden or is_inside(address)

    if rdtype in (Type.A, Type.AAAA):
        for rdata in rdatas:
            if len(rdata) not in (4, 16) or not leaks(rdata):
                yield rdata
    elif rdtype in (Type.HTTPS, Type.SVCB):
        for rdata in rdatas:
            if cleaned := without_hints(rdata, leaks):
                yield cleaned
    else:
        yield from rdatas


def without_hints(rdata: bytes, leaks: Callable[[bytes], bool]) -> bytes:
    """SVCB or HTTPS rdata without the address hints that leak (RFC 9460 2.2: priority, target, parameters).

    Nothing is left of a record that declares such a hint mandatory (RFC 9460 8).
    """
    at = name_end(rdata, 2)
    parts = [rdata[:at]]
    dropped: set[int] = set()
    mandatory: set[int] = set()
    while at + 4 <= len(rdata):
        key = int.from_bytes(rdata[at : at + 2], "big")
        octets = int.from_bytes(rdata[at + 2 : at + 4], "big")
        value = rdata[at + 4 : at + 4 + octets]
        at += 4 + octets
        if key == _MANDATORY:
            mandatory = {int.from_bytes(value[i : i + 2], "big") for i in range(0, len(value), 2)}
        if width := _SVCB_KEYS.get(key):
            addresses = (value[i : i + width] for i in range(0, len(value), width))
            value = b"".join(address for address in addresses if not leaks(address))
            if not value:
                dropped.add(key)
                continue
        parts.append(key.to_bytes(2, "big") + len(value).to_bytes(2, "big") + value)
    return b"" if dropped & mandatory else b"".join(parts)

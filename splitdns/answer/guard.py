"""The leak guard: the last stage before an answer is encoded (semantics 1 and 2).

Whatever the zone files, an upstream or a bug put into an answer, an inside address does not leave for an
outside view, and no answer names a host that exists in other views only. What is taken out is counted; an
answer that is left empty becomes NODATA by itself, because its rcode stays NOERROR.
"""

from __future__ import annotations

from collections.abc import Callable

from splitdns.addresses import is_inside
from splitdns.answer import contents
from splitdns.answer.lookup import NoName, lookup
from splitdns.names import Qname, ancestors, fold, name_end
from splitdns.records import ADDRESS_TYPES, RRset, Type
from splitdns.view import View
from splitdns.wire.message import Answer
from splitdns.zone import Zone

_MANDATORY = 0  # RFC 9460 8: the keys without which the record must not be used
_SVCB_KEYS = {4: 4, 6: 16}  # ipv4hint, ipv6hint: octets of an address (RFC 9460 7.3)


def guard(answer: Answer, view: View, question: Qname) -> Answer:
    """``answer`` without what ``view`` must not learn; ``stripped`` counts the records that lost something.

    ``question`` is the asked name: an answer may repeat it, also where it exists in other views only.
    """
    is_outside = view.outside
    if not is_outside and _are_addresses(answer):  # of which an inside view may have any
        return answer
    stripped = leaks = 0
    from_upstream = not answer.remember and not answer.blocked  # what a list says is said by us

    def clean(rrsets: tuple[RRset, ...]) -> tuple[RRset, ...]:
        nonlocal stripped, leaks
        kept = []
        for rrset in rrsets:
            named = cleaned = rrset
            if rrset.rdtype not in ADDRESS_TYPES:  # they name nobody
                named = cleaned = _without_hidden_names(rrset, view, question, from_upstream)
            if is_outside and not rrset.public:
                cleaned = _without_inside_addresses(named, view)
            lost = _lost(named, cleaned)
            leaks += lost
            stripped += lost + _lost(rrset, named)
            if cleaned.rdatas:
                kept.append(cleaned)
        return tuple(kept)

    sections = clean(answer.answer), clean(answer.authority), clean(answer.glue), clean(answer.additional)
    if not stripped:
        return answer
    return answer._replace(
        ad=False,
        answer=sections[0],
        authority=sections[1],
        glue=sections[2],
        additional=sections[3],
        stripped=answer.stripped + stripped,
        leaks=answer.leaks + leaks,
    )


def _are_addresses(answer: Answer) -> bool:
    """Whether that is all there is in it."""
    for section in (answer.answer, answer.authority, answer.glue, answer.additional):
        for rrset in section:
            if rrset.rdtype not in ADDRESS_TYPES:  # they name nobody
                return False
    return True


def _lost(before: RRset, after: RRset) -> int:
    """How many records are not there any more as they were."""
    if after is before:
        return 0
    kept = set(after.rdatas)
    return sum(rdata not in kept for rdata in before.rdatas)


def _without_hidden_names(rrset: RRset, view: View, question: Qname, upstream: bool) -> RRset:
    def is_seen(rdata: bytes) -> bool:
        return not any(
            fold(name) != question and is_hidden(name, view, upstream)
            for name in contents.names(rrset.rdtype, rdata)
        )

    return rrset.with_rdatas(tuple(rdata for rdata in rrset.rdatas if is_seen(rdata)))


def is_hidden(name: bytes, view: View, upstream: bool = False) -> bool:
    """Whether ``name`` lies in our zones and exists in other views only.

    ``upstream``: an upstream said it. Then a zone that this view has not at all hides nothing, because out
    there it is no secret.
    """
    qname = fold(name)
    for ancestor in ancestors(qname):
        if (zone := view.zones.get(ancestor)) is not None:
            return zone.fault is None and _exists_elsewhere(zone, qname)
        if view.recursion and ancestor in view.routes:
            return False
        if (zones := view.elsewhere.get(ancestor)) is not None:
            return not upstream and any(_exists(zone, qname) for zone in zones)
    return False


def _exists_elsewhere(zone: Zone, qname: Qname) -> bool:
    outcome = lookup(zone, qname, Type.ANY)
    return isinstance(outcome, NoName) and outcome.differs


def _exists(zone: Zone, qname: Qname) -> bool:
    """Whether a zone of other views has the name; what an overlay has may well exist in public."""
    return not zone.overlay and zone.fault is None and not isinstance(lookup(zone, qname, Type.ANY), NoName)


def _without_inside_addresses(rrset: RRset, view: View) -> RRset:
    def leaks(address: bytes) -> bool:
        return address in view.hidden_addresses or is_inside(address)

    return without(rrset, leaks)


def without(rrset: RRset, leaks: Callable[[bytes], bool]) -> RRset:
    """``rrset`` without the records, or of SVCB and HTTPS the hints, that hold an address that leaks."""
    rdatas = rrset.rdatas
    if rrset.rdtype in (Type.HTTPS, Type.SVCB):
        return rrset.with_rdatas(tuple(filter(None, (without_hints(rdata, leaks) for rdata in rdatas))))
    kept = [rdata for rdata in rdatas if not any(map(leaks, contents.addresses(rrset.rdtype, rdata)))]
    return rrset.with_rdatas(tuple(kept))


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

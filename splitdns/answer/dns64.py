"""IPv6 addresses for hosts that have none, so that networks without IPv4 reach them through NAT64 (RFC 6147).

A question for AAAA that finds none is asked again for A, and what comes back is put into the view's prefix.
The names of such addresses lead to those of the IPv4 addresses in them.
"""

from __future__ import annotations

import functools
from ipaddress import IPv6Network

from splitdns.addresses import is_inside
from splitdns.answer.blocking import is_nobody
from splitdns.names import Qname, from_text, reverse_name
from splitdns.records import Class, Rcode, RRset, Type
from splitdns.wire.message import Answer, Query

WELL_KNOWN = IPv6Network("64:ff9b::/96")  # RFC 6052 2.1
MAX_TTL_S = 600  # where no SOA says how long there will be no AAAA (RFC 6147 5.1.7)
TTL_S = 600  # of the alias from one reverse name to the other

_MAPPED = bytes(10) + b"\xff\xff"  # RFC 6147 5.1.4: an AAAA record like that is none
_RESERVED = 8  # the octet that stays zero, where the prefix is not longer (RFC 6052 2.2)
_REVERSE = from_text("ip6.arpa.")
_REVERSE_OCTETS = 64 + len(_REVERSE)  # of the name of a whole address


def is_wanted(query: Query, answer: Answer, prefix: IPv6Network | None) -> bool:
    """Whether ``answer`` to ``query`` lacks IPv6 addresses that can be made."""
    if prefix is None or query.qtype != Type.AAAA or query.qclass != Class.IN:
        return False
    if query.cd and query.edns is not None and query.edns.do:  # RFC 6147 5.5: it validates by itself
        return False
    if answer.rcode != Rcode.NOERROR or answer.truncated or answer.drop:
        return False
    return not any(_is_real(rdata) for rrset in _of_type(answer, Type.AAAA) for rdata in rrset.rdatas)


def synthesized(negative: Answer, found: Answer, prefix: IPv6Network) -> Answer:
    """The answer made of ``found``, which is about A; where that has no addresses, the ``negative`` one."""
    remember, rebound = found.remember and negative.remember, found.rebound + negative.rebound
    negative = negative._replace(remember=remember, rebound=rebound, edes=found.edes or negative.edes)
    if found.rcode != Rcode.NOERROR:
        return negative
    soas = [rrset.ttl_s for rrset in negative.authority if rrset.rdtype == Type.SOA]
    limit_s = min(soas, default=MAX_TTL_S)
    made = []
    for rrset in _of_type(found, Type.A):
        rdatas = tuple(embedded(prefix, rdata) for rdata in rrset.rdatas if _may_be_embedded(prefix, rdata))
        if rdatas:
            made.append(RRset(rrset.owner, Type.AAAA, min(rrset.ttl_s, limit_s), rdatas))
    if not made:
        return negative
    aliases = tuple(rrset for rrset in found.answer if rrset.rdtype in (Type.CNAME, Type.DNAME))
    return found._replace(
        ad=False,
        answer=(*aliases, *made),
        authority=(),
        additional=(),
        remember=remember,
        rebound=rebound,
    )


def _of_type(answer: Answer, rdtype: Type) -> list[RRset]:
    return [rrset for rrset in answer.answer if rrset.rdtype == rdtype]


def _is_real(address: bytes) -> bool:
    return not address.startswith(_MAPPED)


def _may_be_embedded(prefix: IPv6Network, address: bytes) -> bool:
    """The well-known prefix is for public addresses only (RFC 6052 3.1), and nobody's need no way there."""
    return not (is_nobody(address) or (prefix == WELL_KNOWN and is_inside(address)))


def embedded(prefix: IPv6Network, address: bytes) -> bytes:
    """The IPv6 address that stands for an IPv4 one (RFC 6052 2.2)."""
    octets = bytearray(prefix.network_address.packed)
    for at, octet in zip(_places(prefix), address, strict=True):
        octets[at] = octet
    return bytes(octets)


def extracted(prefix: IPv6Network, address: bytes) -> bytes | None:
    """The IPv4 address in an IPv6 one of ``prefix``; None: there is none."""
    found = bytes(address[at] for at in _places(prefix))
    return found if embedded(prefix, found) == address else None


@functools.cache
def _places(prefix: IPv6Network) -> tuple[int, ...]:
    first = prefix.prefixlen // 8
    return tuple([at for at in range(first, 16) if at != _RESERVED or first > _RESERVED][:4])


def reverse_target(qname: Qname, prefix: IPv6Network | None) -> Qname | None:
    """The reverse name that the one of an address made here leads to (RFC 6147 5.3.1)."""
    if prefix is None or len(qname) != _REVERSE_OCTETS or not qname.endswith(_REVERSE):
        return None
    try:
        address = bytes.fromhex(qname[1:64:2].decode("ascii")[::-1])
    except ValueError:
        return None
    found = extracted(prefix, address)
    return None if found is None else reverse_name(".".join(map(str, found)))

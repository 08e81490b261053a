"""What rdata tells of other hosts: their names and their addresses, whatever the type that holds them.

The guard has to find them in every type that can hold one, also where nobody would put one on purpose.
"""

from __future__ import annotations

from splitdns.records import ADDRESS_TYPES, Type, name_at, target

AMTRELAY = 260  # RFC 8777; no other rule knows it by name
_TWO_NAMES_AT = {Type.RP: 0, Type.MINFO: 0, Type.PX: 2}  # RFC 1183 2.2, RFC 1035 3.3.7, RFC 2163 4
# Gateways: how many octets come before, and which of them says whether an address or a name follows.
_GATEWAY_AT = {Type.IPSECKEY: (3, 1, 0xFF), AMTRELAY: (2, 1, 0x7F)}  # RFC 4025 2.1, RFC 8777 4.2
_GATEWAY_OCTETS = {1: 4, 2: 16}
_GATEWAY_NAME = 3
_APL_OCTETS = {1: 4, 2: 16}  # address families (RFC 3123 4)


def names(rdtype: int, rdata: bytes) -> tuple[bytes, ...]:
    """The names of other hosts, case kept."""
    if (at := _TWO_NAMES_AT.get(rdtype)) is not None:  # type: ignore[call-overload]
        first = name_at(rdata, at)
        return first, name_at(rdata, at + len(first))
    if (kind := _gateway(rdtype, rdata)) is not None:
        return (name_at(rdata, _GATEWAY_AT[rdtype][0]),) if kind == _GATEWAY_NAME else ()
    name = target(rdtype, rdata)
    return () if name is None else (name,)


def addresses(rdtype: int, rdata: bytes) -> tuple[bytes, ...]:
    """The packed addresses of other hosts, but for SVCB's hints, which can be taken out one by one."""
    if rdtype in ADDRESS_TYPES:
        return (rdata,) if len(rdata) in (4, 16) else ()
    if (kind := _gateway(rdtype, rdata)) is not None:
        at = _GATEWAY_AT[rdtype][0]
        return (rdata[at : at + _GATEWAY_OCTETS[kind]],) if kind in _GATEWAY_OCTETS else ()
    return _prefixes(rdata) if rdtype == Type.APL else ()


def _gateway(rdtype: int, rdata: bytes) -> int | None:
    """What kind of gateway a type with one names; None: it is another type."""
    if rdtype not in _GATEWAY_AT:
        return None
    _, at, mask = _GATEWAY_AT[rdtype]
    return rdata[at] & mask


def _prefixes(rdata: bytes) -> tuple[bytes, ...]:
    """The network addresses of an address prefix list, whose trailing zeros are left out (RFC 3123 4)."""
    found, at = [], 0
    while at + 4 <= len(rdata):
        family, octets = int.from_bytes(rdata[at : at + 2], "big"), rdata[at + 3] & 0x7F
        if width := _APL_OCTETS.get(family):
            found.append(rdata[at + 4 : at + 4 + octets].ljust(width, b"\0"))
        at += 4 + octets
    return tuple(found)

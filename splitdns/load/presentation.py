"""Rdata and TTLs between text and wire (RFC 1035 5.1), and dnspython's door.

``rdata``'s readers know the simple forms of common types. All else is handed to dnspython, and what it says
of a mistake is put into our words.
"""

from __future__ import annotations

import re
import struct
from functools import lru_cache

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from splitdns.errors import Where, ZoneError
from splitdns.load import rdata as plain
from splitdns.load.entries import TOKEN
from splitdns.records import MAX_TTL_S, Type, type_to_text

_SHOWN_CHARACTERS = 60  # of what was found

_TTL = re.compile(r"(?:[0-9]+[smhdw]?)+", re.IGNORECASE)
_TTL_PART = re.compile(r"([0-9]+)([smhdw]?)", re.IGNORECASE)
_UNIT_S = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}

_EXAMPLES: dict[int, str] = {
    Type.A: "192.0.2.1",
    Type.AAAA: "2001:db8::1",
    Type.MX: "10 mail",
    Type.SRV: "0 5 443 host",
    Type.TXT: '"text"',
    Type.CAA: '0 issue "ca.example.net"',
    Type.HTTPS: "1 . alpn=h2,h3",
    Type.SVCB: "1 host alpn=h2",
    Type.SOA: "ns1 hostmaster 1 1h 15m 1w 60",
}
_INTRICATE = frozenset({Type.HTTPS, Type.SVCB})  # of which an example shows too little
_NAMES_FIRST: dict[int, int] = {Type.SOA: 2}  # how many fields are names; their characters are checked


def ttl_from_text(text: str) -> int:
    """Seconds from ``3600`` or ``1h30m``; 2^31 and above count as 0 (RFC 2181 8).

    Raises:
        ValueError: it is no TTL.
    """
    if not _TTL.fullmatch(text):
        raise ValueError(f"expected a TTL such as 3600 or 1h, found {text!r}")
    seconds = sum(int(number) * _UNIT_S[unit.lower()] for number, unit in _TTL_PART.findall(text))
    if seconds > 0xFFFF_FFFF:
        raise ValueError(f"expected a TTL of at most {MAX_TTL_S} s, found {text!r}")
    return seconds if seconds <= MAX_TTL_S else 0


def rdata_from_text(rdtype: int, text: str, origin: bytes, where: Where) -> bytes:
    """The uncompressed rdata of a record, its names relative to ``origin``.

    Raises:
        ZoneError: at ``where``.
    """
    if not text.isascii():
        raise ZoneError(where, f"expected ASCII, found {_shown(text)}; write other octets as \\DDD")
    try:
        return rdata_of(rdtype, text, origin)
    except ValueError as error:
        raise ZoneError(where, str(error)) from None


def rdata_of(rdtype: int, text: str, origin: bytes) -> bytes:
    """``rdata_from_text`` of a text that is known to be ASCII.

    Raises:
        ValueError: what is wrong with it, for a person.
    """
    reader = plain.PLAIN.get(rdtype)
    if reader is not None and (found := reader(text, origin)) is not None:
        return found
    name = type_to_text(rdtype)
    tokens = [match[0] for match in TOKEN.finditer(text)]
    if tokens[:1] != ["\\#"]:
        if rdtype in (Type.NS, Type.CNAME, Type.DNAME, Type.PTR) and len(tokens) == 1:
            return plain.name(tokens[0], origin)
        if rdtype in (Type.MX, Type.SRV) and tokens:
            plain.name(tokens[-1], origin)
        for token in tokens[: _NAMES_FIRST.get(rdtype, 0)]:
            plain.name(token, origin)
    try:
        dns_type, dns_origin = dns.rdatatype.RdataType.make(rdtype), _dns_name(origin)
        parsed = dns.rdata.from_text(dns.rdataclass.IN, dns_type, text, dns_origin, relativize=False)
        wire = parsed.to_wire()
    except (dns.exception.DNSException, ValueError, OverflowError, struct.error) as error:
        example = f" such as {_EXAMPLES[rdtype]}" if rdtype in _EXAMPLES else ""
        reason = "" if rdtype in _EXAMPLES and rdtype not in _INTRICATE else _reason(error)
        raise ValueError(f"expected {name} data{example}, found {_shown(text)}{reason}") from None
    if wire is None or len(wire) > 0xFFFF:
        raise ValueError(f"expected at most 65535 octets of {name} data, found more")
    return wire


def _reason(error: Exception) -> str:
    """What dnspython says beyond that the text is wrong; nothing where it speaks of its own parser."""
    said = str(error)
    if said == error.__doc__ or said.startswith(("expecting ", "expected ")):
        return ""
    return f" ({said})" if said else ""


def _shown(text: str) -> str:
    return repr(text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…")


@lru_cache(maxsize=64)
def _dns_name(wire: bytes) -> dns.name.Name:
    return dns.name.from_wire(wire, 0)[0]


def rdata_to_text(rdtype: int, rdata: bytes) -> str:
    """Rdata in presentation form; in RFC 3597's where it is not what its type promises."""
    try:
        dns_type = dns.rdatatype.RdataType.make(rdtype)
        return dns.rdata.from_wire(dns.rdataclass.IN, dns_type, rdata, 0, len(rdata)).to_text()
    except (dns.exception.DNSException, ValueError, struct.error):
        return f"\\# {len(rdata)} {rdata.hex()}".rstrip()

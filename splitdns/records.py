"""Resource record sets with rdata as it goes onto the wire.

Rdata is uncompressed and keeps the letter case that a person wrote. Nothing here parses a record's text:
that is ``load/presentation``'s work, through dnspython.
"""

from __future__ import annotations

from enum import IntEnum

from splitdns.names import Qname, fold, name_end
from splitdns.value import value

MAX_TTL_S = 2**31 - 1  # RFC 2181 8
SHORT_TTL_S = 60  # for names that differ between the views (semantics 11)


class Type(IntEnum):
    """The record types that some rule here treats by name, and the common others (IANA DNS parameters)."""

    A = 1
    NS = 2
    MD = 3
    MF = 4
    CNAME = 5
    SOA = 6
    MB = 7
    MG = 8
    MR = 9
    NULL = 10
    WKS = 11
    PTR = 12
    HINFO = 13
    MINFO = 14
    MX = 15
    TXT = 16
    RP = 17
    AFSDB = 18
    X25 = 19
    ISDN = 20
    RT = 21
    NSAP = 22
    SIG = 24
    KEY = 25
    PX = 26
    GPOS = 27
    AAAA = 28
    LOC = 29
    NXT = 30
    SRV = 33
    NAPTR = 35
    KX = 36
    CERT = 37
    DNAME = 39
    OPT = 41
    APL = 42
    DS = 43
    SSHFP = 44
    IPSECKEY = 45
    RRSIG = 46
    NSEC = 47
    DNSKEY = 48
    DHCID = 49
    NSEC3 = 50
    NSEC3PARAM = 51
    TLSA = 52
    SMIMEA = 53
    HIP = 55
    CDS = 59
    CDNSKEY = 60
    OPENPGPKEY = 61
    CSYNC = 62
    ZONEMD = 63
    SVCB = 64
    HTTPS = 65
    SPF = 99
    EUI48 = 108
    EUI64 = 109
    TKEY = 249
    TSIG = 250
    IXFR = 251
    AXFR = 252
    MAILB = 253
    MAILA = 254
    ANY = 255
    URI = 256
    CAA = 257


ADDRESS_TYPES = frozenset({int(Type.A), int(Type.AAAA)})


class Class(IntEnum):
    """RFC 1035 3.2.4, RFC 2136, RFC 6895."""

    IN = 1
    CH = 3
    HS = 4
    NONE = 254
    ANY = 255


class Rcode(IntEnum):
    """RFC 6895 2.3; above 15 they need an OPT record."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    YXDOMAIN = 6
    NOTAUTH = 9
    BADVERS = 16
    BADCOOKIE = 23


class Ede(IntEnum):
    """Extended DNS error codes (RFC 8914 4) that are sent here."""

    OTHER = 0
    UNSUPPORTED_ALGORITHM = 1
    UNSUPPORTED_DIGEST = 2
    STALE_ANSWER = 3
    INDETERMINATE = 5
    BOGUS = 6
    SIGNATURE_EXPIRED = 7
    SIGNATURE_NOT_YET_VALID = 8
    DNSKEY_MISSING = 9
    RRSIGS_MISSING = 10
    NO_ZONE_KEY = 11
    NSEC_MISSING = 12
    CACHED_ERROR = 13
    NOT_READY = 14
    BLOCKED = 15
    PROHIBITED = 18
    STALE_NXDOMAIN_ANSWER = 19
    NOT_AUTHORITATIVE = 20
    NO_REACHABLE_AUTHORITY = 22
    NETWORK_ERROR = 23
    INVALID_DATA = 24
    NSEC3_ITERATIONS = 27


# Types that only a query may ask for, or that never stand in a zone (RFC 6895 3.1).
META_TYPES = frozenset(
    {Type.OPT, Type.TKEY, Type.TSIG, Type.IXFR, Type.AXFR, Type.MAILB, Type.MAILA, Type.ANY}
)

# Types whose rdata is no address, and names neither hosts nor addresses: nothing that a view must not learn,
# and nothing that is compressed. A and AAAA come next to them.
PLAIN_TYPES = frozenset(
    {
        Type.TXT,
        Type.SPF,
        Type.HINFO,
        Type.LOC,
        Type.SSHFP,
        Type.TLSA,
        Type.SMIMEA,
        Type.OPENPGPKEY,
        Type.CERT,
        Type.CAA,
        Type.DNSKEY,
        Type.CDS,
        Type.CDNSKEY,
        Type.DHCID,
        Type.EUI48,
        Type.EUI64,
    }
)

# Where a name of another host stands in rdata: octets before it. One name each, and it ends the rdata but
# for SOA (RFC 1035 3.3, 2782, 9460, 3403 needs the text fields skipped: ``target``).
_TARGET_AT = {
    Type.NS: 0,
    Type.CNAME: 0,
    Type.DNAME: 0,
    Type.PTR: 0,
    Type.SOA: 0,
    Type.MX: 2,
    Type.AFSDB: 2,
    Type.RT: 2,
    Type.KX: 2,
    Type.SVCB: 2,
    Type.HTTPS: 2,
    Type.SRV: 6,
}


def type_to_text(rdtype: int) -> str:
    """The mnemonic, or ``TYPE1234`` (RFC 3597 5)."""
    try:
        return Type(rdtype).name
    except ValueError:
        return f"TYPE{rdtype}"


def type_from_text(text: str) -> int:
    """The number of a mnemonic or of ``TYPE1234``.

    Raises:
        ValueError: it is neither.
    """
    upper = text.upper()
    if upper in Type.__members__:
        return Type[upper]
    if upper.startswith("TYPE") and upper[4:].isascii() and upper[4:].isdigit() and int(upper[4:]) <= 0xFFFF:
        return int(upper[4:])
    raise ValueError(f"expected a record type such as A, MX or TYPE65280, found {text!r}")


@value(frozen=True, slots=True)
class RRset:
    """Records of one owner and type (RFC 2181 5).

    ``owner`` is an uncompressed wire name with its case kept; each of ``rdatas`` is uncompressed rdata.
    No rdata at all means that the value is declared but not known now (``$wan4`` before its source has
    one): it is answered with SERVFAIL. ``public`` permits an inside address in an outside view.
    """

    # What is like another is written out: ``dataclasses.replace`` takes three times as long.

    owner: bytes
    rdtype: int
    ttl_s: int
    rdatas: tuple[bytes, ...]
    public: bool = False

    @property
    def name(self) -> Qname:
        return fold(self.owner)

    def at(self, owner: bytes) -> RRset:
        """The same records under another owner: a wildcard's expansion, a case-exact echo."""
        if owner == self.owner:
            return self
        return RRset(owner, self.rdtype, self.ttl_s, self.rdatas, self.public)

    def with_ttl(self, ttl_s: int) -> RRset:
        if ttl_s == self.ttl_s:
            return self
        return RRset(self.owner, self.rdtype, ttl_s, self.rdatas, self.public)

    def with_rdatas(self, rdatas: tuple[bytes, ...]) -> RRset:
        if rdatas == self.rdatas:
            return self
        return RRset(self.owner, self.rdtype, self.ttl_s, rdatas, self.public)


def name_at(rdata: bytes, at: int) -> bytes:
    """The uncompressed name that starts at ``at``."""
    return rdata[at : name_end(rdata, at)]


def target(rdtype: int, rdata: bytes) -> bytes | None:
    """The name of another host inside ``rdata``, case kept: an NS, MX, SRV … target, a SOA's mname."""
    if rdtype == Type.NAPTR:
        at = 4
        for _ in range(3):  # flags, services, regexp (RFC 3403 4.1)
            at += 1 + rdata[at]
        return name_at(rdata, at)
    at_octet = _TARGET_AT.get(rdtype)  # type: ignore[call-overload]
    return None if at_octet is None else name_at(rdata, at_octet)


def covered_type(signatures: RRset) -> int:
    """What the RRSIG records are over (RFC 4034 3.1.1)."""
    return int.from_bytes(signatures.rdatas[0][:2], "big")


def signer(rdata: bytes) -> bytes:
    """The name of the zone whose key made an RRSIG, case kept (RFC 4034 3.1.7)."""
    return name_at(rdata, 18)


def key_tag(rdata: bytes) -> int:
    """The tag of a DNSKEY record (RFC 4034 appendix B)."""
    total = sum(rdata[::2]) * 256 + sum(rdata[1::2])
    return (total + (total >> 16)) & 0xFFFF


def soa_minimum_s(soa: RRset) -> int:
    """The MINIMUM field: the upper bound of a negative answer's TTL (RFC 2308 4)."""
    return int.from_bytes(soa.rdatas[0][-4:], "big")


def soa_serial(soa: RRset) -> int:
    """The SERIAL field (RFC 1035 3.3.13)."""
    return int.from_bytes(soa.rdatas[0][-20:-16], "big")

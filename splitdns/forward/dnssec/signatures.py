"""Keys, delegation signers and signatures: what one record proves about others (RFC 4034, RFC 4035 5.3).

Verifying is the one thing here that costs, and who sends a reply decides how much of it there is to do. So it
is paid for from a ``Budget``, which an answer has once for all that it leads to (CVE-2023-50387, "KeyTrap").
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import dns.dnssecalgs
import dns.exception
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from cryptography.exceptions import InvalidSignature

from splitdns.errors import UpstreamError
from splitdns.names import Qname, fold, is_under, is_wildcard, labels, name_end, to_text, wildcard
from splitdns.records import Ede, RRset, Type, key_tag, signer, type_to_text
from splitdns.value import value

MAX_VERIFICATIONS = 64  # for one answer, its chain of trust included; beyond: bogus
MAX_FAILURES = 16  # of these; who signs properly needs none, who changes keys a few
MAX_SIGNATURES = 4  # over one RRset, and keys of one tag; beyond: not looked at (Unbound 8, BIND 16 in all)

# What cryptography and dnspython verify and RFC 9905 leaves: RSA/SHA-1 counts as not supported.
ALGORITHMS: Final = frozenset({8, 10, 13, 14, 15, 16})
_DIGESTS: Final[dict[int, Callable[[bytes], hashlib._Hash]]] = {2: hashlib.sha256, 4: hashlib.sha384}

_ZONE_KEY, _REVOKED = 0x0100, 0x0080  # of a DNSKEY's flags (RFC 4034 2.1.1, RFC 5011 7)
_DNSSEC_PROTOCOL = 3
_RRSIG = struct.Struct("!HBBIIIH")
_OWNER_FIXED = struct.Struct("!HHI")
_CLASS_IN = 1

# Names in rdata that are lower-case in what is signed (RFC 4034 6.2, RFC 6840 5.1): octets before, and how
# many. Rdata of other types is signed as it is, but for the rare ones that dnspython knows.
_NAMES = {
    Type.NS: (0, 1),
    Type.CNAME: (0, 1),
    Type.PTR: (0, 1),
    Type.DNAME: (0, 1),
    Type.SOA: (0, 2),
    Type.MX: (2, 1),
    Type.SRV: (6, 1),
}
_RARE = frozenset(
    {Type.MD, Type.MF, Type.MB, Type.MG, Type.MR, Type.MINFO, Type.RP, Type.AFSDB, Type.RT, Type.SIG}
    | {Type.PX, Type.NXT, Type.NAPTR, Type.KX}
)


class BogusError(UpstreamError):
    """What was said is not what the zone's owner said; ``ede`` is the code of the reason (RFC 8914 4)."""

    def __init__(self, ede: Ede, reason: str) -> None:
        super().__init__(reason)
        self.ede = ede


class BudgetError(BogusError):
    """Finding out would take too long: a word on this answer, not on the zones that it leads through."""


@dataclass(slots=True)
class Budget:
    """What may still be verified on behalf of one answer."""

    verifications: int = MAX_VERIFICATIONS
    failures: int = MAX_FAILURES

    def spend(self) -> None:
        """One more verification.

        Raises:
            BudgetError: it is one too many.
        """
        if self.verifications <= 0 or self.failures <= 0:
            raise BudgetError(Ede.BOGUS, "too many signatures to verify")
        self.verifications -= 1


@value(frozen=True, slots=True)
class Key:
    """A DNSKEY record that may sign a zone (RFC 4034 2.1)."""

    rdata: bytes
    algorithm: int
    tag: int
    flags: int

    @classmethod
    def read(cls, rdata: bytes) -> Key | None:
        """The key; None: not one that may sign a zone, or one with an algorithm that is not supported."""
        if len(rdata) < 5:
            return None
        flags, protocol, algorithm = struct.unpack_from("!HBB", rdata)
        is_usable = flags & _ZONE_KEY and not flags & _REVOKED and protocol == _DNSSEC_PROTOCOL
        if not is_usable or algorithm not in ALGORITHMS:
            return None
        return cls(rdata, algorithm, key_tag(rdata), flags)


@value(frozen=True, slots=True)
class Delegation:
    """A DS record: the digest of a key of the child zone (RFC 4034 5.1)."""

    tag: int
    algorithm: int
    digest_type: int
    digest: bytes

    @classmethod
    def read(cls, rdata: bytes) -> Delegation:
        tag, algorithm, digest_type = struct.unpack_from("!HBB", rdata)
        return cls(tag, algorithm, digest_type, rdata[4:])

    @property
    def is_supported(self) -> bool:
        return self.algorithm in ALGORITHMS and self.digest_type in _DIGESTS

    def matches(self, zone: Qname, key: Key) -> bool:
        """Whether it is the digest of ``key``, of ``zone`` (RFC 4034 5.1.4)."""
        if (self.tag, self.algorithm) != (key.tag, key.algorithm):
            return False
        return _DIGESTS[self.digest_type](zone + key.rdata).digest() == self.digest


@value(frozen=True, slots=True)
class Signature:
    """An RRSIG record (RFC 4034 3.1); times are Unix times modulo 2**32."""

    covered: int
    algorithm: int
    labels: int
    original_ttl_s: int
    expiration: int
    inception: int
    tag: int
    signer: Qname
    head: bytes  # all before the signature itself, the signer folded: the start of what is signed
    octets: bytes

    @classmethod
    def read(cls, rdata: bytes) -> Signature:
        zone = fold(signer(rdata))
        end = _RRSIG.size + len(zone)
        head = rdata[: _RRSIG.size] + zone
        covered, algorithm, count, ttl_s, expiration, inception, tag = _RRSIG.unpack_from(rdata)
        return cls(covered, algorithm, count, ttl_s, expiration, inception, tag, zone, head, rdata[end:])

    def expands(self, owner: Qname) -> bool:
        """Whether it says that the records of ``owner`` were made by a wildcard (RFC 4035 5.3.4)."""
        return self.labels < _label_count(owner)

    def source(self, owner: Qname) -> Qname:
        """The name at which the records stand in their zone: ``owner``, or a wildcard above it."""
        if not self.expands(owner):
            return owner
        return wildcard(_last_labels(owner, self.labels))


@value(frozen=True, slots=True)
class Verified:
    """A signature that holds, and for how many seconds it and the records may be kept (RFC 4035 5.3.3)."""

    signature: Signature
    ttl_s: int


def verify(
    rrset: RRset, signatures: Iterable[bytes], zone: Qname, keys: Sequence[Key], now_s: float, budget: Budget
) -> Verified:
    """A signature over ``rrset`` that one of the ``keys`` of ``zone`` made, of those in ``signatures``.

    Raises:
        BogusError: there is none.
    """
    fault = BogusError(Ede.RRSIGS_MISSING, f"no signature over {_what(rrset)}")
    tried = 0
    for signature in map(Signature.read, signatures):
        if signature.signer != zone or signature.covered != rrset.rdtype:
            continue
        if tried == MAX_SIGNATURES:
            break
        tried += 1
        try:
            _check_frame(rrset, signature, now_s)
        except BogusError as error:
            fault = error
            continue
        candidates = [key for key in keys if (key.tag, key.algorithm) == (signature.tag, signature.algorithm)]
        if not candidates:
            fault = BogusError(Ede.DNSKEY_MISSING, f"no key {signature.tag} in {to_text(zone)}")
            continue
        signed = _signed_octets(rrset, signature)
        for key in candidates[:MAX_SIGNATURES]:
            budget.spend()
            if _is_made_by(key, signature.octets, signed):
                left_s = _serial_difference(signature.expiration, int(now_s))
                return Verified(signature, min(rrset.ttl_s, signature.original_ttl_s, left_s))
            budget.failures -= 1
        fault = BogusError(Ede.BOGUS, f"a wrong signature over {_what(rrset)}")
    raise fault


def _check_frame(rrset: RRset, signature: Signature, now_s: float) -> None:
    """All that is asked of a signature before its octets matter (RFC 4035 5.3.1)."""
    if not is_under(rrset.name, signature.signer):
        raise BogusError(Ede.BOGUS, f"{to_text(signature.signer)} signs {_what(rrset)}, which is not its own")
    if signature.labels > _label_count(rrset.name):
        raise BogusError(Ede.BOGUS, f"a signature over {_what(rrset)} that counts more labels")
    if signature.labels < _label_count(signature.signer):
        raise BogusError(Ede.BOGUS, f"a signature over {_what(rrset)} of a wildcard above its zone")
    now = int(now_s)
    if _serial_difference(signature.expiration, now) < 0:
        raise BogusError(Ede.SIGNATURE_EXPIRED, f"the signature over {_what(rrset)} has expired")
    if _serial_difference(now, signature.inception) < 0:
        raise BogusError(Ede.SIGNATURE_NOT_YET_VALID, f"the signature over {_what(rrset)} is not valid yet")


def _signed_octets(rrset: RRset, signature: Signature) -> bytes:
    """What the signature is over: its own head, then the records in canonical form and order (RFC 4034 6)."""
    owner = signature.source(rrset.name)
    before = owner + _OWNER_FIXED.pack(rrset.rdtype, _CLASS_IN, signature.original_ttl_s)
    rdatas = sorted(_canonical(rrset.rdtype, rdata) for rdata in rrset.rdatas)
    return signature.head + b"".join(before + len(rdata).to_bytes(2, "big") + rdata for rdata in rdatas)


def _canonical(rdtype: int, rdata: bytes) -> bytes:
    if (names := _NAMES.get(rdtype)) is not None:  # type: ignore[call-overload]
        at, count = names
        end = at
        for _ in range(count):
            end = name_end(rdata, end)
        return rdata[:at] + fold(rdata[at:end]) + rdata[end:]
    if rdtype in _RARE:
        kind = dns.rdatatype.RdataType.make(rdtype)
        return dns.rdata.from_wire(dns.rdataclass.IN, kind, rdata, 0, len(rdata)).to_digestable()
    return rdata


def _is_made_by(key: Key, octets: bytes, signed: bytes) -> bool:
    try:
        _public_key(key.rdata).verify(octets, signed)
    except (InvalidSignature, ValueError, dns.exception.DNSException):
        return False
    return True


@lru_cache(maxsize=1024)
def _public_key(rdata: bytes) -> dns.dnssecalgs.base.GenericPublicKey:
    """What verifies, made of a DNSKEY's rdata; making it costs more than using it once.

    Raises:
        ValueError, DNSException: it is not a key of its algorithm.
    """
    key = dns.rdata.from_wire(dns.rdataclass.IN, dns.rdatatype.DNSKEY, rdata, 0, len(rdata))
    return dns.dnssecalgs.get_algorithm_cls(rdata[3]).public_cls.from_dnskey(key)  # type: ignore[arg-type]


def _serial_difference(one: int, other: int) -> int:
    """Seconds from ``other`` to ``one``, both modulo 2**32 (RFC 4034 3.1.5, RFC 1982)."""
    return (one - other + 2**31) % 2**32 - 2**31


def _label_count(name: Qname) -> int:
    """Labels without the root's and a leading wildcard's (RFC 4034 3.1.3)."""
    return sum(1 for _ in labels(name)) - is_wildcard(name)


def _last_labels(name: Qname, count: int) -> Qname:
    starts = [0]
    for label in labels(name):
        starts.append(starts[-1] + 1 + len(label))
    return Qname(name[starts[-1 - count] :])


def _what(rrset: RRset) -> str:
    return f"{to_text(rrset.name)} {type_to_text(rrset.rdtype)}"

"""What NSEC and NSEC3 records prove not to exist (RFC 4035 5.4, RFC 5155 8, RFC 6840 4).

All records here are verified already, and of one zone. A proof is looked for; where there is none, the answer
is None and whoever asked says what that means. Pure, but for the hashes, which a budget pays for.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from splitdns.names import ROOT, Qname, ancestors, between, fold, is_under, labels, name_end, parent, wildcard
from splitdns.records import RRset, Type
from splitdns.value import value

MAX_ITERATIONS = 100  # RFC 9276 3.2; beyond, the zone counts as unsigned, once the signature is verified
MAX_HASHES = 4_000  # SHA-1 of one answer, iterations included (CVE-2023-50868); beyond: not proven

_SHA1, _SHA1_OCTETS = 1, 20
_OPT_OUT = 0x01
_OF_THE_PROOF = frozenset({Type.RRSIG, Type.NSEC, Type.NSEC3})


class Proven(Enum):
    """How much a proof says: with opt-out, unsigned delegations may be there (RFC 5155 9.2)."""

    SECURE = "secure"
    INSECURE = "insecure"


class Cut(Enum):
    """What the absence of a DS record says about a name (RFC 4035 5.2)."""

    UNSIGNED = "an insecure delegation"
    NONE = "no delegation"
    NO_NAME = "no name, and nothing beneath it"


@value(frozen=True, slots=True)
class Nsec:
    """``owner`` has exactly ``types``; between it and ``next`` there is nothing (RFC 4034 4)."""

    owner: Qname
    next: Qname
    types: frozenset[int]

    @classmethod
    def read(cls, rrset: RRset) -> Nsec:
        rdata = rrset.rdatas[0]
        end = name_end(rdata, 0)
        return cls(rrset.name, fold(rdata[:end]), _types(rdata[end:]))

    def covers(self, name: Qname) -> bool:
        """Whether ``name`` lies in the gap; the last record of a zone leads back to its apex."""
        one, other, asked = _order(self.owner), _order(self.next), _order(name)
        return one < asked < other if one < other else one < asked

    def encloser(self, name: Qname) -> Qname:
        """Of a name in the gap, the longest ancestor that exists: it is one of the gap's ends, too."""
        for ancestor in ancestors(name):
            if is_under(self.owner, ancestor) or is_under(self.next, ancestor):
                return ancestor
        raise AssertionError("the root is above every name")


@value(frozen=True, slots=True)
class Nsec3:
    """The same by hashes: ``owner`` is the hashed label in octets, ``next`` too (RFC 5155 3)."""

    zone: Qname
    owner: bytes
    next: bytes
    types: frozenset[int]
    is_opt_out: bool
    iterations: int
    salt: bytes

    @classmethod
    def read(cls, rrset: RRset) -> Nsec3 | None:
        """None: of a kind that is to be ignored (RFC 5155 8.1 and 8.2)."""
        rdata = rrset.rdatas[0]
        algorithm, flags, iterations = rdata[0], rdata[1], int.from_bytes(rdata[2:4], "big")
        salt_end = 5 + rdata[4]
        next_end = salt_end + 1 + rdata[salt_end]
        owner = _unhashed(next(labels(rrset.name), b""))
        salt, following = rdata[5:salt_end], rdata[salt_end + 1 : next_end]
        if algorithm != _SHA1 or flags & ~_OPT_OUT or {len(owner), len(following)} != {_SHA1_OCTETS}:
            return None
        types = _types(rdata[next_end:])
        zone = parent(rrset.name)
        return cls(zone, owner, following, types, bool(flags & _OPT_OUT), iterations, salt)

    def covers(self, hashed: bytes) -> bool:
        if self.owner < self.next:
            return self.owner < hashed < self.next
        return hashed > self.owner or hashed < self.next


class _Encloser(NamedTuple):
    name: Qname
    next_closer: Nsec3


@dataclass(slots=True)
class Denial:
    """All verified records of one zone that an answer came with."""

    zone: Qname
    nsecs: list[Nsec] = field(default_factory=list)
    nsec3s: list[Nsec3] = field(default_factory=list)
    too_many_iterations: bool = False
    _hashes_left: int = MAX_HASHES
    _hashed: dict[Qname, bytes] = field(default_factory=dict)

    def add(self, rrset: RRset) -> None:
        """Take a verified NSEC or NSEC3 record; several at one owner are none (RFC 4034 4)."""
        if len(rrset.rdatas) != 1:
            return
        if rrset.rdtype == Type.NSEC:
            self.nsecs.append(Nsec.read(rrset))
            return
        nsec3 = Nsec3.read(rrset)
        if nsec3 is None or nsec3.zone != self.zone:
            return
        if nsec3.iterations > MAX_ITERATIONS:
            self.too_many_iterations = True
        elif not self.nsec3s or (nsec3.iterations, nsec3.salt) == self._parameters:
            self.nsec3s.append(nsec3)

    @property
    def _parameters(self) -> tuple[int, bytes]:
        return self.nsec3s[0].iterations, self.nsec3s[0].salt

    # --- what an answer needs to be proven

    def no_name(self, name: Qname) -> Proven | None:
        """Neither ``name`` nor a wildcard for it exists (RFC 4035 5.4, RFC 5155 8.4)."""
        if (nsec := self._covering(name)) is not None:
            encloser = nsec.encloser(name)  # the name itself where it is an empty non-terminal
            return Proven.SECURE if encloser != name and self._covering(wildcard(encloser)) else None
        if (closest := self._encloser(name)) is None:
            return None
        if self._covering3(wildcard(closest.name)) is None:
            return None
        return Proven.INSECURE if closest.next_closer.is_opt_out else Proven.SECURE

    def no_data(self, name: Qname, qtype: int) -> Proven | None:
        """``name`` has no ``qtype``, nor does a wildcard for it (RFC 4035 5.4, RFC 5155 8.5 to 8.7)."""
        if (types := self._types_at(name)) is not None:
            if name == ROOT and qtype == Type.DS:  # which has no parent to say it
                types -= {Type.SOA}
            return Proven.SECURE if _lacks(types, qtype) else None
        if (nsec := self._covering(name)) is not None:
            if is_under(nsec.next, name):  # an empty non-terminal (RFC 4592 2.2.2)
                return Proven.SECURE
            types = self._types_at(wildcard(nsec.encloser(name)))
            return Proven.SECURE if types is not None and _lacks(types, qtype) else None
        if (encloser := self._encloser(name)) is None:
            return None
        if encloser.next_closer.is_opt_out:
            return Proven.INSECURE
        types = self._types_at(wildcard(encloser.name))
        return Proven.SECURE if types is not None and _lacks(types, qtype) else None

    def no_closer_match(self, name: Qname, source: Qname) -> Proven | None:
        """Nothing between the wildcard ``source`` and ``name`` exists, so that it is for ``name`` to expand.

        RFC 4035 5.3.4, RFC 5155 8.8.
        """
        encloser = parent(source)
        if any(nsec.encloser(name) == encloser for nsec in self._all_covering(name)):
            return Proven.SECURE
        next_closer = between(name, encloser)[0]
        if self.nsec3s and (nsec3 := self._covering3(next_closer)) is not None:
            return Proven.INSECURE if nsec3.is_opt_out else Proven.SECURE
        return None

    def no_ds(self, name: Qname) -> Cut | None:
        """What ``name`` is, for it has no DS record; None: that is not proven."""
        types = self._types_at(name)
        if types is not None:
            if Type.DS in types or Type.SOA in types:  # of the child's own apex: not its parent's word
                return None
            return Cut.UNSIGNED if Type.NS in types else Cut.NONE
        if (nsec := self._covering(name)) is not None:
            return Cut.NONE if is_under(nsec.next, name) else Cut.NO_NAME
        if (encloser := self._encloser(name)) is None:
            return None
        return Cut.UNSIGNED if encloser.next_closer.is_opt_out else Cut.NO_NAME

    # --- looking for records

    def _types_at(self, name: Qname) -> frozenset[int] | None:
        for nsec in self.nsecs:
            if nsec.owner == name:
                return nsec.types
        if self.nsec3s and (hashed := self._hash(name)) is not None:
            for nsec3 in self.nsec3s:
                if nsec3.owner == hashed:
                    return nsec3.types
        return None

    def _covering(self, name: Qname) -> Nsec | None:
        return next(self._all_covering(name), None)

    def _all_covering(self, name: Qname) -> Iterator[Nsec]:
        for nsec in self.nsecs:
            beneath = is_under(name, nsec.owner)
            if nsec.covers(name) and not (beneath and _ends_here(nsec.types)):
                yield nsec

    def _covering3(self, name: Qname) -> Nsec3 | None:
        if (hashed := self._hash(name)) is None:
            return None
        return next((nsec3 for nsec3 in self.nsec3s if nsec3.covers(hashed)), None)

    def _encloser(self, name: Qname) -> _Encloser | None:
        """The closest encloser of ``name`` and what denies the name one label longer (RFC 5155 8.3)."""
        if not self.nsec3s:
            return None
        below: Qname | None = None
        for ancestor in ancestors(name):
            types = self._types_at(ancestor)
            if types is not None:
                if below is None or _ends_here(types):
                    return None
                covering = self._covering3(below)
                return None if covering is None else _Encloser(ancestor, covering)
            if ancestor == self.zone:
                return None
            below = ancestor
        return None

    def _hash(self, name: Qname) -> bytes | None:
        """The hash of ``name`` (RFC 5155 5); None: too many were asked for."""
        if (known := self._hashed.get(name)) is not None:
            return known
        iterations, salt = self._parameters
        self._hashes_left -= 1 + iterations
        if self._hashes_left < 0:
            return None
        digest = hashlib.sha1(name + salt, usedforsecurity=False).digest()
        for _ in range(iterations):
            digest = hashlib.sha1(digest + salt, usedforsecurity=False).digest()
        self._hashed[name] = digest
        return digest


def _lacks(types: frozenset[int], qtype: int) -> bool:
    """Whether a name with ``types`` has none of ``qtype``, said by the zone that it is for to say."""
    if qtype in types or Type.CNAME in types or (qtype == Type.ANY and types - _OF_THE_PROOF):
        return False
    if qtype == Type.DS:
        return Type.SOA not in types  # the child's apex has no word on it
    return Type.NS not in types or Type.SOA in types  # nor the parent on what is in the child


def _ends_here(types: frozenset[int]) -> bool:
    """Whether the zone has no word on names beneath: they are delegated, or renamed (RFC 6840 4.1)."""
    return Type.DNAME in types or (Type.NS in types and Type.SOA not in types)


def _types(bitmap: bytes) -> frozenset[int]:
    """The types in a bitmap (RFC 4034 4.1.2); what is malformed has none."""
    found: list[int] = []
    at = 0
    while at + 2 <= len(bitmap):
        window, octets = bitmap[at], bitmap[at + 1]
        for index, octet in enumerate(bitmap[at + 2 : at + 2 + octets]):
            found += [window << 8 | index << 3 | bit for bit in range(8) if octet & 0x80 >> bit]
        at += 2 + octets
    return frozenset(found)


def _order(name: Qname) -> tuple[bytes, ...]:
    """By this, names are in canonical order (RFC 4034 6.1)."""
    return tuple(reversed(tuple(labels(name))))


def _unhashed(label: bytes) -> bytes:
    """The octets of a hashed label, which is base32hex (RFC 5155 3.3); empty where it is none."""
    try:
        return base64.b32hexdecode(label.upper() + b"=" * (-len(label) % 8))
    except ValueError:
        return b""


def of_zone(zone: Qname, rrsets: Iterable[RRset]) -> Denial:
    """The ``Denial`` of these verified records."""
    denial = Denial(zone)
    for rrset in rrsets:
        denial.add(rrset)
    return denial

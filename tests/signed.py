"""A small signed internet: zones with keys of their own, and a resolver that answers from all of them.

Signatures, NSEC and NSEC3 are made by dnspython and cryptography, so that what is tested does not come from
the code that reads it. The resolver follows aliases, expands wildcards and adds the proofs that a signed
answer needs (RFC 4035 3.1); what it says can be spoilt record by record.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.util
import dns.rrset
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from dns.rdatatype import RdataType

from splitdns.names import Qname, fold
from splitdns.view import Validation

NOW_S = 1_800_000_000.0  # of every signature here; nothing reads the machine's clock
DAY_S = 86_400
TTL_S = 300

RSASHA1, RSASHA256, ECDSAP256, ECDSAP384, ED25519, ED448 = 5, 8, 13, 14, 15, 16

Name = dns.name.Name
Sets = dict[tuple[Name, RdataType], dns.rrset.RRset]


@cache
def private_key(algorithm: int, number: int = 0) -> Any:
    """The key of this algorithm and number, the same in the whole run: making RSA keys takes long."""
    if algorithm in (5, 7, 8, 10):
        return rsa.generate_private_key(65537, 2048)
    if algorithm in (ECDSAP256, ECDSAP384):
        return ec.generate_private_key(ec.SECP256R1() if algorithm == ECDSAP256 else ec.SECP384R1())
    return ed25519.Ed25519PrivateKey.generate() if algorithm == ED25519 else ed448.Ed448PrivateKey.generate()


@dataclass
class Zone:
    """A zone from lines of a master file, relative to ``apex``; a SOA and an NS are added.

    ``nsec3`` is (iterations, opt-out); None means NSEC. ``spoilt`` says what is wrong with the signature over
    an (owner, type): ``wrong``, ``expired``, ``future``, or ``none``: no signature. ``denied`` means that the
    records are said not to exist, with the proof of another name.
    """

    apex: str
    lines: str = ""
    algorithm: int = ECDSAP256
    signed: bool = True
    nsec3: tuple[int, bool] | None = None
    digest: str = "SHA256"
    key: int = 0
    spoilt: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = dns.name.from_text(self.apex)
        self.sets: Sets = {}
        lines = ["@ SOA ns hostmaster 1 3600 900 604800 300", "@ NS ns", "ns A 192.0.2.53"]
        for line in lines + [line for line in self.lines.splitlines() if line.strip()]:
            owner, rdtype, rdata = line.split(None, 2)
            name = dns.name.from_text(owner, self.name)
            self.add(dns.rrset.from_text(name, TTL_S, "IN", rdtype, self._at(rdata)))
        if self.signed:
            private = private_key(self.algorithm, self.key)
            self.dnskey: Any = dns.dnssec.make_dnskey(private.public_key(), self.algorithm, flags=257)
            self.add(dns.rrset.from_rdata(self.name, TTL_S, self.dnskey))

    def _at(self, rdata: str) -> str:
        """Only the last word, or the first two of a SOA, can be names; relative without a final dot."""
        words = rdata.split()
        for place in (0, 1) if len(words) == 7 else (-1,):
            if words[place].replace("-", "").isalpha():
                words[place] += "." if self.name == dns.name.root else f".{self.name}"
        return " ".join(words)

    def add(self, rrset: dns.rrset.RRset) -> None:
        known = self.sets.setdefault((rrset.name, rrset.rdtype), rrset)
        if known is not rrset:
            known.update(rrset)

    @property
    def ds(self) -> dns.rdata.Rdata:
        return dns.dnssec.make_ds(self.name, self.dnskey, self.digest, policy=dns.dnssec.allow_all_policy)

    @property
    def cuts(self) -> set[Name]:
        return {name for name, rdtype in self.sets if rdtype == dns.rdatatype.NS and name != self.name}

    def names(self) -> set[Name]:
        """All names that exist in this zone, empty non-terminals included, glue not."""
        found: set[Name] = set()
        for name, _ in self.sets:
            if any(name != cut and name.is_subdomain(cut) for cut in self.cuts):
                continue
            while name.is_subdomain(self.name):
                found.add(name)
                if name == self.name:
                    break
                name = name.parent()
        return found

    def types(self, name: Name) -> set[RdataType]:
        return {rdtype for owner, rdtype in self.sets if owner == name}

    # --- signatures

    def signature(self, rrset: dns.rrset.RRset, source: Name | None = None) -> dns.rrset.RRset | None:
        """The RRSIG over ``rrset``, which stands in the zone at ``source``, if it is a wildcard's."""
        fault = self.spoilt.get((str(rrset.name).lower(), rrset.rdtype.name))
        if not self.signed or fault == "none" or self._is_not_ours(rrset):
            return None
        original = dns.rrset.from_rdata_list(source or rrset.name, rrset.ttl, list(rrset))
        start_s = {"expired": -3 * DAY_S, "future": DAY_S}.get(fault or "", -DAY_S)
        made = dns.dnssec.sign(
            original,
            private_key(self.algorithm, self.key),
            self.name,
            self.dnskey,
            inception=int(NOW_S) + start_s,
            expiration=int(NOW_S) + start_s + 2 * DAY_S,
            policy=dns.dnssec.allow_all_policy,
        )
        if fault == "wrong":
            made = made.replace(signature=bytes(octet ^ 1 for octet in made.signature))
        return dns.rrset.from_rdata(rrset.name, rrset.ttl, made)

    def _is_not_ours(self, rrset: dns.rrset.RRset) -> bool:
        return rrset.name in self.cuts and rrset.rdtype == dns.rdatatype.NS

    def with_signature(self, rrset: dns.rrset.RRset, source: Name | None = None) -> list[dns.rrset.RRset]:
        signature = self.signature(rrset, source)
        return [rrset] if signature is None else [rrset, signature]

    # --- denials

    def denial(self, *names: Name) -> list[dns.rrset.RRset]:
        """For each of ``names``, the record that is at it or covers it, once."""
        chain = self._nsec3s() if self.nsec3 else self._nsecs()
        found: list[dns.rrset.RRset] = []
        for name in names if self.signed else ():
            key = self.hashed(name) if self.nsec3 else name
            owners = sorted(chain)
            record = chain[max((owner for owner in owners if owner <= key), default=owners[-1])]
            if record not in found:
                found.append(record)
        return [rrset for record in found for rrset in self.with_signature(record)]

    def _bitmap(self, name: Name, *more: RdataType) -> Any:
        types = self.types(name)
        if name in self.cuts:
            types &= {dns.rdatatype.NS, dns.rdatatype.DS}
        is_signed = bool(types - {dns.rdatatype.NS})
        signature = {dns.rdatatype.RRSIG} if is_signed or dns.rdatatype.NSEC in more else set()
        wanted = sorted(types | signature | set(more))
        return dns.rdtypes.util.Bitmap.from_rdtypes(wanted)  # type: ignore[arg-type]

    def _nsecs(self) -> dict[Any, dns.rrset.RRset]:
        owners = sorted(name for name in self.names() if self.types(name))
        chain: dict[Any, dns.rrset.RRset] = {}
        for index, owner in enumerate(owners):
            types = self._bitmap(owner, dns.rdatatype.NSEC).to_text()
            text = f"{owners[(index + 1) % len(owners)]}{types}"
            chain[owner] = dns.rrset.from_text(owner, TTL_S, "IN", "NSEC", text)
        return chain

    def hashed(self, name: Name) -> str:
        assert self.nsec3 is not None
        return dns.dnssec.nsec3_hash(name, "", self.nsec3[0], 1).lower()

    def _nsec3s(self) -> dict[Any, dns.rrset.RRset]:
        assert self.nsec3 is not None
        iterations, opt_out = self.nsec3
        names = self.names()
        if opt_out:  # neither insecure delegations nor what only leads to them
            unsigned = {cut for cut in self.cuts if dns.rdatatype.DS not in self.types(cut)}
            kept = {name for name in names if name not in unsigned and self.types(name)}
            names = {name for name in names if any(each.is_subdomain(name) for each in kept)}
        hashes = sorted((self.hashed(name), name) for name in names)
        chain: dict[Any, dns.rrset.RRset] = {}
        for index, (digest, name) in enumerate(hashes):
            following = hashes[(index + 1) % len(hashes)][0]
            text = f"1 {int(opt_out)} {iterations} - {following}{self._bitmap(name).to_text()}"
            owner = dns.name.from_text(digest, self.name)
            chain[digest] = dns.rrset.from_text(owner, TTL_S, "IN", "NSEC3", text)
        return chain


class World:
    """All zones, and what a resolver in front of them says. Zones get their NS and DS from their names."""

    def __init__(self, *zones: Zone) -> None:
        self.anchor = "."
        self.zones = {zone.name: zone for zone in zones}
        for zone in zones:
            above = self._zone(zone.name.parent()) if zone.name != dns.name.root else None
            if above is not None:
                above.add(dns.rrset.from_text(zone.name, TTL_S, "IN", "NS", f"ns.{zone.apex}"))
                if zone.signed:
                    above.add(dns.rrset.from_rdata(zone.name, TTL_S, zone.ds))

    def validation(self, negative: Iterable[Qname] = ()) -> Validation:
        """With the key of the zone ``anchor`` as the anchor."""
        top = self.zones[dns.name.from_text(self.anchor)]
        return Validation(((qname(self.anchor), (top.ds.to_wire() or b"",)),), frozenset(negative))

    def answer(self, query: dns.message.Message) -> dns.message.Message:
        """What a resolver answers that does not validate, or was told not to."""
        question = query.question[0]
        response = dns.message.make_response(query, recursion_available=True)
        name: Name | None = question.name
        for _ in range(20):
            if name is None:
                break
            name = self._add(response, name, question.rdtype)
        if not query.ednsflags & dns.flags.DO:
            _strip(response)
        return response

    def wire(self, name: Qname, qtype: int) -> bytes:
        """The response to a question with DO."""
        owner, _ = dns.name.from_wire(name, 0)
        query = dns.message.make_query(owner, RdataType(qtype), want_dnssec=True)
        return self.answer(query).to_wire(max_size=65_535)

    def _zone(self, name: Name) -> Zone | None:
        found = [zone for apex, zone in self.zones.items() if name.is_subdomain(apex)]
        return max(found, key=lambda zone: len(zone.name), default=None)

    def _add(self, response: dns.message.Message, name: Name, rdtype: RdataType) -> Name | None:
        """One hop; the name to go on with."""
        is_parent_s = rdtype == dns.rdatatype.DS and name != dns.name.root
        zone = self._zone(name.parent() if is_parent_s else name)
        assert zone is not None
        names = zone.names()
        if zone.spoilt.get((str(name).lower(), rdtype.name)) == "denied":
            response.set_rcode(dns.rcode.NXDOMAIN)
            self._deny(response, zone, [dns.name.from_text("no", zone.name), zone.name])
            return None
        for depth in range(len(name) - 1, len(zone.name) - 1, -1):
            above = name.split(depth)[1]
            dname = zone.sets.get((above, dns.rdatatype.DNAME)) if above != name else None
            if dname is not None:
                response.answer += zone.with_signature(dname)
                target = name.relativize(above).derelativize(dname[0].target)
                response.answer.append(dns.rrset.from_text(name, TTL_S, "IN", "CNAME", str(target)))
                return target
        if name in names:
            return self._add_from(response, zone, name, name, rdtype)
        encloser = name
        while encloser not in names:
            below, encloser = encloser, encloser.parent()
        wild = dns.name.from_text("*", encloser)
        closest = [below] if zone.nsec3 is None else [encloser, below]
        if wild in names:
            return self._add_from(response, zone, name, wild, rdtype, closest)
        response.set_rcode(dns.rcode.NXDOMAIN)
        self._deny(response, zone, [*closest, wild])
        return None

    def _add_from(
        self,
        response: dns.message.Message,
        zone: Zone,
        name: Name,
        source: Name,
        rdtype: RdataType,
        closest: list[Name] | None = None,
    ) -> Name | None:
        if rdtype == dns.rdatatype.ANY:
            for (owner, _), each in tuple(zone.sets.items()):
                response.answer += zone.with_signature(each) if owner == source == name else []
            return None
        alias = zone.sets.get((source, dns.rdatatype.CNAME))
        is_alias = alias is not None and rdtype not in (dns.rdatatype.CNAME, dns.rdatatype.DS)
        rrset = alias if is_alias else zone.sets.get((source, rdtype))
        if rrset is None:
            is_optional = zone.nsec3 is not None and zone.nsec3[1] and source in zone.cuts
            is_left_out = is_optional and dns.rdatatype.DS not in zone.types(source)
            at = [name.parent(), name] if is_left_out else [source]
            self._deny(response, zone, [*(closest or []), *at])
            return None
        at_name = dns.rrset.from_rdata_list(name, rrset.ttl, list(rrset))
        response.answer += zone.with_signature(at_name, source)
        if closest:
            response.authority += zone.denial(closest[-1])
        return rrset[0].target if is_alias else None

    def _deny(self, response: dns.message.Message, zone: Zone, names: list[Name]) -> None:
        response.authority += zone.with_signature(zone.sets[zone.name, dns.rdatatype.SOA])
        response.authority += zone.denial(*names)


def _strip(response: dns.message.Message) -> None:
    proof = {dns.rdatatype.RRSIG, dns.rdatatype.NSEC, dns.rdatatype.NSEC3}
    asked = response.question[0].rdtype
    for section in (response.answer, response.authority):
        section[:] = [rrset for rrset in section if rrset.rdtype == asked or rrset.rdtype not in proof]


def qname(text: str) -> Qname:
    return fold(dns.name.from_text(text).to_wire() or b"")

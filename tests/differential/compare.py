"""Three answers to one question, side by side: what differs, who stands alone, and which class it is of.

Where NSD and Knot agree on rcode, AA or the answer section, a difference is a mistake of ours, without
exception. Every other difference must be of a class that ``docs/differences.md`` lists, with the RFC that
decides: what no class explains is a mistake too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.rrset
from dns.rdatatype import RdataType

from tests.differential.questions import Question
from tests.differential.zones import MAX_HOPS
from tests.lab.peers import PAYLOAD_OCTETS

Record = tuple[dns.name.Name, RdataType, int, dns.rdata.Rdata]

# Who stands alone: the value of ``Difference.odd``.
OURS, NSD, KNOT, ALL = "splitdns", "NSD", "Knot", "all three"

# Where these differ and NSD and Knot agree, nothing excuses us.
STRICT = frozenset({"rcode", "aa", "answer", "aliases"})


@dataclass(frozen=True)
class Reading:
    """What a reply says, without what is free: ids, compression, letter case, order within an RRset."""

    rcode: int
    aa: bool
    tc: bool
    flags: int  # RD, RA, AD, CD
    edns: bool
    answer: frozenset[Record]
    aliases: tuple[dns.name.Name, ...]  # owners of CNAMEs, in order
    authority: frozenset[Record]
    additional: frozenset[Record]
    octets: int

    def has(self, section: frozenset[Record], rdtype: RdataType) -> bool:
        return any(record[1] == rdtype for record in section)

    @property
    def is_referral(self) -> bool:
        return not self.has(self.authority, dns.rdatatype.SOA) and self.has(self.authority, dns.rdatatype.NS)


ASPECTS = ("rcode", "aa", "tc", "flags", "edns", "answer", "aliases", "authority", "additional")


def read(wire: bytes) -> Reading:
    """What is in a reply.

    Raises:
        dns.exception.DNSException: it is not a DNS message.
    """
    message = dns.message.from_wire(wire)
    echoed = dns.flags.RD | dns.flags.RA | dns.flags.AD | dns.flags.CD
    return Reading(
        message.rcode(),
        bool(message.flags & dns.flags.AA),
        bool(message.flags & dns.flags.TC),
        message.flags & echoed,
        message.edns >= 0,
        _records(message.answer),
        tuple(rrset.name for rrset in message.answer if rrset.rdtype == dns.rdatatype.CNAME),
        _records(message.authority),
        _records(message.additional),
        len(wire),
    )


def _records(section: list[dns.rrset.RRset]) -> frozenset[Record]:
    return frozenset(
        (rrset.name, rrset.rdtype, rrset.ttl, _folded(rdata)) for rrset in section for rdata in rrset
    )


def _folded(rdata: dns.rdata.Rdata) -> dns.rdata.Rdata:
    """dnspython compares the names inside rdata without their case, but for those of SVCB and HTTPS."""
    if rdata.rdtype in (dns.rdatatype.SVCB, dns.rdatatype.HTTPS):
        return rdata.replace(target=rdata.target.canonicalize())  # type: ignore[attr-defined]
    return rdata


@dataclass(frozen=True)
class Case:
    """A question and what the three said; ``written`` are the names that the zone files have."""

    question: Question
    ours: Reading
    nsd: Reading
    knot: Reading
    apexes: frozenset[dns.name.Name]
    written: frozenset[dns.name.Name]

    @property
    def zones_met(self) -> int:
        """How many of the served zones the names of the answer's chain lie in (NSD follows them all)."""
        names = {self.question.name}
        for reading in (self.nsd, self.ours):
            names |= {record[0] for record in reading.answer}
            names |= {
                record[3].target  # type: ignore[attr-defined]
                for record in reading.answer
                if record[1] == dns.rdatatype.CNAME
            }
        return len({zone for name in names if (zone := self.zone_of(name)) is not None})

    def zone_of(self, name: dns.name.Name) -> dns.name.Name | None:
        """The longest served apex at or above ``name``."""
        found = [apex for apex in self.apexes if name.is_subdomain(apex)]
        return max(found, key=len, default=None)


@dataclass(frozen=True)
class Difference:
    aspect: str
    odd: str

    @property
    def is_strict(self) -> bool:
        return self.odd == OURS and self.aspect in STRICT


def kinds(reading: Reading) -> list[str]:
    """What sort of answer it is, to see that a run met every sort."""
    found = [dns.rcode.to_text(dns.rcode.Rcode(reading.rcode))]
    if reading.tc:
        found.append("truncated")
    if reading.is_referral and not reading.aa:
        found.append("referral with glue" if reading.additional else "referral without glue")
    if reading.rcode == dns.rcode.NOERROR and reading.aa and not reading.answer:
        found.append("NODATA")
    if reading.has(reading.answer, dns.rdatatype.DNAME):
        found.append("DNAME")
    if reading.aliases:
        found.append("one alias" if len(reading.aliases) == 1 else "a chain of aliases")
    if reading.rcode == dns.rcode.NXDOMAIN and reading.aliases:
        found.append("an alias to nowhere")
    return found


def differences(case: Case) -> list[Difference]:
    """The aspects in which the three do not all say the same, and who stands alone in each."""
    found = []
    for aspect in ASPECTS:
        ours, nsd, knot = (getattr(reading, aspect) for reading in (case.ours, case.nsd, case.knot))
        if ours == nsd == knot:
            continue
        odd = OURS if nsd == knot else NSD if ours == knot else KNOT if ours == nsd else ALL
        found.append(Difference(aspect, odd))
    return found


@dataclass(frozen=True)
class Class:
    """One known way to differ; ``id`` is its heading in ``docs/differences.md``."""

    id: str
    aspects: frozenset[str]
    odd: frozenset[str]
    holds: Callable[[Case, str], bool]


def classify(case: Case, difference: Difference) -> str | None:
    """The class that explains a difference, or None: then it is a mistake."""
    if difference.is_strict:
        return None
    for known in CLASSES:
        if (
            difference.aspect in known.aspects
            and difference.odd in known.odd
            and known.holds(case, difference.aspect)
        ):
            return known.id
    return None


_SECTIONS = frozenset({"answer", "aliases", "authority", "additional"})
_VERDICT = frozenset({"rcode", "aa"}) | _SECTIONS
_ANYONE = frozenset({OURS, NSD, KNOT, ALL})
_PLAIN_OCTETS = 512  # without EDNS (RFC 1035 2.3.4)
_EDGE_OCTETS = 80  # a record of a long name, and what the compression of others saves
_ADDRESSES = (dns.rdatatype.A, dns.rdatatype.AAAA)
_RARE_HOSTS = (dns.rdatatype.AFSDB, dns.rdatatype.KX)
_SERVICES = (dns.rdatatype.SVCB, dns.rdatatype.HTTPS)


def _any_truncated(case: Case, _: str) -> bool:
    return case.ours.tc or case.nsd.tc or case.knot.tc


def _is_any(case: Case, _: str) -> bool:
    return case.question.rdtype == dns.rdatatype.ANY


def _crosses_zones(case: Case, _: str) -> bool:
    """An alias leads into another of the served zones, or a DS is the parent zone's to answer."""
    return bool(case.nsd.aliases) and (case.zones_met > 1 or case.question.rdtype == dns.rdatatype.DS)


def _signature_at_alias(case: Case, _: str) -> bool:
    return case.question.rdtype in (dns.rdatatype.RRSIG, dns.rdatatype.NSEC) and bool(case.nsd.aliases)


def _long_or_circular(case: Case, _: str) -> bool:
    return any(
        len(reading.aliases) >= MAX_HOPS or len(set(reading.aliases)) < len(reading.aliases)
        for reading in (case.ours, case.nsd, case.knot)
    )


def _checking_disabled(case: Case, _: str) -> bool:
    asked = dns.flags.CD if case.question.cd else 0
    return case.ours.flags & dns.flags.CD == asked and (case.ours.flags ^ case.nsd.flags) == dns.flags.CD


def _apex_servers(case: Case, aspect: str) -> bool:
    """NSD adds the zone's NS records, and their addresses, to an answer that has records."""
    servers = {record for record in case.nsd.authority if record[1] == dns.rdatatype.NS}
    hosts = {record[3].target for record in servers}  # type: ignore[attr-defined]
    if not case.nsd.answer or not servers or {record[0] for record in servers} - case.apexes:
        return False
    if aspect == "authority":
        return case.nsd.authority - servers == case.ours.authority
    more = {record for record in case.nsd.additional - case.ours.additional if record[0] in hosts}
    return case.nsd.additional - more <= case.ours.additional


def _of_other_zones(case: Case, _: str) -> bool:
    """What we add beyond the others are addresses in zones that the answer itself does not lie in."""
    more = case.ours.additional - case.knot.additional
    end = case.zone_of(case.ours.aliases[-1] if case.ours.aliases else case.question.name)
    return case.knot.additional <= case.ours.additional and all(
        record[1] in _ADDRESSES and case.zone_of(record[0]) != end for record in more
    )


def _of_services(case: Case, _: str) -> bool:
    return any(record[1] in _SERVICES for record in case.ours.answer)


def _of_rare_hosts(case: Case, _: str) -> bool:
    return any(record[1] in _RARE_HOSTS for record in case.ours.answer)


def _beneath_cuts(case: Case, _: str) -> bool:
    """Knot adds addresses that lie beneath a cut of the zone, which is glue, to an answer."""
    return not case.ours.is_referral and case.ours.additional <= case.knot.additional


def _by_wildcard(case: Case, _: str) -> bool:
    """In a referral, the others' more is of name servers that no file names: a wildcard covers them."""
    more = (case.knot.additional | case.nsd.additional) - case.ours.additional
    return case.ours.is_referral and all(
        record[1] in _ADDRESSES and record[0] not in case.written for record in more
    )


def _wildcard_cut(case: Case, _: str) -> bool:
    return any(record[0].is_wild() and record[1] == dns.rdatatype.NS for record in case.ours.authority)


def _at_the_edge(case: Case, _: str) -> bool:
    """A message is so near to what may be sent over UDP that compression decides what fits."""
    offered = case.question.payload_octets or _PLAIN_OCTETS
    room = min(max(offered, _PLAIN_OCTETS), PAYLOAD_OCTETS)
    return not case.question.tcp and any(
        reading.octets > room - _EDGE_OCTETS for reading in (case.ours, case.nsd, case.knot)
    )


def _referral(case: Case, _: str) -> bool:
    return case.ours.is_referral


CLASSES: tuple[Class, ...] = (
    Class("cd", frozenset({"flags"}), frozenset({OURS}), _checking_disabled),
    Class("truncated", _VERDICT, _ANYONE, _any_truncated),
    Class("any", _SECTIONS | {"tc"}, _ANYONE, _is_any),
    Class("other-zone", _VERDICT | {"tc"}, frozenset({KNOT}), _crosses_zones),
    Class("other-zone", frozenset({"authority", "additional"}), frozenset({ALL}), _crosses_zones),
    Class("wildcard-cut", _VERDICT, _ANYONE, _wildcard_cut),
    Class("signature-at-alias", _VERDICT, frozenset({KNOT}), _signature_at_alias),
    Class("circle", _VERDICT, frozenset({KNOT, NSD, ALL}), _long_or_circular),
    Class("apex-servers", frozenset({"authority", "additional"}), frozenset({NSD}), _apex_servers),
    Class("addresses-of-other-zones", frozenset({"additional"}), _ANYONE, _of_other_zones),
    Class("addresses-of-services", frozenset({"additional"}), _ANYONE, _of_services),
    Class("addresses-of-rare-hosts", frozenset({"additional"}), frozenset({KNOT, ALL}), _of_rare_hosts),
    Class("addresses-beneath-cuts", frozenset({"additional"}), frozenset({KNOT, ALL}), _beneath_cuts),
    Class("addresses-by-wildcard", frozenset({"additional"}), _ANYONE, _by_wildcard),
    Class("names-in-full", frozenset({"tc", "additional"}), frozenset({OURS, ALL}), _at_the_edge),
    Class("room-for-siblings", frozenset({"tc"}), frozenset({NSD, KNOT}), _referral),
)

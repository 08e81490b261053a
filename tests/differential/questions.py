"""What to ask a world: each of its names, what lies around them, in every way a client asks."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype

from tests.differential.zones import World

_TYPES = (
    "A", "AAAA", "NS", "SOA", "DS", "CNAME", "DNAME", "MX", "TXT", "SRV", "PTR", "HTTPS", "CAA", "NAPTR",
)  # fmt: skip
_RARE_TYPES = (
    "ANY", "ANY", "TYPE65280", "TYPE1000", "LOC", "URI", "RRSIG", "NSEC", "DNSKEY", "HINFO", "RP", "NULL",
)  # fmt: skip


@dataclass(frozen=True)
class Question:
    """One question and how it is asked; ``payload_octets`` None: without EDNS."""

    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    tcp: bool = False
    payload_octets: int | None = None
    rd: bool = False
    cd: bool = False
    do: bool = False
    ad: bool = False

    def to_wire(self) -> bytes:
        query = dns.message.make_query(self.name, self.rdtype, use_edns=False)
        query.flags = (dns.flags.RD if self.rd else 0) | (dns.flags.CD if self.cd else 0)
        query.flags |= dns.flags.AD if self.ad else 0
        if self.payload_octets is not None:
            query.use_edns(0, dns.flags.DO if self.do else 0, self.payload_octets)
        return query.to_wire()

    def __str__(self) -> str:
        edns = "no EDNS" if self.payload_octets is None else f"EDNS {self.payload_octets}{' DO' * self.do}"
        rdtype = dns.rdatatype.to_text(self.rdtype)
        return f"{self.name} {rdtype} over {'TCP' if self.tcp else 'UDP'}, {edns}{', RD' * self.rd}"


def question(rng: Random, world: World) -> Question:
    """One question to ``world``, most of them near something that it has."""
    owner, rdtypes = rng.choice(world.owners())
    name = _near(rng, owner, world)
    kind = rng.random()
    large = world.large() if rng.random() < 0.1 else []
    if large:
        owner, rdtype = rng.choice(large)
        name = dns.name.from_text(owner)
    elif kind < 0.4:
        rdtype = rng.choice(rdtypes)
    elif kind < 0.9:
        rdtype = rng.choice(_TYPES)
    else:
        rdtype = rng.choice(_RARE_TYPES)
    tcp = rng.random() < 0.25
    payload_octets = rng.choice((None, 512, 1232, 4096))
    return Question(
        name,
        dns.rdatatype.from_text(rdtype),
        tcp,
        payload_octets,
        rd=rng.random() < 0.3,
        cd=rng.random() < 0.1,
        do=payload_octets is not None and rng.random() < 0.2,
    )


def _near(rng: Random, owner: str, world: World) -> dns.name.Name:
    kind = rng.random()
    text = owner
    if kind < 0.45:
        pass
    elif kind < 0.65:
        text = f"{rng.choice(('x', 'a', '*', 'ns', 'www'))}.{owner}"
    elif kind < 0.75:
        text = f"{rng.choice(('x.y', 'a.b', '*.x', 'x.*'))}.{owner}"
    elif kind < 0.88:  # a parent, which may be an empty non-terminal, or a zone that is not ours
        text = dns.name.from_text(owner).parent().to_text() if owner != "." else owner
    elif kind < 0.97:
        text = f"{rng.choice(('x', 'b', 'nobody', '*', 'a.a'))}.{rng.choice(world.zones).apex}"
    else:
        text = rng.choice(("nowhere.example.", "test.", "zone.test.", "version.bind."))
    if rng.random() < 0.2:
        text = "".join(rng.choice((letter.lower(), letter.upper())) for letter in text)
    try:
        return dns.name.from_text(text)
    except dns.name.NameTooLong:
        return dns.name.from_text(owner)

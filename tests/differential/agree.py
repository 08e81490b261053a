"""What forwarders said to the same question, side by side, and which known difference explains it.

Compared are rcode, AD, the answer section without its TTLs, which age, and what is denied with which proofs.
Where Unbound and BIND agree, a difference is a mistake of ours unless a class of
``docs/forwarding-differences.md`` explains it; where they do not, we agree with one of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype

from tests.differential import hierarchy
from tests.differential.forwarders import Forwarders
from tests.differential.questions import Question

_TYPES = ("A", "A", "A", "AAAA", "TXT", "MX", "NS", "SOA", "DS", "DNSKEY", "CNAME", "SRV", "CAA", "TYPE65280")
_AROUND = ("no", "a.no", "*", "www.no", "nowhere", "b.c", "c", "x.a.b.c", "ns")
_BENEATH = ("x.", "y.x.", "www.", "*.")

Record = tuple[dns.name.Name, dns.rdatatype.RdataType, dns.rdata.Rdata]


@dataclass(frozen=True)
class Said:
    """One forwarder's answer; ``proofs`` are the types of the authority section, where DO was set."""

    rcode: int
    ad: bool
    answer: frozenset[Record]
    negative: bool
    proofs: frozenset[dns.rdatatype.RdataType]


ASPECTS = ("rcode", "ad", "answer", "negative", "proofs")


def read(wire: bytes) -> Said:
    message = dns.message.from_wire(wire)
    answer = frozenset((rrset.name, rrset.rdtype, rdata) for rrset in message.answer for rdata in rrset)
    authority = {rrset.rdtype for rrset in message.authority}
    return Said(
        message.rcode(),
        bool(message.flags & dns.flags.AD),
        answer,
        dns.rdatatype.SOA in authority,
        frozenset(authority & {dns.rdatatype.NSEC, dns.rdatatype.NSEC3}),
    )


@dataclass(frozen=True)
class Case:
    question: Question
    ours: Said
    unbound: Said
    bind: Said

    @property
    def zone(self) -> str:
        """The apex of the zone that the asked name is in."""
        name = str(self.question.name)
        below_root = [zone.apex for zone in hierarchy.ZONES if f".{name}".endswith(f".{zone.apex}")]
        return max(below_root, key=len, default=".")


def question(rng: Random) -> Question:
    """A name of the hierarchy, or near one; a type; how a client asks."""
    zone = rng.choice(hierarchy.ZONES)
    near = rng.random()
    label = rng.choice([*hierarchy.LABELS, *_AROUND]) if near < 0.9 else ""
    if 0.7 < near < 0.9:
        label = rng.choice(_BENEATH) + label
    text = f"{label}.{zone.apex}" if label and zone.apex != "." else f"{label}." if label else zone.apex
    do = rng.random() < 0.5
    return Question(
        dns.name.from_text(text),
        dns.rdatatype.from_text(rng.choice(_TYPES)),
        tcp=True,
        payload_octets=1232 if do or rng.random() < 0.8 else None,
        rd=True,
        cd=rng.random() < 0.15,
        do=do,
        ad=rng.random() < 0.5,
    )


@dataclass(frozen=True)
class Class:
    """One known way to differ; ``id`` is its heading in ``docs/forwarding-differences.md``."""

    id: str
    aspects: frozenset[str]
    holds: Callable[[Case], bool]


def _checking_disabled(case: Case) -> bool:
    return case.question.cd and not case.ours.ad


def _many_iterations(case: Case) -> bool:
    return case.zone == "iterations.example." and not case.ours.ad


_AD = frozenset({"ad"})
CLASSES: tuple[Class, ...] = (
    Class("cd-and-ad", _AD, _checking_disabled),
    Class("iterations", _AD, _many_iterations),
)


@dataclass
class Tally:
    """What differed: how often by class, and each mistake in full."""

    questions: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    classes: Counter[str] = field(default_factory=Counter)
    mistakes: list[str] = field(default_factory=list)

    def report(self) -> str:
        lines = [f"{self.questions} questions; our answers by kind:"]
        lines += [f"{count:7}  {name}" for name, count in self.kinds.most_common()]
        lines += ["differences by class and aspect:"]
        lines += [f"{count:7}  {name}" for name, count in self.classes.most_common()]
        return "\n".join([*lines, f"mistakes: {len(self.mistakes)}", *self.mistakes[:5]])


def compare(forwarders: Forwarders, count: int, rng: Random) -> Tally:
    """Ask all of them ``count`` questions."""
    tally = Tally()
    for _ in range(count):
        asked = question(rng)
        wires = [asker.ask(asked) for asker in (forwarders.ours, forwarders.unbound, forwarders.bind)]
        case = Case(asked, *map(read, wires))
        tally.questions += 1
        tally.kinds[_kind(case.ours)] += 1
        for aspect in differing(case):
            known = classify(case, aspect)
            if known is None:
                tally.mistakes.append(_shown(case, aspect, wires))
            else:
                tally.classes[f"{known}: {aspect}"] += 1
    return tally


def differing(case: Case) -> list[str]:
    """The aspects in which we agree with neither of the two."""
    found = []
    for aspect in ASPECTS:
        ours, unbound, bind = (getattr(said, aspect) for said in (case.ours, case.unbound, case.bind))
        if ours not in (unbound, bind) or (unbound == bind != ours):
            found.append(aspect)
    return found


def classify(case: Case, aspect: str) -> str | None:
    """The class that explains a difference, or None: then it is a mistake."""
    return next((known.id for known in CLASSES if aspect in known.aspects and known.holds(case)), None)


def _kind(said: Said) -> str:
    text = dns.rcode.to_text(dns.rcode.Rcode(said.rcode))
    if text == "NOERROR" and not said.answer:
        text = "NODATA"
    return f"{text}, AD" if said.ad else text


def _shown(case: Case, aspect: str, wires: list[bytes]) -> str:
    flags = f"{' DO' * case.question.do}{' CD' * case.question.cd}{' AD' * case.question.ad}"
    lines = [f"--- {aspect}: {case.question.name} {case.question.rdtype.name}{flags}"]
    for name, wire in zip(("splitdns", "Unbound", "BIND"), wires, strict=True):
        lines.append(f"{name}:\n{dns.message.from_wire(wire)}")
    return "\n".join(lines)

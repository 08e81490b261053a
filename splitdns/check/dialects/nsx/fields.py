"""Words in an edge's XML: addresses, ports, protocols, each with the place of what is wrong with it.

NSX for vSphere API guide, "Working with NSX Edge"; vCloud API schema reference, ``GatewayNatRuleType`` and
``FirewallRuleType``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.nsx.values import Traffic
from splitdns.check.dialects.xml_places import Element
from splitdns.check.model import ICMP, ICMP6, SCTP, TCP, UDP, WITH_PORTS, Note, Origin, Support
from splitdns.check.sets import PORTS, Address, Numbers, Prefix, numbers_of
from splitdns.errors import ConfigError, Problems, Where
from splitdns.value import value

ANY = ("any", "", "-1")

_PROTOCOLS = {
    "tcp": (TCP,),
    "udp": (UDP,),
    "tcpudp": (TCP, UDP),
    "icmp": (ICMP,),
    "icmpv4": (ICMP,),
    "icmpv6": (ICMP6,),
    "ipv6-icmp": (ICMP6,),
    "igmp": (2,),
    "gre": (47,),
    "ipv6gre": (47,),
    "esp": (50,),
    "ipv6esp": (50,),
    "ah": (51,),
    "ipv6ah": (51,),
    "sctp": (SCTP,),
}
_ICMP_TYPES = {
    "echo-reply": 0,
    "destination-unreachable": 3,
    "source-quench": 4,
    "redirect": 5,
    "echo-request": 8,
    "router-advertisement": 9,
    "router-solicitation": 10,
    "time-exceeded": 11,
    "parameter-problem": 12,
    "timestamp-request": 13,
    "timestamp-reply": 14,
    "address-mask-request": 17,
    "address-mask-reply": 18,
}
_PORT = re.compile(r"([0-9]{1,5})(?:\s*-\s*([0-9]{1,5}))?")


@dataclass(slots=True)
class Reader:
    """Mistakes and notes of all texts; what is wrong is collected, and read as nothing."""

    problems: Problems = field(default_factory=Problems)
    notes: list[Note] = field(default_factory=list)

    def wrong(self, where: Where, expected: str, found: str) -> None:
        shown = repr(f"{found:.60}") if found else "nothing"
        self.problems.error(ConfigError(where, f"expected {expected}, found {shown}"))

    def note(self, support: Support, name: str, where: Where, text: str, reason: str) -> None:
        self.notes.append(Note(support, name, Origin(where, text), reason))

    def unknown_children(self, element: Element, known: frozenset[str], text: str) -> tuple[str, ...]:
        """What stands in ``element`` that nobody here knows, noted; each may change what a rule means."""
        found = []
        for one in element.children:
            if one.tag not in known:
                reason = f"<{one.tag}> is not known here"
                self.note(Support.UNKNOWN, f"<{one.tag}> of a rule", one.where, text, reason)
                found.append(reason)
        return tuple(found)

    def truth(self, element: Element, *path: str, usual: bool) -> bool:
        word = element.value(*path).lower()
        if word in ("true", "false"):
            return word == "true"
        if word:
            self.wrong(_where(element, *path), "true or false", word)
        return usual

    # --- Addresses ------------------------------------------------------------------------------------------

    def address(self, word: str, where: Where) -> Address | None:
        try:
            return ip_address(word)
        except ValueError:
            self.wrong(where, "an address", word)
            return None

    def prefix(self, word: str, mask: str, where: Where) -> Prefix | None:
        """The network of an address and a mask, 255.255.255.0 or 24."""
        try:
            return ip_network(f"{word}/{mask}", strict=False)
        except ValueError:
            self.wrong(where, "an address and the mask of its network", f"{word} {mask}".strip())
            return None

    def addresses(self, word: str, where: Where) -> tuple[int, Numbers] | None:
        """Of an address, a prefix, a range with a dash, or several with commas, all of one family."""
        found: list[tuple[int, Numbers]] = []
        for part in word.split(","):
            one = _addresses(part.strip())
            if one is None or (found and found[0][0] != one[0]):
                self.wrong(where, "an address, a prefix, a range like 192.0.2.1-192.0.2.9, or any", word)
                return None
            found.append(one)
        numbers = Numbers.of(*(pair for _, one in found for pair in one.ranges))
        return found[0][0], numbers

    # --- Ports and protocols --------------------------------------------------------------------------------

    def ports(self, word: str, where: Where) -> Numbers | None:
        """None: any."""
        if word.lower() in ANY:
            return None
        found = []
        for part in word.split(","):
            match = _PORT.fullmatch(part.strip())
            low = int(match[1]) if match else -1
            high = int(match[2]) if match and match[2] else low
            if not 0 <= low <= high <= 65_535:
                self.wrong(where, "a port, a range like 8000-8010, or any", word)
                return None
            found.append((low, high))
        return Numbers.of(*found)

    def protocol(self, word: str, where: Where, text: str) -> tuple[Numbers | None, str]:
        """The protocols (None: any), and why they may be others, if they may."""
        word = word.lower()
        if word in ANY:
            return None, ""
        if word in _PROTOCOLS:
            return Numbers.of(*((one, one) for one in _PROTOCOLS[word])), ""
        if word.isdecimal() and len(word) <= 3 and int(word) <= 255:
            return Numbers.one(int(word)), ""
        reason = f"the protocol {word!r:.40} is not known here"
        self.note(Support.UNKNOWN, f"protocol {word:.40}", where, text, reason)
        return None, reason

    def icmp_types(self, word: str, where: Where, text: str) -> tuple[Numbers | None, str]:
        """The types (None: any), and why they may be others, if they may."""
        word = word.lower()
        if word in ANY:
            return None, ""
        if word in _ICMP_TYPES:
            return Numbers.one(_ICMP_TYPES[word]), ""
        if word.isdecimal() and len(word) <= 3 and int(word) <= 255:
            return Numbers.one(int(word)), ""
        reason = f"the type {word!r:.40} of ICMP is not known here"
        self.note(Support.WIDENED, f"ICMP type {word:.40}", where, text, reason)
        return None, reason

    def traffic(self, words: Words, where: Where, text: str) -> Traffic:
        """What a rule's words say; ports without a protocol are those of every one that has ports."""
        protocols, unknown = self.protocol(words.protocol, where, text)
        ports, source_ports = self.ports(words.port, where), self.ports(words.source_port, where)
        icmp_types = None
        if protocols in (Numbers.one(ICMP), Numbers.one(ICMP6)):
            icmp_types, unknown = self.icmp_types(words.icmp_type, where, text)
            ports = source_ports = None
        elif ports is not None or source_ports is not None:
            ports = None if ports == PORTS else ports
            protocols = protocols or Numbers.of(*((one, one) for one in WITH_PORTS))
        return Traffic(protocols, ports, source_ports, icmp_types, unknown)


@value(frozen=True, slots=True)
class Words:
    """Traffic as it is written."""

    protocol: str
    port: str = ""
    source_port: str = ""
    icmp_type: str = ""


def _where(element: Element, *path: str) -> Where:
    found = element.child(*path)
    return element.where if found is None else found.where


def _addresses(word: str) -> tuple[int, Numbers] | None:
    low, dash, high = word.partition("-")
    try:
        if not dash:
            prefix = ip_network(word, strict=False)
            return prefix.version, numbers_of(prefix)
        first, last = ip_address(low.strip()), ip_address(high.strip())
    except ValueError:
        return None
    if first.version != last.version or int(first) > int(last):
        return None
    return first.version, Numbers.of((int(first), int(last)))

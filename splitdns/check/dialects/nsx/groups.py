"""Grouping objects: sets of addresses and applications, to which an edge's rules refer by number only.

They stand in lists of their own (``/api/2.0/services/ipset/scope/…``, ``…/application/scope/…``), which are
read as further texts. A rule that refers to one that no text tells may be about anybody, or anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from splitdns.check.dialects.nsx.fields import Reader, Words
from splitdns.check.dialects.nsx.values import Traffic, numbers_by_family
from splitdns.check.dialects.xml_places import Element
from splitdns.check.sets import Numbers

ROOTS = ("list", "ipset", "application", "applicationGroup")
_MAX_MEMBERS = 10_000  # applications of all groups together, groups in groups included; beyond: not known


@dataclass(slots=True)
class Groups:
    """By ``objectId``: addresses by family, traffic, and the members of groups of applications."""

    addresses: dict[str, dict[int, Numbers]] = field(default_factory=dict)
    applications: dict[str, tuple[Traffic, ...]] = field(default_factory=dict)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def add(self, root: Element, reader: Reader) -> None:
        for one in root.children if root.tag == "list" else [root]:
            name = one.value("objectId")
            if one.tag == "ipset":
                parts = (
                    reader.addresses(part.strip(), one.where) for part in one.value("value").split(",")
                )
                self.addresses[name] = numbers_by_family([part for part in parts if part])
            elif one.tag == "application":
                self.applications[name] = tuple(_traffic(one, reader))
            elif one.tag == "applicationGroup":
                self.members[name] = tuple(member.value("objectId") for member in one.each("member"))

    def traffic(self, name: str) -> tuple[Traffic, ...] | None:
        """Of an application, or of all in a group; None where a part of it is not told."""
        found: list[Traffic] = []
        waiting, seen = [name], {name}
        while waiting:
            one = waiting.pop()
            if one in self.applications:
                found += self.applications[one]
            elif one in self.members and len(seen) < _MAX_MEMBERS:
                more = [member for member in self.members[one] if member not in seen]
                seen.update(more)
                waiting += more
            else:
                return None
        return tuple(found)


def _traffic(application: Element, reader: Reader) -> Iterable[Traffic]:
    for element in application.each("element"):
        protocol = element.value("applicationProtocol")
        value, source = element.value("value"), element.value("sourcePort")
        text = application.value("name", usual=application.value("objectId"))
        is_icmp = protocol.lower().startswith(("icmp", "ipv6icmp"))
        words = (
            Words("icmpv6" if "6" in protocol else "icmp", icmp_type=value)
            if is_icmp
            else Words(protocol, value, source)
        )
        yield reader.traffic(words, element.where, text)

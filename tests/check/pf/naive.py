"""pf in a few lines, as its manual tells it: one packet, rule after rule, on its way in and on its way out.

It shares the grammar with the reader, and nothing of how rules become chains. Rules ask for prefixes, ports,
interfaces and tags only, and keep state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network

from splitdns.check.dialects.pf.grammar import Grammar
from splitdns.check.dialects.pf.values import Anchor, Does, Filter, Host, Rule, Target, Written
from splitdns.check.dialects.printed import Printed
from splitdns.errors import Problems

OWN = ("203.0.113.7", "192.168.1.1", "192.168.20.1")
_LINKS = {"192.168.1.0/24": "em1", "192.168.20.0/24": "em2"}


@dataclass(frozen=True)
class Packet:
    source: str
    destination: str
    port: int
    came: str
    leaves: str = ""
    tag: str = ""


def read(text: str) -> Written:
    problems = Problems()
    grammar = Grammar([], problems)
    grammar.file(Printed(text, "pf.conf"))
    assert problems.errors == []
    return grammar.written


def passed(written: Written, packet: Packet) -> Packet | None:
    """As it arrives; None: a rule blocks it."""
    came = _one_way(written, packet, "in")
    if came is None or came.destination in OWN:
        return came
    at = ip_address(came.destination)
    leaves = next((face for link, face in _LINKS.items() if at in ip_network(link)), "em0")
    return _one_way(written, replace(came, leaves=leaves), "out")


def _one_way(written: Written, packet: Packet, direction: str) -> Packet | None:
    passes = False
    if written.first_old is not None:
        packet, passes = _translated_first(written, packet, direction)
    if passes:
        return packet
    run = _Run(packet, direction)
    run.through(written.rules)
    if run.last is None:
        return packet
    if run.last.does is Does.BLOCK:
        return None
    target = run.last.rdr if direction == "in" else run.last.nat
    return _led(run.packet, target, direction)


def _translated_first(written: Written, packet: Packet, direction: str) -> tuple[Packet, bool]:
    kind = "rdr" if direction == "in" else "nat"
    for one in written.translations:
        if one.kind == kind and _holds(one.when, packet, direction):
            if one.target is None:
                return packet, False
            return _led(replace(packet, tag=one.tag or packet.tag), one.target, direction), one.passes
    return packet, False


@dataclass
class _Run:
    """Through the rules once; a match changes what later rules see."""

    packet: Packet
    direction: str
    last: Rule | None = None
    decided: int = 0

    def through(self, rules: Sequence[Rule | Anchor]) -> bool:
        """Whether no further rule is to be asked."""
        for rule in rules:
            is_met = rule.direction in ("", self.direction)
            if not is_met or not _holds(rule.when, self.packet, self.direction):
                continue
            if isinstance(rule, Anchor):
                before = self.decided
                if self.through(rule.rules) or (rule.quick and self.decided > before):
                    return True
                continue
            self.packet = replace(self.packet, tag=rule.tag or self.packet.tag)
            if rule.does is Does.MATCH:
                target = rule.rdr if self.direction == "in" else rule.nat
                self.packet = _led(self.packet, target, self.direction)
                continue
            self.last = rule
            self.decided += 1
            if rule.quick:
                return True
        return False


def _led(packet: Packet, target: Target | None, direction: str) -> Packet:
    if target is None:
        return packet
    if direction == "out":
        return replace(packet, source=target.hosts[0].name)
    port = target.ports[0] if target.ports else packet.port
    return replace(packet, destination=target.hosts[0].name, port=port)


def _holds(when: Filter, packet: Packet, direction: str) -> bool:
    face = packet.came if direction == "in" else packet.leaves
    return (
        (not when.on or any((one.name == face) is not one.negated for one in when.on))
        and _is_one(when.sources, packet.source)
        and _is_one(when.destinations, packet.destination)
        and (when.destination_ports is None or packet.port in when.destination_ports)
        and (when.tagged is None or (packet.tag == when.tagged.name) is not when.tagged.negated)
        and all((one.name == packet.came) is not one.negated for one in when.received_on)
    )


def _is_one(hosts: Sequence[Host], address: str) -> bool:
    at = ip_address(address)
    return not hosts or any(
        one.prefix is not None and (at in one.prefix) is not one.negated for one in hosts
    )

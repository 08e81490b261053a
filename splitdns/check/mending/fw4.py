"""What the rules of an OpenWrt gateway tell of its zones and redirects, for who writes new ones.

A change names addresses, and fw4 wants zones. They are read from the chains: each zone has a rule in the
forward chain that jumps to its own, and each rule says of which section it was made.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property

from splitdns.check.around import PROTOCOLS
from splitdns.check.changes import Forward
from splitdns.check.model import (
    Addresses,
    Chain,
    Gateway,
    InterfaceAddress,
    Interfaces,
    Jump,
    Masquerade,
    Ports,
    Protocols,
    Rule,
    Side,
    Translate,
)
from splitdns.check.sets import Address, Numbers
from splitdns.value import value

TABLE = "openwrt fw4"
REFLECTION = "reflection"
_SECTION = re.compile(r"firewall\.(@redirect\[([0-9]+)\]|[A-Za-z0-9_]+)=redirect(?: |$)")


@value(frozen=True, slots=True)
class Section:
    """A redirect of the configuration: what ``uci`` calls it, whatever is put before it, and its options."""

    id: str
    options: dict[str, str]


class Fw4:
    """Of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.network = gateway.network
        self._chains = {one.name: one for one in gateway.ruleset.chains if one.table == TABLE}
        notes = (note.origin.text for note in gateway.ruleset.notes)
        rules = (rule.origin.text for chain in self._chains.values() for rule in chain.rules)
        self._redirects = len({match[1] for text in (*rules, *notes) if (match := _SECTION.match(text))})

    @cached_property
    def zones(self) -> dict[str, frozenset[str]]:
        """The devices of each zone."""
        found: dict[str, frozenset[str]] = {}
        for rule in self._rules("forward"):
            if isinstance(rule.action, Jump) and rule.action.chain.startswith("forward_"):
                names = (
                    name
                    for one in rule.conditions
                    if isinstance(one, Interfaces) and not one.negated
                    for name in one.names
                )
                zone = rule.action.chain.removeprefix("forward_")
                found[zone] = found.get(zone, frozenset()) | frozenset(names)
        return found

    def zone_of(self, device: str) -> str | None:
        return next((zone for zone, devices in self.zones.items() if device in devices), None)

    def zone_towards(self, address: Address) -> str | None:
        """The zone in whose networks an address is, or to which a route leads."""
        for face in self.network.interfaces:
            if any(address in own.prefix for own in face.addresses):
                return self.zone_of(face.name)
        routes = sorted(self.network.routes, key=lambda one: -one.prefix.prefixlen)
        ways = (one.interface for one in routes if address in one.prefix and one.interface)
        return self.zone_of(next(ways, ""))

    @cached_property
    def outside(self) -> str | None:
        """The zone of the uplink."""
        uplinks = (one.name for one in self.network.interfaces if one.uplink)
        return next((zone for name in uplinks if (zone := self.zone_of(name)) is not None), None)

    def inside(self) -> list[str]:
        return [zone for zone in self.zones if zone != self.outside]

    def masquerades(self, zone: str, family: int) -> bool:
        rules = self._rules(f"srcnat_{zone}")
        return any(isinstance(rule.action, Masquerade) and family in rule.families for rule in rules)

    def addresses(self, zone: str) -> list[InterfaceAddress]:
        devices = self.zones.get(zone, frozenset())
        return [own for face in self.network.interfaces if face.name in devices for own in face.addresses]

    def is_own(self, zone: str, address: Address) -> bool:
        """Whether a zone has the address, or may have: its own is leased, and told nowhere."""
        mine = [own.address for own in self.addresses(zone) if own.address.version == address.version]
        return address in mine or not mine

    # --- Redirects ------------------------------------------------------------------------------------------

    def redirect_to(self, change: Forward) -> Section | None:
        """The redirect by which the outside reaches the service already, and which only lacks reflections."""
        for rule in self._rules(f"dstnat_{self.outside}"):
            if not _meets(rule, change):
                continue
            return self._section(rule) if _leads(rule, change) else None
        return None

    def is_led_astray(self, zone: str, change: Forward) -> bool:
        """Whether a redirect of ``zone`` leads elsewhere what is sent to the service."""
        return any(
            _meets(rule, change) and not _leads(rule, change) for rule in self._rules(f"dstnat_{zone}")
        )

    def redirects_of(self, chain: str, to: Address, protocol: str, port: int) -> Iterator[Section]:
        """Those of a chain that lead a port to an address."""
        found = (rule for rule in self._rules(chain) if rule.origin.made_by != REFLECTION)
        for rule in found:
            action = rule.action
            leads = (
                isinstance(action, Translate) and action.addresses is not None and int(to) in action.addresses
            )
            if leads and _is_for(rule, protocol, (port, port)):
                section = self._section(rule)
                if section is not None:
                    yield section

    def _section(self, rule: Rule) -> Section | None:
        match = _SECTION.match(rule.origin.text)
        if match is None or rule.origin.made_by == REFLECTION:
            return None
        options = dict(word.partition("=")[::2] for word in _words(rule.origin.text))
        # From the end: what is put before it does not move it.
        name = match[1] if match[2] is None else f"@redirect[{int(match[2]) - self._redirects}]"
        return Section(f"firewall.{name}", options)

    # --- Chains ---------------------------------------------------------------------------------------------

    def sources_of(self, chain: str) -> list[str]:
        """The zones from whose chains of what is forwarded a chain is reached; ``*``: from all."""
        if chain == "forward" or chain in self._reached(self._only("forward")):
            return ["*"]
        return [zone for zone in self.zones if chain in self._reached([f"forward_{zone}"])]

    def _only(self, name: str) -> list[str]:
        """To where a base chain jumps, but for the chains of zones."""
        return [chain for chain in self._jumps(name) if not chain.startswith("forward_")]

    def _reached(self, names: Sequence[str]) -> set[str]:
        found: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._jumps(name)
        return found

    def _jumps(self, name: str) -> list[str]:
        return [rule.action.chain for rule in self._rules(name) if isinstance(rule.action, Jump)]

    def _rules(self, name: str) -> tuple[Rule, ...]:
        chain: Chain | None = self._chains.get(name)
        return () if chain is None else chain.rules


def _words(text: str) -> list[str]:
    """``name=value`` each; a list has its values one after the other, with blanks between."""
    try:
        words = shlex.split(text)[1:]
    except ValueError:
        return []
    found: list[str] = []
    for word in words:
        if re.match(r"[A-Za-z0-9_]+=", word):
            found.append(word)
        elif found:
            found[-1] += f" {word}"
    return found


def _meets(rule: Rule, change: Forward) -> bool:
    """Whether a rule decides about what is sent to the public address and port of ``change``."""
    if change.address.version not in rule.families or not _is_for(rule, change.protocol, change.port):
        return False
    ends = [one for one in rule.conditions if isinstance(one, Addresses) and one.side is Side.DESTINATION]
    return all(int(change.address) in one.numbers for one in ends)


def _is_for(rule: Rule, protocol: str, port: tuple[int, int]) -> bool:
    for one in rule.conditions:
        if isinstance(one, Protocols) and PROTOCOLS[protocol] not in one.numbers:
            return False
        if isinstance(one, Ports) and one.side is Side.DESTINATION and not one.numbers & Numbers.of(port):
            return False
    return True


def _leads(rule: Rule, change: Forward) -> bool:
    action = rule.action
    if not isinstance(action, Translate) or action.addresses != Numbers.one(int(change.to)):
        return False
    asked = (one for one in rule.conditions if isinstance(one, Ports) and one.side is Side.DESTINATION)
    ports = [one.numbers for one in asked]
    as_they_are = action.ports is None or action.ports in ports
    if change.port == change.to_port:
        return as_they_are
    return action.ports == Numbers.of(change.to_port)

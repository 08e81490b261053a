"""EdgeOS' ``port-forward``: one list from which the device makes translations, hairpins and acceptances.

What is sent to the address of ``wan-interface`` is led inside, before any ``service nat`` rule is asked.
With ``hairpin-nat`` that holds for what comes in by a ``lan-interface`` too, and clients on the server's own
network seem to be the gateway. With ``auto-firewall`` what comes in by the WAN for a server is accepted
before the rule sets of interfaces.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.vyos.groups import addresses_of
from splitdns.check.dialects.vyos.matches import conditions_of
from splitdns.check.dialects.vyos.reading import Reading, numbered, origin
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, address, ports, protocols
from splitdns.check.model import (
    TCP,
    UDP,
    Accept,
    Addresses,
    Condition,
    Hook,
    Interfaces,
    Masquerade,
    Origin,
    Ports,
    Protocols,
    Rule,
    Side,
    Translate,
)
from splitdns.check.sets import Address, Numbers, numbers_of
from splitdns.value import value

MADE_BY = "port-forward"
_READ = ("auto-firewall", "hairpin-nat", "lan-interface", "rule", "wan-interface")
_SAYS = frozenset({"disable", "forward-to", "original-port", "protocol", "wan-interface"})
_IPV4 = frozenset({4})


@value(frozen=True, slots=True)
class _Forward:
    asked: tuple[Condition, ...]
    wan: frozenset[str]
    protocols: Numbers
    original: Numbers
    to: Address
    to_ports: Numbers | None
    origin: Origin


class PortForward:
    """The list, read once; each part is asked for where its rules stand."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        node = reading.tree.at("port-forward")
        self._node = node
        self._forwards: list[_Forward] = []
        if node is None:
            return
        reading.rest(node, _READ)
        for _, rule in numbered(node.beneath("rule"), reading):
            if (forward := _forward(reading, rule)) is not None:
                self._forwards.append(forward)

    def nat(self, side: Side) -> Iterator[Rule]:
        """Before the rules of ``service nat``."""
        if side is Side.DESTINATION:
            ways = [*self._wan, *(self._lan if self._is_on("hairpin-nat") else ())]
            for way in ways:
                yield from self._translated(way)
        elif self._is_on("hairpin-nat"):
            for lan in self._lan:
                yield from self._hairpins(lan)

    def accepted(self, hook: Hook) -> Iterator[Rule]:
        """Before the rule sets of interfaces."""
        if hook is not Hook.FORWARD or not self._is_on("auto-firewall"):
            return
        for wan in self._wan:
            for one in self._of(wan):
                from_ = [each for each in one.asked if getattr(each, "side", None) is Side.SOURCE]
                yield Rule((_by(wan), *from_, *_to_server(one)), Accept(), one.origin, _IPV4)

    def _is_on(self, word: str) -> bool:
        return self._node is not None and self._node.value(word) == "enable"

    @property
    def _wan(self) -> list[str]:
        return [] if self._node is None else [one.word for one in self._node.beneath("wan-interface")]

    @property
    def _lan(self) -> list[str]:
        return [] if self._node is None else [one.word for one in self._node.beneath("lan-interface")]

    def _of(self, wan: str) -> Iterator[_Forward]:
        return (one for one in self._forwards if not one.wan or wan in one.wan)

    def _translated(self, way: str) -> Iterator[Rule]:
        for wan in self._wan:
            public = addresses_of(self._reading, wan, Side.DESTINATION, 4)
            for one in self._of(wan):
                has_own = any(getattr(each, "side", None) is Side.DESTINATION for each in one.asked)
                at = one.asked if has_own else (*public, *one.asked)
                asked = (_by(way), *at, Protocols(one.protocols), Ports(Side.DESTINATION, one.original))
                to = numbers_of(one.to)
                if one.to_ports is None or one.to_ports == one.original:
                    yield Rule(asked, Translate(Side.DESTINATION, to), one.origin, _IPV4)
                    continue
                if one.to_ports.single is None:  # a port that is in the target's range is kept
                    kept = (*asked, Ports(Side.DESTINATION, one.to_ports))
                    yield Rule(kept, Translate(Side.DESTINATION, to), one.origin, _IPV4)
                first = Numbers.one(one.to_ports.first)
                yield Rule(asked, Translate(Side.DESTINATION, to, first), one.origin, _IPV4)

    def _hairpins(self, lan: str) -> Iterator[Rule]:
        interface = self._reading.network.interface(lan)
        networks = [own.prefix for own in interface.addresses if own.prefix.version == 4] if interface else []
        for one in self._forwards:
            conditions = (
                Interfaces(Side.DESTINATION, frozenset({lan})),
                Addresses(Side.SOURCE, numbers_of(*networks)),
                *_to_server(one),
            )
            yield Rule(conditions, Masquerade(), one.origin, _IPV4)


def _by(name: str) -> Condition:
    return Interfaces(Side.SOURCE, frozenset({name}))


def _to_server(one: _Forward) -> tuple[Condition, ...]:
    to = Addresses(Side.DESTINATION, numbers_of(one.to))
    port = Ports(Side.DESTINATION, one.to_ports or one.original)
    return to, Protocols(one.protocols), port


def _forward(reading: Reading, rule: Node) -> _Forward | None:
    if "disable" in rule.children:
        return None
    to, original = rule.leaf("forward-to", "address"), rule.leaf("original-port")
    if to is None or original is None:
        reading.wrong(rule, "a rule with forward-to address and original-port")
        return None
    of_protocols = protocols(rule.value("protocol") or "tcp_udp")
    inside = rule.leaf("forward-to", "port")
    told = original
    try:
        outside = ports(original.word)
        if inside is not None:
            told = inside
        to_ports = None if inside is None else ports(inside.word)
        told = to
        server = address(to.word)
        if server.version != 4:
            raise Wrong("an address of IPv4")
    except Wrong as wrong:
        reading.wrong(told, str(wrong))
        return None
    if outside is None or of_protocols is None or (inside is not None and to_ports is None):
        reading.wrong(rule, "ports by their numbers, and tcp, udp or tcp_udp")
        return None
    both = Numbers.of((TCP, TCP), (UDP, UDP))
    # UniFi limits a rule to sources, to an address and to some of its uplinks, too.
    asked = tuple(conditions_of(reading, rule, 4, lets_through=True, besides=_SAYS))
    wan = frozenset(one.word for one in rule.beneath("wan-interface"))
    return _Forward(asked, wan, of_protocols & both, outside, server, to_ports, origin(rule, MADE_BY))

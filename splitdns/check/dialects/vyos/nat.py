"""Translations: VyOS' ``nat destination|source|static``, ``nat66``, and EdgeOS' ``service nat``.

Rules are asked in the order of their numbers, and the first that holds decides; ``exclude`` decides that
nothing is translated. A target range of ports keeps a port that is in it, and else takes its first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from splitdns.check.dialects.vyos.matches import Conditions, Never, conditions_of, inert
from splitdns.check.dialects.vyos.reading import Reading, numbered, origin
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.dialects.vyos.values import Wrong, address, interfaces, ports, prefix
from splitdns.check.model import (
    TCP,
    UDP,
    Accept,
    Action,
    Addresses,
    Chain,
    Hook,
    Masquerade,
    Netmap,
    Opaque,
    Ports,
    Priority,
    Protocols,
    Redirect,
    Rule,
    Side,
    Support,
    Translate,
)
from splitdns.check.sets import Numbers, numbers_of
from splitdns.value import value

_SAYS = frozenset(
    {"translation", "exclude", "disable", "type", "inside-address", "outside-address", "load-balance"}
)
_OF_TYPE = {"destination": "destination", "source": "source", "masquerade": "source"}


@value(frozen=True, slots=True)
class Target:
    """What addresses and ports a rule gives; ``is_masquerade`` and ``is_redirect``: the gateway's own."""

    addresses: Numbers | None = None
    netmap: Netmap | None = None
    ports: Numbers | None = None
    is_masquerade: bool = False
    is_redirect: bool = False
    opaque: str = ""


def read_nat(reading: Reading, before: Callable[[Side], Iterator[Rule]]) -> Iterator[Chain]:
    """The chains of both directions; ``before`` gives rules that are asked first."""
    hooks = {
        Side.DESTINATION: (Hook.PREROUTING, Priority.DSTNAT),
        Side.SOURCE: (Hook.POSTROUTING, Priority.SRCNAT),
    }
    for side, (hook, priority) in hooks.items():
        rules = (*before(side), *_static(reading, side), *_rules(reading, side))
        if rules:
            name = f"nat {side.value}" if reading.dialect == "vyos" else f"service nat {side.value}"
            yield Chain(f"{reading.dialect} nat", name, rules, hook, priority, is_nat=True)
    for path in (("nat", "cgnat"), ("nat64",)):
        if (node := reading.tree.at(*path)) is not None:
            reading.note(Support.WIDENED, node, "translations that are not modelled")


def _rules(reading: Reading, side: Side) -> Iterator[Rule]:
    for root, family in (("nat", 4), ("nat66", 6)):
        for _, node in numbered(reading.tree.beneath(root, side.value, "rule"), reading):
            yield from _rule(reading, node, side, family)
    for _, node in numbered(reading.tree.beneath("service", "nat", "rule"), reading):
        kind = node.value("type")
        if kind not in _OF_TYPE:
            if side is Side.DESTINATION:
                reading.wrong(node, f"a rule with type {', '.join(_OF_TYPE)}")
        elif _OF_TYPE[kind] == side.value:
            yield from _rule(reading, node, side, 4)


def _rule(reading: Reading, node: Node, side: Side, family: int) -> Iterator[Rule]:
    try:
        if "disable" in node.children:
            raise Never
        conditions = conditions_of(reading, node, family, lets_through=True, besides=_SAYS)
    except Never:
        yield inert(node, family)
        return
    target = Target() if "exclude" in node.children else _target(reading, node, side, family)
    if target is None:
        return
    for more, action in _actions(target, side):
        if more and not any(isinstance(one, Protocols) for one in conditions):
            more = [Protocols(Numbers.of((TCP, TCP), (UDP, UDP))), *more]
        yield Rule((*conditions, *more), action, origin(node), frozenset({family}))


def _target(reading: Reading, node: Node, side: Side, family: int) -> Target | None:
    """None: a mistake, which is told."""
    if "load-balance" in node.children:
        return _balanced(reading, node.children["load-balance"])
    told = node.at("translation")
    if told is None:  # EdgeOS
        told = node.at("inside-address" if side is Side.DESTINATION else "outside-address")
    if node.value("type") == "masquerade":
        return Target(is_masquerade=True, ports=_ports(reading, told))
    if told is None or not told.children:
        reading.wrong(node, "a rule with translation, or exclude")
        return None
    reading.rest(told, ("address", "port", "redirect"), ("options",))
    if "redirect" in told.children:
        return Target(is_redirect=True, ports=_ports(reading, told.children["redirect"]))
    place = told.leaf("address")
    numbers = _ports(reading, told)
    if place is None:
        return Target(ports=numbers)
    if place.word == "masquerade":
        return Target(is_masquerade=True, ports=numbers)
    try:
        if "/" in place.word and prefix(place.word).num_addresses > 1:
            return Target(netmap=Netmap(side, prefix(place.word)), ports=numbers)
        low, dash, high = place.word.partition("-")
        first = address(low.partition("/")[0])
        last = address(high) if dash else first
        if first.version != family or last.version != family:
            raise Wrong(f"an address of IPv{family}")
        return Target(addresses=Numbers.of((int(first), int(last))), ports=numbers)
    except Wrong as wrong:
        reading.wrong(place, str(wrong))
        return None


def _balanced(reading: Reading, node: Node) -> Target:
    """Any of several servers."""
    found = Numbers()
    for one in node.beneath("backend"):
        try:
            found |= numbers_of(address(one.word))
        except Wrong as wrong:
            reading.wrong(one, str(wrong))
    return Target(addresses=found) if found else Target(opaque="load-balance")


def _ports(reading: Reading, told: Node | None) -> Numbers | None:
    leaf = None if told is None else told.leaf("port")
    if leaf is None:
        return None
    try:
        numbers = ports(leaf.word)
    except Wrong as wrong:
        reading.wrong(leaf, str(wrong))
        return None
    if numbers is None:
        reading.wrong(leaf, "a port's number")
    return numbers


def _actions(target: Target, side: Side) -> Iterator[tuple[Conditions, Action]]:
    """What the rule does, and for which ports: one that is in the target's range is kept."""
    if target == Target():
        yield [], Accept()
        return
    if target.opaque:
        yield [], Opaque(target.opaque)
        return
    if target.ports is None or target.ports.single is not None or side is Side.SOURCE:
        yield [], _action(target, side, target.ports)
        return
    yield [Ports(side, target.ports)], _action(target, side, None)
    yield [], _action(target, side, Numbers.one(target.ports.first))


def _action(target: Target, side: Side, to_ports: Numbers | None) -> Action:
    if target.is_masquerade:
        return Masquerade(to_ports)
    if target.is_redirect:
        return Redirect(to_ports)
    if target.netmap is not None:
        return target.netmap
    return Translate(side, target.addresses, to_ports)


# --- One to one ---------------------------------------------------------------------------------------------


def _static(reading: Reading, side: Side) -> Iterator[Rule]:
    """``nat static rule N``: one address outside is one inside, in both directions (VyOS since 1.4)."""
    for _, node in numbered(reading.tree.beneath("nat", "static", "rule"), reading):
        outside, inside = node.leaf("destination", "address"), node.leaf("translation", "address")
        if outside is None or inside is None:
            reading.wrong(node, "a rule with destination address and translation address")
            continue
        if side is Side.DESTINATION:
            reading.rest(node, ("destination", "translation", "inbound-interface"))
        name = node.value("inbound-interface")
        way = Side.SOURCE if side is Side.DESTINATION else Side.DESTINATION
        bound = None if name is None else interfaces(name, way)
        try:
            outer, inner = prefix(outside.word), prefix(inside.word)
        except Wrong as wrong:
            reading.wrong(outside, str(wrong))
            continue
        from_, to = (outer, inner) if side is Side.DESTINATION else (inner, outer)
        action: Action = Translate(side, numbers_of(to))
        if to.num_addresses > 1:
            action = Netmap(side, to)
        conditions = (*([bound] if bound else ()), Addresses(side, numbers_of(from_)))
        yield Rule(conditions, action, origin(node), frozenset({4}))

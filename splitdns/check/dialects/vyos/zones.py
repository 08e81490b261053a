"""Zone policies: what may pass from each zone to each other one.

What goes out to a zone needs a rule set for the zone it comes from; what has none meets the zone's default,
which drops. Traffic within a zone passes. The gateway itself may be a zone, ``local-zone``.
"""

from __future__ import annotations

from collections.abc import Iterator

from splitdns.check.dialects.vyos.firewall import state_policy, table_of
from splitdns.check.dialects.vyos.reading import Reading, origin
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.model import (
    Accept,
    Action,
    Chain,
    Condition,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Opaque,
    Reject,
    Rule,
    Side,
    Support,
)

_PRIORITY = 1  # after the filter's own chains
_PATHS = (("zone-policy", "zone"), ("firewall", "zone"))
_READ = frozenset({"default-action", "from", "interface", "intra-zone-filtering", "local-zone", "member"})
_KINDS = {4: "name", 6: "ipv6-name"}
_LOOPBACK: dict[Hook, Condition] = {
    Hook.INPUT: Interfaces(Side.SOURCE, frozenset({"lo"})),
    Hook.OUTPUT: Interfaces(Side.DESTINATION, frozenset({"lo"})),
}
_TERMINAL: dict[str, Action] = {"drop": Drop(), "reject": Reject()}


def read_zones(reading: Reading) -> Iterator[Chain]:
    """The chains of all zones, if there are any, after those of the filter."""
    zones = {one.word: one for path in _PATHS for one in reading.tree.beneath(*path)}
    if not zones:
        return
    for zone in zones.values():
        reading.rest(zone, _READ)
    yield _hook(reading, Hook.FORWARD, _forward(reading, zones))
    locals_ = [zone for zone in zones.values() if "local-zone" in zone.children]
    for local in locals_[:1]:
        to = [*_from(reading, local, zones), _default(local)]
        yield _hook(reading, Hook.INPUT, iter(to))
        yield _hook(reading, Hook.OUTPUT, _output(reading, local, zones))
    for zone in zones.values():
        if "local-zone" not in zone.children:
            rules = (*_within(reading, zone), *_from(reading, zone, zones), _default(zone))
            yield Chain(table_of(reading), f"zone {zone.word}", rules)


def _hook(reading: Reading, hook: Hook, rules: Iterator[Rule]) -> Chain:
    own = [Rule((_LOOPBACK[hook],), Accept(), origin(reading.tree))] if hook in _LOOPBACK else []
    whole = (*state_policy(reading), *own, *rules)
    return Chain(table_of(reading), f"zone {hook.value}", whole, hook, _PRIORITY)


def _members(zone: Node) -> frozenset[str]:
    named = (*zone.beneath("interface"), *zone.beneath("member", "interface"))
    return frozenset(one.word for one in named)


def _interfaces(zone: Node, side: Side) -> Condition:
    return Interfaces(side, _members(zone))


def _forward(reading: Reading, zones: dict[str, Node]) -> Iterator[Rule]:
    for zone in zones.values():
        if "local-zone" not in zone.children:
            jump = Jump(f"zone {zone.word}")
            yield Rule((_interfaces(zone, Side.DESTINATION),), jump, origin(zone))


def _from(reading: Reading, zone: Node, zones: dict[str, Node]) -> Iterator[Rule]:
    """For each zone that may send here, its rule set, and nothing after it."""
    for one in zone.beneath("from"):
        sender = zones.get(one.word)
        if sender is None:
            reading.wrong(one, f"a zone: {', '.join(zones)}")
        elif "local-zone" not in sender.children:
            yield from _through(reading, one, _interfaces(sender, Side.SOURCE))


def _through(reading: Reading, one: Node, condition: Condition) -> Iterator[Rule]:
    for family, kind in _KINDS.items():
        name = one.leaf("firewall", kind)
        if name is not None:
            families = frozenset({family})
            yield Rule((condition,), _rule_set(reading, name, family), origin(one), families)
            yield Rule((condition,), Accept(), origin(one), families)


def _rule_set(reading: Reading, name: Node, family: int) -> Action:
    """A rule set by its name: since 1.4 they stand beneath ``ipv4`` and ``ipv6``."""
    for path in ((_KINDS[family], name.word), (f"ipv{family}", "name", name.word)):
        if reading.tree.at("firewall", *path) is not None:
            return Jump(" ".join(path))
    reading.note(Support.WIDENED, name, "the rule set is not in this file")
    return Opaque(f"{name.word} is not in this file")


def _output(reading: Reading, local: Node, zones: dict[str, Node]) -> Iterator[Rule]:
    for zone in zones.values():
        if (one := zone.at("from", local.word)) is not None:
            yield from _through(reading, one, _interfaces(zone, Side.DESTINATION))
    yield _default(local)


def _within(reading: Reading, zone: Node) -> Iterator[Rule]:
    """What stays in the zone passes, unless the zone filters that too."""
    condition = _interfaces(zone, Side.SOURCE)
    filtering = zone.at("intra-zone-filtering")
    if filtering is not None:
        for family, kind in _KINDS.items():
            if (name := filtering.leaf("firewall", kind)) is not None:
                rule_set = _rule_set(reading, name, family)
                yield Rule((condition,), rule_set, origin(filtering), frozenset({family}))
        if (word := filtering.value("action")) in _TERMINAL:
            yield Rule((condition,), _TERMINAL[word], origin(filtering))
    yield Rule((condition,), Accept(), origin(zone))


def _default(zone: Node) -> Rule:
    told = zone.leaf("default-action")
    action = _TERMINAL.get(told.word if told is not None else "drop", Drop())
    return Rule((), action, origin(told or zone))

"""Policy routing: packets that get a mark as they come, by which another routing table is asked.

``policy route`` of VyOS and ``firewall modify`` of EdgeOS are the same thing: rule sets for what comes in by
an interface, whose first rule that holds decides. Of several uplinks that share the load, any may be taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

from splitdns.check.dialects.vyos.matches import Never, conditions_of, inert
from splitdns.check.dialects.vyos.reading import Reading, numbered, origin
from splitdns.check.dialects.vyos.tree import Node
from splitdns.check.model import (
    Accept,
    Action,
    Chain,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Of,
    Opaque,
    Pass,
    PolicyRule,
    Priority,
    Return,
    Route,
    Rule,
    SetMark,
    Side,
    Support,
)

_KINDS = {"route": 4, "route6": 6, "ipv6-route": 6, "modify": 4, "ipv6-modify": 6}
_SAYS = frozenset({"action", "disable", "modify", "set"})
# What is set beside a table changes no way.
_HARMLESS = frozenset({"dscp", "tcp-mss"})
_FIRST_PRIORITY = 100  # of the policy's own rules
_MAIN = PolicyRule(32_766, "main")  # as Linux has it
_DEFAULT = ip_network("0.0.0.0/0")


@dataclass(slots=True)
class _Tables:
    """The routing tables that are asked for, each with the mark that asks for it."""

    reading: Reading
    marks: dict[str, int] = field(default_factory=dict)

    def chain(self, name: str) -> str:
        """The chain that marks packets for a table."""
        self.marks.setdefault(name, len(self.marks) + 1)
        return f"table {name}"

    def chains(self) -> Iterator[Chain]:
        for name, mark in self.marks.items():
            place = origin(self.reading.tree)
            rules = Rule((), SetMark(Of.PACKET, mark), place), Rule((), Accept(), place)
            yield Chain(_table(self.reading), f"table {name}", rules)

    def rules(self) -> Iterator[PolicyRule]:
        for name, mark in self.marks.items():
            lines = self._lines(name)
            for one in lines[:-1]:
                words = "which uplink is taken of those that share the load"
                yield PolicyRule(_FIRST_PRIORITY + mark, one, mark=(mark, 0xFFFF_FFFF), unknown=words)
            last = lines[-1] if lines else name
            yield PolicyRule(_FIRST_PRIORITY + mark, last, mark=(mark, 0xFFFF_FFFF))
        if self.marks:
            yield _MAIN

    def routes(self) -> Iterator[Route]:
        """Of each line of a group that shares the load."""
        for name in self.marks:
            for line in self._lines(name):
                yield Route(_DEFAULT, line.rpartition(" ")[2], table=line)

    def _lines(self, name: str) -> list[str]:
        kind, _, group = name.partition(" ")
        if kind != "lb-group":
            return []
        members = self.reading.tree.beneath("load-balance", "group", group, "interface")
        return [f"lb-group {group} {one.word}" for one in members]


def _table(reading: Reading) -> str:
    return f"{reading.dialect} mangle"


def read_policy(reading: Reading) -> Iterator[Chain]:
    """The chains that mark; which tables their marks ask for goes into ``reading.network``."""
    tables = _Tables(reading)
    bound: list[Rule] = []
    sets: dict[tuple[str, str], Node] = {}
    for interface, kind, leaf in _bindings(reading):
        root = "firewall" if "modify" in kind else "policy"
        rule_set = reading.tree.at(root, kind, leaf.word)
        families = frozenset({_KINDS[kind]})
        condition = (Interfaces(Side.SOURCE, frozenset({interface})),)
        if rule_set is None:
            reading.note(Support.WIDENED, leaf, "the rule set is not in this file")
            action: Action = Opaque(f"{leaf.word} is not in this file")
        else:
            sets[kind, leaf.word] = rule_set
            action = Jump(f"{kind} {leaf.word}")
        bound.append(Rule(condition, action, origin(leaf), families))
    for (kind, name), node in sets.items():
        rules = tuple(_rules(reading, node, tables, _KINDS[kind]))
        yield Chain(_table(reading), f"{kind} {name}", rules)
    if bound:
        yield Chain(_table(reading), "prerouting", tuple(bound), Hook.PREROUTING, Priority.MANGLE)
    yield from tables.chains()
    network = reading.network
    reading.network = replace(
        network, policy=tuple(tables.rules()), routes=(*network.routes, *tables.routes())
    )


def _bindings(reading: Reading) -> Iterator[tuple[str, str, Node]]:
    """Interface, kind and name of each rule set that is asked."""
    for name, node in reading.interfaces.items():
        for kind in ("route", "ipv6-route", "route6"):
            yield from ((name, kind, leaf) for leaf in node.beneath("policy", kind))
        for kind in ("modify", "ipv6-modify"):
            yield from ((name, kind, leaf) for leaf in node.beneath("firewall", "in", kind))
    for kind in ("route", "route6", "ipv6-route"):
        for policy in reading.tree.beneath("policy", kind):
            yield from ((one.word, kind, policy) for one in policy.beneath("interface"))


def _rules(reading: Reading, node: Node, tables: _Tables, family: int) -> Iterator[Rule]:
    for _, rule in numbered(node.beneath("rule"), reading):
        action = _action(reading, rule, tables)
        try:
            if "disable" in rule.children:
                raise Never
            lets_through = not isinstance(action, Drop)
            conditions = conditions_of(reading, rule, family, lets_through=lets_through, besides=_SAYS)
        except Never:
            yield inert(rule, family)
            continue
        yield Rule(tuple(conditions), action, origin(rule), frozenset({family}))


def _action(reading: Reading, rule: Node, tables: _Tables) -> Action:
    word = rule.value("action")
    if word == "drop":
        return Drop()
    told = [*rule.beneath("set"), *rule.beneath("modify")]
    for one in told:
        value = one.value()
        if one.word == "table" and value is not None:
            return Accept() if value == "main" else Jump(tables.chain(value))
        if one.word == "lb-group" and value is not None:
            return Jump(tables.chain(f"lb-group {value}"))
        if one.word not in _HARMLESS:
            reading.note(Support.WIDENED, one, "not modelled")
            return Opaque(f"{one.word} {value}")
    if word == "accept":
        return Accept()
    return Return() if word == "return" else Pass()

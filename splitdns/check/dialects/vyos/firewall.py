"""Rule sets and where they are asked.

Up to VyOS 1.3, and in EdgeOS, a rule set is bound to an interface: ``in`` and ``out`` see what passes,
``local`` what is for the gateway. There an ``accept`` only ends its own rule set, and the one bound ``out``
is asked too: so these are base chains of their own. Since VyOS 1.4 ``forward``, ``input`` and ``output`` have
rules of their own.

Chains have the path of the command line for their name, so that a rule of the model is found there again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from splitdns.check.dialects.vyos.matches import Never, conditions_of, inert
from splitdns.check.dialects.vyos.reading import Reading, numbered, origin
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
    Pass,
    Priority,
    Reject,
    Return,
    Rule,
    Side,
    State,
    States,
    Support,
)

NAMES = {"name": 4, "ipv6-name": 6}
_SAYS = frozenset(
    {
        "action", "disable", "jump-target", "modify", "offload-target", "queue", "queue-options", "set",
        "synproxy",
    }
)  # fmt: skip
_HOOKS = {"forward": Hook.FORWARD, "input": Hook.INPUT, "output": Hook.OUTPUT, "prerouting": Hook.PREROUTING}
_PRIORITIES = {"filter": Priority.FILTER, "raw": Priority.RAW}
_DIRECTIONS = {
    "in": (Hook.FORWARD, Side.SOURCE),
    "out": (Hook.FORWARD, Side.DESTINATION),
    "local": (Hook.INPUT, Side.SOURCE),
}
_TERMINAL: dict[str, Action] = {"drop": Drop(), "reject": Reject()}
_STATES = (State.ESTABLISHED, State.INVALID, State.RELATED)  # in the order in which they are asked
_IGNORED = frozenset(
    {
        "all-ping", "broadcast-ping", "config-trap", "directed-broadcast", "ip-src-route",
        "ipv6-receive-redirects", "ipv6-src-route", "log-martians", "options", "receive-redirects",
        "resolver-cache", "resolver-interval", "send-redirects", "source-validation", "syn-cookies",
        "twa-hazards-protection", "flowtable", "timeout", "ipv6-source-validation",
    }
)  # fmt: skip
_READ = frozenset(
    {
        "group", "name", "ipv6-name", "ipv4", "ipv6", "zone", "state-policy", "global-options", "interface",
        "modify", "ipv6-modify", "bridge",
    }
)  # fmt: skip


def table_of(reading: Reading) -> str:
    """The name that all chains of this dialect's filter share."""
    return f"{reading.dialect} filter"


def read_firewall(reading: Reading, first: Callable[[Hook], Iterator[Rule]]) -> Iterator[Chain]:
    """All chains of the filter; ``first`` gives rules of a hook that are asked before those of interfaces."""
    firewall = reading.tree.at("firewall") or Node("firewall", reading.tree.where, ("firewall",))
    reading.rest(firewall, _READ, _IGNORED)
    if (options := firewall.at("global-options")) is not None:
        reading.rest(options, ("state-policy", "apply-to-bridged-traffic"), _IGNORED)
    for kind, family in NAMES.items():
        for node in firewall.beneath(kind):
            yield _named(reading, node, f"{kind} {node.word}", family)
    yield from _hooked(reading, first)
    for kind, family in (("ipv4", 4), ("ipv6", 6)):
        for base in firewall.beneath(kind):
            if base.word == "name":
                for node in base.children.values():
                    yield _named(reading, node, f"{kind} name {node.word}", family)
            elif base.word in _HOOKS:
                for node in base.children.values():
                    yield _base(reading, node, f"{kind} {base.word} {node.word}", family, base.word)
            else:
                reading.note(Support.UNKNOWN, base)
    if (bridge := firewall.at("bridge")) is not None:
        reading.note(Support.WIDENED, bridge, "rules for frames that are only bridged")


# --- Bound to interfaces ------------------------------------------------------------------------------------


def _hooked(reading: Reading, first: Callable[[Hook], Iterator[Rule]]) -> Iterator[Chain]:
    for direction, (hook, side) in _DIRECTIONS.items():
        rules = [*state_policy(reading), *first(hook)]
        for name, node in _bindings(reading):
            rules += _binding(reading, node, direction, Interfaces(side, frozenset({name})))
        if rules:
            yield Chain(table_of(reading), direction, tuple(rules), hook, Priority.FILTER)


def _bindings(reading: Reading) -> Iterator[tuple[str, Node]]:
    for name, node in reading.interfaces.items():
        if (bound := node.at("firewall")) is not None:
            yield name, bound
    for node in reading.tree.beneath("firewall", "interface"):  # early releases of VyOS 1.4
        yield node.word, node


def _binding(reading: Reading, node: Node, direction: str, condition: Condition) -> Iterator[Rule]:
    if direction == "in":
        reading.rest(node, _DIRECTIONS)
    for kind in node.beneath(direction):
        name = kind.leaf()
        if kind.word in ("modify", "ipv6-modify"):
            continue  # they choose routes
        if kind.word not in NAMES or name is None:
            reading.note(Support.UNKNOWN, kind)
            continue
        family = frozenset({NAMES[kind.word]})
        if reading.tree.at("firewall", kind.word, name.word) is None:
            reading.note(Support.WIDENED, name, "the rule set is not in this file")
            yield Rule((condition,), Opaque(f"{name.word} is not in this file"), origin(kind), family)
        else:
            yield Rule((condition,), Jump(f"{kind.word} {name.word}"), origin(kind), family)


def state_policy(reading: Reading) -> Iterator[Rule]:
    """``firewall state-policy`` (since 1.4 beneath ``global-options``), before everything else."""
    for path in (("firewall", "state-policy"), ("firewall", "global-options", "state-policy")):
        for state in _STATES:
            node = reading.tree.at(*path, state.value)
            if node is not None and (word := node.value("action")):
                action = _TERMINAL.get(word, Accept())
                yield Rule((States(frozenset({state})),), action, origin(node))


# --- Rule sets ----------------------------------------------------------------------------------------------


def _named(reading: Reading, node: Node, name: str, family: int) -> Chain:
    rules = [*_rules(reading, node, name, family), _default(reading, node, "drop", family)]
    reading.rest(node, ("rule", "default-action", "default-jump-target"), ("enable-default-log",))
    return Chain(table_of(reading), name, tuple(rules), families=frozenset({family}))


def _base(reading: Reading, node: Node, name: str, family: int, hook: str) -> Chain:
    """``forward filter`` and its like; it accepts what no rule decides."""
    priority = _PRIORITIES.get(node.word)
    if priority is None:
        reading.wrong(node, f"one of {', '.join(_PRIORITIES)}")
    policy = state_policy(reading) if hook != "prerouting" else ()
    rules = [*policy, *_rules(reading, node, name, family), _default(reading, node, "accept", family)]
    reading.rest(node, ("rule", "default-action", "default-jump-target"))
    return Chain(
        table_of(reading),
        name,
        tuple(rules),
        _HOOKS[hook],
        priority or Priority.FILTER,
        families=frozenset({family}),
    )


def _rules(reading: Reading, node: Node, name: str, family: int) -> Iterator[Rule]:
    of_names = name.rpartition(" ")[0] if "name" in name.split() else f"{name.split()[0]} name"
    for _, rule in numbered(node.beneath("rule"), reading):
        if "disable" in rule.children:
            yield inert(rule, family)
            continue
        action = _action(reading, rule, of_names)
        if action is None:
            continue
        lets_through = not isinstance(action, Drop | Reject | Opaque)
        try:
            conditions = conditions_of(reading, rule, family, lets_through=lets_through, besides=_SAYS)
        except Never:
            yield inert(rule, family)
            continue
        yield Rule(tuple(conditions), action, origin(rule), frozenset({family}))


def _action(reading: Reading, rule: Node, of_names: str) -> Action | None:
    word = rule.value("action")
    match word:
        case "accept":
            return Accept()
        case "drop" | "reject":
            return _TERMINAL[word]
        case "return":
            return Return()
        case "continue" | "offload" | "modify":
            return Pass()
        case "jump":
            return _jump(reading, rule, rule.leaf("jump-target"), of_names)
        case "queue" | "synproxy" | "inspect":
            reading.note(Support.WIDENED, rule, f"{word} may do anything with it")
            return Opaque(word)
    reading.wrong(rule, "a rule with action accept, drop, reject, jump, return or continue")
    return None


def _jump(reading: Reading, rule: Node, target: Node | None, of_names: str) -> Action | None:
    if target is None:
        reading.wrong(rule, "a rule with jump-target")
        return None
    if reading.tree.at("firewall", *of_names.split(), target.word) is None:
        reading.note(Support.WIDENED, target, "the rule set is not in this file")
        return Opaque(f"{target.word} is not in this file")
    return Jump(f"{of_names} {target.word}")


def _default(reading: Reading, node: Node, usual: str, family: int) -> Rule:
    """What becomes of a packet that no rule decided."""
    told = node.leaf("default-action")
    word = usual if told is None else told.word
    action: Action
    match word:
        case "accept":
            action = Accept()
        case "drop" | "reject":
            action = _TERMINAL[word]
        case "return" | "continue":
            action = Return()
        case "jump":
            of_names = " ".join(node.path[1:-1])
            action = _jump(reading, node, node.leaf("default-jump-target"), of_names) or Drop()
        case _:
            action = Drop()
            if told is not None:
                reading.wrong(told, "accept, drop, reject, return or jump")
    return Rule((), action, origin(told or node), frozenset({family}))


"""The firewall's chains, where RouterOS's packet flow has them (help.mikrotik.com, "Packet Flow").

It is netfilter's order under other names: ``dstnat`` is met in prerouting and ``srcnat`` in postrouting; the
filter sees what dstnat made of a packet. What no rule decides is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from splitdns.check.dialects.routeros.actions import Done, action_of
from splitdns.check.dialects.routeros.config import Config, Item
from splitdns.check.dialects.routeros.interfaces import Faces
from splitdns.check.dialects.routeros.lists import lists_of
from splitdns.check.dialects.routeros.matches import conditions
from splitdns.check.dialects.routeros.rule import Around, Marks, Reading
from splitdns.check.model import (
    Accept,
    Action,
    Chain,
    Condition,
    Hook,
    Jump,
    Network,
    Origin,
    Pass,
    Ports,
    Priority,
    Redirect,
    Rule,
    Ruleset,
    Side,
    Translate,
)
from splitdns.errors import ConfigError, Problems

TABLES = ("raw", "mangle", "filter", "nat")
TOP = {4: "ip", 6: "ipv6"}
_NAMES = {4: "routeros", 6: "routeros ipv6"}
# By table, the chains that packets meet by themselves.
_HOOKS: dict[str, dict[str, tuple[Hook, int]]] = {
    "raw": {
        "prerouting": (Hook.PREROUTING, Priority.RAW),
        "output": (Hook.OUTPUT, Priority.RAW),
    },
    "mangle": {
        "prerouting": (Hook.PREROUTING, Priority.MANGLE),
        "input": (Hook.INPUT, Priority.MANGLE),
        "forward": (Hook.FORWARD, Priority.MANGLE),
        "output": (Hook.OUTPUT, Priority.MANGLE),
        "postrouting": (Hook.POSTROUTING, Priority.MANGLE),
    },
    "filter": {
        "input": (Hook.INPUT, Priority.FILTER),
        "forward": (Hook.FORWARD, Priority.FILTER),
        "output": (Hook.OUTPUT, Priority.FILTER),
    },
    "nat": {
        "dstnat": (Hook.PREROUTING, Priority.DSTNAT),
        "output": (Hook.OUTPUT, Priority.DSTNAT),
        "input": (Hook.INPUT, Priority.SRCNAT),
        "srcnat": (Hook.POSTROUTING, Priority.SRCNAT),
    },
}


def items_of(config: Config, family: int, table: str) -> list[Item]:
    """The enabled rules of a table."""
    return config.of(f"{TOP[family]} firewall {table}")


def rules_of(config: Config, faces: Faces, network: Network, marks: Marks, problems: Problems) -> Ruleset:
    """All chains of both families; what is wrong in rules goes to ``problems``."""
    whole = Ruleset()
    has_ipsec = bool(config.of("ip ipsec policy", "ip ipsec identity", "ip ipsec peer"))
    for family in (4, 6):
        lists = lists_of(config, network, family, problems)
        around = Around(config, faces, lists, marks, family, has_ipsec)
        for table in TABLES:
            whole = whole.with_(_table(around, table, problems))
    return whole


def _table(around: Around, table: str, problems: Problems) -> Ruleset:
    name, family = f"{_NAMES[around.family]} {table}", around.family
    items = items_of(around.config, family, table)
    read: dict[str, list[Rule]] = {}
    more: list[Chain] = []
    for item in items:
        rules = read.setdefault(item.get("chain"), [])
        try:
            for rule, ends in _rules(around, item):
                if ends:
                    last = f"passthrough=no at {item.origin.where}"
                    more.append(_chain(around, name, last, [rule, _accepting(rule)]))
                    rule = replace(rule, action=Jump(last))
                elif isinstance(rule.action, Jump):
                    read.setdefault(rule.action.chain, [])
                rules.append(rule)
        except ConfigError as error:
            problems.error(error)
    hooks = _HOOKS[table]
    chains = [
        _chain(around, name, chain, rules, hooks.get(chain), is_nat=table == "nat")
        for chain, rules in read.items()
    ]
    return Ruleset((*chains, *more), rules=len(items))


def _chain(
    around: Around,
    table: str,
    name: str,
    rules: Sequence[Rule],
    hook: tuple[Hook, int] | None = None,
    *,
    is_nat: bool = False,
) -> Chain:
    families = frozenset({around.family})
    if hook is None:
        return Chain(table, name, tuple(rules), is_nat=is_nat, families=families)
    return Chain(table, name, tuple(rules), hook[0], hook[1], is_nat=is_nat, families=families)


def _accepting(rule: Rule) -> Rule:
    return replace(rule, conditions=(), action=Accept())


def _rules(around: Around, item: Item) -> Iterator[tuple[Rule, bool]]:
    """The rules that one rule is here, and whether nothing of its table comes after it.

    Raises:
        ConfigError: something in it has a value that it cannot have.
    """
    if not item.has("chain"):
        raise ConfigError(item.origin.where, "expected a chain, found none")
    reading = Reading(item, around, item.get("action", "accept"))
    done: Done = action_of(reading)
    found = conditions(reading)
    reading.keep_notes(effective=not isinstance(done.action, Pass))
    origin = item.origin
    if item.dynamic:
        origin = Origin(origin.where, origin.text, "UPnP" if "upnp" in origin.text.lower() else "the device")
    families = frozenset({around.family})
    for narrowed, action in _by_port(found, done.action):
        yield Rule(narrowed, action, origin, families), done.ends


def _by_port(
    found: tuple[Condition, ...], action: Action
) -> Iterator[tuple[tuple[Condition, ...], Action]]:
    """Of a range of ports to lead to, a packet's own is kept where it is in it (nf_nat_core.c).

    Which of the others another port becomes depends on the kernel's version.
    """
    is_forward = isinstance(action, Redirect) or (
        isinstance(action, Translate) and action.side is Side.DESTINATION
    )
    if is_forward:
        assert isinstance(action, Redirect | Translate)
        if action.ports is not None and action.ports.single is None:
            yield (*found, Ports(Side.DESTINATION, action.ports)), replace(action, ports=None)
    yield found, action

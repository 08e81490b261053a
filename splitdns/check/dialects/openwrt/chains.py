"""The chains that fw4 loads, around the rules that sections make (firewall4, ``ruleset.uc``).

What comes to a hook is accepted if it belongs to a known connection, then meets the rules for all zones, then
the chain of the zone that it came from, and at last the default. A zone's chain has its rules, accepts what a
redirect has sent on its way, and ends with the zone's own policy, which for what is forwarded is that towards
its own devices only.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from splitdns.check.dialects.openwrt.rules import REJECT, Placed
from splitdns.check.dialects.openwrt.values import BOTH, among
from splitdns.check.dialects.openwrt.zones import Defaults, Zone
from splitdns.check.model import (
    TCP,
    Accept,
    Action,
    Chain,
    Condition,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Masquerade,
    Origin,
    Priority,
    Protocols,
    Reject,
    Return,
    Rule,
    Side,
    State,
    States,
    TcpFlags,
    Translated,
)
from splitdns.check.sets import Numbers
from splitdns.errors import Where

TABLE = "openwrt fw4"
SYN_FLOOD = "syn_flood"
_VERDICTS: dict[str, Action] = {"accept": Accept(), "drop": Drop(), "reject": Jump(REJECT)}
_KNOWN = States(frozenset({State.ESTABLISHED, State.RELATED}))
_INVALID = States(frozenset({State.INVALID}))
_NEW_SYN = TcpFlags(mask=0x17, value=0x02)  # of FIN, SYN, RST and ACK, SYN alone
_MANGLE = {
    "prerouting": Hook.PREROUTING,
    "postrouting": Hook.POSTROUTING,
    "input": Hook.INPUT,
    "output": Hook.OUTPUT,
    "forward": Hook.FORWARD,
}
_LOOPBACK = {Hook.INPUT: Side.SOURCE, Hook.OUTPUT: Side.DESTINATION}


def chains_of(
    defaults: Defaults, zones: Mapping[str, Zone], placed: Sequence[Placed], where: Where
) -> tuple[Chain, ...]:
    """All chains; ``where`` is the place of what no section says."""
    return tuple(_Writer(defaults, list(zones.values()), placed, where).all())


class _Writer:
    def __init__(
        self, defaults: Defaults, zones: list[Zone], placed: Iterable[Placed], where: Where
    ) -> None:
        self._defaults = defaults
        self._zones = zones
        self._rules: dict[str, list[Rule]] = defaultdict(list)
        for one in placed:
            self._rules[one.chain].append(one.rule)
        self._origin = defaults.origin or Origin(where, "fw4's defaults")

    def all(self) -> Iterator[Chain]:
        yield self._untracking(Hook.PREROUTING, Side.SOURCE)
        for name, hook in _MANGLE.items():
            rules = tuple(self._rules[f"mangle_{name}"])
            yield Chain(TABLE, f"mangle_{name}", rules, hook, Priority.MANGLE)
        yield self._nat("dstnat", Hook.PREROUTING, Priority.DSTNAT, Side.SOURCE)
        yield self._nat("srcnat", Hook.POSTROUTING, Priority.SRCNAT, Side.DESTINATION)
        defaults = self._defaults
        for hook, policy in (
            (Hook.INPUT, defaults.input), (Hook.FORWARD, defaults.forward), (Hook.OUTPUT, defaults.output)
        ):  # fmt: skip
            yield self._filter(hook, policy)
        yield self._rejecting()
        if defaults.syn_flood:
            # The rate is not reached by one connection.
            yield Chain(TABLE, SYN_FLOOD, (self._rule(Return()), self._rule(Drop())))
        for zone in self._zones:
            yield from self._of_zone(zone)

    def _rule(self, action: Action, *conditions: Condition, origin: Origin | None = None) -> Rule:
        return Rule(conditions, action, origin or self._origin)

    # --- Base chains ----------------------------------------------------------------------------------------

    def _filter(self, hook: Hook, policy: str) -> Chain:
        rules: list[Rule] = []
        if hook in _LOOPBACK:
            rules.append(self._rule(Accept(), Interfaces(_LOOPBACK[hook], frozenset({"lo"}))))
        rules.append(self._rule(Accept(), _KNOWN))
        if self._defaults.drop_invalid:
            rules.append(self._rule(Drop(), _INVALID))
        if hook is Hook.INPUT and self._defaults.syn_flood:
            rules.append(self._rule(Jump(SYN_FLOOD), Protocols(Numbers.one(TCP)), _NEW_SYN))
        rules += self._rules[hook.value]
        side = Side.DESTINATION if hook is Hook.OUTPUT else Side.SOURCE
        for zone in self._zones:
            rules += _jumps(zone, side, hook.value)
        if policy == "reject":
            rules.append(self._rule(Jump(REJECT)))
        return Chain(TABLE, hook.value, tuple(rules), hook, Priority.FILTER, accepts=policy == "accept")

    def _nat(self, name: str, hook: Hook, priority: Priority, side: Side) -> Chain:
        rules = list(self._rules[name])
        for zone in self._zones:
            if self._rules[f"{name}_{zone.name}"] or (name == "srcnat" and any(zone.masq.values())):
                rules += _jumps(zone, side, name)
        return Chain(TABLE, name, tuple(rules), hook, priority, is_nat=True)

    def _untracking(self, hook: Hook, side: Side) -> Chain:
        rules = [
            rule for zone in self._zones if self._rules[f"notrack_{zone.name}"]
            for rule in _jumps(zone, side, "notrack")
        ]  # fmt: skip
        return Chain(TABLE, "raw_prerouting", tuple(rules), hook, Priority.RAW)

    def _rejecting(self) -> Chain:
        tcp = Protocols(Numbers.one(TCP))
        rules = self._rule(Reject(reset=self._defaults.reset), tcp), self._rule(Reject())
        return Chain(TABLE, REJECT, rules)

    # --- Chains of a zone -----------------------------------------------------------------------------------

    def _of_zone(self, zone: Zone) -> Iterator[Chain]:
        name, origin = zone.name, zone.origin
        redirected = [
            self._rule(Accept(), Translated(Side.DESTINATION), origin=origin)
        ] if self._rules[f"dstnat_{name}"] else []  # fmt: skip
        ends = {
            "input": [*redirected, self._rule(Jump(f"{zone.input}_from_{name}"), origin=origin)],
            "output": [self._rule(Jump(f"{zone.output}_to_{name}"), origin=origin)],
            "forward": [*redirected, self._rule(Jump(f"{zone.forward}_to_{name}"), origin=origin)],
        }
        for hook, end in ends.items():
            yield Chain(TABLE, f"{hook}_{name}", (*self._rules[f"{hook}_{name}"], *end))
        for verdict, action in _VERDICTS.items():
            yield Chain(TABLE, f"{verdict}_from_{name}", tuple(_met(zone, Side.SOURCE, action)))
            leaks = [*_leaks(zone)] if verdict == "accept" else []
            yield Chain(
                TABLE, f"{verdict}_to_{name}", (*leaks, *_met(zone, Side.DESTINATION, action))
            )
        yield Chain(TABLE, f"dstnat_{name}", tuple(self._rules[f"dstnat_{name}"]))
        yield Chain(TABLE, f"srcnat_{name}", (*self._rules[f"srcnat_{name}"], *_masquerades(zone)))
        if self._rules[f"notrack_{name}"]:
            yield Chain(TABLE, f"notrack_{name}", tuple(self._rules[f"notrack_{name}"]))


def _jumps(zone: Zone, side: Side, what: str) -> Iterator[Rule]:
    for families, conditions in zone.met(side):
        yield Rule(conditions, Jump(f"{what}_{zone.name}"), zone.origin, families)


def _met(zone: Zone, side: Side, action: Action) -> Iterator[Rule]:
    for families, conditions in zone.met(side):
        yield Rule(conditions, action, zone.origin, families)


def _leaks(zone: Zone) -> Iterator[Rule]:
    """What belongs to no connection would leave with its inside address."""
    masked = frozenset(version for version, is_on in zone.masq.items() if is_on)
    if not masked or zone.masq_allow_invalid:
        return
    for families, conditions in zone.met(Side.DESTINATION):
        if families & masked:
            yield Rule((*conditions, _INVALID), Drop(), zone.origin, families & masked)


def _masquerades(zone: Zone) -> Iterator[Rule]:
    for version, is_on in zone.masq.items():
        if is_on and version in BOTH:
            conditions = [
                *among(Side.SOURCE, zone.masq_src, version),
                *among(Side.DESTINATION, zone.masq_dest, version),
            ]
            yield Rule(tuple(conditions), Masquerade(), zone.origin, frozenset({version}))

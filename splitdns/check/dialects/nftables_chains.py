"""Chains of nft as chains of the model.

A chain at a device (hooks ingress and egress) sees only that device's frames, its policy included, and the
model has no such chains: there a base chain sends those frames into the chain itself. Some versions of nft
print neither the device nor whether a table sleeps; whether a packet is concerned is unknown then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.dialects.json_places import Json, Misshapen, whole, word
from splitdns.check.dialects.nftables_terms import BOTH
from splitdns.check.rules import (
    Chain,
    Condition,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Origin,
    Rule,
    Side,
    Unknown,
)

FAMILIES = {
    "ip": frozenset({4}),
    "ip6": frozenset({6}),
    "inet": BOTH,
    "bridge": BOTH,
    "netdev": BOTH,
    "arp": frozenset[int](),
}
_HOOKS = {**{hook.value: hook for hook in Hook}, "egress": Hook.POSTROUTING}
_AT_DEVICES = {"ingress": Side.SOURCE, "egress": Side.DESTINATION}
_LAST = 2**31 - 1  # a priority after all others: frames leave when all else is done


def table_name(family: str, table: str) -> str:
    return f"nft {family} {table}"


def device_is_missing(body: dict[str, Json]) -> bool:
    """Whether it is a chain at a device, and nothing is said of which."""
    hook = body.get("hook")
    return isinstance(hook, str) and hook in _AT_DEVICES and not body.get("dev")


def inner_chain(family: str, table: str, name: str, rules: Sequence[Rule]) -> Chain:
    """A chain that others jump to."""
    return Chain(
        table_name(family, table), name, tuple(rules), families=FAMILIES[family], bridged=family == "bridge"
    )


def chains(
    family: str,
    table: str,
    name: str,
    body: dict[str, Json],
    rules: Sequence[Rule],
    origin: Origin,
    gates: Sequence[Condition] = (),
) -> Iterator[Chain]:
    """What a ``chain`` object with these ``rules`` is; ``origin`` is its own.

    ``gates``: what must hold for a base chain to see a packet at all.

    Raises:
        Misshapen: it is not of the shape that nft prints.
    """
    if body.get("hook") is None:
        yield inner_chain(family, table, name, rules)
        return
    hook = word(body["hook"], "a hook")
    if hook not in _HOOKS:
        raise Misshapen(f"expected a hook, one of {' '.join(_HOOKS)}, found {hook!r}")
    priority = whole(body.get("prio", 0), "a priority")
    accepts = body.get("policy", "accept") != "drop"
    if hook in _AT_DEVICES:
        gates = (*gates, _device(body.get("dev"), _AT_DEVICES[hook], name))
        priority = _LAST if hook == "egress" else priority
    if gates:
        inside = f"{name} itself"
        yield inner_chain(family, table, inside, rules)
        if not accepts:
            both = (Rule((), Jump(inside), origin), Rule((), Drop(), origin))
            inside += " with its policy"
            yield inner_chain(family, table, inside, both)
        rules = (Rule(tuple(gates), Jump(inside), origin),)
        accepts = True
    yield Chain(
        table_name(family, table),
        name,
        tuple(rules),
        _HOOKS[hook],
        priority,
        is_nat=body.get("type") == "nat",
        accepts=accepts,
        families=FAMILIES[family],
        bridged=family == "bridge",
    )


def _device(devices: Json, side: Side, name: str) -> Condition:
    if not devices:
        return Unknown(f"at which device chain {name} stands")
    several = devices if isinstance(devices, list) else [devices]
    return Interfaces(side, frozenset(word(one, "a device") for one in several))

"""The model of a gateway's rules, in nobody's dialect, as a script for nft: any gateway, played by Linux.

Each table and chain of the model becomes one of nft, at the same hook and priority and in the same order, so
that a kernel does to packets what the model says that the gateway does. Where the model does not know,
nothing can be loaded, and ``UnsaidError`` says why.

    network.gateway.run("nft", "-f", "-", text_in=script(gateway.ruleset))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from splitdns.check.model import Chain, Goto, Hook, Of, Return, Rule, Ruleset, SetMark
from tests.lab.worded import UnsaidError, action, alternatives, exceptions, is_of_family

_FAMILIES = {frozenset({4}): "ip", frozenset({6}): "ip6", frozenset({4, 6}): "inet"}
_PROTOCOLS = {4: "ipv4", 6: "ipv6"}

Key = tuple[str, bool, frozenset[int]]


def script(ruleset: Ruleset) -> str:
    """What makes nft do as ``ruleset`` says.

    Raises:
        UnsaidError: it has what is not known, or cannot be said; with the rule's place.
    """
    tables: dict[Key, list[Chain]] = {}
    for chain in ruleset.chains:
        tables.setdefault((chain.table, chain.bridged, chain.families), []).append(chain)
    lines: list[str] = []
    for number, (key, chains) in enumerate(tables.items()):
        lines += _table(number, key, chains)
    return "".join(f"{line}\n" for line in lines)


def _table(number: int, key: Key, chains: list[Chain]) -> Iterator[str]:
    name, bridged, families = key
    kind = "bridge" if bridged else _FAMILIES[families]
    named = {chain.name: f"c{at}" for at, chain in enumerate(chains)}
    if len(named) != len(chains):
        raise UnsaidError(f"chains of one name in {name}")
    yield f"table {kind} t{number} {{  # {name}"
    heads: list[str] = []  # chains that rules jump to must be there before
    bodies: list[str] = []
    for chain in chains:
        writer = _Writer(chain, named, bridged)
        rules = [line for rule in chain.rules for line in writer.rule(rule)]
        heads += writer.helpers
        bodies += [f"chain {named[chain.name]} {{  # {chain.name}", *_head(chain), *rules, "}"]
    yield from (f"chain {named[one.name]} {{ }}" for one in chains if one.hook is None)
    yield from heads
    yield from bodies
    yield "}"


def _head(chain: Chain) -> Iterator[str]:
    if chain.hook is None:
        return
    if chain.hook is Hook.INGRESS:
        raise UnsaidError(f"{chain.name} stands at ingress, which is a device's")
    policy = "accept" if chain.accepts else "drop"
    yield f"type {_type(chain)} hook {chain.hook} priority {int(chain.priority)}; policy {policy};"


def _type(chain: Chain) -> str:
    if chain.is_nat:
        return "nat"
    marks = (isinstance(rule.action, SetMark) and rule.action.of is Of.PACKET for rule in chain.rules)
    return "route" if chain.hook is Hook.OUTPUT and any(marks) else "filter"


class _Writer:
    """The rules of one chain, and ``helpers``: chains for what must not hold."""

    def __init__(self, chain: Chain, named: Mapping[str, str], bridged: bool) -> None:
        self.helpers: list[str] = []
        self._chain = chain
        self._named = dict(named)
        self._family_of = "meta protocol" if bridged else "meta nfproto"
        self._bridged = bridged
        self._numbers = count()

    def rule(self, rule: Rule) -> Iterator[str]:
        """Its lines, one for each family and way in which it may hold.

        Raises:
            UnsaidError: with its place.
        """
        families = sorted(rule.families & self._chain.families)
        together = len(families) == len(self._chain.families) and not is_of_family(rule)
        try:
            for family in families[:1] if together else families:
                yield from self._of_family(rule, family, [] if together else self._only(family))
        except UnsaidError as error:
            raise UnsaidError(f"{rule.origin}: {error}") from None

    def _only(self, family: int) -> list[str]:
        if self._bridged:
            return [f"meta protocol {'ip' if family == 4 else 'ip6'}"]
        return [] if len(self._chain.families) == 1 else [f"meta nfproto {_PROTOCOLS[family]}"]

    def _of_family(self, rule: Rule, family: int, only: list[str]) -> Iterator[str]:
        does = action(rule, family, self._named)
        if but := exceptions(rule, family):
            if isinstance(rule.action, Return | Goto):
                raise UnsaidError("leaving a chain for all but a set of tuples")
            helper = f"{self._named[self._chain.name]}_{next(self._numbers)}"
            left = [" ".join([*terms, "return"]) for terms in but]
            self.helpers += [f"chain {helper} {{", *left, does, "}"]
            does = f"jump {helper}"
        for terms in alternatives(rule, family):
            yield " ".join([*only, *terms, does])

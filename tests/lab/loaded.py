"""The model of a gateway's rules, in nobody's dialect, as a script for nft: any gateway, played by Linux.

Each table and chain of the model becomes one of nft, at the same hook and priority and in the same order, so
that a kernel does to packets what the model says that the gateway does. Where the model does not know,
nothing can be loaded, and ``UnsaidError`` says why.

    network.gateway.run("nft", "-f", "-", text_in=script(gateway.ruleset))
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import count

from splitdns.check.model import Chain, Goto, Hook, Jump, Of, Return, Rule, Ruleset, SetMark
from tests.lab.worded import UnsaidError, action, alternatives, exceptions, is_of_family

_FAMILIES = {frozenset({4}): "ip", frozenset({6}): "ip6", frozenset({4, 6}): "inet"}
_PROTOCOLS = {4: "ipv4", 6: "ipv6"}

# What chains of a table are called in nft, by name and family: two of one name may be of different ones.
Named = Mapping[tuple[str, int], str]


def script(ruleset: Ruleset) -> str:
    """What makes nft do as ``ruleset`` says.

    Raises:
        UnsaidError: it has what is not known, or cannot be said; with the rule's place.
    """
    tables: dict[tuple[str, bool], list[Chain]] = {}
    for chain in ruleset.chains:
        tables.setdefault((chain.table, chain.bridged), []).append(chain)
    lines: list[str] = []
    for number, ((name, bridged), chains) in enumerate(tables.items()):
        lines += _table(number, name, chains, bridged)
    return "".join(f"{line}\n" for line in lines)


def _table(number: int, name: str, chains: list[Chain], bridged: bool) -> Iterator[str]:
    families = frozenset(family for chain in chains for family in chain.families)
    named = {
        (chain.name, family): f"c{at}" for at, chain in enumerate(chains) for family in chain.families
    }
    if len(named) != sum(len(chain.families) for chain in chains):
        raise UnsaidError(f"chains of one name in {name}")
    yield f"table {'bridge' if bridged else _FAMILIES[families]} t{number} {{  # {name}"
    yield from (f"chain c{at} {{ }}" for at, one in enumerate(chains) if one.hook is None)
    heads: list[str] = []  # chains that rules jump to must be there before
    bodies: list[str] = []
    for at, chain in enumerate(chains):
        writer = _Writer(chain, f"c{at}", named, families)
        rules = [line for rule in chain.rules for line in writer.rule(rule)]
        heads += writer.helpers
        bodies += [f"chain c{at} {{  # {chain.name}", *_head(chain, families), *rules, *writer.end(), "}"]
    yield from heads
    yield from bodies
    yield "}"


def _head(chain: Chain, families: frozenset[int]) -> Iterator[str]:
    if chain.hook is None:
        return
    if chain.hook is Hook.INGRESS:
        raise UnsaidError(f"{chain.name} stands at ingress, which is a device's")
    policy = "accept" if chain.accepts or chain.families != families else "drop"
    yield f"type {_type(chain)} hook {chain.hook} priority {int(chain.priority)}; policy {policy};"


def _type(chain: Chain) -> str:
    if chain.is_nat:
        return "nat"
    marks = (isinstance(rule.action, SetMark) and rule.action.of is Of.PACKET for rule in chain.rules)
    return "route" if chain.hook is Hook.OUTPUT and any(marks) else "filter"


class _Writer:
    """The rules of one chain, and ``helpers``: chains for what must not hold."""

    def __init__(self, chain: Chain, called: str, named: Named, families: frozenset[int]) -> None:
        """``families``: those of its table."""
        self.helpers: list[str] = []
        self._chain = chain
        self._called = called
        self._named = named
        self._families = families
        self._numbers = count()

    def rule(self, rule: Rule) -> Iterator[str]:
        """Its lines, one for each family and way in which it may hold.

        Raises:
            UnsaidError: with its place.
        """
        families = rule.families & self._chain.families
        targets = {self._target(rule, family) for family in families}
        together = families == self._families and not is_of_family(rule) and len(targets) == 1
        try:
            for family in sorted(families)[:1] if together else sorted(families):
                yield from self._of_family(rule, family, [] if together else self._only(family))
        except UnsaidError as error:
            raise UnsaidError(f"{rule.origin}: {error}") from None

    def end(self) -> Iterator[str]:
        """What becomes of the rest, where a policy would also be for families that are not the chain's."""
        chain = self._chain
        if chain.hook is None or chain.accepts or chain.families == self._families:
            return
        if any(isinstance(rule.action, Return | Goto) for rule in chain.rules):
            raise UnsaidError(f"{chain.name} is left for its policy, which drops")
        for family in sorted(self._chain.families):
            yield " ".join([*self._only(family), "drop"])

    def _target(self, rule: Rule, family: int) -> str:
        action = rule.action
        return self._named.get((action.chain, family), "") if isinstance(action, Jump | Goto) else ""

    def _only(self, family: int) -> list[str]:
        if self._chain.bridged:
            return [f"meta protocol {'ip' if family == 4 else 'ip6'}"]
        return [] if len(self._families) == 1 else [f"meta nfproto {_PROTOCOLS[family]}"]

    def _of_family(self, rule: Rule, family: int, only: list[str]) -> Iterator[str]:
        does = action(rule, family, self._target(rule, family))
        if but := exceptions(rule, family):
            if isinstance(rule.action, Return | Goto):
                raise UnsaidError("leaving a chain for all but a set of tuples")
            helper = f"{self._called}_{next(self._numbers)}"
            left = [" ".join([*terms, "return"]) for terms in but]
            self.helpers += [f"chain {helper} {{", *left, does, "}"]
            does = f"jump {helper}"
        for terms in alternatives(rule, family):
            yield " ".join([*only, *terms, does])

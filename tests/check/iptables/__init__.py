"""Rules of iptables for tests: a line, and what the reader makes of it."""

from __future__ import annotations

from splitdns.check.dialects import ipset, iptables
from splitdns.check.model import Action, Chain, Condition, Note, Rule, Ruleset

HOOKS = {
    "raw": ("PREROUTING", "OUTPUT"),
    "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"),
    "nat": ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
    "filter": ("INPUT", "FORWARD", "OUTPUT"),
    "security": ("INPUT", "FORWARD", "OUTPUT"),
}


def table(*lines: str, name: str = "filter") -> str:
    """A table as iptables-save prints it; ``lines`` may declare chains of one's own first."""
    return "\n".join((f"*{name}", *(f":{hook} ACCEPT [0:0]" for hook in HOOKS[name]), *lines, "COMMIT", ""))


def read(text: str, *, family: int = 4, sets: str = "") -> Ruleset:
    known = ipset.read(sets, "sets") if sets else ipset.IpSets()
    return iptables.read(text, "rules", family=family, sets=known)


def one_rule(
    words: str, *, family: int = 4, name: str = "filter", chain: str = "", sets: str = ""
) -> tuple[Rule, tuple[Note, ...]]:
    """The rule that ``-A CHAIN words`` is, in a table with a chain ``mine``, and its notes."""
    chain = chain or HOOKS[name][0]
    ruleset = read(table(":mine - [0:0]", f"-A {chain} {words}", name=name), family=family, sets=sets)
    (rule,) = chain_of(ruleset, chain).rules
    return rule, ruleset.notes


def conditions(words: str, *, family: int = 4, sets: str = "") -> list[Condition]:
    """What the matches of ``words`` mean."""
    return list(one_rule(f"{words} -j ACCEPT", family=family, sets=sets)[0].conditions)


def action(words: str, *, family: int = 4, name: str = "filter", chain: str = "") -> Action:
    """What the target of ``words`` does."""
    return one_rule(words, family=family, name=name, chain=chain)[0].action


def chain_of(ruleset: Ruleset, name: str) -> Chain:
    return next(chain for chain in ruleset.chains if chain.name == name)


def mistakes(text: str, *, family: int = 4) -> list[str]:
    """What is wrong with ``text``, each with its place."""
    try:
        read(text, family=family)
    except ExceptionGroup as group:  # of ConfigError
        return [str(error) for error in group.exceptions]
    return []

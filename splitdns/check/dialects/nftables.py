"""nftables, from ``nft -j list ruleset`` (nft(8), libnftables-json(5)).

The JSON and not the text form: variables, includes and names are resolved there by nft itself. Tables that
iptables-nft made are not to be read here, because nft prints their extensions without what they say: they are
taken from ``iptables-save``, and where that is not at hand, their rules are widened and the command is named.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from splitdns.check.dialects.json_places import Json, Misshapen, listed, placed, word
from splitdns.check.dialects.nftables_chains import FAMILIES, chains, device_is_missing, inner_chain
from splitdns.check.dialects.nftables_json import Item, items
from splitdns.check.dialects.nftables_match import Within
from splitdns.check.dialects.nftables_sets import Sets
from splitdns.check.dialects.nftables_statements import compiled
from splitdns.check.dialects.nftables_text import rule_text
from splitdns.check.rules import (
    Chain,
    Condition,
    Note,
    Origin,
    Rule,
    Ruleset,
    Support,
    Unknown,
)

# Whose tables these are, by name.
_MAKERS = {
    "docker-bridges": "Docker",
    "firewalld": "firewalld",
    "fw4": "OpenWrt",
    "libvirt_network": "libvirt",
    "netavark": "Podman",
}
_NOTHING_HERE = frozenset({"metainfo", "table", "counter", "quota", "flowtable", "ct helper"}) | {
    "ct timeout", "ct expectation", "secmark", "synproxy", "tunnel",
}  # fmt: skip


@dataclass(slots=True)
class _Chain:
    """A chain as it was listed, and the rules that were read for it."""

    item: Item
    family: str
    table: str
    name: str
    rules: list[Rule] = field(default_factory=list)
    inner: bool = False  # the rest of a rule (nftables_statements)


def read(text: str, file: str, *, saved: frozenset[str] = frozenset()) -> Ruleset:
    """The rules that ``nft -j list ruleset`` printed as ``text``.

    ``saved`` names the chains, as "ip nat PREROUTING", that were also read from the output of an
    iptables-save that says ``(nf_tables)``: they are left out here, so that no rule counts twice. Others of
    the same table are not: iptables-save leaves out what it cannot say.

    Raises:
        ConfigError: it is not what nft prints; with the place.
    """
    return _Reader(file, saved).read(list(items(text, file)))


class _Reader:
    def __init__(self, file: str, saved: frozenset[str]) -> None:
        self._file = file
        self._saved = saved
        self._sets = Sets()
        self._chains: dict[tuple[str, str, str], _Chain] = {}
        self._notes: list[Note] = []
        self._limits: dict[tuple[str, str], dict[str, bool]] = {}
        self._asleep: set[tuple[str, str]] = set()
        self._doubts: dict[tuple[str, str], tuple[Condition, ...]] = {}
        self._rules = 0

    def read(self, things: list[Item]) -> Ruleset:
        rules = [one for one in things if one.what == "rule"]
        for one in things:
            with placed(one.where):
                self._declare(one)
        for one in rules:
            with placed(one.where):
                self._note_what_moves(one)
        self._name_what_iptables_made(rules)
        for one in rules:
            with placed(one.where):
                self._rule(one)
        made: list[Chain] = []
        for chain in self._chains.values():
            if not self._is_left_out(chain.family, chain.table, chain.name):
                made += self._made(chain)
        return Ruleset(tuple(made), tuple(self._notes), self._rules)

    def _is_left_out(self, family: str, table: str, chain: str) -> bool:
        is_saved = f"{family} {table} {chain}" in self._saved
        return family == "arp" or is_saved or (family, table) in self._asleep

    def _made(self, chain: _Chain) -> list[Chain]:
        if chain.inner:
            return [inner_chain(chain.family, chain.table, chain.name, chain.rules)]
        where, body = chain.item.where, chain.item.body
        if device_is_missing(body):
            reason = "this version of nft does not print at which device the chain stands"
            self._note(Support.WIDENED, f"chain {chain.name}", chain.item, reason)
        gates = self._doubts.get((chain.family, chain.table), ())
        with placed(where):
            origin = Origin(where, f"chain {chain.name}")
            return list(chains(chain.family, chain.table, chain.name, body, chain.rules, origin, gates))

    def _declare(self, item: Item) -> None:
        match item.what:
            case "chain":
                family, table = _table(item)
                name = word(item.body.get("name"), "the name of a chain")
                self._chains[family, table, name] = _Chain(item, family, table, name)
            case "set" | "map":
                _table(item)
                self._sets.add(item)
            case "table":
                self._table(item)
            case "limit":
                limits = self._limits.setdefault(_table(item), {})
                limits[word(item.body.get("name"), "a name")] = item.body.get("inv") is True
            case "rule":
                pass
            case _ if item.what not in _NOTHING_HERE:
                self._note(Support.UNKNOWN, item.what[:60], item, "this kind of object is not known")

    def _table(self, item: Item) -> None:
        family, name = word(item.body.get("family"), "a family"), word(item.body.get("name"), "a name")
        flags = item.body.get("flags", [])
        flags = flags if isinstance(flags, list) else [flags]
        if family == "arp":
            self._note(Support.IGNORED, f"table arp {name}", item, "only packets of IP are followed")
        elif "dormant" in flags:
            self._note(Support.IGNORED, f"table {family} {name}", item, "it is dormant: no packet meets it")
            self._asleep.add((family, name))
        elif not all(flag in ("owner", "persist") for flag in flags):  # 1.0.6 prints the table's name here
            self._note(Support.WIDENED, f"table {family} {name}", item, "it may be dormant; nft does not say")
            self._doubts[family, name] = (Unknown(f"whether table {family} {name} is dormant"),)

    def _note_what_moves(self, item: Item) -> None:
        family, table = _table(item)
        for statement in _statements(item):
            self._sets.touched_by(family, table, statement)

    def _name_what_iptables_made(self, rules: list[Item]) -> None:
        """Of tables that should have been read from iptables-save, and were not, say so."""
        extended: dict[tuple[str, str], Item] = {}
        for one in rules:
            with placed(one.where):
                left_out, statements = self._is_left_out(*_table(one), _chain(one)), _statements(one)
            if not left_out and any(isinstance(each, dict) and "xt" in each for each in statements):
                extended.setdefault(_table(one), one)
        for (family, table), one in extended.items():
            command = {"ip": "iptables-save", "ip6": "ip6tables-save"}.get(family, "ebtables-save")
            reason = f"iptables-nft made it, and nft cannot print what its extensions say: run {command}"
            self._note(Support.REFUSED, f"table {family} {table}", one, reason)

    def _rule(self, item: Item) -> None:
        family, table = _table(item)
        name = _chain(item)
        if self._is_left_out(family, table, name):
            return
        self._rules += 1
        chain = self._chains.get((family, table, name))
        if chain is None:
            raise Misshapen(f"chain {name!r} of table {family} {table} is not in this ruleset")
        statements = _statements(item)
        handle = item.body.get("handle")
        origin = Origin(
            item.where,
            rule_text(statements, item.body.get("comment")),
            _MAKERS.get(table, ""),
            handle if isinstance(handle, int) else None,
        )
        within = Within(self._sets, family, table, self._limits.get((family, table), {}))
        rest = f"{name} {item.where.line}:{item.where.column}"
        while statements:
            done = compiled(statements, within, rest)
            chain.rules += [
                Rule(terms.conditions, action, origin, terms.families & FAMILIES[family])
                for terms, action in done.acts
            ]
            self._notes += [Note(support, what, origin, reason) for support, what, reason in done.notes]
            statements = done.rest
            if statements:
                chain = _Chain(chain.item, family, table, rest, inner=True)
                self._chains[family, table, rest] = chain
                rest += "'"

    def _note(self, support: Support, name: str, item: Item, reason: str) -> None:
        self._notes.append(Note(support, name, Origin(item.where), reason))


def _chain(rule: Item) -> str:
    return word(rule.body.get("chain"), "the chain of a rule")


def _statements(item: Item) -> list[Json]:
    return listed(item.body.get("expr"), "the statements of a rule")


def _table(item: Item) -> tuple[str, str]:
    family = word(item.body.get("family"), "a family")
    if family not in FAMILIES:
        raise Misshapen(f"expected a family, one of {' '.join(FAMILIES)}, found {family!r}")
    return family, word(item.body.get("table"), "the name of a table")

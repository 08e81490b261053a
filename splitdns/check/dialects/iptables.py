"""``iptables-save`` and ``ip6tables-save``: the tables of a Linux gateway, chain by chain.

Both backends print the same text, and so do files for ``iptables-restore`` that a person wrote. A table's
chains hang where the kernel's do (linux/netfilter_ipv4.h), and keep its name, the tool's before it, so that
they stand beside nft's. What a match or a target means: ``iptables_matches``, ``iptables_targets``.

>>> from splitdns.check.dialects.ipset import IpSets
>>> text = "*filter\\n:INPUT DROP [0:0]\\n-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\\nCOMMIT\\n"
>>> ruleset = read(text, "rules.v4", family=4, sets=IpSets())
>>> [rule.conditions for rule in ruleset.chains[0].rules]
[(Protocols(numbers=Numbers(6)), Ports(side=<Side.DESTINATION: 'destination'>, numbers=Numbers(22)))]
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from splitdns.check.dialects.ipset import IpSets
from splitdns.check.dialects.ipset_conditions import Memberships
from splitdns.check.dialects.iptables_line import read_rule
from splitdns.check.dialects.iptables_rule import Reading
from splitdns.check.dialects.iptables_words import Line, Word
from splitdns.check.model import (
    Chain,
    Goto,
    Hook,
    Jump,
    Netmap,
    Note,
    Origin,
    Priority,
    Rule,
    Ruleset,
    Side,
    Support,
)
from splitdns.errors import ConfigError, Problems

MAX_RULES = 250_000  # in one file; beyond: an error. The largest of a Kubernetes node have some 100,000
MAX_ERRORS = 50  # in one file; beyond, reading stops

Base = tuple[Hook, int]

# Where the base chains of a table hang.
TABLES: dict[str, dict[str, Base]] = {
    "raw": {
        "PREROUTING": (Hook.PREROUTING, Priority.RAW),
        "OUTPUT": (Hook.OUTPUT, Priority.RAW),
    },
    "mangle": {hook.name: (hook, Priority.MANGLE) for hook in Hook if hook is not Hook.INGRESS},
    "nat": {
        "PREROUTING": (Hook.PREROUTING, Priority.DSTNAT),
        "INPUT": (Hook.INPUT, Priority.SRCNAT),
        "OUTPUT": (Hook.OUTPUT, Priority.DSTNAT),
        "POSTROUTING": (Hook.POSTROUTING, Priority.SRCNAT),
    },
    "filter": {hook.name: (hook, Priority.FILTER) for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)},
    "security": {hook.name: (hook, Priority.SECURITY) for hook in (Hook.INPUT, Hook.FORWARD, Hook.OUTPUT)},
}
_COUNTERS = re.compile(r"\[\d+:\d+\]")
_CHANGED_SETS = re.compile(r"--(?:add|del|map)-set[ \t]+(\S+)")
_INCOMPATIBLE = re.compile(r"# Table `([^']*)' is incompatible")
_LEGACY = re.compile(r"# Warning: \S*tables-legacy tables present")
_AFTER_ROUTING = frozenset({Hook.INPUT, Hook.POSTROUTING})


@dataclass(slots=True)
class _Table:
    """A table while it is read; ``policies`` None: a person's chain. ``lines`` are the rules of each line."""

    name: str
    at: Line
    policies: dict[str, bool | None] = field(default_factory=dict)
    lines: dict[str, list[tuple[Rule, ...]]] = field(default_factory=dict)
    hooks: dict[str, set[Hook]] = field(default_factory=dict)  # once asked for


def read(text: str, file: str, *, family: int, sets: IpSets) -> Ruleset:
    """Read what ``iptables-save`` (``family`` 4) or ``ip6tables-save`` (6) printed.

    Raises:
        ExceptionGroup[ConfigError]: every mistake, in file order.
    """
    changing = frozenset(_CHANGED_SETS.findall(text))
    reader = _Reader(file, family, Memberships(sets, family, changing))
    reader.read(text)
    reader.problems.raise_errors(file)
    return reader.ruleset()


class _Reader:
    def __init__(self, file: str, family: int, sets: Memberships) -> None:
        self.file = file
        self.family = family
        self.sets = sets
        self.problems = Problems()
        self.notes: list[Note] = []
        self.tables: dict[str, _Table] = {}
        self.table: _Table | None = None
        self.rules = 0

    def read(self, text: str) -> None:
        for number, row in enumerate(text.splitlines(), 1):
            if not row or row.isspace():
                continue
            line = Line(self.file, number, row, self.family)
            try:
                self._line(line)
            except ConfigError as error:
                self.problems.error(error)
            if self.rules > MAX_RULES:
                self.problems.error(ConfigError(line.where(), f"expected at most {MAX_RULES:,} rules"))
                return
            if len(self.problems.errors) == MAX_ERRORS:
                return
        if self.table is not None:
            where = self.table.at.where()
            message = f"expected COMMIT after the table {self.table.name}, found the end of the file"
            self.problems.error(ConfigError(where, message))
        for table in self.tables.values():
            self._no_loops(table)

    def _line(self, line: Line) -> None:
        row = line.text.strip()
        if row.startswith("#"):
            self._comment(line, row)
        elif row.startswith("*"):
            self._begin(line, row[1:].strip())
        elif self.table is None:
            word = Word(row, line.text.index(row[0]) + 1)
            raise line.wrong(word, "a table like *filter, as iptables-save prints it")
        elif row == "COMMIT":
            self.table = None
        elif row.startswith(":"):
            self._chain(self.table, line, line.words())
        else:
            self._command(self.table, line, line.words())

    def _comment(self, line: Line, row: str) -> None:
        origin = Origin(line.where(), row)
        if found := _INCOMPATIBLE.match(row):
            reason = "iptables cannot show this table; give what `nft -j list ruleset` prints as well"
            self.notes.append(Note(Support.REFUSED, f"table {found[1]}", origin, reason))
        elif _LEGACY.match(row):
            reason = "there are tables of the other backend; give what `iptables-legacy-save` prints as well"
            self.notes.append(Note(Support.REFUSED, "legacy tables", origin, reason))

    def _begin(self, line: Line, name: str) -> None:
        word = Word(name, line.text.index("*") + 2)
        if self.table is not None:
            raise line.wrong(word, f"COMMIT before the next table, after {self.table.name}", f"*{name}")
        self.table = _Table(name, line)
        if name not in TABLES:
            raise line.wrong(word, f"one of the tables {', '.join(TABLES)}")
        if name in self.tables:
            raise line.wrong(word, "each table once", f"{name!r} again")
        self.tables[name] = self.table

    def _chain(self, table: _Table, line: Line, words: list[Word]) -> None:
        """``:NAME POLICY [packets:bytes]``, a dash as the policy of a person's chain."""
        name = words[0].text[1:]
        if len(words) < 2 or not name:
            raise line.wrong(words[0], "':CHAIN POLICY'")
        if (name in TABLES.get(table.name, {})) == (words[1].text == "-"):
            expected = "ACCEPT or DROP" if words[1].text == "-" else "- as the policy of a chain of one's own"
            raise line.wrong(words[1], expected)
        self._declare(table, line, words[0], name, words[1])

    def _declare(self, table: _Table, line: Line, at: Word, name: str, policy: Word | None) -> None:
        if policy is not None and policy.text not in ("ACCEPT", "DROP", "-"):
            raise line.wrong(policy, "ACCEPT or DROP")
        if name in table.policies:
            raise line.wrong(at, "each chain once", f"{name!r} again")
        table.policies[name] = None if policy is None or policy.text == "-" else policy.text == "ACCEPT"
        table.lines[name] = []

    def _command(self, table: _Table, line: Line, words: list[Word]) -> None:
        if _COUNTERS.fullmatch(words[0].text):
            words = words[1:]
        command = words[0].text if words else ""
        if len(words) < 2:
            raise line.wrong(Word(command, 1), "a command and its chain")
        chain = words[1].text
        match command:
            case "-A" | "--append" | "-I" | "--insert":
                self._rule(table, line, words)
            case "-N" | "--new-chain":
                self._declare(table, line, words[1], chain, None)
            case "-P" | "--policy" if len(words) == 3 and table.policies.get(chain) is not None:
                if words[2].text not in ("ACCEPT", "DROP"):
                    raise line.wrong(words[2], "ACCEPT or DROP")
                table.policies[chain] = words[2].text == "ACCEPT"
            case _:
                raise line.wrong(words[0], "-A CHAIN and a rule, as iptables-save prints it")

    def _rule(self, table: _Table, line: Line, words: list[Word]) -> None:
        self.rules += 1
        chain = words[1].text
        lines = table.lines.get(chain)
        if lines is None:
            raise line.wrong(words[1], f"a chain that the table {table.name} declares above")
        rest = words[2:]
        at = len(lines)
        if words[0].text in ("-I", "--insert"):
            at = 0
            if rest and rest[0].text.isdecimal():
                at, rest = max(0, min(int(rest[0].text[:9]) - 1, len(lines))), rest[1:]
        text = line.text[words[0].column - 1 :].rstrip()
        reading = Reading(line, Origin(line.where(words[0]), text), self.sets)
        lines.insert(at, read_rule(reading, chain, rest, table.lines))
        self.notes += reading.notes

    # --- What all rules together make -----------------------------------------------------------------------

    def _no_loops(self, table: _Table) -> None:
        """The kernel takes no chains that jump in a circle; nor do we."""
        done: set[str] = set()
        for start in table.lines:
            way: list[tuple[str, Iterable[Rule]]] = [(start, iter(_jumps(table.lines[start])))]
            on_way = {start}
            while way and start not in done:
                name, rules = way[-1]
                rule = next(iter(rules), None)
                if rule is None:
                    way.pop()
                    on_way.discard(name)
                    done.add(name)
                    continue
                target = _target(rule)
                if target in on_way:
                    message = f"expected chains that do not jump in a circle, found {name} → {target}"
                    self.problems.error(ConfigError(rule.origin.where, message))
                    return
                if target not in done:
                    way.append((target, iter(_jumps(table.lines[target]))))
                    on_way.add(target)

    def ruleset(self) -> Ruleset:
        tool = "iptables" if self.family == 4 else "ip6tables"
        chains = [
            self._made(table, name, f"{tool} {table.name}")
            for table in self.tables.values()
            for name in table.lines
        ]
        return Ruleset(tuple(chains), tuple(self.notes), self.rules)

    def _made(self, table: _Table, name: str, known_as: str) -> Chain:
        rules = [rule for line in table.lines[name] for rule in line]
        if any(isinstance(rule.action, Netmap) for rule in rules):
            table.hooks = table.hooks or _hooks(table)
            rules = [self._with_side(rule, table.hooks[name]) for rule in rules]
        policy = table.policies[name]
        base = TABLES[table.name].get(name) if policy is not None else None
        hook, priority = base or (None, 0)
        return Chain(
            known_as,
            name,
            tuple(rules),
            hook,
            priority,
            is_nat=table.name == "nat" and hook is not None,
            accepts=policy is not False,
            families=frozenset({self.family}),
        )

    def _with_side(self, rule: Rule, hooks: set[Hook]) -> Rule:
        """NETMAP maps the destination before routing, and the source after it."""
        if not isinstance(rule.action, Netmap):
            return rule
        if hooks and hooks <= _AFTER_ROUTING:
            return replace(rule, action=replace(rule.action, side=Side.SOURCE))
        if hooks & _AFTER_ROUTING:
            reading = Reading(Line(self.file, 0, "", self.family), rule.origin, self.sets)
            action = reading.opaque("target NETMAP", "its chain stands both before and after routing")
            self.notes += reading.notes
            return replace(rule, action=action)
        return rule


def _target(rule: Rule) -> str:
    assert isinstance(rule.action, Jump | Goto)
    return rule.action.chain


def _jumps(lines: list[tuple[Rule, ...]]) -> Iterable[Rule]:
    return (rule for line in lines for rule in line if isinstance(rule.action, Jump | Goto))


def _hooks(table: _Table) -> dict[str, set[Hook]]:
    """Of each chain, the hooks from which packets come to it."""
    hooks: dict[str, set[Hook]] = {name: set() for name in table.lines}
    for base, (hook, _) in TABLES[table.name].items():
        to_do = [base] if table.policies.get(base) is not None else []
        while to_do:
            name = to_do.pop()
            if hook not in hooks[name]:
                hooks[name].add(hook)
                to_do += map(_target, _jumps(table.lines[name]))
    return hooks



"""The table of rules in ``rules.txt``, and the rulesets that put each into a table of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TABLE = Path(__file__).with_name("rules.txt")
_FAMILY = re.compile(r"(ip|ip6|inet|bridge|netdev): ")


@dataclass(frozen=True, slots=True)
class Case:
    """A rule, the definitions that it needs, and what is expected of the reader."""

    line: int
    family: str
    rule: str
    defined: tuple[str, ...]
    expected: tuple[str, ...]

    def ruleset(self, table: str, base: str = "") -> str:
        """For ``nft -f``: the rule in the chain ``c`` of ``table``; ``base`` makes it a base chain."""
        lines = (*self.defined, "chain other {\n}", f"chain c {{\n{base}\n{self.rule}\n}}")
        return f"table {self.family} {table} {{\n" + "\n".join(lines) + "\n}\n"


def cases() -> list[Case]:
    return cases_of(TABLE.read_text())


def cases_of(text: str) -> list[Case]:
    """The cases of a table in the form of ``rules.txt``."""
    return list(_cases(text.splitlines()))


def _cases(lines: list[str]) -> Iterator[Case]:
    defined: dict[str, str] = {}
    for at, line in enumerate(lines):
        if not line or line.startswith(("#", " ")):
            continue
        if " := " in f"{line} ":
            what, _, body = line.partition(" :=")
            defined[what.split()[-1]] = f"{what} {{\n" + body.strip().replace("; ", "\n") + "\n}"
            continue
        family = _FAMILY.match(line)
        rule = line[family.end() :] if family else line
        expected = []
        for beneath in lines[at + 1 :]:
            if not beneath.startswith(" "):
                break
            expected.append(beneath.strip())
        needed = (text for name, text in defined.items() if re.search(rf'[@"]{name}\b', rule))
        yield Case(at + 1, family[1] if family else "inet", rule, tuple(needed), tuple(expected))

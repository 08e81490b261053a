"""Room for rules among numbered ones, which are asked in the order of their numbers.

A new rule must come before all that could decide otherwise, and no number may be given twice. Where none is
free, the rules in the way get the next numbers: their order stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from splitdns.check.model import Addresses, Ports, Protocols, Rule, Side, State, States
from splitdns.check.sets import Numbers
from splitdns.value import value

_NUMBERED = re.compile(r"(?P<path>.+?) rule (?P<number>[0-9]{1,9})(?::|$)")


@value(frozen=True, slots=True)
class Asked:
    """The packets that a new rule is for: an empty field is any. ``replies``: of open connections."""

    family: int
    destination: Numbers | None = None
    protocols: Numbers | None = None
    ports: Numbers | None = None
    replies: bool = False

    def may_meet(self, rule: Rule) -> bool:
        """Whether ``rule`` could hold for one of the packets."""
        if self.family not in rule.families:
            return False
        return all(self._may_hold(one) for one in rule.conditions)

    def _may_hold(self, condition: object) -> bool:
        match condition:
            case Addresses(side=Side.DESTINATION, numbers=numbers) if self.destination is not None:
                return bool(numbers & self.destination)
            case Protocols(numbers=numbers):
                return bool(numbers if self.protocols is None else numbers & self.protocols)
            case Ports(side=Side.DESTINATION, numbers=numbers) if self.ports is not None:
                return bool(numbers & self.ports)
            case States(states=states):
                return State.ESTABLISHED in states if self.replies else State.NEW in states
        return True


@dataclass(slots=True)
class Numbering:
    """The numbers under ``path``, from ``first`` to ``last``; ``usual`` is for the first rule of all."""

    path: str
    first: int
    last: int
    usual: int
    taken: dict[int, list[Rule]] = field(default_factory=dict)

    def know(self, rules: Iterable[Rule]) -> None:
        """Take note of the rules that are there."""
        for rule in rules:
            found = _NUMBERED.match(rule.origin.text)
            if found is not None and found["path"] == self.path:
                self.taken.setdefault(int(found["number"]), []).append(rule)

    def place(self, blocking: Iterable[Rule]) -> tuple[int, list[tuple[int, int]]]:
        """A number before all of ``blocking``, and which rules get which numbers to make it free.

        The number is taken from then on.
        """
        met = {id(rule) for rule in blocking}
        mine = [one for one in self.taken if self.first <= one <= self.last]
        bound = min((one for one in mine if any(id(rule) in met for rule in self.taken[one])), default=None)
        moves: list[tuple[int, int]] = []
        if bound is None:
            number = self.usual if not mine else min((max(mine) // 10 + 1) * 10, self.last)
            while number in self.taken:
                number -= 1
        else:
            number = bound - 1
            while number in self.taken:
                number -= 1
            if number < self.first:
                number = bound
                moves = self._moved(bound)
        self.taken[number] = []
        return number, moves

    def _moved(self, bound: int) -> list[tuple[int, int]]:
        """The rules from ``bound`` to the next gap, each one number up, the last first."""
        gap = bound
        while gap in self.taken:
            gap += 1
        moves = [(number, number + 1) for number in range(gap - 1, bound - 1, -1)]
        for old, new in moves:
            self.taken[new] = self.taken.pop(old)
        return moves

"""Which of many clauses a packet meets first, found without trying them all.

A clause is a conjunction of conditions: a rule's, or one tuple of a set of tuples. By each field of a packet
an index knows, for every interval of numbers that no clause tells apart, the clauses that may hold there, as
the bits of one number; and-ing a few such numbers leaves the handful that is worth trying. A wide flow that
meets many is parted along the intervals first, so that ten thousand port forwards cost ten thousand small
steps and not their square.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

from splitdns.check.conditions import Around, Budget, interface_matches, split_all
from splitdns.check.flows import CONSTANT, WHO, Flow, Ref
from splitdns.check.rules import (
    Addresses,
    Condition,
    Interfaces,
    Ports,
    Protocols,
    Side,
    State,
    States,
)
from splitdns.check.sets import Numbers, Range
from splitdns.check.sources import Link

NO_CLAUSE = -1  # none of them holds
GIVEN_UP = -2  # the work limit was hit
FEW = 3  # clauses: trying them costs less than asking an index
PATIENCE = 8  # clauses tried before a flow that may meet many more is parted
MANY = 16


class Intervals:
    """One field's index: ``masks[i]`` are the clauses that may hold from ``starts[i]`` to the next start."""

    def __init__(self, wanted: Sequence[Numbers | None]) -> None:
        """``wanted``: by clause, the numbers that it asks for; None: it does not ask."""
        always = 0
        turns: dict[int, int] = {0: 0}
        for at, numbers in enumerate(wanted):
            if numbers is None:
                always |= 1 << at
                continue
            for low, high in numbers.ranges:
                turns[low] = turns.get(low, 0) ^ 1 << at
                turns[high + 1] = turns.get(high + 1, 0) ^ 1 << at
        self.starts = sorted(turns)
        self.masks: list[int] = []
        current = always
        for start in self.starts:
            current ^= turns[start]
            self.masks.append(current)
        self._known: dict[int, int] = {}
        self._sources: object = None

    def at(self, number: int) -> int:
        return self.masks[bisect_right(self.starts, number) - 1]

    def over(self, numbers: Numbers) -> int:
        """The clauses that may hold for some of ``numbers``."""
        mask = 0
        for low, high in numbers.ranges:
            first, last = bisect_right(self.starts, low) - 1, bisect_right(self.starts, high)
            for one in self.masks[first:last]:
                mask |= one
        return mask

    def of(self, flow: Flow, ref: Ref) -> int:
        """The clauses that may hold for what stands at ``ref``."""
        field, more = ref
        if field == CONSTANT:
            return self.at(more)
        if field == WHO:
            if more:
                return self.over(flow.of(ref))
            if self._sources is not flow.sources:
                self._known.clear()
                self._sources = flow.sources
            known = self._known.get(flow.who)
            if known is None:
                known = self._known[flow.who] = self.over(flow.of(ref))
            return known
        values = flow.values[field]
        single = values.single
        return self.over(values.shifted(more)) if single is None else self.at(single + more)

    def parts(self, numbers: Numbers, among: int) -> list[Numbers]:
        """``numbers`` in parts, in each of which the same of ``among`` may hold."""
        ranges: dict[int, list[Range]] = {}
        for first, last in numbers.ranges:
            low, at = first, bisect_right(self.starts, first) - 1
            while low <= last:
                ends = self.starts[at + 1] - 1 if at + 1 < len(self.starts) else last
                ranges.setdefault(self.masks[at] & among, []).append((low, min(ends, last)))
                low, at = ends + 1, at + 1
        return [Numbers.of(*parts) for parts in ranges.values()]


class Sieve:
    """Clauses in order; ``first`` tells which one each packet of a flow meets."""

    def __init__(self, clauses: Sequence[tuple[Condition, ...]], around: Around, budget: Budget) -> None:
        self.clauses = clauses
        self._around = around
        self._budget = budget
        self._all = (1 << len(clauses)) - 1
        self._fields: list[tuple[int, Intervals]] = []  # with the place of the field in a header
        self._states: dict[State, int] = {}
        self._links: dict[Side, tuple[list[Interfaces | None], dict[str | None, int]]] = {}
        if len(clauses) > FEW:
            self._index()

    def _index(self) -> None:
        for place, kind, side in (
            (1, Addresses, Side.DESTINATION),
            (4, Ports, Side.DESTINATION),
            (0, Addresses, Side.SOURCE),
            (3, Ports, Side.SOURCE),
            (2, Protocols, None),
        ):
            wanted = [_wanted(clause, kind, side) for clause in self.clauses]
            if any(one is not None for one in wanted):
                self._fields.append((place, Intervals(wanted)))
        for state in State:
            self._states[state] = sum(
                1 << at
                for at, clause in enumerate(self.clauses)
                if all(state in one.states for one in clause if isinstance(one, States))
            )
        for side in Side:
            asked = [
                next((one for one in clause if isinstance(one, Interfaces) and one.side is side), None)
                for clause in self.clauses
            ]
            if any(asked):
                self._links[side] = (asked, {})

    def candidates(self, flow: Flow) -> int:
        """The clauses that may hold for some packet of ``flow``."""
        if not self._states:
            return self._all
        mask = self._states[flow.state]
        for side in self._links:
            mask &= self._by_link(side, flow.incoming if side is Side.SOURCE else flow.outgoing)
        for place, index in self._fields:
            if not mask:
                break
            mask &= index.of(flow, flow.header[place])
        return mask

    def _by_link(self, side: Side, names: Link | None) -> int:
        asked, known = self._links[side]
        mask = 0
        for name in [None] if names is None else [name for name, _ in names]:
            if name not in known:
                known[name] = sum(
                    1 << at
                    for at, one in enumerate(asked)
                    if one is None or interface_matches(one, name)
                )
            mask |= known[name]
        return mask

    def first(self, flow: Flow, at: int = 0) -> Iterator[tuple[int, Flow]]:
        """``flow`` in parts, each with the first clause from ``at`` on that holds, or ``NO_CLAUSE``."""
        work = [(flow, self.candidates(flow) >> at << at, 0)]
        while work:
            part, maybe, tried = work.pop()
            while maybe:
                if not self._budget.spend():
                    yield GIVEN_UP, part
                    break
                lowest = maybe & -maybe
                maybe ^= lowest
                clause = lowest.bit_length() - 1
                yes, no = split_all(part, self.clauses[clause], self._around)
                for one in yes:
                    yield clause, one
                if not no:
                    break
                part, tried = no[0], tried + 1
                work += [(one, maybe, tried) for one in no[1:]]
                if tried >= PATIENCE and maybe.bit_count() > MANY:
                    pieces = self._parted(part, maybe)
                    if len(pieces) > 1:
                        work += [(one, maybe & self.candidates(one), 0) for one in reversed(pieces)]
                        break
                    maybe &= self.candidates(part)
                    tried = 0
            else:
                yield NO_CLAUSE, part

    def _parted(self, flow: Flow, among: int) -> list[Flow]:
        """``flow`` parted along the first field whose intervals tell the clauses ``among`` apart."""
        for place, index in self._fields:
            ref = flow.header[place]
            if ref[0] in (CONSTANT, WHO) or flow.values[ref[0]].single is not None:
                continue
            parts = index.parts(flow.of(ref), among)
            if len(parts) > 1:
                return list(_pieces(flow, ref, parts))
        return [flow]


def _pieces(flow: Flow, ref: Ref, parts: Sequence[Numbers]) -> Iterator[Flow]:
    rest: Flow | None = flow
    for part in parts:
        piece, rest = rest.split(ref, part) if rest is not None else (None, None)
        if piece is not None:
            yield piece


def _wanted(
    clause: Sequence[Condition], kind: type[Addresses | Ports | Protocols], side: Side | None
) -> Numbers | None:
    """The numbers of one field that all of a clause's conditions on it ask for."""
    wanted: Numbers | None = None
    for one in clause:
        if isinstance(one, kind) and (isinstance(one, Protocols) or one.side is side):
            wanted = one.numbers if wanted is None else wanted & one.numbers
    return wanted

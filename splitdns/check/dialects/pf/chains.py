"""A pf.conf as chains: what comes in, what goes out, and what is translated where.

pf filters each packet on each interface, so that what is passed on meets the rules twice: those of ``in`` as
it comes, those of ``out`` as it goes. Here ``in`` is met before the packet is passed on or received (forward,
input), and ``out`` on the way out (postrouting). A state made by either lets replies through.

OpenBSD's rules translate themselves. They see a packet as it came, so what they ask of its destination is
asked of the original one, unless an earlier ``match`` has changed it; and its source only changes behind
``out``. FreeBSD translates first, by rules of their own, and filters what comes of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from math import prod

from splitdns.check.dialects.pf.marks import PASSED, Marks, World, asks_for_tags, has, set_, worlds
from splitdns.check.dialects.pf.order import Step, deciding, steps
from splitdns.check.dialects.pf.sifting import Changed, Sifted, sifted
from splitdns.check.dialects.pf.surroundings import Surroundings
from splitdns.check.dialects.pf.targets import changed, translation
from splitdns.check.dialects.pf.values import Does, Filter, Rule, Target, Translation, Written
from splitdns.check.model import (
    TCP,
    Accept,
    Action,
    AnyOf,
    Chain,
    Condition,
    Direction,
    Drop,
    Hook,
    Interfaces,
    Jump,
    Mark,
    Note,
    Of,
    Opaque,
    Origin,
    Priority,
    Protocols,
    Reject,
    Return,
    Ruleset,
    SetMark,
    Side,
    State,
    States,
    Support,
    Translate,
    Translated,
)
from splitdns.check.model import Rule as Made
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError, Where
from splitdns.value import value

OPENBSD, FREEBSD = "pf-openbsd", "pf-freebsd"
MAX_RULES = 250_000  # of one file, by family and interface; beyond, it is refused
_REPLIES = States(frozenset({State.ESTABLISHED, State.RELATED}))
_STATELESS = {"in": 1, "out": 2}  # bits of a connection's mark: no state was made in this direction
_SIDES = {"in": Side.SOURCE, "out": Side.DESTINATION}  # of the interface
_TRANSLATED = {"in": Side.DESTINATION, "out": Side.SOURCE}


def ruleset(written: Written, around: Surroundings, file: str) -> Ruleset:
    """All chains of a pf.conf.

    Raises:
        ConfigError: rules that mark packets for others are more than are followed.
    """
    return _Chains(written, around, file).ruleset()


@value(frozen=True, slots=True)
class _Way:
    """One direction: its rules by place, and those matches that translate, with their bits."""

    direction: str
    steps: list[Step]
    translating: list[tuple[Step, int]]
    tagging: dict[int, int]  # by place: the bit of the rule's tag

    @property
    def translates(self) -> bool:
        return any(_target(step.rule, self.direction) is not None for step in self.steps)


def _target(rule: Rule, direction: str) -> Target | None:
    return rule.rdr if direction == "in" else rule.nat


class _Chains:
    """The chains of one pf.conf, while they are made."""

    def __init__(self, written: Written, around: Surroundings, file: str) -> None:
        self._written = written
        self._around = around
        self._name = FREEBSD if written.first_old is not None else OPENBSD
        self._origin = Origin(Where(file, 1, 1), "pf.conf")
        self._made = 0
        self._notes: dict[tuple[str, Origin], Note] = {}
        self._marks = Marks(asks_for_tags(written))
        self._tags: dict[int, int] = {}  # of translation rules, by their place
        self._ways = {direction: self._way(direction) for direction in ("in", "out")}
        self._tracks = any(map(self._may_be_stateless, self._ways.values()))

    def _way(self, direction: str) -> _Way:
        for at, one in enumerate(self._written.translations):
            if one.tag and (one.kind == "nat") is (direction == "out"):
                self._tags[at] = self._marks.tagging(one.tag, direction, -1, one.origin.where)
        ordered = steps(self._written.rules, direction)
        way = _Way(direction, ordered, [], {})
        for step in ordered:
            if step.again:
                continue
            where = step.rule.origin.where
            if step.rule.does is Does.MATCH and _target(step.rule, direction) is not None:
                way.translating.append((step, self._marks.bit(where)))
            if step.rule.tag and (bit := self._marks.tagging(step.rule.tag, direction, step.at, where)):
                way.tagging[step.at] = bit
        return way

    def _may_be_stateless(self, way: _Way) -> bool:
        """Whether a packet may pass without a state: by a rule, or because no rule holds."""
        passing = any(step.rule.does is Does.PASS and not step.rule.stateful for step in way.steps)
        everything = replace(Filter(), flags=(2, 18))
        always = any(
            step.rule.does is not Does.MATCH and all(one in (Filter(), everything) for one in step.when)
            for step in way.steps
        )
        return passing or not always

    def ruleset(self) -> Ruleset:
        chains = [*self._translation_chains(), *self._filter_chains()]
        notes = (*self._written.notes, *self._notes.values())
        return Ruleset(tuple(chains), notes, self._count())

    def _count(self) -> int:
        return len(self._written.translations) + len(
            {step.rule.origin.where for way in self._ways.values() for step in way.steps}
        )

    # --- Conditions -----------------------------------------------------------------------------------------

    def _held(
        self, way: _Way, step: Step, *, original: bool = False
    ) -> Iterator[tuple[int, World, tuple[Condition, ...]]]:
        """Each family, world and conditions in which a rule holds; one world, if all are the same to it."""
        side = _TRANSLATED[way.direction]
        ways = [tuple(self._sifted(one, way.direction, step.rule.origin)) for one in step.when]
        self._made += prod(map(len, ways))
        if self._made > MAX_RULES:
            raise ConfigError(step.rule.origin.where, f"expected at most {MAX_RULES} rules, found more")
        asks = any(
            (part.source if side is Side.SOURCE else part.destination).says_anything
            for parts in ways
            for part in parts
        )
        for world in worlds(way.translating, step.at if asks else 0):
            here = _all_of(world)
            for parts in product(*ways):
                marks = here
                family = parts[0].family
                if any(part.family != family for part in parts):
                    continue
                now = self._changed(way, world, family)
                found = self._all(parts, now, original=original and now is None)
                tagged = self._tagged(step.when, way.direction, step.at)
                if found is None and original:
                    found, marks = self._missed(way, world, parts)
                if found is not None and tagged is not None:
                    yield family, world, (*found, *tagged, *marks)

    def _missed(
        self, way: _Way, world: World, parts: Sequence[Sifted]
    ) -> tuple[tuple[Condition, ...] | None, tuple[Mark, ...]]:
        """A rule that an earlier match has taken the packets from, as conditions that never hold.

        It names an address as it was before that translation. A person may not know, and the check says so
        where it finds such a rule in the filter.
        """
        last = next((one for one in worlds(way.translating, len(way.steps)) if one.step is world.step), world)
        return self._all(parts, None, original=False), _all_of(last)

    def _sifted(self, when: Filter, direction: str, origin: Origin) -> Iterator[Sifted]:
        """With notes of what is not known."""
        yield from sifted(when, direction, self._around)
        for name, reason in self._around.told():
            self._notes[name, origin] = Note(Support.WIDENED, name, origin, reason)

    def _all(
        self, parts: Sequence[Sifted], now: Changed | None, *, original: bool
    ) -> tuple[Condition, ...] | None:
        conditions: tuple[Condition, ...] = ()
        for part in parts:
            source = part.source.conditions(now, original=False)
            destination = part.destination.conditions(now, original=original)
            if source is None or destination is None:
                return None
            conditions += (*part.common, *source, *destination)
        return tuple(dict.fromkeys(conditions))

    def _tagged(self, filters: Sequence[Filter], direction: str, at: int) -> tuple[Condition, ...] | None:
        found: tuple[Condition, ...] = ()
        for one in filters:
            if one.tagged is None:
                continue
            marks = self._marks.tagged(one.tagged, direction, at)
            if marks is None:
                return None
            found += (AnyOf(tuple((mark,) for mark in marks)),) if len(marks) > 1 else (marks[0],)
        return found

    def _changed(self, way: _Way, world: World, family: int) -> Changed | None:
        action = self._action_of(way, world, family)
        return None if action is None else changed(action, _TRANSLATED[way.direction])

    def _action_of(self, way: _Way, world: World, family: int) -> Action | None:
        return None if world.step is None else self._action(way, world.step, family)

    def _action(self, way: _Way, step: Step, family: int) -> Action | None:
        target = _target(step.rule, way.direction)
        if target is None:
            return None
        return translation(target, _TRANSLATED[way.direction], family, step.when, self._around)

    def _skipped(self, direction: str) -> Iterator[Made]:
        for one, origin in self._written.skips:
            names, _ = self._around.names(one.name)
            yield Made((Interfaces(_SIDES[direction], names, negated=one.negated),), Accept(), origin)

    # --- Translation ----------------------------------------------------------------------------------------

    def _translation_chains(self) -> Iterator[Chain]:
        table = f"{self._name} nat"
        for direction, name, hook, priority, kinds in (
            ("in", "rdr", Hook.PREROUTING, Priority.DSTNAT, ("rdr", "binat")),
            ("out", "nat", Hook.POSTROUTING, Priority.SRCNAT, ("binat", "nat")),
        ):
            way = self._ways[direction]
            skipped = tuple(self._skipped(direction))
            if self._name == OPENBSD and way.translates:
                rules = _joined(self._new(way))
                yield Chain(table, name, (*skipped, *rules), hook, priority, is_nat=True)
            chains = [(f"{kind} {direction}", _joined(self._old(kind, direction))) for kind in kinds]
            chains = [one for one in chains if one[1]]
            if chains:
                jumps = (Made((), Jump(its), self._origin) for its, _ in chains)
                yield Chain(table, hook.value, (*skipped, *jumps), hook, priority, is_nat=True)
                yield from (Chain(table, its, rules, is_nat=True) for its, rules in chains)

    def _new(self, way: _Way) -> Iterator[Made]:
        """OpenBSD: the rule that decides translates, or else the last match of all, wherever it stands."""
        for step in deciding(way.steps):
            rule = step.rule
            for family, before, conditions in self._held(way, step):
                for last in worlds(way.translating, len(way.steps)):
                    if not _may_follow(last, before, step):
                        continue
                    own = self._action(way, step, family) if rule.stateful else None
                    matched = self._action_of(way, last, family)
                    is_matched = own is None and matched is not None and last.step is not None
                    action = own or matched
                    if isinstance(own, Translate) and own.ports is None and isinstance(matched, Translate):
                        action = replace(own, ports=matched.ports, base=matched.base)
                    if rule.does is Does.PASS and (action is None or not rule.stateful):
                        action = Accept()
                    if action is not None:
                        origin = last.step.rule.origin if is_matched and last.step else rule.origin
                        yield Made((*conditions, *_all_of(last)), action, origin, frozenset({family}))

    def _old(self, kind: str, direction: str) -> Iterator[Made]:
        """FreeBSD: the first rule of a kind that holds; where it says ``no``, the other kind is asked."""
        for at, one in enumerate(self._written.translations):
            if one.kind != kind:
                continue
            when, target = _turned(one, direction)
            tagged = self._tagged((when,), direction, -1)
            for part in self._sifted(when, direction, one.origin):
                action: Action | None = Return()
                if target is not None:
                    side = _TRANSLATED[direction]
                    action = translation(target, side, part.family, (when,), self._around)
                conditions = self._all((part,), None, original=False)
                if action is None or conditions is None or tagged is None:
                    continue
                conditions += tagged
                family = frozenset({part.family})
                bits = self._tags.get(at, 0) | (PASSED[direction] if one.passes else 0)
                if bits:
                    yield Made(conditions, set_(bits), one.origin, family)
                yield Made(conditions, action, one.origin, family)

    # --- The filter -----------------------------------------------------------------------------------------

    def _filter_chains(self) -> Iterator[Chain]:
        table = f"{self._name} filter"
        is_old = self._name == FREEBSD
        incoming, outgoing = self._ways["in"], self._ways["out"]
        if is_old:  # whose rules see what translation has made
            for hook in (Hook.FORWARD, Hook.INPUT):
                yield from self._marking(incoming, table, hook, Priority.FILTER - 1)
        else:
            yield from self._marking(incoming, table, Hook.PREROUTING, Priority.MANGLE)
        yield from self._marking(outgoing, table, Hook.POSTROUTING, Priority.SRCNAT + (49 if is_old else -51))
        yield Chain(table, "in", _joined(self._filter(incoming)))
        for hook in (Hook.FORWARD, Hook.INPUT):
            jump = Made((), Jump("in"), self._origin)
            yield Chain(table, hook.value, (jump,), hook, Priority.FILTER)
        priority = Priority.SRCNAT + (50 if is_old else -50)
        yield Chain(table, "out", _joined(self._filter(outgoing)), Hook.POSTROUTING, priority)

    def _marking(self, way: _Way, table: str, hook: Hook, priority: int) -> Iterator[Chain]:
        """What rules leave for later ones, in the file's order."""
        bits = dict.fromkeys((step.at for step, _ in way.translating), 0)
        for step, bit in way.translating:
            bits[step.at] |= bit
        for at, bit in way.tagging.items():
            bits[at] = bits.get(at, 0) | bit
        if not bits:
            return
        rules = [*self._skipped(way.direction), Made((_REPLIES,), Return(), self._origin)]
        for step in way.steps:
            leaves = bits.get(step.at, 0)
            if not leaves and not step.stops:
                continue
            for family, _, conditions in self._held(way, step):
                families = frozenset({family})
                if leaves:
                    rules.append(Made(conditions, set_(leaves), step.rule.origin, families))
                if step.stops:
                    rules.append(Made(conditions, Accept(), step.rule.origin, families))
        yield Chain(table, f"marks {hook.value}", _joined(rules), hook, priority)

    def _filter(self, way: _Way) -> Iterator[Made]:
        yield from self._skipped(way.direction)
        yield from self._states(way.direction)
        if self._name == FREEBSD and any(one.passes for one in self._written.translations):
            bit = PASSED[way.direction]
            origin = next(one.origin for one in self._written.translations if one.passes)
            yield Made((has(bit),), Accept(), origin)
        original = way.direction == "in" and self._name == OPENBSD and way.translates
        for step in deciding(way.steps):
            for family, _, conditions in self._held(way, step, original=original):
                yield from self._decided(way.direction, step.rule, conditions, frozenset({family}))
        if self._tracks:
            conditions = ()
            if self._name == FREEBSD:
                conditions = (Translated(_TRANSLATED[way.direction], expected=False),)
            yield Made(conditions, _no_state(way.direction), self._origin)

    def _decided(
        self, direction: str, rule: Rule, conditions: tuple[Condition, ...], families: frozenset[int]
    ) -> Iterator[Made]:
        if rule.opaque:
            yield Made(conditions, Opaque(rule.opaque), rule.origin, families)
        elif rule.does is Does.PASS:
            if not rule.stateful:
                yield Made(conditions, _no_state(direction), rule.origin, families)
            yield Made(conditions, Accept(), rule.origin, families)
        elif rule.answer == "return-rst":
            tcp = (*conditions, Protocols(Numbers.one(TCP)))
            yield Made(tcp, Reject(reset=True), rule.origin, families)
            yield Made(conditions, Drop(), rule.origin, families)
        else:
            answers: dict[str, Action] = {"return": Reject(reset=True), "return-icmp": Reject()}
            yield Made(conditions, answers.get(rule.answer, Drop()), rule.origin, families)

    def _states(self, direction: str) -> Iterator[Made]:
        """What belongs to a state of this direction passes, and what answers one of the other."""
        if not self._tracks:
            yield Made((_REPLIES,), Return(), self._origin)
            return
        for is_reply in (False, True):
            made_by = direction if not is_reply else {"in": "out", "out": "in"}[direction]
            known = Mark(Of.CONNECTION, Numbers.one(0), _STATELESS[made_by])
            yield Made((_REPLIES, Direction(is_reply), known), Return(), self._origin)


def _all_of(world: World) -> tuple[Mark, ...]:
    return () if world.mark is None else (world.mark,)


def _may_follow(last: World, before: World, step: Step) -> bool:
    """Whether ``last`` may be the last match of all where ``before`` was the last one before ``step``."""
    if before.mark is None:
        return True  # the step did not ask
    if last.step is None or last.step.at < step.at:
        return last.step is before.step
    return True


def _joined(rules: Iterable[Made]) -> tuple[Made, ...]:
    """Rules that differ in their family only, as one: those of a single rule of pf stand side by side."""
    found: list[Made] = []
    since = 0  # where the rules of the present one begin
    for one in rules:
        if not found or found[-1].origin != one.origin:
            since = len(found)
        at = next((at for at in range(since, len(found)) if _same(found[at], one)), None)
        if at is None:
            found.append(one)
        else:
            found[at] = replace(found[at], families=found[at].families | one.families)
    return tuple(found)


def _same(one: Made, other: Made) -> bool:
    alike = one.conditions == other.conditions and one.action == other.action
    return alike and not one.families & other.families


def _no_state(direction: str) -> SetMark:
    return SetMark(Of.CONNECTION, _STATELESS[direction], _STATELESS[direction])


def _turned(one: Translation, direction: str) -> tuple[Filter, Target | None]:
    """A translation rule as one direction sees it: ``binat`` works in both."""
    if one.kind != "binat" or direction == "out":
        return one.when, one.target if one.kind != "binat" or one.target is None else _whole(one.target)
    when = one.when
    public = () if one.target is None else one.target.hosts
    turned = replace(
        when,
        sources=when.destinations,
        source_ports=when.destination_ports,
        destinations=public,
        destination_ports=when.source_ports,
    )
    return turned, None if one.target is None else Target(when.sources, bitmask=True)


def _whole(target: Target) -> Target:
    return replace(target, bitmask=True, static=True)

"""Which of pf's rules decides, as the order in which a first match would (pf.conf(5), "quick").

The first quick rule that holds decides; if none does, the last rule that holds. So all quick rules come
first, in their order, and then the others, the last first. An anchor's rules stand where the anchor does;
behind a quick anchor, what one of its rules has decided stays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from splitdns.check.dialects.pf.values import Anchor, Does, Filter, Rule
from splitdns.value import value


@value(frozen=True, slots=True)
class Step:
    """A rule of one direction, its place among all, and the anchors around it.

    ``stops``: where it holds, no later rule is asked. ``again``: it stands here a second time.
    """

    at: int
    rule: Rule
    when: tuple[Filter, ...]
    stops: bool
    again: bool


def steps(items: Sequence[Rule | Anchor], direction: str) -> list[Step]:
    """A direction's rules in the file's order; those of a quick anchor again behind it, to stop there."""
    return [
        Step(at, rule, (*around, rule.when), stops, again)
        for at, (rule, around, stops, again) in enumerate(_unfolded(items, direction, ()))
    ]


def _unfolded(
    items: Sequence[Rule | Anchor], direction: str, around: tuple[Filter, ...]
) -> Iterator[tuple[Rule, tuple[Filter, ...], bool, bool]]:
    for one in items:
        if one.direction not in ("", direction):
            continue
        if isinstance(one, Rule):
            yield one, around, one.quick and one.does is not Does.MATCH, False
            continue
        inside = list(_unfolded(one.rules, direction, (*around, one.when)))
        yield from inside
        if one.quick:
            deciding = [each for each in inside if each[0].does is not Does.MATCH and not each[2]]
            yield from ((rule, its, True, True) for rule, its, _, _ in reversed(deciding))


def deciding(ordered: Sequence[Step]) -> list[Step]:
    """Rules that pass or block, by precedence: the first that holds decides."""
    found = [step for step in ordered if step.rule.does is not Does.MATCH]
    return [
        *(step for step in found if step.stops),
        *(step for step in reversed(found) if not step.stops),
    ]

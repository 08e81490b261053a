"""What rules leave for later ones."""

from __future__ import annotations

import pytest

from splitdns.check.dialects.pf.marks import BITS, Marks, has, set_, worlds
from splitdns.check.dialects.pf.order import Step
from splitdns.check.dialects.pf.values import Does, Filter, On, Rule
from splitdns.check.model import Mark, Of, Origin, SetMark
from splitdns.check.sets import Numbers
from splitdns.errors import ConfigError, Where

WHERE = Where("pf.conf", 1, 1)


def step(at: int) -> Step:
    return Step(at, Rule(Does.MATCH, "in", False, Filter(), Origin(WHERE)), (Filter(),), False, False)


def test_bits() -> None:
    assert has(1, but=6) == Mark(Of.PACKET, Numbers.one(1), 7)
    assert set_(4) == SetMark(Of.PACKET, 4, 4)


def test_a_tag_is_that_of_the_last_rule_that_set_one() -> None:
    marks = Marks(tested=True)
    first, second, third = (marks.tagging(tag, "in", at, WHERE) for at, tag in enumerate("ABA"))

    assert marks.tagged(On("A"), "in", 3) == [has(first, but=second | third), has(third)]
    assert marks.tagged(On("B"), "in", 3) == [has(second, but=third)]
    assert marks.tagged(On("A"), "in", 1) == [has(first)]
    assert marks.tagged(On("B"), "in", 1) is None
    others = [has(first, but=second), has(0, but=first | second)]
    assert marks.tagged(On("B", negated=True), "in", 2) == others


def test_a_tag_that_came_in_goes_out() -> None:
    marks = Marks(tested=True)
    bit = marks.tagging("A", "in", 9, WHERE)

    assert marks.tagged(On("A"), "out", 0) == [has(bit)]


def test_where_nobody_asks_for_tags_they_take_no_bits() -> None:
    marks = Marks(tested=False)

    assert (marks.tagging("A", "in", 0, WHERE), marks.taken) == (0, 0)


def test_there_are_only_so_many_bits() -> None:
    marks = Marks(tested=False)
    assert [marks.bit(WHERE) for _ in range(BITS)][-1] == 1 << BITS - 1
    with pytest.raises(ConfigError, match=f"at most {BITS} rules"):
        marks.bit(WHERE)


def test_a_rule_meets_what_each_match_before_it_made() -> None:
    translating = [(step(1), 1), (step(4), 2)]

    assert [(one.step, one.mark) for one in worlds(translating, 0)] == [(None, None)]
    assert [one.mark for one in worlds(translating, 2)] == [has(1), has(0, but=1)]
    assert [one.mark for one in worlds(translating, 9)] == [has(1, but=2), has(2), has(0, but=3)]

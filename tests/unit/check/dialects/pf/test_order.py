"""Which rule decides."""

from __future__ import annotations

from splitdns.check.dialects.pf.grammar import Grammar
from splitdns.check.dialects.pf.order import deciding, steps
from splitdns.check.dialects.printed import Printed
from splitdns.errors import Problems


def order(text: str, direction: str = "in") -> list[int]:
    """The lines of the rules, by precedence."""
    grammar = Grammar([], Problems())
    grammar.file(Printed(text, "pf.conf"))
    return [step.rule.origin.where.line for step in deciding(steps(grammar.written.rules, direction))]


def test_the_last_decides() -> None:
    assert order("block\npass\npass in\n") == [3, 2, 1]


def test_quick_rules_come_before_and_in_their_order() -> None:
    assert order("block\npass quick proto tcp\npass\nblock quick\n") == [2, 4, 3, 1]


def test_only_rules_of_the_direction_count() -> None:
    assert order("block out\npass in\nblock\n") == [3, 2]
    assert order("block out\npass in\nblock\n", "out") == [3, 1]


def test_matches_decide_nothing() -> None:
    assert order("match scrub (no-df)\npass\n") == [2]


def test_an_anchor_s_rules_stand_where_it_does() -> None:
    assert order("block\nanchor {\n pass\n block quick\n}\npass\n") == [4, 6, 3, 1]


def test_behind_a_quick_anchor_its_decision_stays() -> None:
    assert order("anchor quick {\n block\n pass proto tcp\n}\npass quick\n") == [3, 2, 5, 3, 2]

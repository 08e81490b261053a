from __future__ import annotations

import pytest

from splitdns.check.dialects.vyos.reading import Reading, numbered, origin
from splitdns.check.dialects.vyos.tree import parse
from splitdns.check.model import Support, Unknown

TREE = "set nat source rule 20 exclude\nset nat source rule 9 exclude\nset nat source rule 9 description hi\n"


def test_rules_are_in_the_order_of_their_numbers() -> None:
    reading = Reading("vyos", parse(TREE, "f"))

    found = numbered(reading.tree.beneath("nat", "source", "rule"), reading)

    assert [number for number, _ in found] == [9, 20]


def test_what_is_no_number_is_a_mistake() -> None:
    reading = Reading("vyos", parse("set nat source rule x exclude\n", "f"))

    assert numbered(reading.tree.beneath("nat", "source", "rule"), reading) == []
    with pytest.raises(ExceptionGroup):
        reading.problems.raise_errors("")


def test_what_is_not_known_is_noted_by_name_and_words_to_people_are_not() -> None:
    reading = Reading("vyos", parse(TREE + "set nat source rule 9 frobnicate\n", "f"))
    node = reading.tree.at("nat", "source", "rule", "9")
    assert node is not None

    reading.rest(node, (), ("exclude",))

    found = [(note.support, note.name) for note in reading.notes]
    assert found == [
        (Support.IGNORED, "nat source rule exclude"),
        (Support.UNKNOWN, "nat source rule frobnicate"),
    ]


def test_what_is_widened_may_hold_or_not() -> None:
    reading = Reading("vyos", parse(TREE, "f"))
    node = reading.tree.at("nat", "source", "rule", "9")
    assert node is not None

    assert reading.unknown(node, "why") == Unknown("rule 9: why")
    assert [note.support for note in reading.notes] == [Support.WIDENED]
    assert origin(node, "us").made_by == "us"

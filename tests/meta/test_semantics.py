"""Every decision of docs/semantics.md that is built has a test that bears its number."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_DECISION = re.compile(r"^(\d+)\. (\*\(planned\)\*)?", re.MULTILINE)
_NAMED = re.compile(r"def test_\w*__(?:\w+_)?semantics_(\d+(?:_and_\d+)*)")


def decisions() -> dict[int, bool]:
    """The numbers of all decisions, and whether each is built."""
    text = (ROOT / "docs" / "semantics.md").read_text()
    return {int(number): not mark for number, mark in _DECISION.findall(text)}


def numbers_with_a_test() -> set[int]:
    return {
        int(number)
        for path in (ROOT / "tests").rglob("test_*.py")
        for numbers in _NAMED.findall(path.read_text())
        for number in numbers.split("_and_")
    }


def test_the_decisions_are_numbered_without_a_gap() -> None:
    assert sorted(decisions()) == list(range(1, 33))


@pytest.mark.parametrize("number", sorted(number for number, built in decisions().items() if built))
def test_a_decision_that_is_built_has_a_test_named_after_it(number: int) -> None:
    assert number in numbers_with_a_test()

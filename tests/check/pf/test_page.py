"""The page about pf says of each construct what the reader makes of it."""

from __future__ import annotations

import re

import pytest

from splitdns.check.dialects.pf.grammar import _SETTINGS
from splitdns.check.dialects.pf.options import _OPTIONS
from splitdns.check.model import Note, Support
from tests.check.pf import read
from tests.meta.tree import ROOT

PAGE = (ROOT / "docs" / "dialects" / "pf.md").read_text()
TABLES = PAGE.partition("## What is understood")[2].partition("### ifconfig")[0]
ROWS = [
    (construct.replace("\\n", "\n"), state)
    for cells, state in re.findall(r"^\| (`.*?`) \| (\w+) \|", TABLES, re.MULTILINE)
    for construct in re.findall(r"`([^`]+)`", cells)
]


def state_of(notes: tuple[Note, ...]) -> str:
    states = {note.support for note in notes}
    worst_first = (Support.UNKNOWN, Support.REFUSED, Support.WIDENED, Support.IGNORED)
    return next((one.value for one in worst_first if one in states), "modelled")


@pytest.mark.parametrize(("words", "state"), ROWS, ids=[words for words, _ in ROWS])
def test_a_construct_is_in_the_state_that_the_page_says(words: str, state: str) -> None:
    ruleset = read(f"{words}\n").ruleset

    assert state_of(ruleset.notes) == state
    assert not [note for note in ruleset.notes if not note.reason]


def test_the_page_names_every_option_of_rules() -> None:
    named = {word for words, _ in ROWS for word in re.findall(r"[\w-]+", words)}

    old_scrub = {"min-ttl", "max-mss", "set-tos", "reassemble", "no-df", "random-id", "fastroute"}
    rare = {"divert-packet", "ridentifier"}
    assert set(_OPTIONS) - named - old_scrub - rare == set()


def test_settings_that_are_not_on_the_page_are_ignored_like_those_that_are() -> None:
    for name in _SETTINGS:
        assert state_of(read(f"set {name} x\n").ruleset.notes) == "ignored"

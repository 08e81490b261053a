"""The page about leases: each line that it shows is in the state that it says."""

from __future__ import annotations

import re

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.upnp import declared
from splitdns.check.dialects.upnp.onto import onto
from splitdns.check.model import Support
from tests.check.gateways import gateway
from tests.check.upnp.test_found import UPNPC
from tests.meta.tree import ROOT

PAGE = ROOT / "docs" / "dialects" / "upnp.md"
ROWS = re.findall(r"^\| `(.+?)` \| (modelled|a mistake) \|", PAGE.read_text(), re.MULTILINE)


def text_of(row: str) -> str:
    if row.startswith("{"):
        return f"[{row}]"
    return f"{UPNPC}{row}\n" if "->" in row else f"{row}\n"


@pytest.mark.parametrize(("row", "state"), ROWS, ids=[row for row, _ in ROWS])
def test_a_line_is_in_the_state_that_the_page_says(row: str, state: str) -> None:
    printed = Printed(text_of(row), "leases")
    if state == "a mistake":
        with pytest.raises(ExceptionGroup):
            onto([printed], gateway())
        return
    ruleset = onto([printed], gateway()).ruleset
    assert ruleset.rules == 1
    assert [note.support for note in ruleset.notes] == [Support.IGNORED]  # its end


def test_the_page_shows_every_form_and_key() -> None:
    assert len(ROWS) == 5
    named = set(re.findall(r"[`\"](\w+)[`\"]", PAGE.read_text()))
    assert set(declared.KEYS) - named == set()

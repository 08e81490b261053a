"""Exports that none of us wrote end in a model or in errors with a place; most of their rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros.read import read
from splitdns.check.model import Network, Ruleset
from tests.check.corpus import assert_counted, assert_known, files, measured, needs, short
from tests.check.reading import read_or_told

FILES = files("routeros", pattern="*.rsc")

pytestmark = needs(FILES)

# What was measured: of 34 rules 7 are widened, all for a per-connection classifier.
LEAST_EXACT = 0.79


def _read(path: Path) -> Ruleset | None:
    return read_or_told(lambda: read([Printed(path.read_text(), path.name)], Network()).ruleset)


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_real_export_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    if (found := _read(path)) is not None:
        assert_counted(found)
        assert_known(found)


def test_most_rules_of_real_exports_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(map(_read, FILES), lambda note: " firewall " in note.origin.text)
    found.tell(capsys, "routeros")

    assert found.refused == 0
    assert found.exact >= LEAST_EXACT

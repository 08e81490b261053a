"""Configurations that none of us wrote end in a model or in errors with a place; most rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos.read import read, read_edgeos
from splitdns.check.model import Network, Ruleset
from tests.check.corpus import assert_counted, assert_known, files, measured, needs, short
from tests.check.reading import read_or_told

FILES = files("vyos-edgeos")

pytestmark = needs(FILES)

# What was measured: of 278 rules one is widened, for a group that stands in another file. Two files have lost
# the lines with secrets, and with them a brace; they are refused.
MOST_REFUSED = 2
LEAST_EXACT = 0.99


def _read(path: Path) -> Ruleset | None:
    read_it = read_edgeos if "EdgeRouter" in path.name else read
    return read_or_told(lambda: read_it([Printed(path.read_text(), path.name)], Network()).ruleset)


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_real_configuration_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    if (found := _read(path)) is not None:
        assert_counted(found)
        assert_known(found)


def test_most_rules_of_real_configurations_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(map(_read, FILES), lambda note: " rule " in note.origin.text)
    found.tell(capsys, "vyos-edgeos")

    assert found.refused <= MOST_REFUSED
    assert found.exact >= LEAST_EXACT

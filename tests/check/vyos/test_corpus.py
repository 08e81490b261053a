"""Configurations that none of us wrote end in a model or in errors with a place; most rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.vyos.read import read, read_edgeos
from splitdns.check.model import Network, Ruleset, Support
from splitdns.errors import ConfigError
from tests.meta.tree import ROOT

CORPUS = ROOT.parent / "shared" / "corpus" / "vyos-edgeos"
FILES = sorted(CORPUS.glob("*")) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="no corpus here")

# What was measured: of 278 rules one is widened, for a group that stands in another file. Two files have lost
# the lines with secrets, and with them a brace; they are refused.
MOST_REFUSED = 2
LEAST_EXACT = 0.99


def _read(path: Path) -> Ruleset | ExceptionGroup[Exception]:
    read_it = read_edgeos if "EdgeRouter" in path.name else read
    try:
        return read_it([Printed(path.read_text(), path.name)], Network()).ruleset
    except ExceptionGroup as errors:
        return errors


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[-60:])
def test_a_real_configuration_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    found = _read(path)

    if isinstance(found, ExceptionGroup):
        assert all(isinstance(error, ConfigError) and error.where.line for error in found.exceptions)
    else:
        assert found.rules == len([rule for chain in found.chains for rule in chain.rules])
        assert not [note for note in found.notes if note.support is Support.UNKNOWN]


def test_most_rules_of_real_configurations_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    found = [_read(path) for path in FILES]
    known = [one for one in found if isinstance(one, Ruleset)]
    rules = sum(one.rules for one in known)
    widened = {
        note.origin
        for one in known
        for note in one.notes
        if note.support is Support.WIDENED and " rule " in note.origin.text
    }
    refused = len(found) - len(known)
    with capsys.disabled():
        print(
            f"\nvyos-edgeos corpus: {rules} rules, {1 - len(widened) / rules:.1%} exact,"
            f" {len(widened) / rules:.1%} widened; {refused} of {len(found)} files refused"
        )

    assert refused <= MOST_REFUSED
    assert 1 - len(widened) / rules >= LEAST_EXACT

"""Exports that none of us wrote end in a model or in errors with a place; most of their rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.printed import Printed
from splitdns.check.dialects.routeros.read import read
from splitdns.check.model import Network, Ruleset, Support
from splitdns.errors import ConfigError
from tests.meta.tree import ROOT

CORPUS = ROOT.parent / "shared" / "corpus" / "routeros"
FILES = sorted(CORPUS.glob("*.rsc")) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="no corpus here")

# What was measured: of 34 rules 7 are widened, all for a per-connection classifier.
LEAST_EXACT = 0.79


def _read(path: Path) -> Ruleset | ExceptionGroup[Exception]:
    try:
        return read([Printed(path.read_text(), path.name)], Network()).ruleset
    except ExceptionGroup as errors:
        return errors


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[-60:])
def test_a_real_export_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    found = _read(path)

    if isinstance(found, ExceptionGroup):
        assert all(isinstance(error, ConfigError) and error.where.line for error in found.exceptions)
    else:
        assert not [note for note in found.notes if note.support is Support.UNKNOWN]


def test_most_rules_of_real_exports_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    known = [one for one in map(_read, FILES) if isinstance(one, Ruleset)]
    rules = sum(one.rules for one in known)
    notes = [note for one in known for note in one.notes if note.support is Support.WIDENED]
    widened = {note.origin for note in notes if " firewall " in note.origin.text}
    with capsys.disabled():
        print(
            f"\nrouteros corpus: {rules} rules, {1 - len(widened) / rules:.1%} exact, "
            f"{len(widened)} widened; {len(FILES) - len(known)} of {len(FILES)} files refused"
        )

    assert len(known) == len(FILES)
    assert 1 - len(widened) / rules >= LEAST_EXACT

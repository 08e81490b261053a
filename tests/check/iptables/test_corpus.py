"""Rule sets that none of us wrote end in a model or in errors with a place; most of their rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects import ipset, iptables
from splitdns.check.model import Ruleset, Support
from splitdns.errors import ConfigError
from tests.meta.tree import ROOT

CORPUS = ROOT.parent / "shared" / "corpus" / "iptables"
FILES = sorted(CORPUS.glob("*")) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="no corpus here")

# What was measured: of 13,048 rules 4,219 are widened, of them 4,165 for a hardware address; and one file is
# the output of a parser, and refused.
MOST_REFUSED = 1
LEAST_EXACT = 0.67
LEAST_EXACT_BUT_FOR_HARDWARE = 0.99


def _read(path: Path) -> Ruleset | ExceptionGroup[Exception]:
    try:
        family = 6 if path.suffix == ".v6" else 4
        return iptables.read(path.read_text(), path.name, family=family, sets=ipset.IpSets())
    except ExceptionGroup as errors:
        return errors


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[-60:])
def test_a_real_rule_set_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    found = _read(path)

    if isinstance(found, ExceptionGroup):
        assert all(isinstance(error, ConfigError) and error.where.line for error in found.exceptions)
    else:
        assert found.rules == len([rule for chain in found.chains for rule in chain.rules])
        assert not [note for note in found.notes if note.support is Support.UNKNOWN]


def test_most_rules_of_real_rule_sets_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    read = [_read(path) for path in FILES]
    known = [one for one in read if isinstance(one, Ruleset)]
    rules = sum(one.rules for one in known)
    notes = [note for one in known for note in one.notes if note.support is Support.WIDENED]
    widened = {note.origin: note.name for note in notes}
    by_hardware = sum(name == "mac" for name in widened.values())
    refused = len(read) - len(known)
    with capsys.disabled():
        print(
            f"\niptables corpus: {rules} rules, {1 - len(widened) / rules:.1%} exact,"
            f" {len(widened) / rules:.1%} widened; {refused} of {len(read)} files refused"
        )

    assert refused <= MOST_REFUSED
    assert 1 - len(widened) / rules >= LEAST_EXACT
    assert 1 - (len(widened) - by_hardware) / rules >= LEAST_EXACT_BUT_FOR_HARDWARE

"""Files that none of us wrote end in a model or in errors with a place; most of their rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.pf.read import read
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Ruleset, Support
from splitdns.errors import ConfigError
from tests.check.gateways import interface, network
from tests.meta.tree import ROOT

CORPUS = ROOT.parent / "shared" / "corpus" / "pf"
FILES = sorted(CORPUS.glob("*.conf")) if CORPUS.is_dir() else []

pytestmark = pytest.mark.skipif(not FILES, reason="no corpus here")

# What was measured: of 64 rules 6 are widened, all for tables whose content is elsewhere; and one file has
# empty macros, with which pf refuses it too.
MOST_REFUSED = 1
LEAST_EXACT = 0.9


# The interfaces that these files name, with addresses of ours.
NAMES = ("em0", "em1", "em2", "athn0", "vmx0", "vmx1", "vr0", "vr1", "pppoe0")
NETWORK = network(
    *(interface(name, f"10.{at}.0.1/24", uplink=at == 0) for at, name in enumerate(NAMES))
)


def _read(path: Path) -> Ruleset | ExceptionGroup[Exception]:
    try:
        return read([Printed(path.read_text(), path.name)], NETWORK).ruleset
    except ExceptionGroup as errors:
        return errors


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[-60:])
def test_a_real_file_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    found = _read(path)

    if isinstance(found, ExceptionGroup):
        assert all(isinstance(error, ConfigError) and error.where.line for error in found.exceptions)
    else:
        assert not [note for note in found.notes if note.support is Support.UNKNOWN]


def test_most_rules_of_real_files_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    known = [one for one in map(_read, FILES) if isinstance(one, Ruleset)]
    rules = sum(one.rules for one in known)
    notes = [note for one in known for note in one.notes if note.support is Support.WIDENED]
    widened = {note.origin: note.name for note in notes}
    refused = len(FILES) - len(known)
    with capsys.disabled():
        print(
            f"\npf corpus: {rules} rules, {1 - len(widened) / rules:.1%} exact, {len(widened)} widened"
            f" ({', '.join(sorted(set(widened.values())))}); {refused} of {len(FILES)} files refused"
        )

    assert refused <= MOST_REFUSED
    assert 1 - len(widened) / rules >= LEAST_EXACT

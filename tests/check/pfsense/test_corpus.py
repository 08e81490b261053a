"""Configurations that none of us wrote end in a model or in errors with a place; most of it is exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.opnsense import read as opnsense
from splitdns.check.dialects.pfsense import read as pfsense
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Network, Support
from splitdns.errors import ConfigError
from tests.meta.tree import ROOT

CORPUS = ROOT.parent / "shared" / "corpus"
FILES = sorted(path for name in ("pfsense", "opnsense") for path in (CORPUS / name).glob("*"))

pytestmark = pytest.mark.skipif(not FILES, reason="no corpus here")

# What was measured: of 8 files none is refused; of 282 rules one is widened, for a tag, and 18 more are off.
LEAST_EXACT = 0.97


def _read(path: Path) -> Device | ExceptionGroup[Exception]:
    read = opnsense.read if path.parent.name == "opnsense" else pfsense.read
    try:
        return read([Printed(path.read_text(), path.name)], Network())
    except ExceptionGroup as errors:
        return errors


def _of_persons(device: Device) -> set[object]:
    """The places of rules that a person wrote."""
    rules = (rule for chain in device.ruleset.chains for rule in chain.rules)
    return {rule.origin.where for rule in rules if not rule.origin.made_by}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name[-60:])
def test_a_real_configuration_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    found = _read(path)

    if isinstance(found, ExceptionGroup):
        assert all(isinstance(error, ConfigError) and error.where.line for error in found.exceptions)
    else:
        assert found.ruleset.rules == sum(len(chain.rules) for chain in found.ruleset.chains)
        assert found.network.interfaces
        assert not [note for note in found.ruleset.notes if note.support is Support.UNKNOWN]


def test_most_rules_of_real_configurations_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    read = [_read(path) for path in FILES]
    known = [one for one in read if isinstance(one, Device)]
    rules = {place for one in known for place in _of_persons(one)}
    widened = {
        note.origin.where
        for one in known
        for note in one.ruleset.notes
        if note.support is Support.WIDENED and note.origin.where in rules
    }
    left_out = {
        note.origin.where
        for one in known
        for note in one.ruleset.notes
        if note.support is Support.IGNORED and note.origin.where not in rules and "rule" in note.name
    }
    refused = len(read) - len(known)
    with capsys.disabled():
        print(
            f"\npfSense and OPNsense corpus: {len(rules)} rules, {1 - len(widened) / len(rules):.1%} exact;"
            f" {len(left_out)} are off or left out by the device; {refused} of {len(read)} files refused"
        )

    assert refused == 0
    assert 1 - len(widened) / len(rules) >= LEAST_EXACT

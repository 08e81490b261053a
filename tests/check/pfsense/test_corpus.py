"""Configurations that none of us wrote end in a model or in errors with a place; most of it is exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects.opnsense import read as opnsense
from splitdns.check.dialects.pfsense import read as pfsense
from splitdns.check.dialects.printed import Printed
from splitdns.check.model import Device, Network, Support
from tests.check.corpus import Measured, assert_counted, assert_known, files, needs, short
from tests.check.reading import read_or_told

FILES = files("pfsense", "opnsense")

pytestmark = needs(FILES)

# What was measured: of 8 files none is refused; of 282 rules one is widened, for a tag, and 18 more are off.
LEAST_EXACT = 0.97


def _read(path: Path) -> Device | None:
    reader = opnsense if path.parent.name == "opnsense" else pfsense
    return read_or_told(lambda: reader.read([Printed(path.read_text(), path.name)], Network()))


def _of_persons(device: Device) -> set[object]:
    """The places of rules that a person wrote."""
    rules = (rule for chain in device.ruleset.chains for rule in chain.rules)
    return {rule.origin.where for rule in rules if not rule.origin.made_by}


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_real_configuration_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    if (found := _read(path)) is not None:
        assert_counted(found.ruleset)
        assert_known(found.ruleset)
        assert found.network.interfaces


def test_most_rules_of_real_configurations_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    read = [_read(path) for path in FILES]
    known = [one for one in read if one is not None]
    rules = {place for one in known for place in _of_persons(one)}
    widened = {
        note.origin.where: note.name
        for one in known
        for note in one.ruleset.notes
        if note.support is Support.WIDENED and note.origin.where in rules
    }
    found = Measured(len(read), len(read) - len(known), len(rules), widened)
    found.tell(capsys, "pfSense and OPNsense")

    assert found.refused == 0
    assert found.exact >= LEAST_EXACT

"""Rule sets that none of us wrote end in a model or in errors with a place; most of their rules are exact."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.check.dialects import ipset, iptables
from splitdns.check.model import Ruleset
from tests.check.corpus import assert_counted, assert_known, files, measured, needs, short
from tests.check.reading import read_or_told

FILES = files("iptables")

pytestmark = needs(FILES)

# What was measured: of 13,048 rules 4,219 are widened, of them 4,165 for a hardware address; and one file is
# the output of a parser, and refused.
MOST_REFUSED = 1
LEAST_EXACT = 0.67
LEAST_EXACT_BUT_FOR_HARDWARE = 0.99


def _read(path: Path) -> Ruleset | None:
    family = 6 if path.suffix == ".v6" else 4
    return read_or_told(
        lambda: iptables.read(path.read_text(), path.name, family=family, sets=ipset.IpSets())
    )


@pytest.mark.parametrize("path", FILES, ids=short)
def test_a_real_rule_set_ends_in_a_model_or_in_errors_with_a_place(path: Path) -> None:
    if (found := _read(path)) is not None:
        assert_counted(found)
        assert_known(found)


def test_most_rules_of_real_rule_sets_are_exact(capsys: pytest.CaptureFixture[str]) -> None:
    found = measured(map(_read, FILES))
    found.tell(capsys, "iptables")

    by_hardware = sum(name == "mac" for name in found.widened.values())
    assert found.refused <= MOST_REFUSED
    assert found.exact >= LEAST_EXACT
    assert found.exact + by_hardware / found.rules >= LEAST_EXACT_BUT_FOR_HARDWARE

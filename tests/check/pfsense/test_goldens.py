"""Configurations as people have them, of pfSense and OPNsense: all that the check finds in each is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.check.goldens import explained, golden
from tests.check.lines import shown
from tests.check.pfsense.goldens import CASES, GOLDENS, SITES


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.parent.name}-{case.stem}")
def test_a_configuration_gives_its_findings(case: Path, tmp_path: Path) -> None:
    found = GOLDENS.findings(case, tmp_path)

    assert sorted(map(shown, found)) == golden(case).read_text().splitlines(), explained(found)


def test_both_have_the_same_cases_and_each_has_its_findings() -> None:
    assert set(Counter(case.stem for case in CASES).values()) == {2}
    assert set(SITES) <= {case.stem for case in CASES}
    assert {golden(case) for case in CASES} == {
        path for case in CASES for path in case.parent.glob("*.findings")
    }
    assert len(CASES) >= 24

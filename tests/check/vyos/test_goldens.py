"""Configurations as people have them: all that the check finds in each is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.check.goldens import explained, golden
from tests.check.lines import shown
from tests.check.vyos.goldens import CASES, GOLDENS, SITES, name


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_configuration_gives_its_findings(case: Path, tmp_path: Path) -> None:
    found = GOLDENS.findings(case, tmp_path)

    assert sorted(map(shown, found)) == golden(case).read_text().splitlines(), explained(found)


def test_every_golden_has_its_configuration() -> None:
    cases = Path(__file__).with_name("cases")
    assert {golden(case) for case in CASES} == {*cases.glob("*/*.findings")}
    assert set(SITES) <= {name(case) for case in CASES}
    assert min(Counter(case.parent.name for case in CASES).values()) >= 12

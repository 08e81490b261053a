"""Configurations as people have them: all that the check finds in each is known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.check.vyos.goldens import CASES, SITES, findings, golden, name, shown


@pytest.mark.parametrize("case", CASES, ids=name)
def test_a_configuration_gives_its_findings(case: Path, tmp_path: Path) -> None:
    found = findings(case, tmp_path)

    explained = "\n".join(f"{one.code} {one.message}" for one in found)
    assert sorted(map(shown, found)) == golden(case).read_text().splitlines(), explained


def test_every_golden_has_its_configuration() -> None:
    cases = Path(__file__).with_name("cases")
    assert {golden(case) for case in CASES} == {*cases.glob("*/*.findings")}
    assert set(SITES) <= {name(case) for case in CASES}
    assert min(Counter(case.parent.name for case in CASES).values()) >= 12

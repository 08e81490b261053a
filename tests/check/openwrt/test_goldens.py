"""Routers as people have them: all that the check finds in each is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.goldens import explained, golden
from tests.check.lines import shown
from tests.check.openwrt.goldens import CASES, GOLDENS, SITES


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_router_gives_its_findings(case: Path, tmp_path: Path) -> None:
    found = GOLDENS.findings(case, tmp_path)

    assert sorted(map(shown, found)) == golden(case).read_text().splitlines(), explained(found)


def test_every_golden_has_its_router() -> None:
    assert {golden(case) for case in CASES} == {*Path(__file__).with_name("cases").glob("*.findings")}
    assert set(SITES) <= {case.stem for case in CASES}
    assert len(CASES) > 20

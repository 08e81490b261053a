"""Files as people have them: all that the check finds in each is known."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.check.goldens import explained, golden
from tests.check.lines import shown
from tests.check.pf.goldens import CASES, GOLDENS, HERE, SITES


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}-{case.stem}")
def test_a_pf_conf_gives_its_findings(case: Path, tmp_path: Path) -> None:
    found = GOLDENS.findings(case, tmp_path)

    assert sorted(map(shown, found)) == golden(case).read_text().splitlines(), explained(found)


def test_every_golden_has_its_case() -> None:
    assert {golden(case) for case in CASES} == {*HERE.glob("*/*.findings")}
    assert set(SITES) <= {case.stem for case in CASES}
    for flavour in ("openbsd", "freebsd"):
        assert len([case for case in CASES if case.parent.name == flavour]) >= 12

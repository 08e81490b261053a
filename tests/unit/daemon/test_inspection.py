from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from splitdns.daemon.inspection import Inspector, inspection
from splitdns.load.load import Loaded, load
from splitdns.metrics import (
    EXPOSURE_CONSISTENT,
    EXPOSURE_FINDINGS,
    EXPOSURE_RULES,
    EXPOSURE_RUN,
    EXPOSURE_SUCCESSFUL,
    Counts,
)
from tests.check.world import nat
from tests.unit.cli import gateway
from tests.unit.cli.conftest import CONFIG

MISSING = "old.example.com. 444/tcp"


def lay(directory: Path, rules: str = gateway.RULES) -> Loaded:
    (directory / "zones").mkdir(exist_ok=True)
    (directory / "splitdns.yaml").write_text(CONFIG)
    gateway.lay(directory, rules)
    return load(directory / "splitdns.yaml", generation=1, now_s=0.0)


def gauge(counts: Counts, name: str, *labels: str) -> float | None:
    return counts.gauges.get((name, labels))


def test_findings_counts_and_consistency_come_back(tmp_path: Path) -> None:
    said = inspection(lay(tmp_path), tmp_path)

    assert ["error", "FWD-MISSING", "old.example.com. 444/tcp", 1] in said["counts"]
    assert said["consistent"] == {"www.example.com. 443/tcp": True, "old.example.com. 444/tcp": False}
    assert said["rules_s"] is not None
    missing = next(one for one in said["findings"] if one["code"] == "FWD-MISSING")
    assert missing["where"].endswith("example.com.yaml:5:28")


def test_what_is_accepted_is_neither_counted_nor_inconsistent(tmp_path: Path) -> None:
    lay(tmp_path)
    path = tmp_path / "splitdns.yaml"
    entry = f'  accept: [{{code: FWD-MISSING, subject: "{MISSING}", reason: not yet}}]\n'
    path.write_text(path.read_text() + entry)

    said = inspection(load(path, generation=1, now_s=0.0), tmp_path)

    assert "FWD-MISSING" not in {code for _, code, _, _ in said["counts"]}
    assert said["consistent"][MISSING]


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    loaded = lay(tmp_path)
    (tmp_path / "rules.v4").unlink()

    assert "cannot read" in inspection(loaded, tmp_path)["error"]


def test_findings_are_told_when_they_come_and_when_they_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    counts = Counts()
    inspector = Inspector(tmp_path / "splitdns.yaml", counts, lambda: None)
    caplog.set_level(logging.INFO, logger="splitdns.exposure")

    def inspect(loaded: Loaded) -> list[str]:
        caplog.clear()
        asyncio.run(inspector.inspect(loaded))
        codes = [(one.message, getattr(one, "code", "")) for one in caplog.records]
        return [f"{event} {code}".strip() for event, code in codes]

    assert "exposure.found FWD-MISSING" in inspect(lay(tmp_path))
    assert inspect(lay(tmp_path)) == ["exposure.checked"]
    forward = gateway.RULES.splitlines(keepends=True)[5]
    mended = nat(forward, forward.replace("443", "444"))
    assert "exposure.gone FWD-MISSING" in inspect(lay(tmp_path, mended))
    assert gauge(counts, "exposure_findings", "error", "FWD-MISSING", MISSING) is None


def test_the_numbers_of_a_run_stand_in_the_metrics(tmp_path: Path) -> None:
    counts = Counts()
    inspector = Inspector(tmp_path / "splitdns.yaml", counts, lambda: None)
    loaded = lay(tmp_path)

    asyncio.run(inspector.inspect(loaded))

    assert gauge(counts, EXPOSURE_FINDINGS.name, "error", "FWD-MISSING", MISSING) == 1
    assert gauge(counts, EXPOSURE_CONSISTENT.name, "www.example.com. 443/tcp") == 1
    assert gauge(counts, EXPOSURE_CONSISTENT.name, "old.example.com. 444/tcp") == 0
    assert gauge(counts, EXPOSURE_SUCCESSFUL.name) == 1
    assert (gauge(counts, EXPOSURE_RUN.name) or 0) > 0
    written_s = min((tmp_path / name).stat().st_mtime for name in ("rules.v4", "addresses.json"))
    assert gauge(counts, EXPOSURE_RULES.name) == written_s

    (tmp_path / "rules.v4").unlink()
    asyncio.run(inspector.inspect(loaded))
    assert gauge(counts, EXPOSURE_SUCCESSFUL.name) == 0
    assert gauge(counts, EXPOSURE_FINDINGS.name, "error", "FWD-MISSING", MISSING) is None


def test_the_numbers_of_a_run_stand_until_there_are_others(tmp_path: Path) -> None:
    counts = Counts()
    inspector = Inspector(tmp_path / "splitdns.yaml", counts, lambda: None)
    loaded = lay(tmp_path)

    async def inspect_twice() -> None:
        await inspector.inspect(loaded)
        again = asyncio.create_task(inspector.inspect(loaded))
        await asyncio.sleep(0)
        assert gauge(counts, EXPOSURE_FINDINGS.name, "error", "FWD-MISSING", MISSING) == 1
        await again

    asyncio.run(inspect_twice())


def test_beyond_so_many_findings_the_least_have_no_series_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("splitdns.daemon.inspection.MAX_SUBJECTS", 1)

    counts = inspection(lay(tmp_path), tmp_path)["counts"]

    assert counts[:2] == [["critical", "EXP-ADMIN", "", 1], ["error", "FWD-MISSING", "", 1]]


def test_a_configuration_without_a_gateway_is_not_checked(tmp_path: Path) -> None:
    (tmp_path / "zones").mkdir()
    (tmp_path / "splitdns.yaml").write_text(CONFIG)
    counts = Counts()

    asyncio.run(
        Inspector(tmp_path / "splitdns.yaml", counts, lambda: None).inspect(
            load(tmp_path / "splitdns.yaml", generation=1, now_s=0.0)
        )
    )

    assert gauge(counts, EXPOSURE_RUN.name) is None

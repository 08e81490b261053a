from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from splitdns.check.check import Checked
from splitdns.check.report.plain import ports, report
from splitdns.check.report.schema import json_schema
from splitdns.check.sets import PORTS, Numbers
from tests.check.test_findings import PAIRS
from tests.check.world import PLAIN, World


@pytest.fixture
def checked(tmp_path: Path) -> Checked:
    return World(tmp_path, zone=PLAIN).checked()


def test_a_report_holds_findings_cells_and_a_summary(checked: Checked) -> None:
    said = report(checked)

    missing = next(one for one in said["findings"] if one["code"] == "HP-MISSING")
    assert missing["severity"] == "error"
    assert missing["subject"] == "www.example.com. 443/tcp"
    assert missing["witness"]["source"] == "192.168.1.2"
    assert missing["witness"]["destination_port"] == "443"
    assert missing["witness"]["stages"][0]["where"] == "client"
    assert missing["rules"][0]["where"] == "rules.v4:6:1"
    assert {cell["verdict"] for cell in said["cells"]} >= {"asym-reply", "ok-dnat"}
    assert said["summary"]["findings"]["error"] == 1
    assert said["summary"]["rules"] == 2


@pytest.mark.parametrize("code", PAIRS, ids=lambda code: code.value)
def test_every_report_is_what_the_schema_says(code: str, tmp_path: Path) -> None:
    appears, _ = PAIRS[code](World(tmp_path))  # type: ignore[index]

    said = json.loads(json.dumps(report(appears.checked())))

    jsonschema.Draft202012Validator(json_schema()).validate(said)


def test_the_schema_says_no_to_what_is_no_report(checked: Checked) -> None:
    judge = jsonschema.Draft202012Validator(json_schema())
    for broken in ({}, report(checked) | {"format": 2}, report(checked) | {"findings": [{}]}):
        assert not judge.is_valid(broken)


def test_ports_are_shown_as_ranges() -> None:
    assert ports(PORTS) == "any"
    assert ports(Numbers.of((80, 80), (8000, 8009))) == "80,8000-8009"

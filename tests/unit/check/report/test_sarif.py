from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sarif_pydantic.sarif import Sarif

from splitdns.check.report.sarif import report
from splitdns.errors import Where
from tests.check.test_findings import PAIRS
from tests.check.world import PLAIN, World


def test_a_finding_is_a_result_at_its_place_with_its_rules_related(tmp_path: Path) -> None:
    said = report(World(tmp_path, zone=PLAIN).checked())

    (run,) = said["runs"]
    result = next(one for one in run["results"] if one["ruleId"] == "HP-MISSING")
    assert result["level"] == "error"
    assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == "HP-MISSING"
    (place,) = result["locations"]
    assert place["physicalLocation"]["region"] == {"startLine": 4, "startColumn": 28}
    related = result["relatedLocations"][0]["physicalLocation"]
    assert (related["artifactLocation"]["uri"], related["region"]["startLine"]) == ("rules.v4", 6)


def test_a_place_is_a_uri_also_where_it_is_no_file_s_path(tmp_path: Path) -> None:
    checked = World(tmp_path, zone=PLAIN).checked()
    place = Where("docker: container web, label splitdns.name")
    moved = replace(checked, findings=[replace(one, where=place) for one in checked.findings])

    uris = {
        location["physicalLocation"]["artifactLocation"]["uri"]
        for result in report(moved)["runs"][0]["results"]
        for location in result["locations"]
    }

    assert uris == {"docker%3A%20container%20web%2C%20label%20splitdns.name"}


@pytest.mark.parametrize("code", PAIRS, ids=lambda code: code.value)
def test_every_report_is_sarif_2_1_0(code: str, tmp_path: Path) -> None:
    appears, _ = PAIRS[code](World(tmp_path))  # type: ignore[index]

    read = Sarif.model_validate(report(appears.checked()))

    assert read.version == "2.1.0"
    assert code in {result.rule_id for result in read.runs[0].results or ()}


def test_what_is_accepted_is_suppressed_with_the_reason(tmp_path: Path) -> None:
    entry = '{accept: [{code: HP-MISSING, subject: "www.example.com. 443/tcp", reason: meant}]}'

    said = report(World(tmp_path, zone=PLAIN, gateway=entry).checked())

    (result,) = [one for one in said["runs"][0]["results"] if one["ruleId"] == "HP-MISSING"]
    assert result["suppressions"] == [
        {"kind": "external", "status": "accepted", "justification": "meant"}
    ]
    assert Sarif.model_validate(said).version == "2.1.0"

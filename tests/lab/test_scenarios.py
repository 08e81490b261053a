"""Each scenario with the real daemon, the real kernel, real clients, and the check on what is there."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.check.lines import line, shown
from tests.lab.device import Site
from tests.lab.scenario import DIRECTORY, Scenario, Step, running
from tests.lab.verdicts import disagreements
from tests.meta.tree import ROOT

DIRECTORIES = sorted(DIRECTORY.iterdir())
DEVICES = [
    pytest.param(directory, step, id=f"{directory.name}-{at}")
    for directory in DIRECTORIES
    for at, step in enumerate(Scenario.read(directory).steps, 1)
    if step.gateway
]


@pytest.mark.root
@pytest.mark.needs("nft", "iptables", "ipset", "sysctl", "curl", "wg", "wireguard-go")
@pytest.mark.usefixtures("gateways")
@pytest.mark.timeout(600)
@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: path.name)
def test_pages_come_or_do_not_and_the_check_says_why(directory: Path) -> None:
    scenario = Scenario.read(directory)
    with running(scenario) as site:
        for step in scenario.steps:
            if step.gateway:
                site.play(step.gateway, step.config)
            else:
                site.load(step.rules)
                site.export()
                if step.mended:
                    site.mend(step.config, step.mended)
                    site.export()
            if step.leaves:
                assert site.listed(step.leaves) == (directory / step.leaves).read_text()
            with site.served(step.config, step.daemon):
                fetched = site.fetched(step.fetches)
            assert fetched == step.fetches, f"{directory.name}: {step.name}"
            assert list(disagreements(scenario, Site(site.work).checked(step.config), fetched)) == []
            _assert_findings(step, site.check(step.config), directory.name)


@pytest.mark.parametrize(("directory", "step"), DEVICES)
def test_a_device_s_files_give_all_the_findings_that_are_told(
    directory: Path, step: Step, tmp_path: Path
) -> None:
    site = Site(shutil.copytree(directory, tmp_path / "site"))

    site.lay(step.gateway)

    found = [shown(one) for one in site.checked(step.config).findings]
    assert sorted(found) == sorted(step.findings)
    assert Scenario.read(directory).misfits(site.gateway(step.config)) == []


@pytest.mark.parametrize(
    ("directory", "step"), [one for one in DEVICES if one.values[1].mended]  # type: ignore[union-attr]
)
def test_mended_files_are_those_that_printed_rules_make(directory: Path, step: Step, tmp_path: Path) -> None:
    site = Site(shutil.copytree(directory, tmp_path / "site"))

    site.lay(step.was)

    assert site.mended(step.config, step.mended) == site.kept(step.gateway)


def _assert_findings(step: Step, findings: list[dict[str, object]], scenario: str) -> None:
    said = [f"{finding['code']} {finding['message']}" for finding in findings]
    shown = "\n".join([f"{scenario}: {step.name}", *said])
    for wanted in step.finds:
        assert any(re.match(wanted, one) for one in said), f"no {wanted} in\n{shown}"
    for unwanted in step.lacks:
        assert not any(re.match(unwanted, one) for one in said), f"{unwanted} in\n{shown}"
    for finding in findings:
        if finding["code"] == "HP-MISSING":
            assert finding["witness"], finding
    assert sorted(map(_line, findings)) == sorted(step.findings), shown


def _line(finding: dict[str, Any]) -> str:
    return line(finding["severity"], finding["code"], finding["subject"], finding["clients"])


@pytest.mark.parametrize("directory", DIRECTORIES, ids=lambda path: path.name)
def test_every_scenario_is_told_in_the_documentation(directory: Path) -> None:
    page = (ROOT / "docs" / "scenarios.md").read_text()
    assert f"(../tests/lab/scenarios/{directory.name}/scenario.yaml)" in page

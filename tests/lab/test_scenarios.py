"""Each scenario with the real daemon, the real kernel, real clients, and the check on what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab.scenario import DIRECTORY, Scenario, Step, running

pytestmark = [
    pytest.mark.root,
    pytest.mark.needs("nft", "iptables", "ipset", "curl", "wg", "wireguard-go"),
    pytest.mark.usefixtures("gateways"),
]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("directory", sorted(DIRECTORY.iterdir()), ids=lambda path: path.name)
def test_pages_come_or_do_not_and_the_check_says_why(directory: Path) -> None:
    scenario = Scenario.read(directory)
    with running(scenario) as site:
        for step in scenario.steps:
            site.load(step.rules)
            site.export()
            if step.mended:
                site.mend(step.config, step.mended)
                site.export()
            with site.served(step.config, step.daemon):
                assert site.fetched(step.fetches) == step.fetches, f"{directory.name}: {step.name}"
            _assert_findings(step, site.check(step.config), directory.name)


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

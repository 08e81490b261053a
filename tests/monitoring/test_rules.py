"""The rules by themselves: promtool runs their unit tests, and each alert says what to do."""

from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest
import yaml

from splitdns.check.finding import Code
from splitdns.metrics import METRICS, NAMESPACE
from tests.meta.test_links import anchors
from tests.meta.tree import ROOT
from tests.monitoring.prometheus import CONFIG, RULES, rules

TESTS = RULES.with_name("rules_test.yaml")
ALERTS = [rule for rule in rules() if "alert" in rule]
SEVERITIES = {"critical", "warning", "info"}


def named(rule: dict[str, Any]) -> str:
    return f"{rule['alert']}-{rule['labels']['severity']}-{rule['labels'].get('names', '')}"


@pytest.mark.needs("promtool")
@pytest.mark.parametrize(
    "arguments",
    [("test", "rules", TESTS.name), ("check", "rules", RULES.name), ("check", "config", CONFIG.name)],
    ids=" ".join,
)
def test_promtool_is_content(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=RULES.parent, capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_a_unit_test() -> None:
    tests = TESTS.read_text()

    assert {rule["alert"] for rule in ALERTS if rule["alert"] not in tests} == set()


@pytest.mark.parametrize("rule", ALERTS, ids=named)
def test_an_alert_says_what_happened_what_to_do_and_where_to_read_on(rule: dict[str, Any]) -> None:
    assert rule["labels"]["severity"] in SEVERITIES
    assert set(rule["annotations"]) == {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    if "{{" in page:
        assert page == "docs/findings/{{ $labels.code }}.md"
        assert all((ROOT / "docs" / "findings" / f"{code}.md").exists() for code in Code)
    else:
        assert anchor == rule["alert"].lower()
        assert anchor in anchors(ROOT / page)


def test_the_page_about_alerts_has_no_others() -> None:
    page = (ROOT / "docs" / "alerts.md").read_text()
    sections = re.findall(r"^### (.+)$", page, re.MULTILINE)

    assert sections == list(dict.fromkeys(rule["alert"] for rule in ALERTS))


@pytest.mark.parametrize("file", [RULES, TESTS], ids=lambda file: file.name)
def test_rules_ask_for_nothing_that_the_server_does_not_have(file: Any) -> None:
    known = {NAMESPACE + metric.name for metric in METRICS}
    known |= {f"{NAMESPACE}{metric.name}_bucket" for metric in METRICS if metric.kind == "histogram"}
    texts = re.findall(r"splitdns_[a-z0-9_]+(?=[{\[) ]|$)", file.read_text(), re.MULTILINE)

    assert set(texts) - known == set()


def test_the_rules_are_yaml_without_surprises() -> None:
    names = [group["name"] for group in yaml.safe_load(RULES.read_text())["groups"]]

    assert len(names) == len(set(names))

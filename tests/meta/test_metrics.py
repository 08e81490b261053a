"""Names of metrics follow Prometheus's convention, and the page that describes them knows each."""

from __future__ import annotations

import ast
import re

import pytest

from splitdns.metrics import METRICS, NAMESPACE, Metric
from tests.meta.tree import ROOT

_UNITS = re.compile(r"milli|micro|minute|hour|_ms\b|kilo|mega|octets")  # base units only: seconds, bytes


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_name_of_a_metric_says_its_kind_and_unit(metric: Metric) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", metric.name)
    assert not _UNITS.search(metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.help.endswith(".")
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", label) for label in metric.labels)


def test_names_are_one_namespace_and_unique() -> None:
    assert NAMESPACE == "splitdns_"
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_no_declaration_takes_the_name_of_another() -> None:
    module = ast.parse((ROOT / "splitdns" / "metrics.py").read_text())
    names = [node.targets[0] for node in module.body if isinstance(node, ast.Assign)]
    declared = [name.id for name in names if isinstance(name, ast.Name)]
    assert [name for name in set(declared) if declared.count(name) > 1] == []


def test_the_documentation_knows_every_metric() -> None:
    page = (ROOT / "docs" / "metrics.md").read_text()
    assert [NAMESPACE + metric.name for metric in METRICS if NAMESPACE + metric.name not in page] == []

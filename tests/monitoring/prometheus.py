"""A real Prometheus on a loopback port, with the deployed rules, whose patience is cut short."""

from __future__ import annotations

import json
import re
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.lab.machine import Here, free_port
from tests.meta.tree import ROOT

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"
CONFIG = RULES.with_name("prometheus.yaml")
# What `for: 1m` to `for: 5m` is here: some scrapes, of which a busy machine may miss a few. What is longer is
# about trends, and stays.
FOR_S = 5.0
PATIENCE_S = 60.0

Series = dict[str, Any]


def rules() -> list[dict[str, Any]]:
    """Every rule as it is deployed, recording and alerting."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def hastened() -> str:
    """The rules, with less patience."""
    return re.sub(r"\bfor: [1-5]m$", f"for: {FOR_S * 1000:.0f}ms", RULES.read_text(), flags=re.MULTILINE)


@dataclass(frozen=True)
class Prometheus:
    """Where one listens."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """The ``data`` of an answer of its API."""
        url = f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            return json.load(answer)["data"]

    def query(self, expression: str) -> list[Series]:
        """The series of an instant query."""
        found: list[Series] = self.get("query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float | None:
        """The one value of an instant query; None: no series yet."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else None

    def firing(self, instance: str) -> list[dict[str, str]]:
        """The labels of the alerts that fire for a target."""
        alerts = self.get("alerts")["alerts"]
        return [
            one["labels"]
            for one in alerts
            if one["state"] == "firing" and one["labels"].get("instance", instance) == instance
        ]


def eventually(what: str, holds: Callable[[], bool]) -> None:
    """Wait until it does: scrapes and evaluations come when they come."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline_s, f"never: {what}"
        time.sleep(0.1)


@contextmanager
def running(directory: Path, targets: Mapping[str, int]) -> Iterator[Prometheus]:
    """One that scrapes the ports of ``targets``, whose names become the label ``instance``."""
    settings = yaml.safe_load(CONFIG.read_text())
    settings["global"] = {
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "evaluation_interval": "500ms",
    }
    (job,) = settings["scrape_configs"]
    job["static_configs"] = [
        {"targets": [f"127.0.0.1:{port}"], "labels": {"instance": name}} for name, port in targets.items()
    ]
    directory.mkdir()
    (directory / "prometheus.yaml").write_text(yaml.safe_dump(settings))
    (directory / "rules.yaml").write_text(hastened())
    machine, port = Here(directory), free_port()
    daemon = machine.start(
        "prometheus",
        f"--config.file={directory}/prometheus.yaml",
        f"--storage.tsdb.path={directory}/tsdb",
        f"--web.listen-address=127.0.0.1:{port}",
    )
    prometheus = Prometheus(f"http://127.0.0.1:{port}")

    def is_scraping() -> bool:
        assert daemon.running, daemon.output
        try:
            return prometheus.value("count(up == 1)") == len(targets)
        except OSError:
            return False

    try:
        eventually("all targets are scraped", is_scraping)
        yield prometheus
    finally:
        machine.stop()

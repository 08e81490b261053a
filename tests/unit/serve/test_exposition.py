import shutil
import subprocess

import pytest

from splitdns.metrics import METRICS, Counts
from splitdns.serve.exposition import render


def everything() -> Counts:
    counts = Counts()
    counts.request("dns://:53", "example.org.", "lan", "udp", 1, 1, True, 0, "zone", 40, 90, 0.0001)
    for metric in METRICS:
        values = [f"some {label}" for label in metric.labels]
        match metric.kind:
            case "gauge":
                counts.set(metric, 1, *values)
            case "counter" if not metric.name.startswith("dns_"):
                counts.add(metric, *values)
            case "histogram" if not metric.name.startswith("dns_"):
                counts.observe(metric, 0.01, *values)
    return counts


def test_openmetrics_is_given_to_who_asks_for_it() -> None:
    body, content_type = render(everything(), "application/openmetrics-text; version=1.0.0")

    assert content_type.startswith("application/openmetrics-text")
    assert body.endswith(b"# EOF\n")


@pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool (prometheus) is not installed")
def test_promtool_has_nothing_to_say_about_names_and_help() -> None:
    body, _ = render(everything())

    checked = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)

    assert (checked.returncode, checked.stdout + checked.stderr) == (0, b"")

"""The schemas for editors: kept in docs/schema, named by the samples, and in step with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.meta.tree import ROOT, files, name

SAMPLES = [ROOT / "splitdns.yaml", *files(".yaml", under="zones")]


def schema(of: str) -> dict[str, Any]:
    if of == "splitdns":
        from splitdns.load.settings import json_schema
    elif of == "report":
        from splitdns.check.report.schema import json_schema
    else:
        from splitdns.load.zoneschema import json_schema
    return json_schema()


@pytest.mark.parametrize("of", ["splitdns", "zone", "report"])
def test_the_schema_in_the_documentation_is_the_one_that_is_printed(of: str) -> None:
    kept = json.loads((ROOT / "docs" / "schema" / f"{of}.json").read_text())
    assert kept == schema(of), "print it anew: splitdns schema config|zone|report"


@pytest.mark.parametrize("sample", SAMPLES, ids=name)
def test_every_sample_names_its_schema(sample: Path) -> None:
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", sample.read_text())
    assert named
    assert (sample.parent / named[1]).exists()

"""The schemas on standard output."""

from __future__ import annotations

import json

import pytest

from splitdns.load.settings import json_schema as config_schema
from splitdns.load.zoneschema import json_schema as zone_schema
from tests.unit.cli.conftest import Run


def test_a_schema_is_printed_as_json(run: Run) -> None:
    assert json.loads(run("schema").stdout) == config_schema()
    assert json.loads(run("schema", "config").stdout) == config_schema()
    assert json.loads(run("schema", "zone").stdout) == zone_schema()


@pytest.mark.parametrize("of", ["config", "zone"])
def test_a_schema_needs_no_configuration(of: str, run: Run) -> None:
    from pathlib import Path

    Path("splitdns.yaml").write_text("nonsense: [")
    assert run("schema", of).exit_code == 0

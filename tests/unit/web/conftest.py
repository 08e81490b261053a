"""A server with zones and a gateway in which one service has no forward."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.load.load import load
from tests.unit.cli import gateway
from tests.unit.cli.conftest import CONFIG
from tests.unit.web.browser import FakeServer

HOSTILE = """\
zone: example.org
ns: [ns.example.net.]
records:
  www: {A: {inside: 192.168.10.20, outside: $wan4}}
  evil: {TXT: "<script>alert('x')</script>"}
"""


@pytest.fixture
def server(tmp_path: Path) -> FakeServer:
    (tmp_path / "zones").mkdir()
    (tmp_path / "splitdns.yaml").write_text(CONFIG)
    gateway.lay(tmp_path)
    (tmp_path / "zones" / "example.org.yaml").write_text(HOSTILE)
    return FakeServer(load(tmp_path / "splitdns.yaml", generation=1, now_s=0.0), tmp_path)

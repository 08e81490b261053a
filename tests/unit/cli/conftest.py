"""A desk for the command line: a configuration with zones in a directory of its own, and no environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from splitdns.cli import loading

CONFIG = """\
views:
  lan:      {clients: [192.168.0.0/16], horizon: [inside],      recursion: true}
  vpn:      {clients: [10.8.0.0/24],    horizon: [vpn, inside], recursion: true}
  internet: {clients: [any],            horizon: [outside]}
zones: [zones/]
wan: {ipv4: 203.0.113.7}
forward:
  - {domains: ["."], upstreams: [192.0.2.53]}
"""
ZONE = """\
zone: example.org
ns: [ns1]
records:
  ns1: {A: 192.0.2.53}
  www: {A: {vpn: 10.8.0.20, inside: 192.168.10.20, outside: $wan4}}
  nas: {A: {inside: 192.168.10.30}}
  alias: {CNAME: www}
  leak: {A: [192.0.2.9, 192.168.10.9]}
  "*.apps": {A: 192.0.2.21}
  "~^r[0-9]$": {A: 192.0.2.22}
"""
BROKEN = """\
zone: broken.example
records:
  www: {A: 192.0.2.300}
  ftp: {B: x}
"""

Run = Callable[..., Result]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that the commands run in; it holds splitdns.yaml and zones/, and stands for /etc too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(loading, "INSTALLED", tmp_path / "etc" / "splitdns.yaml")
    monkeypatch.delenv("SPLITDNS_CONFIG", raising=False)
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "example.org.yaml").write_text(ZONE)
    (tmp_path / "splitdns.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def run(desk: Path) -> Run:
    """Run a command line in the desk; ``stdout``, ``stderr`` and ``exit_code`` tell what came of it."""
    from splitdns.cli.app import app

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, arguments)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke

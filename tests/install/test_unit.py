"""The unit of systemd: what systemd itself says of it, without being the system's manager here."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.meta.examples import blocks
from tests.meta.tree import ROOT

UNIT = ROOT / "deploy" / "splitdns.service"
MAX_EXPOSURE = 2.0
PROGRAM = "/opt/splitdns/.venv/bin/splitdns"  # where docs/systemd.md has it installed

pytestmark = pytest.mark.needs("systemd-analyze")


def settings() -> configparser.SectionProxy:
    reader = configparser.ConfigParser(strict=False, interpolation=None)
    reader.optionxform = str  # type: ignore[assignment,method-assign]
    reader.read(UNIT)
    return reader["Service"]


def analyzed(*arguments: str | Path, unit_path: Path | None = None) -> subprocess.CompletedProcess[str]:
    # A colon at the end: the system's own units beside.
    env = {**os.environ, **({} if unit_path is None else {"SYSTEMD_UNIT_PATH": f"{unit_path}:"})}
    return subprocess.run(
        ["systemd-analyze", "--no-pager", *arguments], capture_output=True, text=True, check=False, env=env
    )


def test_its_exposure_is_low() -> None:
    done = analyzed("security", "--offline=true", f"--threshold={MAX_EXPOSURE * 10:.0f}", UNIT)
    overall = done.stdout.strip().splitlines()[-1]
    assert done.returncode == 0, overall
    said = float(overall.partition(": ")[2].split()[0])
    assert f"says {said}, of 10" in (ROOT / "docs" / "systemd.md").read_text()


@pytest.mark.parametrize("with_drop_in", [False, True], ids=["alone", "with the page's drop-in"])
def test_systemd_understands_every_line(with_drop_in: bool, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("splitdns")
    (tmp_path / UNIT.name).write_text(UNIT.read_text().replace(PROGRAM, str(program)))
    if with_drop_in:
        (example,) = (block for block in blocks(ROOT / "docs" / "systemd.md") if block.language == "ini")
        drop_in = tmp_path / f"{UNIT.name}.d" / "override.conf"
        drop_in.parent.mkdir()
        drop_in.write_text(example.text)
    done = analyzed("verify", "--man=no", UNIT.name, unit_path=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_word_that_systemd_does_not_know_would_be_seen(tmp_path: Path) -> None:
    (tmp_path / UNIT.name).write_text(UNIT.read_text().replace("[Install]", "ProtectKernel=yes\n[Install]"))
    assert "ProtectKernel" in analyzed("verify", "--man=no", tmp_path / UNIT.name).stderr


def test_it_has_the_right_to_port_53_and_no_other() -> None:
    service = settings()
    assert service["AmbientCapabilities"] == service["CapabilityBoundingSet"] == "CAP_NET_BIND_SERVICE"
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"
    assert "User" not in service


def test_the_page_says_where_it_looks_for_the_program() -> None:
    page = (ROOT / "docs" / "systemd.md").read_text()
    assert settings()["ExecStart"] == f"{PROGRAM} serve -c /etc/splitdns/splitdns.yaml"
    assert "/opt/splitdns\ncd /opt/splitdns\nsudo python3 -m venv .venv\n" in page

"""Which configuration is read, and what of it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.cli.loading import chosen, load_configuration, load_quietly, load_settings
from tests.unit.cli.conftest import BROKEN


def test_a_configuration_that_lies_here_is_read(desk: Path) -> None:
    assert chosen(Path("other.yaml")) == Path("other.yaml")
    assert chosen(None) == Path("splitdns.yaml")
    (desk / "splitdns.yaml").unlink()
    assert chosen(None) is None


def test_broken_zones_are_reported_and_the_rest_is_there(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (desk / "zones" / "broken.example.yaml").write_text(BROKEN)
    loaded = load_configuration(None)
    assert {view.name for view in loaded.snapshot.views} == {"lan", "vpn", "internet"}
    assert "zones/broken.example.yaml:3:12: " in capsys.readouterr().err


def test_warnings_are_for_zone_check(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert load_configuration(None).warnings
    assert capsys.readouterr().err == ""


def test_a_wrong_configuration_ends_the_command(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "splitdns.yaml").write_text("view: {}\n")
    for load in (load_configuration, load_settings):
        with pytest.raises(SystemExit) as stop:
            load(None)
        assert stop.value.code == 2
        assert "splitdns.yaml:1:1: " in capsys.readouterr().err
    assert load_quietly(None) is None

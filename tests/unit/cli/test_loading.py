"""Which configuration is read, and what of it is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from splitdns.cli.loading import chosen, load_configuration, load_quietly, load_settings
from splitdns.names import from_text
from tests.engine import FakeEngine
from tests.unit.cli.conftest import BROKEN


def test_a_configuration_that_lies_here_is_read(desk: Path) -> None:
    assert chosen(Path("other.yaml")) == Path("other.yaml")
    assert chosen(None) == Path("splitdns.yaml")


def test_elsewhere_that_of_the_machine_is_read_before_the_embedded_default(
    desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    installed = desk / "etc" / "splitdns.yaml"
    installed.parent.mkdir()
    (desk / "splitdns.yaml").rename(installed)
    (desk / "zones").rename(installed.parent / "zones")
    assert chosen(None) == installed
    loaded = load_configuration(None)
    assert {view.name for view in loaded.snapshot.views} == {"lan", "vpn", "internet"}
    assert from_text("example.org.") in loaded.serials
    assert capsys.readouterr().err == ""


def test_that_it_is_the_embedded_default_is_said(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (desk / "splitdns.yaml").unlink()
    assert chosen(None) is None
    for load in (load_configuration, load_settings):
        load(None)
        said = capsys.readouterr()
        assert said.err.startswith("splitdns: using the embedded default: there is no splitdns.yaml here")
        assert said.out == ""
    load_quietly(None)
    assert capsys.readouterr().err == ""


def test_a_configuration_that_may_not_be_looked_at_is_not_passed_by(
    desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(Path, "stat", refuse)
    assert chosen(None) == Path("splitdns.yaml")


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


CONTAINERS = 'sources: {{docker: [{{engine: "{engine}", zone: example.org}}]}}\n'


def test_a_source_on_this_machine_is_looked_at(desk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeEngine(desk / "docker.sock") as fake:
        fake.run("app", {"splitdns.name": "app.example.org", "splitdns.inside": "192.168.10.40"})
        config = desk / "splitdns.yaml"
        config.write_text(config.read_text() + CONTAINERS.format(engine=fake.url))
        loaded = load_configuration(None)

    (view,) = [view for view in loaded.snapshot.views if view.name == "lan"]
    assert view.zones[from_text("example.org.")].node(from_text("app.example.org.")) is not None
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("engine", "told"),
    [
        ("unix:///nowhere/docker.sock", "docker /nowhere/docker.sock: /version: [Errno 2] No such file"),
        ("http://192.0.2.1:2375", "docker http://192.0.2.1:2375 is asked by the server alone"),
    ],
)
def test_a_source_that_cannot_be_looked_at_is_told(
    desk: Path, capsys: pytest.CaptureFixture[str], engine: str, told: str
) -> None:
    config = desk / "splitdns.yaml"
    config.write_text(config.read_text() + CONTAINERS.format(engine=engine))

    load_configuration(None)

    said = capsys.readouterr().err
    assert said.startswith(f"splitdns: {told}")
    assert said.endswith("; its names are left out\n")
    assert load_quietly(None) is not None
    assert capsys.readouterr().err == ""

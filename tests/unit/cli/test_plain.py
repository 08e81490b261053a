"""The plain form of ``serve`` means what it means to typer; all else is left to typer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from splitdns.cli import app as of_typer
from splitdns.cli import plain, serve

PLAIN = [
    ["serve"],
    ["serve", "--strict"],
    ["serve", "-c", "a.yaml"],
    ["serve", "--config", "b/a.yaml", "--strict"],
]
OTHERS = [
    [],
    ["--version"],
    ["query", "www.example.org"],
    ["serve", "--help"],
    ["serve", "-h"],
    ["serve", "--strict", "--strict"],
    ["serve", "-c"],
    ["serve", "-c", ""],
    ["serve", "-c", "-x"],
    ["serve", "-c", "a", "-c", "b"],
    ["serve", "-ca.yaml"],
    ["serve", "--config=a.yaml"],
    ["serve", "a.yaml"],
    ["serve", "--stict"],
    ["zone", "check"],
]


@pytest.mark.parametrize("environ", [{}, {"SPLITDNS_CONFIG": "/etc/other.yaml"}], ids=["", "environment"])
@pytest.mark.parametrize("arguments", PLAIN, ids=" ".join)
def test_it_is_what_typer_makes_of_it(
    arguments: list[str], environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[Path | None, bool]] = []
    monkeypatch.setattr(serve, "run", lambda config, *, strict: told.append((config, strict)))
    assert isinstance(of_typer.app, typer.Typer)
    done = CliRunner().invoke(of_typer.app, arguments, env={"SPLITDNS_CONFIG": None, **environ})
    assert done.exit_code == 0
    assert [plain.served(arguments, environ)] == told


@pytest.mark.parametrize("arguments", OTHERS, ids=" ".join)
def test_what_is_not_plain_is_left_to_typer(arguments: list[str]) -> None:
    assert plain.served(arguments, {}) is None


def test_what_the_environment_says_in_vain_is_left_to_typer() -> None:
    assert plain.served(["serve"], {"SPLITDNS_CONFIG": ""}) is None
    assert plain.served(["serve"], {"_SPLITDNS_COMPLETE": "complete_bash"}) is None
    assert plain.served(["serve"], dict(os.environ, SPLITDNS_CONFIG="a")) == (Path("a"), False)

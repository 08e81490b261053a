"""Handing over to the supervisor, which has tests of its own."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from splitdns.errors import ConfigError, Where
from tests.unit.cli.conftest import Run

Supervise = Callable[..., int]


def supervisor(monkeypatch: pytest.MonkeyPatch, run: Supervise) -> None:
    """Put ``run`` in the supervisor's place."""
    stand_in: Any = ModuleType("splitdns.daemon.supervisor")
    stand_in.run = run
    monkeypatch.setitem(sys.modules, "splitdns.daemon.supervisor", stand_in)


def test_serve_hands_over_what_it_was_told(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[Path | None, bool]] = []

    def supervise(config: Path | None, *, strict: bool, progress: object) -> int:
        assert progress is None, "standard error is no terminal"
        assert not gc.isenabled(), "a start makes no garbage"
        told.append((config, strict))
        return len(told) - 1

    supervisor(monkeypatch, supervise)
    assert run("serve").exit_code == 0
    assert run("serve", "-c", "other.yaml", "--strict").exit_code == 1
    Path("splitdns.yaml").unlink()
    run("serve")
    assert told == [(Path("splitdns.yaml"), False), (Path("other.yaml"), True), (None, False)]
    assert gc.isenabled()


def test_what_is_wrong_at_the_start_is_printed_and_ends_with_status_2(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def supervise(config: Path | None, *, strict: bool, progress: object) -> int:
        raise ExceptionGroup("wrong", [ConfigError(Where("splitdns.yaml", 3, 1), "expected views")])

    supervisor(monkeypatch, supervise)
    result = run("serve")
    assert result.exit_code == 2
    assert result.stderr == "splitdns.yaml:3:1: expected views\n"
    assert gc.isenabled()

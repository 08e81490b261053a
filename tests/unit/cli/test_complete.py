"""What the shell offers, and that it never hears of a failure."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


def completed(desk: Path, *words: str) -> list[str]:
    """What bash would offer for the last of these words."""
    environment = {
        "PATH": os.environ["PATH"],
        "_SPLITDNS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(("splitdns", *words)),
        "COMP_CWORD": str(len(words)),
    }
    command = [sys.executable, "-c", "from splitdns.cli import main; main()"]
    done = subprocess.run(command, cwd=desk, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_views_and_zones_come_from_the_configuration(desk: Path) -> None:
    assert completed(desk, "zone", "show", "example.org", "--view", "") == ["lan", "vpn", "internet"]
    assert completed(desk, "zone", "show", "exa") == ["example.org"]
    assert completed(desk, "query", "e") == ["example.org"]


@pytest.mark.parametrize("config", ["nonsense: [", "views: {}", None])
def test_a_wrong_configuration_offers_nothing(config: str | None, desk: Path) -> None:
    if config is None:
        (desk / "splitdns.yaml").unlink()
        (desk / "splitdns.yaml").mkdir()
    else:
        (desk / "splitdns.yaml").write_text(config)
    assert completed(desk, "zone", "show", "example.org", "--view", "") == []


def test_commands_are_offered(desk: Path) -> None:
    assert {"serve", "query", "explain", "zone", "schema"} <= set(completed(desk, ""))

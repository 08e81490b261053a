"""Which loop runs, in fresh interpreters with other environments."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from splitdns.accelerator import NATIVE, SWITCH

HEADER = Path(sysconfig.get_path("include"), "Python.h")
TOLD = """
from splitdns import accelerator
from splitdns.serve import parts
print(parts.PARTS is parts.PURE, accelerator.state(), sep="; ")
"""


def told(code: str = TOLD, **environment: str) -> str:
    usual = {name: value for name, value in os.environ.items() if name != SWITCH}
    argv = [sys.executable, "-c", code]
    return subprocess.run(
        argv, env=usual | environment, capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.mark.needs("cc")
@pytest.mark.skipif(not HEADER.exists(), reason="this Python's headers are not installed")
def test_it_was_built_where_there_is_a_compiler() -> None:
    assert NATIVE is not None


@pytest.mark.skipif(NATIVE is None, reason="no accelerator was built")
def test_it_runs_where_it_was_built_and_nobody_switched_it_off() -> None:
    assert told() == "False; compiled"
    assert told(**{SWITCH: "1"}) == f"True; compiled, but switched off by {SWITCH}"


def test_without_it_python_serves() -> None:
    hidden = f"import sys; sys.modules['splitdns._native'] = None; {TOLD}"
    assert told(hidden) == "True; none"

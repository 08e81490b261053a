"""On a fresh Debian with only python3, both commands of the README work, as root and as an ordinary user."""

from __future__ import annotations

import subprocess

import pytest

from tests.meta.tree import ROOT


@pytest.mark.long
@pytest.mark.root
@pytest.mark.needs("debootstrap", "unshare")
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("suite", ["bookworm", "trixie"])
def test_a_fresh_debian_runs_and_tests_it(suite: str) -> None:
    done = subprocess.run(
        [ROOT / "tests" / "install" / "clean_root.sh", suite], capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr)
    assert done.returncode == 0

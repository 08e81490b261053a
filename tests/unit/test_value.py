"""Values: what a frozen dataclass is, but for what only the type checker sees."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import splitdns
from splitdns.records import RRset
from splitdns.value import filled

ONE = RRset(b"\3www\0", 1, 60, (bytes(4),))


def test_equal_ones_are_one_key() -> None:
    other = RRset(b"\3www\0", 1, 60, (bytes(4),))
    assert other == ONE
    assert {ONE: "there"}[other] == "there"
    assert replace(ONE, ttl_s=1) != ONE
    assert pickle.loads(pickle.dumps(ONE)) == ONE  # noqa: S301 (our own)


def test_a_named_tuple_is_filled_as_it_is_made() -> None:
    class Pair(NamedTuple):
        one: int
        other: str

    assert filled(Pair, (1, "two")) == Pair(1, "two")
    assert type(filled(Pair, (1, "two"))) is Pair


def test_mypy_knows_that_they_do_not_change(tmp_path: Path) -> None:
    program = "from splitdns.records import RRset\n\ndef change(one: RRset) -> None:\n    one.ttl_s = 1\n"
    (tmp_path / "changing.py").write_text(program)
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path / "cache"), "changing.py"]
    env = {**os.environ, "MYPYPATH": str(Path(splitdns.__file__).parent.parent)}
    checked = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False
    )
    assert 'changing.py:4: error: Property "ttl_s" defined in "RRset" is read-only' in checked.stdout

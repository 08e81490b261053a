"""Each room has a page that says what it is for: it names every module, and its example runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.meta.examples import blocks
from tests.meta.tree import ROOT

ROOMS = sorted(path for path in (ROOT / "splitdns").iterdir() if (path / "__init__.py").is_file())
MAX_LINES = 65  # a page


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_room_has_a_page_that_names_its_modules(room: Path) -> None:
    text = (room / "README.md").read_text()
    assert text.count("\n") <= MAX_LINES
    if room.name != "cli":  # whose modules are named after its commands
        unnamed = [path.stem for path in room.glob("[!_]*.py") if f"`{path.stem}`" not in text]
        assert unnamed == []


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_the_example_of_a_room_s_page_runs(room: Path) -> None:
    examples = [block for block in blocks(room / "README.md") if block.language == "python"]
    assert examples or room.name == "cli"  # whose examples are commands
    for block in examples:
        exec(compile(block.text, str(block.page), "exec"), {})

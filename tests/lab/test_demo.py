"""The demonstration: all of it is shown, in the words of its page; and a demonstration that fails says so."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from tests.lab.demo.__main__ import main
from tests.lab.demo.house import TOOLS
from tests.lab.demo.telling import Story, says, says_nothing
from tests.lab.network import Host
from tests.meta.examples import blocks, is_as_shown
from tests.meta.tree import ROOT

HOST = Host("laptop", "none", Path("none"))


@pytest.mark.root
@pytest.mark.needs(*TOOLS)
@pytest.mark.timeout(600)
def test_all_is_shown_and_told_as_on_its_page() -> None:
    (page,) = (one.text for one in blocks(ROOT / "docs" / "demo.md") if one.language == "text")

    done = subprocess.run(
        (sys.executable, "-m", "tests.lab.demo"), capture_output=True, text=True, timeout=580, cwd=ROOT
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert is_as_shown(page, done.stdout), done.stdout


def test_where_it_cannot_be_given_it_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    out = io.StringIO()

    assert main(out, "needs root") == 2
    assert capsys.readouterr().err == "demo: needs root\n"
    assert not out.getvalue()


def _story(*printed: tuple[int, str]) -> tuple[Story, io.StringIO]:
    """One whose commands do this, one after the other; a look takes a second."""
    results = iter(printed)
    seconds = iter(range(1_000))
    out = io.StringIO()
    return Story(out, lambda _, line: next(results), lambda: next(seconds), lambda _: None), out


def test_what_is_not_shown_is_told_and_ends_with_status_1() -> None:
    story, out = _story((0, "192.168.1.20"), (0, "203.0.113.7"))

    story.shows("it is inside", HOST, "getent hosts www", says("192.168.1.20"))
    story.shows("it is inside again", HOST, "getent hosts www", says("192.168.1.20"))

    assert story.end() == 1
    assert "laptop$ getent hosts www\n      203.0.113.7\n   FAILED: it is inside again" in out.getvalue()
    assert "1 of 2 shown:\n   ok     it is inside\n   FAILED it is inside again\n" in out.getvalue()


def test_what_comes_late_is_waited_for() -> None:
    story, out = _story((0, "pending"), (0, "pending"), (0, ""))

    story.shows("it is over", HOST, "ALERTS", says_nothing, within_s=10)

    assert story.end() == 0
    assert "pending" not in out.getvalue()


def test_what_never_comes_is_waited_for_no_longer_than_it_may_take() -> None:
    story, _ = _story(*[(0, "pending")] * 5)

    story.shows("it is over", HOST, "ALERTS", says_nothing, within_s=3)

    assert story.end() == 1


def test_a_step_that_fails_ends_the_story() -> None:
    story, out = _story((1, "no lease"))

    with pytest.raises(AssertionError, match=r"on laptop, 'udhcpc' exited 1"):
        story.does(HOST, "udhcpc")
    assert "no lease" in out.getvalue()


def test_a_step_may_take_a_while() -> None:
    story, out = _story((1, "not yet"), (0, "well"))

    assert story.does(HOST, "splitdns health", within_s=10) == "well"
    assert "not yet" not in out.getvalue()

"""A bar for what takes long, on a terminal only."""

from __future__ import annotations

import io

import pytest

from splitdns.cli.progress import PATIENCE_S, progress, progress_while_read


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_no_bar() -> None:
    stream = io.StringIO()
    with progress("loading zones", stream) as report:
        assert report is None
    assert stream.getvalue() == ""


@pytest.mark.parametrize(("took_s", "shown"), [(PATIENCE_S - 0.01, False), (PATIENCE_S, True)])
def test_a_bar_appears_only_when_it_takes_long(
    took_s: float, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, now_s = Terminal(), [0.0]
    with progress("loading zones", stream, lambda: now_s[0]) as report:
        assert report is not None
        report(1, 100)
        now_s[0] = took_s
        report(50, 100)
        report(100, 100)
    assert ("loading zones" in stream.getvalue()) is shown
    assert ("loading zones: all read" in stream.getvalue()) is shown


def test_a_bar_ends_also_when_the_work_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, now_s = Terminal(), [0.0]

    def fail() -> None:
        with progress("loading zones", stream, lambda: now_s[0]) as report:
            assert report is not None
            now_s[0] = 2.0
            report(1, 2)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert stream.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # the cursor is back, the bar is gone


def test_a_bar_of_another_process_ends_with_the_last_octet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    stream, now_s = Terminal(), [0.0]
    report = progress_while_read("loading zones", stream, lambda: now_s[0])
    assert report is not None
    now_s[0] = 2.0
    report(50, 100)
    report(100, 100)
    shown = stream.getvalue()
    assert "loading zones" in shown
    assert shown.endswith("\x1b[?25h\r\x1b[1A\x1b[2K")
    report(100, 100)
    assert stream.getvalue() == shown
    assert progress_while_read("loading zones", io.StringIO()) is None

"""What is printed where, and in which form."""

from __future__ import annotations

import io
import os
import pty

import pytest

from splitdns.cli.console import PlainPrinter, RichPrinter, Status, errors_reported, printer, report
from splitdns.errors import Caution, ConfigError, UpstreamError, Where, ZoneError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_pipe_gets_plain_text() -> None:
    stream = io.StringIO()
    out = printer(stream)
    assert isinstance(out, PlainPrinter)
    out.line("one [bold]line[/bold]", "red")
    out.table(("name", "ttl"), [("www", "60 s"), ("a", "3600 s")])
    out.table(("name", "ttl"), [])
    assert stream.getvalue() == "one [bold]line[/bold]\nname  ttl\nwww   60 s\na     3600 s\n"


def test_a_terminal_gets_colour_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    out = printer(stream)
    assert isinstance(out, RichPrinter)
    out.line("[not markup]", "red")
    out.table(("name",), [("www",)])
    out.table(("name",), [])
    assert "\x1b[31m[not markup]" in stream.getvalue()
    assert "─" in stream.getvalue()


def test_no_color_is_honoured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    printer(stream).line("text", "red")
    assert "\x1b[31m" not in stream.getvalue()
    assert "text" in stream.getvalue()


def test_every_problem_is_reported_in_the_order_of_the_places(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop, errors_reported():
        raise ExceptionGroup(
            "the configuration is wrong",
            [
                ConfigError(Where("b.yaml", 9, 10), "expected a whole number, found '010'"),
                ExceptionGroup("inner", [ZoneError(Where("a.zone", 2), "no SOA")]),
                ConfigError(Where("b.yaml", 6, 14), "'timeout' is not a setting here"),
            ],
        )
    assert stop.value.code == Status.WRONG
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "a.zone:2: no SOA",
        "b.yaml:6:14: 'timeout' is not a setting here",
        "b.yaml:9:10: expected a whole number, found '010'",
    ]


def test_warnings_stand_among_the_errors_and_what_has_no_place_comes_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    warning = Caution(Where("z", 1, 1), "differing TTLs")
    report([ZoneError(Where("z", 3, 1), "no"), UpstreamError("down"), "text"], [warning])
    assert capsys.readouterr().err.splitlines() == [
        "splitdns: down",
        "splitdns: text",
        "z:1:1: warning: differing TTLs",
        "z:3:1: no",
    ]


def test_a_bug_is_not_caught() -> None:
    with pytest.raises(ZeroDivisionError), errors_reported():
        raise ExceptionGroup("mixed", [ZeroDivisionError()])
    with pytest.raises(KeyError), errors_reported():
        raise KeyError("bug")


def test_a_real_terminal_is_recognised() -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as stream:
        assert isinstance(printer(stream), RichPrinter)
    os.close(ours)

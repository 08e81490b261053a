"""What a person says to have answers forgotten, and what the server hears."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.unit.cli.conftest import CONFIG, Run


@contextmanager
def server(path: Path, says: str) -> Iterator[list[str]]:
    """One that answers one command so; what it heard."""
    heard: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        sock.bind(str(path))
        sock.listen()

        def obey() -> None:
            connection, _ = sock.accept()
            with connection, connection.makefile("rw") as stream:
                heard.append(stream.readline())
                stream.write(says + "\n")

        thread = threading.Thread(target=obey)
        thread.start()
        yield heard
        thread.join()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], '"flush": {"name": null, "subtree": false, "view": null}}'),
        (["www.Example.org"], '"flush": {"name": "www.example.org.", "subtree": false, "view": null}}'),
        (
            ["example.org.", "--suffix", "--view", "lan"],
            '"flush": {"name": "example.org.", "subtree": true, "view": "lan"}}',
        ),
    ],
)
def test_what_is_meant_is_said_and_the_number_printed(
    arguments: list[str], said: str, run: Run, desk: Path
) -> None:
    (desk / "splitdns.yaml").write_text(CONFIG + "control: control.sock\n")
    with server(desk / "control.sock", '{"flushed": 7}') as heard:
        result = run("flush", *arguments)
    assert (result.exit_code, result.stdout) == (0, "7 answers forgotten\n")
    assert heard == [f'{{"config": "{desk}/splitdns.yaml", {said}\n']


def test_what_the_server_finds_wrong_is_told(run: Run, desk: Path) -> None:
    (desk / "splitdns.yaml").write_text(CONFIG + "control: control.sock\n")
    with server(desk / "control.sock", '{"error": "expected one of the views lan, vpn"}'):
        result = run("flush", "--view", "wpn")
    assert (result.exit_code, result.stderr) == (2, "splitdns: expected one of the views lan, vpn\n")


@pytest.mark.parametrize(
    ("control", "arguments", "reason"),
    [
        ("control.sock", [], "no server listens at control.sock: No such file"),
        ("null", [], "SIGUSR1"),
        ("control.sock", ["--suffix"], "--suffix is about a name"),
        ("control.sock", ["a..b"], "label"),
    ],
)
def test_what_cannot_be_done_is_said(
    control: str, arguments: list[str], reason: str, run: Run, desk: Path
) -> None:
    (desk / "splitdns.yaml").write_text(f"{CONFIG}control: {control}\n")
    result = run("flush", *arguments)
    assert result.exit_code == 2
    assert reason in result.stderr

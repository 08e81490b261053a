from __future__ import annotations

import asyncio
import os
import select
from pathlib import Path

import pytest

from splitdns.daemon.wan.answer import MAX_OCTETS, WanError
from splitdns.daemon.wan.command import PATIENCE_S, ask


def said(script: str, base: Path, patience_s: float = PATIENCE_S) -> str:
    return str(asyncio.run(ask(["/bin/sh", "-c", script], 4, base, patience_s)))


def test_what_a_program_prints_counts(tmp_path: Path) -> None:
    assert said("echo address: 203.0.113.7", tmp_path) == "203.0.113.7"


def test_no_shell_reads_its_words(tmp_path: Path) -> None:
    words = ["/bin/echo", "$(id)", "203.0.113.7", ";", "touch", "here"]

    assert str(asyncio.run(ask(words, 4, tmp_path))) == "203.0.113.7"
    assert not (tmp_path / "here").exists()


def test_it_inherits_nothing_of_the_server_s_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPLITDNS_SECRET", "203.0.113.9")

    assert said('echo "$SPLITDNS_SECRET" 203.0.113.7', tmp_path) == "203.0.113.7"


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ("echo 203.0.113.7; exit 3", "/bin/sh ended with status 3"),
        ("echo none", "expected an IPv4 address, found 'none'"),
        (f"head -c {MAX_OCTETS} /dev/zero", f"/bin/sh prints more than {MAX_OCTETS} octets"),
        ("yes 203.0.113.7", f"/bin/sh prints more than {MAX_OCTETS} octets"),
    ],
)
def test_what_is_no_answer_is_said(script: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(WanError, match=complaint):
        said(script, tmp_path)


def test_who_takes_too_long_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        said("sleep 60 & echo $! > child; wait", tmp_path, 2.0)

    try:
        child = os.pidfd_open(int((tmp_path / "child").read_text()))
    except ProcessLookupError:
        return  # and even its remains
    try:
        assert select.select([child], [], [], 10.0)[0] == [child]  # it has ended
    finally:
        os.close(child)


def test_a_program_that_is_not_there_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(ask(["/nowhere/program"], 4, tmp_path))

"""The query log in a file that all workers share, while others move it and the configuration changes."""

from __future__ import annotations

import json
import time
from pathlib import Path

from tests.daemon.server import PATIENCE_S, Server, Site

QUESTIONS = 30  # from sockets of their own, so that both workers are asked


def names(path: Path) -> list[str]:
    return [json.loads(line)["name"] for line in path.read_text().splitlines()] if path.exists() else []


def ask(server: Server, what: str) -> set[str]:
    asked = {f"{what}{number}.example.org." for number in range(QUESTIONS)}
    for name in asked:
        server.ask(name)
    return asked


def wait_for(path: Path, asked: set[str]) -> None:
    until_s = time.monotonic() + PATIENCE_S
    while set(names(path)) != asked:
        assert time.monotonic() < until_s, names(path)
        time.sleep(0.05)
    assert len(names(path)) == len(asked)


def test_all_workers_write_one_file_and_follow_when_it_is_moved(tmp_path: Path) -> None:
    site = Site(tmp_path)
    settings = site.settings + "querylog: true\nquerylog_file: {path: q.log, keep: 0}\n"
    site.configure(settings)
    log, moved = tmp_path / "q.log", tmp_path / "moved.log"

    with Server(site) as server:
        first = ask(server, "a")
        wait_for(log, first)

        log.rename(moved)
        second = ask(server, "b")
        wait_for(log, second)
        wait_for(moved, first)

        site.configure(settings.replace("q.log", "other.log"))
        server.wait_for("generation.swapped")
        wait_for(tmp_path / "other.log", ask(server, "c"))
        wait_for(log, second)
        assert server.printed.empty()


def test_it_is_put_aside_when_it_is_full_and_no_line_is_lost(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.configure(site.settings + "querylog: true\nquerylog_file: {path: q.log, max_mib: 1, keep: 2}\n")
    full = tmp_path / "q.log"
    filler = json.dumps({"name": "filler", "more": "x" * (1024 * 1024 - 60)})
    full.write_text(filler + "\n")

    with Server(site) as server:
        asked = ask(server, "a")
        wait_for(full, asked)

    assert names(tmp_path / "q.log.1") == ["filler"]

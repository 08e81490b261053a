"""Unbound's configurations: splitdns says what Unbound said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports.compared import Case, Reason, differences, judged, of_reverse
from tests.lab.daemon import Daemon
from tests.lab.network import Host

CASES = [
    Case(
        "unbound", "home", "unbound.conf", ["127.0.0.1", "192.168.1.7", "192.168.99.7", "fd00::7"],
        ["9.9.9.9", "10.8.0.53"],
    ),
    Case(
        "unbound", "views", "unbound.conf",
        ["127.0.0.1", "10.0.0.7", "10.8.0.7", "10.9.0.8", "10.9.0.7", "203.0.113.9", "192.0.2.7"],
        ["9.9.9.9 149.112.112.112"],
    ),
    Case("unbound", "blocking", "unbound.conf", ["127.0.0.1", "10.0.0.7"], ["9.9.9.9", "10.8.0.53"],
         silent="dropped.example.net"),
]  # fmt: skip


def start(case: Case, host: Host, directory: Path) -> Daemon:
    shutil.copytree(case.directory, directory, dirs_exist_ok=True)
    return host.start("sh", "-c", f"cd {directory} && exec unbound -d -p -c {case.main}")


REASONS: dict[str, Reason] = {
    "private reverse names are ours, and have PTR records by themselves": of_reverse,
    "Unbound does not follow aliases in its own data": lambda one: (
        one.question.name == "www.home.example" and {*one.theirs[1]} < {*one.ours[1]}
    ),
    "the apex of a zone exists": lambda one: (
        one.question.name == "static.example.net" and one.ours == ("NOERROR", ())
    ),
    "a name with records is a name of ours, for every type": lambda one: (
        one.question.name == "ok.half.example.net" and one.ours == ("NOERROR", ())
    ),
}


@pytest.mark.root
@pytest.mark.needs("unbound")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_splitdns_answers_as_unbound_did(case: Case, tmp_path: Path) -> None:
    found = differences(case, lambda host, directory: start(case, host, directory), tmp_path)

    unexplained, _ = judged(found, REASONS)
    assert unexplained == []

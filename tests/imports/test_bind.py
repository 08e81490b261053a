"""BIND's configurations, with views: splitdns says what BIND said, to every client."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports.compared import Case, Reason, differences, judged, of_reverse
from tests.lab.daemon import Daemon
from tests.lab.network import Host

CASES = [
    Case(
        "bind-views", "split", "named.conf",
        ["127.0.0.1", "192.168.1.7", "10.8.0.7", "172.16.4.7", "172.16.5.7", "fd00::7", "198.51.100.7"],
        ["9.9.9.9 149.112.112.112", "10.8.0.53"],
    ),
    Case(
        "bind-views", "corp", "named.conf",
        ["127.0.0.1", "10.20.1.7", "10.20.9.7", "10.21.0.1", "10.21.0.3", "fd00:20::7", "198.51.100.7"],
        ["9.9.9.9", "10.8.0.53"],
    ),
    Case(
        "bind-views", "order", "named.conf",
        ["127.0.0.1", "10.1.1.7", "10.1.2.7", "10.1.66.7", "10.2.1.7", "10.2.7.7", "172.16.9.7", "192.0.2.7"],
        ["9.9.9.9", "149.112.112.112"],
    ),
]  # fmt: skip


def start(case: Case, host: Host, directory: Path) -> Daemon:
    shutil.copytree(case.directory, directory, dirs_exist_ok=True)
    return host.start("sh", "-c", f"cd {directory} && exec named -g -n 1 -c {case.main}")


REASONS: dict[str, Reason] = {
    "private reverse names are ours, and have PTR records by themselves": of_reverse,
    "in a policy, the nearest wildcard above decides, whatever exists between": lambda one: (
        one.question.name == "sub.ok.ads.example.net" and one.ours == ("NXDOMAIN", ())
    ),
}


@pytest.mark.root
@pytest.mark.needs("named")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_splitdns_answers_as_bind_did(case: Case, tmp_path: Path) -> None:
    found = differences(case, lambda host, directory: start(case, host, directory), tmp_path)

    unexplained, _ = judged(found, REASONS)
    assert unexplained == []

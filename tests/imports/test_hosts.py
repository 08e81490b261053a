"""Hosts files: splitdns answers as dnsmasq does, which reads them for others."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports.compared import Case, Difference, Reason, differences, is_under, judged, of_reverse
from tests.lab.daemon import Daemon
from tests.lab.network import Host

CLIENTS = ["127.0.0.1", "192.168.1.7"]
MORE = ["deb", "deb.example.com", "ip6-allnodes", "ads.example.com"]
CASES = [
    Case("hosts", name, "hosts", CLIENTS, ["9.9.9.9"], more=MORE) for name in ("debian", "lab", "docker")
]


def start(case: Case, host: Host, directory: Path) -> Daemon:
    shutil.copytree(case.directory, directory, dirs_exist_ok=True)
    words = "-d -C /dev/null -u root -x '' -h -R -S 9.9.9.9 --addn-hosts=hosts --listen-address=127.0.0.1 -z"
    return host.start("sh", "-c", f"cd {directory} && exec dnsmasq {words}")


REASONS: dict[str, Reason] = {
    "what a machine calls itself is not told to others": lambda one: (
        is_under(one, "ip6-allnodes", "deb", "deb.example.com")
    ),
    "what nobody is to get is for a blocklist": lambda one: is_under(one, "ads.example.com"),
    "private reverse names are ours, and have PTR records by themselves": of_reverse,
}


@pytest.mark.root
@pytest.mark.needs("dnsmasq")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_splitdns_answers_as_dnsmasq_with_the_same_hosts(case: Case, tmp_path: Path) -> None:
    found = differences(case, lambda host, directory: start(case, host, directory), tmp_path)

    unexplained: list[Difference]
    unexplained, _ = judged(found, REASONS)
    assert unexplained == []

"""Pi-hole's configurations, judged by dnsmasq with the files that Pi-hole writes for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports.compared import Case, Reason, differences, is_under, judged, of_reverse
from tests.lab.daemon import Daemon
from tests.lab.network import Host

CLIENTS = ["127.0.0.1", "192.168.7.7"]
CASES = [
    Case("pihole", "five", "setupVars.conf", CLIENTS, ["9.9.9.9 149.112.112.112", "192.168.7.1"]),
    Case("pihole", "six", "pihole.toml", CLIENTS, ["9.9.9.9 10.0.0.53", "192.168.8.1"]),
    Case("pihole", "small", "pihole.toml", CLIENTS, ["9.9.9.9"]),
]


def start(case: Case, host: Host, directory: Path) -> Daemon:
    shutil.copytree(case.directory, directory, dirs_exist_ok=True)
    return host.start("sh", "-c", f"cd {directory} && exec dnsmasq -d -C generated.conf")


REASONS: dict[str, Reason] = {
    "private reverse names are ours, and have PTR records by themselves": of_reverse,
    "dnsmasq does not ask for the target of its own aliases": lambda one: (
        is_under(one, "cloud.home.example", "www.git.example.net") and "cname" in "".join(one.theirs[1])
    ),
    "plain names of ours are closed, with what is beneath": lambda one: (
        is_under(one, "tv", "nas", "printer") and one.theirs[0] == "NOERROR" and one.ours[1] == ()
    ),
    "plain names of others are not kept back": lambda one: (
        "." not in one.question.name and one.question.rdtype in ("A", "AAAA") and one.theirs[1] == ()
    ),
}


@pytest.mark.root
@pytest.mark.needs("dnsmasq")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_splitdns_answers_as_dnsmasq_did_for_pi_hole(case: Case, tmp_path: Path) -> None:
    found = differences(case, lambda host, directory: start(case, host, directory), tmp_path)

    unexplained, _ = judged(found, REASONS)
    assert unexplained == []

"""dnsmasq's configurations: splitdns says what dnsmasq said."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.imports.compared import Case, Reason, differences, is_under, judged, of_reverse
from tests.lab.daemon import Daemon
from tests.lab.network import Host

CASES = [
    Case("dnsmasq", "home", "dnsmasq.conf", ["127.0.0.1", "192.168.1.7"], ["9.9.9.9", "10.8.0.53"]),
    Case(
        "dnsmasq", "office", "dnsmasq.conf", ["127.0.0.1", "192.168.10.7", "fd00::7"],
        ["9.9.9.9 149.112.112.112", "10.0.0.10 10.0.0.11"],
    ),
    Case("dnsmasq", "openwrt", "dnsmasq.conf", ["127.0.0.1", "192.168.8.7"], ["9.9.9.9"]),
]  # fmt: skip


def start(case: Case, host: Host, directory: Path) -> Daemon:
    shutil.copytree(case.directory, directory, dirs_exist_ok=True)
    return host.start("sh", "-c", f"cd {directory} && exec dnsmasq -d -C {case.main}")


# Why answers differ all the same; docs/importing.md says the same to people.
REASONS: dict[str, Reason] = {
    "what nobody is to get has no other types": lambda one: (
        is_under(one, "ads.example.com", "tracker.example.com", "telemetry.example.info")
        and one.question.rdtype != "A"
        and one.ours == ("NOERROR", ())
    ),
    "dnsmasq says that names beneath an address exist": lambda one: (
        is_under(one, "fine.tracker.example.com")
        and (one.theirs, one.ours) == (("NOERROR", ()), ("NXDOMAIN", ()))
    ),
    "plain names of ours are closed, with what is beneath": lambda one: (
        is_under(one, "files", "gw", "nas", "printer", "router", "openwrt", "server", "tv")
        and one.theirs[0] == "NOERROR"
        and one.ours[1] == ()
    ),
    "plain names of others are not kept back": lambda one: (
        "." not in one.question.name and one.question.rdtype in ("A", "AAAA") and one.theirs[1] == ()
    ),
    "private reverse names are ours, and have PTR records by themselves": of_reverse,
    "the canary of Firefox exists, and has nothing": lambda one: (
        one.question.name == "use-application-dns.net" and one.ours == ("NOERROR", ())
    ),
    "filterwin2k is reported": lambda one: (
        one.question.rdtype == "SRV" and (one.theirs, one.ours) == (("NOERROR", ()), ("NXDOMAIN", ()))
    ),
}


@pytest.mark.root
@pytest.mark.needs("dnsmasq")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_splitdns_answers_as_dnsmasq_did(case: Case, tmp_path: Path) -> None:
    found = differences(case, lambda host, directory: start(case, host, directory), tmp_path)

    unexplained, _ = judged(found, REASONS)
    assert [f"{d.question} THEIRS {d.theirs} OURS {d.ours}" for d in unexplained] == []

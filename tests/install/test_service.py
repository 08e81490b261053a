"""The unit under a systemd that is process 1: it starts in its sandbox, reloads, is watched, and stops."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.image import gone_afterwards
from tests.install.machine import Machine, hierarchy, make_root
from tests.install.test_image import CONFIG, NET_BIND_SERVICE, SERVER, SETS, WAN, ZONE, addresses
from tests.lab.network import Host, Network
from tests.meta.tree import ROOT

pytestmark = [
    pytest.mark.long,
    pytest.mark.root,
    pytest.mark.needs("debootstrap", "unshare", "nsenter", "dig", "ip"),
    pytest.mark.timeout(1800),
]

# So that the test need not wait for half a minute; all else is as it is shipped.
HASTY = "[Service]\nWatchdogSec=4s\nRestartSec=100ms\n"


@pytest.fixture(scope="module", params=["bookworm", "trixie"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    if hierarchy() is None:
        pytest.skip("cgroups of version 2 cannot be made here")
    with gone_afterwards(tmp_path_factory.mktemp(request.param)) as directory:
        root = make_root(directory, request.param)
        _install(root)
        yield root


def _install(root: Path) -> None:
    etc = root / "etc" / "splitdns"
    (etc / "zones").mkdir(parents=True)
    (etc / "splitdns.yaml").write_text(CONFIG)
    units = root / "etc" / "systemd" / "system"
    (units / "splitdns.service").write_bytes((ROOT / "deploy" / "splitdns.service").read_bytes())
    (units / "splitdns.service.d").mkdir()
    (units / "splitdns.service.d" / "hasty.conf").write_text(HASTY)
    (units / "multi-user.target.wants" / "splitdns.service").symlink_to("../splitdns.service")


@pytest.fixture
def place(root: Path) -> Iterator[tuple[Machine, Host, Host]]:
    """The machine, a client on its LAN and one on the internet."""
    zone(root, 20)
    with Network() as network:
        host, laptop, stranger = network.hosts("host", "laptop", "stranger")
        network.link((host, "eth0", [f"{SERVER}/24"]), (laptop, "eth0", ["192.168.1.10/24"]))
        network.link((host, "wan0", [f"{WAN}/24"]), (stranger, "eth0", ["203.0.113.99/24"]))
        machine = Machine(host, root)
        try:
            machine.until(lambda: machine.shown("splitdns", "ActiveState") == "active", "the start")
            yield machine, laptop, stranger
        finally:
            machine.close()


def zone(root: Path, host: int) -> None:
    new = root / "etc" / "splitdns" / "zones" / ".new"
    new.write_text(ZONE % host)
    new.rename(new.with_name("example.com.yaml"))


def test_the_service_lives_in_its_sandbox(root: Path, place: tuple[Machine, Host, Host]) -> None:
    machine, laptop, stranger = place
    assert machine.shown("splitdns", "StatusText") == "generation 1: 1 zones"
    assert addresses(laptop) == ["192.168.1.20"]
    assert addresses(stranger, WAN) == ["203.0.113.7"]

    main = machine.shown("splitdns", "MainPID")
    lines = machine.run("cat", f"/proc/{main}/status").splitlines()
    status = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    assert {name: status[name] for name in SETS} == dict.fromkeys(SETS, NET_BIND_SERVICE)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert "0" not in status["Uid"].split()
    assert "splitdns" not in (root / "etc" / "passwd").read_text(), "a user who is there while it runs"

    # Also by the rules of this version of systemd.
    unit = "/etc/systemd/system/splitdns.service"
    machine.run("systemd-analyze", "security", "--offline=true", "--threshold=20", unit)

    # A reload forks a process that makes itself nice, which seccomp has to let pass.
    zone(root, 21)
    machine.run("systemctl", "reload", "splitdns")
    machine.until(lambda: addresses(laptop) == ["192.168.1.21"], "the reload")
    assert machine.shown("splitdns", "StatusText") != "generation 1: 1 zones"
    assert machine.shown("splitdns", "MainPID") == main

    flush = ["/opt/splitdns/.venv/bin/splitdns", "flush", "-c", "/etc/splitdns/splitdns.yaml"]
    assert machine.run(*flush) == "0 answers forgotten"

    machine.run("systemctl", "stop", "splitdns")
    assert machine.shown("splitdns", "Result") == "success"
    assert machine.shown("splitdns", "NRestarts") == "0"
    journal = machine.run("journalctl", "--unit=splitdns", "--output=cat")
    assert "stopped" in journal
    assert "ERROR" not in journal


def test_a_supervisor_that_hangs_is_started_anew(place: tuple[Machine, Host, Host]) -> None:
    machine, laptop, _ = place
    main = machine.shown("splitdns", "MainPID")
    machine.run("kill", f"-{signal.SIGSTOP.value}", main)

    machine.until(lambda: machine.shown("splitdns", "NRestarts") == "1", "the watchdog")
    machine.until(lambda: machine.shown("splitdns", "ActiveState") == "active", "the new start")

    assert machine.shown("splitdns", "MainPID") != main
    assert addresses(laptop) == ["192.168.1.20"]


def test_what_stops_it_from_outside_is_no_end(place: tuple[Machine, Host, Host]) -> None:
    machine, laptop, _ = place
    main = machine.shown("splitdns", "MainPID")
    machine.run("kill", f"-{signal.SIGKILL.value}", main)

    machine.until(
        lambda: machine.shown("splitdns", "MainPID") not in ("0", main)
        and machine.shown("splitdns", "ActiveState") == "active",
        "the new start",
    )

    assert addresses(laptop) == ["192.168.1.20"]

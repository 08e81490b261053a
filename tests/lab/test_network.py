"""The lab itself: networks connect as drawn, come up fast and leave nothing behind."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lab.network import Network, remove_stale

pytestmark = pytest.mark.root


def _namespaces() -> set[str]:
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return {line.split()[0] for line in listed.splitlines()}


def _ours(pid: int) -> set[str]:
    return {name for name in _namespaces() if name.startswith(f"sdlab-{pid}-")}


def test_hosts_on_a_bridge_and_on_a_cable_reach_each_other_over_both_families() -> None:
    with Network() as network:
        server, laptop, phone = network.hosts("server", "laptop", "phone")
        lan = network.bridge("lan")
        lan.plug(server, "lan0", "192.168.1.53/24", "fd00:1::53/64")
        lan.plug(laptop, "eth0", "192.168.1.10/24", "fd00:1::10/64")
        network.link((server, "vpn0", ("10.8.0.1/24",)), (phone, "tun0", ("10.8.0.2/24",)))
        phone.route("192.168.1.0/24", via="10.8.0.1")

        for family, address in ((socket.AF_INET, "192.168.1.53"), (socket.AF_INET6, "fd00:1::53")):
            with (
                server.socket(family, socket.SOCK_DGRAM) as listener,
                laptop.socket(family, socket.SOCK_DGRAM) as client,
            ):
                listener.bind((address, 53))
                listener.settimeout(60)
                client.sendto(b"hello", (address, 53))
                assert listener.recvfrom(100)[0] == b"hello"
        assert "192.168.1.0/24 via 10.8.0.1" in phone.run("ip", "route").stdout


def test_leaving_a_network_removes_its_namespaces_and_stops_its_daemons() -> None:
    with Network() as network:
        daemon = network.host("server").start("sleep", "1000")
        directory = network.directory
        assert _ours(os.getpid())
        assert daemon.running
    assert not _ours(os.getpid())
    assert not daemon.running
    assert not directory.exists()


def test_what_a_crashed_run_left_is_removed_by_the_next() -> None:
    crash = """
import os, signal
from tests.lab.network import Network
network = Network()
host = network.host("server")
print(host.start("sleep", "1000").pid, network.directory, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    maker = subprocess.Popen([sys.executable, "-c", crash], stdout=subprocess.PIPE, text=True)
    printed, _ = maker.communicate(timeout=120)
    sleeper, directory = printed.split()
    assert _ours(maker.pid)
    remove_stale()
    assert not _ours(maker.pid)
    assert not Path(directory).exists()
    while Path("/proc", sleeper).exists():  # the kernel reaps it in its own time; else the test times out
        time.sleep(0.01)


def test_a_command_that_fails_says_where_and_why() -> None:
    with Network() as network, pytest.raises(AssertionError, match="server: sh -c exit 2 exited 2"):
        network.host("server").run("sh", "-c", "exit 2")

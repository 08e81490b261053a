import os
import socket
from pathlib import Path

import pytest

from splitdns.systemd import Service


def listener(address: str) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    opened.bind(address)
    opened.setblocking(False)
    return opened


def test_each_state_is_one_datagram_of_lines(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listener(address) as systemd:
        service = Service({"NOTIFY_SOCKET": address}, monotonic=lambda: 12.5)

        service.ready("serving 2 zones")
        service.reloading()
        service.alive()
        service.stopping()

        assert systemd.recv(4096) == b"READY=1\nSTATUS=serving 2 zones"
        assert systemd.recv(4096) == b"RELOADING=1\nMONOTONIC_USEC=12500000"
        assert systemd.recv(4096) == b"WATCHDOG=1"
        assert systemd.recv(4096) == b"STOPPING=1"


def test_an_at_sign_means_the_abstract_namespace() -> None:
    name = f"splitdns-test-{os.getpid()}"
    with listener("\0" + name) as systemd:
        Service({"NOTIFY_SOCKET": "@" + name}).stopping()

        assert systemd.recv(4096) == b"STOPPING=1"


def test_a_status_cannot_add_a_line(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with listener(address) as systemd:
        Service({"NOTIFY_SOCKET": address}).ready("odd\nSTOPPING=1")

        assert systemd.recv(4096) == b"READY=1\nSTATUS=odd STOPPING=1"


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/notify"}])
def test_without_systemd_nothing_happens(environ: dict[str, str]) -> None:
    Service(environ).ready("serving")


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_within_its_limit(
    environ: dict[str, str], interval_s: float | None
) -> None:
    assert Service(environ).watchdog_interval_s == interval_s

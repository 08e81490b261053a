import asyncio
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


def test_the_watchdog_is_fed_while_all_is_well_and_else_asks_again_soon(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    states = iter([True, False, True])
    slept: list[float] = []

    async def is_well() -> bool:
        return next(states)

    async def sleep(for_s: float) -> None:
        slept.append(for_s)
        if len(slept) == 3:
            raise asyncio.CancelledError

    with listener(address) as systemd:
        service = Service({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000000"})
        with pytest.raises(asyncio.CancelledError):
            asyncio.run(service.feed_watchdog(is_well, sleep))
        assert slept == [15.0, 1.0, 15.0]
        assert systemd.recv(4096) == systemd.recv(4096) == b"WATCHDOG=1"
        with pytest.raises(BlockingIOError):
            systemd.recv(4096)


def test_without_a_watchdog_nothing_is_asked() -> None:
    async def never(*_: object) -> bool:
        raise AssertionError

    asyncio.run(Service({}).feed_watchdog(never, never))

"""dnstap to the collector of those who made it, over a socket and over TCP, read by their own tool."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.server import Server, Site
from tests.lab.machine import Here, free_port

QUESTIONS = 30  # from sockets of their own, so that both workers are asked

pytestmark = pytest.mark.needs("fstrm_capture", "dnstap")


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Here]:
    machine = Here(tmp_path)
    yield machine
    machine.stop()


@pytest.mark.parametrize("over", ["unix", "tcp"])
def test_a_real_collector_gets_each_query_and_its_answer(tmp_path: Path, machine: Here, over: str) -> None:
    port, path, captured = free_port(), tmp_path / "tap.sock", tmp_path / "captured"
    address = {"unix": ["-u", str(path)], "tcp": ["-a", "127.0.0.1", "-p", str(port)]}[over]
    to = {"unix": "./tap.sock", "tcp": f"127.0.0.1:{port}"}[over]
    site = Site(tmp_path)
    site.configure(site.settings + f"dnstap: {{to: '{to}', identity: ns1}}\n")
    asked = {f"host{number}.example.org." for number in range(QUESTIONS)}

    with Server(site) as server:  # which is there before its collector
        for name in asked:
            server.ask(name)
        collector = machine.start(
            "fstrm_capture", "-t", "protobuf:dnstap.Dnstap", *address, "-w", str(captured), "-d", "-d"
        )
        for _ in server.workers():
            server.wait_for("dnstap.connected")
        server.ask("www.example.org", source="127.0.0.2", tcp=True)
    told = [event["to"] for event in server.events if event["event"] == "dnstap.failed"]
    assert told == [str(path) if over == "unix" else to] * 2
    collector.stop()

    read = subprocess.run(["dnstap", "-r", str(captured), "-q"], capture_output=True, text=True, check=True)
    lines = read.stdout.splitlines()
    for side in ("CQ", "CR"):
        of_side = [line for line in lines if f" {side} " in line]
        names = [re.search(r'"(host\d+\.example\.org\.)"', line) for line in of_side]
        assert {found[1] for found in names if found} == asked
        (last,) = [line for line in of_side if '"www.example.org."' in line]
        assert "127.0.0.2" in last
        assert " TCP " in last
    assert len(lines) == 2 * (QUESTIONS + 1)

"""Really asking an upstream, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rrset
import pytest

from tests.unit.cli.conftest import Run


@pytest.fixture
def upstream() -> Iterator[str]:
    """A resolver on loopback that says 198.51.100.80 for everything, and stops with the test."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))

    def answer() -> None:
        while True:
            wire, client = server.recvfrom(512)
            if not wire:
                return
            query = dns.message.from_wire(wire)
            response = dns.message.make_response(query)
            response.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "A", "198.51.100.80")]
            server.sendto(response.to_wire(), client)

    thread = threading.Thread(target=answer)
    thread.start()
    host, port = server.getsockname()
    yield f"{host}:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.sendto(b"", (host, port))
    thread.join()
    server.close()


def use(desk: Path, upstream: str) -> None:
    config = desk / "splitdns.yaml"
    config.write_text(config.read_text().replace("192.0.2.53", upstream))


def test_forward_asks_the_upstream(upstream: str, run: Run, desk: Path) -> None:
    use(desk, upstream)
    result = run("query", "www.example.net", "--from", "10.8.0.1", "--forward")
    assert result.exit_code == 0
    assert "www.example.net.\t300\tIN\tA\t198.51.100.80" in result.stdout.splitlines()
    told = run("explain", "www.example.net", "--from", "10.8.0.1", "--forward")
    assert "which were asked" in told.stdout
    assert "A 198.51.100.80\n       upstream" in told.stdout


def test_an_upstream_that_is_not_there_is_a_servfail_with_a_reason(run: Run, desk: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        host, port = closed.getsockname()
    use(desk, f"{host}:{port}")
    result = run("query", "www.example.net", "--from", "10.8.0.1", "--forward")
    assert result.exit_code == 1
    assert "status: SERVFAIL" in result.stdout
    assert "splitdns: " in result.stderr

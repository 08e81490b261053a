"""A control socket, played by a server that says what it is told to."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from splitdns.sources.leases import socket as module
from splitdns.sources.leases.lease import Lease
from splitdns.sources.leases.socket import ask
from splitdns.sources.source import SourceError

LEASE = {"ip-address": "192.168.1.20", "hw-address": "02:00:00:00:00:01", "hostname": "laptop", "cltt": 1}
ANSWER = json.dumps({"result": 0, "arguments": {"leases": [{**LEASE, "valid-lft": 9, "state": 0}]}}).encode()
UNKNOWN = b'{"result": 2, "text": "\'lease4-get-all\' command not supported."}'


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as directory:  # short enough for a socket
        yield Path(directory) / "kea.sock"


def asked(path: Path, *answers: bytes | None) -> tuple[list[Lease], list[str]]:
    """The leases from a server that gives ``answers`` (None: it does not), and what it was told."""
    left, told = list(answers), []
    served: list[asyncio.Task[None]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())  # type: ignore[arg-type]
        told.append(json.loads(await reader.read(1000))["command"])
        answer = left.pop(0)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            with suppress(OSError):  # it has heard enough
                await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    async def play() -> list[Lease]:
        async with await asyncio.start_unix_server(serve, path):
            try:
                return await ask(path)
            finally:
                await asyncio.gather(*served)

    return asyncio.run(play()), told


def test_a_server_is_asked_for_all_its_leases(path: Path) -> None:
    leases, told = asked(path, ANSWER)
    shown = [(lease.hostname, lease.ends_s, str(lease.where)) for lease in leases]
    assert shown == [("laptop", 10.0, str(path))]
    assert told == ["lease4-get-all"]


def test_a_server_of_ipv6_says_that_it_is_one(path: Path) -> None:
    leases, told = asked(path, UNKNOWN, ANSWER)
    assert len(leases) == 1
    assert told == ["lease4-get-all", "lease6-get-all"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ((UNKNOWN, UNKNOWN), "knows no leases; has it the hook lease_cmds?"),
        ((b"",), "expected an answer of Kea"),
        ((b"{",), "expected an answer of Kea"),
        ((b"\xff",), "expected an answer of Kea"),
        ((b"[" * 100_000,), "expected an answer of Kea"),
        ((b"[]",), "expected an answer of Kea"),
        ((b'{"result": 1, "text": "no"}',), "answers: no"),
        ((None,), "has not answered within 0 seconds"),
    ],
)
def test_a_server_that_does_not_say_is_told(
    path: Path, answers: tuple[bytes | None, ...], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answers == (None,):
        monkeypatch.setattr(module, "ANSWERS_S", 0.05)
    with pytest.raises(SourceError, match=reason.replace("?", r"\?")):
        asked(path, *answers)


def test_a_server_that_says_too_much_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_OCTETS", len(ANSWER) - 1)
    with pytest.raises(SourceError, match="expected at most"):
        asked(path, ANSWER)


def test_nobody_at_the_socket_is_told(path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        asyncio.run(ask(path))

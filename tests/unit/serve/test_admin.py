"""The admin endpoint, asked over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import NamedTuple

from splitdns.serve import admin
from splitdns.serve.sockets import open_tcp

WITHIN_S = 60.0
OPENMETRICS = "application/openmetrics-text"


@dataclass
class Fake:
    """A server that is as well as it is told to be."""

    illness: str | None = None
    reason: str | None = None
    accept: str = ""

    async def metrics(self, accept: str) -> tuple[bytes, str]:
        self.accept = accept
        return b"splitdns_workers 2.0\n", "text/plain; version=0.0.4; charset=utf-8"

    def unhealthy(self) -> str | None:
        return self.illness

    def unready(self) -> str | None:
        return self.reason


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Endpoint:
    """Where the fake server's endpoint is."""

    port: int

    async def get(self, path: str, method: str = "GET", accept: str = "*/*") -> Answer:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = (
            f"{method} {path} HTTP/1.1",
            "Host: localhost",
            f"Accept: {accept}",
            "Connection: close",
            "",
            "",
        )
        writer.write("\r\n".join(lines).encode())
        text = (await reader.read()).decode()
        writer.close()
        await writer.wait_closed()
        head, _, body = text.partition("\r\n\r\n")
        status, *fields = head.split("\r\n")
        return Answer(int(status.split()[1]), dict(field.lower().split(": ", 1) for field in fields), body)


def serving(server: Fake, test: Callable[[Endpoint], Coroutine[None, None, None]]) -> None:
    async def run() -> None:
        end = asyncio.Event()
        with open_tcp("127.0.0.1", 0) as sock:
            async with asyncio.timeout(WITHIN_S), asyncio.TaskGroup() as group:
                group.create_task(admin.serve(server, sock, end))
                await test(Endpoint(sock.getsockname()[1]))
                end.set()

    asyncio.run(run())


def test_metrics_come_with_their_own_content_type() -> None:
    async def test(endpoint: Endpoint) -> None:
        status, headers, body = await endpoint.get("/metrics", accept=OPENMETRICS)
        assert (status, body) == (200, "splitdns_workers 2.0\n")
        assert headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert "server" not in headers

    server = Fake()
    serving(server, test)
    assert server.accept == OPENMETRICS


def test_a_server_that_is_well_says_ok() -> None:
    async def test(endpoint: Endpoint) -> None:
        for path in ("/health", "/ready"):
            status, _, body = await endpoint.get(path)
            assert (status, body) == (200, "OK\n")

    serving(Fake(), test)


def test_a_server_that_is_not_says_why() -> None:
    async def test(endpoint: Endpoint) -> None:
        assert (await endpoint.get("/health"))[::2] == (503, "no worker is alive\n")
        assert (await endpoint.get("/ready"))[::2] == (503, "stopping\n")

    serving(Fake("no worker is alive", "stopping"), test)


def test_there_is_nothing_else() -> None:
    async def test(endpoint: Endpoint) -> None:
        assert (await endpoint.get("/"))[0] == 404
        assert (await endpoint.get("/metrics/"))[0] in (307, 404)
        assert (await endpoint.get("/metrics", method="POST"))[0] == 405

    serving(Fake(), test)


def test_the_end_does_not_wait_for_clients_that_rest() -> None:
    with socket.socket() as client:

        async def test(endpoint: Endpoint) -> None:
            client.connect(("127.0.0.1", endpoint.port))
            await endpoint.get("/health")

        serving(Fake(), test)
        assert client.recv(1) == b""

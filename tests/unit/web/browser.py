"""An application asked without a socket, and a server to ask it of that is as it is told to be."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from splitdns.daemon.inspection import inspection
from splitdns.load.load import Loaded
from splitdns.metrics import Counts
from splitdns.serve.horizon import Sighting
from splitdns.web.answers import Explained, Typed, answer
from splitdns.web.app import application
from splitdns.web.cures import Cures, mended
from splitdns.web.door import Door
from splitdns.web.server import Inspected, UnavailableError
from splitdns.web.stream import Audience
from splitdns.web.way import Wrong


@dataclass
class FakeServer:
    """A server in this process, whose children are none."""

    loaded: Loaded
    base: Path
    inspected: Inspected | None = None
    tallied: Counts = field(default_factory=Counts)
    seen: dict[str, list[str]] = field(default_factory=dict)
    sighted: dict[str, tuple[Sighting, ...]] = field(default_factory=dict)
    reason: str | None = None
    illness: str = ""
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.audience = Audience(lambda for_s: self.asked.append(f"watch {for_s:.0f}"))

    def unready(self) -> str | None:
        return self.reason

    async def counts(self) -> Counts:
        return self.tallied

    async def clients(self) -> Mapping[str, Sequence[str]]:
        return self.seen

    async def sightings(self, token: str) -> Sequence[Sighting]:
        return self.sighted.get(token, ())

    async def explained(self, typed: Typed) -> Explained | Wrong:
        if self.illness:
            raise UnavailableError(self.illness)
        return answer(typed, self.loaded, self.base)

    async def cures(self) -> Cures:
        if self.illness:
            raise UnavailableError(self.illness)
        return mended(self.loaded, self.base)

    async def flush_all(self) -> None:
        self.asked.append("flush")

    def recheck(self) -> None:
        self.asked.append("recheck")

    def inspect(self) -> None:
        """Check the gateway as the daemon does."""
        self.inspected = Inspected(inspection(self.loaded, self.base)["exposure"], 0.0)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


def ask(
    server: FakeServer,
    path: str,
    door: Door | None = None,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    **query: str,
) -> Answer:
    """One request, and all of its answer."""
    given = {"host": "127.0.0.1:9153"} | dict(headers or {})
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": "&".join(f"{name}={quote(value)}" for name, value in query.items()).encode(),
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 9153),
    }
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(application(server, door or Door(open=True))(scope, receive, send))  # type: ignore[arg-type]
    start = sent[0]
    octets = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(
        start["status"], {name.decode(): value.decode() for name, value in start["headers"]}, octets.decode()
    )

"""The API of Docker's engine, as far as it is needed to see what runs: three questions, and no order.

Over the engine's unix socket, or over HTTP to a proxy in front of it that lets nothing else through (Podman
speaks the same API). Nothing here can change anything, but whoever may open the socket can do everything; the
proxy is what makes least privilege of it. An answer is bounded in size and time, whatever the engine does.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import quote, urlsplit

import httpx2

from splitdns.errors import SplitdnsError

PATIENCE_S = 10.0  # for one answer, from the connection to the last octet
MAX_OCTETS = 8 * 1024 * 1024  # of an answer: some 5,000 containers; beyond: it is not read, and an error

OLDEST, NEWEST = (1, 24), (1, 51)  # of the API: what is used has been there since, and was looked at until

# What may change where a name leads; others, such as each health check's `exec_start`, would wake us in vain.
_EVENTS = {
    "type": ["container", "network"],
    "event": ["start", "die", "died", "rename", "connect", "disconnect"],  # died: Podman's for die
}
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,4})")
_HEADERS = {"accept": "application/json", "accept-encoding": "identity", "user-agent": "splitdns"}


class EngineError(SplitdnsError):
    """The engine cannot be asked, or its answer is none; the text says why."""


class Engine:
    """An engine that is being asked, in the version of its API that both sides know."""

    def __init__(self, client: httpx2.AsyncClient, version: str) -> None:
        self._client = client
        self._version = version

    async def containers(self) -> object:
        """The containers that run, as JSON."""
        return await self._got("containers/json")

    async def inspected(self, identity: str) -> object:
        """All of one container, as JSON."""
        return await self._got(f"containers/{quote(identity, safe='')}/json")

    async def networks(self) -> object:
        """The networks, as JSON."""
        return await self._got("networks")

    async def watch(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` once the engine listens to us, and with each event that may concern names.

        What the events say is not read: a look at everything that runs cannot miss what one of them left out.

        Raises:
            EngineError: the stream ended, which it does not do by itself.
        """
        parameters = {"filters": json.dumps(_EVENTS)}
        with _errors("events"):
            async with self._client.stream(
                "GET", f"/v{self._version}/events", params=parameters
            ) as response:
                await _expect_success(response, "events")
                changed()
                async for _ in response.aiter_raw():
                    changed()
        raise EngineError("events: the engine ended the stream")

    async def _got(self, path: str) -> object:
        return await _got(self._client, f"/v{self._version}/{path}")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Engine]:
    """The engine at ``url``: `unix:///path`, `http://host:port`, or `tcp://host:port` as Docker writes it.

    Raises:
        EngineError: it does not answer, or knows no version of the API that we know.
    """
    parts = urlsplit(url)
    is_socket = parts.scheme == "unix"
    transport = httpx2.AsyncHTTPTransport(
        uds=parts.path if is_socket else None, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    )
    base = "http://docker" if is_socket else f"http://{parts.netloc}"
    async with httpx2.AsyncClient(
        transport=transport, base_url=base, trust_env=False, headers=_HEADERS, timeout=None
    ) as client:
        said = await _got(client, "/version")
        yield Engine(client, _agreed(said if isinstance(said, dict) else {}))


def _agreed(said: Mapping[str, Any]) -> str:
    """The newest version that both know; an engine may have forgotten what we know (`MinAPIVersion`)."""
    newest, oldest = _version(said.get("ApiVersion")), _version(said.get("MinAPIVersion"))
    if newest is None:
        raise EngineError("/version: expected the engine's ApiVersion, found none")
    if newest < OLDEST:
        wanted = ".".join(map(str, OLDEST))
        raise EngineError(f"/version: expected API {wanted} or later, found {said['ApiVersion']}")
    return ".".join(map(str, max(min(newest, NEWEST), oldest or OLDEST)))


def _version(text: object) -> tuple[int, int] | None:
    match = _VERSION.fullmatch(text) if isinstance(text, str) else None
    return None if match is None else (int(match[1]), int(match[2]))


async def _got(client: httpx2.AsyncClient, path: str) -> object:
    """The JSON at ``path``."""
    with _errors(path):
        async with asyncio.timeout(PATIENCE_S), client.stream("GET", path) as response:
            await _expect_success(response, path)
            octets = await _read(response, MAX_OCTETS)
    if octets is None:
        raise EngineError(f"{path}: expected at most {MAX_OCTETS:,} octets, found more")
    try:
        return json.loads(octets)
    except (ValueError, RecursionError):
        raise EngineError(f"{path}: expected JSON, found {octets[:40]!r}") from None


async def _read(response: httpx2.Response, limit: int) -> bytes | None:
    """All of it; None where it is longer."""
    parts, size = [], 0
    async for part in response.aiter_raw():
        size += len(part)
        if size > limit:
            return None
        parts.append(part)
    return b"".join(parts)


async def _expect_success(response: httpx2.Response, path: str) -> None:
    status = response.status_code
    if status == httpx2.codes.OK:
        return
    hint = "; a proxy in front of the engine must allow it" if status == httpx2.codes.FORBIDDEN else ""
    raise EngineError(f"{path}: HTTP status {status}{hint}")


@contextmanager
def _errors(path: str) -> Iterator[None]:
    """What the client raises becomes an ``EngineError`` that names ``path``."""
    try:
        yield
    except TimeoutError:
        raise EngineError(f"{path}: nothing within {PATIENCE_S:.0f} s") from None
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
        raise EngineError(f"{path}: {str(error) or type(error).__name__}") from None

"""DNS over HTTPS (RFC 8484): each question is a POST, and all of an upstream's share a connection.

The one door to httpx2, the HTTP client that dnspython's extra for DNS over HTTPS brings. The connection goes
to the upstream's address, and no resolver is asked for its name: that stands in the request, in the handshake
and in what the certificate must prove. Imported only where there is such an upstream.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import NamedTuple

import httpx2

from splitdns.errors import UpstreamError
from splitdns.forward.tls import context
from splitdns.view import Upstream
from splitdns.wire.framing import MAX_MESSAGE_OCTETS

IDLE_S = 10.0  # as of other connections to upstreams
MAX_CONNECTIONS = 4  # to one upstream; HTTP/2 carries about a hundred questions at once on each

_HTTP = "h2"
_MESSAGE = "application/dns-message"
_LIMITS = httpx2.Limits(
    max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS, keepalive_expiry=IDLE_S
)


class Answer(NamedTuple):
    """A message, and how long a cache on the way has had it (RFC 8484 5.1)."""

    wire: bytes
    age_s: int


@dataclass(slots=True)
class _Connections:
    """Those to one upstream; ``heard`` counts the answers so far."""

    client: httpx2.AsyncClient
    heard: int = 0


class Https:
    """The connections of one worker. Whoever made it calls ``close``."""

    def __init__(self) -> None:
        self._open: dict[Upstream, _Connections] = {}
        self._closing: set[asyncio.Task[None]] = set()

    async def ask(self, upstream: Upstream, query: bytes) -> Answer:
        """The response to ``query``, under its id; the caller sets the time-out.

        Raises:
            UpstreamError: HTTP, but no DNS.
            OSError: there is no way to the upstream, or it is not who it should be.
        """
        while True:
            connections = await self._connections(upstream)
            heard = connections.heard
            try:
                return await self._post(connections, upstream, query)
            except asyncio.CancelledError:
                if connections.heard == heard:  # not a word since: what comes next had better try another
                    self._leave(upstream, connections)
                raise
            except httpx2.ConnectError as error:
                raise _cause(error) from None
            except httpx2.HTTPError as error:
                self._leave(upstream, connections)
                if not heard:  # it never answered anything: that is no connection that has just grown old
                    raise UpstreamError(f"over HTTPS: {str(error) or type(error).__name__}") from None

    async def _post(self, connections: _Connections, upstream: Upstream, query: bytes) -> Answer:
        headers = {"host": _authority(upstream), "accept": _MESSAGE, "accept-encoding": "identity"}
        async with connections.client.stream(
            "POST",
            _url(upstream),
            content=b"\0\0" + query[2:],  # RFC 8484 4.1: caches on the way like one id
            headers={**headers, "content-type": _MESSAGE},
            extensions={"sni_hostname": upstream.identity},
        ) as response:
            kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
            if response.status_code != 200 or kind != _MESSAGE:
                raise UpstreamError(f"HTTP status {response.status_code}, {kind or 'of no type'}")
            wire = bytearray()
            async for octets in response.aiter_raw():
                wire += octets
                if len(wire) > MAX_MESSAGE_OCTETS:
                    raise UpstreamError("more than a message over HTTPS")
            age = response.headers.get("age", "")
        connections.heard += 1
        return Answer(query[:2] + bytes(wire[2:]), int(age) if age.isascii() and age.isdigit() else 0)

    async def close(self) -> None:
        """Close all connections."""
        for upstream, connections in tuple(self._open.items()):
            self._leave(upstream, connections)
        if self._closing:
            await asyncio.wait(self._closing)

    async def _connections(self, upstream: Upstream) -> _Connections:
        if upstream not in self._open:
            tls = await context(upstream.ca, _HTTP)
        connections = self._open.get(upstream)  # by now, another question may have opened them
        if connections is None:
            client = httpx2.AsyncClient(
                verify=tls, http1=True, http2=True, trust_env=False, timeout=None, limits=_LIMITS
            )
            connections = self._open[upstream] = _Connections(client)
        return connections

    def _leave(self, upstream: Upstream, connections: _Connections) -> None:
        if self._open.get(upstream) is connections:
            del self._open[upstream]
            closing = asyncio.create_task(connections.client.aclose())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)


def _url(upstream: Upstream) -> str:
    host = f"[{upstream.host}]" if ":" in upstream.host else upstream.host
    return f"https://{host}:{upstream.port}{upstream.path}"


def _authority(upstream: Upstream) -> str:
    host = f"[{upstream.identity}]" if ":" in upstream.identity else upstream.identity
    return host if upstream.port == 443 else f"{host}:{upstream.port}"


def _cause(error: BaseException) -> OSError:
    """What the system said, beneath what the libraries made of it."""
    at: BaseException | None = error
    while at is not None:
        if isinstance(at, OSError):
            return at
        at = at.__cause__ or at.__context__
    return OSError(str(error))

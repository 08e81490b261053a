"""The endpoint for those who run the server: /metrics, /health and /ready, over HTTP, and pages beside them.

One for all workers, in the supervisor. starlette and hypercorn are imported when it starts to serve, which is
when the workers answer already; what makes pages, when somebody opens the first.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.types import ASGIApp, Receive, Scope, Send

    Pages = Callable[[], ASGIApp]

KEEP_ALIVE_S = 75.0  # a scraper's connection rests between two scrapes, and comes back
GRACE_S = 1.0  # that requests under way have at the end


class Server(Protocol):
    """What is asked; None is the good answer of the last two, a text the reason of the bad one."""

    async def metrics(self, accept: str) -> tuple[bytes, str]: ...

    def unhealthy(self) -> str | None: ...

    def unready(self) -> str | None: ...


async def serve(
    server: Server, sock: socket.socket, end: asyncio.Event, pages: Pages | None = None
) -> None:
    """Answer on ``sock``, bound and listening, until ``end`` is set; ``sock`` stays the caller's.

    ``pages`` makes what answers all other paths, once one of them is asked for.
    """
    from hypercorn.asyncio import serve as hypercorn_serve
    from hypercorn.config import Config

    errors = logging.getLogger("splitdns.admin")
    errors.setLevel(logging.WARNING)  # it has a word for each start and stop
    config = Config()
    config.bind = [f"fd://{sock.dup().detach()}"]  # it closes the descriptor
    config.keep_alive_timeout = KEEP_ALIVE_S
    config.read_timeout = int(KEEP_ALIVE_S)  # of requests that are begun and never end
    config.graceful_timeout = GRACE_S
    config.include_server_header = False
    config.errorlog = errors
    await hypercorn_serve(application(server, pages), config, shutdown_trigger=end.wait)  # type: ignore[arg-type]


def application(server: Server, pages: Pages | None = None) -> Starlette:
    """The ASGI application."""
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import PlainTextResponse, Response
    from starlette.routing import Mount, Route

    async def metrics(request: Request) -> Response:
        body, content_type = await server.metrics(request.headers.get("accept", ""))
        return Response(body, headers={"content-type": content_type})

    async def health(_: Request) -> Response:
        return state(server.unhealthy())

    async def ready(_: Request) -> Response:
        return state(server.unready())

    def state(reason: str | None) -> Response:
        return PlainTextResponse("OK\n") if reason is None else PlainTextResponse(reason + "\n", 503)

    routes = [Route("/metrics", metrics), Route("/health", health), Route("/ready", ready)]
    others = [] if pages is None else [Mount("/", _Lazy(pages))]
    return Starlette(routes=[*routes, *others])


class _Lazy:
    """An application that is made when the first request comes."""

    def __init__(self, make: Pages) -> None:
        self._make = make
        self._made: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._made is None:
            self._made = self._make()
        await self._made(scope, receive, send)

"""The pages over HTTP: who asks for which, and what browsers may do with it.

It is imported when the first page is asked for: a server whose pages nobody opens has no templates in memory.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from importlib.resources import files
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from splitdns.web import horizon, pages
from splitdns.web.answers import Typed
from splitdns.web.door import CHALLENGE, HEADERS, Door
from splitdns.web.drawing import draw
from splitdns.web.pages import Page
from splitdns.web.server import Server
from splitdns.web.stream import TooManyError, event

MAX_TYPED = 1024  # characters of a field; beyond: cut, for no name and no address is so long
MAX_FORM_OCTETS = 4096  # beyond: 413
RETRY_MS = 2000  # after which a browser comes again whose stream ended
_FIELDS = ("name", "type", "from", "port")
_STATIC = {
    "page.css": "text/css",
    "page.js": "text/javascript",
    "horizon.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

Application = Starlette
_Handler = Callable[[Request], Awaitable[Response]]


def application(server: Server, door: Door) -> Application:
    """The ASGI application."""

    def shown(page: Page, request: Request) -> Response:
        frame = {"path": request.url.path, "done": request.query_params.get("done", ""), "door": door}
        return Response(draw(page.template, {**frame, **page.values}), page.status, media_type="text/html")

    async def overview(request: Request) -> Response:
        return shown(await pages.overview(server, door), request)

    async def answers(request: Request) -> Response:
        name, qtype, client, port = (request.query_params.get(one, "")[:MAX_TYPED] for one in _FIELDS)
        return shown(await pages.answers(server, Typed(name, qtype, client, port)), request)

    async def queries(request: Request) -> Response:
        return shown(pages.queries(server), request)

    async def stream(_: Request) -> Response:
        return StreamingResponse(_events(server), media_type="text/event-stream")

    async def exposure(request: Request) -> Response:
        return shown(await pages.exposure(server), request)

    async def test(request: Request) -> Response:
        client = request.client.host if request.client is not None else ""
        page = await horizon.page(server, request.query_params.get("token", ""), client)
        answer = shown(page, request)
        answer.headers["content-security-policy"] = horizon.policy(page)
        return answer

    async def seen(request: Request) -> Response:
        value = await horizon.value(server, request.path_params["token"])
        if value is None:
            raise HTTPException(404)
        return JSONResponse(value)

    async def flush(_: Request) -> Response:
        await server.flush_all()
        return RedirectResponse("/?done=flushed", 303)

    async def recheck(_: Request) -> Response:
        server.recheck()
        return RedirectResponse("/exposure?done=rechecked", 303)

    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            raise HTTPException(404)
        octets = (files("splitdns.web") / "static" / name).read_bytes()
        return Response(octets, media_type=_STATIC[name])

    async def error(request: Request, wrong: Exception) -> Response:
        assert isinstance(wrong, HTTPException)
        return shown(Page("wrong.html", {"reason": wrong.detail}, wrong.status_code), request)

    def names(handler: _Handler) -> _Handler:
        """Only where names may be seen."""

        async def handle(request: Request) -> Response:
            return await handler(request) if door.shows_names else shown(pages.closed(), request)

        return handle

    def change(handler: _Handler) -> _Handler:
        """Only from a form of ours, by who has shown the token."""

        async def handle(request: Request) -> Response:
            key = (await _form(request)).get("key", "")
            if not door.may_change or not door.believes(key, request.headers.get("sec-fetch-site", "")):
                raise HTTPException(403, "This button was not one of ours, or there is no token for it.")
            return await handler(request)

        return handle

    return Starlette(
        routes=[
            Route("/", overview),
            Route("/answers", names(answers)),
            Route("/queries", names(queries)),
            Route("/queries/stream", names(stream)),
            Route("/exposure", names(exposure)),
            Route("/horizon", names(test)),
            Route("/horizon/{token}", names(seen)),
            Route("/flush", change(flush), methods=["POST"]),
            Route("/recheck", change(recheck), methods=["POST"]),
            Route("/static/{name}", static),
        ],
        middleware=[Middleware(_Doorkeeper, door=door)],
        exception_handlers={HTTPException: error},
    )


class _Doorkeeper:
    """Lets requests in, or not, and puts the headers on every answer."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {name for name, _ in message["headers"]}
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                own = [one for one in own if one[0] not in said]
                message["headers"] = [*message["headers"], *own]
            await send(message)

        refusal = self._refusal(Request(scope))
        await (self._app if refusal is None else refusal)(scope, receive, send_on)

    def _refusal(self, request: Request) -> Response | None:
        if not self._door.knows(request.headers.get("host", "")):
            return PlainTextResponse("Not a name of this server: admin.names in its configuration.\n", 421)
        if not self._door.admits(request.headers.get("authorization", "")):
            return PlainTextResponse("A token is needed.\n", 401, {"www-authenticate": CHALLENGE})
        return None


async def _events(server: Server) -> AsyncIterator[str]:
    """Server-sent events: one for each batch of queries; a comment where there were none."""
    yield f"retry: {RETRY_MS}\n\n"
    try:
        async with aclosing(server.audience.watch()) as batches:
            async for batch in batches:
                if batch is None:
                    yield ": still here\n\n"
                    continue
                value = {"queries": [event(entry) for entry in batch.entries], "skipped": batch.skipped}
                yield f"data: {json.dumps(value)}\n\n"
    except TooManyError:
        yield "event: full\ndata: {}\n\n"


async def _form(request: Request) -> dict[str, str]:
    octets = b""
    async for chunk in request.stream():
        octets += chunk
        if len(octets) > MAX_FORM_OCTETS:
            raise HTTPException(413)
    return {name: values[0] for name, values in parse_qs(octets.decode(errors="replace")).items()}

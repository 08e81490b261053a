"""The horizon test: whether the browser that shows the page asks this server for names, and who it is to it.

The page has an image at a name that nobody has asked for before. What it shows does not matter: if its name
is asked for here, the browser comes here for names. If it is not, the browser has another resolver.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import choice
from typing import Any

from splitdns.names import to_text
from splitdns.records import type_to_text
from splitdns.serve.horizon import TOKEN, Sighting
from splitdns.view import View, fold_address
from splitdns.web.door import HEADERS
from splitdns.web.pages import Page
from splitdns.web.server import Server

_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
_TOKEN_LETTERS = 24


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a test: ``tone`` is ``good``, ``warn`` or ``bad``."""

    tone: str
    words: str


async def page(server: Server, token: str, client: str) -> Page:
    """A new test, or what came of that with ``token``; ``client`` is the browser's address."""
    address = str(fold_address(client)) if client else ""
    match = server.loaded.snapshot.match(client) if client else None
    view = match.view if match is not None else None
    values: dict[str, Any] = {
        "client": address,
        "view": view,
        "prefix": str(match.prefix or "any") if match is not None else "",
        "host": "",
        "token": "",
        "verdict": None,
        "seen": (),
    }
    if (name := server.loaded.settings.whoami) is None:
        return Page("horizon.html", values)
    own = to_text(name).rstrip(".")
    values["whoami"] = own
    if not TOKEN.fullmatch(token):
        token = "".join(choice(_LETTERS) for _ in range(_TOKEN_LETTERS))
        return Page("horizon.html", values | {"token": token, "host": f"{token}.{own}"})
    seen = await server.sightings(token)
    return Page("horizon.html", values | {"verdict": judged(seen, address, view), "seen": seen})


def policy(shown: Page) -> str:
    """The content security policy of the page: it may have that one image from elsewhere."""
    usual, host = HEADERS["content-security-policy"], shown.values["host"]
    return usual.replace("img-src 'self'", f"img-src 'self' http://{host}") if host else usual


async def value(server: Server, token: str) -> dict[str, Any] | None:
    """The documented form of ``/horizon/TOKEN`` (docs/horizon-test.md); None: there is no such test."""
    if (name := server.loaded.settings.whoami) is None or not TOKEN.fullmatch(token):
        return None
    now_s = time.time()
    return {
        "name": f"{token}.{to_text(name)}",
        "seen": [
            {
                "client": one.client,
                "view": one.view,
                "prefix": one.prefix,
                "transport": one.transport,
                "type": type_to_text(one.qtype),
                "seconds_ago": round(max(0.0, now_s - one.time_s), 1),
            }
            for one in await server.sightings(token)
        ],
    }


def judged(seen: Sequence[Sighting], client: str, view: View | None) -> Verdict:
    """What the questions for a token say of a browser at ``client``, whose address meets ``view``."""
    if not seen:
        return Verdict("bad", "The browser did not ask this server: it has another resolver.")
    clients, views = {one.client for one in seen}, {one.view for one in seen}
    told = f"as {' and '.join(sorted(clients))}, in the view {' and '.join(sorted(views))}"
    if client in clients and len(views) == 1:
        return Verdict("good", f"The browser asks this server itself, {told}.")
    if client in clients:
        other = "one is another resolver's, or another network's"
        return Verdict("bad", f"The question came by two ways, {told}: {other}.")
    if fold_address(client).is_loopback if client else True:  # by way of a proxy, or on the server itself
        return Verdict("good", f"The question came here, {told}.")
    if view is not None and views == {view.name}:
        return Verdict("warn", f"Somebody asks this server for the browser, {told}: the view is the same.")
    own = f"its own address, {client}, meets {view.name if view is not None else 'none'}"
    return Verdict("bad", f"Somebody asks this server for the browser, {told}; but {own}.")

"""What pages ask, answered by the supervisor; it is made when the first page is asked for.

Whatever needs a zone's lines or a gateway's rules is an errand of a child, a few at a time: who opens pages
must not keep the supervisor from its workers.
"""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path
from secrets import token_urlsafe
from typing import Any

from splitdns.daemon.channel import Flush
from splitdns.daemon.crew import Crew
from splitdns.daemon.errand import ErrandError, errand
from splitdns.daemon.inspection import Inspector
from splitdns.load.load import Loaded
from splitdns.load.sections import AdminSettings
from splitdns.metrics import Counts
from splitdns.names import to_text
from splitdns.serve.horizon import Sighting
from splitdns.value import value
from splitdns.view import fold_address
from splitdns.web.answers import Explained, Typed, answer
from splitdns.web.cures import Cures
from splitdns.web.door import Door
from splitdns.web.server import Inspected, UnavailableError
from splitdns.web.stream import Audience, Batch
from splitdns.web.way import Wrong

log = logging.getLogger("splitdns.admin")

EXPLAIN_S = 20.0  # that an explanation may take, the gateway's half included
MIN_TOKEN = 16  # characters; a shorter one can be guessed
MAX_ERRANDS = 2  # at one time
MAX_WAITING = 8  # for one of them to end; beyond: told to come again


@value(frozen=True, slots=True)
class Means:
    """What of the supervisor is needed."""

    base: Path
    loaded: Callable[[], Loaded]
    inspector: Callable[[], Inspector | None]
    counts: Callable[[], Coroutine[Any, Any, Counts]]
    unready: Callable[[], str | None]
    flush: Callable[[Flush], Awaitable[int]]
    recheck: Callable[[], None]
    in_child: Callable[[], None]


class Desk:
    """A ``web.server.Server``."""

    def __init__(self, means: Means, crew: Crew) -> None:
        self._means = means
        self._crew = crew
        self._errands = asyncio.Semaphore(MAX_ERRANDS)
        self._waiting = 0
        self.audience = Audience(crew.watch)
        crew.on_seen = lambda entries, skipped: self.audience.heard(Batch(entries, skipped))
        self.unready = means.unready
        self.counts = means.counts
        self.recheck = means.recheck

    @property
    def loaded(self) -> Loaded:
        return self._means.loaded()

    @property
    def inspected(self) -> Inspected | None:
        inspector = self._means.inspector()
        return None if inspector is None else inspector.inspected

    async def clients(self) -> Mapping[str, Sequence[str]]:
        found = await self._crew.clients()
        folded = {view: sorted({*map(fold_address, hosts)}, key=_order) for view, hosts in found.items()}
        return {view: [*map(str, addresses)] for view, addresses in folded.items()}

    async def sightings(self, token: str) -> Sequence[Sighting]:
        return await self._crew.look(token)

    async def explained(self, typed: Typed) -> Explained | Wrong:
        if self._waiting >= MAX_WAITING:
            raise UnavailableError("Others wait for their explanations already. Please try again.")
        self._waiting += 1
        try:
            async with self._errands:
                work = partial(answer, typed, self.loaded, self._means.base)
                return await errand(work, self._means.in_child, EXPLAIN_S)
        except ErrandError as error:
            raise UnavailableError(f"There is no explanation: {error}.") from error
        finally:
            self._waiting -= 1

    async def cures(self) -> Cures:
        inspector = self._means.inspector()
        if inspector is None:
            raise UnavailableError("the server has not begun to check")
        try:
            return await inspector.cures(self.loaded)
        except ErrandError as error:
            raise UnavailableError(str(error)) from error

    async def flush_all(self) -> None:
        await self._means.flush(Flush())


def door_of(settings: AdminSettings, base: Path, sock: socket.socket) -> Door:
    """Who may see what at ``sock``, the admin endpoint's; where its token cannot be read, nobody anything."""
    host = sock.getsockname()[0]
    names = frozenset(to_text(name).rstrip(".") for name in settings.names)
    return Door(fold_address(host).is_loopback, _token(settings.token_file, base), names)


def _token(file: str | None, base: Path) -> str | None:
    if file is None:
        return None
    try:
        token = (base / file).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        log.error("admin.token", extra={"path": str(base / file), "reason": str(error)})  # noqa: TRY400
        return token_urlsafe()
    if len(token) < MIN_TOKEN:
        reason = f"expected {MIN_TOKEN} characters or more, found {len(token)}"
        log.error("admin.token", extra={"path": str(base / file), "reason": reason})
        return token_urlsafe()
    return token


def _order(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> tuple[int, int]:
    return address.version, int(address)

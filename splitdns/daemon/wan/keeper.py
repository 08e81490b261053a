"""Keeps what ``$wan4`` and ``$wan6`` stand for: follows each source, and says when its address is another.

An address stays for ``max_age`` while its source is silent, for a router that starts anew has not lost it. A
source that gives an address of no use is another matter: what stood before is wrong by then.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from splitdns.daemon.wan import state
from splitdns.daemon.wan.answer import Address, WanError
from splitdns.daemon.wan.asking import ask
from splitdns.daemon.wan.local import look
from splitdns.load.load import Loaded
from splitdns.load.settings import Settings
from splitdns.load.wansources import OfFile, OfInterface, OfPcp, Source, Static, Value, refusal
from splitdns.metrics import (
    WAN_ADDRESS,
    WAN_CHANGES,
    WAN_FAILURES,
    WAN_REFUSALS,
    WAN_SEEN,
    Counts,
)
from splitdns.value import value

if TYPE_CHECKING:
    from splitdns.daemon.wan.interfaces import Notices
    from splitdns.daemon.wan.portmap import Announcements

log = logging.getLogger("splitdns.wan")

LOOK_S = 30.0  # between two looks at what tells its changes by itself, lest one got lost
FIRST_RETRY_S = 1.0  # after a failure; doubled with each more, up to the source's own interval
NONCE_OCTETS = 12  # of PCP (RFC 6887 11.1)
SETTLE_S = 0.1  # for notices that come together; nobody makes us ask more often

Clock = Callable[[], float]
Asking = Callable[[Source, int, Path, bytes, Callable[[], None]], Awaitable[Address]]
Resting = Callable[[asyncio.Event, float], Awaitable[None]]


async def rest(hint: asyncio.Event, pause_s: float) -> None:
    """Until there is a ``hint`` that the address may be another, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(pause_s):
            await hint.wait()
            await asyncio.sleep(SETTLE_S)


@value(frozen=True, slots=True)
class Held:
    """What is known of one family: ``address`` was seen last at ``seen_s`` (Unix time).

    ``refused`` says why the newest address is of no use, ``failing`` why there was none; "" where neither.
    """

    address: Address | None = None
    seen_s: float = 0.0
    refused: str = ""
    failing: str = ""


class Keeper:
    """The public addresses of one server, whose configuration is at ``config``."""

    def __init__(
        self, config: Path | None, clock: Clock = time.time, asking: Asking = ask, resting: Resting = rest
    ) -> None:
        self._ask, self._rest = asking, resting
        self._config = config
        self._base = config.parent if config is not None else Path()
        self._clock = clock
        self._nonce = os.urandom(NONCE_OCTETS)
        self._held: dict[int, Held] = {}
        self._sources: dict[int, Source] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}

    def start(
        self,
        group: asyncio.TaskGroup,
        loaded: Loaded,
        counts: Counts,
        changed: Callable[[], object],
        in_child: Callable[[], None],
    ) -> None:
        """Ask the sources in ``group``, and call ``changed`` when what ``loaded`` says is no longer right.

        ``in_child`` closes what is only the supervisor's, in a child that asks.
        """
        self._group, self._counts, self._changed, self._in_child = group, counts, changed, in_child
        self.follow(loaded)

    # What is known

    def known(self, settings: Settings, _: Path) -> Mapping[int, Value]:
        """What each of the settings' sources stands for, now; also called where a generation is built."""
        found: dict[int, Value] = {}
        for family, source in settings.wan.sources.items():
            is_followed = self._sources.get(family) == source
            held = self._held[family] if is_followed else self._first(family, source, settings)
            found[family] = self._value(source, held, settings.wan.max_age)
        return found

    def _first(self, family: int, source: Source, settings: Settings) -> Held:
        """What is held of a source that nobody has asked yet: what is at hand, else what stood before."""
        held = self._held.get(family, Held())
        try:
            address = look(source, family, self._base)
        except (WanError, OSError) as error:
            return replace(held, failing=str(error))
        if address is not None:
            return _seen(address, self._clock())
        path = state.place(settings, self._config)
        learnt = state.read(path).get(family) if path is not None and held.address is None else None
        if learnt is None or learnt.value.address is None or learnt.source != str(source):
            return held
        return _seen(learnt.value.address, learnt.seen_s)

    def _value(self, source: Source, held: Held, max_age_s: float) -> Value:
        if isinstance(source, Static):
            return Value(source.address)
        if held.refused:
            return Value(None, held.refused, is_refused=True)
        if held.address is not None and self._clock() - held.seen_s <= max_age_s:
            return Value(held.address)
        return Value(None, held.failing or f"{source} has not answered yet")

    @property
    def is_current(self) -> bool:
        """Whether the generation that answers has what is known."""
        return all(
            self._value(source, self._held[family], self._max_age_s).address
            == self._used.get(family, Value(None)).address
            for family, source in self._sources.items()
        )

    # Following

    def follow(self, loaded: Loaded) -> None:
        """Ask the sources of ``loaded``, the generation that answers from now on."""
        self._used, self._max_age_s = loaded.wan, loaded.settings.wan.max_age
        self._state = state.place(loaded.settings, self._config)
        wanted = loaded.settings.wan.sources
        for family in [one for one, source in self._sources.items() if wanted.get(one) != source]:
            del self._sources[family]
            if (task := self._tasks.pop(family, None)) is not None:
                task.cancel()
        for family, source in wanted.items():
            if family in self._sources:
                continue
            self._sources[family] = source
            held, value = self._first(family, source, loaded.settings), loaded.wan[family]
            if value.address is not None and held.address is None and not held.refused:  # it went just now
                held = replace(held, address=value.address, seen_s=self._clock())
            self._held[family] = held
            if not isinstance(source, Static):
                self._tasks[family] = self._group.create_task(self._keep(family, source))
        self._tell()

    def close(self) -> None:
        """Ask nobody any more."""
        for task in self._tasks.values():
            task.cancel()
        self._tasks.clear()

    async def _keep(self, family: int, source: Source) -> None:
        every_s = getattr(source, "every_s", LOOK_S)
        retry_s = FIRST_RETRY_S
        hint = asyncio.Event()
        with _hints(source, self._base, hint, self._clock()):
            while True:
                hint.clear()
                try:
                    address = await self._ask(source, family, self._base, self._nonce, self._in_child)
                except (WanError, OSError) as error:
                    self._failed(family, source, str(error))
                    pause_s, retry_s = min(retry_s, every_s), min(2 * retry_s, every_s)
                else:
                    self._answered(family, source, address)
                    pause_s, retry_s = every_s, FIRST_RETRY_S
                await self._rest(hint, pause_s)

    def _answered(self, family: int, source: Source, address: Address) -> None:
        former, new = self._held[family], _seen(address, self._clock())
        self._held[family] = new
        fields = {"family": family, "source": str(source)}
        if new.refused:
            if new.refused != former.refused:
                self._counts.add(WAN_REFUSALS, str(family))
                log.error("wan.refused", extra={**fields, "reason": new.refused})
        elif former.failing and former.address == address:
            log.info("wan.back", extra={**fields, "address": str(address)})
        if new.address is not None and new.address != former.address:
            self._counts.add(WAN_CHANGES, str(family))
            was = {"former": str(former.address)} if former.address is not None else {}
            log.info("wan.changed", extra={**fields, "address": str(address), **was})
        self._tell()

    def _failed(self, family: int, source: Source, reason: str) -> None:
        self._counts.add(WAN_FAILURES, str(family))
        former = self._held[family]
        if former.failing != reason:
            fields = {"family": family, "source": str(source), "reason": reason}
            kept = {"kept": str(former.address)} if former.address is not None else {}
            log.warning("wan.failed", extra=fields | kept)
        self._held[family] = replace(former, failing=reason)
        self._tell()

    def _tell(self) -> None:
        """What is known now, to all whom it concerns: the metrics, the commands, the next generation."""
        self._counts.forget(WAN_ADDRESS)
        self._counts.forget(WAN_SEEN)
        learnt: dict[int, state.Learnt] = {}
        for family, source in self._sources.items():
            held = self._held[family]
            value = self._value(source, held, self._max_age_s)
            if value.address is not None:
                self._counts.set(WAN_ADDRESS, 1, str(family), str(value.address), str(source))
            if held.seen_s and not isinstance(source, Static):
                self._counts.set(WAN_SEEN, held.seen_s, str(family))
            learnt[family] = state.Learnt(str(source), value, held.seen_s)
        if self._state is not None and self._tasks:
            try:
                state.write(self._state, learnt)
            except OSError as error:
                log.debug("wan.state_failed", extra={"path": str(self._state), "reason": str(error)})
        if not self.is_current:
            self._changed()


def _seen(address: Address, now_s: float) -> Held:
    why = refusal(address)
    return Held(None, now_s, refused=why) if why else Held(address, now_s)


@contextmanager
def _hints(source: Source, base: Path, hint: asyncio.Event, since_s: float) -> Iterator[None]:
    """Set ``hint`` whenever ``source`` may have another address."""
    loop = asyncio.get_running_loop()
    if isinstance(source, OfFile):
        from splitdns.watch import Watcher

        watcher = Watcher(partial(loop.call_soon_threadsafe, hint.set))
        watcher.look_at([base / source.path], since_s)
        try:
            yield
        finally:
            watcher.close()
        return
    try:
        notices = _notices(source)
    except OSError as error:  # then only the interval is left
        log.warning("wan.unwatched", extra={"source": str(source), "reason": str(error)})
        notices = None
    if notices is None:
        yield
        return

    def noticed() -> None:
        notices.drain()
        hint.set()

    loop.add_reader(notices, noticed)
    try:
        yield
    finally:
        loop.remove_reader(notices)
        notices.close()


def _notices(source: Source) -> Notices | Announcements | None:
    if isinstance(source, OfInterface):
        from splitdns.daemon.wan.interfaces import Notices

        return Notices()
    if isinstance(source, OfPcp):
        from splitdns.daemon.wan.portmap import Announcements

        return Announcements()
    return None

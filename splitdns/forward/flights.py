"""Questions on their way: each once, so many at a time, and the oldest makes room (RFC 5452 5).

Identical questions share one flight: one query leaves, and all who asked are answered. A flight belongs to
nobody who asked, so a client that goes away takes nobody's answer with it. Under a flood the oldest goes
first: it has had its time, and whoever asked it asks anew, while the newest may still be answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from dataclasses import dataclass, field

from splitdns.errors import UpstreamError
from splitdns.forward.cache import Key
from splitdns.forward.upstreams import Outcome
from splitdns.metrics import FORWARD_COALESCED, FORWARD_DROPS, FORWARD_REJECTS, Counts
from splitdns.names import Qname

# Questions on their way at once, each with a descriptor of its own; beyond: the oldest is dropped ("all").
MAX_FLIGHTS = 8_000
# Questions that one client waits for; beyond: its oldest is dropped, and not asked on if nobody else waits
# for it ("client"). A client may be a whole network behind another forwarder.
MAX_WAITS_PER_CLIENT = 1_000
# Flights with the same name, in whatever view, type and upstream set; beyond: no more are begun ("name").
# Each would be one more chance for a forged answer.
MAX_FLIGHTS_PER_NAME = 32

STOPPING = "the server is stopping"


class DroppedError(UpstreamError):
    """The question was not asked, or not to its end: there are too many."""


@dataclass(slots=True, eq=False)
class Flight:
    """A question that is being asked since ``started_s``; ``waits`` are those of who wants to know."""

    key: Key
    task: asyncio.Task[Outcome]
    started_s: float
    waits: set[_Wait] = field(default_factory=set)

    @property
    def waiting(self) -> int:
        return len(self.waits)


_Wait = asyncio.Future[bool]  # True: it made room for others
_Waits = dict[_Wait, Flight]  # the oldest first


class Flights:
    """All that is on its way in one worker; ``fly`` asks, and ends with a value."""

    def __init__(
        self,
        counts: Counts,
        fly: Callable[[Key], Coroutine[None, None, Outcome]],
        clock: Callable[[], float],
        max_flights: int = MAX_FLIGHTS,
        max_waits_per_client: int = MAX_WAITS_PER_CLIENT,
    ) -> None:
        self._counts = counts
        self._fly = fly
        self._clock = clock
        self._max_flights = max_flights
        self._max_waits = max_waits_per_client
        self._flights: dict[Key, Flight] = {}  # the oldest first
        self._names: dict[Qname, int] = {}  # how many of each
        self._clients: dict[Hashable, _Waits] = {}
        self._closed = False

    def __len__(self) -> int:
        return len(self._flights)

    def begin(self, key: Key) -> Flight:
        """The flight of ``key``, which may be on its way already.

        Raises:
            DroppedError: there is none, and there shall be no more.
        """
        if (flight := self._flights.get(key)) is not None:
            return flight
        if self._closed:
            raise DroppedError(STOPPING)
        if self._names.get(key.name, 0) >= MAX_FLIGHTS_PER_NAME:
            self._dropped("name")
            raise DroppedError("too many questions about this name are on their way")
        if len(self._flights) >= self._max_flights:
            self._dropped("all")
            self._cancel(next(iter(self._flights.values())))
        flight = Flight(key, asyncio.create_task(self._fly(key)), self._clock())
        self._flights[key] = flight
        self._names[key.name] = self._names.get(key.name, 0) + 1
        flight.task.add_done_callback(lambda _: self._end(flight))
        return flight

    async def wait(self, flight: Flight, client: Hashable, until_s: float | None = None) -> Outcome | None:
        """The outcome of ``flight``, for ``client``; None: not until ``until_s``, and it goes on.

        Raises:
            DroppedError: it made room for others, or the server is stopping.
        """
        if flight.waits:
            self._counts.add(FORWARD_COALESCED)
        loop = asyncio.get_running_loop()
        wait: _Wait = loop.create_future()  # rather than asyncio.wait, which costs more than the rest of this
        waits = self._clients.setdefault(client, {})
        if len(waits) >= self._max_waits:
            self._drop_oldest_of(waits)
        waits[wait] = flight
        flight.waits.add(wait)
        timer = None
        if until_s is not None:
            timer = loop.call_later(max(until_s - self._clock(), 0), _end_wait, wait)
        try:
            dropped = not flight.task.done() and await wait
        finally:
            if timer is not None:
                timer.cancel()
            flight.waits.discard(wait)
            waits.pop(wait, None)
            if not waits and self._clients.get(client) is waits:
                del self._clients[client]
        if flight.task.done() and not flight.task.cancelled():
            return flight.task.result()
        if dropped or flight.task.done():
            raise DroppedError(STOPPING if self._closed else "too many questions are on their way")
        return None

    async def close(self, grace_s: float) -> None:
        """Begin no more; what is on its way ends by itself within ``grace_s``, or is cut off."""
        self._closed = True
        tasks = [flight.task for flight in self._flights.values()]
        if not tasks:
            return
        _, late = await asyncio.wait(tasks, timeout=grace_s)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)

    def _drop_oldest_of(self, waits: _Waits) -> None:
        self._dropped("client")
        wait = next(iter(waits))
        flight = waits.pop(wait)
        _end_wait(wait, dropped=True)
        if flight.waiting == 1:
            self._cancel(flight)

    def _cancel(self, flight: Flight) -> None:
        self._land(flight)
        flight.task.cancel()

    def _end(self, flight: Flight) -> None:
        self._land(flight)
        for wait in flight.waits:
            _end_wait(wait)

    def _land(self, flight: Flight) -> None:
        if self._flights.get(flight.key) is not flight:
            return
        del self._flights[flight.key]
        self._names[flight.key.name] -= 1
        if not self._names[flight.key.name]:
            del self._names[flight.key.name]

    def _dropped(self, reason: str) -> None:
        self._counts.add(FORWARD_DROPS, reason)
        self._counts.add(FORWARD_REJECTS)


def _end_wait(wait: _Wait, dropped: bool = False) -> None:
    if not wait.done():
        wait.set_result(dropped)

"""Questions on their way: each once, so many at a time, and the oldest makes room (RFC 5452 5).

Identical questions share one flight: one query leaves, and all who asked are answered. A flight belongs to
nobody who asked, so a client that goes away takes nobody's answer with it. Under a flood the oldest goes
first: it has had its time, and whoever asked it asks anew, while the newest may still be answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from functools import partial
from typing import Protocol

from splitdns.errors import UpstreamError
from splitdns.forward.asking import Done, Outcome
from splitdns.forward.cache import Key
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
TOO_MANY = "too many questions are on their way"

Waiter = Callable[[Outcome | Exception | None], None]


class DroppedError(UpstreamError):
    """The question was not asked, or not to its end: there are too many."""


class Flying(Protocol):
    """What is on its way, and ends with a call; not any more after ``cancel``."""

    def cancel(self) -> object: ...


class Asker(Protocol):
    """Who wants to know what a flight comes to, as ``Wait``."""

    @property
    def flight(self) -> Flight: ...
    @property
    def client(self) -> Hashable: ...
    @property
    def timer(self) -> asyncio.TimerHandle | None: ...
    @property
    def done(self) -> Waiter: ...


class Flight:
    """A question that is being asked since ``started_s``; ``waits`` are those of who wants to know.

    ``ended`` is called when it has landed, however that came.
    """

    __slots__ = ("ended", "flying", "key", "started_s", "waits")

    def __init__(self, key: Key, started_s: float) -> None:
        self.key = key
        self.started_s = started_s
        self.flying: Flying | None = None
        self.waits: dict[Asker, None] = {}
        self.ended: Callable[[], None] | None = None


class Wait:
    """Somebody wants to know what a flight comes to: ``done`` gets it, once.

    It gets None where the wait was for so long only, and DroppedError where it made room for others.
    """

    __slots__ = ("client", "done", "flight", "timer")

    def __init__(self, flight: Flight, client: Hashable, done: Waiter) -> None:
        self.flight = flight
        self.client = client
        self.done = done
        self.timer: asyncio.TimerHandle | None = None


class Flights:
    """All that is on its way in one worker; ``fly`` asks, and calls back with the outcome, later."""

    def __init__(
        self,
        counts: Counts,
        fly: Callable[[Key, Done], Flying],
        clock: Callable[[], float],
        max_flights: int = MAX_FLIGHTS,
        max_waits_per_client: int = MAX_WAITS_PER_CLIENT,
    ) -> None:
        self._counts = counts
        self.fly = fly
        self.clock = clock
        self.max_flights = max_flights
        self.max_waits = max_waits_per_client
        self.flights: dict[Key, Flight] = {}  # the oldest first
        self.names: dict[Qname, int] = {}  # how many of each
        self.clients: dict[Hashable, dict[Asker, None]] = {}  # the oldest first
        self.closed = False
        self.empty: asyncio.Future[None] | None = None

    def __len__(self) -> int:
        return len(self.flights)

    def begin(self, key: Key) -> Flight:
        """The flight of ``key``, which may be on its way already.

        Raises:
            DroppedError: there is none, and there shall be no more.
        """
        if (flight := self.flights.get(key)) is not None:
            return flight
        if self.closed:
            raise DroppedError(STOPPING)
        if self.names.get(key.name, 0) >= MAX_FLIGHTS_PER_NAME:
            self._dropped("name")
            raise DroppedError("too many questions about this name are on their way")
        if len(self.flights) >= self.max_flights:
            self._dropped("all")
            self._cancel(next(iter(self.flights.values())))
        flight = Flight(key, self.clock())
        self.flights[key] = flight
        self.names[key.name] = self.names.get(key.name, 0) + 1
        try:
            flight.flying = self.fly(key, partial(self.landed, flight))
        except BaseException:
            self.land(flight)
            raise
        return flight

    def wait(self, flight: Flight, client: Hashable, until_s: float | None, done: Waiter) -> None:
        """Tell ``done`` what the flight, which is on its way, comes to; None: not until ``until_s``."""
        if flight.waits:
            self._counts.add(FORWARD_COALESCED)
        waits = self.clients.get(client)
        if waits is None:
            waits = self.clients[client] = {}
        wait = Wait(flight, client, done)
        if until_s is not None:
            loop = asyncio.get_running_loop()
            wait.timer = loop.call_later(max(until_s - self.clock(), 0), self.end, wait, None)
        waits[wait] = flight.waits[wait] = None
        if len(waits) > self.max_waits:  # not before: the oldest may be the last that waits for this flight
            self.drop_oldest_of(waits)

    async def close(self, grace_s: float) -> None:
        """Begin no more; what is on its way ends by itself within ``grace_s``, or is cut off."""
        self.closed = True
        if self.flights:
            self.empty = asyncio.get_running_loop().create_future()
            await asyncio.wait((self.empty,), timeout=grace_s)
        for flight in tuple(self.flights.values()):
            self._cancel(flight)
        await asyncio.sleep(0)  # for those who are told

    def drop_oldest_of(self, waits: dict[Asker, None]) -> None:
        self._dropped("client")
        wait = next(iter(waits))
        self._drop(wait)
        if not wait.flight.waits:
            self._cancel(wait.flight)

    def _cancel(self, flight: Flight) -> None:
        self.land(flight)
        if flight.flying is not None:
            flight.flying.cancel()
        for wait in tuple(flight.waits):
            self._drop(wait)

    def _drop(self, wait: Asker) -> None:
        """Later, for who is told may ask for more, and room is being made right now."""
        self._forget(wait)
        reason = STOPPING if self.closed else TOO_MANY
        asyncio.get_running_loop().call_soon(wait.done, DroppedError(reason))

    def landed(self, flight: Flight, outcome: Outcome | Exception) -> None:
        self.land(flight)
        for wait in tuple(flight.waits):
            self.end(wait, outcome)

    def end(self, wait: Asker, outcome: Outcome | Exception | None) -> None:
        self._forget(wait)
        wait.done(outcome)

    def _forget(self, wait: Asker) -> None:
        if wait.timer is not None:
            wait.timer.cancel()
        del wait.flight.waits[wait]
        waits = self.clients[wait.client]
        del waits[wait]
        if not waits:
            del self.clients[wait.client]

    def land(self, flight: Flight) -> None:
        key = flight.key
        if self.flights.get(key) is not flight:
            return
        del self.flights[key]
        self.names[key.name] -= 1
        if not self.names[key.name]:
            del self.names[key.name]
        if flight.ended is not None:
            flight.ended()
        if self.empty is not None and not self.flights and not self.empty.done():
            self.empty.set_result(None)

    def _dropped(self, reason: str) -> None:
        self._counts.add(FORWARD_DROPS, reason)
        self._counts.add(FORWARD_REJECTS)

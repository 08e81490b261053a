"""The loop over a batch: who asks, are these octets known, may they be answered, and out.

The one piece of the server that is there twice: here, and compiled (``native/``) at a tenth of the cost. What
is not known is handed to ``usual``, one datagram after the other in the order in which they came: so answers,
limits and counts do not depend on which of the two runs. The compiled one also answers directly
(``answer/direct``); here, that is one of the ways that ``usual`` has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple, Protocol

from splitdns.serve.batch import DATAGRAMS, Batch
from splitdns.view import View


class Limit(Protocol):
    """``limits.Buckets``, or the compiled one on the same numbers."""

    def take(self, slot: int, now_s: float, /) -> bool: ...


class Tag(Protocol):
    """What the hits of an answer are counted by; ``rest`` is the answer."""

    def count(self, hits: int, rest: bytes, /) -> None: ...


class Way:
    """What durations are counted by: one zone as one view sees it."""

    __slots__ = ("_slots", "_total", "turn")

    def __init__(self, bounds: int) -> None:
        self._slots = [0] * (bounds + 1)
        self._total = 0.0
        self.turn = 0  # how many of the batch

    def count(self, slot: int, duration_s: float) -> None:
        """Everybody of a batch waited for all of it."""
        self._slots[slot] += self.turn
        self._total += self.turn * duration_s
        self.turn = 0

    def drain(self) -> tuple[list[int], float]:
        """The observations by bucket and their sum, since the last time."""
        drained = self._slots, self._total
        self._slots, self._total = [0] * len(self._slots), 0.0
        return drained


class Ready:
    """An answer to certain octets: all of it but the id. It is good before ``until_s``."""

    __slots__ = ("hits", "rest", "tag", "until_s", "way")

    def __init__(self, rest: bytes, way: Way, until_s: float, tag: Tag) -> None:
        self.rest = rest
        self.way = way
        self.until_s = until_s
        self.tag = tag
        self.hits = 0

    def settle(self) -> None:
        """Have the hits counted, since the last time."""
        if hits := self.hits:
            self.hits = 0
            self.tag.count(hits, self.rest)


Known = dict[bytes, Ready]


class Client(NamedTuple):
    """What is to be known of a client; ``known`` is its view's, ``bucket`` the number for its limit.

    ``view`` is None where all goes the usual way. ``direct`` gives direct answers, if that is compiled.
    """

    host: str
    view: View | None
    known: Known
    limit: Limit | None
    bucket: int
    direct: object


Clients = dict[bytes, Client]  # by packed address
Usual = Callable[[int, int, float], Ready | bytes | None]

# Direct answers that are counted alike: the zone's label and the view, type, DO, rcode, octets of the query
# and of the answer, and how many.
Tally = tuple[tuple[str, str], int, bool, int, int, int, int]


class Loop:
    """One socket's. ``usual`` answers a datagram by number, octets and time; None: not now, or not at all.

    What it gives ready is allowed, and is counted here.
    """

    def __init__(self, batch: Batch, clients: Clients, usual: Usual, bounds: tuple[float, ...]) -> None:
        """``bounds`` are those of the durations that are counted."""
        self.unsent = 0  # answers that could not be sent
        self.tallied = 0  # tallies that have to be drained: no direct answers are given here
        self._batch = batch
        self._clients = clients
        self._usual = usual
        self._bounds = bounds

    def turn(self, clock: Callable[[], float]) -> bool:
        """Answer what has come, batch by batch, until 64 are done or one has no answer now; was that all?

        Raises:
            OSError: an error of the socket, and nothing to receive.
        """
        total = 0
        while total < DATAGRAMS:
            try:
                lengths = self._batch.receive()
            except BlockingIOError:
                return True
            started_s, ways = clock(), list[Way]()
            try:
                unanswered = self._answer(lengths, started_s, ways)
            finally:
                if ways:
                    self._count(ways, clock() - started_s)
            self.unsent += self._batch.send(len(lengths), unanswered)
            if unanswered:
                break
            total += len(lengths)
        return False

    def drain(self) -> list[Tally]:
        """The direct answers since the last time."""
        return []

    def _answer(self, lengths: list[int], now_s: float, ways: list[Way]) -> list[int]:
        """Write the answers into their slots; which of them have none now."""
        batch, clients, usual = self._batch, self._clients, self._usual
        memory, sizes = batch.memory, batch.sizes
        unanswered: list[int] = []
        for (number, begin, body, host_at, size_at), octets in zip(batch.slots, lengths, strict=False):
            answer: Ready | bytes | None = None
            client = clients.get(memory[host_at])
            if client is not None:
                _, _, known, limit, bucket, _ = client
                ready = known.get(memory[body : begin + octets])
                if (
                    ready is not None
                    and ready.until_s > now_s
                    and (limit is None or limit.take(bucket, now_s))
                ):
                    answer = ready
            if answer is None:
                answer = usual(number, octets, now_s)
            if isinstance(answer, Ready):
                rest = answer.rest
                sizes[size_at] = size = 2 + len(rest)
                memory[body : begin + size] = rest
                answer.hits += 1
                way = answer.way
                if not way.turn:
                    ways.append(way)
                way.turn += 1
            elif answer is None:
                unanswered.append(number)
            else:
                sizes[size_at] = size = len(answer)
                assert size <= batch.octets  # the next slot is another client's
                memory[begin : begin + size] = answer
        return unanswered

    def _count(self, ways: list[Way], duration_s: float) -> None:
        slot = bisect_left(self._bounds, duration_s)
        for way in ways:
            way.count(slot, duration_s)

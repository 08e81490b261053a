"""The loop over a batch: who asks, are these octets known, may they be answered, and out.

The one piece of ``serve`` that is there twice: here, and compiled (``native/``) at a tenth of the cost. What
is not known is handed to ``usual``, one datagram after the other in the order in which they came: so answers,
limits and counts do not depend on which of the two runs. The compiled one also answers directly
(``answer/direct``); here, that is one of the ways that ``usual`` has.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple, Protocol

from splitdns.answer.limits import Buckets
from splitdns.serve.batch import DATAGRAMS, Batch, Origin
from splitdns.view import View


class Limit(Protocol):
    """``limits.Buckets``, or the compiled one on the same numbers."""

    def take(self, slot: int, now_s: float, /) -> bool: ...


class Tag(Protocol):
    """What the hits of an answer are counted by."""

    def count(self, hits: int, /) -> None: ...


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
            self.tag.count(hits)


Known = dict[bytes, Ready]
_NOTHING: Known = {}


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
            lengths = self._batch.receive()
            if not lengths:
                return True
            started_s, ways = clock(), list[Way]()
            answered_s = 0.0
            try:
                if len(lengths) == 1:
                    sizes = [self._answer_one(lengths[0], started_s, ways)]
                else:
                    sizes = self._answer(lengths, started_s, ways)
                answered_s = clock()
                self.unsent += self._batch.send(sizes)
            finally:
                if ways:  # nobody waits for this any more
                    self._count(ways, (answered_s or clock()) - started_s)
            if not all(sizes):
                break
            total += len(lengths)
        return False

    def origin(self, number: int) -> Origin:
        """Where a datagram of the batch came from."""
        return self._batch.origin(number)

    def drain(self) -> list[Tally]:
        """The direct answers since the last time."""
        return []

    def _answer(self, lengths: list[int], now_s: float, ways: list[Way]) -> list[int]:
        """Write the answers into their slots; how long they are, 0 where there is none now.

        Who asks much has several queries one behind the other. Such a client is looked up once, and where its
        limit is far, its answers are counted together.
        """
        batch, clients, usual = self._batch, self._clients, self._usual
        memory = batch.memory
        sizes: list[int] = []
        of: bytes | None = None  # whose queries these are
        known, limit, bucket = _NOTHING, None, 0
        again = free = True  # there were two of them; nobody need look at the limit
        taken = 0  # answers that are not counted in it yet
        for spans, host, octets in zip(batch.spans, batch.hosts(len(lengths)), lengths, strict=False):
            if host != of:
                if taken:
                    taken = _charge(limit, bucket, taken, now_s)
                of, client = host, clients.get(host)
                if client is None:
                    known, limit = _NOTHING, None
                else:
                    _, _, known, limit, bucket, _ = client
                free = again = limit is None
            elif not again:
                again = True
                free = isinstance(limit, Buckets) and limit.has_room(bucket, DATAGRAMS, now_s)
            ready = known.get(memory[spans[octets]])
            if (
                ready is not None
                and ready.until_s > now_s
                and (free or limit is None or limit.take(bucket, now_s))
            ):
                if free:
                    taken += 1
            else:
                if taken:
                    taken = _charge(limit, bucket, taken, now_s)
                number = len(sizes)
                answer = usual(number, octets, now_s)
                if not isinstance(answer, Ready):
                    sizes.append(0 if answer is None else self._write(number, answer))
                    continue
                ready = answer
            rest = ready.rest
            size = 2 + len(rest)
            sizes.append(size)
            memory[spans[size]] = rest
            ready.hits += 1
            way = ready.way
            if not way.turn:
                ways.append(way)
            way.turn += 1
        if taken:
            _charge(limit, bucket, taken, now_s)
        return sizes

    def _answer_one(self, octets: int, now_s: float, ways: list[Way]) -> int:
        """The same for a datagram that came alone, and without all that is for the sake of others."""
        batch = self._batch
        memory, spans = batch.memory, batch.spans[0]
        client = self._clients.get(batch.hosts(1)[0])
        ready: Ready | None = None
        if client is not None:
            _, _, known, limit, bucket, _ = client
            ready = known.get(memory[spans[octets]])
            if ready is not None and (
                ready.until_s <= now_s or (limit is not None and not limit.take(bucket, now_s))
            ):
                ready = None
        if ready is None:
            answer = self._usual(0, octets, now_s)
            if not isinstance(answer, Ready):
                return 0 if answer is None else self._write(0, answer)
            ready = answer
        rest = ready.rest
        size = 2 + len(rest)
        memory[spans[size]] = rest
        ready.hits += 1
        ready.way.turn += 1
        ways.append(ready.way)
        return size

    def _write(self, number: int, answer: bytes) -> int:
        """Write an answer over its query; its octets."""
        size, begin = len(answer), self._batch.slots[number].begin
        assert size <= self._batch.octets  # the next slot is another client's
        self._batch.memory[begin : begin + size] = answer
        return size

    def _count(self, ways: list[Way], duration_s: float) -> None:
        slot = bisect_left(self._bounds, duration_s)
        for way in ways:
            way.count(slot, duration_s)


def _charge(limit: Limit | None, bucket: int, times: int, now_s: float) -> int:
    """Count so many answers in their limit, for which there is room; how many are left to count."""
    if isinstance(limit, Buckets):
        limit.charge(bucket, times, now_s)
    return 0

"""What one listener's connections know by heart: octets that were answered before, and their answers.

The same as ``hot`` does for datagrams: a question that comes often comes with the same octets, but for its
id, and by them alone its answer is found. Octets are learnt when they come the second time, by the view's own
key from the view's own memory. So nothing can be answered here that would be answered otherwise there.

All of it belongs to one socket and one snapshot, and is forgotten with it. The limits are asked for each
query. Hits are counted in the entry itself, and added up before anybody reads the counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable

from splitdns.answer import cache
from splitdns.answer.limits import Buckets
from splitdns.metrics import DURATION_BUCKETS_S, Histogram
from splitdns.serve.pipeline import Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Match, View
from splitdns.wire import scan
from splitdns.wire.message import Transport

MAX_READY = 16_384  # answers of one socket; beyond: forgotten all at once, and learnt anew
MAX_QUERY_OCTETS = 300  # more than a plain query can have (12 + 255 + 4 + 11)

Admits = Callable[[str, float], bool]


class Way:
    """What durations are counted by: one zone as one view sees it."""

    __slots__ = ("durations", "turn")

    def __init__(self, durations: Histogram) -> None:
        self.durations = durations
        self.turn = 0  # how many of the batch


class Ready:
    """An answer to certain octets: all of it but the id; ``head`` is its length as it goes before it."""

    __slots__ = (
        "do",
        "head",
        "hits",
        "plugin",
        "qtype",
        "query_octets",
        "rest",
        "size",
        "view",
        "way",
        "zone",
    )

    def __init__(
        self,
        rest: bytes,
        query_octets: int,
        way: Way,
        zone: str,
        view: str,
        plugin: str,
        qtype: int,
        do: bool,
    ) -> None:
        self.rest = rest
        self.size = 2 + len(rest)
        self.head = self.size.to_bytes(2, "big")
        self.query_octets = query_octets
        self.way = way
        self.zone, self.view, self.plugin, self.qtype, self.do = zone, view, plugin, qtype, do
        self.hits = 0


Answers = dict[bytes, Ready]
Client = tuple[Match | None, Answers, Admits | None]


class Known:
    """The answers that one listener knows."""

    def __init__(self, pipeline: Pipeline, server: str, family: int) -> None:
        """``server`` and ``family`` are the listener's name and its clients' family among the metrics."""
        self._pipeline = pipeline
        self._server = server
        self._family = family
        self._of: tuple[Snapshot | None, object, Buckets | None, bool] = (None, None, None, False)
        self._clients: dict[str, Client] = {}
        self._views: dict[View, Answers] = {}
        self._ways: dict[tuple[str, str], Way] = {}
        self._once: set[int] = set()  # hashes of octets that came once
        self._ready = 0

    def client(self, host: str) -> Client:
        """A client's view, what is known for it, and who admits its queries (None: nobody need be asked)."""
        pipeline = self._pipeline
        snapshot, limiter = pipeline.snapshot, pipeline.gate.limiter
        of_snapshot, of_hosts, of_limits, of_logged = self._of
        if (
            snapshot is not of_snapshot
            or snapshot.table.era is not of_hosts
            or limiter.queries is not of_limits
            or (pipeline.query_log is not None) is not of_logged
        ):
            self._turn_to(snapshot)
        try:
            return self._clients[host]
        except KeyError:
            return self._meet(host)

    def _turn_to(self, snapshot: Snapshot) -> None:
        """Forget what is another snapshot's, and the clients where limits or the view table forgot them."""
        if snapshot is not self._of[0]:
            self._forget()
            self._views.clear()
            self._ways.clear()
        self._clients.clear()
        logged = self._pipeline.query_log is not None
        self._of = (snapshot, snapshot.table.era, self._pipeline.gate.limiter.queries, logged)

    def _meet(self, host: str) -> Client:
        """Look a client up; whoever logs queries is told of each by the pipeline."""
        pipeline = self._pipeline
        match = pipeline.snapshot.match(host)
        if match is None or pipeline.query_log is not None:
            client: Client = (None, {}, None)
        else:
            queries = pipeline.gate.limiter.queries
            limited = match.view.recursion and queries.limits(host)
            client = (match, self._views.setdefault(match.view, {}), queries.admits if limited else None)
        self._clients[host] = client
        return client

    def learn(self, wire: bytes, asked: bytes, match: Match, answers: Answers) -> Ready | None:
        """The remembered answer to octets that came before; None: it was the first time, or there is none."""
        once = self._once
        if hash(asked) not in once:
            if len(once) >= MAX_READY:
                once.clear()
            once.add(hash(asked))
            return None
        view = match.view
        key = scan.key(wire, Transport.TCP, self._pipeline.snapshot.manners.payload_octets)
        if key is None or (found := cache.get(view.answers, key)) is None:
            return None
        if self._ready >= MAX_READY:
            self._forget()
        self._ready += 1
        end = scan.name_end(key)
        ready = answers[asked] = Ready(
            scan.patch(found.encoded, wire, key)[2:],
            len(wire),
            self._way(found.zone, view.name),
            found.zone,
            view.name,
            found.plugin,
            wire[end] << 8 | wire[end + 1],
            scan.do(key),
        )
        return ready

    def _way(self, zone: str, view: str) -> Way:
        way = self._ways.get((zone, view))
        if way is None:
            durations = self._pipeline.counts.durations(self._server, zone, view, Transport.TCP)
            way = self._ways[zone, view] = Way(durations)
        return way

    def count_durations(self, ways: list[Way], duration_s: float) -> None:
        """Everybody of a batch waited for all of it."""
        slot = bisect_left(DURATION_BUCKETS_S, duration_s)
        for way in ways:
            way.durations.slots[slot] += way.turn
            way.durations.total += way.turn * duration_s
            way.turn = 0

    def settle(self) -> None:
        """Add up what was counted here, into the pipeline's counts."""
        repeated = self._pipeline.counts.repeated
        for answers in self._views.values():
            for ready in answers.values():
                if ready.hits:
                    repeated(
                        ready.hits,
                        self._server,
                        ready.zone,
                        ready.view,
                        Transport.TCP,
                        self._family,
                        ready.qtype,
                        ready.do,
                        ready.rest[1] & 0xF,
                        ready.plugin,
                        ready.query_octets,
                        ready.size,
                    )
                    ready.hits = 0

    def _forget(self) -> None:
        self.settle()
        for answers in self._views.values():
            answers.clear()
        self._ready = 0

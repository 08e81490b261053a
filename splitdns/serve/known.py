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
from math import inf

from splitdns.answer import cache
from splitdns.answer.ageing import older
from splitdns.answer.limits import Buckets
from splitdns.metrics import DURATION_BUCKETS_S, Counts
from splitdns.serve.pipeline import ZONE, Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Ageing, Match, View
from splitdns.wire import scan
from splitdns.wire.message import Transport

MAX_READY = 16_384  # answers of one socket; beyond: forgotten all at once, and learnt anew
MAX_ANSWER_OCTETS = 1500  # longer ones cost more to send than to find; over TCP they could have 65,535
MAX_QUERY_OCTETS = 300  # more than a plain query can have (12 + 255 + 4 + 11)
_ID_OCTETS = 2  # of a message, before all else

Admits = Callable[[str, float], bool]


class Way:
    """What is counted alike: one zone as one view sees it, through one socket."""

    __slots__ = ("counts", "durations", "family", "server", "turn", "view", "zone")

    def __init__(self, counts: Counts, server: str, family: int, zone: str, view: str) -> None:
        self.counts = counts
        self.durations = counts.durations(server, zone, view, Transport.TCP)
        self.server, self.family, self.zone, self.view = server, family, zone, view
        self.turn = 0  # how many of the batch


class Ready:
    """An answer to certain octets: all of it but the id, and until when it holds.

    ``head`` is its length as it goes before it.
    """

    __slots__ = (
        "ageing",
        "do",
        "head",
        "hits",
        "plugin",
        "qtype",
        "query_octets",
        "rest",
        "size",
        "until_s",
        "way",
    )

    def __init__(
        self,
        rest: bytes,
        query_octets: int,
        way: Way,
        plugin: str,
        qtype: int,
        do: bool,
        until_s: float = inf,
        ageing: Ageing | None = None,
    ) -> None:
        self.rest = rest
        self.size = _ID_OCTETS + len(rest)
        self.head = self.size.to_bytes(2, "big")
        self.query_octets = query_octets
        self.way = way
        self.plugin, self.qtype, self.do = plugin, qtype, do
        self.until_s, self.ageing = until_s, ageing
        self.hits = 0

    def settle(self) -> None:
        """Add the hits up, where requests and where uses of what upstreams said are counted."""
        hits, way = self.hits, self.way
        if not hits:
            return
        self.hits = 0
        way.counts.repeated(
            hits,
            way.server,
            way.zone,
            way.view,
            Transport.TCP,
            way.family,
            self.qtype,
            self.do,
            self.rest[1] & 0xF,
            self.plugin,
            self.query_octets,
            self.size,
        )
        if self.ageing is not None:
            self.ageing.kept.count(hits)


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

    def learn(
        self, wire: bytes, asked: bytes, match: Match, answers: Answers, now_s: float
    ) -> Ready | None:
        """The remembered answer to octets that came before; None: it was the first time, or there is none."""
        once = self._once
        if hash(asked) not in once:
            if len(once) >= MAX_READY:
                once.clear()
            once.add(hash(asked))
            return None
        ready = self._made(wire, asked, match.view, now_s)
        if ready is None or ready.size > MAX_ANSWER_OCTETS:
            return None
        if self._ready >= MAX_READY:
            self._forget()
        self._ready += 1
        answers[asked] = ready
        if ready.ageing is not None:
            ready.ageing.kept.join(ready)
        return ready

    def _made(self, wire: bytes, asked: bytes, view: View, now_s: float) -> Ready | None:
        octets = len(wire)
        if (told := self._pipeline.direct(view).answer(asked, tcp=True)) is not None:
            way = self._way(told.ground.label, view.name)
            return Ready(told.rest, octets, way, ZONE, told.qtype, told.do)
        key = scan.key(wire, Transport.TCP, self._pipeline.snapshot.manners.payload_octets)
        if key is None or (found := cache.get(view.answers, key, now_s)) is None:
            return None
        rest = scan.patch(found.encoded, wire, key)[_ID_OCTETS:]
        end = scan.name_end(key)
        qtype = wire[end] << 8 | wire[end + 1]
        way = self._way(found.zone, view.name)
        return Ready(rest, octets, way, found.plugin, qtype, scan.do(key), found.until_s, found.ageing)

    def renew(self, ready: Ready, asked: bytes, answers: Answers, now_s: float) -> Ready | None:
        """The answer as old as it is now; None: what it was made of is over, or has to be looked after."""
        ageing = ready.ageing
        assert ageing is not None
        if (age := ageing.kept.age(now_s)) is None:
            ready.settle()
            ageing.kept.leave(ready)
            del answers[asked]
            self._ready -= 1
            return None
        age_s, ready.until_s = age
        ready.rest = older(ready.rest, ageing, age_s, missing=_ID_OCTETS)
        return ready

    def _way(self, zone: str, view: str) -> Way:
        way = self._ways.get((zone, view))
        if way is None:
            way = Way(self._pipeline.counts, self._server, self._family, zone, view)
            self._ways[zone, view] = way
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
        for answers in self._views.values():
            for ready in answers.values():
                ready.settle()

    def _forget(self) -> None:
        for answers in self._views.values():
            for ready in answers.values():
                ready.settle()
                if ready.ageing is not None:
                    ready.ageing.kept.leave(ready)
            answers.clear()
        self._ready = 0

"""The shortest way of a query: octets that were answered before, answered again as a whole batch.

What a view remembers is found by a key that takes half a microsecond to make. A question that comes often
comes with the same octets, but for its id: by them alone its answer is found. Octets are learnt when they
come the second time, by the view's own key from the view's own memory. What is not known is answered directly
where that can be (``answer/direct``), or goes the way of all queries, through ``Pipeline.answer_now``, whose
two first steps these are: so nothing can be answered here that would be answered otherwise there.

What upstreams said gets older, and then its octets are gone over, once a second at most. It can be over at
any moment, too: whoever keeps it knows who answers with it, and ends that.

All of it belongs to one socket and one snapshot, and is forgotten with it. The limits are asked for each
query. Hits are counted in the entry itself, and added up before anybody reads the counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from math import inf

from splitdns.answer import cache
from splitdns.answer.ageing import older
from splitdns.answer.direct import Told
from splitdns.answer.limits import Buckets
from splitdns.metrics import DURATION_BUCKETS_S, Counts
from splitdns.serve.batch import Batch
from splitdns.serve.pipeline import ZONE, Pending, Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import Ageing, Match, View
from splitdns.wire import scan
from splitdns.wire.message import Transport

MAX_READY = 16_384  # answers of one socket; beyond: forgotten all at once, and learnt anew
MAX_ALIKE = 4096  # kinds of direct answers; beyond: counted, and begun anew
MAX_QUERY_OCTETS = 300  # more than a plain query can have (12 + 255 + 4 + 11)
_ID_OCTETS = 2  # of a message, before all else

_Admits = Callable[[str, float], bool]


class _Way:
    """What is counted alike: one zone as one view sees it, through one socket."""

    __slots__ = ("counts", "durations", "family", "server", "turn", "view", "zone")

    def __init__(self, counts: Counts, server: str, family: int, zone: str, view: str) -> None:
        self.counts = counts
        self.durations = counts.durations(server, zone, view, Transport.UDP)
        self.server, self.family, self.zone, self.view = server, family, zone, view
        self.turn = 0  # how many of the batch


class _Ready:
    """An answer to certain octets: all of it but the id, and until when it holds."""

    __slots__ = ("ageing", "do", "hits", "plugin", "qtype", "query_octets", "rest", "size", "until_s", "way")

    def __init__(
        self,
        rest: bytes,
        query_octets: int,
        way: _Way,
        plugin: str,
        qtype: int,
        do: bool,
        until_s: float = inf,
        ageing: Ageing | None = None,
    ) -> None:
        self.rest = rest
        self.size = _ID_OCTETS + len(rest)
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
            Transport.UDP,
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


_Known = dict[bytes, _Ready]
_Client = tuple[str, Match | None, _Known, _Admits | None, Callable[[bytes], Told | None]]


def _nothing(asked: bytes) -> Told | None:
    """Of who answers nothing directly."""
    return None


class Hot:
    """Answers the batches of one socket."""

    def __init__(self, batch: Batch, pipeline: Pipeline, server: str, family: int) -> None:
        """``server`` and ``family`` are the listener's name and its clients' family among the metrics."""
        self._batch = batch
        self._pipeline = pipeline
        self._server = server
        self._family = family
        self._of: tuple[Snapshot | None, object, Buckets | None, bool] = (None, None, None, False)
        self._clients: dict[bytes, _Client] = {}
        self._views: dict[View, _Known] = {}
        self._ways: dict[tuple[str, str], _Way] = {}
        self._once: set[int] = set()  # hashes of octets that came once
        self._ready = 0
        self._direct: dict[tuple[object, ...], _Ready] = {}  # direct answers that are counted alike, the last

    def answer(self, lengths: list[int]) -> tuple[list[int], list[tuple[int, Pending]]]:
        """Answer the batch in its slots: which of them have no answer now, and who waits for an upstream."""
        self._keep_up()
        pipeline, batch, clients = self._pipeline, self._batch, self._clients
        memory, sizes = batch.memory, batch.sizes
        unanswered: list[int] = []
        pending: list[tuple[int, Pending]] = []
        ways: list[_Way] = []
        started_s = pipeline.clock()
        for (number, begin, body, host_at, size_at), octets in zip(batch.slots, lengths, strict=False):
            packed = memory[host_at]
            try:
                host, match, known, admits, direct = clients[packed]
            except KeyError:
                host, match, known, admits, direct = self._client(packed)
            asked = memory[body : begin + octets]
            ready = known.get(asked)
            if ready is None:
                if match is not None and octets <= MAX_QUERY_OCTETS:
                    ready = self._learn(asked, match, known, started_s)
                    if ready is None and (told := direct(asked)) is not None:
                        ready = self._alike(told, octets, match)
            elif ready.until_s <= started_s:
                ready = self._renew(ready, asked, known, started_s)
            if ready is not None and (admits is None or admits(host, started_s)):
                sizes[size_at] = size = ready.size
                memory[body : begin + size] = ready.rest
                ready.hits += 1
                way = ready.way
                if not way.turn:
                    ways.append(way)
                way.turn += 1
                continue
            wire = memory[begin : begin + octets]
            outcome = pipeline.answer_now(wire, host, Transport.UDP, self._server)
            if isinstance(outcome, bytes):
                sizes[size_at] = size = len(outcome)
                assert size <= batch.octets  # the next slot is another client's
                memory[begin : begin + size] = outcome
                continue
            unanswered.append(number)
            if outcome is not None:
                pending.append((number, outcome))
        if ways:
            self._count_durations(ways, pipeline.clock() - started_s)
        return unanswered, pending

    def settle(self) -> None:
        """Add up what was counted here, into the pipeline's counts."""
        for known in self._views.values():
            for ready in known.values():
                ready.settle()
        for ready in self._direct.values():
            ready.settle()

    def _keep_up(self) -> None:
        """Forget what is another snapshot's, and the clients where limits or the view table forgot them."""
        pipeline = self._pipeline
        snapshot, limiter = pipeline.snapshot, pipeline.gate.limiter
        logged = pipeline.query_log is not None
        of_snapshot, of_hosts, of_limits, of_logged = self._of
        if (
            snapshot is not of_snapshot
            or snapshot.table.era is not of_hosts
            or limiter.queries is not of_limits
            or logged is not of_logged
        ):
            if snapshot is not of_snapshot:
                self._forget()
                self._views.clear()
                self._ways.clear()
            self._clients.clear()
            self._of = (snapshot, snapshot.table.era, limiter.queries, logged)

    def _client(self, packed: bytes) -> _Client:
        """What is to be known of a client; whoever logs queries is told of each by the pipeline."""
        host = self._batch.host(packed)
        pipeline = self._pipeline
        match = pipeline.snapshot.match(host)
        if match is None or pipeline.query_log is not None:
            client: _Client = (host, None, {}, None, _nothing)
        else:
            limiter = pipeline.gate.limiter
            buckets = limiter.queries if match.view.recursion else limiter.responses
            known = self._views.setdefault(match.view, {})
            admits = buckets.admits if buckets.limits(host) else None
            client = (host, match, known, admits, pipeline.direct(match.view).answer)
        self._clients[packed] = client
        return client

    def _alike(self, told: Told, octets: int, match: Match) -> _Ready:
        """A direct answer, as one more of those that are counted like it."""
        rest, ground, qtype, do = told
        key = ground, qtype, do, rest[1], octets, len(rest)
        ready = self._direct.get(key)
        if ready is None:
            if len(self._direct) >= MAX_ALIKE:
                self.settle()
                self._direct.clear()
            way = self._way(ground.label, match.view.name)
            ready = self._direct[key] = _Ready(rest, octets, way, ZONE, qtype, do)
        ready.rest = rest
        return ready

    def _learn(self, asked: bytes, match: Match, known: _Known, now_s: float) -> _Ready | None:
        """The remembered answer to octets that came before; None: it was the first time, or there is none."""
        once = self._once
        if hash(asked) not in once:
            if len(once) >= MAX_READY:
                once.clear()
            once.add(hash(asked))
            return None
        if (ready := self._made(asked, match.view, now_s)) is None:
            return None
        if self._ready >= MAX_READY:
            self._forget()
        self._ready += 1
        known[asked] = ready
        if ready.ageing is not None:
            ready.ageing.kept.join(ready)
        return ready

    def _made(self, asked: bytes, view: View, now_s: float) -> _Ready | None:
        wire = bytes(_ID_OCTETS) + asked
        octets = len(wire)
        if (told := self._pipeline.direct(view).answer(asked)) is not None:
            way = self._way(told.ground.label, view.name)
            return _Ready(told.rest, octets, way, ZONE, told.qtype, told.do)
        key = scan.key(wire, Transport.UDP, self._pipeline.snapshot.manners.payload_octets)
        if key is None or (found := cache.get(view.answers, key, now_s)) is None:
            return None
        rest = scan.patch(found.encoded, wire, key)[_ID_OCTETS:]
        end = scan.name_end(key)
        qtype = wire[end] << 8 | wire[end + 1]
        way = self._way(found.zone, view.name)
        return _Ready(rest, octets, way, found.plugin, qtype, scan.do(key), found.until_s, found.ageing)

    def _renew(self, ready: _Ready, asked: bytes, known: _Known, now_s: float) -> _Ready | None:
        """The answer as old as it is now; None: what it was made of is over, or has to be looked after."""
        ageing = ready.ageing
        assert ageing is not None
        if (age := ageing.kept.age(now_s)) is None:
            ready.settle()
            ageing.kept.leave(ready)
            del known[asked]
            self._ready -= 1
            return None
        age_s, ready.until_s = age
        ready.rest = older(ready.rest, ageing, age_s, missing=_ID_OCTETS)
        return ready

    def _way(self, zone: str, view: str) -> _Way:
        way = self._ways.get((zone, view))
        if way is None:
            way = _Way(self._pipeline.counts, self._server, self._family, zone, view)
            self._ways[zone, view] = way
        return way

    def _count_durations(self, ways: list[_Way], duration_s: float) -> None:
        """Everybody of a batch waited for all of it."""
        slot = bisect_left(DURATION_BUCKETS_S, duration_s)
        for way in ways:
            way.durations.slots[slot] += way.turn
            way.durations.total += way.turn * duration_s
            way.turn = 0

    def _forget(self) -> None:
        for ready in self._direct.values():
            ready.settle()
        self._direct.clear()
        for known in self._views.values():
            for ready in known.values():
                ready.settle()
                if ready.ageing is not None:
                    ready.ageing.kept.leave(ready)
            known.clear()
        self._ready = 0

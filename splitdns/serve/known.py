"""What one listener knows by heart: octets that were answered before, and their answers.

What a view remembers is found by a key that takes half a microsecond to make. A question that comes often
comes with the same octets, but for its id: by them alone its answer is found. Octets are learnt when they
come the second time, by the view's own key from the view's own memory. What is not known is answered directly
where that can be (``answer/direct``), or goes the way of all queries, through ``Pipeline.answer_now``, whose
two first steps these are: so nothing can be answered here that would be answered otherwise there.

What upstreams said gets older, and then its octets are gone over, once a second at most. It can be over at
any moment, too: whoever keeps it knows who answers with it, and ends that.

All of it belongs to one socket and one snapshot, and is forgotten with it. Hits are counted in the entry
itself, and added up before anybody reads the counts: by the portion, for somebody may ask meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from splitdns.answer import cache
from splitdns.answer.ageing import older
from splitdns.answer.direct import Told
from splitdns.answer.limits import Buckets
from splitdns.metrics import DURATION_BUCKETS_S
from splitdns.serve.loop import Known, Ready, Way
from splitdns.serve.parts import PURE, Parts
from splitdns.serve.pipeline import ZONE, Pipeline
from splitdns.snapshot import Snapshot
from splitdns.value import value
from splitdns.view import Ageing, View
from splitdns.wire import scan
from splitdns.wire.message import Transport

MAX_READY = 32_768  # answers of one socket, so two views of 10,000 names; beyond: all forgotten, learnt anew
MAX_ALIKE = 2048  # kinds of direct answers; beyond: counted, and begun anew
MAX_ANSWER_OCTETS = 1500  # longer ones cost more to send than to find; over TCP they could have 65,535
MAX_QUERY_OCTETS = 300  # more than a plain query can have (12 + 255 + 4 + 11)
PORTION = 1000  # answers whose hits are added up at once: a third of a millisecond
_ID_OCTETS = 2  # of a message, before all else

_Labels = tuple[str, str, Transport, int, int, bool, int, str, int, int]


class _Kind:
    """The hits of answers that are counted alike; labels are those of ``Counts.repeated``, but the server."""

    __slots__ = ("hits", "labels")

    def __init__(self, labels: _Labels) -> None:
        self.labels = labels
        self.hits = 0


@value(frozen=True, slots=True)
class _Use:
    """What the hits of an answer are counted in, and how it gets older."""

    kind: _Kind
    ageing: Ageing | None

    def count(self, hits: int) -> None:
        self.kind.hits += hits
        if self.ageing is not None:
            self.ageing.kept.count(hits)


class Learnt:
    """The answers that one listener knows, for each view."""

    def __init__(
        self, pipeline: Pipeline, server: str, family: int, transport: Transport, parts: Parts = PURE
    ) -> None:
        """``server`` and ``family`` are the listener's name and its clients' family among the metrics."""
        self._pipeline = pipeline
        self._server = server
        self._family = family
        self._transport = transport
        self._parts = parts
        self._of: tuple[Snapshot | None, object, Buckets | None, bool] = (None, None, None, False)
        self._views: dict[View, Known] = {}
        self._ways: dict[tuple[str, str], Way] = {}
        self._kinds: dict[_Labels, _Kind] = {}
        self._once: set[int] = set()  # hashes of octets that came once
        self._ready = 0
        self._alikes: dict[tuple[object, ...], Ready] = {}  # direct answers that are counted alike, the last

    def keep_up(self) -> bool:
        """Forget what is another snapshot's; whether what is known of clients has to be forgotten, too."""
        pipeline = self._pipeline
        snapshot, limiter = pipeline.snapshot, pipeline.gate.limiter
        logged = pipeline.query_log is not None
        of_snapshot, of_hosts, of_limits, of_logged = self._of
        if (
            snapshot is of_snapshot
            and snapshot.table.era is of_hosts
            and limiter.queries is of_limits
            and logged is of_logged
        ):
            return False
        if snapshot is not of_snapshot:
            self._forget()
            self._views.clear()
            self._ways.clear()
        self._of = (snapshot, snapshot.table.era, limiter.queries, logged)
        return True

    def of(self, view: View) -> Known:
        """What is known of ``view``, now and until the next snapshot."""
        return self._views.setdefault(view, {})

    def ready_for(self, asked: bytes, view: View, known: Known, now_s: float) -> Ready | None:
        """The answer as it is learnt or renewed just now, or given directly; None: by none of these ways."""
        ready = known.get(asked)
        if ready is not None:
            return ready if ready.until_s > now_s else self._renew(ready, asked, known, now_s)
        ready = self._learn(asked, view, known, now_s)
        if ready is None and self._parts is PURE:  # the compiled loop has tried that
            told = self._told(asked, view)
            if told is not None:
                ready = self._alike(told, len(asked) + _ID_OCTETS, view)
        return ready

    def way(self, view: str, zone: str) -> Way:
        """What durations are counted by."""
        way = self._ways.get((view, zone))
        if way is None:
            way = self._ways[view, zone] = self._parts.way(len(DURATION_BUCKETS_S))
        return way

    def settle(self) -> None:
        """Add up what was counted here, into the pipeline's counts."""
        for _ in self.settling():
            pass

    def settling(self) -> Iterator[None]:
        """The same, with a pause after each portion. Queries that come then may be counted the next time."""
        for known in list(self._views.values()):
            for number, ready in enumerate(list(known.values()), 1):
                ready.settle()
                if not number % PORTION:
                    yield
        counts = self._pipeline.counts
        for kind in (*self._kinds.values(), *map(_kind, self._alikes.values())):
            if kind.hits:
                hits, kind.hits = kind.hits, 0
                counts.repeated(hits, self._server, *kind.labels)
        for (view, zone), way in self._ways.items():
            slots, total_s = way.drain()
            if any(slots):
                counts.durations(self._server, zone, view, self._transport).add(slots, total_s)

    def _told(self, asked: bytes, view: View) -> Told | None:
        return self._pipeline.direct(view).answer(asked, tcp=self._transport is Transport.TCP)

    def _alike(self, told: Told, octets: int, view: View) -> Ready:
        """A direct answer, as one more of those that are counted like it."""
        rest, ground, qtype, do = told
        key = ground, qtype, do, rest[1], octets, len(rest)
        ready = self._alikes.get(key)
        if ready is None:
            if len(self._alikes) >= MAX_ALIKE:
                self.settle()
                self._alikes.clear()
            use = _Use(_Kind(self._labels(octets, rest, view, ground.label, ZONE, qtype, do)), None)
            ready = self._alikes[key] = self._parts.ready(rest, self.way(view.name, ground.label), inf, use)
        ready.rest = rest
        return ready

    def _learn(self, asked: bytes, view: View, known: Known, now_s: float) -> Ready | None:
        """The remembered answer to octets that came before; None: it was the first time, or there is none."""
        once = self._once
        if hash(asked) not in once:
            if len(once) >= MAX_READY:
                once.clear()
            once.add(hash(asked))
            return None
        if self._ready >= MAX_READY:
            self._forget()
        ready = self._made(asked, view, now_s)
        if ready is None:
            return None
        self._ready += 1
        known[asked] = ready
        if (ageing := _ageing(ready)) is not None:
            ageing.kept.join(ready)
        return ready

    def _made(self, asked: bytes, view: View, now_s: float) -> Ready | None:
        wire = bytes(_ID_OCTETS) + asked
        octets = len(wire)
        if (told := self._told(asked, view)) is not None:
            if len(told.rest) > MAX_ANSWER_OCTETS:
                return None
            zone = told.ground.label
            labels = self._labels(octets, told.rest, view, zone, ZONE, told.qtype, told.do)
            return self._parts.ready(told.rest, self.way(view.name, zone), inf, self._use(labels, None))
        key = self._parts.key(wire, self._transport, self._pipeline.snapshot.manners.payload_octets)
        if key is None or (found := cache.get(view.answers, key, now_s)) is None:
            return None
        rest = scan.patch(found.encoded, wire, key)[_ID_OCTETS:]
        if len(rest) > MAX_ANSWER_OCTETS:
            return None
        end = scan.name_end(key)
        qtype = wire[end] << 8 | wire[end + 1]
        labels = self._labels(octets, rest, view, found.zone, found.plugin, qtype, scan.do(key))
        use = self._use(labels, found.ageing)
        return self._parts.ready(rest, self.way(view.name, found.zone), found.until_s, use)

    def _labels(
        self, octets: int, rest: bytes, view: View, zone: str, plugin: str, qtype: int, do: bool
    ) -> _Labels:
        transport, family = self._transport, self._family
        rcode, answer_octets = rest[1] & 0xF, _ID_OCTETS + len(rest)  # no other ones when it gets older
        return zone, view.name, transport, family, qtype, do, rcode, plugin, octets, answer_octets

    def _use(self, labels: _Labels, ageing: Ageing | None) -> _Use:
        kind = self._kinds.get(labels)
        if kind is None:
            kind = self._kinds[labels] = _Kind(labels)
        return _Use(kind, ageing)

    def _renew(self, ready: Ready, asked: bytes, known: Known, now_s: float) -> Ready | None:
        """The answer as old as it is now; None: what it was made of is over, or has to be looked after."""
        ageing = _ageing(ready)
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

    def _forget(self) -> None:
        self.settle()
        for known in self._views.values():
            for ready in known.values():
                if (ageing := _ageing(ready)) is not None:
                    ageing.kept.leave(ready)
            known.clear()
        self._alikes.clear()
        self._kinds.clear()
        self._ready = 0


def _kind(ready: Ready) -> _Kind:
    """That of an answer, all its hits counted."""
    ready.settle()
    assert isinstance(ready.tag, _Use)
    return ready.tag.kind


def _ageing(ready: Ready) -> Ageing | None:
    assert isinstance(ready.tag, _Use)
    return ready.tag.ageing

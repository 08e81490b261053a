"""The shortest way of a query: octets that were answered before, answered again as a whole batch.

What is known by heart is found and sent by the loop (``loop``). All else comes here, one datagram after the
other: to be learnt (``known``), or to go the way of all queries, through ``Pipeline.answer_now``. The limits
are asked for each query, whichever way it goes.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from splitdns.answer.limits import BUCKETS, Buckets
from splitdns.metrics import DROPS
from splitdns.serve.batch import Batch, Origin
from splitdns.serve.known import MAX_ALIKE, MAX_QUERY_OCTETS, Learnt
from splitdns.serve.loop import Client, Limit, Ready
from splitdns.serve.parts import PARTS, PURE, Parts
from splitdns.serve.passed import Passed, passes
from splitdns.serve.pipeline import ZONE, Pending, Pipeline
from splitdns.snapshot import Snapshot
from splitdns.view import View
from splitdns.wire.message import Transport

Waiting = tuple[Pending | Passed, Origin]  # a query that waits for an upstream, and where it came from


class Hot:
    """Answers the batches of one socket."""

    def __init__(
        self, batch: Batch, pipeline: Pipeline, server: str, family: int, parts: Parts = PARTS
    ) -> None:
        """``server`` and ``family`` are the listener's name and its clients' family among the metrics."""
        self._batch = batch
        self._pipeline = pipeline
        self._server = server
        self._family = family
        self._parts = parts
        self._learnt = Learnt(pipeline, server, family, Transport.UDP, parts)
        self._clients: dict[bytes, Client] = {}
        self._limits: dict[Buckets, Limit] = {}
        self._directs: dict[View, object] = {}
        self._of: Snapshot | None = None  # whose views those are of
        self._waiting: list[Waiting] = []
        self._passing: View | None = None  # whose last question that was not known passed
        self._loop = parts.loop(batch, self._clients, self._usual)

    def turn(self) -> tuple[bool, list[Waiting]]:
        """Answer what has come, up to a limit: whether that was all, and who waits for an upstream.

        Raises:
            OSError: an error of the socket, and nothing to receive.
        """
        self._keep_up()
        loop = self._loop
        done = loop.turn(self._pipeline.clock)
        if loop.unsent:
            self._pipeline.counts.add(DROPS, "send", by=loop.unsent)
            loop.unsent = 0
        if loop.tallied > MAX_ALIKE:
            self._settle_direct()
        waiting = self._waiting
        if waiting:
            self._waiting = []
        return done, waiting

    def settle(self) -> None:
        """Add up what was counted here, into the pipeline's counts."""
        for _ in self.settling():
            pass

    def settling(self) -> Iterator[None]:
        """The same by the portion, as ``Learnt`` does."""
        yield from self._learnt.settling()
        self._settle_direct()

    def _settle_direct(self) -> None:
        repeated = self._pipeline.counts.repeated
        for (zone, view), qtype, do, rcode, query_octets, answer_octets, times in self._loop.drain():
            repeated(
                times,
                self._server,
                zone,
                view,
                Transport.UDP,
                self._family,
                qtype,
                do,
                rcode,
                ZONE,
                query_octets,
                answer_octets,
            )

    def _usual(self, number: int, octets: int, now_s: float) -> Ready | bytes | None:
        """The answer to a datagram whose octets are not known; None: not now, or not at all."""
        batch = self._batch
        begin, spans = batch.slots[number]
        packed = batch.packed_host(number)
        met = self._clients.get(packed)
        client = met or self._client(packed)
        view = client.view
        # What is unknown is mostly of the kind that the last one was.
        if view is not None and self._passing is view and octets <= MAX_QUERY_OCTETS:
            wire = batch.memory[begin : begin + octets]
            if wire[2:] not in client.known:
                asked = self._pipeline, wire, client.host, self._server, view, now_s
                passed = self._pipeline.safely(wire, passes, *asked)
                if passed is not None and (client.limit is None or client.limit.take(client.bucket, now_s)):
                    if isinstance(passed, bytes):
                        return passed
                    self._waiting.append((passed, self._loop.origin(number)))
                    return None
        if octets <= MAX_QUERY_OCTETS and client.view is not None:
            rest = batch.memory[spans[octets]]
            ready = self._learnt.ready_for(rest, client.view, client.known, now_s)
            if ready is not None and (client.limit is None or client.limit.take(client.bucket, now_s)):
                return ready
        wire = batch.memory[begin : begin + octets]
        tried = met is not None and met.view is not None  # where the loop is compiled, it has done that
        outcome = self._pipeline.answer_now(wire, client.host, Transport.UDP, self._server, tried)
        if isinstance(outcome, Pending):
            self._waiting.append((outcome, self._loop.origin(number)))
            self._passing = view if self._parts is PURE and outcome.question is not None else None
            return None
        return outcome

    def _keep_up(self) -> None:
        """Forget what is another snapshot's, and the clients where limits or the view table forgot them."""
        if self._learnt.keep_up():
            self._clients.clear()
            self._limits.clear()
            if self._of is not self._pipeline.snapshot:
                self._of = self._pipeline.snapshot
                self._directs.clear()
                self._passing = None

    def _client(self, packed: bytes) -> Client:
        """What is to be known of a client; whoever logs queries is told of each by the pipeline."""
        host = self._batch.host(packed)
        pipeline = self._pipeline
        match = pipeline.snapshot.match(host)
        if match is None or pipeline.query_log is not None:
            client = Client(host, None, {}, None, BUCKETS, None)
        else:
            limiter = pipeline.gate.limiter
            buckets = limiter.queries if match.view.recursion else limiter.responses
            known = self._learnt.of(match.view)
            bucket = buckets.slot(host)
            limit = None if bucket == BUCKETS else self._limit(buckets)
            client = Client(host, match.view, known, limit, bucket, self._direct(match.view))
        self._clients[packed] = client
        return client

    def _direct(self, view: View) -> object:
        if view not in self._directs:
            way_of = partial(self._learnt.way, view.name)
            self._directs[view] = self._parts.direct(self._pipeline.direct(view), way_of)
        return self._directs[view]

    def _limit(self, buckets: Buckets) -> Limit:
        limit = self._limits.get(buckets)
        if limit is None:
            limit = self._limits[buckets] = self._parts.limit(buckets)
        return limit

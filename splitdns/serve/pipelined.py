"""What one read of a connection brought, answered at once (RFC 7766 6.2.1.1).

Who pipelines sends many queries in one segment. They are answered as a batch: framed by their places in what
was read, found by their octets where these are known, and the answers leave in one write. The rest goes the
way of all queries.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from splitdns.errors import WireError
from splitdns.metrics import DURATION_BUCKETS_S
from splitdns.serve.known import MAX_QUERY_OCTETS, Learnt
from splitdns.serve.loop import Known, Way
from splitdns.serve.pipeline import Pending, Pipeline
from splitdns.view import View
from splitdns.wire.framing import frame
from splitdns.wire.header import HEADER_OCTETS
from splitdns.wire.message import Transport

MAX_ANSWERS_OCTETS = 65_536  # of one batch; beyond: whatever else was read waits for the next


class Batch(NamedTuple):
    """What became of a read: answers as they are written, who waits for upstreams, and what is left over.

    ``more`` says that a whole message is left, and not only part of one.
    """

    answers: list[bytes]
    pending: list[Pending]
    rest: bytes
    more: bool


class _Client(NamedTuple):
    """What is to be known of a client; ``view`` is None where all goes the usual way.

    ``admits`` is asked for each query that is known (None: there is nothing that it has to keep to).
    """

    view: View | None
    known: Known
    admits: Callable[[str, float], bool] | None


class Pipelined:
    """Answers what comes on the connections of one listener."""

    def __init__(self, pipeline: Pipeline, server: str, family: int) -> None:
        """``server`` and ``family`` are the listener's name and its clients' family among the metrics."""
        self._pipeline = pipeline
        self._server = server
        self._learnt = Learnt(pipeline, server, family, Transport.TCP)
        self._clients: dict[str, _Client] = {}
        self.settle, self.settling = self._learnt.settle, self._learnt.settling

    def answer(self, octets: bytes, host: str, room: int) -> Batch:
        """Answer the whole messages of ``octets``, until ``room`` of them wait for upstreams.

        Raises:
            WireError: a message is shorter than a header: the stream is out of step, or never was DNS.
        """
        pipeline, learnt = self._pipeline, self._learnt
        if learnt.keep_up():
            self._clients.clear()
        view, known, admits = self._clients.get(host) or self._meet(host)
        answers: list[bytes] = []
        pending: list[Pending] = []
        ways: list[Way] = []
        at, came, size, more = 0, len(octets), 0, False
        started_s = pipeline.clock()
        try:
            while (begin := at + 2) <= came and (end := begin + (octets[at] << 8 | octets[at + 1])) <= came:
                if size > MAX_ANSWERS_OCTETS or len(pending) >= room:
                    more = True
                    break
                asked = octets[at + 4 : end]
                ready = known.get(asked)
                if ready is None or ready.until_s <= started_s:
                    ready = None
                    if view is not None and HEADER_OCTETS <= end - begin <= MAX_QUERY_OCTETS:
                        ready = learnt.ready_for(asked, view, known, started_s)
                if ready is not None and (admits is None or admits(host, started_s)):
                    rest = ready.rest
                    answer_octets = 2 + len(rest)
                    answers += (answer_octets.to_bytes(2, "big"), octets[begin : at + 4], rest)
                    size += answer_octets
                    ready.hits += 1
                    way = ready.way
                    if not way.turn:
                        ways.append(way)
                    way.turn += 1
                elif end - begin < HEADER_OCTETS:
                    raise WireError("a message shorter than a header")
                else:
                    outcome = pipeline.answer_now(octets[begin:end], host, Transport.TCP, self._server)
                    if isinstance(outcome, Pending):
                        pending.append(outcome)
                    elif outcome is not None:
                        answers.append(frame(outcome))
                        size += len(outcome)
                at = end
        finally:
            if ways:
                slot = bisect_left(DURATION_BUCKETS_S, duration_s := pipeline.clock() - started_s)
                for way in ways:
                    way.count(slot, duration_s)
        return Batch(answers, pending, octets[at:], more)

    def _meet(self, host: str) -> _Client:
        """Look a client up; whoever logs queries is told of each by the pipeline."""
        pipeline = self._pipeline
        match = pipeline.snapshot.match(host)
        if match is None or pipeline.query_log is not None:
            client = _Client(None, {}, None)
        else:
            view, queries = match.view, pipeline.gate.limiter.queries
            limited = view.recursion and queries.limits(host)
            client = _Client(view, self._learnt.of(view), queries.admits if limited else None)
        self._clients[host] = client
        return client

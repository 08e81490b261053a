"""What one read of a connection brought, answered at once (RFC 7766 6.2.1.1).

Who pipelines sends many queries in one segment. They are answered as a batch: framed by their places in what
was read, found by their octets where these came before, and the answers leave in one write. The rest goes the
way of all queries.
"""

from __future__ import annotations

from typing import NamedTuple

from splitdns.errors import WireError
from splitdns.serve.known import MAX_QUERY_OCTETS, Known, Way
from splitdns.serve.pipeline import Pending, Pipeline
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


class Pipelined:
    """Answers what comes on the connections of one listener."""

    def __init__(self, pipeline: Pipeline, server: str, family: int) -> None:
        self._pipeline = pipeline
        self._server = server
        self._known = Known(pipeline, server, family)
        self.settle = self._known.settle

    def answer(self, octets: bytes, host: str, room: int) -> Batch:
        """Answer the whole messages of ``octets``, until ``room`` of them wait for upstreams.

        Raises:
            WireError: a message is shorter than a header: the stream is out of step, or never was DNS.
        """
        pipeline = self._pipeline
        match, known, admits = self._known.client(host)
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
                if ready is None:
                    if match is not None and end - begin <= MAX_QUERY_OCTETS:
                        ready = self._known.learn(octets[begin:end], asked, match, known, started_s)
                elif ready.until_s <= started_s:
                    ready = self._known.renew(ready, asked, known, started_s)
                if ready is not None and (admits is None or admits(host, started_s)):
                    answers += (ready.head, octets[begin : at + 4], ready.rest)
                    size += ready.size
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
                self._known.count_durations(ways, pipeline.clock() - started_s)
        return Batch(answers, pending, octets[at:], more)

"""A question that passes, on its way: from the datagram that asked it to the one that answers it.

Where nothing is known of what is asked, and an upstream's reply goes to the client as it stands, there is
nothing to decide in between. So of such a query no more is kept than this, and it is counted and sent from
here. Whatever turns out to take a decision is the pipeline's, as if it had met it there. A test holds the two
ways together.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from splitdns.answer.decide import Reply
from splitdns.forward.cache import Key
from splitdns.metrics import OTHER_TYPE, TYPE_LABELS
from splitdns.serve.batch import Address, Control, Origin
from splitdns.serve.parts import NO_ZONE, UPSTREAM
from splitdns.serve.pipeline import Asked, Outcome, Pending
from splitdns.tallies import Line
from splitdns.value import filled
from splitdns.wire import scan
from splitdns.wire.header import HEADER_OCTETS
from splitdns.wire.message import Transport

if TYPE_CHECKING:
    from splitdns.answer.passing import Passing
    from splitdns.serve.pipeline import Pipeline
    from splitdns.view import View

MAX_LINES = 4096  # beyond: looked up anew

Back = Origin | tuple[Control, Address]  # to the client: of a batch, or of a datagram by itself


class Passed:
    """A query of ``client`` over UDP, in whose view ``passing`` lets ``question`` pass."""

    __slots__ = (
        "_back",
        "_client",
        "_finish",
        "_key",
        "_passing",
        "_pipeline",
        "_question",
        "_server",
        "_snapshot",
        "_started_s",
        "_wire",
    )

    def __init__(
        self,
        pipeline: Pipeline,
        wire: bytes,
        client: str,
        server: str,
        started_s: float,
        key: bytes,
        question: Key,
        passing: Passing,
    ) -> None:
        """``server`` is the listener's name among the metrics, ``key`` the query's (``wire/scan``)."""
        self._pipeline = pipeline
        self._snapshot = pipeline.snapshot
        self._wire = wire
        self._client = client
        self._server = server
        self._started_s = started_s
        self._key = key
        self._question = question
        self._passing = passing

    def begin(self, back: Back, finish: Callable[[Back, bytes | None], None]) -> None:
        """Ask; ``finish`` gets ``back`` and the answer, once."""
        self._back, self._finish = back, finish
        failed = self._pipeline.safely(self._wire, self._ask)
        if failed is not None:
            assert isinstance(failed, bytes)
            finish(back, failed)

    def _ask(self) -> None:
        wire, question = self._wire, self._question
        spelled = wire[HEADER_OCTETS : HEADER_OCTETS + len(question.name)]
        self._pipeline.forwarder.relay(question, spelled, self._client, self._replied)

    def _replied(self, replied: Reply | Exception) -> None:
        outcome = self._pipeline.safely(self._wire, self._answered, replied)
        if isinstance(outcome, Pending):
            self._pipeline.finish_then(outcome, self._end)
        else:
            self._finish(self._back, outcome)

    def _answered(self, replied: Reply | Exception) -> Outcome:
        pipeline, wire = self._pipeline, self._wire
        if not isinstance(replied, Reply) or pipeline.query_log is not None:
            return pipeline.resumed(self._pending(), replied)
        encoded = self._passing.encoded(replied, wire, self._key)
        if encoded is None:
            return pipeline.resumed(self._pending(), replied)
        view, _, _, qtype, do, _ = self._question
        family = 2 if ":" in self._client else 1
        alike = self._server, view, family, qtype, do, replied.rcode
        line = pipeline.lines.get(alike) or _line(pipeline, *alike)
        line.add(len(wire), len(encoded), pipeline.clock() - self._started_s)
        return encoded

    def _pending(self) -> Pending:
        """The same as the pipeline has it."""
        snapshot, client = self._snapshot, self._client
        by = Transport.UDP, self._server, self._started_s
        asked = Asked(self._wire, client, *by, snapshot.manners, snapshot.match(client), self._key)
        return Pending(asked, None, None, self._question, self._passing)

    def _end(self, answer: bytes | None) -> None:
        self._finish(self._back, answer)


def passes(
    pipeline: Pipeline, wire: bytes, client: str, server: str, view: View, started_s: float
) -> Passed | None:
    """The query as one that passes, where nothing is known of what it asks; None: ``Pipeline.answer_now``.

    It has no direct answer, ``client`` is in ``view``, and queries are not logged.
    """
    key = pipeline.key(wire, Transport.UDP, pipeline.snapshot.manners.payload_octets)
    if key is None or key in view.answers.entries:
        return None
    _, passing = pipeline.ways(view)
    upstreams = passing.upstreams(key)
    if upstreams is None:
        return None
    question = filled(Key, (view.name, upstreams, *scan.asked(key)))
    if not pipeline.forwarder.is_unknown(question):
        return None
    return Passed(pipeline, wire, client, server, started_s, key, question, passing)


def _line(
    pipeline: Pipeline, server: str, view: str, family: int, qtype: int, do: bool, rcode: int
) -> Line:
    if len(pipeline.lines) >= MAX_LINES:
        pipeline.lines.clear()
    counts, told = pipeline.counts, qtype if qtype in TYPE_LABELS else OTHER_TYPE
    request = (server, NO_ZONE, view, str(Transport.UDP), family, told, do, rcode, UPSTREAM)
    line = counts.tallies.line(request, counts.traffic_of(server, NO_ZONE, view, Transport.UDP))
    pipeline.lines[server, view, family, qtype, do, rcode] = line
    return line

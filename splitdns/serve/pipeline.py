"""The way of a query: octets and a client's address in, octets out.

What can be answered at once is answered without a task or an await: from the view's remembered answers or
directly from a zone's octets without even decoding, else from zones and the forwarder's cache. Only a
question that an upstream must answer is handed back as ``Pending``, to ``finish`` later.

A query reads the snapshot once and carries along what it needs of it, so that no message is made from two
generations.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf
from typing import NamedTuple, Protocol, TypeVar, TypeVarTuple

from splitdns.answer import cache, whoami
from splitdns.answer.ageing import ageing_of
from splitdns.answer.decide import Forward, Reply, decide, resume
from splitdns.answer.direct import Direct
from splitdns.answer.passing import Passing
from splitdns.errors import UpstreamError, WireError
from splitdns.forward.cache import Key
from splitdns.metrics import DROPPED, DROPS, LEAKS_BLOCKED, PANICS, REBINDINGS_BLOCKED, Counts
from splitdns.names import Qname, is_under, to_text
from splitdns.records import Class, Ede, Rcode, type_to_text
from splitdns.serve.gate import Gate
from splitdns.serve.horizon import Horizon
from splitdns.serve.parts import NO_ZONE, PARTS, UPSTREAM, Parts
from splitdns.snapshot import Manners, Snapshot
from splitdns.tallies import Line
from splitdns.value import filled, value
from splitdns.view import Match, Prefix, Remembered, View
from splitdns.wire import scan
from splitdns.wire.edns import OPT_OCTETS
from splitdns.wire.header import (
    HEADER_OCTETS,
    error_reply,
    is_query,
    opcode,
    question_end,
)
from splitdns.wire.message import Answer, Query, Transport, decode, encode

log = logging.getLogger("splitdns.serve")

# Along a chain of aliases, after which no upstream is asked any more: SERVFAIL, nobody waits for that long.
# The forwarder gives up each single question by itself, and sooner.
MAX_ASKING_S = 5.5
LOG_INTERVAL_S = 1.0  # between two lines about bugs, or leaks: who sends queries must not fill the disk

# What gave an answer, for metrics and the query log.
ZONE, CACHE, SERVER, LISTED = "zone", "cache", "server", "blocklist"

_UNMATCHED = Answer(Rcode.REFUSED, edes=((Ede.PROHIBITED, "no view serves this address"),))

_Args = TypeVarTuple("_Args")
_Step = TypeVar("_Step")


class Forwarder(Protocol):
    """Who asks upstreams: the cache at once, or the network."""

    def ask_now(self, forward: Forward) -> Reply | None: ...

    def ask_then(self, forward: Forward, client: str, done: Callable[[Reply | Exception], None]) -> None:
        """Call ``done`` within a few seconds, whatever the upstreams do; it may be at once."""

    def is_unknown(self, question: Key) -> bool:
        """Whether ``ask_now`` has nothing for it."""

    def relay(
        self, question: Key, spelled: bytes, client: str, done: Callable[[Reply | Exception], None]
    ) -> None:
        """As ``ask_then``, for a question that is unknown, ``spelled`` so by its client."""


@value(frozen=True, slots=True)
class QueryLogEntry:
    """One answered query: ``time_s`` in Unix time, ``name`` in wire form as it was sent.

    ``view`` is empty where none serves the client; ``prefix`` is what chose the view (None: ``any``).
    ``name`` is empty where the question could not be read. ``query`` and ``answer`` are the messages.
    """

    time_s: float
    client: str
    transport: Transport
    view: str
    prefix: Prefix | None
    name: bytes
    qtype: int
    qclass: int
    rcode: int
    provenance: str
    request_octets: int
    response_octets: int
    duration_s: float
    query: bytes = b""
    answer: bytes = b""


class Asked(NamedTuple):
    """One query on its way: where it came from, and what of the snapshot it is answered with."""

    wire: bytes
    client: str
    transport: Transport
    server: str
    started_s: float
    manners: Manners
    match: Match | None
    key: bytes | None
    cookie: bytes | None = None  # the answer's


@value(frozen=True, slots=True)
class Pending:
    """A query that waits for an upstream's reply.

    To ``forward``, which ``query`` came to; or, as the question passes ``passing`` as it stands, to that one.
    """

    asked: Asked
    query: Query | None = None
    forward: Forward | None = None
    question: Key | None = None
    passing: Passing | None = None


Outcome = bytes | None | Pending


class Pipeline:
    """Answers queries from ``snapshot``; whoever reloads replaces that one reference."""

    def __init__(
        self,
        snapshot: Snapshot,
        forwarder: Forwarder,
        counts: Counts,
        *,
        gate: Gate | None = None,
        query_log: Callable[[QueryLogEntry], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        parts: Parts = PARTS,
    ) -> None:
        """``clock`` is the forwarder's, too: what it keeps ages here."""
        self.snapshot = snapshot
        self.counts = counts
        self.query_log = query_log
        self.gate = gate or Gate(counts)
        self.horizon = Horizon()
        self.forwarder = forwarder
        self.clock = clock
        self._wall_clock = wall_clock
        self._join = parts.join
        self.key = parts.key
        self._request = parts.request(counts)
        self._replier = parts.replier(self, self._request)
        self.lines: dict[tuple[str, str, int, int, bool, int], Line] = {}  # of what passes
        self._logged_s: dict[str, float] = {}
        self._of: Snapshot | None = None  # whose views these are
        self._ways_of: dict[View, tuple[Direct, Passing]] = {}

    async def answer(
        self, wire: bytes, client: str, transport: Transport, server: str = "dns://"
    ) -> bytes | None:
        """The answer to ``wire``; None: it must not be answered."""
        outcome = self.answer_now(wire, client, transport, server)
        return await self.finish(outcome) if isinstance(outcome, Pending) else outcome

    def answer_now(
        self, wire: bytes, client: str, transport: Transport, server: str = "dns://", tried: bool = False
    ) -> Outcome:
        """The answer to ``wire``, or ``Pending`` where an upstream has to be asked; None: no answer.

        ``client`` is a socket's host, ``server`` the listener's name among the metrics; ``tried`` says that
        there is no direct answer.
        """
        return self.safely(wire, self._begin, wire, client, transport, server, tried)

    async def finish(self, pending: Pending) -> bytes | None:
        """The answer to what ``answer_now`` left pending."""
        answered: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

        def tell(answer: bytes | None) -> None:
            if not answered.done():  # else the client is gone
                answered.set_result(answer)

        self.finish_then(pending, tell)
        return await answered

    def finish_then(self, pending: Pending, done: Callable[[bytes | None], None]) -> None:
        """Call ``done`` with the answer to what ``answer_now`` left pending, when it is there."""
        asked = pending.asked
        replied = self._replier(pending, done)
        if self.clock() - asked.started_s >= MAX_ASKING_S:
            replied(UpstreamError("the upstreams took too long"))
            return
        failed = self.safely(asked.wire, self._ask, pending, replied)
        if failed is not None:
            assert isinstance(failed, bytes)
            done(failed)

    def _ask(self, pending: Pending, replied: Callable[[Reply | Exception], None]) -> None:
        asked, question, forward = pending.asked, pending.question, pending.forward
        if question is not None:
            spelled = asked.wire[HEADER_OCTETS : HEADER_OCTETS + len(question.name)]
            self.forwarder.relay(question, spelled, asked.client, replied)
        else:
            assert forward is not None
            self.forwarder.ask_then(forward, asked.client, replied)

    def go_on(
        self, pending: Pending, done: Callable[[bytes | None], None], replied: Reply | Exception
    ) -> None:
        """Call ``done`` with the answer to what is pending, as a reply is there; it may take more of them."""
        outcome = self.safely(pending.asked.wire, self.resumed, pending, replied)
        if isinstance(outcome, Pending):
            self.finish_then(outcome, done)
        else:
            done(outcome)

    def safely(self, wire: bytes, step: Callable[[*_Args], _Step], *args: *_Args) -> _Step | bytes | None:
        """What ``step`` gives; where it meets a bug, that is the end of one query and not of the server."""
        try:
            return step(*args)
        except Exception:
            self.counts.add(PANICS)
            if self._may_log("bug"):
                log.exception("query.bug", extra={"query": wire.hex()})
            return error_reply(wire, Rcode.SERVFAIL)

    def _begin(self, wire: bytes, client: str, transport: Transport, server: str, tried: bool) -> Outcome:
        started_s = self.clock()
        if not is_query(wire):
            self.counts.add(DROPS, "response" if len(wire) >= HEADER_OCTETS else "short")
            return None
        snapshot = self.snapshot
        manners = snapshot.manners
        match = snapshot.match(client)
        if match is not None and match.view.recursion:
            if not self.gate.limiter.queries.admits(client, started_s):
                return self.gate.asked_too_much(wire, client, transport, match.view.name)
        elif (
            transport is Transport.UDP
            and not self.gate.limiter.responses.admits(client, started_s)
            and not self.gate.is_known(wire, client)
        ):
            view = "" if match is None else match.view.name
            return self.gate.answered_too_much(wire, client, manners, view)
        key = self.key(wire, transport, manners.payload_octets)
        asked = filled(Asked, (wire, client, transport, server, started_s, manners, match, key, None))
        if match is None:
            return self._decide(asked)
        if key is not None and (found := cache.get(match.view.answers, key, started_s)) is not None:
            if found.ageing is not None:
                found.ageing.kept.count(1)
            encoded = scan.patch(found.encoded, wire, key)
            rcode = encoded[3] & 0xF
            self._sent(asked, encoded, scan.name_end(key), scan.do(key), rcode, found.zone, found.plugin)
            return encoded
        told = None if tried else self.direct(match.view).answer(wire[2:], tcp=transport is Transport.TCP)
        if told is None:
            return self._passed(asked, match.view) or self._decide(asked)
        rest, ground, _, do = told
        encoded = wire[:2] + rest
        end = len(wire) - 4 - (OPT_OCTETS if wire[11] else 0)
        self._sent(asked, encoded, end, do, encoded[3] & 0xF, ground.label, ZONE)
        return encoded

    def _passed(self, asked: Asked, view: View) -> Pending | None:
        """What waits for an upstream as it stands; None: there is something to decide."""
        key = asked.key
        if key is None:
            return None
        _, passing = self.ways(view)
        upstreams = passing.upstreams(key)
        if upstreams is None:
            return None
        question = filled(Key, (view.name, upstreams, *scan.asked(key)))
        if not self.forwarder.is_unknown(question):
            return None
        return Pending(asked, None, None, question, passing)

    def direct(self, view: View) -> Direct:
        """Who answers plain questions in this view of the snapshot."""
        return self.ways(view)[0]

    def ways(self, view: View) -> tuple[Direct, Passing]:
        """Who answers plain questions in this view of the snapshot, and what passes in it."""
        snapshot = self.snapshot
        if self._of is not snapshot:
            self._of, self._ways_of = snapshot, {}
        found = self._ways_of.get(view)
        if found is None:
            found = self._ways_of[view] = (
                Direct(view, snapshot.manners),
                Passing(view, snapshot.manners, self._join),
            )
        return found

    def _decide(self, asked: Asked) -> Outcome:
        if opcode(asked.wire):
            return self._error(asked, Rcode.NOTIMP)
        try:
            query = decode(asked.wire, asked.transport)
            if (met := self.gate.met(query, asked.client)) is not None:
                asked = asked._replace(cookie=met.option)
        except WireError:
            return self._error(asked, Rcode.FORMERR)
        if asked.match is None:
            return self._encode(asked, query, _UNMATCHED, SERVER)
        decided = decide(query, asked.match.view, asked.manners)
        name = asked.match.view.policy.whoami
        if name is not None and is_under(query.name, name) and isinstance(decided, Answer):
            decided = self._told(asked, asked.match, query, decided)
        return self._settle(asked, query, decided, CACHE if isinstance(decided, Forward) else ZONE)

    def _told(self, asked: Asked, match: Match, query: Query, answer: Answer) -> Answer:
        """What the client is told of itself, and whether a browser's test came here."""
        self.horizon.note(query, match, asked.client, self._wall_clock())
        return whoami.told(answer, query, match, asked.client, asked.manners.server_id)

    def resumed(self, pending: Pending, replied: Reply | Exception) -> Outcome:
        asked, query, forward, passing = pending.asked, pending.query, pending.forward, pending.passing
        if query is None or forward is None:
            assert passing is not None
            assert asked.match is not None
            assert asked.key is not None
            if isinstance(replied, Reply):
                encoded = passing.encoded(replied, asked.wire, asked.key)
                if encoded is not None:
                    end, do = scan.name_end(asked.key), scan.do(asked.key)
                    self._sent(asked, encoded, end, do, replied.rcode, NO_ZONE, UPSTREAM)
                    return encoded
            query = decode(asked.wire, asked.transport)
            decided = decide(query, asked.match.view, asked.manners)
            assert isinstance(decided, Forward)
            forward = decided
        match replied:
            case Reply() as reply:
                decided = resume(forward, reply)
            case UpstreamError():
                decided = resume(forward, None)
            case bug:
                raise bug
        return self._settle(asked, query, decided, UPSTREAM)

    def _settle(self, asked: Asked, query: Query, decided: Answer | Forward, plugin: str) -> Outcome:
        """Follow ``decided`` through the forwarder's cache, to an answer or the network."""
        made_of: list[tuple[Forward, Reply]] = []
        while isinstance(decided, Forward):
            reply = self.forwarder.ask_now(decided)
            if reply is None:
                return Pending(asked, query, decided)
            made_of.append((decided, reply))
            decided = resume(decided, reply)
        return self._encode(asked, query, decided, plugin, made_of)

    def _encode(
        self,
        asked: Asked,
        query: Query,
        answer: Answer,
        plugin: str,
        made_of: Sequence[tuple[Forward, Reply]] = (),
    ) -> bytes | None:
        """Encode, remember and count ``answer``; ``made_of`` is what the cache had for it."""
        manners, match = asked.manners, asked.match
        if answer.drop:
            self.counts.add(DROPS, "blocklist")
            return None
        encoded = encode(
            answer,
            query,
            ra=match is not None and match.view.recursion,
            payload_octets=manners.payload_octets,
            server_id=manners.server_id,
            cookie=asked.cookie,
        )
        zone = DROPPED
        if match is not None:
            decider = match.view.zone_of(query.name)
            zone = NO_ZONE if decider is None else _zone_label(decider.apex)
            if answer.blocked:
                plugin = LISTED
            if plugin == ZONE and decider is None and not _automatic(answer, query):
                plugin = SERVER
            if answer.stripped:
                self._stripped(match.view, query, answer)
            if answer.rebound:
                self.counts.add(REBINDINGS_BLOCKED, match.view.name, by=answer.rebound)
                self._log_taken("rebinding.blocked", match.view, query, answer.rebound)
            if asked.key is not None and scan.is_of(asked.key, query.question):
                if answer.remember:
                    cache.remember(match.view.answers, asked.key, Remembered(encoded, zone, plugin))
                elif plugin == CACHE and len(made_of) == 1:
                    ageing = ageing_of(answer, encoded, query.question, *made_of[0])
                    if ageing is not None:  # who asks next finds out how old it is then
                        aged = Remembered(encoded, zone, plugin, -inf, ageing)
                        cache.remember(match.view.answers, asked.key, aged)
        do = query.edns is not None and query.edns.do
        self._sent(asked, encoded, HEADER_OCTETS + len(query.question), do, answer.rcode, zone, plugin)
        return encoded

    def _error(self, asked: Asked, rcode: int) -> bytes | None:
        """An answer without a decision: the message could not be read, or is of a kind that is not served."""
        reply = error_reply(asked.wire, rcode)
        end = question_end(asked.wire)
        if reply is not None:
            self._sent(asked, reply, end - 4 if end else 0, False, rcode, DROPPED, SERVER)
        return reply

    def _sent(
        self, asked: Asked, encoded: bytes, name_end: int, do: bool, rcode: int, zone: str, plugin: str
    ) -> None:
        """Count and log; ``name_end`` is where the asked name ends, 0 where it could not be read."""
        wire, client, match = asked.wire, asked.client, asked.match
        duration_s = self.clock() - asked.started_s
        view = "" if match is None else match.view.name
        qtype = wire[name_end] << 8 | wire[name_end + 1] if name_end else 0
        self._request(
            asked.server,
            zone,
            view,
            asked.transport,
            2 if ":" in client else 1,
            qtype,
            do,
            rcode,
            plugin,
            len(wire),
            len(encoded),
            duration_s,
        )
        if self.query_log is not None:
            self.query_log(
                QueryLogEntry(
                    self._wall_clock(),
                    client,
                    asked.transport,
                    view,
                    None if match is None else match.prefix,
                    wire[HEADER_OCTETS:name_end],
                    qtype,
                    wire[name_end + 2] << 8 | wire[name_end + 3] if name_end else 0,
                    rcode,
                    plugin,
                    len(wire),
                    len(encoded),
                    duration_s,
                    wire,
                    encoded,
                )
            )

    def _stripped(self, view: View, query: Query, answer: Answer) -> None:
        """Count what the guard took out; only an inside address is a mistake that somebody must hear of."""
        if names := answer.stripped - answer.leaks:
            self.counts.add(LEAKS_BLOCKED, view.name, "name", by=names)
        if not answer.leaks:
            return
        self.counts.add(LEAKS_BLOCKED, view.name, "address", by=answer.leaks)
        self._log_taken("leak.blocked", view, query, answer.leaks)

    def _log_taken(self, event: str, view: View, query: Query, records: int) -> None:
        if self._may_log(event):
            name, rdtype = to_text(query.question), type_to_text(query.qtype)
            fields = {"view": view.name, "qname": name, "qtype": rdtype, "records": records}
            log.warning(event, extra=fields)

    def _may_log(self, event: str) -> bool:
        now_s = self.clock()
        if now_s - self._logged_s.get(event, float("-inf")) < LOG_INTERVAL_S:
            return False
        self._logged_s[event] = now_s
        return True


def _automatic(answer: Answer, query: Query) -> bool:
    """Whether a PTR record that was made by itself gave the answer, for it stands in no zone."""
    return answer.aa and query.qclass == Class.IN


@lru_cache(maxsize=4096)
def _zone_label(apex: Qname) -> str:
    return to_text(apex)

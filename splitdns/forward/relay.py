"""A question relayed by octets: one query over UDP to the first upstream, one response that gives a reply.

That is what nearly every question comes to, and it needs none of the objects that keep account of tries,
times and doubts. So there is one for all of it here. As soon as anything else happens (a datagram that is not
the response to the letter, one without a reply in it, an error, silence for longer than usual), ``Asking``
goes on as if it had sent the query itself. What is believed, counted and learnt is the same either way, and
so are the octets that leave.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from splitdns.answer.decide import Reply
from splitdns.errors import Caught, UpstreamError
from splitdns.forward.asking import USABLE, Asking, Done
from splitdns.forward.chain import reduce
from splitdns.forward.exchange import Exchanger, no_way
from splitdns.forward.health import Health
from splitdns.forward.plain import read
from splitdns.forward.policy import SHORTEST_TRY_S, Plan
from splitdns.forward.query import Manner, Query, Question, drawn, our_opt
from splitdns.forward.response import Response
from splitdns.forward.trying import Trying
from splitdns.view import Carrier, Strategy, Upstream, UpstreamSet
from splitdns.wire.edns import OPT_OCTETS
from splitdns.wire.header import HEADER_OCTETS, OPCODE, QR, TC

if TYPE_CHECKING:
    from splitdns.forward.datagrams import Waiting
    from splitdns.forward.deadlines import Slot
    from splitdns.forward.ports import Port
    from splitdns.forward.traits import Traits
    from splitdns.forward.upstreams import Upstreams

_RECEIVE_OCTETS = 65_535
_TAIL_OCTETS, _OPTION_OCTETS = 4, 4  # type and class; an option's code and length
CLASS_IN, _ONE_QUESTION = b"\0\1", b"\0\1"
# What stands behind the id of a query with RD, one question and an OPT record; without CD, and with it.
HEADERS = (bytes.fromhex("01000001000000000001"), bytes.fromhex("01100001000000000001"))


Made = Callable[
    [Question, UpstreamSet, Upstream, "Traits", Done, asyncio.AbstractEventLoop, float, float], "Relayed"
]

# What makes the usual ones in one step; None: it takes more of them.
MadeUsual = Callable[[Question, UpstreamSet, Done], "Relayed | None"]
Makes = tuple[Made, MadeUsual | None]


class Relay:
    """Relays the questions of one worker, and sees to what is not plain any more."""

    def __init__(
        self,
        upstreams: Upstreams,
        exchanger: Exchanger,
        health: Health,
        patience_s: float,
        makes: Callable[[Relay], Makes],
    ) -> None:
        """``makes`` is what makes a ``Relayed``, of whatever kind."""
        self.upstreams = upstreams
        self.exchanger = exchanger
        self.health = health
        self.patience_s = patience_s
        self.buffer = memoryview(bytearray(_RECEIVE_OCTETS))  # of the datagram that is being read
        self._make, self._make_usual = makes(self)

    def begin(self, question: Question, upstreams: UpstreamSet, done: Done) -> Relayed | Asking | None:
        """Ask, as ``Upstreams.begin`` does without a judge; None: it has to do it."""
        usual = self._make_usual
        relayed = None if usual is None else usual(question, upstreams, done)
        if relayed is None:
            relayed = self._made(question, upstreams, done)
        if relayed is None:
            return None
        try:
            relayed.send()
        except OSError as error:
            return self.not_sent(relayed, error)
        return relayed

    def _made(self, question: Question, upstreams: UpstreamSet, done: Done) -> Relayed | None:
        """The question as it will be sent; None: by others."""
        order = upstreams.upstreams
        if len(order) != 1 and (not order or upstreams.strategy is not Strategy.IN_ORDER):
            return None
        upstream = order[0]
        if upstream.carrier is not Carrier.UDP or self.health.down or self.patience_s < SHORTEST_TRY_S:
            return None
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        traits = self.exchanger.known.of(upstream)
        if not traits.takes_all(now_s):
            return None
        # As ``Tries`` has it for the first one: no longer than its share of the patience.
        share_s = self.patience_s / len(order)
        wait_s = min(self.health.wait_s(upstream), upstreams.timeout_s, share_s)
        return self._make(question, upstreams, upstream, traits, done, loop, now_s, wait_s)

    def look(self, relayed: Relayed, wire: bytes) -> None:
        """Take a datagram that has come."""
        reply = reply_in(wire, relayed.wire, relayed.question, relayed.traits)
        if reply is None:
            self._hand_over(relayed).take(wire)
        else:
            relayed.land(reply)

    def fail(self, relayed: Relayed, error: OSError) -> None:
        """The query did not leave, or the upstream cannot be reached."""
        if relayed.port is not None:
            self._hand_over(relayed)
        if relayed.waiting is not None:
            relayed.waiting.fail(error)

    def ring(self, relayed: Relayed) -> None:
        """It takes longer than usual."""
        self._hand_over(relayed).ring()

    def cancel(self, relayed: Relayed) -> None:
        """Nobody wants to know any more."""
        if relayed.asking is not None:
            relayed.asking.cancel()
        elif (port := relayed.let_go()) is not None:
            relayed.done = None
            self.exchanger.ports.drop(port)

    def not_sent(self, relayed: Relayed, error: OSError) -> Asking:
        """Who goes on, where the query could not be sent."""
        asking, trying = self._begun(relayed)
        trouble = self.upstreams.failed(relayed.upstream, no_way(error), relayed.asked_s)
        asking.go_on_without(trying, trouble)
        return asking

    def _hand_over(self, relayed: Relayed) -> Waiting:
        """Have ``Asking`` go on from where it is."""
        port = relayed.let_go()
        assert port is not None
        asking, trying = self._begun(relayed)
        name, wire = relayed.question.name, relayed.wire
        end = HEADER_OCTETS + len(name) + _TAIL_OCTETS
        query = Query(wire, end, name, Manner(cookie=wire[end + OPT_OCTETS + _OPTION_OCTETS :]))
        relayed.waiting = trying.go_on(query, port, relayed.sent_s, relayed.wait_s)
        asking.go_on(trying)
        return relayed.waiting

    def _begun(self, relayed: Relayed) -> tuple[Asking, Trying]:
        """What ``Upstreams.begin`` would have begun."""
        upstreams, asked_s, question = self.upstreams, relayed.asked_s, relayed.question
        tries = upstreams.tries(Plan(relayed.upstreams.upstreams), relayed.upstreams, asked_s)
        attempt = tries.next(asked_s)
        assert attempt is not None
        if tries.due_s is not None:
            tries.due_s = asked_s + relayed.wait_s  # as it was then
        done, relayed.done = relayed.done, None
        assert done is not None
        relayed.asking = asking = Asking(upstreams, question, tries, None, done)
        upstreams.under_way.add(asking)
        return asking, Trying(upstreams, question, attempt, asked_s, asking)


class Relayed:
    """A question on its way. ``done`` is called once, but not from within ``send``, nor after ``cancel``.

    There is another one that is compiled; what is rare, ``Relay`` does for both.
    """

    __slots__ = (
        "_loop",
        "_relay",
        "_slot",
        "_spelled",
        "asked_s",
        "asking",
        "done",
        "port",
        "question",
        "sent_s",
        "traits",
        "upstream",
        "upstreams",
        "wait_s",
        "waiting",
        "wire",
    )

    def __init__(
        self,
        relay: Relay,
        question: Question,
        upstreams: UpstreamSet,
        upstream: Upstream,
        traits: Traits,
        done: Done,
        loop: asyncio.AbstractEventLoop,
        sent_s: float,
        wait_s: float,
    ) -> None:
        """``upstream`` is the first of ``upstreams``; ``sent_s`` is the loop's time.

        It takes longer than usual after ``wait_s``.
        """
        self._relay = relay
        self._loop = loop
        self._slot: Slot = {}
        self.question = question
        self.upstreams = upstreams
        self.upstream = upstream
        self.traits = traits
        self.done: Done | None = done
        self.sent_s = sent_s
        self.wait_s = wait_s
        self.port: Port | None = None  # while it waits for its response there
        self.asking: Asking | None = None  # who goes on, and
        self.waiting: Waiting | None = None  # with what

    def draw(self) -> None:
        """Make the query."""
        relay, question, traits = self._relay, self.question, self.traits
        asked_s = relay.upstreams.clock()
        message_id, spelled = drawn(question.name, relay.exchanger.random)
        opt = our_opt(traits.client_cookie + traits.server_cookie, question.do)
        tail = question.qtype.to_bytes(2, "big") + CLASS_IN
        self.set(message_id + HEADERS[question.cd] + spelled + tail + opt, spelled, asked_s)

    def set(self, wire: bytes, spelled: bytes, asked_s: float) -> None:
        """The query is this one, in which the name is ``spelled`` so."""
        self.wire = wire
        self._spelled = spelled
        self.asked_s = asked_s

    def go_on(self, port: Port) -> None:
        """Wait for the response to the query, which left through ``port`` already."""
        self._relay.exchanger.readers.add(port.descriptor, self._read)
        self._wait(port)

    def send(self) -> None:
        """Have the query leave, with what else does in this turn, and wait.

        Raises:
            OSError: there is no way to the upstream, or no descriptor left.
        """
        exchanger = self._relay.exchanger
        port = exchanger.ports.take(self.upstream, self.sent_s)
        try:
            exchanger.readers.add(port.descriptor, self._read)
        except OSError:
            exchanger.ports.drop(port)
            raise
        self._wait(port)
        exchanger.leave(port, self.wire, self)

    def _wait(self, port: Port) -> None:
        exchanger = self._relay.exchanger
        self.port = port
        self._slot = slot = exchanger.deadlines.slot(self.sent_s + self.wait_s)
        slot[self] = None
        exchanger.loops.leave(self._spelled, self.question.qtype, self.upstream)
        self._relay.upstreams.under_way.add(self)

    def land(self, reply: Reply) -> None:
        """It is answered."""
        port = self.let_go()
        assert port is not None
        relay = self._relay
        relay.exchanger.ports.give_back(port, self._loop.time())
        relay.upstreams.said(self.upstream, reply, self.asked_s)
        done, self.done = self.done, None  # whoever asked holds this, and is not held by it
        assert done is not None
        done(reply)

    def let_go(self) -> Port | None:
        """Wait no more; the socket is for whoever asks for this, once."""
        port, self.port = self.port, None
        if port is not None:
            self._slot.pop(self, None)
            self._relay.exchanger.loops.arrive(self._spelled, self.question.qtype)
            self._relay.upstreams.under_way.discard(self)
        return port

    def cancel(self) -> None:
        self._relay.cancel(self)

    def fail(self, error: OSError) -> None:
        self._relay.fail(self, error)

    def ring(self) -> None:
        self._relay.ring(self)

    def _read(self) -> None:
        port = self.port
        assert port is not None
        buffer = self._relay.buffer
        try:
            octets = port.sock.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(error)
            return
        self._relay.look(self, bytes(buffer[:octets]))


def reply_in(wire: bytes, sent: bytes, question: Question, traits: Traits) -> Reply | None:
    """The usable reply in the response to a query that was ``sent``; None: it is none, or has none in it."""
    name, qtype, do, _ = question
    end = HEADER_OCTETS + len(name) + _TAIL_OCTETS
    if wire[:2] != sent[:2] or not wire.startswith(sent[HEADER_OCTETS:end], HEADER_OCTETS):
        return None
    plain = read(wire, end, name, qtype, do)
    if plain is None:
        return _in_full(wire, end, question, traits)
    reply, cookie = plain
    if not traits.accepts(cookie or b""):
        return None
    if cookie is not None:
        traits.knows_edns = True
    return reply


def _in_full(wire: bytes, end: int, question: Question, traits: Traits) -> Reply | None:
    if wire[2] & (QR | OPCODE | TC) != QR or wire[4:6] != _ONE_QUESTION:
        return None
    name, qtype, do, _ = question
    with Caught() as caught:  # a bug is a bug of who goes on, too, and is told there
        try:
            response = Response(wire[:HEADER_OCTETS] + name + wire[end - _TAIL_OCTETS :], asked=name)
            reply = reduce(response, name, qtype, do)
        except UpstreamError:
            return None
    if caught.error is not None or reply.rcode not in USABLE:
        return None
    if not traits.accepts(response.cookie):
        return None
    if response.has_edns:
        traits.knows_edns = True
    return reply

"""A question relayed by octets: one query over UDP to the first upstream, one response that gives a reply.

That is what nearly every question comes to, and it needs none of the objects that keep account of tries,
times and doubts. So there is one for all of it here. As soon as anything else happens (a datagram that is not
the response to the letter, one without a reply in it, an error, silence for longer than usual), ``Asking``
goes on as if it had sent the query itself. What is believed, counted and learnt is the same either way, and
so are the octets that leave.
"""

from __future__ import annotations

import asyncio
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
from splitdns.wire.header import HEADER_OCTETS, OPCODE, QR, TC

if TYPE_CHECKING:
    from splitdns.forward.datagrams import Waiting
    from splitdns.forward.deadlines import Slot
    from splitdns.forward.ports import Port
    from splitdns.forward.traits import Traits
    from splitdns.forward.upstreams import Upstreams

_RECEIVE_OCTETS = 65_535
_CLASS_IN, _ONE_QUESTION = b"\0\1", b"\0\1"
# What stands behind the id of a query with RD, one question and an OPT record; without CD, and with it.
_HEADERS = (bytes.fromhex("01000001000000000001"), bytes.fromhex("01100001000000000001"))


class Relay:
    """Relays the questions of one worker."""

    def __init__(self, upstreams: Upstreams, exchanger: Exchanger, health: Health, patience_s: float) -> None:
        self.upstreams = upstreams
        self.exchanger = exchanger
        self.health = health
        self.patience_s = patience_s
        self.buffer = memoryview(bytearray(_RECEIVE_OCTETS))  # of the datagram that is being read

    def begin(self, question: Question, upstreams: UpstreamSet, done: Done) -> Relayed | Asking | None:
        """Ask, as ``Upstreams.begin`` does without a judge; None: it has to do it."""
        order = upstreams.upstreams
        if len(order) != 1 and (not order or upstreams.strategy is not Strategy.IN_ORDER):
            return None
        upstream = order[0]
        if upstream.carrier is not Carrier.UDP or not self.health.all_up or self.patience_s < SHORTEST_TRY_S:
            return None
        now_s = asyncio.get_running_loop().time()
        traits = self.exchanger.known.of(upstream)
        if not traits.takes_all(now_s):
            return None
        relayed = Relayed(self, question, upstreams, upstream, traits, done, now_s)
        try:
            relayed.send()
        except OSError as error:
            return relayed.not_sent(error)
        return relayed


class Relayed:
    """A question on its way. ``done`` is called once, but not from within ``send``, nor after ``cancel``."""

    __slots__ = (
        "_asked",
        "_asked_s",
        "_asking",
        "_cookie",
        "_done",
        "_id",
        "_port",
        "_question",
        "_relay",
        "_sent_s",
        "_slot",
        "_spelled",
        "_traits",
        "_upstream",
        "_upstreams",
        "_wait_s",
        "_waiting",
    )

    def __init__(
        self,
        relay: Relay,
        question: Question,
        upstreams: UpstreamSet,
        upstream: Upstream,
        traits: Traits,
        done: Done,
        sent_s: float,
    ) -> None:
        """``upstream`` is the first of ``upstreams``; ``sent_s`` is the loop's time."""
        self._relay = relay
        self._question = question
        self._upstreams = upstreams
        self._upstream = upstream
        self._traits = traits
        self._done: Done | None = done
        self._sent_s = sent_s
        self._asked_s = relay.upstreams.clock()
        # As ``Tries`` has it for the first one: no longer than its share of the patience.
        share_s = relay.patience_s / len(upstreams.upstreams)
        self._wait_s = min(relay.health.wait_s(upstream), upstreams.timeout_s, share_s)
        self._id, self._spelled = drawn(question.name, relay.exchanger.random)
        self._asked = self._spelled + question.qtype.to_bytes(2, "big") + _CLASS_IN
        self._cookie = traits.client_cookie + traits.server_cookie
        self._port: Port | None = None
        self._slot: Slot = {}
        self._asking: Asking | None = None
        self._waiting: Waiting | None = None

    def send(self) -> None:
        """Have the query leave, with what else does in this turn, and wait.

        Raises:
            OSError: there is no way to the upstream, or no descriptor left.
        """
        exchanger = self._relay.exchanger
        port = exchanger.ports.take(self._upstream, self._sent_s)
        try:
            exchanger.readers.add(port.descriptor, self._read)
        except OSError:
            exchanger.ports.drop(port)
            raise
        self._port = port
        self._slot = slot = exchanger.deadlines.slot(self._sent_s + self._wait_s)
        slot[self] = None
        exchanger.leave(port, self._wire(), self)
        exchanger.loops.leave(self._spelled, self._question.qtype, self._upstream)
        self._relay.upstreams.under_way.add(self)

    def not_sent(self, error: OSError) -> Asking:
        """Who goes on, where ``send`` could not."""
        asking, trying = self._begun()
        trouble = self._relay.upstreams.failed(self._upstream, no_way(error), self._asked_s)
        asking.go_on_without(trying, trouble)
        return asking

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        if self._asking is not None:
            self._asking.cancel()
        elif (port := self._let_go()) is not None:
            self._done = None
            self._relay.exchanger.ports.drop(port)

    def fail(self, error: OSError) -> None:
        """The query did not leave."""
        if self._port is not None:
            self._hand_over()
        if self._waiting is not None:
            self._waiting.fail(error)

    def ring(self) -> None:
        """It takes longer than usual."""
        self._hand_over().ring()

    def _read(self) -> None:
        port = self._port
        assert port is not None
        buffer = self._relay.buffer
        try:
            octets = port.sock.recv_into(buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self._hand_over().fail(error)
            return
        wire = bytes(buffer[:octets])
        reply = self._reply(wire)
        if reply is None:
            self._hand_over().take(wire)
            return
        self._let_go()
        relay = self._relay
        relay.exchanger.ports.give_back(port, asyncio.get_running_loop().time())
        relay.upstreams.said(self._upstream, reply, self._asked_s)
        done, self._done = self._done, None  # whoever asked holds this, and is not held by it
        assert done is not None
        done(reply)

    def _reply(self, wire: bytes) -> Reply | None:
        """The usable reply in the response to our query; None: it is none, or there is none in it."""
        asked, question, traits = self._asked, self._question, self._traits
        end = HEADER_OCTETS + len(asked)
        if wire[:2] != self._id or wire[HEADER_OCTETS:end] != asked:
            return None
        plain = read(wire, end, question.name, question.qtype, question.do)
        if plain is None:
            return self._in_full(wire, end)
        reply, cookie = plain
        if not traits.accepts(cookie or b""):
            return None
        if cookie is not None:
            traits.knows_edns = True
        return reply

    def _in_full(self, wire: bytes, end: int) -> Reply | None:
        if wire[2] & (QR | OPCODE | TC) != QR or wire[4:6] != _ONE_QUESTION:
            return None
        name, qtype, do, _ = self._question
        with Caught() as caught:  # a bug is a bug of who goes on, too, and is told there
            try:
                response = Response(wire[:HEADER_OCTETS] + name + wire[end - 4 :], asked=name)
                reply = reduce(response, name, qtype, do)
            except UpstreamError:
                return None
        if caught.error is not None or reply.rcode not in USABLE:
            return None
        if not self._traits.accepts(response.cookie):
            return None
        if response.has_edns:
            self._traits.knows_edns = True
        return reply

    def _wire(self) -> bytes:
        header = self._id + _HEADERS[self._question.cd]
        return header + self._asked + our_opt(self._cookie, self._question.do)

    def _let_go(self) -> Port | None:
        """Wait no more; the socket is for whoever asks for this, once."""
        port, self._port = self._port, None
        if port is not None:
            self._slot.pop(self, None)
            self._relay.exchanger.loops.arrive(self._spelled, self._question.qtype)
            self._relay.upstreams.under_way.discard(self)
        return port

    def _hand_over(self) -> Waiting:
        """Have ``Asking`` go on from where this is."""
        port = self._let_go()
        assert port is not None
        asking, trying = self._begun()
        end = HEADER_OCTETS + len(self._asked)
        query = Query(self._wire(), end, self._question.name, Manner(cookie=self._cookie))
        self._waiting = trying.go_on(query, port, self._sent_s, self._wait_s)
        asking.go_on(trying)
        return self._waiting

    def _begun(self) -> tuple[Asking, Trying]:
        """What ``Upstreams.begin`` would have begun."""
        upstreams = self._relay.upstreams
        tries = upstreams.tries(Plan(self._upstreams.upstreams), self._upstreams, self._asked_s)
        attempt = tries.next(self._asked_s)
        assert attempt is not None
        if tries.due_s is not None:
            tries.due_s = self._asked_s + self._wait_s  # as it was then
        done, self._done = self._done, None
        assert done is not None
        self._asking = Asking(upstreams, self._question, tries, None, done)
        upstreams.under_way.add(self._asking)
        return self._asking, Trying(upstreams, self._question, attempt, self._asked_s, self._asking)

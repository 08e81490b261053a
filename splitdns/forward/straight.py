"""The straight way of a question: nobody else asks it, one query leaves, and one response gives the reply.

That is what nearly every question comes to that is not in the cache. Flights, waits, ports, readers and
deadlines each see to whatever may happen, and hand over to one another for that; where nothing does happen,
the handing over is most of the work. So one object is all of it here: the flight, the first who waits for it,
and the query on its way. It stands in the same tables as theirs, so whoever asks the same meets it there, and
the limits hold for it. As soon as anything else happens, a ``Relayed`` goes on as if it had sent the query
itself. What is believed, counted and kept is the same, and so are the octets that leave.

This is for where nothing is compiled: each of those has its own twin in C.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Hashable
from functools import partial
from typing import TYPE_CHECKING

from splitdns.answer.decide import Reply
from splitdns.errors import Caught
from splitdns.forward.asking import Outcome
from splitdns.forward.cache import Key
from splitdns.forward.deadlines import A_SECOND
from splitdns.forward.flights import MAX_FLIGHTS_PER_NAME, Flight, Flights
from splitdns.forward.policy import SHORTEST_TRY_S
from splitdns.forward.query import Question, drawn, our_opt
from splitdns.forward.relay import CLASS_IN, HEADERS, Relay, Relayed, reply_in
from splitdns.metrics import CACHE_MISSES, CACHE_REQUESTS, Counts
from splitdns.records import Type
from splitdns.tallies import Cell
from splitdns.value import filled
from splitdns.view import Carrier, Strategy, Upstream

if TYPE_CHECKING:
    from splitdns.forward.deadlines import Slot
    from splitdns.forward.forwarder import Forwarder
    from splitdns.forward.ports import Port
    from splitdns.forward.traits import Traits

_RECEIVE_OCTETS = 65_535
_TAILS: dict[int, bytes] = {rdtype: int(rdtype).to_bytes(2, "big") + CLASS_IN for rdtype in Type}

Replied = Callable[[Reply | Exception], None]


class Straight:
    """The straight way of one worker's questions."""

    def __init__(self, forwarder: Forwarder, counts: Counts, flights: Flights, relay: Relay) -> None:
        exchanger = relay.exchanger
        self.forwarder = forwarder
        self.flights = flights
        self.relay = relay
        self.health = relay.health
        self.upstreams = relay.upstreams
        self.clock = relay.upstreams.clock
        self.ports = exchanger.ports
        self.readers = exchanger.readers
        self.callbacks = exchanger.readers.callbacks
        self.slots = exchanger.deadlines.slots
        self.under_way = exchanger.loops.under_way
        self._exchanger = exchanger
        self._traits = exchanger.known.traits
        self._unsent = exchanger.unsent
        self._counts = counts
        self._misses: dict[str, tuple[Cell, Cell]] = {}  # by view, where they are counted
        self._is_open = relay.patience_s >= SHORTEST_TRY_S

    def begin(self, key: Key, spelled: bytes, client: Hashable, done: Replied) -> bool:
        """Ask what is unknown, as ``Forwarder.relay``; false: nothing was done, it takes a closer look."""
        view, upstreams, name, qtype, do, cd = key
        flights, loop, order = self.flights, self.readers.loop, upstreams.upstreams
        if (
            loop is None
            or not loop.is_running()
            or self.health.down
            or not self._is_open
            or (len(order) != 1 and (not order or upstreams.strategy is not Strategy.IN_ORDER))
            or upstreams.validation is not None
            or (spelled, qtype) in self.under_way
            or flights.closed
            or len(flights.flights) >= flights.max_flights
        ):
            return False
        upstream = order[0]
        traits, pulse = self._traits.get(upstream), self.health.pulses.get(upstream)
        if traits is None or pulse is None or upstream.carrier is not Carrier.UDP:
            return False
        sent_s = loop.time()
        same = flights.names.get(name, 0)
        if same >= MAX_FLIGHTS_PER_NAME or not traits.takes_all(sent_s) or key in flights.flights:
            return False
        waits = flights.clients.get(client)
        if waits is not None and len(waits) >= flights.max_waits:
            return False
        wait_s, share_s = pulse.wait_s, self.relay.patience_s / len(order)
        if wait_s > share_s:
            wait_s = share_s
        if wait_s > upstreams.timeout_s:
            wait_s = upstreams.timeout_s
        message_id, ours = drawn(name, self.ports.random)
        tail = _TAILS.get(qtype) or qtype.to_bytes(2, "big") + CLASS_IN
        opt = our_opt(traits.client_cookie + traits.server_cookie, do)
        wire = message_id + HEADERS[cd] + ours + tail + opt
        question = filled(Question, (name, qtype, do, cd))
        trip = Trip(self, key, question, upstream, traits, wire, ours, sent_s, wait_s, client, done)
        error = self._watch(trip, upstream, sent_s)
        requests, misses = self._misses.get(view) or self._misses_of(view)
        requests.count += 1
        misses.count += 1
        flights.flights[key] = trip
        flights.names[name] = same + 1
        if waits is None:
            flights.clients[client] = {trip: None}
        else:
            waits[trip] = None
        if error is not None:
            trip.not_sent(error)
            return True
        number = math.ceil((sent_s + wait_s) * A_SECOND)
        trip.slot = slot = self.slots.get(number) or self._exchanger.deadlines.slot(sent_s + wait_s)
        slot[trip] = None
        self.under_way[trip.leaving] = upstream
        port = trip.port
        assert port is not None
        if not self._unsent:
            self._exchanger.flush_soon()
        self._unsent.append((port.sock, wire, trip))
        return True

    def _watch(self, trip: Trip, upstream: Upstream, now_s: float) -> OSError | None:
        """Have the response to a query read; else why that cannot be."""
        try:
            port = self.ports.take(upstream, now_s)
            if port.descriptor in self.callbacks:
                self.callbacks[port.descriptor] = trip.read
            else:
                try:
                    self.readers.add(port.descriptor, trip.read)
                except OSError:
                    self.ports.drop(port)
                    raise
        except OSError as error:
            return error
        trip.port = port
        return None

    def _misses_of(self, view: str) -> tuple[Cell, Cell]:
        cell = self._counts.tallies.cell
        cells = self._misses[view] = cell(CACHE_REQUESTS, view), cell(CACHE_MISSES, view)
        return cells


class Trip(Flight):
    """One question: a flight, the first who waits for it, what flies, and whose query leaves soon.

    It holds itself, as what flies and among its waits, until it has landed.
    """

    __slots__ = (
        "_done",
        "_flushes",
        "_question",
        "_straight",
        "_traits",
        "_upstream",
        "_wait_s",
        "_wire",
        "asked_s",
        "client",
        "leaving",
        "port",
        "sent_s",
        "slot",
    )

    def __init__(
        self,
        straight: Straight,
        key: Key,
        question: Question,
        upstream: Upstream,
        traits: Traits,
        wire: bytes,
        ours: bytes,
        sent_s: float,
        wait_s: float,
        client: Hashable,
        done: Replied,
    ) -> None:
        """``ours`` is the name as it is spelled in ``wire``; the times are a Relayed's."""
        self._straight = straight
        self._flushes = straight.forwarder.flushes
        self._question = question
        self._upstream = upstream
        self._traits = traits
        self._wire = wire
        self._wait_s = wait_s
        self._done = done
        self.asked_s = self.started_s = straight.clock()
        self.client = client
        self.ended = None
        self.flying = self
        self.key = key
        self.leaving = ours, question.qtype
        self.port: Port | None = None  # while it waits for its response there
        self.sent_s = sent_s
        self.slot: Slot
        self.waits = {self: None}

    # As what flies

    def cancel(self) -> None:
        """Nobody wants to know any more."""
        if (port := self._let_go()) is not None:
            self._straight.ports.drop(port)

    # As a wait

    timer: asyncio.TimerHandle | None = None  # for as long as it takes

    @property
    def flight(self) -> Trip:
        return self

    def done(self, outcome: Outcome | Exception | None) -> None:
        """Tell who has waited from the first."""
        self._straight.forwarder.settle(self.key, None, self._done, outcome)

    # As a query on its way

    def read(self) -> None:
        """Look at what has come."""
        assert self.port is not None
        try:
            wire = self.port.sock.recv(_RECEIVE_OCTETS)
        except BlockingIOError:
            return
        except OSError as error:
            self.fail(error)
            return
        reply = reply_in(wire, self._wire, self._question, self._traits)
        if reply is None:
            relayed = self._go_on()
            self._straight.relay.look(relayed, wire)
        else:
            self._land(reply)

    def fail(self, error: OSError) -> None:
        """The query did not leave, or the upstream cannot be reached."""
        if self.port is not None:
            self._go_on().fail(error)
        elif isinstance(self.flying, Relayed):
            self.flying.fail(error)

    def ring(self) -> None:
        """It takes longer than usual."""
        self._go_on().ring()

    def _land(self, reply: Reply) -> None:
        """It is answered: for its port, its upstream, the cache, the flights and the client."""
        straight, port, key = self._straight, self._let_go(), self.key
        assert port is not None
        loop = straight.readers.loop
        assert loop is not None
        straight.ports.see_to(port, loop.time())
        now_s = straight.upstreams.said(self._upstream, reply, self.asked_s)
        flights = straight.flights
        with Caught() as caught:
            reply = straight.forwarder.keep(key, self._flushes, reply, now_s)
        if caught.error is not None:
            flights.landed(self, caught.error)
            return
        waits = self.waits
        if len(waits) != 1 or self not in waits or self.ended is not None or flights.empty is not None:
            flights.landed(self, reply)
            return
        del flights.flights[key]
        names, name = flights.names, key.name
        same = names.pop(name) - 1
        if same:
            names[name] = same
        waits.clear()
        waits = flights.clients[self.client]
        del waits[self]
        if not waits:
            del flights.clients[self.client]
        self._done(reply)

    def _let_go(self) -> Port | None:
        port, self.port, self.flying = self.port, None, None
        if port is not None:
            self.slot.pop(self, None)
            self._straight.under_way.pop(self.leaving, None)
        return port

    def not_sent(self, error: OSError) -> None:
        """It could not be sent: others go on."""
        self.flying = self._straight.relay.not_sent(self._as_relayed(), error)

    def _go_on(self) -> Relayed:
        """Who goes on from where this is."""
        port = self._let_go()
        assert port is not None
        self.flying = relayed = self._as_relayed()
        relayed.go_on(port)
        return relayed

    def _as_relayed(self) -> Relayed:
        straight, key = self._straight, self.key
        done = partial(straight.forwarder.learn, key, self._flushes, partial(straight.flights.landed, self))
        relayed = Relayed(
            straight.relay,
            self._question,
            key.upstreams,
            self._upstream,
            self._traits,
            done,
            asyncio.get_running_loop(),
            self.sent_s,
            self._wait_s,
        )
        relayed.set(self._wire, self.leaving[0], self.asked_s)
        return relayed

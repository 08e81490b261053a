"""What the way of a plain question to upstreams is made of: the parts in Python, and the same compiled.

They work on the same ports, deadlines and counts; here is where those are handed over.
"""

from __future__ import annotations

import asyncio
import select
from collections.abc import Callable, Hashable
from functools import partial
from types import ModuleType
from typing import Any, Protocol

from splitdns import accelerator
from splitdns.answer.decide import Reply
from splitdns.forward.asking import Done, Outcome
from splitdns.forward.cache import Cache, Entry, Key
from splitdns.forward.drawing import Drawing
from splitdns.forward.exchange import Leaving, SendAll, send_all
from splitdns.forward.failures import Failures
from splitdns.forward.flights import Flight, Flights, Waiter
from splitdns.forward.health import Pulse
from splitdns.forward.plain import UNSIGNED
from splitdns.forward.policy import SHORTEST_TRY_S
from splitdns.forward.ports import Port, Ports
from splitdns.forward.readers import Callbacks, Drain, drain
from splitdns.forward.relay import Makes, Relay, Relayed
from splitdns.forward.straight import Straight
from splitdns.metrics import DURATION_BUCKETS_S
from splitdns.records import RRset, Type
from splitdns.value import value
from splitdns.view import Carrier, Strategy, Upstream
from splitdns.wire.header import AD


class Learns(Protocol):
    """Who keeps what flights bring, and passes it on; ``flushes`` is how often all was forgotten."""

    flushes: int

    def learn(self, key: Key, flushes: int, landed: Done, outcome: Outcome | Exception, /) -> None: ...


Learner = Callable[[Key, int, Done], Done]  # all of ``learn`` but the outcome


@value(frozen=True, slots=True)
class Parts:
    """Those of one kind; they do not mix."""

    relayed: Callable[[Relay], Makes]
    drain: Drain
    send_all: SendAll
    pulse: Callable[[], Pulse]
    ports: type[Ports]
    drawing: Callable[[], Drawing]
    flights: type[Flights]
    cache: type[Cache]
    learner: Callable[[Learns, Failures[Key], Cache, Callable[[], float]], Learner]
    straight: type[Straight] | None  # None: there is no need


def _relayed(relay: Relay) -> Makes:
    def relayed(*asked: Any) -> Relayed:
        made = Relayed(relay, *asked)
        made.draw()
        return made

    return relayed, None


def _learner(learns: Learns, *_: object) -> Learner:
    return partial(partial, learns.learn)


PURE = Parts(_relayed, drain, send_all, Pulse, Ports, Drawing, Flights, Cache, _learner, Straight)


def _compiled() -> Parts | None:
    if accelerator.NATIVE is None:
        return None
    native: ModuleType = accelerator.NATIVE

    def relayed(relay: Relay) -> Makes:
        exchanger, upstreams = relay.exchanger, relay.upstreams
        readers, deadlines, ports = exchanger.readers, exchanger.deadlines, exchanger.ports
        handed_over = (
            relay,
            readers,
            readers.callbacks,
            deadlines.slots,
            deadlines.slot,
            exchanger.unsent,
            exchanger.flush_soon,
            exchanger.loops.under_way,
            upstreams.under_way,
            ports,
            ports.random,
            ports.page,
            upstreams.clock,
            upstreams.said,
            upstreams.durations,
            relay.health.pulses,
            Reply,
            RRset,
            Type.SOA,
            (UNSIGNED[0], UNSIGNED[AD]),
            DURATION_BUCKETS_S,
            relay.health,
            exchanger.known.traits,
            Strategy.IN_ORDER,
            Carrier.UDP,
            asyncio.get_running_loop,
        )
        relays = native.Relays(handed_over, relay.patience_s)
        return relays.relayed, relays.begin if relay.patience_s >= SHORTEST_TRY_S else None

    def drained(epoll: select.epoll, callbacks: Callbacks) -> None:
        native.drain(epoll.fileno(), callbacks)

    def sent(unsent: list[Leaving]) -> None:
        native.send_all(unsent)

    class CompiledPorts(Ports):
        def take(self, upstream: Upstream, now_s: float) -> Port:
            port: Port = native.take(self, upstream, now_s)
            return port

        def give_back(self, port: Port, now_s: float) -> None:
            native.give_back(self, port, now_s)

    class CompiledFlights(Flights):
        def begin(self, key: Key) -> Flight:
            flight: Flight | None = native.begin_flight(self, key)
            return super().begin(key) if flight is None else flight

        def wait(self, flight: Flight, client: Hashable, until_s: float | None, done: Waiter) -> None:
            if until_s is not None or not native.begin_wait(self, flight, client, done):
                super().wait(flight, client, until_s, done)

    def drawing() -> Drawing:
        return Drawing(native.Page())

    class CompiledCache(Cache):
        def remember(self, key: Key, reply: Reply, now_s: float, *, keep: bool = True) -> Reply:
            if keep and native.keep_reply(self, key, reply, now_s, Entry):
                return reply
            return super().remember(key, reply, now_s, keep=keep)

    def learner(
        learns: Learns, failures: Failures[Key], cache: Cache, clock: Callable[[], float]
    ) -> Learner:
        learning = native.Learning(learns, learns.learn, failures, cache, clock, Reply, Entry)
        made: Learner = learning.learner
        return made

    return Parts(
        relayed,
        drained,
        sent,
        native.Pulse,
        CompiledPorts,
        drawing,
        CompiledFlights,
        CompiledCache,
        learner,
        None,
    )


COMPILED = _compiled()  # None where it was not built
PARTS = COMPILED if COMPILED is not None and accelerator.RUNS else PURE

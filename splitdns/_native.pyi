"""What is there a second time, compiled: the loop of ``serve``, and the plain way of ``forward``.

``Limit`` is ``limits.Buckets.take`` on the same array, ``Direct`` is ``answer/direct`` on the same blocks.
``Relays`` makes what ``forward.relay.Relayed`` is, ``Pulse`` is ``forward.health.Pulse``, ``Page`` a page of
``Drawing``, ``Later`` is ``serve.batch.Batch.send_back``, ``Requests`` is ``metrics.Counts.request``.
``Learning`` makes what ``Forwarder.learn`` is, ``Replying`` what ``Pipeline.go_on`` is. Functions have the
names of those in Python.
"""

from array import array
from collections.abc import Callable, Hashable
from mmap import mmap
from typing import Any

from splitdns.answer.decide import Reply
from splitdns.answer.passing import Guard
from splitdns.forward.asking import Done
from splitdns.forward.cache import Cache, Entry, Key
from splitdns.forward.exchange import Leaving
from splitdns.forward.failures import Failures
from splitdns.forward.flights import Flight, Flights, Waiter
from splitdns.forward.health import Pulse as Pulse
from splitdns.forward.parts import Learner, Learns
from splitdns.forward.ports import Port, Ports
from splitdns.forward.query import Question
from splitdns.forward.readers import Callbacks
from splitdns.forward.relay import Relayed
from splitdns.serve.batch import Origin
from splitdns.serve.loop import Clients, Tally, Usual
from splitdns.serve.loop import Ready as Ready
from splitdns.serve.loop import Way as Way
from splitdns.serve.parts import Replier, Replies, Request
from splitdns.view import Upstream, UpstreamSet
from splitdns.wire.message import Transport

class Limit:
    def __init__(self, due_s: array[float], cost_s: float, window_s: float, /) -> None: ...
    def take(self, slot: int, now_s: float, /) -> bool: ...

class Direct:
    def __init__(
        self,
        recursion: bool,
        outside: bool,
        payload_octets: int,
        types: bytes,
        inside: tuple[tuple[bytes, int, int], ...],
        hidden: tuple[bytes, ...],
        names: tuple[bytes, ...],
        grounds: tuple[tuple[Any, ...] | None, ...],
        /,
    ) -> None: ...

class Loop:
    unsent: int
    @property
    def tallied(self) -> int: ...
    def __init__(
        self,
        fd: int,
        of_ipv6: bool,
        memory: mmap,
        octets: int,
        control_octets: int,
        clients: Clients,
        usual: Usual,
        bounds: tuple[float, ...],
        /,
    ) -> None: ...
    def drain(self) -> list[Tally]: ...
    def origin(self, number: int, /) -> Origin: ...
    def turn(self, clock: Callable[[], float], /) -> bool: ...

class Later:
    def __init__(self, fd: int, of_ipv6: bool, control_octets: int, /) -> None: ...
    def send(self, unsent: list[tuple[bytes, Origin]], /) -> int: ...

class Requests:
    def __init__(self, *tables: object) -> None: ...
    request: Request

class Relays:
    def __init__(self, handed_over: tuple[object, ...], patience_s: float, /) -> None: ...
    def relayed(self, *asked: object) -> Relayed: ...
    def begin(self, question: Question, upstreams: UpstreamSet, done: Done, /) -> Relayed | None: ...

class Learning:
    def __init__(
        self,
        learns: Learns,
        learn: Callable[..., None],
        failures: Failures[Key],
        cache: Cache,
        clock: Callable[[], float],
        reply: type[Reply],
        entry: type[Entry],
        /,
    ) -> None: ...
    learner: Learner

class Replying:
    def __init__(
        self,
        replies: Replies,
        go_on: Callable[..., None],
        clock: Callable[[], float],
        request: Request,
        reply: type[Reply],
        zone: str,
        plugin: str,
        /,
    ) -> None: ...
    replier: Replier

def key(wire: bytes, transport: Transport, payload_octets: int, /) -> bytes | None: ...
def joined(
    reply: Reply, wire: bytes, key: bytes, flags: int, opt: bytes, room_octets: int, guard: Guard | None, /
) -> bytes | None: ...
class Page:
    def randbytes(self, octets: int, /) -> bytes: ...
    def forget(self) -> None: ...

def take(ports: Ports, upstream: Upstream, now_s: float, /) -> Port: ...
def give_back(ports: Ports, port: Port, now_s: float, /) -> None: ...
def begin_flight(flights: Flights, key: Key, /) -> Flight | None: ...
def begin_wait(flights: Flights, flight: Flight, client: Hashable, done: Waiter, /) -> bool: ...
def keep_reply(cache: Cache, key: Key, reply: Reply, now_s: float, entry: type[Entry], /) -> bool: ...
def drain(epoll: int, callbacks: Callbacks, /) -> None: ...
def send_all(unsent: list[Leaving], /) -> None: ...

"""What the way of a query is made of here: the parts in Python, and the same compiled.

They work on the same clients, limits, counts and zones; here is where those are handed over.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from splitdns import accelerator
from splitdns.addresses import EMBEDDED, INSIDE_PREFIXES
from splitdns.answer.decide import Reply
from splitdns.answer.direct import Direct, Ground
from splitdns.answer.limits import Buckets
from splitdns.answer.passing import Join, joined
from splitdns.metrics import DURATION_BUCKETS_S, SIZE_SLOT, TYPE_LABELS, Counts
from splitdns.serve.batch import Batch, Origin
from splitdns.serve.loop import Clients, Limit, Loop, Ready, Tally, Usual, Way
from splitdns.value import value
from splitdns.wire import scan
from splitdns.wire.message import Transport

if TYPE_CHECKING:
    from splitdns.serve.pipeline import Pending

TYPES = 300  # that a compiled ``Direct`` knows of; those beyond go the long way


WayOf = Callable[[str], Way]  # by the label of a zone
Request = Callable[[str, str, str, str, int, int, bool, int, str, int, int, float], None]  # Counts.request
Replier = Callable[["Pending", Callable[[bytes | None], None]], Callable[[Reply | Exception], None]]
SendBack = Callable[[list[tuple[bytes, Origin]]], int]  # ``Batch.send_back``


NO_ZONE, UPSTREAM = ".", "forward"  # by whom it is counted what goes to the client as an upstream said it


class Replies(Protocol):
    """Who tells clients what upstreams replied; ``go_on`` is a ``Replier``'s, and all there is to it."""

    @property
    def query_log(self) -> object: ...
    @property
    def clock(self) -> Callable[[], float]: ...
    def go_on(
        self, pending: Pending, done: Callable[[bytes | None], None], replied: Reply | Exception, /
    ) -> None: ...


class Turns(Protocol):
    """A ``loop.Loop`` of either kind."""

    unsent: int

    @property
    def tallied(self) -> int: ...
    def turn(self, clock: Callable[[], float], /) -> bool: ...
    def drain(self) -> list[Tally]: ...
    def origin(self, number: int, /) -> Origin: ...


@value(frozen=True, slots=True)
class Parts:
    """Those of one kind. Those of a loop do not mix with those of the other."""

    ready: type[Ready]
    way: type[Way]
    limit: Callable[[Buckets], Limit]
    direct: Callable[[Direct, WayOf], object]
    loop: Callable[[Batch, Clients, Usual], Turns]
    send_back: Callable[[Batch], SendBack]
    key: Callable[[bytes, Transport, int], bytes | None]  # scan.key
    join: Join
    request: Callable[[Counts], Request]
    replier: Callable[[Replies, Request], Replier]


def laid_out(direct: Direct, way_of: WayOf) -> tuple[Any, ...]:
    """What ``direct`` goes by, for who does the same in C; the owner of a ground is what it is counted by."""
    view = direct.view
    inside = [(prefix.network_address.packed, prefix.prefixlen, 0) for prefix in INSIDE_PREFIXES]
    inside += [(prefix.ljust(16, b"\0"), 8 * len(prefix), at) for prefix, at in EMBEDDED]
    hidden = sorted(address.ljust(16, b"\0") for address in view.hidden_addresses)

    def ground(one: Ground) -> tuple[Any, ...]:
        def deny(name: bytes, key: int) -> bytes | None:
            return direct.deny(one, name.lower(), key)

        owner = (one.label, view.name)
        return one.block, one.apex_octets, one.closed, one.denials, deny, way_of(one.label), owner

    grounds = tuple(ground(one) if one else None for one in direct.grounds.values())
    answered = direct.types
    types = bytes(rdtype in answered for rdtype in range(TYPES))
    flags = view.recursion, view.outside
    return *flags, direct.payload_octets, types, tuple(inside), tuple(hidden), tuple(direct.grounds), grounds


def _loop(batch: Batch, clients: Clients, usual: Usual) -> Turns:
    return Loop(batch, clients, usual, DURATION_BUCKETS_S)


PURE = Parts(
    Ready,
    Way,
    lambda buckets: buckets,
    lambda direct, way_of: direct.answer,
    _loop,
    lambda batch: batch.send_back,
    scan.key,
    joined,
    lambda counts: counts.request,
    lambda replies, _: partial(partial, replies.go_on),
)


def _compiled() -> Parts | None:
    native = accelerator.NATIVE
    if native is None:
        return None

    def limit(buckets: Buckets) -> Limit:
        made: Limit = native.Limit(buckets.due_s, buckets.cost_s, buckets.window_s)
        return made

    def direct(of: Direct, way_of: WayOf) -> object:
        return native.Direct(*laid_out(of, way_of))

    def loop(batch: Batch, clients: Clients, usual: Usual) -> Turns:
        made: Turns = native.Loop(*batch.layout, clients, usual, DURATION_BUCKETS_S)
        return made

    def send_back(batch: Batch) -> SendBack:
        layout = batch.layout
        sent: SendBack = native.Later(layout.fd, layout.of_ipv6, layout.control_octets).send
        return sent

    def request(counts: Counts) -> Request:
        tables = counts.requests, counts.traffic, counts.traffic_of
        made: Request = native.Requests(*tables, TYPE_LABELS, DURATION_BUCKETS_S, SIZE_SLOT).request
        return made

    def replier(replies: Replies, request: Request) -> Replier:
        replying = native.Replying(replies, replies.go_on, replies.clock, request, Reply, NO_ZONE, UPSTREAM)
        made: Replier = replying.replier
        return made

    return Parts(
        native.Ready, native.Way, limit, direct, loop, send_back, native.key, native.joined, request, replier
    )


COMPILED = _compiled()  # None where it was not built
PARTS = COMPILED if COMPILED is not None and accelerator.RUNS else PURE

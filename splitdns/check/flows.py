"""Packets on their way: boxes of packets, and headers that say which of a box's fields stands where.

A flow is a box in the coordinates of the question: who asks, to which destination, protocol and ports. Its
header holds references into the box, so that a rewritten address is another reference, the way back can put
the original in its place again, and whatever is learnt of a packet late in its way narrows the box from which
it came. Where a translation may choose among several numbers, the choice is a further field of the box.
"""

from __future__ import annotations

from typing import NamedTuple

from splitdns.check.rules import State
from splitdns.check.sets import NONE, Numbers
from splitdns.check.sources import Link, Sources
from splitdns.check.verdict import Act

CONSTANT, WHO, DESTINATION, PROTOCOL, SOURCE_PORT, DESTINATION_PORT = -1, 0, 1, 2, 3, 4
CHOSEN = 5  # the first field that is a choice on the way, not a part of the question

Ref = tuple[int, int]
"""A field of the box and what is added to it; of ``CONSTANT``, the number itself."""


class Header(NamedTuple):
    """What stands in a packet. The destination port of an ICMP message is its type."""

    source: Ref
    destination: Ref
    protocol: Ref
    source_port: Ref
    destination_port: Ref


ASKED = Header((WHO, 0), (DESTINATION, 0), (PROTOCOL, 0), (SOURCE_PORT, 0), (DESTINATION_PORT, 0))


class Connection(NamedTuple):
    """What conntrack remembers: the header of the first packet, as it came and as it left.

    ``has_ports``: whether translations can change them. ``bound``: whether destination and source have had
    their turn at the NAT chains.
    """

    original: Header
    translated: Header
    has_ports: bool
    bound: tuple[bool, bool] = (False, False)
    replied: bool = False
    mark: int = 0


class Stop(NamedTuple):
    """A place on the way, with the header of the packet that leaves it; ``before`` is the stop before."""

    before: Stop | None
    where: str
    header: Header
    acts: tuple[Act, ...]
    says: str


class Root:
    """A flow of which it was first not known what becomes: all that may become of it has this root."""

    __slots__ = ("flow",)

    def __init__(self, flow: Flow) -> None:
        self.flow = flow


class Flow(NamedTuple):
    """A box of packets, alike in all that has happened to them so far."""

    sources: Sources
    who: int
    values: tuple[Numbers, ...]  # by field; of WHO nothing, the mask says it
    header: Header
    home: Link  # where the client's packets come in, and where replies have to go
    asked: Header = ASKED  # what the client sent
    incoming: Link | None = None
    outgoing: Link | None = None
    via: int | None = None  # the next router
    state: State = State.INVALID
    is_reply: bool = False
    one_way: bool = False  # an ICMP message that nothing answers
    flags: int = 0  # of TCP
    connection: Connection | None = None
    mark: int = 0
    arrived: Header | None = None  # what the server got
    server: str | None = None  # who that is, once arrived
    refused: bool = False  # what the server answers is that nobody listens
    passed: int = 0  # which of the two ways led through the gateway
    crossed: bool = False  # the client's frames cross a bridge of the gateway to the server's port
    crossed_back: bool = False  # the server's frames cross it
    redirected: bool = False  # as a frame to somebody on the bridge by which it came, by a rule
    apart: bool | None = None  # whether client and server are behind different ports of a bridge
    sees_frames: bool | None = None  # whether rules see what is only bridged, once that was asked
    came: Link | None = None  # by which the client's packets came there
    came_back: Link | None = None  # by which the server's did
    root: Root | None = None  # where the first choice was that is not the packet's own
    reasons: tuple[str, ...] = ()
    stops: Stop | None = None
    acts: tuple[Act, ...] = ()

    @property
    def tracked(self) -> Connection | None:
        """The connection as a rule sees it now."""
        if self.state in (State.INVALID, State.UNTRACKED):
            return None
        return self.connection

    def of(self, ref: Ref) -> Numbers:
        """The numbers that ``ref`` stands for."""
        field, more = ref
        if field == CONSTANT:
            return Numbers.one(more)
        numbers = self.sources.all_numbers(self.who) if field == WHO else self.values[field]
        return numbers.shifted(more) if more else numbers

    def narrowed(self, field: int, numbers: Numbers) -> Flow:
        return self._replace(values=(*self.values[:field], numbers, *self.values[field + 1 :]))

    def unsure(self, reason: str) -> Flow:
        """The same, one of several ways that the packets may take for all that is known."""
        reasons = self.reasons if reason in self.reasons else (*self.reasons, reason)
        return self._replace(root=self.root or Root(self), reasons=reasons)

    def stopped(self, where: str, says: str = "") -> Flow:
        """The same, with one more stop, to which all acts since the last one belong."""
        return self._replace(stops=Stop(self.stops, where, self.header, self.acts, says), acts=())

    def without_history(self) -> Flow:
        """What decides about its future: equal for flows that only came to be what they are differently."""
        return self._replace(stops=None, acts=(), reasons=())

    def split(self, ref: Ref, numbers: Numbers) -> tuple[Flow | None, Flow | None]:
        """Those packets whose ``ref`` is in ``numbers``, and the others."""
        field, more = ref
        if field == CONSTANT:
            return (self, None) if more in numbers else (None, self)
        wanted = numbers.shifted(-more) if more else numbers
        if field == WHO:
            return self.split_who(self.sources.mask_of(wanted))
        values = self.values[field]
        single = values.single
        if single is not None:
            return (self, None) if single in wanted else (None, self)
        common = values & wanted
        if not common:
            return None, self
        if common == values:
            return self, None
        flow = self
        if field >= CHOSEN:
            flow = self.unsure("one of several addresses or ports is taken")
        return flow.narrowed(field, common), flow.narrowed(field, values - wanted)

    def split_who(self, mask: int) -> tuple[Flow | None, Flow | None]:
        """Those of the clients in ``mask``, and of the others."""
        yes = self.who & mask
        if yes == self.who:
            return self, None
        if not yes:
            return None, self
        return self._replace(who=yes), self._replace(who=self.who & ~mask)

    def choose(self, numbers: Numbers) -> tuple[Flow, Ref]:
        """A reference to one of ``numbers``, whichever."""
        if (single := numbers.single) is not None:
            return self, (CONSTANT, single)
        return self._replace(values=(*self.values, numbers)), (len(self.values), 0)


def merged(flows: list[Flow]) -> list[Flow]:
    """Without those that are what another is: what may be or not, and is then the same, is one."""
    if len(flows) < 2 or not any(flow.root for flow in flows):
        return flows
    known: dict[Flow, Flow] = {}
    for flow in flows:
        key = flow.without_history()
        other = known.get(key)
        if other is None:
            known[key] = flow
        elif other.reasons != flow.reasons:
            known[key] = other._replace(reasons=tuple(dict.fromkeys(other.reasons + flow.reasons)))
    return list(known.values())


def split_equal(flow: Flow, one: Ref, other: Ref) -> tuple[list[Flow], list[Flow]]:
    """Those packets in which two references stand for the same number, and the others."""
    if one == other:
        return [flow], []
    if one[0] == other[0]:
        return [], [flow]
    if other[0] == CONSTANT:
        one, other = other, one
    equal, rest = [], [flow]
    for low, high in (flow.of(one) & flow.of(other)).ranges:
        for number in range(low, high + 1):
            both, rest = _split_off(rest, one, other, Numbers.one(number))
            equal += both
    return equal, rest


def _split_off(flows: list[Flow], one: Ref, other: Ref, number: Numbers) -> tuple[list[Flow], list[Flow]]:
    both, rest = [], []
    for flow in flows:
        yes, no = flow.split(one, number)
        if yes is not None:
            yes, other_no = yes.split(other, number)
            both += [yes] if yes is not None else []
            rest += [other_no] if other_no is not None else []
        rest += [no] if no is not None else []
    return both, rest


def start(sources: Sources, who: int, fields: tuple[Numbers, Numbers, Numbers, Numbers], home: Link) -> Flow:
    """What clients ``who`` send; ``fields``: destination, protocols, source and destination ports."""
    return Flow(sources, who, (NONE, *fields), ASKED, home)


"""From endings to results: for each packet of a question, everything that may become of it.

Endings that were reached without a choice are disjoint. Those after one overlap; they are cut into cells, in
each of which the same endings are possible. Stages are only made when someone reads them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, overload

from splitdns.check.flows import ASKED, WHO, Flow, Header, Ref, Root, Stop
from splitdns.check.sets import Numbers
from splitdns.check.verdict import Act, Endpoint, Outcome, Packets, Result, Stage, Verdict

FIELDS = 5  # of a question's packets: who, destination, protocol, source port, destination port


MAX_BOXES = 500  # of one choice; where more packets are treated differently, all may end in every way
_REACHED_NOBODY = (Verdict.DROPPED, Verdict.NO_ROUTE)  # lost is lost, whether the request or the answer


class Ending(NamedTuple):
    """Where packets came to; ``verdict`` None: the walk gave up on them."""

    flow: Flow
    verdict: Verdict | None


class Trail(Sequence[Stage]):
    """The stages of a flow's way for one of its clients, made when they are read."""

    __slots__ = ("_family", "_flow", "_stages", "_which")

    def __init__(self, flow: Flow, which: int, family: int) -> None:
        self._flow, self._which, self._family = flow, which, family
        self._stages: tuple[Stage, ...] | None = None

    def _made(self) -> tuple[Stage, ...]:
        if self._stages is None:
            stops: list[Stop] = []
            at = self._flow.stops
            while at is not None:
                stops.append(at)
                at = at.before
            self._stages = tuple(self._stage(one) for one in reversed(stops))
        return self._stages

    def _stage(self, stop: Stop) -> Stage:
        seen = packets(self._flow, stop.header, self._which, self._family)
        return Stage(stop.where, seen, stop.acts, stop.says)

    @overload
    def __getitem__(self, at: int) -> Stage: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[Stage]: ...
    def __getitem__(self, at: int | slice) -> Stage | Sequence[Stage]:
        return self._made()[at]

    def __len__(self) -> int:
        return len(self._made())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(self._made())

    def __repr__(self) -> str:
        return repr(self._made())


def packets(flow: Flow, header: Header, which: int, family: int) -> Packets:
    """The packets of ``flow`` with ``header``, of one of its clients."""
    return Packets(family, *(_numbers(flow, ref, which) for ref in header))


def _numbers(flow: Flow, ref: Ref, which: int) -> Numbers:
    if ref[0] != WHO:
        return flow.of(ref)
    numbers = flow.sources.numbers(which, flow.who)
    return numbers.shifted(ref[1]) if ref[1] else numbers


def results(endings: Sequence[Ending], family: int) -> Iterator[Result]:
    """The results of a walk, each packet of it in exactly one."""
    unsure: dict[Root, list[Ending]] = {}
    for one in endings:
        if one.flow.root is not None:
            unsure.setdefault(one.flow.root, []).append(one)
        else:
            yield from _by_client(one.flow, [one], family)
    for root, group in unsure.items():
        for cell, possible in _cells(group, root):
            yield from _by_client(cell, possible, family)


def _by_client(cell: Flow, possible: Sequence[Ending], family: int) -> Iterator[Result]:
    """``cell``: a flow whose box is the packets', ``possible``: what may become of them."""
    for which, mask in enumerate(cell.sources.masks):
        if cell.who & mask:
            yield _result(cell, possible, which, family)


def _result(cell: Flow, possible: Sequence[Ending], which: int, family: int) -> Result:
    outcomes: dict[tuple[object, ...], Outcome] = {}
    truncated = False
    reasons: dict[str, None] = {}
    for flow, verdict in possible:
        reasons.update(dict.fromkeys(flow.reasons))
        if verdict is None:
            truncated = True
            continue
        inside = flow if flow is cell else _within(flow, cell)
        endpoint = None if verdict in _REACHED_NOBODY else _endpoint(inside, which)
        whom: tuple[object, ...] = (verdict,)
        if endpoint is not None:
            whom = verdict, endpoint.host, endpoint.addresses, endpoint.ports
        if whom not in outcomes:
            outcomes[whom] = Outcome(verdict, Trail(inside, which, family), endpoint, _acts(inside))
        elif endpoint is not None:  # met as somebody else, but it is the same that is met
            outcomes[whom] = _seen_too(outcomes[whom], endpoint.seen_source)
    certain = len(outcomes) == 1 and not truncated
    return Result(
        cell.sources.clients[which],
        packets(cell, ASKED, which, family),
        tuple(outcomes.values()),
        () if certain else tuple(reasons),
        truncated,
    )


def _acts(flow: Flow) -> tuple[Act, ...]:
    found: list[tuple[Act, ...]] = []
    at = flow.stops
    while at is not None:
        if at.acts:
            found.append(at.acts)
        at = at.before
    return tuple(act for acts in reversed(found) for act in acts)


def _seen_too(outcome: Outcome, source: Numbers) -> Outcome:
    endpoint = outcome.endpoint
    if endpoint is None or source <= endpoint.seen_source:
        return outcome
    return replace(outcome, endpoint=replace(endpoint, seen_source=endpoint.seen_source | source))


def _within(flow: Flow, cell: Flow) -> Flow:
    return flow._replace(who=cell.who, values=cell.values[:FIELDS] + flow.values[FIELDS:])


def _endpoint(flow: Flow, which: int) -> Endpoint | None:
    header = flow.arrived
    if header is None:
        return None
    return Endpoint(
        flow.server,
        _numbers(flow, header.destination, which),
        _numbers(flow, header.destination_port, which),
        _numbers(flow, header.source, which),
    )


def _cells(endings: Sequence[Ending], root: Root) -> Iterator[tuple[Flow, list[Ending]]]:
    by_box: dict[tuple[object, ...], list[Ending]] = {}
    for one in endings:
        by_box.setdefault((one.flow.who, *one.flow.values[1:FIELDS]), []).append(one)
    if len(by_box) > MAX_BOXES:
        too_many = Ending(root.flow.unsure("too many cases to tell apart"), None)
        yield root.flow, [*endings, too_many]
        return
    cells: list[tuple[Flow, list[Ending]]] = []
    for group in by_box.values():
        rest = [group[0].flow]
        after: list[tuple[Flow, list[Ending]]] = []
        for cell, possible in cells:
            common, outside = _parted(cell, group[0].flow)
            after += ((part, possible) for part in outside)
            if common is not None:
                after.append((common, possible + group))
                rest = [part for one in rest for part in _parted(one, common)[1]]
        cells = after + [(part, group) for part in rest]
    yield from cells


def _parted(one: Flow, other: Flow) -> tuple[Flow | None, list[Flow]]:
    """The box of ``one`` within that of ``other``, and outside of it."""
    outside: list[Flow] = []
    inside, beyond = one.split_who(other.who)
    if beyond is not None:
        outside.append(beyond)
    for field in range(1, FIELDS):
        if inside is None:
            return None, [one]
        common = inside.values[field] & other.values[field]
        if not common:
            return None, [one]
        if common != inside.values[field]:
            outside.append(inside.narrowed(field, inside.values[field] - other.values[field]))
            inside = inside.narrowed(field, common)
    return inside, outside

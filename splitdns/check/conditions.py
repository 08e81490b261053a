"""Whether a condition of a rule holds: for which packets of a flow it does, and for which it does not.

Where that is not known, the packets are on both sides, and unsure of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from splitdns.check.flows import Flow, Ref
from splitdns.check.rules import (
    ICMP,
    ICMP6,
    TCP,
    WITH_PORTS,
    Addresses,
    AddressTypes,
    AnyOf,
    Condition,
    Direction,
    IcmpTypes,
    Interfaces,
    Mark,
    Of,
    Original,
    Ports,
    Protocols,
    ReversePath,
    Side,
    States,
    TcpFlags,
    Translated,
    Unknown,
)
from splitdns.check.sets import Numbers
from splitdns.check.sources import Link

Parts = tuple[list[Flow], list[Flow]]
"""Those for which it holds, those for which it does not."""

PORTED = Numbers.of(*((one, one) for one in WITH_PORTS))
ONLY_TCP = Numbers.one(TCP)
MESSAGES = Numbers.of((ICMP, ICMP), (ICMP6, ICMP6))


@dataclass(slots=True)
class Budget:
    """How many more clauses may be tried; none ends the walk with what it has."""

    left: int

    def spend(self) -> bool:
        self.left -= 1
        return self.left >= 0


class NextHop(Protocol):
    """What ``way`` tells of where packets go next."""

    @property
    def kind(self) -> str: ...
    @property
    def interface(self) -> str | None: ...


@dataclass(slots=True)
class Around:
    """What conditions ask of their surroundings: kinds of addresses, sieves for sets of tuples, routes."""

    numbers_of: Callable[[frozenset[str], str | None], Numbers]
    any_of: Callable[[AnyOf, Flow], Parts]
    way: Callable[[Flow, Ref, Ref, Link | None, int], Iterable[tuple[Flow, Sequence[tuple[int, NextHop]]]]]


def split_all(flow: Flow, conditions: Sequence[Condition], around: Around) -> Parts:
    """Those packets for which all of ``conditions`` hold, and the others."""
    yes: list[Flow] = [flow]
    no: list[Flow] = []
    for condition in conditions:
        held: list[Flow] = []
        for one in yes:
            holding, not_holding = split(one, condition, around)
            held += holding
            no += not_holding
        yes = held
        if not yes:
            break
    return yes, no


def split(flow: Flow, condition: Condition, around: Around) -> Parts:
    """Those packets for which ``condition`` holds, and the others; where it may, both."""
    match condition:
        case Addresses(side, numbers):
            return _on(flow, flow.header.source if side is Side.SOURCE else flow.header.destination, numbers)
        case Protocols(numbers):
            return _on(flow, flow.header.protocol, numbers)
        case Ports(side, numbers):
            header = flow.header
            port = header.source_port if side is Side.SOURCE else header.destination_port
            return _within(flow, PORTED, port, numbers)
        case IcmpTypes(numbers):
            return _within(flow, MESSAGES, flow.header.destination_port, numbers)
        case Interfaces(side):
            return _interfaces(flow, condition)
        case AddressTypes():
            return _address_types(flow, condition, around)
        case States(states):
            return _all_or_none(flow, flow.state in states)
        case TcpFlags(mask, value, negated):
            yes, no = _on(flow, flow.header.protocol, ONLY_TCP)
            return (yes, no) if (flow.flags & mask == value) is not negated else ([], [flow])
        case ReversePath(expected):
            back, astray = _back(flow, condition, around)
            return (back, astray) if expected else (astray, back)
        case Direction(reply):
            return _all_or_none(flow, flow.tracked is not None and flow.is_reply is reply)
        case Translated(side, expected):
            return _all_or_none(flow, _is_translated(flow, side) is expected)
        case Original():
            return _original(flow, condition)
        case Mark(of, numbers, mask):
            return _all_or_none(flow, (mark := mark_of(flow, of)) is not None and mark & mask in numbers)
        case AnyOf(_, negated):
            yes, no = around.any_of(condition, flow)
            return (no, yes) if negated else (yes, no)
        case Unknown(reason):
            unsure = flow.unsure(reason)
            return [unsure], [unsure]
        case _:
            assert_never(condition)


def mark_of(flow: Flow, of: Of) -> int | None:
    """The packet's mark, or its connection's, where it has one."""
    if of is Of.PACKET:
        return flow.mark
    return None if flow.tracked is None else flow.tracked.mark


def interface_matches(condition: Interfaces, name: str | None) -> bool:
    """Whether it holds at an interface; None: a hook that has none."""
    if name is None:
        return condition.negated
    found = name in condition.names or any(
        one.endswith("*") and name.startswith(one[:-1]) for one in condition.names
    )
    return found is not condition.negated


def _all_or_none(flow: Flow, holds: bool) -> Parts:
    return ([flow], []) if holds else ([], [flow])


def _lists(parts: tuple[Flow | None, Flow | None]) -> Parts:
    yes, no = parts
    return ([] if yes is None else [yes]), ([] if no is None else [no])


def _on(flow: Flow, ref: Ref, numbers: Numbers) -> Parts:
    return _lists(flow.split(ref, numbers))


def _within(flow: Flow, protocols: Numbers, ref: Ref, numbers: Numbers) -> Parts:
    """Packets of ``protocols`` whose ``ref`` is in ``numbers``; no others have such a field."""
    yes, no = _on(flow, flow.header.protocol, protocols)
    if not yes:
        return yes, no
    inner, outer = _on(yes[0], ref, numbers)
    return inner, no + outer


def _interfaces(flow: Flow, condition: Interfaces) -> Parts:
    names = flow.incoming if condition.side is Side.SOURCE else flow.outgoing
    if names is None:
        return _all_or_none(flow, condition.negated)
    mask = 0
    for name, its in names:
        if interface_matches(condition, name):
            mask |= its
    return _lists(flow.split_who(mask))


def _address_types(flow: Flow, condition: AddressTypes, around: Around) -> Parts:
    ref = flow.header.source if condition.side is Side.SOURCE else flow.header.destination
    if not condition.interface:
        yes, no = _on(flow, ref, around.numbers_of(condition.types, None))
    else:
        yes, no = [], []
        for name, mask in flow.incoming or ((None, -1),):
            part, _ = flow.split_who(mask)
            if part is not None:
                holding, not_holding = _on(part, ref, around.numbers_of(condition.types, name or ""))
                yes += holding
                no += not_holding
    return (no, yes) if condition.negated else (yes, no)


def _back(flow: Flow, condition: ReversePath, around: Around) -> Parts:
    """Those to whose source a route leads, by the interface by which they came or by any, and the others."""
    back: list[Flow] = []
    astray: list[Flow] = []
    header, mark = flow.header, flow.mark if condition.marked else 0
    for name, mask in flow.incoming or ((None, -1),):
        part, _ = flow.split_who(mask)
        ways = around.way(part, header.source, header.destination, None, mark) if part is not None else ()
        for one, hops in ways:
            for its, hop in hops:
                some, _ = one.split_who(its)
                if some is not None:
                    leads = hop.kind == "unicast" and (condition.loose or hop.interface == name)
                    (back if leads else astray).append(some)
    return back, astray


def _is_translated(flow: Flow, side: Side) -> bool | None:
    connection = flow.tracked
    if connection is None:
        return None
    was, now = connection.original, connection.translated
    if side is Side.SOURCE:
        return (was.source, was.source_port) != (now.source, now.source_port)
    return (was.destination, was.destination_port) != (now.destination, now.destination_port)


def _original(flow: Flow, condition: Original) -> Parts:
    if flow.tracked is None:
        return [], [flow]
    was = flow.tracked.original
    source = condition.side is Side.SOURCE
    yes: list[Flow] = [flow]
    no: list[Flow] = []
    if condition.addresses is not None:
        yes, no = _on(flow, was.source if source else was.destination, condition.addresses)
    if condition.ports is not None and yes:
        port = was.source_port if source else was.destination_port
        yes, outer = _within(yes[0], PORTED, port, condition.ports)
        no = no + outer
    return yes, no


"""The smallest network that still shows what a big one showed.

Whatever can go goes: connections, tables, chains, rules, hosts, interfaces, addresses, routes, one after the
other and in halves first, as long as the same difference stays. What is left is read by a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

from tests.lab.plan import Ask, Plan, Table

T = TypeVar("T")

MAX_TRIALS = 80  # each builds a network; what is left then is small enough to read


def shrunk(plan: Plan, shows: Callable[[Plan], bool], asked: Ask) -> Plan:
    """``plan`` made smaller while ``shows`` holds of it; ``asked`` is the only connection that is needed.

    A smaller plan that cannot be built does not show anything: ``shows`` says False of it.
    """
    trials = 0
    smaller = True
    only = replace(plan, asks=(asked,))
    plan = only if shows(only) else plan
    while smaller:
        smaller = False
        for candidate in _smaller(plan):
            trials += 1
            if trials > MAX_TRIALS:
                return plan
            if shows(candidate):
                plan, smaller = candidate, True
                break
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    needed = {source for ask in plan.asks for source in ask.sources}
    yield from (replace(plan, tables=some) for some in _without(plan.tables))
    for at, table in enumerate(plan.tables):
        for less in _smaller_table(table):
            yield replace(plan, tables=(*plan.tables[:at], less, *plan.tables[at + 1 :]))
    for host in plan.hosts:
        if host.name not in needed:
            yield replace(plan, hosts=tuple(one for one in plan.hosts if one is not host))
    for own in plan.interfaces:
        used = {nic.segment for host in plan.hosts for nic in host.nics}
        if not used & {own.name, *own.ports}:
            yield replace(plan, interfaces=tuple(one for one in plan.interfaces if one is not own))
    yield from (replace(plan, routes=some) for some in _without(plan.routes))
    yield from (replace(plan, rules=some) for some in _without(plan.rules))
    if plan.bridge_nf:
        yield replace(plan, bridge_nf=False)


def _smaller_table(table: Table) -> Iterator[Table]:
    yield from (replace(table, chains=some) for some in _without(table.chains))
    yield from (replace(table, sets=some) for some in _without(table.sets))
    for at, chain in enumerate(table.chains):
        for rules in _without(chain.rules):
            less = replace(chain, rules=rules)
            yield replace(table, chains=(*table.chains[:at], less, *table.chains[at + 1 :]))


def _without(some: Sequence[T]) -> Iterator[tuple[T, ...]]:
    """Without all of it, without a half, without one."""
    if len(some) > 1:
        yield ()
    if len(some) > 3:
        middle = len(some) // 2
        yield tuple(some[:middle])
        yield tuple(some[middle:])
    for at in range(len(some)):
        yield (*some[:at], *some[at + 1 :])

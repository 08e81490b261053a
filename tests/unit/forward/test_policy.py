"""Which upstream next, and when."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from splitdns.forward.health import FAILURES_TO_BE_DOWN, FIRST_WAIT_S, Health
from splitdns.forward.policy import (
    AT_ONCE,
    EXPLORE_ONE_IN,
    PATIENCE_S,
    ROUNDS,
    SHORTEST_TRY_S,
    Plan,
    Tries,
    Try,
    plan,
)
from splitdns.view import Strategy, Upstream, UpstreamSet

A, B, C, D = (Upstream(f"192.0.2.{number}") for number in (1, 2, 3, 4))
RANDOM = random.Random(1)


def begins(
    chosen: Plan, timeout_s: float = 2.0, health: Health | None = None
) -> list[tuple[float, Upstream, float]]:
    """When which try begins, and its time-out, where every upstream is silent to the end."""
    tries, begun = Tries(chosen, health or Health(), timeout_s, 100.0), []
    while (due_s := tries.due_s) is not None:
        if attempt := tries.next(due_s):
            begun.append((round(due_s - 100.0, 3), attempt.upstream, round(attempt.timeout_s, 3)))
    return begun


def measured(**trips_s: float) -> Health:
    """Upstreams whose answers take so long, always."""
    health = Health()
    for name, trip_s in trips_s.items():
        for _ in range(100):
            health.answered(globals()[name], 0.0, trip_s)
    return health


# --- tries


def test_a_silent_upstream_is_asked_again_soon_then_later_and_all_may_still_answer() -> None:
    assert begins(Plan((A,))) == [(0.0, A, 2.0), (0.4, A, 2.0), (1.2, A, 2.0), (2.8, A, 1.7)]


def test_upstreams_are_tried_in_order_and_then_again() -> None:
    order = [upstream for _, upstream, _ in begins(Plan((A, B)))]
    assert order[:5] == [A, B, A, B, A]


def test_the_time_between_tries_is_that_of_a_usual_answer() -> None:
    health = measured(A=0.1, B=0.3)
    assert [begun_s for begun_s, _, _ in begins(Plan((A, B)), health=health)[:4]] == [0.0, 0.1, 0.4, 0.6]


@pytest.mark.parametrize("timeout_s", [0.1, 0.5, 2.0, 60.0])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 20])
def test_no_try_outlasts_the_patience_and_all_upstreams_get_their_turn(count: int, timeout_s: float) -> None:
    order = tuple(Upstream(f"192.0.2.{number}") for number in range(count))
    tries = begins(Plan(order), timeout_s)
    assert {upstream for _, upstream, _ in tries} == set(order)
    assert max(begun_s + wait_s for begun_s, _, wait_s in tries) <= PATIENCE_S + 0.001
    assert max(wait_s for _, _, wait_s in tries) <= timeout_s
    assert len(tries) <= ROUNDS * count


def test_many_slow_upstreams_share_what_time_there_is() -> None:
    health = measured(A=1.9, B=1.9, C=1.9)
    assert [begun_s for begun_s, _, _ in begins(Plan((A, B, C)), health=health)[:3]] == [0.0, 1.5, 3.0]


def test_where_a_try_fails_the_next_begins_at_once() -> None:
    tries = Tries(Plan((A, B)), Health(), 2.0, 0.0)
    tries.next(0.0)
    assert tries.due_s == FIRST_WAIT_S
    tries.drop(A, 0.1)
    assert tries.due_s == 0.1
    assert tries.next(0.1) == Try(B, 2.0)


def test_an_upstream_that_is_of_no_use_is_not_tried_again() -> None:
    tries, order = Tries(Plan((A, B)), Health(), 2.0, 0.0), []
    tries.next(0.0)
    tries.drop(A, 0.0)
    while (due_s := tries.due_s) is not None:
        if attempt := tries.next(due_s):
            order.append(attempt.upstream)
    assert set(order) == {B}


@pytest.mark.parametrize("order", [(A,), (A, B)])
def test_when_none_is_of_use_there_is_no_try(order: tuple[Upstream, ...]) -> None:
    tries = Tries(Plan(order), Health(), 2.0, 0.0)
    for upstream in order:
        tries.next(0.0)
        tries.drop(upstream, 0.0)
    assert tries.due_s is None


def test_one_that_fails_late_brings_nobody_s_turn_forward() -> None:
    tries = Tries(Plan((A, B)), Health(), 2.0, 0.0)
    tries.next(0.0)
    tries.next(0.4)
    due_s = tries.due_s
    tries.drop(A, 0.5)
    assert tries.due_s == due_s, "B has its time to answer"


def test_no_upstreams_no_try() -> None:
    assert Tries(Plan(()), Health(), 1.0, 0.0).due_s is None


@pytest.mark.parametrize(("share", "worth"), [(1.01, True), (0.99, False), (0, False)])
def test_a_try_takes_a_while_or_is_not_made(share: float, worth: bool) -> None:
    tries = Tries(Plan((A,)), Health(), 1.0, 0.0, patience_s=5.0)
    assert (tries.next(5.0 - share * SHORTEST_TRY_S) is not None) == worth


def test_the_first_of_a_plan_are_asked_at_once() -> None:
    assert [begun_s for begun_s, _, _ in begins(Plan((A, B, C, D), 3))[:4]] == [0.0, 0.0, 0.0, 0.4]


# --- whom


def chosen(strategy: Strategy, health: Health, *upstreams: Upstream, seed: int | None = None) -> Plan:
    drawn = random.Random(seed) if seed is not None else RANDOM
    return plan(UpstreamSet(upstreams, strategy=strategy), health, drawn)


def test_in_order_is_in_order_whoever_is_faster() -> None:
    assert chosen(Strategy.IN_ORDER, measured(B=0.001), A, B) == Plan((A, B))


def test_fastest_is_by_round_trip_and_those_of_whom_nothing_is_known_first() -> None:
    health = measured(A=0.3, B=0.1, C=0.2)
    assert chosen(Strategy.FASTEST, health, A, B, C).order == (B, C, A)
    assert chosen(Strategy.FASTEST, health, A, B, C, D).order[0] == D


def test_one_that_is_down_is_not_the_fastest() -> None:
    health = measured(A=0.3, B=0.1)
    for _ in range(FAILURES_TO_BE_DOWN):
        health.failed(B, 1.0, 2.0)
    assert chosen(Strategy.FASTEST, health, A, B).order == (A, B)
    assert all(chosen(Strategy.FASTEST, health, A, B, seed=seed).at_once == 1 for seed in range(200))


def test_now_and_then_another_is_asked_beside_the_fastest() -> None:
    health = measured(A=0.3, B=0.1, C=0.2)
    plans = [chosen(Strategy.FASTEST, health, A, B, C, seed=seed) for seed in range(2000)]
    explored = [one.order[1] for one in plans if one.at_once == 2]
    assert 2000 / EXPLORE_ONE_IN / 1.5 < len(explored) < 2000 / EXPLORE_ONE_IN * 1.5
    assert set(explored) == {A, C}
    assert {one.order[0] for one in plans} == {B}
    assert all(sorted(one.order) == [A, B, C] for one in plans)


def test_in_parallel_the_best_are_asked_at_once() -> None:
    health = measured(A=0.3, B=0.1, C=0.2, D=0.4)
    assert chosen(Strategy.PARALLEL, health, A, B, C, D) == Plan((B, C, A, D), AT_ONCE)


@pytest.mark.parametrize("strategy", Strategy)
def test_of_one_upstream_there_is_no_choice(strategy: Strategy) -> None:
    assert chosen(strategy, Health(), A) == Plan((A,))


@given(st.data())
def test_whatever_happens_the_tries_end(data: st.DataObject) -> None:
    order = tuple(Upstream(f"192.0.2.{number}") for number in range(data.draw(st.integers(0, 4))))
    tries, now_s, begun = Tries(Plan(order, data.draw(st.integers(1, 3))), Health(), 2.0, 0.0), 0.0, []
    while tries.due_s is not None:
        now_s = max(now_s, tries.due_s)
        if attempt := tries.next(now_s):
            begun.append(attempt.upstream)
        if begun and data.draw(st.booleans()):
            tries.drop(data.draw(st.sampled_from(begun)), now_s)
    assert now_s <= PATIENCE_S
    assert len(begun) <= ROUNDS * len(order)
    assert set(begun) == set(order) or not order

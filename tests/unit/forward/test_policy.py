"""Which upstream next, and for how long."""

from __future__ import annotations

import pytest

from splitdns.forward.policy import (
    FAILURES_TO_BE_DOWN,
    PATIENCE_S,
    PROBE_EVERY_S,
    ROUNDS,
    SHORTEST_TRY_S,
    Health,
    Tries,
)
from splitdns.view import Upstream, UpstreamSet

A, B, C = (Upstream(f"192.0.2.{number}") for number in (1, 2, 3))


def waits(order: tuple[Upstream, ...], timeout_s: float) -> list[tuple[Upstream, float]]:
    """The tries when every upstream is silent: each takes its whole time."""
    now_s, taken = 100.0, []
    tries = Tries(order, timeout_s, now_s)
    while attempt := tries.next(now_s):
        taken.append((attempt.upstream, attempt.timeout_s))
        now_s += attempt.timeout_s
    return taken


def test_upstreams_are_tried_in_order_and_then_again() -> None:
    assert [upstream for upstream, _ in waits((A, B), 0.5)] == [A, B] * ROUNDS


@pytest.mark.parametrize("timeout_s", [0.1, 0.5, 2.0, 60.0])
@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_silence_never_outlasts_the_patience_and_all_get_their_turn(count: int, timeout_s: float) -> None:
    order = tuple(Upstream(f"192.0.2.{number}") for number in range(count))
    tries = waits(order, timeout_s)
    assert {upstream for upstream, _ in tries} == set(order)
    assert sum(wait_s for _, wait_s in tries) <= PATIENCE_S + 1e-6
    assert max(wait_s for _, wait_s in tries) <= timeout_s


def test_the_last_upstreams_share_what_is_left() -> None:
    assert waits((A, B, C), 2.0)[:3] == [(A, 1.5), (B, 1.5), (C, 1.5)]
    assert waits((A, B), 1.0)[:2] == [(A, 1.0), (B, 1.0)]


def test_an_upstream_that_is_dropped_is_not_tried_again() -> None:
    tries = Tries((A, B), 1.0, 0.0)
    tries.next(0.0)
    tries.drop(A)
    assert [attempt.upstream for attempt in iter(lambda: tries.next(0.0), None)] == [B] * ROUNDS


def test_when_all_are_dropped_there_is_no_try() -> None:
    tries = Tries((A,), 1.0, 0.0)
    tries.next(0.0)
    tries.drop(A)
    assert tries.next(0.0) is None


def test_no_upstreams_no_try() -> None:
    assert Tries((), 1.0, 0.0).next(0.0) is None


@pytest.mark.parametrize(("share", "worth"), [(1.01, True), (0.99, False), (0, False)])
def test_a_try_takes_a_while_or_is_not_made(share: float, worth: bool) -> None:
    left_s = share * SHORTEST_TRY_S
    assert (Tries((A,), 1.0, 0.0, patience_s=5.0).next(5.0 - left_s) is not None) == worth


def down(health: Health, upstream: Upstream, now_s: float = 0.0) -> None:
    for _ in range(FAILURES_TO_BE_DOWN):
        health.failed(upstream, now_s)


def test_an_upstream_that_is_down_is_tried_last() -> None:
    health = Health()
    down(health, A)
    assert health.order(UpstreamSet((A, B, C))) == (B, C, A)


def test_one_failure_means_nothing_and_an_answer_in_between_starts_anew() -> None:
    health = Health()
    for _ in range(5):
        for _ in range(FAILURES_TO_BE_DOWN - 1):
            assert not health.failed(A, 0.0)
        health.answered(A)
    assert health.order(UpstreamSet((A, B))) == (A, B)


def test_going_down_and_coming_back_are_news_once() -> None:
    health = Health()
    news = [health.failed(A, 0.0) for _ in range(FAILURES_TO_BE_DOWN + 2)]
    assert news.count(True) == 1
    assert [health.answered(A), health.answered(A)] == [True, False]
    assert not health.is_down(A)


def test_an_upstream_that_is_down_is_probed_from_time_to_time_beside_the_others() -> None:
    health, upstreams = Health(), UpstreamSet((A, B))
    down(health, A, 100.0)
    assert health.due(upstreams, 100.0) == ()
    assert health.due(upstreams, 100.0 + PROBE_EVERY_S) == (A,)
    assert health.due(upstreams, 100.0 + PROBE_EVERY_S) == ()
    assert health.due(upstreams, 100.0 + 2 * PROBE_EVERY_S) == (A,)


def test_while_all_are_down_the_queries_themselves_find_out() -> None:
    health, upstreams = Health(), UpstreamSet((A, B))
    down(health, A)
    down(health, B)
    assert health.due(upstreams, 1000.0) == ()
    assert health.order(upstreams) == (A, B)


def test_an_upstream_in_several_sets_is_the_same_one() -> None:
    health = Health()
    down(health, A)
    assert health.order(UpstreamSet((A, C), timeout_s=0.5)) == (C, A)

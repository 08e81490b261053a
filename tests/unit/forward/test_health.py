"""How upstreams are: how long they take, and which are down."""

from __future__ import annotations

import pytest

from splitdns.forward.health import (
    FAILURES_TO_BE_DOWN,
    FIRST_WAIT_S,
    MAX_PROBE_S,
    PROBE_AFTER_S,
    SHORTEST_WAIT_S,
    Health,
)
from splitdns.view import Upstream, UpstreamSet

A, B, C = (Upstream(f"192.0.2.{number}") for number in (1, 2, 3))


def down(health: Health, upstream: Upstream, now_s: float = 0.0) -> None:
    for _ in range(FAILURES_TO_BE_DOWN):
        health.failed(upstream, now_s, now_s)


def answers(health: Health, upstream: Upstream, *trips_s: float) -> None:
    for trip_s in trips_s:
        health.answered(upstream, 100.0, 100.0 + trip_s)


# --- round trips


def test_of_one_that_never_answered_nothing_is_known() -> None:
    assert Health().wait_s(A) == FIRST_WAIT_S
    assert Health().trip_s(A) == 0.0


def test_the_wait_follows_from_the_smoothed_round_trip__rfc6298_2() -> None:
    health = Health()
    answers(health, A, 0.1)
    assert health.trip_s(A) == pytest.approx(0.1)
    assert health.wait_s(A) == pytest.approx(0.1 + 4 * 0.05)
    answers(health, A, 0.3)  # RTTVAR = 3/4 · 0.05 + 1/4 · 0.2, SRTT = 7/8 · 0.1 + 1/8 · 0.3
    assert health.trip_s(A) == pytest.approx(0.125)
    assert health.wait_s(A) == pytest.approx(0.125 + 4 * 0.0875)


def test_a_steady_upstream_gets_a_short_wait_but_not_too_short() -> None:
    health = Health()
    answers(health, A, *[0.001] * 100)
    assert health.wait_s(A) == SHORTEST_WAIT_S
    answers(health, B, *[0.2] * 100)
    assert 0.2 <= health.wait_s(B) < 0.21


def test_one_whose_answers_differ_gets_a_long_wait() -> None:
    health = Health()
    answers(health, A, *[0.001, 0.2] * 50)
    assert health.wait_s(A) > 0.3


# --- down


def test_an_upstream_that_is_down_comes_last() -> None:
    health = Health()
    assert health.order(UpstreamSet((A, B, C))) == (A, B, C)
    down(health, A)
    assert health.order(UpstreamSet((A, B, C))) == (B, C, A)


def test_one_failure_means_nothing_and_an_answer_in_between_starts_anew() -> None:
    health = Health()
    for now_s in range(5):
        for _ in range(FAILURES_TO_BE_DOWN - 1):
            assert not health.failed(A, now_s, now_s + 0.5)
        health.answered(A, now_s + 0.5, now_s + 0.6)
    assert health.order(UpstreamSet((A, B))) == (A, B)


def test_silence_to_one_question_is_nothing_where_another_was_answered_meanwhile() -> None:
    health = Health()
    health.answered(A, 10.0, 10.5)
    for _ in range(FAILURES_TO_BE_DOWN):
        assert not health.failed(A, 10.4, 12.4)
    assert not health.is_down(A)
    for _ in range(FAILURES_TO_BE_DOWN):
        health.failed(A, 10.5, 12.5)
    assert health.is_down(A)


def test_going_down_and_coming_back_are_news_once() -> None:
    health = Health()
    news = [health.failed(A, 0.0, 2.0) for _ in range(FAILURES_TO_BE_DOWN + 2)]
    assert news.count(True) == 1
    assert [health.answered(A, 3.0, 3.1), health.answered(A, 3.0, 3.1)] == [True, False]
    assert not health.is_down(A)
    assert health.order(UpstreamSet((A, B))) == (A, B)


def test_an_upstream_that_is_down_is_probed_beside_the_others_and_more_and_more_rarely() -> None:
    health, upstreams = Health(), UpstreamSet((A, B))
    assert health.due(upstreams, 0.0) == ()
    down(health, A, 100.0)
    probes = []
    for tenth in range(3000):
        if health.due(upstreams, 100.0 + tenth / 10):
            probes.append(tenth / 10)
    gaps = [round(after - before, 1) for before, after in zip([0.0, *probes], probes, strict=False)]
    assert gaps[:7] == [PROBE_AFTER_S, 2.0, 4.0, 8.0, 16.0, MAX_PROBE_S, MAX_PROBE_S]
    health.answered(A, 400.0, 400.1)
    down(health, A, 500.0)
    assert health.due(upstreams, 500.0 + PROBE_AFTER_S) == (A,), "the next time begins anew"


def test_while_all_are_down_the_questions_themselves_find_out() -> None:
    health, upstreams = Health(), UpstreamSet((A, B))
    down(health, A)
    down(health, B)
    assert health.due(upstreams, 1000.0) == ()
    assert health.order(upstreams) == (A, B)


def test_an_upstream_in_several_sets_is_the_same_one() -> None:
    health = Health()
    down(health, A)
    assert health.order(UpstreamSet((A, C), timeout_s=0.5)) == (C, A)

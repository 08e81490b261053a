"""How long a failure answers by itself."""

from __future__ import annotations

import pytest

from splitdns.answer.decide import Reply
from splitdns.forward.failures import FIRST_S, MAX_ERROR_S, MAX_FAILURES, SAME_TROUBLE_S, Failures
from splitdns.records import Ede, Rcode

ERROR = Reply(Rcode.SERVFAIL, edes=((7, "expired"),))


def kept_s(failures: Failures[str], times: int, *, silence: bool, pause_s: float = 0.0) -> list[float]:
    """For how long each of a row of failures is kept, where the question is asked again each time."""
    now_s, found = 1000.0, []
    for _ in range(times):
        failures.note("www", ERROR, silence, now_s)
        kept = failures.get("www")
        assert kept is not None
        found.append(kept.until_s - now_s)
        now_s = kept.until_s + pause_s
    return found


def test_an_error_is_kept_for_a_second_and_twice_as_long_each_time__rfc9520_3_2() -> None:
    assert kept_s(Failures(), 11, silence=False) == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]
    assert (FIRST_S, MAX_ERROR_S) == (1, 300)


def test_silence_is_kept_for_a_few_seconds_at_most() -> None:
    assert kept_s(Failures(), 5, silence=True) == [1, 2, 4, 4, 4]


@pytest.mark.parametrize(("pause_s", "second_s"), [(10.9, 2), (11.1, 1)])
def test_a_failure_long_after_the_last_is_the_first(pause_s: float, second_s: float) -> None:
    assert pause_s > SAME_TROUBLE_S
    assert kept_s(Failures(), 2, silence=False, pause_s=pause_s) == [1, second_s]


def test_an_answer_in_between_starts_anew() -> None:
    failures: Failures[str] = Failures()
    kept_s(failures, 5, silence=False)
    failures.over("www")
    assert failures.get("www") is None
    assert kept_s(failures, 1, silence=False) == [1]


def test_it_says_that_nobody_was_asked__rfc8914_4_14() -> None:
    failures: Failures[str] = Failures()
    failures.note("www", ERROR, False, 0)
    kept = failures.get("www")
    assert kept is not None
    assert [code for code, _ in kept.answer().edes] == [7, Ede.CACHED_ERROR]
    assert kept.answer().rcode == Rcode.SERVFAIL


@pytest.mark.parametrize("beyond", [0, 1])
def test_so_many_are_kept_at_most_and_the_oldest_is_forgotten(beyond: int) -> None:
    failures: Failures[int] = Failures()
    for number in range(MAX_FAILURES + beyond):
        failures.note(number, ERROR, False, float(number))
    assert len(failures) == MAX_FAILURES
    assert (failures.get(0) is None) == bool(beyond)


def test_some_are_forgotten_when_somebody_says_so() -> None:
    failures: Failures[str] = Failures()
    failures.note("www", ERROR, True, 0)
    failures.note("mail", ERROR, False, 0)
    failures.forget(lambda _, kept: kept.silence)
    assert (failures.get("www"), len(failures)) == (None, 1)

from __future__ import annotations

import gc
import itertools
from collections.abc import Iterator

import pytest

from splitdns.daemon.garbage import (
    AGAIN_S,
    EVERY_S,
    LATEST_S,
    QUIET_S,
    YOUNG_OBJECTS,
    Quiet,
    look_at_the_young_only,
)


@pytest.fixture
def young_only() -> Iterator[None]:
    before = gc.get_threshold()
    look_at_the_young_only()
    yield
    gc.set_threshold(*before)


@pytest.mark.usefixtures("young_only")
def test_among_answers_only_what_is_new_is_looked_at() -> None:
    seen: list[int] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            seen.append(info["generation"])

    gc.callbacks.append(note)
    try:
        kept = [[number] for number in range(100 * YOUNG_OBJECTS)]
    finally:
        gc.callbacks.remove(note)
    assert len(kept) == 100 * YOUNG_OBJECTS
    assert len(seen) > 10
    assert set(seen) == {0}


@pytest.mark.usefixtures("young_only")
def test_garbage_that_holds_itself_goes_while_it_is_young() -> None:
    class Ring:
        def __init__(self) -> None:
            self.itself = self

    def alive() -> int:
        return sum(type(one).__name__ == "Ring" for one in gc.get_objects())

    for _ in range(10 * YOUNG_OBJECTS):
        Ring()
    assert alive() < 2 * YOUNG_OBJECTS


def test_everything_is_looked_at_once_an_hour_when_nobody_asks() -> None:
    collected: list[float] = []
    now_s = 100.0
    quiet = Quiet(lambda: 7, now_s, lambda: collected.append(now_s))
    for _ in range(6):
        now_s += quiet.look(now_s)
    assert collected == [100.0 + EVERY_S + QUIET_S, 100.0 + 2 * (EVERY_S + QUIET_S)]


def test_nobody_is_kept_waiting_where_questions_come() -> None:
    collected: list[float] = []
    asked = itertools.count()
    now_s = 0.0
    quiet = Quiet(lambda: next(asked), now_s, lambda: collected.append(now_s))
    pauses = []
    while now_s < EVERY_S + LATEST_S:
        assert collected == []
        pauses.append(quiet.look(now_s))
        now_s += pauses[-1]
    assert pauses[:5] == [EVERY_S, QUIET_S, AGAIN_S, QUIET_S, AGAIN_S]
    assert quiet.look(now_s) == EVERY_S  # at some time it has to be
    assert len(collected) == 1
    assert len(pauses) < 2 * LATEST_S / AGAIN_S + 3

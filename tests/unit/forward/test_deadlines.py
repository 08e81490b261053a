"""Deadlines: none is early, none is late by more than a slot, and one that is given up is silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

from hypothesis import given, settings
from hypothesis import strategies as st

from splitdns.forward.deadlines import A_SECOND, Deadlines
from tests.clock import run


@settings(deadline=None, max_examples=25)  # each moment takes a while, really
@given(st.lists(st.tuples(st.floats(0, 3), st.booleans()), max_size=30))
def test_each_rings_once_and_in_time_unless_it_is_given_up(wanted: list[tuple[float, bool]]) -> None:
    async def main() -> None:
        loop, deadlines = asyncio.get_running_loop(), Deadlines()
        rung: dict[int, float] = {}
        dues_s = [loop.time() + after_s for after_s, _ in wanted]
        for number, (_, is_kept) in enumerate(wanted):
            deadline = deadlines.at(dues_s[number], partial(_note, rung, number))
            if not is_kept:
                deadline.cancel()
        await asyncio.sleep(4)
        assert set(rung) == {number for number, (_, is_kept) in enumerate(wanted) if is_kept}
        for number, rung_s in rung.items():
            assert 0 <= rung_s - dues_s[number] < 1.001 / A_SECOND

    run(main())


def _note(rung: dict[int, float], number: int) -> None:
    assert number not in rung
    rung[number] = asyncio.get_running_loop().time()


def test_one_may_give_up_another_of_the_same_moment_or_set_a_new_one() -> None:
    async def main() -> None:
        deadlines = Deadlines()
        now_s = asyncio.get_running_loop().time()
        rung: list[str] = []
        both = []

        def first_come(name: str, other: int) -> Callable[[], None]:
            def ring() -> None:
                rung.append(name)
                both[other].cancel()
                both[other].cancel()
                deadlines.at(now_s + 1, lambda: rung.append("again"))

            return ring

        for name, other in (("one", 1), ("other", 0)):
            both.append(deadlines.at(now_s + 1, first_come(name, other)))
        await asyncio.sleep(1.01)
        assert rung in (["one", "again"], ["other", "again"])

    run(main())

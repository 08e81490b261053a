"""When a source is asked again. Nobody is asked, and no time passes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from splitdns.sources.asking import GAP_S, ask_again, reason_of, rest
from splitdns.sources.source import Said, SourceError


class _EndError(Exception):
    pass


def played(answers: Sequence[Said | Exception], every_s: float = 30.0) -> tuple[list[object], list[float]]:
    """What was told for ``answers``, one after the other, and the pauses between; it is always 1000."""
    told: list[object] = []
    pauses_s: list[float] = []
    left = list(answers)
    formers: list[Said | None] = []

    async def ask(former: Said | None, now_s: float) -> Said:
        assert now_s == 1000.0
        formers.append(former)
        answer = left.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def resting(_: asyncio.Event, pause_s: float) -> None:
        pauses_s.append(pause_s)
        if not left:
            raise _EndError

    async def play() -> None:
        with pytest.raises(_EndError):
            await ask_again(
                ask, asyncio.Event(), every_s, None, told.append, told.append, lambda: 1000.0, resting
            )

    asyncio.run(play())
    good = [one for one in answers[:-1] if isinstance(one, Said)]
    assert [one for one in dict.fromkeys(formers) if one] == list(dict.fromkeys(good))
    return told, pauses_s


def test_it_is_asked_at_times_and_when_something_ends() -> None:
    answers = [Said(), Said(until_s=1005.0), Said(until_s=2000.0), Said(until_s=900.0)]
    assert played(answers) == (answers, [30.0, 5.0, 30.0, 0.0])


def test_failures_are_asked_again_soon_and_then_less_often() -> None:
    answers = [*[SourceError("no")] * 6, Said(), SourceError("no")]
    told, pauses_s = played(answers, every_s=10.0)
    assert told == [*["no"] * 6, Said(), "no"]
    assert pauses_s == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0, 1.0]


def test_what_the_system_says_is_told_in_its_words() -> None:
    assert reason_of(FileNotFoundError(2, "No such file or directory")) == "No such file or directory"
    assert reason_of(OSError("odd")) == "odd"


def test_a_hint_ends_the_rest_but_not_before_its_time() -> None:
    async def play() -> float:
        loop, hint = asyncio.get_running_loop(), asyncio.Event()
        hint.set()
        before_s = loop.time()
        await rest(hint, 600.0)
        return loop.time() - before_s

    assert GAP_S - 0.1 <= asyncio.run(play()) < 60.0
